//! SMASH: one-shot model architecture search through HyperNetworks (Brock et al. 2017), on burn.
//!
//! The path through the crate follows the paper. A [`SearchSpace`] holds the limits, and [`sampling::sample`] draws an
//! [`Architecture`] from it. [`Encoding`] turns the architecture into the tensor c. [`HyperNet`] maps c to
//! [`GeneratedWeights`], and [`SmashNet`] runs the architecture with them. [`Blueprint::of`] describes the same
//! architecture as a [`Network`] with free weights.
//!
//! Architectures as data come from the package `smash-space`, tensor operations from `smash-kernels`.
//!
//! A training gives the same bits again only if no other training runs in the process: burn's autodiff has state that all
//! threads share. Run trainings side by side in processes of their own.
#![forbid(unsafe_code)]

pub mod agreement;
pub mod error;
pub mod golden;
pub mod networks;
pub mod predictors;
pub mod scoring;
pub mod search;
pub mod training;

pub use networks::free_network::{Network, Phase};
pub use networks::generated_weights::GeneratedWeights;
pub use networks::hypernet::{HyperNet, HyperNetConfig};
pub use networks::layers::Mode;
pub use networks::main_net::{MainNet, Wiring};
pub use networks::smash_net::{Noise, SmashNet};
pub use smash_kernels::convolution::Precision;
pub use smash_space::{
    Activation, Architecture, Block, Blueprint, Conv, Counts, Encoding, LearnedConvolutions, Limits, Memory, Op,
    OpForms, OpNormalisation, Read, SearchSpace, Seed, Stem, Stream, Task, Write,
};
pub use smash_space::{
    baselines, blueprint, corruption, counts, encoding, equal_size, features, named_blocks, op_forms, sampling, space,
};
pub use training::evaluation::{Evaluation, Examples};
pub use training::images::DeviceImages;
pub use training::resulting_training::{ResultingTrainer, ResultingTraining};
pub use training::smash_training::{Schedule, SmashTrainer, SmashTraining};
