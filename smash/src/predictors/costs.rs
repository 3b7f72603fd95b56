//! Cost of each predictor for one architecture, in multiply-adds, so that all stand on one axis.

use smash_space::architecture::Architecture;
use smash_space::blueprint::Blueprint;
use smash_space::space::SearchSpace;
use smash_space::task::Task;

use super::{CALIBRATION_IMAGES, LAST_LAYER_STEPS};
use crate::networks::hypernet::HyperNetConfig;

/// Cost of a training step of an image in forward passes: a forward pass, and twice as much backwards.
pub const PASSES_OF_STEP: u64 = 3;

/// The parts of the predictors' costs for one architecture, in multiply-adds of convolutions and matrix products.
///
/// Methods return the whole cost of a predictor for one architecture, including its measurements on validation images.
/// The training of the SMASH network, which all architectures share, is not included. [`Self::score_training_step`] is
/// one step of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// A forward pass of one image through the resulting network.
    pub resulting: u64,
    /// A forward pass of one image through the network inside the SMASH network.
    pub in_smash: u64,
    /// Generating the weights with the HyperNet; 0 without one.
    pub generation: u64,
    /// Channels that the output layer reads.
    pub channels: u64,
    /// Classes.
    pub classes: u64,
}

impl Costs {
    /// The costs for an architecture. A HyperNet generates its weights; without one they are shared.
    pub fn of(space: &SearchSpace, task: Task, hypernet: Option<&HyperNetConfig>, architecture: &Architecture) -> Self {
        let resulting = Blueprint::of(space, task, architecture);
        Self {
            resulting: resulting.counts().multiply_adds,
            in_smash: Blueprint::in_smash(space, task, architecture).counts().multiply_adds,
            generation: hypernet.map_or(0, |hypernet| generation(space, hypernet, architecture)),
            channels: resulting.size(resulting.features).channels as u64,
            classes: task.classes as u64,
        }
    }

    /// A score over the given numbers of validation images and noise draws. A HyperNet generates the weights or, with
    /// one draw, they are shared.
    pub fn score(&self, validation: usize, draws: usize) -> u64 {
        draws as u64 * (self.generation + validation as u64 * self.in_smash)
    }

    /// A training step of the SMASH network with this architecture.
    pub fn score_training_step(&self, batch: usize) -> u64 {
        PASSES_OF_STEP * (self.generation + batch as u64 * self.in_smash)
    }

    /// A training of the resulting network that reads this many images; an image counts once for each epoch.
    pub fn training(&self, images: usize) -> u64 {
        PASSES_OF_STEP * images as u64 * self.resulting
    }

    /// [`super::synflow`]: a forward pass of the flow and one of the flow times layers.
    pub fn synflow(&self) -> u64 {
        2 * self.resulting
    }

    /// [`super::naswot`] on a batch of images. The comparison of codes, one product for each unit and pair of images,
    /// is not counted.
    pub fn naswot(&self, batch: usize) -> u64 {
        batch as u64 * self.resulting
    }

    /// [`super::random_weights`]: forward passes of all images, and the last layer's training.
    pub fn random_weights(&self, training: usize, validation: usize) -> u64 {
        let images = CALIBRATION_IMAGES.min(training) + training + validation;
        // Each step multiplies features with weights, and with the gradient of the outputs. Before the steps, features
        // are multiplied with themselves.
        let last_layer = self.channels * (2 * LAST_LAYER_STEPS as u64 * self.classes + self.channels);
        images as u64 * self.resulting + training as u64 * last_layer
    }

    /// [`super::ShortTraining`] from random weights, then the validation images.
    pub fn steps(&self, steps: usize, batch: usize, validation: usize) -> u64 {
        self.resulting * short_training(steps, batch, validation)
    }

    /// [`super::ShortTraining`] from the SMASH network's weights, then the validation images: a warm score.
    pub fn warm_score(&self, steps: usize, batch: usize, validation: usize) -> u64 {
        self.generation + self.in_smash * short_training(steps, batch, validation)
    }
}

/// Cost of a short training and its evaluation, in forward passes of one image.
fn short_training(steps: usize, batch: usize, validation: usize) -> u64 {
    let calibration = if steps == 0 { 0 } else { CALIBRATION_IMAGES };
    PASSES_OF_STEP * (steps * batch) as u64 + (calibration + validation) as u64
}

/// Number of steps of a short training that costs as much as a score, in forward passes of an image; at least one. A
/// score takes one pass for each validation image and noise draw. A step takes three for each image of its batch.
/// Calibration and the evaluation after the steps are extra; [`Costs::steps`] counts them.
pub fn steps_at_cost_of_score(validation: usize, draws: usize, batch: usize) -> usize {
    (validation * draws / (PASSES_OF_STEP as usize * batch)).max(1)
}

/// Multiply-adds of the HyperNet for the encoding of an architecture.
fn generation(space: &SearchSpace, hypernet: &HyperNetConfig, architecture: &Architecture) -> u64 {
    let slices: usize = architecture.blocks.iter().map(|block| block.slices(space)).sum();
    let cells = space.max_units() * space.cells_per_unit() * slices * space.cells_per_slice();
    hypernet.weights(space) * cells as u64
}
