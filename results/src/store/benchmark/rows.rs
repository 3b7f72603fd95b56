//! The kinds of row of a benchmark.

use crate::tables::rows::TruthRow;
use crate::tables::{Status, declare, measured_if_ok, positive_seconds};

declare! {
    /// One training of one architecture of a benchmark.
    pub struct TrainingRow in "trainings" {
        /// Index of the architecture in the order of sampling, counted from 0. Isomorphic architectures count once.
        pub architecture: u32,
        /// Canonical hash of the architecture; isomorphic architectures have the same hash.
        pub canonical: String,
        /// Hash of `json`.
        pub hash: String,
        /// The architecture in its stored form.
        pub json: String,
        /// Number of free parameters of the network.
        pub parameters: u64 as "count",
        /// Cost of one forward pass.
        pub multiply_adds: u64 as "multiply-adds per example",
        /// Number of ops in all blocks together.
        pub ops: u32 as "count",
        /// Number of convolutions on the longest path from image to output.
        pub depth: u32 as "count",
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error after the last epoch: the true error. It is present if and only if the status is ok.
        pub test_error: Option<f64> as "fraction in [0, 1]",
        /// Validation error after the last epoch.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training error of the last epoch.
        pub train_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training loss of the last epoch.
        pub train_loss: Option<f64> as "nats",
        /// Number of completed epochs.
        pub epochs: u32 as "count",
        /// Why the training failed.
        pub message: Option<String>,
        /// Commit of the code that trained it.
        pub commit: String,
        /// Class of processor, such as `avx512f`. Its vector instructions decide the last bits of a sum.
        pub processor: String,
        /// SHA-256 of the training images and labels, including those for validation.
        pub train_sha256: String,
        /// SHA-256 of the test images and labels.
        pub test_sha256: String,
    }
    fault(status, test_error) = measured_if_ok
}

impl TrainingRow {
    /// The true error, as a run with this root seed stores it for its architecture of this index.
    pub fn truth(&self, seed: u64, architecture: u32) -> TruthRow {
        TruthRow {
            seed,
            architecture,
            training_seed: self.training_seed,
            status: self.status,
            error: self.test_error,
            validation_error: self.validation_error,
            train_error: self.train_error,
            train_loss: self.train_loss,
            epochs: self.epochs,
            message: self.message.clone(),
        }
    }
}

declare! {
    /// One epoch of one training of a benchmark.
    pub struct CurveRow in "curves" {
        /// The architecture: its index in the table `trainings`.
        pub architecture: u32,
        /// Index of the repetition of the training, as in the table `trainings`.
        pub training_seed: u32,
        /// Number of completed epochs, counted from 1.
        pub epoch: u32,
        /// Mean training error over the batches of the epoch.
        pub train_error: f64 as "fraction in [0, 1]",
        /// Mean training loss over the batches of the epoch.
        pub train_loss: f64 as "nats",
        /// Validation error after the epoch.
        pub validation_error: f64 as "fraction in [0, 1]",
        /// Mean validation loss after the epoch.
        pub validation_loss: f64 as "nats",
    }
}

declare! {
    /// Duration of one training of a benchmark.
    pub struct SecondsRow in "seconds" {
        /// The architecture: its index in the table `trainings`.
        pub architecture: u32,
        /// Index of the repetition of the training, as in the table `trainings`.
        pub training_seed: u32,
        /// Time from start to end with evaluations, without the time of interrupted attempts.
        pub seconds: f64 as "seconds",
        /// Model of the processor.
        pub cpu: String,
    }
    fault(seconds) = positive_seconds
}
