//! The kinds of row of a study of normalisations.

use crate::tables::{Status, declare, measured_if_ok};

declare! {
    /// One training of a SMASH network with one normalisation of its ops, at one learning rate.
    pub struct StabilityRow in "stability" {
        /// Root seed of the run.
        pub seed: u64,
        /// The normalisation: its name in the definition.
        pub normalisation: String,
        /// Initial learning rate.
        pub learning_rate: f64 as "dimensionless",
        /// Index of the repetition of the training, counted from 0. All normalisations and rates share its random numbers.
        pub training_seed: u32,
        /// How the training ended: ok or diverged.
        pub status: Status,
        /// Mean training error of the last epoch; present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Mean training loss of the last epoch; present if the status is ok.
        pub loss: Option<f64> as "nats",
        /// Training error from which on the last epoch counts as guessing.
        pub chance: f64 as "fraction in [0, 1]",
        /// Why the training counts as diverged.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}

declare! {
    /// One training of the network of a fixed architecture, with one normalisation of its ops.
    pub struct FixedTrainingRow in "fixed-trainings" {
        /// Root seed of the run.
        pub seed: u64,
        /// The normalisation: its name in the definition, or `batch-norm`.
        pub normalisation: String,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Index of the repetition of the training, counted from 0. All normalisations share its random numbers.
        pub training_seed: u32,
        /// How the training ended: ok or diverged.
        pub status: Status,
        /// Test error: the true error. It is present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Mean training error of the last epoch; present if the status is ok.
        pub train_error: Option<f64> as "fraction in [0, 1]",
        /// Training error from which on the last epoch counts as guessing.
        pub chance: f64 as "fraction in [0, 1]",
        /// Why the training counts as diverged.
        pub message: Option<String>,
    }
    fault(status, error) = measured_if_ok
}
