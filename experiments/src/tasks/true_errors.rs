//! Trainings of resulting networks, which measure the true error of an architecture.

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::store::identity::StoredFile;
use results::store::pool::TruthKey;
use results::tables::write_table;
use results::{EpochRow, TruthRow};
use smash::blueprint::Blueprint;
use smash::{Architecture, ResultingTraining, SearchSpace};

use crate::engine::unit::{Done, Kind, Unit};
use crate::tasks::kept_networks::keep;
use crate::tasks::known_errors::KnownErrors;
use crate::tasks::learning_curve::Epoch;
use crate::tasks::pool::{RunPool, Taken, TruthContext, note_origin};
use crate::tasks::setup::Setup;
use crate::tasks::training::Training;

/// Trainings of architectures by one recipe.
#[derive(Clone, Copy)]
pub struct TrueErrors<'a> {
    /// The kind of the units.
    pub kind: Kind,
    /// Stem of their file names.
    pub stem: &'static str,
    /// The space of the architectures.
    pub space: &'a SearchSpace,
    /// The recipe.
    pub settings: &'a ResultingTraining,
    /// Trainings that need not be done again, if a benchmark has them.
    pub known: Option<&'a KnownErrors>,
    /// Whether the network is measured on the validation images after each epoch too.
    pub validates: bool,
}

/// A training with its measurements.
pub struct Measured<'a, B: AutodiffBackend> {
    /// The measurements at its end.
    pub truth: TruthRow,
    /// Its completed epochs.
    pub epochs: Vec<Epoch>,
    /// The training, whose checkpoint remains until [`Training::forget`].
    pub training: Training<'a, B>,
}

impl<'a> TrueErrors<'a> {
    /// The unit that trains one architecture with one seed. `place` is the place of the architecture among the trained ones.
    /// `find` gives its number in the run and the architecture itself, when the unit runs. The output is one [`TruthRow`], or
    /// none if there is no architecture at this place. Beside it lies one [`EpochRow`] for each completed epoch. The caller may set
    /// [`Unit::supplied`], by [`Self::is_supplied`].
    pub fn unit<B: AutodiffBackend>(
        self,
        setup: &'a Setup<'a, B>,
        place: usize,
        training_seed: usize,
        find: impl Fn() -> Result<Option<(usize, &'a Architecture)>> + Send + Sync + 'a,
    ) -> Unit<'a> {
        let name = format!("{}-{place:05}-{training_seed}", self.stem);
        let batches = setup.batches(self.settings.batch_size);
        Unit {
            kind: self.kind,
            name: format!("seed {}, {} {place}, training {training_seed}", setup.seed.0, self.stem),
            output: output_of(setup, &name),
            beside: Some(epochs_of(setup, &name)),
            supplied: None,
            steps: self.settings.epochs * batches,
            work: Box::new(move |done| match find()? {
                Some((index, architecture)) => self.train(setup, architecture, [index, training_seed], &name, done),
                None => {
                    write_table::<EpochRow>(&epochs_of(setup, &name), &[])?;
                    Ok(write_table::<TruthRow>(&output_of(setup, &name), &[])?)
                }
            }),
        }
    }

    /// Whether a benchmark or the pool of the run has the training of an architecture, which is given with its number in the run.
    ///
    /// # Errors
    /// A pool that cannot be looked at.
    pub fn is_supplied<B: AutodiffBackend>(
        &self,
        setup: &Setup<'_, B>,
        (index, architecture): (usize, &Architecture),
        training_seed: usize,
    ) -> Result<bool> {
        let place = [setup.seed.0, index as u64];
        if self.known.is_some_and(|known| known.truth(self.space, architecture, training_seed, place).is_some()) {
            return Ok(true);
        }
        match self.pooled(setup, architecture, training_seed) {
            Some((pool, key)) => pool.has_truth(&key),
            None => Ok(false),
        }
    }

    /// The pool of the run, if it can have a training, and the key of the training in it.
    fn pooled<'p, B: AutodiffBackend>(
        &self,
        setup: &'p Setup<'_, B>,
        architecture: &Architecture,
        training_seed: usize,
    ) -> Option<(&'p RunPool, TruthKey)> {
        // A pool has no validation errors after each epoch.
        let (pool, data) = setup.pool.as_ref().filter(|_| !self.validates)?;
        let context = TruthContext { data, task: setup.task, space: self.space, recipe: self.settings };
        Some((*pool, pool.truth_key(&context, architecture, training_seed)))
    }

    fn train<B: AutodiffBackend>(
        &self,
        setup: &'a Setup<'a, B>,
        architecture: &Architecture,
        [index, training_seed]: [usize; 2],
        name: &str,
        done: Done<'_>,
    ) -> Result<()> {
        let output = output_of(setup, name);
        let known = self
            .known
            .and_then(|known| known.truth(self.space, architecture, training_seed, [setup.seed.0, index as u64]));
        let pooled = self.pooled(setup, architecture, training_seed);
        let taken = match (known, &pooled) {
            (None, Some((pool, key))) => pool.truth(key, architecture, index)?,
            (known, _) => known,
        };
        if let Some(Taken { truth, epochs, origin }) = taken {
            note_origin(setup.dir, name, &origin)?;
            self.write_epochs(setup, name, &truth, &epochs)?;
            return Ok(write_table(&output, &[truth])?);
        }
        let Measured { truth, epochs, training } =
            self.measure(setup, architecture, [index, training_seed], name, done)?;
        if let Some((pool, key)) = pooled {
            pool.add_truth(key, architecture, &truth, &epochs)?;
        }
        self.write_epochs(setup, name, &truth, &epochs)?;
        write_table(&output, &[truth])?;
        training.forget()
    }

    fn write_epochs<B: AutodiffBackend>(
        &self,
        setup: &Setup<'_, B>,
        name: &str,
        truth: &TruthRow,
        epochs: &[Epoch],
    ) -> Result<()> {
        let settings = self.settings;
        let row = |(index, epoch): (usize, &Epoch)| EpochRow {
            seed: truth.seed,
            unit: name.into(),
            architecture: Some(truth.architecture),
            training_seed: Some(truth.training_seed),
            epoch: index as u32,
            learning_rate: settings.learning_rate * settings.schedule.factor(index as f64 / settings.epochs as f64),
            train_loss: epoch.train_loss,
            train_error: epoch.train_error,
            // A benchmark has them, whether or not the study measures them.
            validation_error: epoch.validation_error.filter(|_| self.validates),
        };
        let rows: Vec<EpochRow> = epochs.iter().enumerate().map(row).collect();
        Ok(write_table(&epochs_of(setup, name), &rows)?)
    }

    /// Trains an architecture, and measures its network. The checkpoint under `name` remains until [`Training::forget`].
    pub fn measure<B: AutodiffBackend>(
        &self,
        setup: &'a Setup<'a, B>,
        architecture: &Architecture,
        [index, training_seed]: [usize; 2],
        name: &str,
        done: Done<'_>,
    ) -> Result<Measured<'a, B>> {
        let training = Training {
            setup,
            settings: self.settings,
            examples: setup.training(),
            // The key depends on the architecture, not on its place in the run. Its true error is thus the same in every run that
            // trains it.
            key: [architecture.canonical_number(self.space), training_seed as u64],
            name: name.into(),
            validates: self.validates,
        };
        let trained = training.run(Blueprint::of(self.space, setup.task, architecture), done)?;
        let error = trained.evaluate(setup.test()).map(|test| test.error);
        keep(setup, name, &trained, Some(architecture), error)?;
        let epochs = trained.curve();
        let truth = TruthRow {
            seed: setup.seed.0,
            architecture: index as u32,
            training_seed: training_seed as u32,
            status: trained.status(),
            error,
            validation_error: trained.evaluate(setup.validation()).map(|validation| validation.error),
            train_error: trained.last_epoch().map(|last| last.error),
            train_loss: trained.last_epoch().map(|last| last.loss),
            epochs: trained.epochs(),
            message: trained.failure,
        };
        Ok(Measured { truth, epochs, training })
    }
}

fn output_of<B: AutodiffBackend>(setup: &Setup<'_, B>, name: &str) -> StoredFile {
    setup.dir.unit::<TruthRow>(name)
}

fn epochs_of<B: AutodiffBackend>(setup: &Setup<'_, B>, name: &str) -> StoredFile {
    setup.dir.unit::<EpochRow>(&format!("epochs-{name}"))
}
