//! Scoring an architecture with generated weights (Algorithm 1, second loop).

pub mod proxy;

use std::num::NonZero;

use burn::prelude::*;
use serde::{Deserialize, Serialize};
use smash_space::architecture::Architecture;
use smash_space::random::{Seed, Stream};

use crate::error::DivergedError;
use crate::networks::generated_weights::GeneratedWeights;
use crate::networks::layers::Mode;
use crate::networks::smash_net::{Noise, SmashNet};
use crate::training::evaluation::{Evaluation, Examples};

/// Draw number `draw` of the recorded list of noise draws that every score of a run uses. The run's seed fixes the
/// list.
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
) -> Result<Evaluation, DivergedError> {
    let weights = net.generate(architecture, noise);
    score_with(net, architecture, &weights, validation)
}

/// Validation error of an architecture with given weights.
///
/// # Errors
/// A loss that is not finite.
pub fn score_with<B: Backend>(
    net: &SmashNet<B>,
    architecture: &Architecture,
    weights: &GeneratedWeights<B>,
    validation: Examples<'_, B>,
) -> Result<Evaluation, DivergedError> {
    evaluate(net, architecture, weights, validation, Mode::Evaluate)
}

/// The statistics with which BatchNorm normalises while architectures are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum ScoreStatistics {
    /// Its running statistics, which all architectures share (paper).
    #[default]
    Running,
    /// The statistics of each batch of validation images. The class given to an image then depends on the others in its
    /// batch.
    Batch,
    /// The statistics of some training batches that run the architecture with the weights generated for it.
    Recalibrated {
        /// Number of batches.
        batches: NonZero<usize>,
    },
}

/// [`ScoreStatistics`] with the images that they need, the same for all architectures and noise draws of a run.
#[derive(Clone, Debug)]
pub enum ScoreNorm<B: Backend> {
    /// See [`ScoreStatistics::Running`].
    Running,
    /// See [`ScoreStatistics::Batch`].
    Batch,
    /// See [`ScoreStatistics::Recalibrated`]: its batches, `[batch, channels, height, width]` each.
    Recalibrated(Vec<Tensor<B, 4>>),
}

impl ScoreStatistics {
    /// Draws the batches for recalibration: training images in a random order that `seed` fixes, without crops and
    /// flips. Each time that all images were used, a new order begins.
    ///
    /// # Panics
    /// If there are batches to draw, but no images.
    pub fn prepare<B: Backend>(self, training: Examples<'_, B>, batch_size: usize, seed: Seed) -> ScoreNorm<B> {
        match self {
            Self::Running => ScoreNorm::Running,
            Self::Batch => ScoreNorm::Batch,
            Self::Recalibrated { batches } => {
                assert!(!training.indices.is_empty(), "no images for {batches} batches");
                let streams = [Stream::Recalibration; 2];
                let of_pass = |pass| training.training_batches(batch_size, false, seed, streams, &[pass]);
                let images = (0..).flat_map(of_pass).map(|(images, _)| images);
                ScoreNorm::Recalibrated(images.take(batches.get()).collect())
            }
        }
    }
}

/// [`score`] with the BatchNorm statistics that `norm` names. The network and the generated weights are left unchanged.
///
/// # Errors
/// A loss that is not finite.
pub fn score_normalised_by<B: Backend>(
    norm: &ScoreNorm<B>,
    net: &SmashNet<B>,
    architecture: &Architecture,
    noise: &Noise,
    validation: Examples<'_, B>,
) -> Result<Evaluation, DivergedError> {
    let weights = net.generate(architecture, noise);
    match norm {
        ScoreNorm::Running => score_with(net, architecture, &weights, validation),
        ScoreNorm::Batch => evaluate(net, architecture, &weights, validation, Mode::Train),
        ScoreNorm::Recalibrated(batches) => {
            let run = |images: &Tensor<B, 4>| net.forward(architecture, &weights, images.clone(), Mode::Train).1;
            let statistics: Vec<_> = batches.iter().map(run).collect();
            let mut net = net.clone();
            net.main.replace_statistics(&statistics);
            score_with(&net, architecture, &weights, validation)
        }
    }
}

fn evaluate<B: Backend>(
    net: &SmashNet<B>,
    architecture: &Architecture,
    weights: &GeneratedWeights<B>,
    validation: Examples<'_, B>,
    mode: Mode,
) -> Result<Evaluation, DivergedError> {
    validation.evaluate(|images| net.forward(architecture, weights, images, mode).0).finite(|| architecture.hash())
}
