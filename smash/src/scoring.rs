//! Scoring an architecture with generated weights (Algorithm 1, second loop).

use burn::prelude::*;

use crate::architecture::Architecture;
use crate::error::DivergedError;
use crate::layers::Mode;
use crate::random::{Seed, Stream};
use crate::smash_net::{Noise, SmashNet};
use crate::training::{Evaluation, Examples};
use crate::weights::GeneratedWeights;

/// The recorded list of noise draws that every score of a run uses: draw `index` of the run's seed.
pub fn score_noise(seed: Seed, draw: usize) -> Noise {
    Noise::new(seed.rng(Stream::ScoreNoise, &[draw as u64]))
}

/// Validation error of an architecture with weights generated from one noise draw: its SMASH score.
///
/// # Errors
/// A loss that is not finite.
pub fn score<B: Backend>(
    net: &SmashNet<B>,
    architecture: &Architecture,
    noise: &Noise,
    validation: Examples<'_, B>,
    device: &B::Device,
) -> Result<Evaluation, DivergedError> {
    let weights = net.generate(architecture, noise, device);
    score_with(net, architecture, &weights, validation)
}

/// Validation error of an architecture with weights that are given.
///
/// # Errors
/// A loss that is not finite.
pub fn score_with<B: Backend>(
    net: &SmashNet<B>,
    architecture: &Architecture,
    weights: &GeneratedWeights<B>,
    validation: Examples<'_, B>,
) -> Result<Evaluation, DivergedError> {
    let evaluation = validation.evaluate(|images| net.forward(architecture, weights, images, Mode::Evaluate).0);
    if !evaluation.loss.is_finite() {
        return Err(DivergedError {
            loss: evaluation.loss,
            step: 0,
            architecture: architecture.hash(),
        });
    }
    Ok(evaluation)
}
