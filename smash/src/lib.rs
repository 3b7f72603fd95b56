//! SMASH: one-shot model architecture search through HyperNetworks (Brock et al. 2017), on burn.
//!
//! The path through the crate follows the paper. A [`SearchSpace`] holds the limits, and [`sampling::sample`] draws an
//! [`Architecture`] from it. [`Encoding`] turns the architecture into the tensor c. [`HyperNet`] maps c to
//! [`GeneratedWeights`], and [`SmashNet`] runs the architecture with them. [`Blueprint::of`] describes the same
//! architecture as a [`Network`] with free weights.

pub mod architecture;
pub mod baselines;
pub mod blueprint;
mod canonical;
pub mod checkpoint;
pub mod convolution;
pub mod corruption;
pub mod counts;
mod elements;
pub mod encoding;
pub mod error;
pub mod evaluation;
mod flex;
pub mod hypernet;
pub mod images;
pub mod layers;
pub mod main_net;
pub mod memory;
pub mod named_blocks;
pub mod network;
pub mod normalisation;
pub mod optimiser;
pub mod parts;
mod planes;
pub mod pointwise;
pub mod pooling;
pub mod predictors;
pub mod proxy;
pub mod random;
pub mod resulting_training;
pub mod rivals;
pub mod sampling;
pub mod scoring;
pub mod search;
pub mod smash_net;
pub mod space;
pub mod task;
pub mod training;
mod volume;
pub mod weight_norm;
mod weights;

pub use architecture::{Architecture, Block, Conv, Op};
pub use blueprint::Blueprint;
pub use counts::Counts;
pub use encoding::Encoding;
pub use evaluation::{Evaluation, Examples};
pub use hypernet::{HyperNet, HyperNetConfig};
pub use images::DeviceImages;
pub use layers::Mode;
pub use main_net::MainNet;
pub use network::{Network, Phase};
pub use random::{Seed, Stream};
pub use resulting_training::{ResultingTrainer, ResultingTraining};
pub use sampling::Limits;
pub use smash_net::{Noise, SmashNet};
pub use space::SearchSpace;
pub use task::Task;
pub use training::{Schedule, SmashTrainer, SmashTraining};
pub use weights::GeneratedWeights;
