//! Scoring an architecture with generated weights (Algorithm 1, second loop), and evaluation in general.

use burn::prelude::*;

use crate::architecture::Architecture;
use crate::error::DivergedError;
use crate::layers::Mode;
use crate::random::{Seed, Stream};
use crate::smash_net::{Noise, SmashNet};
use crate::training::{Evaluation, Examples, Tally, images};

/// Images and labels that stay on the device, cut into batches.
#[derive(Debug)]
pub struct EvaluationSet<B: Backend> {
    /// `[batch, channels, height, width]` with its labels.
    batches: Vec<(Tensor<B, 4>, Vec<i32>)>,
}

impl<B: Backend> EvaluationSet<B> {
    /// Copies examples, without augmentation, to the device.
    pub fn new(examples: Examples<'_>, batch_size: usize, device: &B::Device) -> Self {
        let batches = examples.indices.chunks(batch_size).map(|chunk| {
            let mut batch = examples.set.batch(chunk, examples.normalisation, None);
            (images(&mut batch, device), batch.labels)
        });
        Self {
            batches: batches.collect(),
        }
    }

    /// Error and loss of `forward`, which gives log-probabilities `[batch, classes]`. A loss may come out as NaN.
    pub fn evaluate(&self, forward: impl Fn(Tensor<B, 4>) -> Tensor<B, 2>) -> Evaluation {
        let mut tally = Tally::default();
        for (images, labels) in &self.batches {
            tally.add(forward(images.clone()), labels);
        }
        tally.evaluation()
    }
}

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
    validation: &EvaluationSet<B>,
    device: &B::Device,
) -> Result<Evaluation, DivergedError> {
    let weights = net.generate(architecture, noise, device);
    let evaluation = validation.evaluate(|images| net.forward(architecture, &weights, images, Mode::Evaluate).0);
    if !evaluation.loss.is_finite() {
        return Err(DivergedError {
            loss: evaluation.loss,
            step: 0,
            architecture: architecture.hash(),
        });
    }
    Ok(evaluation)
}
