//! Training one network inside a unit of work, with a checkpoint after each epoch, so that it resumes where it stopped.

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::Status;
use results::store::files::remove;
use results::store::identity::StoredFile;
use smash::blueprint::Blueprint;
use smash::training::evaluation::{history_text, parse_history};
use smash::{Evaluation, Examples, Network, ResultingTrainer, ResultingTraining};

use crate::engine::checkpoints::{read_checkpoint, write_checkpoint};
use crate::engine::damage::read_if_usable;
use crate::engine::stop;
use crate::engine::unit::Done;
use crate::tasks::learning_curve::Epoch;
use crate::tasks::scores::status_of;
use crate::tasks::setup::Setup;

/// A network to train.
pub struct Training<'a, B: AutodiffBackend> {
    /// The images, the device and the seed of the training.
    pub setup: &'a Setup<'a, B>,
    /// The recipe.
    pub settings: &'a ResultingTraining,
    /// The images that it learns from.
    pub examples: Examples<'a, B::InnerBackend>,
    /// Key of its random streams: the network and the training seed.
    pub key: [u64; 2],
    /// Name of its checkpoint.
    pub name: String,
    /// Whether the network is measured on the validation images after every epoch.
    pub validates: bool,
}

/// A network after its training.
pub struct Trained<B: AutodiffBackend> {
    /// The network, for measuring.
    pub trainer: ResultingTrainer<B>,
    /// Error and loss on the validation images after each epoch, if [`Training::validates`].
    pub validation: Vec<Evaluation>,
    /// Why the training diverged, if it did. This is a result and does not end the run.
    pub failure: Option<String>,
}

impl<B: AutodiffBackend> Trained<B> {
    /// How the training ended.
    pub fn status(&self) -> Status {
        status_of(self.failure.is_none())
    }

    /// Error and loss on some images, if the training did not diverge.
    pub fn evaluate(&self, examples: Examples<'_, B::InnerBackend>) -> Option<Evaluation> {
        let is_ok = self.failure.is_none();
        is_ok.then(|| self.trainer.evaluate(examples))
    }

    /// Mean error and loss over the batches of the last epoch, if the training did not diverge.
    pub fn last_epoch(&self) -> Option<&Evaluation> {
        self.trainer.history.last().filter(|_| self.failure.is_none())
    }

    /// The completed epochs.
    pub fn curve(&self) -> Vec<Epoch> {
        let epoch = |(index, train): (usize, &Evaluation)| Epoch {
            train_loss: train.loss,
            train_error: train.error,
            validation_error: self.validation.get(index).map(|validation| validation.error),
        };
        self.trainer.history.iter().enumerate().map(epoch).collect()
    }

    /// Number of completed epochs.
    pub fn epochs(&self) -> u32 {
        self.trainer.history.len() as u32
    }
}

impl<B: AutodiffBackend> Training<'_, B> {
    fn checkpoint(&self) -> StoredFile {
        self.setup.dir.tensors(&self.name)
    }

    /// The network with standard initial weights.
    pub fn initial(&self, blueprint: Blueprint) -> Network<B> {
        ResultingTrainer::new(blueprint, self.setup.seed, self.key, self.setup.device()).net
    }

    /// Trains the network from standard initial weights, or resumes its training.
    ///
    /// # Errors
    /// A checkpoint that the system does not read or write.
    pub fn run(&self, blueprint: Blueprint, done: Done<'_>) -> Result<Trained<B>> {
        self.run_from(self.initial(blueprint), done)
    }

    /// Trains a network from its weights, or resumes its training.
    ///
    /// # Errors
    /// A checkpoint that the system does not read or write.
    pub fn run_from(&self, initial: Network<B>, done: Done<'_>) -> Result<Trained<B>> {
        let (settings, seed) = (self.settings, self.setup.seed);
        let in_training = self.checkpoint();
        let start = || ResultingTrainer::starting_from(initial.clone(), self.key);
        let resumed = read_if_usable(&in_training, |file| -> Result<_> {
            let mut checkpoint = read_checkpoint(file)?;
            let place = || file.path.display().to_string();
            let (mut trainer, mut validation) = (start(), Vec::new());
            // The first line is the validation history, which the code below puts there.
            if let Some((line, rest)) = checkpoint.metadata.split_once('\n') {
                validation = parse_history(line).with_context(place)?;
                checkpoint.metadata = rest.to_owned();
            }
            trainer.restore(checkpoint).with_context(place)?;
            trainer.check_progress(settings, self.examples.batches(settings.batch_size)).with_context(place)?;
            let (found, expected) = (validation.len(), if self.validates { trainer.history.len() } else { 0 });
            ensure!(found == expected, "{}: {found} validation errors, expected {expected}", place());
            Ok((trainer, validation))
        })?;
        let (mut trainer, mut validation) = resumed.unwrap_or_else(|| (start(), Vec::new()));
        done(trainer.history.len() * self.examples.batches(settings.batch_size))?;
        let mut failure = None;
        while trainer.history.len() < settings.epochs {
            if let Err(error) = trainer.train_epoch(settings, self.examples, seed, &|| done(1).is_ok()) {
                failure = Some(error.to_string());
                break;
            }
            // `validation` is shorter only if the epoch is complete; a request to stop may have cut the epoch short.
            if self.validates && validation.len() < trainer.history.len() {
                validation.push(trainer.evaluate(self.setup.validation()));
            }
            if trainer.history.len() < settings.epochs {
                let mut checkpoint = trainer.checkpoint();
                if self.validates {
                    checkpoint.metadata = format!("{}\n{}", history_text(&validation), checkpoint.metadata);
                }
                write_checkpoint(&in_training, checkpoint)?;
                stop::check()?;
            }
        }
        Ok(Trained { trainer, validation, failure })
    }

    /// Removes the checkpoint, once the result is stored.
    ///
    /// # Errors
    /// An existing file that cannot be removed.
    pub fn forget(&self) -> Result<()> {
        Ok(remove(&self.checkpoint().path)?)
    }
}
