//! The kinds of row: one plain struct for each table of a run. docs/tables.md lists them.

use crate::tables::{Status, declare, finite_if_ok, measured_if_ok, positive_seconds};

mod normalisation;

pub use normalisation::{FixedTrainingRow, StabilityRow};

declare! {
    /// One sampled architecture.
    pub struct ArchitectureRow in "architectures" {
        /// Root seed of the run.
        pub seed: u64,
        /// Index of the architecture in the order of sampling, counted from 0 for each root seed.
        pub architecture: u32,
        /// Hash of `json`.
        pub hash: String,
        /// Canonical hash, which isomorphic architectures share. Tables of older programs lack this column.
        pub canonical: Option<String>,
        /// The architecture itself, in its stored form.
        pub json: String,
        /// Number of free parameters of the resulting network.
        pub parameters: u64 as "count",
        /// Cost of one forward pass.
        pub multiply_adds: u64 as "multiply-adds per example",
        /// Number of ops in all blocks together.
        pub ops: u32 as "count",
        /// Number of convolutions on the longest path from input to output.
        pub depth: u32 as "count",
    }
}

declare! {
    /// One evaluation of one architecture with generated weights. The SMASH score of an architecture is the mean of
    /// `error` over its noise draws.
    pub struct ScoreRow in "scores" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Index of the noise draw z, counted from 0.
        pub draw: u32,
        /// Validation error; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Mean validation loss; present if it was measured, even if it is not finite.
        pub loss: Option<f64> as "nats",
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
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error: the true error. It is present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Validation error at the end of the training.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training error of the last epoch. Tables of older programs lack this column.
        pub train_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training loss of the last epoch.
        pub train_loss: Option<f64> as "nats",
        /// Number of completed epochs.
        pub epochs: u32 as "count",
        /// Why the training failed or was skipped.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One epoch of the training of one resulting network. Every training has a row for each epoch of its recipe.
    pub struct TrainingCurveRow in "training-curves" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Index of the repetition of the training, as in the table `truths`.
        pub training_seed: u32,
        /// Number of completed epochs, counted from 1.
        pub epoch: u32,
        /// Validation error after the epoch; missing if the training failed before.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
        /// Cost of the training up to the end of the epoch. Measurements of errors are not counted.
        pub multiply_adds: f64 as "multiply-adds",
    }
}

declare! {
    /// One feature of one architecture, which follows from its stored form alone.
    pub struct ArchitectureFeatureRow in "architecture-features" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Name of the feature, such as `block 1: mean reads`.
        pub feature: String,
        /// Its value.
        pub value: f64 as "the feature's own",
    }
}

declare! {
    /// One resulting network trained by the fast recipe, in a run that compares the fast recipe with the long one.
    pub struct FastTruthRow in "fast-truths" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// The prediction of one predictor for one architecture.
    pub struct PredictionRow in "predictions" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Name of the predictor, such as `SMASH score`.
        pub predictor: String,
        /// How the prediction ended.
        pub status: Status,
        /// The prediction; present if and only if the status is ok. A lower value predicts a lower error: a measure for
        /// which more is better is stored with its sign changed.
        pub value: Option<f64> as "the predictor's own",
        /// Cost of the prediction for this architecture.
        pub cost: f64 as "multiply-adds",
        /// Cost that is spent once for all architectures, such as the training of a SMASH network.
        pub shared_cost: f64 as "multiply-adds",
    }
    fault(status, value) = finite_if_ok
}

declare! {
    /// One timed step. Only this table of a run holds times, so no two runs have equal ones.
    pub struct ThroughputRow in "throughput" {
        /// Root seed of the run.
        pub seed: u64,
        /// Name of the step, such as `SMASH training step`.
        pub step: String,
        /// Index of the step, counted from 0. Every step uses another architecture.
        pub index: u32,
        /// Number of images that the step read.
        pub images: u32 as "count",
        /// Time from the start of the step until the device had finished.
        pub seconds: f64 as "seconds",
    }
    fault(seconds) = positive_seconds
}

declare! {
    /// One completed epoch of one training, of a SMASH network or of a resulting network. A training that the pool of an
    /// older program supplied has no rows.
    pub struct EpochRow in "epochs" {
        /// Root seed of the run.
        pub seed: u64,
        /// Key of the unit of work that trained, such as `smash` or `truth-00003-0`.
        pub unit: String,
        /// The trained architecture, as in the table `truths`; missing for a SMASH network, and in tables of older programs.
        pub architecture: Option<u32>,
        /// Index of the repetition of the training, as in the table `truths`; missing as above.
        pub training_seed: Option<u32>,
        /// Index of the epoch, counted from 0.
        pub epoch: u32,
        /// Learning rate at the first step of the epoch.
        pub learning_rate: f64 as "dimensionless",
        /// Mean training loss of the epoch.
        pub train_loss: f64 as "nats",
        /// Mean training error of the epoch.
        pub train_error: f64 as "fraction in [0, 1]",
        /// Validation error after the epoch; present in the epochs that measure it.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
    }
}

declare! {
    /// Numbers of generated and of freely learned weights of a SMASH network for one architecture.
    pub struct WeightsRow in "weights" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Number of weights of the 1x1 convolutions that the HyperNet generates for it.
        pub generated: u64 as "count",
        /// Number of freely learned weights of the main network, which all architectures share. The HyperNet's weights
        /// are not included.
        pub learned: u64 as "count",
    }
}

declare! {
    /// One evaluation of one architecture by one of several SMASH networks that differ only in their seed.
    pub struct MemberScoreRow in "member-scores" {
        /// Root seed of the run.
        pub seed: u64,
        /// Index of the SMASH network, counted from 0.
        pub member: u32,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Index of the noise draw z, counted from 0.
        pub draw: u32,
        /// Validation error; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Mean validation loss; present if it was measured, even if it is not finite.
        pub loss: Option<f64> as "nats",
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
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Name of the corruption, such as `dilations`; `none` for the correct encoding.
        pub corruption: String,
        /// Index of the noise draw z, counted from 0. The same index is the same noise for all encodings.
        pub draw: u32,
        /// Validation error; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Mean validation loss; present if it was measured, even if it is not finite.
        pub loss: Option<f64> as "nats",
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
        /// Index of the starting point, counted from 0. Both methods start there.
        pub start: u32,
        /// Method: `gradient` or `random`.
        pub method: String,
        /// Index of the step. Step 0 is the starting point itself.
        pub step: u32,
        /// Hash of the proposed architecture.
        pub hash: String,
        /// Canonical hash, which isomorphic architectures share. Tables of older programs lack this column.
        pub canonical: Option<String>,
        /// Number of elements of the architecture that the step changes.
        pub changes: u32 as "count",
        /// Validation error of the proposal; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Mean validation loss; present if it was measured, even if it is not finite.
        pub loss: Option<f64> as "nats",
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
        /// Name of the search, such as `SMASHv2`. Repetitions have a number, as in `SMASHv2, search 2`.
        pub search: String,
        /// Stage of the search: `random`, `perturbation` or `chain`.
        pub stage: String,
        /// Index in the order of scoring, counted from 0.
        pub index: u32,
        /// Hash of `json`.
        pub hash: String,
        /// Canonical hash, which isomorphic architectures share. Tables of older programs lack this column.
        pub canonical: Option<String>,
        /// The architecture itself, in its stored form.
        pub json: String,
        /// Number of free parameters of the resulting network.
        pub parameters: u64 as "count",
        /// Its SMASH score; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
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
        /// System that the search method finds: its name in the table `systems`.
        pub system: String,
        /// Index in the order of training, counted from 0.
        pub index: u32,
        /// Hash of `json`.
        pub hash: String,
        /// Canonical hash, which isomorphic architectures share. Tables of older programs lack this column.
        pub canonical: Option<String>,
        /// The architecture itself, in its stored form.
        pub json: String,
        /// Number of free parameters of its network.
        pub parameters: u64 as "count",
        /// Validation error after the training; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
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
        /// Origin of the system: `hand-designed`, `SMASH` or `trained search`.
        pub role: String,
        /// Number of learned parameters.
        pub parameters: u64 as "count",
        /// Cost of one forward pass.
        pub multiply_adds: u64 as "multiply-adds per example",
        /// Number of convolutions on the longest path from input to output.
        pub depth: u32 as "count",
        /// The architecture in its stored form; present if a search found it.
        pub json: Option<String>,
        /// The network with its size, such as `WRN-10-1`; present if it is hand-designed.
        pub network: Option<String>,
        /// The count for which its width was chosen: `parameters` or `multiply-adds`; present if it was scaled.
        pub equal: Option<String>,
        /// That count of the found architecture; present if it was scaled.
        pub budget: Option<u64> as "count",
        /// The training seed that this network belongs to; missing if all train the same network.
        pub training_seed: Option<u32>,
    }
}

declare! {
    /// One full training of one system of a comparison.
    pub struct SystemTrainingRow in "system-trainings" {
        /// Root seed of the run.
        pub seed: u64,
        /// The system: its name in the table `systems`.
        pub system: String,
        /// Index of the fold that was trained on; present if the training set is cut into folds.
        pub fold: Option<u32>,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Test error by the five most probable classes: an example counts if its class is not among them.
        pub top5_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training loss of the last epoch.
        pub train_loss: Option<f64> as "nats",
        /// Number of completed epochs.
        pub epochs: u32 as "count",
        /// Why the training failed.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One training of a benchmark, done again to verify the benchmark on this machine.
    pub struct VerificationRow in "verification" {
        /// Root seed of the run.
        pub seed: u64,
        /// Index of the architecture in the run.
        pub architecture: u32,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// Test error that the benchmark holds; missing if the training failed.
        pub stored_error: Option<f64> as "fraction in [0, 1]",
        /// Test error of the same training on this machine; missing if the training failed.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// `equal` if all results of both trainings are equal to the bit, otherwise `within noise`.
        pub agreement: String,
    }
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
        /// Number of channels of one unit, the paper's N.
        pub base_channels: u32 as "count",
        /// Reference width of its search space. It determines the width of block inputs.
        pub width: u32,
        /// Number of channels of its encoding; present if the encoding is drawn too.
        pub encoding_channels: Option<u32> as "count",
        /// Number of rows of its encoding, which stand for output units; present as above.
        pub encoding_units: Option<u32> as "count",
        /// Length of its encoding in slices of input channels; present as above.
        pub encoding_slices: Option<u32> as "count",
    }
}

declare! {
    /// One cell of an encoding that holds +1; all others hold -1.
    pub struct EncodingCellRow in "encoding-cells" {
        /// Root seed of the run.
        pub seed: u64,
        /// The drawing: its name in the table `drawings`.
        pub drawing: String,
        /// Property that the channel encodes: `reads`, `writes`, `block`, `units`, `dilation`, `kernel`, `pattern` or
        /// `groups`.
        pub part: String,
        /// Channel, counted from 0.
        pub channel: u32,
        /// Output unit, counted from 0.
        pub unit: u32,
        /// Slice of input channels, counted from 0.
        pub slice: u32,
    }
}
