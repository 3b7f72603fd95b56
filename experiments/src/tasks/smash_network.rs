//! One SMASH network of a run: the unit that trains it, and access to the trained network.

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::tensor::backend::AutodiffBackend;
use results::EpochRow;
use results::store::files::remove;
use results::tables::{read_table, write_table};
use smash::training::checkpoint::Checkpoint;
use smash::training::smash_training::SmashTraining;
use smash::{Evaluation, HyperNetConfig, SearchSpace, Seed, SmashNet, SmashTrainer};

use crate::engine::checkpoints::{read_checkpoint, write_checkpoint};
use crate::engine::damage::read_if_whole;
use crate::engine::stop;
use crate::engine::unit::{Done, Kind, Unit};
use crate::tasks::pool::{NetworkContext, RunPool, note_origin};
use crate::tasks::setup::Setup;

/// A SMASH network of a run.
pub struct SmashRun<'a, B: AutodiffBackend> {
    /// The images that it is trained on.
    pub setup: &'a Setup<'a, B>,
    /// The space whose architectures it runs.
    pub space: &'a SearchSpace,
    /// Size of its HyperNet, if it has one.
    pub hypernet: Option<&'a HyperNetConfig>,
    /// How it is trained.
    pub settings: &'a SmashTraining,
    /// Root of its random numbers: the seed of the run, unless the run has several networks that differ by it.
    pub seed: Seed,
    /// Stem of its file names, and its name in the table of epochs.
    pub stem: String,
}

impl<'a, B: AutodiffBackend> SmashRun<'a, B> {
    /// The network of a run that has only one.
    pub fn only(
        setup: &'a Setup<'a, B>,
        space: &'a SearchSpace,
        hypernet: &'a HyperNetConfig,
        settings: &'a SmashTraining,
    ) -> Self {
        Self { setup, space, hypernet: Some(hypernet), settings, seed: setup.seed, stem: "smash".into() }
    }

    fn network_path(&self) -> PathBuf {
        self.setup.dir.checkpoint_path(&format!("{}.safetensors", self.stem))
    }

    fn epochs_path(&self) -> PathBuf {
        self.setup.dir.unit_path(&format!("epochs-{}.parquet", self.stem))
    }

    /// The unit that trains it.
    pub fn unit(self) -> Unit<'a> {
        let settings = self.settings;
        Unit {
            kind: Kind::TrainSmash,
            name: format!("seed {}, SMASH network `{}`", self.setup.seed.0, self.stem),
            output: self.network_path(),
            beside: Some(self.epochs_path()),
            steps: settings.epochs * self.setup.batches(settings.batch_size),
            work: Box::new(move |done| self.train(done)),
        }
    }

    fn trainer(&self) -> SmashTrainer<B> {
        let Setup { task, .. } = *self.setup;
        let (space, seed, device) = (self.space.clone(), self.seed, self.setup.device());
        SmashTrainer::new(space, self.hypernet, task, seed, device)
    }

    fn train(&self, done: Done<'_>) -> Result<()> {
        let settings = self.settings;
        let files = [self.network_path(), self.epochs_path()];
        let files = files.each_ref().map(PathBuf::as_path);
        if let Some((pool, context)) = self.pooled()
            && pool.take_network(&context, files)?
        {
            return note_origin(self.setup.dir, &self.stem, pool.commit());
        }
        let in_training = format!("{}-in-training.safetensors", self.stem);
        let in_training = self.setup.dir.checkpoint_path(&in_training);
        let examples = self.setup.training();
        let mut trainer = self.trainer();
        if let Some(checkpoint) = read_if_whole(&in_training, read_checkpoint)? {
            let restored = trainer.restore(checkpoint);
            restored.with_context(|| in_training.display().to_string())?;
            done(trainer.history.len() * examples.batches(settings.batch_size))?;
        }
        while trainer.history.len() < settings.epochs {
            trainer.train_epoch(settings, examples, self.seed, &|| done(1).is_ok())?;
            write_checkpoint(&in_training, trainer.checkpoint())?;
            stop::check()?;
        }
        let row = |(epoch, train): (usize, &Evaluation)| EpochRow {
            seed: self.setup.seed.0,
            unit: self.stem.clone(),
            epoch: epoch as u32,
            learning_rate: settings.learning_rate * settings.schedule.factor(epoch as f64 / settings.epochs as f64),
            train_loss: train.loss,
            train_error: train.error,
            validation_error: None,
        };
        let rows: Vec<EpochRow> = trainer.history.iter().enumerate().map(row).collect();
        write_table(&self.epochs_path(), &rows)?;
        let net = trainer.network(settings);
        let mut network = Checkpoint::default();
        network.add("hypernet", &net.hypernet);
        network.add("main", &net.main);
        write_checkpoint(&self.network_path(), network)?;
        if let Some((pool, context)) = self.pooled() {
            pool.add_network(&context, files)?;
        }
        Ok(remove(&in_training)?)
    }

    /// The pool of the run, if it has one, and the key of the network in it.
    fn pooled(&self) -> Option<(&'a RunPool, NetworkContext<'_>)> {
        let Setup { pool, task, .. } = self.setup;
        let (pool, data) = pool.as_ref()?;
        let context = NetworkContext {
            data,
            task: *task,
            space: self.space,
            hypernet: self.hypernet,
            smash: self.settings,
            seed: self.seed.0,
        };
        Some((pool, context))
    }

    /// Loss and error of its epochs.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn epochs(&self) -> Result<Vec<EpochRow>> {
        Ok(read_table(&self.epochs_path())?)
    }

    /// The trained network on the gradient tape.
    ///
    /// # Errors
    /// A checkpoint that cannot be read or does not fit; the error names it.
    pub fn tracked_network(&self) -> Result<SmashNet<B>> {
        let net = self.trainer().net;
        let path = self.network_path();
        let mut checkpoint = read_checkpoint(&path)?;
        let restore = || -> Result<_> {
            let hypernet = checkpoint.restore("hypernet", net.hypernet)?;
            let main = checkpoint.restore("main", net.main)?;
            checkpoint.finish()?;
            Ok(SmashNet { space: net.space, hypernet, main, noise: self.settings.noise })
        };
        restore().with_context(|| path.display().to_string())
    }

    /// The trained network, off the gradient tape.
    ///
    /// # Errors
    /// As [`Self::tracked_network`].
    pub fn network(&self) -> Result<SmashNet<B::InnerBackend>> {
        Ok(self.tracked_network()?.valid())
    }
}

/// Loss and error of the epochs of some networks, one after the other.
///
/// # Errors
/// A table that cannot be read.
pub fn epochs_of<'a, B: AutodiffBackend + 'a>(
    networks: impl Iterator<Item = SmashRun<'a, B>>,
) -> Result<Vec<EpochRow>> {
    let mut rows = Vec::new();
    for network in networks {
        rows.extend(network.epochs()?);
    }
    Ok(rows)
}
