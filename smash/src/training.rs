//! Training a SMASH network (Algorithm 1, first loop), and what training and evaluation share.

use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use datasets::shuffled_indices;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, HostTensor};
use crate::error::{CheckpointError, DivergedError};
use crate::hypernet::HyperNetConfig;
use crate::images::DeviceImages;
use crate::layers::Mode;
use crate::optimiser::Adam;
use crate::random::{Seed, Stream};
use crate::sampling::{Limits, sample};
use crate::smash_net::{Noise, SmashNet};
use crate::{SearchSpace, Task};

/// Weight decay of all freely learned weights; the HyperNet has none (released code).
const WEIGHT_DECAY: f64 = 1e-4;

/// Part of a training in which the rate of [`Schedule::OneCycle`] rises.
const WARM_UP: f64 = 0.2;
/// Images of an evaluation batch; decides nothing but speed.
const EVALUATION_BATCH: usize = 100;

/// How a SMASH network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmashTraining {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a batch; each batch trains one sampled architecture.
    pub batch_size: usize,
    /// Initial learning rate of Adam.
    pub learning_rate: f64,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// Let budget and kernel size grow over the first half of training (released code).
    pub anneal_limits: bool,
    /// Random crops and flips.
    pub augment: bool,
}

/// How a learning rate falls over a training run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Half a cosine from the initial rate to 0, step by step.
    Cosine,
    /// Divided by 10 after half and after three quarters of training.
    Steps,
    /// From 0 to the initial rate over the first fifth, and back to 0.
    OneCycle,
}

impl Schedule {
    /// Factor on the initial learning rate after a fraction of training, 0 to 1.
    pub fn factor(self, progress: f64) -> f64 {
        match self {
            Self::Cosine => (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0,
            Self::Steps if progress < 0.5 => 1.0,
            Self::Steps if progress < 0.75 => 0.1,
            Self::Steps => 0.01,
            Self::OneCycle => (progress / WARM_UP).min((1.0 - progress) / (1.0 - WARM_UP)),
        }
    }
}

impl SmashTraining {
    /// Limits of sampling after a fraction of training, 0 to 1.
    pub fn limits(&self, space: &SearchSpace, progress: f64) -> Limits {
        let full = Limits::of(space);
        if !self.anneal_limits {
            return full;
        }
        let grown = (2.0 * progress).min(1.0);
        // Grows by 1 at a time; an even size lets in the next odd one.
        let kernel = 3 + ((space.max_kernel - 3) as f64 * grown) as usize;
        Limits {
            max_budget: full.max_budget * (0.5 + 0.5 * grown),
            max_kernel: kernel + (kernel + 1) % 2,
        }
    }
}

/// Some images of a set.
#[derive(Debug)]
pub struct Examples<'a, B: Backend> {
    /// The whole set.
    pub images: &'a DeviceImages<B>,
    /// Which of its images.
    pub indices: &'a [usize],
}

impl<B: Backend> Clone for Examples<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend> Copy for Examples<'_, B> {}

impl<'a, B: Backend> Examples<'a, B> {
    /// Batches that one epoch has, a smaller last one included.
    pub fn batches(&self, batch_size: usize) -> usize {
        self.indices.len().div_ceil(batch_size)
    }

    /// The batches of one training epoch, images `[batch, channels, height, width]` and classes: shuffled, and cropped and
    /// flipped at random if asked for.
    pub(crate) fn training_batches(
        self,
        batch_size: usize,
        augment: bool,
        seed: Seed,
        [order, augmentation]: [Stream; 2],
        key: &[u64],
    ) -> impl Iterator<Item = (Tensor<B, 4>, Vec<i32>)> + use<'a, B> {
        let mut rng = seed.rng(augmentation, key);
        let shuffled = shuffled_indices(self.indices.len(), &mut seed.rng(order, key));
        let shuffled: Vec<usize> = shuffled.into_iter().map(|place| self.indices[place]).collect();
        let mut start = 0;
        std::iter::from_fn(move || {
            let end = (start + batch_size).min(shuffled.len());
            let chunk = (start < end).then(|| &shuffled[start..end])?;
            start = end;
            let views = augment.then(|| self.images.random_views(chunk.len(), &mut rng));
            Some(self.images.batch(chunk, views.as_deref()))
        })
    }

    /// Error and loss of `forward`, which gives log-probabilities `[batch, classes]`. A loss may come out as NaN.
    pub fn evaluate(self, forward: impl Fn(Tensor<B, 4>) -> Tensor<B, 2>) -> Evaluation {
        let mut tally = Tally::default();
        for chunk in self.indices.chunks(EVALUATION_BATCH) {
            let (images, labels) = self.images.batch(chunk, None);
            tally.add(forward(images), &labels);
        }
        Evaluation::over(&tally.read())
    }
}

/// Mean over one pass over some images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Fraction of images classified wrongly.
    pub error: f64,
    /// Fraction of images whose class is not among the five most probable; 0 with five classes or fewer.
    pub top5_error: f64,
    /// Mean negative log-likelihood.
    pub loss: f64,
}

impl Evaluation {
    /// Over all images of some batches.
    fn over(batches: &[BatchTally]) -> Self {
        let sum = |value: fn(&BatchTally) -> f64| batches.iter().map(value).sum::<f64>();
        let images = sum(|batch| batch.images as f64);
        Self {
            error: sum(|batch| batch.wrong as f64) / images,
            top5_error: sum(|batch| batch.beyond_five as f64) / images,
            loss: sum(|batch| batch.loss) / images,
        }
    }
}

/// What is counted of each batch, left on the device until the end: reading back waits for all work before.
pub(crate) struct Tally<B: Backend> {
    /// For each image log-probability of its class, and number of classes that are at least as probable, `[batch, 2]`.
    batches: Vec<Tensor<B, 2>>,
}

impl<B: Backend> Default for Tally<B> {
    fn default() -> Self {
        Self { batches: Vec::new() }
    }
}

/// Sums over the images of a batch.
pub(crate) struct BatchTally {
    images: usize,
    wrong: usize,
    beyond_five: usize,
    loss: f64,
}

impl<B: Backend> Tally<B> {
    /// Adds a batch of log-probabilities `[batch, classes]`.
    pub fn add(&mut self, log_probabilities: Tensor<B, 2>, labels: &[i32]) {
        let of_label = log_probabilities
            .clone()
            .gather(1, column(labels, &log_probabilities.device()));
        let rivals = log_probabilities.greater_equal(of_label.clone()).float().sum_dim(1);
        self.batches.push(Tensor::cat(vec![of_label, rivals], 1));
    }

    /// Reads all batches back.
    pub fn read(self) -> Vec<BatchTally> {
        let sizes: Vec<usize> = self.batches.iter().map(|batch| batch.dims()[0]).collect();
        let values = HostTensor::of(Tensor::cat(self.batches, 0)).values;
        let mut images = values.as_chunks::<2>().0.iter();
        let batch = |size| {
            let mut tally = BatchTally {
                images: size,
                wrong: 0,
                beyond_five: 0,
                loss: 0.0,
            };
            for &[of_label, rivals] in images.by_ref().take(size) {
                tally.loss -= f64::from(of_label);
                // Right if the label's value is above all others, itself counted, so that NaN and ties are never right.
                tally.wrong += usize::from(rivals != 1.0);
                tally.beyond_five += usize::from(!(1.0..=5.0).contains(&rivals));
            }
            tally
        };
        sizes.into_iter().map(batch).collect()
    }

    /// Reads back the batches of a training epoch, of which the first is step `first` of the training.
    ///
    /// # Errors
    /// The first step whose loss is not finite.
    pub fn of_epoch(self, first: usize, architecture: impl Fn(usize) -> String) -> Result<Evaluation, DivergedError> {
        let batches = self.read();
        match batches.iter().position(|batch| !batch.loss.is_finite()) {
            Some(index) => Err(DivergedError {
                loss: batches[index].loss / batches[index].images as f64,
                step: first + index,
                architecture: architecture(first + index),
            }),
            None => Ok(Evaluation::over(&batches)),
        }
    }
}

/// Classes as a column `[batch, 1]` on the device.
fn column<B: Backend>(labels: &[i32], device: &B::Device) -> Tensor<B, 2, Int> {
    Tensor::from_data(TensorData::new(labels.to_vec(), [labels.len(), 1]), device)
}

/// Mean negative log-likelihood of the labels, shape `[1]`, from log-probabilities `[batch, classes]`.
///
/// With `smoothing`, that part of a label's probability is spread evenly over all classes.
pub fn negative_log_likelihood<B: Backend>(
    log_probabilities: Tensor<B, 2>,
    labels: &[i32],
    smoothing: f64,
    device: &B::Device,
) -> Tensor<B, 1> {
    let of_labels = log_probabilities.clone().gather(1, column(labels, device)).mean();
    if smoothing == 0.0 {
        return of_labels.neg();
    }
    (of_labels * (1.0 - smoothing) + log_probabilities.mean() * smoothing).neg()
}

/// A SMASH network in training: everything that the next epoch depends on.
#[derive(Debug)]
pub struct SmashTrainer<B: AutodiffBackend> {
    /// The network.
    pub net: SmashNet<B>,
    hypernet_optimiser: Adam<B::InnerBackend>,
    main_optimiser: Adam<B::InnerBackend>,
    /// Mean over the training batches of each epoch done.
    pub history: Vec<Evaluation>,
}

impl<B: AutodiffBackend> SmashTrainer<B> {
    /// A network before its first step; see [`SmashNet::new`].
    pub fn new(
        space: SearchSpace,
        hypernet: Option<&HyperNetConfig>,
        task: Task,
        seed: Seed,
        device: &B::Device,
    ) -> Self {
        let mut rng = seed.rng(Stream::SmashInitialisation, &[]);
        Self {
            net: SmashNet::new(space, hypernet, task, &mut rng, device),
            hypernet_optimiser: Adam::new(0.0),
            main_optimiser: Adam::new(WEIGHT_DECAY),
            history: Vec::new(),
        }
    }

    /// Trains one epoch: for each batch a new architecture, new noise and new weights W = H(c, z).
    ///
    /// `after_step` is called after each step.
    ///
    /// # Errors
    /// A loss that is not finite, once the epoch is over.
    pub fn train_epoch(
        &mut self,
        settings: &SmashTraining,
        examples: Examples<'_, B::InnerBackend>,
        seed: Seed,
        device: &B::Device,
        after_step: &dyn Fn(),
    ) -> Result<(), DivergedError> {
        let epoch = self.history.len();
        let batches = examples.batches(settings.batch_size);
        let steps = (settings.epochs * batches) as f64;
        let progress = |step: usize| step as f64 / steps;
        let space = self.net.space.clone();
        let architecture = |step: usize| {
            let limits = settings.limits(&space, progress(step));
            sample(&space, limits, &mut seed.rng(Stream::SmashArchitecture, &[step as u64]))
        };
        let streams = [Stream::SmashOrder, Stream::SmashAugmentation];
        let mut tally = Tally::default();
        let epoch_batches =
            examples.training_batches(settings.batch_size, settings.augment, seed, streams, &[epoch as u64]);
        for (index, (images, labels)) in epoch_batches.enumerate() {
            let step = epoch * batches + index;
            let architecture = architecture(step);
            let noise = Noise::new(seed.rng(Stream::SmashNoise, &[step as u64]));
            let weights = self.net.generate(&architecture, &noise, device);
            let images = Tensor::from_inner(images);
            let (log_probabilities, statistics) = self.net.forward(&architecture, &weights, images, Mode::Train);
            tally.add(log_probabilities.clone().inner(), &labels);
            let gradients = negative_log_likelihood(log_probabilities, &labels, 0.0, device).backward();
            let rate = settings.learning_rate * settings.schedule.factor(progress(step));
            let net = &mut self.net;
            net.hypernet = self.hypernet_optimiser.step(net.hypernet.clone(), &gradients, rate);
            net.main = self.main_optimiser.step(net.main.clone(), &gradients, rate);
            net.main.update_statistics(&statistics);
            after_step();
        }
        self.history
            .push(tally.of_epoch(epoch * batches, |step| architecture(step).hash())?);
        Ok(())
    }

    /// Network, optimiser and number of epochs.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            metadata: history_text(&self.history),
            ..Default::default()
        };
        checkpoint.add("hypernet", &self.net.hypernet);
        checkpoint.add("main", &self.net.main);
        self.hypernet_optimiser.save("optimiser.hypernet", &mut checkpoint);
        self.main_optimiser.save("optimiser.main", &mut checkpoint);
        checkpoint
    }

    /// Continues from a checkpoint of a network of the same settings.
    ///
    /// # Errors
    /// A checkpoint that does not fit.
    pub fn restore(&mut self, mut checkpoint: Checkpoint, device: &B::Device) -> Result<(), CheckpointError> {
        self.history = parse_history(&checkpoint.metadata)?;
        self.net.hypernet = checkpoint.restore("hypernet", self.net.hypernet.clone())?;
        self.net.main = checkpoint.restore("main", self.net.main.clone())?;
        self.hypernet_optimiser
            .load("optimiser.hypernet", &mut checkpoint, device)?;
        self.main_optimiser.load("optimiser.main", &mut checkpoint, device)?;
        checkpoint.finish()
    }
}

/// Text of a checkpoint: errors and loss of each epoch done, as the bits of their floating-point values.
pub(crate) fn history_text(history: &[Evaluation]) -> String {
    let bits = |evaluation: &Evaluation| {
        let Evaluation {
            error,
            top5_error,
            loss,
        } = evaluation;
        [error, top5_error, loss]
            .map(|value| format!("{:016x}", value.to_bits()))
            .concat()
    };
    history.iter().map(bits).collect::<Vec<_>>().join(" ")
}

/// Reads what [`history_text`] wrote.
pub(crate) fn parse_history(text: &str) -> Result<Vec<Evaluation>, CheckpointError> {
    let parse = |word: &str| {
        let number = |digits: Option<&str>| u64::from_str_radix(digits?, 16).ok().map(f64::from_bits);
        Some(Evaluation {
            error: number(word.get(..16))?,
            top5_error: number(word.get(16..32))?,
            loss: number(word.get(32..))?,
        })
    };
    let history = text.split_whitespace().map(parse).collect::<Option<_>>();
    history.ok_or_else(|| CheckpointError::Format {
        reason: format!("the metadata must give errors and loss of each epoch, found `{text}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_comes_back_to_the_bit() {
        let history = vec![
            Evaluation {
                error: 0.1 + 0.2,
                top5_error: 0.1,
                loss: 1e-300,
            },
            Evaluation {
                error: 0.0,
                top5_error: 0.0,
                loss: 4.6,
            },
        ];
        assert_eq!(parse_history(&history_text(&history)).unwrap(), history);
        assert_eq!(parse_history("").unwrap(), vec![]);
        assert!(parse_history("3").is_err());
    }

    #[test]
    fn budget_and_kernels_grow_over_the_first_half() {
        let settings = SmashTraining {
            epochs: 1,
            batch_size: 1,
            learning_rate: 1e-3,
            schedule: Schedule::Cosine,
            anneal_limits: true,
            augment: false,
        };
        let space = SearchSpace::smash_v2(12, 4);
        let at = |progress| settings.limits(&space, progress);
        assert_eq!(
            [0.0, 0.124, 0.125, 0.25, 0.375, 0.5, 1.0].map(|progress| at(progress).max_kernel),
            [3, 3, 5, 5, 7, 7, 7]
        );
        assert_eq!(
            [0.0, 0.25, 0.5, 1.0].map(|progress| at(progress).max_budget),
            [0.5, 0.75, 1.0, 1.0]
        );
    }

    #[test]
    fn learning_rates_fall_as_scheduled() {
        let steps = [0.0, 0.49, 0.5, 0.74, 0.75, 0.99].map(|progress| Schedule::Steps.factor(progress));
        assert_eq!(steps, [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]);
        assert_eq!(Schedule::Cosine.factor(0.0), 1.0);
        assert!((Schedule::Cosine.factor(0.5) - 0.5).abs() < 1e-12);
        assert!(Schedule::Cosine.factor(1.0).abs() < 1e-12);
        let cycle = [0.0, 0.1, 0.2, 0.6, 1.0].map(|progress| Schedule::OneCycle.factor(progress));
        assert_eq!(cycle, [0.0, 0.5, 1.0, 0.5, 0.0]);
    }
}
