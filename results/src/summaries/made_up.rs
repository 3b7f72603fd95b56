//! Made-up rows for tests. A value of `None` is a failure.

use crate::tables::Status;
use crate::tables::rows::{ArchitectureRow, ScoreRow, TruthRow};

pub(crate) fn architecture(seed: u64, architecture: u32) -> ArchitectureRow {
    ArchitectureRow {
        seed,
        architecture,
        hash: format!("{seed:08x}{architecture:08x}"),
        canonical: None,
        json: String::new(),
        parameters: 1,
        multiply_adds: 1,
        ops: 1,
        depth: 1,
    }
}

pub(crate) fn score(seed: u64, architecture: u32, draw: u32, error: Option<f64>) -> ScoreRow {
    ScoreRow { seed, architecture, draw, error, loss: None, status: status(error) }
}

pub(crate) fn truth(seed: u64, architecture: u32, training_seed: u32, error: Option<f64>) -> TruthRow {
    TruthRow {
        seed,
        architecture,
        training_seed,
        status: status(error),
        error,
        validation_error: None,
        train_error: None,
        train_loss: None,
        epochs: 1,
        message: None,
    }
}

pub(crate) fn status(value: Option<f64>) -> Status {
    match value {
        Some(_) => Status::Ok,
        None => Status::Failed,
    }
}
