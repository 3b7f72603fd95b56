//! Results of experiments: the tables and their schemas, the store on disk, and the statistics of a ranking.
//!
//! This crate knows nothing about tensors. The experiments write here; the reports read.

#![forbid(unsafe_code)]

pub mod commits;
mod error;
pub mod statistics;
pub mod store;
pub mod summaries;
pub mod tables;
pub mod terminal;
pub mod threads;

pub use error::{Error, Result};
pub use store::RunDir;
pub use store::manifest::{Manifest, RunKey};
pub use store::pool::{Pool, PooledTruthRow, TruthKey};
pub use summaries::claim::{Claim, Claims, Statistic, Verdict};
pub use summaries::comparison::ComparisonSummary;
pub use summaries::contrast::Contrast;
pub use summaries::correlation::{CorrelationSummary, Measure, Points};
pub use summaries::corruption::CorruptionSummary;
pub use summaries::cost::CostSummary;
pub use summaries::ensemble::EnsembleSummary;
pub use summaries::fronts::FrontsSummary;
pub use summaries::initialisation::InitialisationSummary;
pub use summaries::normalisation::NormalisationSummary;
pub use summaries::predictors::PredictorsSummary;
pub use summaries::proxy::ProxySummary;
pub use summaries::sampling::SamplingSummary;
pub use summaries::search::SearchSummary;
pub use summaries::search_cost::SearchCostSummary;
pub use tables::counts::{OpValueRow, PhaseCostRow, SampleRow};
pub use tables::rows::{
    ArchitectureFeatureRow, ArchitectureRow, CandidateRow, CorruptionRow, DrawingRow, EncodingCellRow, EpochRow,
    FastTruthRow, FixedTrainingRow, MemberScoreRow, PredictionRow, ProxyRow, ScoreRow, StabilityRow, SystemRow,
    SystemTrainingRow, ThroughputRow, TrainingCurveRow, TrialRow, TruthRow, VerificationRow, WeightsRow,
};
pub use tables::starts::{InitialisationCurveRow, InitialisationRow};
pub use tables::{Row, Status};
