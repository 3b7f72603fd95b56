//! What came out of an experiment: the tables and their schemas, the store on disk, and the
//! statistics of a ranking. Knows nothing of tensors; the experiments write here, the reports read.

pub mod claim;
pub mod correlation;
mod error;
pub mod manifest;
pub mod peer;
pub mod rows;
pub mod statistics;
pub mod store;
pub mod tables;
pub mod throughput;

pub use claim::{Claim, Verdict};
pub use correlation::CorrelationSummary;
pub use error::{Error, Result};
pub use manifest::Manifest;
pub use rows::{
    ArchitectureRow, CandidateRow, CorruptionRow, DrawingRow, EncodingCellRow, EpochRow, FastTruthRow, MemberScoreRow,
    ProxyRow, ScoreRow, SystemRow, SystemTrainingRow, ThroughputRow, TrialRow, TruthRow, WeightsRow,
};
pub use store::{RunDir, RunKey};
pub use tables::{Row, Status};
