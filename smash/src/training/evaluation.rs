//! Error and loss over some images of a set.

use burn::prelude::*;
use datasets::shuffled_indices;
use smash_space::random::{Seed, Stream};

use crate::error::{CheckpointError, DivergedError};
use crate::training::checkpoint::{Checkpoint, HostTensor};
use crate::training::images::DeviceImages;

/// Images in an evaluation batch. The number affects only speed, unless BatchNorm normalises with the batch's own
/// statistics.
const EVALUATION_BATCH: usize = 100;

/// Name in a checkpoint of the counts of an unfinished epoch.
const TALLY: &str = "tally";

/// Some images of a set.
#[derive(Debug)]
pub struct Examples<'a, B: Backend> {
    /// The whole set.
    pub images: &'a DeviceImages<B>,
    /// Indices of the images.
    pub indices: &'a [usize],
}

impl<B: Backend> Clone for Examples<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend> Copy for Examples<'_, B> {}

impl<'a, B: Backend> Examples<'a, B> {
    /// Number of batches in an epoch, a smaller last one included.
    pub fn batches(&self, batch_size: usize) -> usize {
        self.indices.len().div_ceil(batch_size)
    }

    /// The batches of one training epoch: images `[batch, channels, height, width]`, and classes. They are shuffled,
    /// and cropped and flipped at random if requested.
    pub(crate) fn training_batches(
        self,
        batch_size: usize,
        augment: bool,
        seed: Seed,
        [order, augmentation]: [Stream; 2],
        key: &[u64],
    ) -> impl Iterator<Item = (Tensor<B, 4>, Tensor<B, 2, Int>)> + use<'a, B> {
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

    /// Error and loss of `forward`, which gives log-probabilities `[batch, classes]`. A loss may be NaN.
    pub fn evaluate(self, forward: impl Fn(Tensor<B, 4>) -> Tensor<B, 2>) -> Evaluation {
        let mut tally = Tally::default();
        for chunk in self.indices.chunks(EVALUATION_BATCH) {
            let (images, labels) = self.images.batch(chunk, None);
            tally.add(forward(images), labels);
        }
        Evaluation::over(&tally.read())
    }
}

/// Means over one pass over some images.
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
    /// The evaluation of a named architecture, if its loss is finite.
    ///
    /// # Errors
    /// A loss that is not finite.
    pub fn finite(self, architecture: impl FnOnce() -> String) -> Result<Self, DivergedError> {
        match self.loss.is_finite() {
            true => Ok(self),
            false => Err(DivergedError { loss: self.loss, step: None, architecture: architecture() }),
        }
    }

    /// The evaluation over all images of some batches.
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

/// The counts of each batch. They stay on the device until the end, because reading back waits for all earlier work.
#[derive(Debug)]
pub(crate) struct Tally<B: Backend> {
    /// For each image the log-probability of its class, and the number of classes that are at least as probable,
    /// `[batch, 2]`.
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
    /// Adds a batch of log-probabilities `[batch, classes]` of images with these classes `[batch, 1]`.
    pub fn add(&mut self, log_probabilities: Tensor<B, 2>, labels: Tensor<B, 2, Int>) {
        let of_label = log_probabilities.clone().gather(1, labels);
        let rivals = log_probabilities.greater_equal(of_label.clone()).float().sum_dim(1);
        self.batches.push(Tensor::cat(vec![of_label, rivals], 1));
    }

    /// Number of batches so far.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// The mean loss of the last batch, which waits for the device.
    pub fn last_loss(&self) -> f64 {
        let last = Self { batches: self.batches.last().cloned().into_iter().collect() };
        last.read().iter().map(|batch| batch.loss / batch.images as f64).sum()
    }

    /// Stores the batches so far, if there are any: `[batches, batch, 2]`. All have the same size.
    pub fn save(&self, checkpoint: &mut Checkpoint) {
        if !self.batches.is_empty() {
            let batches = Tensor::stack::<3>(self.batches.clone(), 0);
            checkpoint.tensors.insert(TALLY.into(), HostTensor::of(batches));
        }
    }

    /// Loads the batches that [`Self::save`] has stored; no batch if there was none.
    ///
    /// # Errors
    /// A tensor of another shape.
    pub fn load(checkpoint: &mut Checkpoint, device: &B::Device) -> Result<Self, CheckpointError> {
        let Some(HostTensor { shape, values }) = checkpoint.tensors.remove(TALLY) else {
            return Ok(Self::default());
        };
        let (count, batch) = match shape[..] {
            [count, batch, 2] if batch > 0 => (count, batch),
            _ => {
                let reason = format!("tensor `{TALLY}` is {shape:?}, expected [batches, batch, 2]");
                return Err(CheckpointError::Format { reason });
            }
        };
        let values = values.chunks(2 * batch).take(count);
        let tensor = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [batch, 2]), device);
        Ok(Self { batches: values.map(tensor).collect() })
    }

    /// Reads all batches back.
    pub fn read(self) -> Vec<BatchTally> {
        let sizes: Vec<usize> = self.batches.iter().map(|batch| batch.dims()[0]).collect();
        let values = HostTensor::of(Tensor::cat(self.batches, 0)).values;
        let mut images = values.as_chunks::<2>().0.iter();
        let batch = |size| {
            let mut tally = BatchTally { images: size, wrong: 0, beyond_five: 0, loss: 0.0 };
            for &[of_label, rivals] in images.by_ref().take(size) {
                tally.loss -= f64::from(of_label);
                // The count includes the label itself, so exactly 1 is right. NaN and ties are never right.
                tally.wrong += usize::from(rivals != 1.0);
                tally.beyond_five += usize::from(!(1.0..=5.0).contains(&rivals));
            }
            tally
        };
        sizes.into_iter().map(batch).collect()
    }

    /// Reads back the batches of a training epoch. The first of them is step `first` of the training.
    ///
    /// # Errors
    /// The first step whose loss is not finite.
    pub fn of_epoch(self, first: usize, architecture: impl Fn(usize) -> String) -> Result<Evaluation, DivergedError> {
        let batches = self.read();
        match batches.iter().position(|batch| !batch.loss.is_finite()) {
            Some(index) => Err(DivergedError {
                loss: batches[index].loss / batches[index].images as f64,
                step: Some(first + index),
                architecture: architecture(first + index),
            }),
            None => Ok(Evaluation::over(&batches)),
        }
    }
}

/// Mean negative log-likelihood of the labels `[batch, 1]`, shape `[1]`, from log-probabilities `[batch, classes]`.
///
/// With `smoothing`, that part of a label's probability is spread evenly over all classes.
pub fn negative_log_likelihood<B: Backend>(
    log_probabilities: Tensor<B, 2>,
    labels: Tensor<B, 2, Int>,
    smoothing: f64,
) -> Tensor<B, 1> {
    let of_labels = log_probabilities.clone().gather(1, labels).mean();
    if smoothing == 0.0 {
        return of_labels.neg();
    }
    (of_labels * (1.0 - smoothing) + log_probabilities.mean() * smoothing).neg()
}

/// The error for a checkpoint that a training of this length cannot have written.
pub(crate) fn impossible_progress(epochs: usize, tallied: usize) -> CheckpointError {
    let reason = format!("{epochs} epochs and {tallied} batches of the next one are no progress of this training");
    CheckpointError::Format { reason }
}

/// The bits of a floating-point value as 16 digits.
pub(crate) fn bits_of(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

/// The value that [`bits_of`] wrote.
pub(crate) fn float_of(digits: &str) -> Option<f64> {
    let bits = u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16);
    bits.map(f64::from_bits)
}

/// Text of a checkpoint: errors and loss of each finished epoch, as the bits of their floating-point values.
pub fn history_text(history: &[Evaluation]) -> String {
    let bits = |evaluation: &Evaluation| {
        let Evaluation { error, top5_error, loss } = evaluation;
        [error, top5_error, loss].map(|&value| bits_of(value)).concat()
    };
    history.iter().map(bits).collect::<Vec<_>>().join(" ")
}

/// Reads the text that [`history_text`] wrote.
pub fn parse_history(text: &str) -> Result<Vec<Evaluation>, CheckpointError> {
    let parse = |word: &str| {
        Some(Evaluation {
            error: float_of(word.get(..16)?)?,
            top5_error: float_of(word.get(16..32)?)?,
            loss: float_of(word.get(32..)?)?,
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
            Evaluation { error: 0.1 + 0.2, top5_error: 0.1, loss: 1e-300 },
            Evaluation { error: 0.0, top5_error: 0.0, loss: 4.6 },
        ];
        assert_eq!(parse_history(&history_text(&history)).unwrap(), history);
        assert_eq!(parse_history("").unwrap(), vec![]);
        assert!(parse_history("3").is_err());
    }
}
