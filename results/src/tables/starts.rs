//! The kinds of row of a study of initial weights. docs/tables.md lists them.

use crate::tables::{Status, declare, measured_if_ok};

declare! {
    /// One training of one architecture, in a study of initial weights.
    pub struct InitialisationRow in "initialisations" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// How the architecture was chosen: `sampled`, or `best by score`.
        pub group: String,
        /// The network: `BatchNorm` for the resulting network, `WeightNorm` for the network inside the SMASH network.
        pub network: String,
        /// Its initial weights: `standard` or `generated`.
        pub start: String,
        /// Index of the repetition of the training, counted from 0. Trainings of one architecture with the same index see
        /// the same images in the same order.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error at the end of the training; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Number of completed epochs.
        pub epochs: u32 as "count",
        /// Why the training failed.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One epoch of one training in the table `initialisations`.
    pub struct InitialisationCurveRow in "initialisation-curves" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// The network, as in the table `initialisations`.
        pub network: String,
        /// Its initial weights, as in the table `initialisations`.
        pub start: String,
        /// Index of the repetition of the training, as in the table `initialisations`.
        pub training_seed: u32,
        /// Number of completed epochs, counted from 1.
        pub epoch: u32,
        /// Validation error after the epoch; missing if the training failed before.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
    }
}
