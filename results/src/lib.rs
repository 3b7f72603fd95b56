//! Results of experiments: the tables and their schemas, the store on disk, and the statistics of a ranking.
//!
//! This crate knows nothing about tensors. The experiments write here; the reports read.

#![forbid(unsafe_code)]

pub mod baseline;
pub mod benchmark;
pub mod ceiling;
pub mod claim;
pub mod columns;
pub mod comparable;
pub mod compare;
pub mod comparison;
pub mod contrast;
pub mod correlation;
pub mod corruption;
pub mod csv;
pub mod ensemble;
mod error;
mod faults;
pub mod files;
pub mod manifest;
mod objects;
pub mod paired;
mod parquet;
pub mod peer;
pub mod pool;
pub mod power;
pub mod predictors;
pub mod proxy;
pub mod ranking;
pub mod regime;
pub mod rows;
pub mod seal;
pub mod search;
pub mod statistics;
pub mod store;
pub mod student;
pub mod tables;
pub mod tau;
pub mod text;
pub mod throughput;

pub use claim::{Claim, Statistic, Verdict};
pub use comparison::ComparisonSummary;
pub use contrast::Contrast;
pub use correlation::{CorrelationSummary, Measure};
pub use corruption::CorruptionSummary;
pub use ensemble::EnsembleSummary;
pub use error::{Error, Result};
pub use manifest::Manifest;
pub use pool::{Pool, PooledTruthRow, TruthKey};
pub use predictors::PredictorsSummary;
pub use proxy::ProxySummary;
pub use rows::{
    ArchitectureRow, CandidateRow, CorruptionRow, DrawingRow, EncodingCellRow, EpochRow, FastTruthRow, MemberScoreRow,
    PredictionRow, ProxyRow, ScoreRow, SystemRow, SystemTrainingRow, ThroughputRow, TrialRow, TruthRow, WeightsRow,
};
pub use search::SearchSummary;
pub use store::{RunDir, RunKey};
pub use tables::{Row, Status};
