//! The kinds of row: one plain struct for each table of a run.

use polars::prelude::{DataFrame, Series};

use crate::tables::{ColumnFault, Row, Status, cells, declare, to_series};

declare! {
    /// One sampled architecture.
    pub struct ArchitectureRow in "architectures" {
        /// Root seed of the run.
        pub seed: u64,
        /// Index in the order of sampling, counted from 0 within the seed.
        pub architecture: u32,
        /// Hash of `json`.
        pub hash: String,
        /// The architecture itself, in its stored form.
        pub json: String,
        /// Free parameters of the resulting network.
        pub parameters: u64,
        /// Multiply-adds of one forward pass of one example.
        pub multiply_adds: u64,
        /// Ops over all blocks.
        pub ops: u32,
        /// Convolutions on the longest path from input to output.
        pub depth: u32,
    }
}

declare! {
    /// One evaluation of one architecture with generated weights. The SMASH score of an architecture is the mean of
    /// `error` over its draws.
    pub struct ScoreRow in "scores" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Index of the noise draw z, counted from 0.
        pub draw: u32,
        /// Validation error in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
        /// Mean validation loss in nats; present if it was measured, even if it is not finite.
        pub loss: Option<f64>,
        /// How the evaluation ended.
        pub status: Status,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One resulting network, trained with all weights free.
    pub struct TruthRow in "truths" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error in [0, 1]: the true error. It is present if and only if the status is ok.
        pub error: Option<f64>,
        /// Validation error in [0, 1] at the end of the training.
        pub validation_error: Option<f64>,
        /// Mean training error of the last epoch, in [0, 1]; absent in tables of programs that did not write it.
        pub train_error: Option<f64>,
        /// Mean training loss of the last epoch in nats.
        pub train_loss: Option<f64>,
        /// Number of completed epochs.
        pub epochs: u32,
        /// Why the training failed or was skipped.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One resulting network trained by the fast recipe, in a run that compares the fast recipe with the long one.
    pub struct FastTruthRow in "fast-truths" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// The prediction of one predictor for one architecture.
    pub struct PredictionRow in "predictions" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Name of the predictor, such as `SMASH score`.
        pub predictor: String,
        /// Whether the value could be obtained.
        pub status: Status,
        /// Its value; present if and only if the status is ok. A lower value predicts a lower error. A measure for
        /// which more is better is negated.
        pub value: Option<f64>,
        /// Multiply-adds that the prediction took for this architecture.
        pub cost: f64,
        /// Multiply-adds spent once for all architectures, such as on training a SMASH network.
        pub shared_cost: f64,
    }
    fault(status, value) = finite_if_ok
}

declare! {
    /// One timed step. Only this table holds times, so no two runs have the same one.
    pub struct ThroughputRow in "throughput" {
        /// Root seed of the run.
        pub seed: u64,
        /// Name of the step, such as `SMASH training step`.
        pub step: String,
        /// Index of the step, counted from 0; every step uses another architecture.
        pub index: u32,
        /// Images that the step read.
        pub images: u32,
        /// Seconds from its start until the device had finished.
        pub seconds: f64,
    }
    fault(seconds) = positive_seconds
}

declare! {
    /// One epoch of one training.
    pub struct EpochRow in "epochs" {
        /// Root seed of the run.
        pub seed: u64,
        /// Key of the unit that trained.
        pub unit: String,
        /// Index of the epoch, counted from 0.
        pub epoch: u32,
        /// Learning rate at the end of the epoch.
        pub learning_rate: f64,
        /// Mean training loss in nats.
        pub train_loss: f64,
        /// Training error in [0, 1].
        pub train_error: f64,
        /// Validation error in [0, 1], in the epochs that measure it.
        pub validation_error: Option<f64>,
    }
}

declare! {
    /// Numbers of generated and of freely learned weights of a SMASH network for one architecture.
    pub struct WeightsRow in "weights" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Weights of the 1x1 convolutions that the HyperNet generates for it.
        pub generated: u64,
        /// Freely learned weights of the main network, which all architectures share; the HyperNet's are not included.
        pub learned: u64,
    }
}

declare! {
    /// One evaluation of one architecture by one of several SMASH networks that differ only in their seed.
    pub struct MemberScoreRow in "member-scores" {
        /// Root seed of the run.
        pub seed: u64,
        /// Index of the SMASH network, counted from 0.
        pub member: u32,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Index of the noise draw z, counted from 0.
        pub draw: u32,
        /// Validation error in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
        /// Mean validation loss in nats; present if it was measured, even if it is not finite.
        pub loss: Option<f64>,
        /// How the evaluation ended.
        pub status: Status,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One evaluation of one architecture with weights generated from its own or from a corrupted encoding.
    pub struct CorruptionRow in "corruptions" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture, as in [`ArchitectureRow::architecture`].
        pub architecture: u32,
        /// Name of the corruption, such as `dilations`; `none` for the correct encoding.
        pub corruption: String,
        /// Index of the noise draw z, counted from 0. The same index is the same noise for all encodings.
        pub draw: u32,
        /// Validation error in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
        /// Mean validation loss in nats; present if it was measured, even if it is not finite.
        pub loss: Option<f64>,
        /// How the evaluation ended; skipped if the architecture cannot be corrupted like this.
        pub status: Status,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One architecture on the path of architectural gradient descent by proxy, or of its random control.
    pub struct ProxyRow in "proxy-steps" {
        /// Root seed of the run.
        pub seed: u64,
        /// Index of the starting point, counted from 0; both methods start there.
        pub start: u32,
        /// `gradient` or `random`.
        pub method: String,
        /// Index of the step; step 0 is the starting point itself.
        pub step: u32,
        /// Hash of the proposed architecture.
        pub hash: String,
        /// Number of elements of the architecture that the step changes.
        pub changes: u32,
        /// Validation error of the proposal in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
        /// Mean validation loss in nats; present if it was measured, even if it is not finite.
        pub loss: Option<f64>,
        /// How the evaluation ended.
        pub status: Status,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One architecture that a search by SMASH score evaluated.
    pub struct CandidateRow in "candidates" {
        /// Root seed of the run.
        pub seed: u64,
        /// Name of the search, such as `SMASHv2`.
        pub search: String,
        /// `random`, `perturbation` or `chain`.
        pub stage: String,
        /// Index in the order of scoring, counted from 0.
        pub index: u32,
        /// Hash of `json`.
        pub hash: String,
        /// The architecture itself, in its stored form.
        pub json: String,
        /// Free parameters of the resulting network.
        pub parameters: u64,
        /// Its SMASH score in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
        /// How the evaluation ended.
        pub status: Status,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One full training, for a search method that needs full trainings.
    pub struct TrialRow in "trials" {
        /// Root seed of the run.
        pub seed: u64,
        /// System of the search method, as in [`SystemRow::system`].
        pub system: String,
        /// Index in the order of training, counted from 0.
        pub index: u32,
        /// Hash of `json`.
        pub hash: String,
        /// The architecture itself, in its stored form.
        pub json: String,
        /// Free parameters of its network.
        pub parameters: u64,
        /// Validation error in [0, 1] after training; present if and only if the status is ok.
        pub error: Option<f64>,
        /// How the training ended.
        pub status: Status,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One system of a comparison: a hand-designed network, or an architecture that a search found.
    pub struct SystemRow in "systems" {
        /// Root seed of the run.
        pub seed: u64,
        /// Its name, such as `WRN-28-10`.
        pub system: String,
        /// `hand-designed`, `SMASH` or `trained search`.
        pub role: String,
        /// Learned parameters.
        pub parameters: u64,
        /// Multiply-adds of one forward pass of one example.
        pub multiply_adds: u64,
        /// Convolutions on the longest path from input to output.
        pub depth: u32,
        /// The architecture in its stored form, if a search found it.
        pub json: Option<String>,
    }
}

declare! {
    /// One full training of one system of a comparison.
    pub struct SystemTrainingRow in "system-trainings" {
        /// Root seed of the run.
        pub seed: u64,
        /// The system, as in [`SystemRow::system`].
        pub system: String,
        /// Index of the fold that was trained on, if the training set is cut into folds.
        pub fold: Option<u32>,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error in [0, 1]; present if and only if the status is ok.
        pub error: Option<f64>,
        /// Fraction of test examples whose class is not among the five most probable.
        pub top5_error: Option<f64>,
        /// Mean training loss of the last epoch in nats.
        pub train_loss: Option<f64>,
        /// Number of completed epochs.
        pub epochs: u32,
        /// Why the training failed.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One drawn architecture.
    pub struct DrawingRow in "drawings" {
        /// Root seed of the run.
        pub seed: u64,
        /// Its name, such as `ResNet`.
        pub drawing: String,
        /// The architecture in its stored form.
        pub json: String,
        /// Channels of one unit, the paper's N.
        pub base_channels: u32,
        /// Reference width of its search space, which determines how wide block inputs are.
        pub width: u32,
        /// Channels of its encoding, if the encoding is drawn too.
        pub encoding_channels: Option<u32>,
        /// Rows of its encoding: output units.
        pub encoding_units: Option<u32>,
        /// Length of its encoding: slices of input channels.
        pub encoding_slices: Option<u32>,
    }
}

declare! {
    /// One cell of an encoding that holds +1; all others hold -1.
    pub struct EncodingCellRow in "encoding-cells" {
        /// Root seed of the run.
        pub seed: u64,
        /// The drawing, as in [`DrawingRow::drawing`].
        pub drawing: String,
        /// Property that the channel encodes: `reads`, `writes`, `block`, `units`, `dilation`, `kernel`, `pattern` or `groups`.
        pub part: String,
        /// Channel, counted from 0.
        pub channel: u32,
        /// Output unit, counted from 0.
        pub unit: u32,
        /// Slice of input channels, counted from 0.
        pub slice: u32,
    }
}

fn positive_seconds(seconds: f64) -> Option<&'static str> {
    let is_time = seconds.is_finite() && seconds > 0.0;
    (!is_time).then_some("a step takes some seconds")
}

pub(crate) fn measured_if_ok(status: Status, error: Option<f64>) -> Option<&'static str> {
    match (status, error) {
        (Status::Ok, None) => Some("status `ok` needs an error"),
        (Status::Ok, Some(error)) if (0.0..=1.0).contains(&error) => None,
        (Status::Ok, Some(_)) => Some("the error must lie in [0, 1]"),
        (Status::Failed | Status::Skipped, None) => None,
        (Status::Failed | Status::Skipped, Some(_)) => Some("only status `ok` may have an error"),
    }
}

fn finite_if_ok(status: Status, value: Option<f64>) -> Option<&'static str> {
    match (status, value) {
        (Status::Ok, Some(value)) if value.is_finite() => None,
        (Status::Ok, _) => Some("status `ok` needs a finite value"),
        (Status::Failed | Status::Skipped, None) => None,
        (Status::Failed | Status::Skipped, Some(_)) => Some("only status `ok` may have a value"),
    }
}
