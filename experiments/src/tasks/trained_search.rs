//! Search methods that train every architecture they look at, as units of work.

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::TrialRow;
use results::store::files::remove;
use results::store::identity::StoredFile;
use results::tables::{read_table, write_table};
use smash::blueprint::Blueprint;
use smash::search::rivals::{Trial, propose};
use smash::{Architecture, SearchSpace};

use crate::engine::damage::read_if_usable;
use crate::engine::unit::{Done, Kind, Unit};
use crate::settings::studies;
use crate::tasks::setup::Setup;
use crate::tasks::training::Training;

/// Keys of the trials' random streams start here, apart from the keys of the trainings that a comparison reports.
const FIRST_KEY: u64 = 1 << 32;

/// One search of a comparison.
pub struct TrainedSearch<'a, B: AutodiffBackend> {
    /// The system that the search finds an architecture for.
    pub system: &'a str,
    /// The system's index in the definition, which is part of its file names and random streams.
    pub number: usize,
    /// Method, number of trials, and how each is trained.
    pub settings: &'a studies::TrainedSearch,
    /// The space that it searches.
    pub space: &'a SearchSpace,
    /// The images.
    pub setup: &'a Setup<'a, B>,
}

impl<'a, B: AutodiffBackend> TrainedSearch<'a, B> {
    fn stem(&self) -> String {
        format!("trials-{}", self.number)
    }

    fn output(&self) -> StoredFile {
        self.setup.dir.unit::<TrialRow>(&self.stem())
    }

    fn steps_of_trial(&self) -> usize {
        let training = &self.settings.training;
        training.epochs * self.setup.batches(training.batch_size)
    }

    /// The unit that runs all trials, each after the trials that it learns from.
    pub fn unit(self) -> Unit<'a> {
        Unit {
            kind: Kind::TrainedSearch,
            name: format!("seed {}, search of {}", self.setup.seed.0, self.system),
            output: self.output(),
            beside: None,
            supplied: None,
            steps: self.settings.trials * self.steps_of_trial(),
            work: Box::new(move |done| self.run(done)),
        }
    }

    fn run(&self, done: Done<'_>) -> Result<()> {
        let unfinished = self.setup.dir.unfinished::<TrialRow>(&self.stem());
        let resumed = read_if_usable(&unfinished, |file| -> Result<_> {
            let rows: Vec<TrialRow> = read_table(file)?;
            let place = || file.path.display().to_string();
            let (found, all) = (rows.len(), self.settings.trials);
            ensure!(found <= all, "{}: {found} trials, expected at most {all}", place());
            let trial = |(index, row): (usize, &TrialRow)| {
                let architecture = Architecture::from_json(&row.json).with_context(place)?;
                architecture.validate(self.space).with_context(place)?;
                let is_own = row.index as usize == index && row.hash == architecture.hash();
                ensure!(is_own, "{}: row {index}: `index` or `hash` is not that of the trial", place());
                Ok(Trial { architecture, reward_error: row.error })
            };
            let trials = rows.iter().enumerate().map(trial).collect::<Result<Vec<Trial>>>()?;
            Ok((rows, trials))
        })?;
        let (mut rows, mut trials) = resumed.unwrap_or_default();
        done(rows.len() * self.steps_of_trial())?;
        while trials.len() < self.settings.trials {
            let architecture = propose(&self.settings.method, self.space, self.setup.seed, &trials);
            let (training, row) = self.trial(trials.len(), &architecture, done)?;
            trials.push(Trial { architecture, reward_error: row.error });
            rows.push(row);
            write_table(&unfinished, &rows)?;
            training.forget()?;
        }
        write_table(&self.output(), &rows)?;
        Ok(remove(&unfinished.path)?)
    }

    /// Trains one architecture. Its checkpoint is still needed until the row is stored.
    fn trial(&self, index: usize, architecture: &Architecture, done: Done<'_>) -> Result<(Training<'_, B>, TrialRow)> {
        let Setup { seed, task, .. } = *self.setup;
        let training = Training {
            setup: self.setup,
            settings: &self.settings.training,
            examples: self.setup.training(),
            key: [FIRST_KEY + self.number as u64, index as u64],
            name: format!("trial-{}-{index}", self.number),
            validates: false,
        };
        let blueprint = Blueprint::of(self.space, task, architecture);
        let parameters = blueprint.counts().parameters;
        let trained = training.run(blueprint, done)?;
        let row = TrialRow {
            seed: seed.0,
            system: self.system.into(),
            index: index as u32,
            hash: architecture.hash(),
            canonical: Some(architecture.canonical_hash(self.space)),
            json: architecture.to_json(),
            parameters,
            error: trained.evaluate(self.setup.validation()).map(|last| last.error),
            status: trained.status(),
        };
        Ok((training, row))
    }

    /// The first architecture with the lowest validation error.
    ///
    /// # Errors
    /// A table that cannot be read, or no training that ended well.
    pub fn best(&self) -> Result<Architecture> {
        let rows: Vec<TrialRow> = read_table(&self.output())?;
        let trained = rows.iter().filter_map(|row| Some((row.error?, row)));
        let (_, best) = trained
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .with_context(|| format!("search of {}: every training diverged", self.system))?;
        Architecture::from_json(&best.json).with_context(|| self.output().path.display().to_string())
    }
}
