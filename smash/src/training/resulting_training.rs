//! Training a network with free weights by Nesterov momentum (paper, appendix C): the true error of an architecture.

use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use serde::{Deserialize, Serialize};
use smash_kernels::convolution::Precision;
use smash_space::blueprint::Blueprint;
use smash_space::random::{Seed, Stream};

use crate::error::{CheckpointError, DivergedError};
use crate::networks::free_network::{Network, Phase};
use crate::training::checkpoint::Checkpoint;
use crate::training::evaluation::{
    Evaluation, Examples, Tally, history_text, impossible_progress, negative_log_likelihood, parse_history,
};
use crate::training::optimiser::Nesterov;
use crate::training::smash_training::Schedule;

/// L2 weight decay of all parameters (released code).
pub(crate) const WEIGHT_DECAY: f64 = 1e-4;

/// How a network with free weights is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResultingTraining {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a batch.
    pub batch_size: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Part of a label's probability that is spread evenly over all classes; 0 for none.
    pub label_smoothing: f64,
    /// The number format in which the convolutions multiply.
    pub precision: Precision,
    /// Random crops and flips.
    pub augment: bool,
}

/// A network with free weights in training: everything on which the next step depends.
#[derive(Debug)]
pub struct ResultingTrainer<B: AutodiffBackend> {
    /// The network.
    pub net: Network<B>,
    optimiser: Nesterov<B::InnerBackend>,
    /// Names the random streams: index of the network and of the training seed.
    key: [u64; 2],
    /// Means over the training batches of each finished epoch.
    pub history: Vec<Evaluation>,
    /// Counts of the finished batches of an unfinished epoch.
    tally: Tally<B::InnerBackend>,
    /// Number of words that were used of its random stream for regularisation.
    regularisation_used: u128,
}

impl<B: AutodiffBackend> ResultingTrainer<B> {
    /// A network before its first step. `key` names the random streams: network and training seed.
    pub fn new(blueprint: Blueprint, seed: Seed, key: [u64; 2], device: &B::Device) -> Self {
        let mut rng = seed.rng(Stream::ResultingInitialisation, &key);
        Self::starting_from(Network::new(blueprint, &mut rng, device), key)
    }

    /// Any network before its first step. Two networks with the same key see the same images in the same order.
    pub fn starting_from(net: Network<B>, key: [u64; 2]) -> Self {
        Self {
            net,
            optimiser: Nesterov::new(WEIGHT_DECAY),
            key,
            history: Vec::new(),
            tally: Tally::default(),
            regularisation_used: 0,
        }
    }

    /// Trains one epoch. `after_step` is called after each step and says whether to go on, as in
    /// [`SmashTrainer::train_epoch`](crate::SmashTrainer::train_epoch).
    ///
    /// # Errors
    /// A loss that is not finite, reported once the epoch is over.
    pub fn train_epoch(
        &mut self,
        settings: &ResultingTraining,
        examples: Examples<'_, B::InnerBackend>,
        seed: Seed,
        after_step: &dyn Fn() -> bool,
    ) -> Result<(), DivergedError> {
        let batches = examples.batches(settings.batch_size);
        let steps = (settings.epochs * batches) as f64;
        let first = self.history.len() * batches;
        self.net.precision = settings.precision;
        let streams = [Stream::ResultingOrder, Stream::ResultingAugmentation];
        let key = [self.key[0], self.key[1], self.history.len() as u64];
        let mut regularisation = seed.rng(Stream::Regularisation, &key);
        regularisation.set_word_pos(self.regularisation_used);
        let epoch_batches = examples.training_batches(settings.batch_size, settings.augment, seed, streams, &key);
        for (index, (images, labels)) in epoch_batches.enumerate().skip(self.tally.len()) {
            let step = first + index;
            let (log_probabilities, statistics) =
                self.net.forward(Tensor::from_inner(images), Phase::Train(&mut regularisation));
            self.tally.add(log_probabilities.clone().inner(), labels.clone());
            let loss = negative_log_likelihood(log_probabilities, Tensor::from_inner(labels), settings.label_smoothing);
            let rate = settings.learning_rate * settings.schedule.factor(step as f64 / steps);
            self.net.weights = self.optimiser.step(self.net.weights.clone(), &loss.backward(), rate);
            self.net.update_statistics(&statistics);
            if !after_step() && index + 1 < batches {
                self.regularisation_used = regularisation.get_word_pos();
                return Ok(());
            }
        }
        self.regularisation_used = 0;
        let tally = std::mem::take(&mut self.tally);
        self.history.push(tally.of_epoch(first, |_| self.net.blueprint.name.clone())?);
        Ok(())
    }

    /// Error and loss with running statistics.
    pub fn evaluate(&self, examples: Examples<'_, B::InnerBackend>) -> Evaluation {
        let net = self.net.valid();
        examples.evaluate(|images| net.forward(images, Phase::Evaluate).0)
    }

    /// Network, optimiser and epochs, including an unfinished one.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            metadata: format!("{:x}/{}", self.regularisation_used, history_text(&self.history)),
            ..Default::default()
        };
        checkpoint.add("resulting", &self.net.weights);
        self.optimiser.save("optimiser", &mut checkpoint);
        self.tally.save(&mut checkpoint);
        checkpoint
    }

    /// Continues from a checkpoint of the same blueprint.
    ///
    /// # Errors
    /// A checkpoint that does not fit.
    pub fn restore(&mut self, mut checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        let device = &self.net.weights.output_weight.device();
        let (used, history) = checkpoint.metadata.split_once('/').unwrap_or_default();
        self.regularisation_used = u128::from_str_radix(used, 16).map_err(|_| CheckpointError::Format {
            reason: format!("the metadata must start with a count of random words, found `{used}`"),
        })?;
        self.history = parse_history(history)?;
        self.net.weights = checkpoint.restore("resulting", self.net.weights.clone())?;
        self.optimiser.load("optimiser", &self.net.weights, &mut checkpoint, device)?;
        self.tally = Tally::load(&mut checkpoint, device)?;
        checkpoint.finish()
    }

    /// Checks that a training with these settings, with `batches` in an epoch, can have come this far.
    ///
    /// # Errors
    /// More epochs, or more batches of the next epoch, than it has.
    pub fn check_progress(&self, settings: &ResultingTraining, batches: usize) -> Result<(), CheckpointError> {
        let (epochs, tallied) = (self.history.len(), self.tally.len());
        let is_possible = epochs <= settings.epochs && (tallied == 0 || epochs < settings.epochs && tallied < batches);
        is_possible.then_some(()).ok_or_else(|| impossible_progress(epochs, tallied))
    }
}
