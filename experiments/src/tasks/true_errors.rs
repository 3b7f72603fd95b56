//! Trainings of resulting networks, which measure the true error of an architecture.

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::TruthRow;
use results::tables::write_table;
use smash::blueprint::Blueprint;
use smash::{Architecture, ResultingTraining, SearchSpace};

use crate::engine::unit::{Done, Kind, Unit};
use crate::tasks::known_errors::KnownErrors;
use crate::tasks::pool::{TruthContext, note_origin};
use crate::tasks::setup::Setup;
use crate::tasks::training::Training;

/// Trainings of architectures by one recipe.
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
}

impl<'a> TrueErrors<'a> {
    /// The unit that trains one architecture with one seed. `place` is the place of the architecture among the trained ones.
    /// `find` gives its number in the run and the architecture itself, when the unit runs. The output is one [`TruthRow`], or
    /// none if there is no architecture at this place.
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
            output: setup.dir.unit_path(&format!("{name}.parquet")),
            beside: None,
            steps: self.settings.epochs * batches,
            work: Box::new(move |done| match find()? {
                Some((index, architecture)) => self.train(setup, architecture, [index, training_seed], &name, done),
                None => Ok(write_table::<TruthRow>(&setup.dir.unit_path(&format!("{name}.parquet")), &[])?),
            }),
        }
    }

    fn train<B: AutodiffBackend>(
        &self,
        setup: &'a Setup<'a, B>,
        architecture: &Architecture,
        [index, training_seed]: [usize; 2],
        name: &str,
        done: Done<'_>,
    ) -> Result<()> {
        let output = setup.dir.unit_path(&format!("{name}.parquet"));
        let known = self
            .known
            .and_then(|known| known.truth(self.space, architecture, training_seed, [setup.seed.0, index as u64]));
        let pooled = setup.pool.as_ref().map(|(pool, data)| {
            let context = TruthContext { data, task: setup.task, space: self.space, recipe: self.settings };
            (*pool, pool.truth_key(&context, architecture, training_seed))
        });
        let taken = match (known, &pooled) {
            (None, Some((pool, key))) => pool.truth(key, index)?,
            (known, _) => known,
        };
        if let Some((row, origin)) = taken {
            note_origin(setup.dir, name, &origin)?;
            return Ok(write_table(&output, &[row])?);
        }
        let (row, training) = self.measure(setup, architecture, [index, training_seed], name, done)?;
        if let Some((pool, key)) = pooled {
            pool.add_truth(key, architecture, &row)?;
        }
        write_table(&output, &[row])?;
        training.forget()
    }

    /// Trains an architecture, and measures its network. The checkpoint under `name` remains until [`Training::forget`].
    pub fn measure<B: AutodiffBackend>(
        &self,
        setup: &'a Setup<'a, B>,
        architecture: &Architecture,
        [index, training_seed]: [usize; 2],
        name: &str,
        done: Done<'_>,
    ) -> Result<(TruthRow, Training<'a, B>)> {
        let training = Training {
            setup,
            settings: self.settings,
            examples: setup.training(),
            // The key depends on the architecture, not on its place in the run. Its true error is thus the same in every run that
            // trains it.
            key: [architecture.canonical_number(self.space), training_seed as u64],
            name: name.into(),
            validates: false,
        };
        let trained = training.run(Blueprint::of(self.space, setup.task, architecture), done)?;
        let row = TruthRow {
            seed: setup.seed.0,
            architecture: index as u32,
            training_seed: training_seed as u32,
            status: trained.status(),
            error: trained.evaluate(setup.test()).map(|test| test.error),
            validation_error: trained.evaluate(setup.validation()).map(|validation| validation.error),
            train_error: trained.last_epoch().map(|last| last.error),
            train_loss: trained.last_epoch().map(|last| last.loss),
            epochs: trained.epochs(),
            message: trained.failure,
        };
        Ok((row, training))
    }
}
