//! One SMASH network of a run: the unit that trains it, and access to the trained network.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::EpochRow;
use results::store::files::{is_file, remove};
use results::store::identity::StoredFile;
use results::tables::{read_table, write_table};
use smash::error::DivergedError;
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::training::smash_training::SmashTraining;
use smash::{Evaluation, HyperNetConfig, SearchSpace, Seed, SmashNet, SmashTrainer};

use crate::engine::checkpoints::{read_checkpoint, write_checkpoint};
use crate::engine::damage::read_if_usable;
use crate::engine::stop;
use crate::engine::unit::{Done, Kind, Supplied, Unit};
use crate::tasks::pool::{NetworkContext, PooledNetwork, RunPool, note_origin};
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
    /// Numbers of epochs after which its state is stored too, beside the state at the end of the training.
    pub kept: &'a [usize],
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
        let (seed, stem) = (setup.seed, "smash".into());
        Self { setup, space, hypernet: Some(hypernet), settings, seed, kept: &[], stem }
    }

    fn network_file(&self) -> StoredFile {
        self.setup.dir.trained(&self.stem)
    }

    fn epochs_file(&self) -> StoredFile {
        self.setup.dir.unit::<EpochRow>(&format!("epochs-{}", self.stem))
    }

    /// The unit that trains it.
    pub fn unit(self) -> Unit<'a> {
        let settings = self.settings;
        let pooled = self.pooled().map(|(pool, context)| pool.network_files(&context));
        Unit {
            kind: Kind::TrainSmash,
            name: format!("seed {}, SMASH network `{}`", self.setup.seed.0, self.stem),
            output: self.network_file(),
            beside: Some(self.epochs_file()),
            supplied: pooled.map(|files| -> Supplied<'a> {
                Box::new(move || Ok(is_file(&files.0.path)? && is_file(&files.1.path)?))
            }),
            steps: settings.epochs * self.setup.batches(settings.batch_size),
            work: Box::new(move |done| self.train(done)),
        }
    }

    fn trainer(&self) -> SmashTrainer<B> {
        let Setup { task, .. } = *self.setup;
        let (space, seed, device) = (self.space.clone(), self.seed, self.setup.device());
        SmashTrainer::new(space, self.hypernet, self.settings, task, seed, device)
    }

    fn in_training(&self) -> StoredFile {
        self.setup.dir.tensors(&format!("{}-in-training", self.stem))
    }

    /// Trains the network, or resumes its training, and returns it with the kept states. A loss that is not finite ends
    /// the training and is returned too.
    fn trained(&self, done: Done<'_>) -> Result<(SmashTrainer<B>, Tensors, Option<DivergedError>)> {
        let (settings, in_training, examples) = (self.settings, self.in_training(), self.setup.training());
        let resumed = read_if_usable(&in_training, |file| -> Result<_> {
            let mut checkpoint = read_checkpoint(file)?;
            let (states, tensors) = checkpoint.tensors.into_iter().partition(is_of_state);
            checkpoint.tensors = tensors;
            let mut trainer = self.trainer();
            let restored = trainer.restore(checkpoint);
            let checked =
                restored.and_then(|()| trainer.check_progress(settings, examples.batches(settings.batch_size)));
            checked.with_context(|| file.path.display().to_string())?;
            Ok((trainer, states))
        })?;
        let (mut trainer, mut states): (_, Tensors) = resumed.unwrap_or_else(|| (self.trainer(), Tensors::new()));
        done(trainer.history.len() * examples.batches(settings.batch_size))?;
        while trainer.history.len() < settings.epochs {
            let finished = trainer.history.len();
            if let Err(diverged) = trainer.train_epoch(settings, examples, self.seed, &|| done(1).is_ok()) {
                return Ok((trainer, states, Some(diverged)));
            }
            let epochs = trainer.history.len();
            // A request to stop may have cut the epoch short.
            if epochs > finished && self.kept.contains(&epochs) {
                states.extend(tensors_of(&trainer.network(settings), &prefix_after(epochs)));
            }
            let mut checkpoint = trainer.checkpoint();
            checkpoint.tensors.extend(states.clone());
            write_checkpoint(&in_training, checkpoint)?;
            stop::check()?;
        }
        Ok((trainer, states, None))
    }

    /// The last epoch of the network's training, for a study that does not use the network. A loss that is not finite is
    /// the inner error.
    ///
    /// # Errors
    /// A checkpoint that the system does not read or write.
    pub fn last_epoch(&self, done: Done<'_>) -> Result<std::result::Result<Evaluation, DivergedError>> {
        let (trainer, _, diverged) = self.trained(done)?;
        Ok(match (diverged, trainer.history.last()) {
            (None, Some(last)) => Ok(*last),
            (Some(diverged), _) => Err(diverged),
            (None, None) => unreachable!("a training has at least one epoch"),
        })
    }

    /// Removes the checkpoint of the training, once its result is stored.
    ///
    /// # Errors
    /// An existing file that cannot be removed.
    pub fn forget(&self) -> Result<()> {
        Ok(remove(&self.in_training().path)?)
    }

    fn train(&self, done: Done<'_>) -> Result<()> {
        let settings = self.settings;
        if let Some((pool, context)) = self.pooled()
            && let Some(PooledNetwork { network, mut epochs }) =
                pool.take_network(&context, |network| self.check(network))?
        {
            // Another study may have stored it, under another name.
            epochs.iter_mut().for_each(|row| row.unit.clone_from(&self.stem));
            write_table(&self.epochs_file(), &epochs)?;
            write_checkpoint(&self.network_file(), network)?;
            return note_origin(self.setup.dir, &self.stem, pool.commit());
        }
        let (trainer, states, diverged) = self.trained(done)?;
        if let Some(diverged) = diverged {
            return Err(diverged.into());
        }
        let row = |(epoch, train): (usize, &Evaluation)| EpochRow {
            seed: self.setup.seed.0,
            unit: self.stem.clone(),
            architecture: None,
            training_seed: None,
            epoch: epoch as u32,
            learning_rate: settings.learning_rate * settings.schedule.factor(epoch as f64 / settings.epochs as f64),
            train_loss: train.loss,
            train_error: train.error,
            validation_error: None,
        };
        let rows: Vec<EpochRow> = trainer.history.iter().enumerate().map(row).collect();
        write_table(&self.epochs_file(), &rows)?;
        let mut network = Checkpoint { tensors: tensors_of(&trainer.network(settings), ""), ..Default::default() };
        network.tensors.extend(states);
        write_checkpoint(&self.network_file(), network.clone())?;
        if let Some((pool, context)) = self.pooled() {
            pool.add_network(&context, PooledNetwork { network, epochs: rows })?;
        }
        self.forget()
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
            kept: self.kept,
        };
        Some((pool, context))
    }

    /// Loss and error of its epochs.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn epochs(&self) -> Result<Vec<EpochRow>> {
        Ok(read_table(&self.epochs_file())?)
    }

    /// The trained network on the gradient tape.
    ///
    /// # Errors
    /// A checkpoint that cannot be read or does not fit; the error names it.
    pub fn tracked_network(&self) -> Result<SmashNet<B>> {
        self.state(None)
    }

    /// The state after some epochs, or at the end of the training.
    fn state(&self, after_epochs: Option<usize>) -> Result<SmashNet<B>> {
        let file = self.network_file();
        let before_end = after_epochs.filter(|&epochs| epochs < self.settings.epochs);
        let state = self.restored(tensors_after(before_end, read_checkpoint(&file)?.tensors));
        state.with_context(|| file.path.display().to_string())
    }

    /// The network with these parameters.
    fn restored(&self, tensors: Tensors) -> Result<SmashNet<B>> {
        let net = self.trainer().net;
        let mut checkpoint = Checkpoint { tensors, ..Default::default() };
        let hypernet = checkpoint.restore("hypernet", net.hypernet)?;
        let main = checkpoint.restore("main", net.main)?;
        checkpoint.finish()?;
        Ok(SmashNet { hypernet, main, noise: self.settings.noise, ..net })
    }

    /// Checks that a stored network has the states of this one, with finite parameters.
    ///
    /// # Errors
    /// The first tensor that is missing or unknown, has another shape, or has a value that is not finite.
    fn check(&self, network: &Checkpoint) -> Result<()> {
        for (name, tensor) in &network.tensors {
            ensure!(
                tensor.values.iter().all(|value| value.is_finite()),
                "tensor `{name}` has a value that is not finite"
            );
            let is_known = |epochs: &usize| name.starts_with(&prefix_after(*epochs));
            ensure!(
                !name.starts_with(STATE) || self.kept.iter().any(is_known),
                "tensor `{name}` is of an unknown state"
            );
        }
        let kept = self.kept.iter().filter(|&&epochs| epochs <= self.settings.epochs).map(|&epochs| Some(epochs));
        for state in kept.chain([None]) {
            self.restored(tensors_after(state, network.tensors.clone()))?;
        }
        Ok(())
    }

    /// The trained network, off the gradient tape.
    ///
    /// # Errors
    /// As [`Self::tracked_network`].
    pub fn network(&self) -> Result<SmashNet<B::InnerBackend>> {
        self.network_after(None)
    }

    /// The network after a number of epochs, one of `kept` or the last; `None` stands for the last. It is off the gradient tape.
    ///
    /// # Errors
    /// As [`Self::tracked_network`], or if this state was not stored.
    pub fn network_after(&self, epochs: Option<usize>) -> Result<SmashNet<B::InnerBackend>> {
        Ok(self.state(epochs)?.valid())
    }
}

/// Tensors by name in a checkpoint.
type Tensors = BTreeMap<String, HostTensor>;

/// Start of the names of all tensors that belong to a state before the end of the training.
const STATE: &str = "after-";

/// Start of the names of the tensors of the state after some epochs.
fn prefix_after(epochs: usize) -> String {
    format!("{STATE}{epochs}.")
}

fn is_of_state((name, _): &(String, HostTensor)) -> bool {
    name.starts_with(STATE)
}

/// The parameters of a network, with a prefix before their names.
fn tensors_of<B: AutodiffBackend>(net: &SmashNet<B>, prefix: &str) -> Tensors {
    let mut network = Checkpoint::default();
    network.add(&format!("{prefix}hypernet"), &net.hypernet);
    network.add(&format!("{prefix}main"), &net.main);
    network.tensors
}

/// The parameters of a stored network after some epochs, or at the end of the training, by their names without a prefix.
fn tensors_after(epochs: Option<usize>, tensors: Tensors) -> Tensors {
    let Some(epochs) = epochs else {
        return tensors.into_iter().filter(|tensor| !is_of_state(tensor)).collect();
    };
    let prefix = prefix_after(epochs);
    let unprefixed = |(name, tensor): (String, HostTensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor));
    tensors.into_iter().filter_map(unprefixed).collect()
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
