//! The comparison study: systems trained under one recipe, with one budget and on the same images.
//!
//! See the paper, sections 4.3 and 4.4, tables 1 to 3. A system is a hand-designed network or a found architecture. Either SMASH
//! found it, or a search that trains every architecture it looks at.

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::tables::write_table;
use results::{CandidateRow, SystemRow, SystemTrainingRow, TrialRow};
use smash::Architecture;
use smash::blueprint::Blueprint;

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit, gather};
use crate::settings::size::MOST_WEIGHTS;
use crate::settings::studies::{self, ComparisonStudy, System, SystemKind};
use crate::studies::search::searches;
use crate::tasks::kept_networks::keep;
use crate::tasks::score_search::ScoreSearch;
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::epochs_of;
use crate::tasks::trained_search::TrainedSearch;
use crate::tasks::training::Training;

/// One seed of a comparison.
pub struct ComparisonRun<'a, B: AutodiffBackend> {
    study: &'a ComparisonStudy,
    /// The study's images, then the images of each search that has its own.
    setups: Vec<Setup<'a, B>>,
    /// The training images of each fold; one fold with all images if the study has no folds.
    folds: Vec<Vec<usize>>,
}

impl<'a, B: AutodiffBackend> ComparisonRun<'a, B> {
    /// Compares on the images of `setups[0]`; see [`crate::settings::studies::Study::data_sets`] for the others.
    ///
    /// # Errors
    /// Folds that need more images than the set has, or a hand-designed network that these images or its size forbid.
    pub fn new(study: &'a ComparisonStudy, setups: Vec<Setup<'a, B>>) -> Result<Self> {
        for system in &study.systems {
            if let Some(SystemKind::Baseline(baseline)) = system.kind() {
                let place = || format!("system `{}`", system.name);
                let weights = baseline.blueprint(setups[0].task).with_context(place)?.counts().parameters;
                ensure!(
                    weights <= MOST_WEIGHTS,
                    "{}: the network has {weights} weights, expected at most {MOST_WEIGHTS}",
                    place()
                );
            }
        }
        let folds = match &study.folds {
            Some(folds) => setups[0].folds(folds)?,
            None => vec![setups[0].all_train().to_vec()],
        };
        Ok(Self { study, setups, folds })
    }

    fn target(&self) -> &Setup<'a, B> {
        &self.setups[0]
    }

    fn searches(&self) -> impl Iterator<Item = ScoreSearch<'_, B>> {
        searches(&self.study.searches, &self.setups)
    }

    /// The search that a system names; the check of definitions ensures that it exists.
    fn search_named(&self, name: &str) -> ScoreSearch<'_, B> {
        let named = self.searches().find(|score_search| score_search.search.name == name);
        named.unwrap_or_else(|| panic!("no search is called `{name}`"))
    }

    /// The systems that are run, each with its index in the definition.
    fn systems(&self) -> impl Iterator<Item = (usize, &System)> {
        let systems = self.study.systems.iter().enumerate();
        systems.filter(|(_, system)| system.kind().is_some())
    }

    fn trained_searches(&self) -> impl Iterator<Item = TrainedSearch<'_, B>> {
        let searches = self.systems().filter_map(|(number, system)| match system.kind()? {
            SystemKind::TrainedSearch(settings) => Some((number, system, settings)),
            SystemKind::Baseline(_) | SystemKind::Smash(_) => None,
        });
        searches.map(|(number, system, settings)| self.trained_search(number, system, settings))
    }

    fn trained_search<'s>(
        &'s self,
        number: usize,
        system: &'s System,
        settings: &'s studies::TrainedSearch,
    ) -> TrainedSearch<'s, B> {
        TrainedSearch {
            system: &system.name,
            number,
            settings,
            space: &self.search_named(&settings.space_of).search.space,
            setup: self.target(),
        }
    }

    /// The network that a system trains, and its architecture if a search found it.
    fn blueprint(&self, number: usize, system: &System) -> Result<(Blueprint, Option<Architecture>)> {
        let task = self.target().task;
        let name = || format!("system `{}`", system.name);
        let (space, architecture) = match system.kind().with_context(name)? {
            SystemKind::Baseline(baseline) => return Ok((baseline.blueprint(task).with_context(name)?, None)),
            SystemKind::Smash(settings) => {
                let score_search = self.search_named(&settings.search);
                let best = score_search.best()?;
                let architecture = if settings.single_3x3 { best.single_3x3() } else { best };
                (&score_search.search.space, architecture)
            }
            SystemKind::TrainedSearch(settings) => {
                let trained_search = self.trained_search(number, system, settings);
                (trained_search.space, trained_search.best()?)
            }
        };
        Ok((Blueprint::of(space, task, &architecture), Some(architecture)))
    }

    fn training_units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for (number, system) in self.systems() {
            for (fold, indices) in self.folds.iter().enumerate() {
                for training_seed in 0..self.study.training_seeds {
                    units.push(self.training_unit(number, system, fold, indices, training_seed));
                }
            }
        }
        units
    }

    fn training_unit<'s>(
        &'s self,
        number: usize,
        system: &'s System,
        fold: usize,
        indices: &'s [usize],
        training_seed: usize,
    ) -> Unit<'s> {
        let setup = self.target();
        let name = format!("system-{number}-{fold}-{training_seed}");
        let output = setup.dir.unit::<SystemTrainingRow>(&name);
        let settings = &self.study.training;
        Unit {
            kind: Kind::TrainSystem,
            name: format!("seed {}, {}, fold {fold}, training {training_seed}", setup.seed.0, system.name),
            output: output.clone(),
            beside: None,
            supplied: None,
            steps: settings.epochs * indices.len().div_ceil(settings.batch_size),
            work: Box::new(move |done| {
                let training = Training {
                    setup,
                    settings,
                    examples: setup.of_train(indices),
                    key: [number as u64, (fold * self.study.training_seeds + training_seed) as u64],
                    name: name.clone(),
                    validates: false,
                };
                let (blueprint, architecture) = self.blueprint(number, system)?;
                let trained = training.run(blueprint, done)?;
                let test = trained.evaluate(setup.test());
                keep(setup, &name, &trained, architecture.as_ref(), test.map(|test| test.error))?;
                let row = SystemTrainingRow {
                    seed: setup.seed.0,
                    system: system.name.clone(),
                    fold: self.study.folds.is_some().then_some(fold as u32),
                    training_seed: training_seed as u32,
                    status: trained.status(),
                    error: test.map(|test| test.error),
                    top5_error: test.map(|test| test.top5_error),
                    train_loss: trained.last_epoch().map(|last| last.loss),
                    epochs: trained.epochs(),
                    message: trained.failure,
                };
                write_table(&output, &[row])?;
                training.forget()
            }),
        }
    }

    fn system_rows(&self) -> Result<Vec<SystemRow>> {
        let mut rows = Vec::new();
        for (number, system) in self.systems() {
            let (blueprint, architecture) = self.blueprint(number, system)?;
            let counts = blueprint.counts();
            rows.push(SystemRow {
                seed: self.target().seed.0,
                system: system.name.clone(),
                role: match system.kind() {
                    Some(SystemKind::Smash(_)) => "SMASH",
                    Some(SystemKind::TrainedSearch(_)) => "trained search",
                    _ => "hand-designed",
                }
                .into(),
                parameters: counts.parameters,
                multiply_adds: counts.multiply_adds,
                depth: counts.depth,
                json: architecture.map(|architecture| architecture.to_json()),
            });
        }
        Ok(rows)
    }
}

impl<B: AutodiffBackend> Study for ComparisonRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::Search, Kind::TrainedSearch, Kind::TrainSystem]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match stage {
            0 => self.searches().map(|score_search| score_search.smash().unit()).collect(),
            1 => self.searches().map(ScoreSearch::unit).collect(),
            2 => self.trained_searches().map(TrainedSearch::unit).collect(),
            _ => self.training_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.target().dir;
        dir.write(&epochs_of(self.searches().map(ScoreSearch::smash))?)?;
        dir.write(&gather::<CandidateRow>(&self.units(1))?)?;
        dir.write(&gather::<TrialRow>(&self.units(2))?)?;
        dir.write(&self.system_rows()?)?;
        dir.write(&gather::<SystemTrainingRow>(&self.units(3))?)?;
        Ok(())
    }
}
