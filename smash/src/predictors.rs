//! Predictors of an architecture's error that a SMASH score has to beat.
//!
//! They need no trained SMASH network, except for the short trainings that start from one. All of them look at a
//! network with free weights, [`initial_network`]. Its initial weights come from random streams of their own. So a
//! predictor shares no randomness with the trainings that give the truth.

use burn::prelude::*;
use datasets::shuffled_indices;
use smash_space::architecture::Architecture;
use smash_space::blueprint::Blueprint;
use smash_space::random::{Seed, Stream};
use smash_space::space::SearchSpace;
use smash_space::task::Task;

mod costs;
mod naswot;
mod random_weights;
mod short_training;
mod synflow;
mod warm;

pub use costs::{Costs, PASSES_OF_STEP, steps_at_cost_of_score};
pub use naswot::naswot;
pub use random_weights::{LAST_LAYER_STEPS, random_weights};
pub use short_training::ShortTraining;
pub use synflow::synflow;
pub use warm::{warm_network, warm_resulting_network, warm_simple_weight_norm_network};

use crate::error::DivergedError;
use crate::networks::free_network::{Network, Phase};
use crate::training::evaluation::{Evaluation, Examples};

/// Number of images from which BatchNorm's running statistics are recomputed.
pub const CALIBRATION_IMAGES: usize = 100;

/// The resulting network of an architecture before any training. `key` names its random stream: network and repetition.
pub fn initial_network<B: Backend>(
    space: &SearchSpace,
    task: Task,
    architecture: &Architecture,
    seed: Seed,
    key: [u64; 2],
    device: &B::Device,
) -> Network<B> {
    let mut rng = seed.rng(Stream::PredictorInitialisation, &key);
    Network::new(Blueprint::of(space, task, architecture), &mut rng, device)
}

/// Some random images, the same for all architectures of a root seed, `[count, channels, height, width]`. If there are
/// fewer, all images in a random order.
pub fn random_images<B: Backend>(examples: Examples<'_, B>, count: usize, seed: Seed) -> Tensor<B, 4> {
    let mut rng = seed.rng(Stream::PredictorImages, &[]);
    let mut places = shuffled_indices(examples.indices.len(), &mut rng);
    places.truncate(count);
    let indices: Vec<usize> = places.into_iter().map(|place| examples.indices[place]).collect();
    examples.images.batch(&indices, None).0
}

/// Replaces BatchNorm's running statistics by the statistics of some images, `[batch, channels, height, width]`, under
/// the current weights. In a network that has made few steps or none, the running statistics are still near their
/// start.
pub fn calibrate<B: Backend>(net: &mut Network<B>, images: Tensor<B, 4>) {
    let (_, statistics) = net.forward(images, Phase::Measure);
    let norms = &mut net.weights.norms;
    assert_eq!(norms.len(), statistics.len(), "one batch statistic for each BatchNorm");
    norms.iter_mut().zip(&statistics).for_each(|(norm, batch)| norm.replace(batch));
}

/// Error and loss with running statistics.
///
/// # Errors
/// A loss that is not finite.
fn evaluate<B: Backend>(net: &Network<B>, examples: Examples<'_, B>) -> Result<Evaluation, DivergedError> {
    examples.evaluate(|images| net.forward(images, Phase::Evaluate).0).finite(|| net.blueprint.name.clone())
}
