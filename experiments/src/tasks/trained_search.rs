//! Search methods that train every architecture they look at, as units of work.

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::tensor::backend::AutodiffBackend;
use results::store::files::remove;
use results::tables::{read_table, write_table};
use results::{Status, TrialRow};
use smash::blueprint::Blueprint;
use smash::search::rivals::{SearchMethod, Trial, propose};
use smash::{Architecture, ResultingTraining, SearchSpace};

use crate::engine::damage::read_if_whole;
use crate::engine::unit::{Done, Kind, Unit};
use crate::tasks::setup::Setup;
use crate::tasks::training::Training;

/// Keys of the trials' random streams start here, apart from the keys of the trainings that a comparison reports.
const FIRST_KEY: u64 = 1 << 32;

/// One search of a comparison.
pub struct Trials<'a, B: AutodiffBackend> {
    /// The system that the search finds an architecture for.
    pub system: &'a str,
    /// The system's index in the definition, which is part of its file names and random streams.
    pub number: usize,
    /// How the next architecture is chosen.
    pub method: &'a SearchMethod,
    /// Number of full trainings that the search may spend.
    pub count: usize,
    /// How each is trained.
    pub settings: &'a ResultingTraining,
    /// The space that it searches.
    pub space: &'a SearchSpace,
    /// The images.
    pub setup: &'a Setup<'a, B>,
}

impl<'a, B: AutodiffBackend> Trials<'a, B> {
    fn file(&self) -> String {
        format!("trials-{}.parquet", self.number)
    }

    fn path(&self) -> PathBuf {
        self.setup.dir.unit_path(&self.file())
    }

    /// The unit that runs all trials, each after the trials that it learns from.
    pub fn unit(self) -> Unit<'a> {
        let batches = self.setup.batches(self.settings.batch_size);
        Unit {
            kind: Kind::TrainedSearch,
            name: format!("seed {}, search of {}", self.setup.seed.0, self.system),
            output: self.path(),
            beside: None,
            steps: self.count * self.settings.epochs * batches,
            work: Box::new(move |done| self.run(done)),
        }
    }

    fn run(&self, done: Done<'_>) -> Result<()> {
        let Setup { seed, task, .. } = *self.setup;
        let unfinished = self.setup.dir.checkpoint_path(&self.file());
        let mut rows: Vec<TrialRow> = read_if_whole(&unfinished, read_table)?.unwrap_or_default();
        let mut trials = Vec::new();
        for row in &rows {
            let architecture = Architecture::from_json(&row.json).with_context(|| unfinished.display().to_string())?;
            trials.push(Trial {
                architecture,
                reward_error: row.error,
            });
        }
        done(rows.len() * self.settings.epochs * self.setup.batches(self.settings.batch_size))?;
        while trials.len() < self.count {
            let index = trials.len();
            let architecture = propose(self.method, self.space, seed, &trials);
            let training = Training {
                setup: self.setup,
                settings: self.settings,
                examples: self.setup.training(),
                key: [FIRST_KEY + self.number as u64, index as u64],
                name: format!("trial-{}-{index}", self.number),
                validates: false,
            };
            let blueprint = Blueprint::of(self.space, task, &architecture);
            let parameters = blueprint.counts().parameters;
            let trained = training.run(blueprint, done)?;
            let is_ok = trained.failure.is_none();
            let error = is_ok.then(|| trained.trainer.evaluate(self.setup.validation()).error);
            rows.push(TrialRow {
                seed: seed.0,
                system: self.system.into(),
                index: index as u32,
                hash: architecture.hash(),
                json: architecture.to_json(),
                parameters,
                error,
                status: if is_ok { Status::Ok } else { Status::Failed },
            });
            write_table(&unfinished, &rows)?;
            training.forget()?;
            trials.push(Trial {
                architecture,
                reward_error: error,
            });
        }
        write_table(&self.path(), &rows)?;
        Ok(remove(&unfinished)?)
    }

    /// The first architecture with the lowest validation error.
    ///
    /// # Errors
    /// A table that cannot be read, or no training that ended well.
    pub fn best(&self) -> Result<Architecture> {
        let rows: Vec<TrialRow> = read_table(&self.path())?;
        let trained = rows.iter().filter_map(|row| Some((row.error?, row)));
        let (_, best) = trained
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .with_context(|| format!("search of {}: no training ended well", self.system))?;
        Architecture::from_json(&best.json).with_context(|| self.path().display().to_string())
    }
}
