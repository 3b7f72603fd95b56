//! Training one network inside a unit of work: epochs with a checkpoint after each, so that it goes on where it stopped.

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::tensor::backend::AutodiffBackend;
use results::files::remove;
use smash::blueprint::Blueprint;
use smash::{Examples, ResultingTrainer, ResultingTraining};

use crate::stop;
use crate::study::{Setup, read_checkpoint, read_if_whole, write_checkpoint};
use crate::units::Done;

/// A network to train.
pub struct Training<'a, B: AutodiffBackend> {
    /// Where it is trained.
    pub setup: &'a Setup<'a, B>,
    /// The recipe.
    pub settings: &'a ResultingTraining,
    /// What it learns from.
    pub examples: Examples<'a, B::InnerBackend>,
    /// Names its random streams: the network and the training seed.
    pub key: [u64; 2],
    /// Name of its checkpoint.
    pub name: String,
}

/// A network after its training.
pub struct Trained<B: AutodiffBackend> {
    /// The network, for measuring.
    pub trainer: ResultingTrainer<B>,
    /// Why it diverged, if it did: a result, not the end of the run.
    pub failure: Option<String>,
}

impl<B: AutodiffBackend> Trained<B> {
    /// Mean training loss of the last epoch, if it did not diverge.
    pub fn train_loss(&self) -> Option<f64> {
        let last = self.trainer.history.last();
        last.filter(|_| self.failure.is_none()).map(|train| train.loss)
    }

    /// Epochs that were completed.
    pub fn epochs(&self) -> u32 {
        self.trainer.history.len() as u32
    }
}

impl<B: AutodiffBackend> Training<'_, B> {
    /// Steps that it takes.
    pub fn steps(&self) -> usize {
        self.settings.epochs * self.examples.batches(self.settings.batch_size)
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.setup.dir.checkpoint_path(&format!("{}.safetensors", self.name))
    }

    /// Trains, or goes on with the training.
    ///
    /// # Errors
    /// A checkpoint that does not fit or cannot be read or written.
    pub fn run(&self, blueprint: Blueprint, done: Done<'_>) -> Result<Trained<B>> {
        let (settings, device, seed) = (self.settings, self.setup.device(), self.setup.seed);
        let in_training = self.checkpoint_path();
        let mut trainer = ResultingTrainer::<B>::new(blueprint, seed, self.key, device);
        if let Some(checkpoint) = read_if_whole(&in_training, read_checkpoint)? {
            let restored = trainer.restore(checkpoint, device);
            restored.with_context(|| in_training.display().to_string())?;
            done(trainer.history.len() * self.examples.batches(settings.batch_size))?;
        }
        let mut failure = None;
        while trainer.history.len() < settings.epochs {
            if let Err(error) = trainer.train_epoch(settings, self.examples, seed, device, &|| done(1).is_ok()) {
                failure = Some(error.to_string());
                break;
            }
            if trainer.history.len() < settings.epochs {
                write_checkpoint(&in_training, trainer.checkpoint())?;
                stop::check()?;
            }
        }
        Ok(Trained { trainer, failure })
    }

    /// Removes its checkpoint, once what came out is stored.
    ///
    /// # Errors
    /// A file that is there and cannot be removed.
    pub fn forget(&self) -> Result<()> {
        Ok(remove(&self.checkpoint_path())?)
    }
}
