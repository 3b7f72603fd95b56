//! A few steps of training: the error after them predicts the error after the whole training.

use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use smash_space::random::{Seed, Stream};

use super::{CALIBRATION_IMAGES, calibrate, evaluate, random_images};
use crate::error::DivergedError;
use crate::networks::free_network::{Network, Phase};
use crate::training::evaluation::{Evaluation, Examples, Tally, negative_log_likelihood};
use crate::training::optimiser::Nesterov;
use crate::training::resulting_training::{ResultingTraining, WEIGHT_DECAY};

/// A training of a few steps at a constant rate.
#[derive(Clone, Copy, Debug)]
pub struct ShortTraining<'a> {
    /// Number of steps, which may be 0.
    pub steps: usize,
    /// The recipe: batch size, rate, smoothing, precision and augmentation. Its epochs and its schedule are not used.
    pub recipe: &'a ResultingTraining,
    /// Root of its random numbers.
    pub seed: Seed,
    /// Names the random streams: network and repetition. Two networks with the same key see the same batches.
    pub key: [u64; 2],
}

impl ShortTraining<'_> {
    /// Trains a network from its current weights: [`super::initial_network`], or [`super::warm_network`] for the warm
    /// score.
    ///
    /// After the last step, BatchNorm's statistics are recomputed from [`CALIBRATION_IMAGES`] training images. Running
    /// averages over a few steps would still be near their start. A network that makes no step is left unchanged.
    ///
    /// # Errors
    /// A loss that is not finite, reported once all steps are made.
    ///
    /// # Panics
    /// If there are no training images.
    pub fn train<B: AutodiffBackend>(
        &self,
        mut net: Network<B>,
        training: Examples<'_, B::InnerBackend>,
    ) -> Result<Network<B::InnerBackend>, DivergedError> {
        let Self { steps, recipe, seed, key } = *self;
        assert!(!training.indices.is_empty(), "no images to train on");
        net.precision = recipe.precision;
        let streams = [Stream::PredictorOrder, Stream::PredictorAugmentation];
        let mut regularisation = seed.rng(Stream::Regularisation, &key);
        let mut optimiser = Nesterov::new(WEIGHT_DECAY);
        let mut tally = Tally::default();
        let epoch = |epoch| {
            let key = [key[0], key[1], epoch];
            training.training_batches(recipe.batch_size, recipe.augment, seed, streams, &key)
        };
        for (images, labels) in (0..).flat_map(epoch).take(steps) {
            let phase = Phase::Train(&mut regularisation);
            let (log_probabilities, statistics) = net.forward(Tensor::from_inner(images), phase);
            tally.add(log_probabilities.clone().inner(), labels.clone());
            let loss = negative_log_likelihood(log_probabilities, Tensor::from_inner(labels), recipe.label_smoothing);
            net.weights = optimiser.step(net.weights.clone(), &loss.backward(), recipe.learning_rate);
            net.update_statistics(&statistics);
        }
        let mut trained = net.valid();
        if steps > 0 {
            tally.of_epoch(0, |_| trained.blueprint.name.clone())?;
            calibrate(&mut trained, random_images(training, CALIBRATION_IMAGES, seed));
        }
        Ok(trained)
    }

    /// Validation error of a network after the training. Lower is better.
    ///
    /// # Errors
    /// A loss that is not finite.
    ///
    /// # Panics
    /// If there are no training images.
    pub fn error_after<B: AutodiffBackend>(
        &self,
        net: Network<B>,
        training: Examples<'_, B::InnerBackend>,
        validation: Examples<'_, B::InnerBackend>,
    ) -> Result<Evaluation, DivergedError> {
        let trained = self.train(net, training)?;
        let evaluation = evaluate(&trained, validation);
        evaluation.map_err(|error| DivergedError { step: Some(self.steps), ..error })
    }
}
