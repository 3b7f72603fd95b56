//! The comparison study: systems trained under one recipe, with one budget and on the same images.
//!
//! See the paper, sections 4.3 and 4.4, tables 1 to 3. A system is a hand-designed network or a found architecture. Either SMASH
//! found it, or a search that trains every architecture it looks at. Further rows are hand-designed networks at the size of a found
//! architecture, which is known only after the search.

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::tables::write_table;
use results::{CandidateRow, SystemRow, SystemTrainingRow, TrialRow};
use smash::Architecture;
use smash::blueprint::Blueprint;
use smash::equal_size::nearest;

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit, gather};
use crate::settings::comparison::{SystemKind, TableRow};
use crate::settings::size::MOST_WEIGHTS;
use crate::settings::studies::{self, ComparisonStudy};
use crate::studies::search::searches;
use crate::tasks::kept_networks::keep;
use crate::tasks::score_search::ScoreSearch;
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::epochs_of;
use crate::tasks::trained_search::TrainedSearch;
use crate::tasks::training::Training;

/// A network to train.
struct Network {
    blueprint: Blueprint,
    /// Its architecture, if a search found it.
    architecture: Option<Architecture>,
    /// The count that it was to reach, if it is scaled.
    budget: Option<u64>,
}

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
        searches(&self.study.searches, &self.setups, self.study.searches_of_each())
    }

    /// The search that a system names, as a training seed uses it; the check of definitions ensures that it exists.
    fn search_named(&self, name: &str, training_seed: usize) -> ScoreSearch<'_, B> {
        let is_used = |member: usize| !self.study.own_searches || member == training_seed;
        let named = self.searches().find(|search| search.search.name == name && is_used(search.member.unwrap_or(0)));
        named.unwrap_or_else(|| panic!("no search is called `{name}`"))
    }

    fn trained_searches(&self) -> impl Iterator<Item = TrainedSearch<'_, B>> {
        let rows = self.study.rows().into_iter();
        rows.filter_map(|row| match row.kind {
            SystemKind::TrainedSearch(settings) => Some(self.trained_search(row, settings)),
            SystemKind::Baseline(_) | SystemKind::Smash(_) => None,
        })
    }

    fn trained_search<'s>(&'s self, row: TableRow<'s>, settings: &'s studies::TrainedSearch) -> TrainedSearch<'s, B> {
        TrainedSearch {
            system: &row.system.name,
            number: row.number,
            settings,
            space: &self.search_named(&settings.space_of, 0).search.space,
            setup: self.target(),
        }
    }

    /// The network that a row trains with a training seed, its architecture if a search found it, and the count that it was to
    /// reach if it is scaled.
    fn network(&self, row: TableRow<'_>, training_seed: usize) -> Result<Network> {
        let task = self.target().task;
        let (space, architecture) = match row.kind {
            SystemKind::Baseline(baseline) => {
                let Some((count, to)) = row.equal else {
                    return Ok(Network { blueprint: baseline.blueprint(task)?, architecture: None, budget: None });
                };
                let found =
                    self.study.rows().into_iter().find(|found| found.system.name == to && found.equal.is_none());
                let found = found.unwrap_or_else(|| panic!("no system is called `{to}`"));
                let budget = count.of(self.network(found, training_seed)?.blueprint.counts());
                let blueprint = nearest(baseline, task, count, budget)?;
                return Ok(Network { blueprint, architecture: None, budget: Some(budget) });
            }
            SystemKind::Smash(settings) => {
                let score_search = self.search_named(&settings.search, training_seed);
                let best = score_search.best()?;
                let architecture = if settings.single_3x3 { best.single_3x3() } else { best };
                (&score_search.search.space, architecture)
            }
            SystemKind::TrainedSearch(settings) => {
                let trained_search = self.trained_search(row, settings);
                (trained_search.space, trained_search.best()?)
            }
        };
        let blueprint = Blueprint::of(space, task, &architecture);
        Ok(Network { blueprint, architecture: Some(architecture), budget: None })
    }

    fn training_units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for row in self.study.rows() {
            for (fold, indices) in self.folds.iter().enumerate() {
                for training_seed in 0..self.study.training_seeds {
                    units.push(self.training_unit(row, fold, indices, training_seed));
                }
            }
        }
        units
    }

    fn training_unit<'s>(
        &'s self,
        row: TableRow<'s>,
        fold: usize,
        indices: &'s [usize],
        training_seed: usize,
    ) -> Unit<'s> {
        let setup = self.target();
        let (number, system) = (row.number, row.name());
        let name = format!("system-{number}-{fold}-{training_seed}");
        let output = setup.dir.unit::<SystemTrainingRow>(&name);
        let settings = &self.study.training;
        Unit {
            kind: Kind::TrainSystem,
            name: format!("seed {}, {system}, fold {fold}, training {training_seed}", setup.seed.0),
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
                let network = self.network(row, training_seed).with_context(|| format!("system `{system}`"))?;
                let trained = training.run(network.blueprint, done)?;
                let test = trained.evaluate(setup.test());
                keep(setup, &name, &trained, network.architecture.as_ref(), test.map(|test| test.error))?;
                let row = SystemTrainingRow {
                    seed: setup.seed.0,
                    system: system.clone(),
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
        for row in self.study.rows() {
            for training_seed in 0..self.study.searches_of_each() {
                rows.extend(self.system_row(row, training_seed)?);
            }
        }
        Ok(rows)
    }

    /// The network of a row for a training seed. A network that is the same for all training seeds has one row.
    fn system_row(&self, row: TableRow<'_>, training_seed: usize) -> Result<Option<SystemRow>> {
        let is_hand_designed = matches!(row.kind, SystemKind::Baseline(_));
        let is_one_for_all = !self.study.own_searches || (is_hand_designed && row.equal.is_none());
        if is_one_for_all && training_seed > 0 {
            return Ok(None);
        }
        let system = row.name();
        let Network { blueprint, architecture, budget } =
            self.network(row, training_seed).with_context(|| format!("system `{system}`"))?;
        let counts = blueprint.counts();
        Ok(Some(SystemRow {
            seed: self.target().seed.0,
            system,
            role: match row.kind {
                SystemKind::Smash(_) => "SMASH",
                SystemKind::TrainedSearch(_) => "trained search",
                SystemKind::Baseline(_) => "hand-designed",
            }
            .into(),
            parameters: counts.parameters,
            multiply_adds: counts.multiply_adds,
            depth: counts.depth,
            json: architecture.map(|architecture| architecture.to_json()),
            network: is_hand_designed.then_some(blueprint.name),
            equal: row.equal.map(|(count, _)| count.name().into()),
            budget,
            training_seed: (!is_one_for_all).then_some(training_seed as u32),
        }))
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
