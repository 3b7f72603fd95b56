//! The correlation study: train a SMASH network, score sampled architectures, train every k-th by score (section 4.1).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::{ArchitectureFeatureRow, EpochRow, ScoreRow, TrainingCurveRow, TruthRow, VerificationRow, WeightsRow};
use smash::Architecture;
use smash::features::features;
use smash::predictors::Costs;

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit, gather, gather_beside};
use crate::settings::correlation::NetworkSettings;
use crate::settings::studies::CorrelationStudy;
use crate::tasks::known_errors::KnownErrors;
use crate::tasks::predictions::Predictors;
use crate::tasks::scores::{Scoring, ranked};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::{SmashRun, epochs_of};
use crate::tasks::true_errors::TrueErrors;
use crate::tasks::verification::Verification;

/// One seed of a correlation study.
pub struct CorrelationRun<'a, B: AutodiffBackend> {
    study: &'a CorrelationStudy,
    setup: Setup<'a, B>,
    architectures: Vec<Architecture>,
    /// The SMASH networks, the plain one first.
    networks: Vec<NetworkSettings>,
    /// True errors that a benchmark has, if the run uses one.
    known: Option<&'a KnownErrors>,
    /// See [`CorrelationRun::scores`].
    scores: OnceLock<Vec<ScoreRow>>,
    /// The architectures to train, once all scores exist.
    selected: OnceLock<Vec<usize>>,
    /// See [`CorrelationRun::planned`].
    planned: OnceLock<Vec<usize>>,
    /// See [`Predictors::step_costs`].
    step_costs: OnceLock<Vec<u64>>,
}

impl<'a, B: AutodiffBackend> CorrelationRun<'a, B> {
    /// Samples the architectures to score, or takes them from the benchmark that the definition names.
    ///
    /// # Errors
    /// Settings of a network that do not fit, or a benchmark of another root seed or with too few trainings.
    pub fn new(study: &'a CorrelationStudy, setup: Setup<'a, B>, known: Option<&'a KnownErrors>) -> Result<Self> {
        let architectures = match (known, &study.benchmark) {
            (Some(known), Some(used)) => known.architectures(study.training_seeds, used.scored)?,
            (Some(known), None) => {
                known.check_seed(setup.seed)?;
                setup.sample(&study.space, study.scored)
            }
            (None, _) => setup.sample(&study.space, study.scored),
        };
        let networks = study.network_settings()?;
        Ok(Self {
            study,
            setup,
            architectures,
            networks,
            known,
            scores: OnceLock::new(),
            selected: OnceLock::new(),
            planned: OnceLock::new(),
            step_costs: OnceLock::new(),
        })
    }

    fn predictors(&self) -> Predictors<'_, B> {
        Predictors {
            study: self.study,
            setup: &self.setup,
            architectures: &self.architectures,
            networks: &self.networks,
            step_costs: &self.step_costs,
        }
    }

    /// The plain SMASH network.
    fn smash(&self) -> SmashRun<'_, B> {
        self.predictors().run_of(&self.networks[0])
    }

    fn smash_runs(&self) -> impl Iterator<Item = SmashRun<'_, B>> {
        self.networks.iter().map(|settings| self.predictors().run_of(settings))
    }

    fn scoring_units(&self) -> Vec<Unit<'_>> {
        let scoring = Scoring {
            setup: &self.setup,
            architectures: &self.architectures,
            draws: self.study.noise_draws,
            shard: self.study.shard,
            statistics: self.study.statistics,
            batch_size: self.study.smash.batch_size,
        };
        scoring.units(|| self.smash().network())
    }

    /// Number of architectures that are trained, if no score fails.
    fn trained(&self) -> usize {
        self.architectures.len().div_ceil(self.study.trained_every())
    }

    /// The units that train networks, by place in [`CorrelationRun::selected`]. That list is known only once all scores exist.
    fn true_error_units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for place in 0..self.trained() {
            for training_seed in 0..self.study.training_seeds {
                let true_errors = TrueErrors {
                    kind: Kind::TrainResulting,
                    stem: "truth",
                    space: &self.study.space,
                    settings: self.study.truth_settings(),
                    known: self.known,
                    validates: self.study.search_cost.is_some(),
                };
                let find = move || {
                    let index = self.selected()?.get(place).copied();
                    Ok(index.map(|index| (index, &self.architectures[index])))
                };
                let mut unit = true_errors.unit(&self.setup, place, training_seed, find);
                unit.supplied = Some(Box::new(move || match self.planned().get(place) {
                    Some(&index) => {
                        true_errors.is_supplied(&self.setup, (index, &self.architectures[index]), training_seed)
                    }
                    None => Ok(false),
                }));
                units.push(unit);
            }
        }
        units
    }

    /// Number of trainings that are done again to verify the benchmark.
    fn verified(&self) -> usize {
        self.study.benchmark.as_ref().map_or(0, |used| used.verified)
    }

    fn verification_units(&self) -> Vec<Unit<'_>> {
        let Some(known) = self.known else { return Vec::new() };
        let verification = Verification {
            study: self.study,
            setup: &self.setup,
            architectures: &self.architectures,
            known,
            count: self.verified(),
        };
        verification.units()
    }

    fn prediction_units(&self) -> Vec<Unit<'_>> {
        self.predictors().units(self.trained(), || Ok((self.selected()?, self.scores()?)))
    }

    /// Sorts the architectures by SMASH score and takes every k-th; architectures with a failed score are left out.
    fn selected(&self) -> Result<&[usize]> {
        if let Some(selected) = self.selected.get() {
            return Ok(selected);
        }
        let value = |row: &ScoreRow| self.study.by.of(row.error, row.loss);
        let ranking = ranked(self.scores()?, 0..self.architectures.len(), value);
        let selected = ranking.into_iter().step_by(self.study.trained_every());
        Ok(self.selected.get_or_init(|| selected.collect()))
    }

    /// The architectures to train, as far as a plan can know them. Before all scores exist, they are known only if all are
    /// trained, and have no order.
    fn planned(&self) -> &[usize] {
        self.planned.get_or_init(|| match self.selected() {
            Ok(selected) => selected.to_vec(),
            Err(_) if self.study.trained_every() == 1 => (0..self.architectures.len()).collect(),
            Err(_) => Vec::new(),
        })
    }

    /// The scores, once all exist. Every training and every predictor asks for them, so they are read once.
    fn scores(&self) -> Result<&[ScoreRow]> {
        if let Some(scores) = self.scores.get() {
            return Ok(scores);
        }
        let scores = gather(&self.scoring_units())?;
        Ok(self.scores.get_or_init(|| scores))
    }

    fn features(&self) -> Vec<ArchitectureFeatureRow> {
        let rows = |(index, architecture): (usize, &Architecture)| {
            let row = |(feature, value)| ArchitectureFeatureRow {
                seed: self.setup.seed.0,
                architecture: index as u32,
                feature,
                value,
            };
            features(architecture).into_iter().map(row).collect::<Vec<_>>()
        };
        self.architectures.iter().enumerate().flat_map(rows).collect()
    }

    /// The validation errors of these trainings after each epoch of their recipe, with the cost up to there.
    fn curves(&self, true_errors: &[TruthRow], epochs: &[EpochRow]) -> Vec<TrainingCurveRow> {
        let key = |row: &EpochRow| (row.architecture, row.training_seed, row.epoch);
        let measured: BTreeMap<_, _> = epochs.iter().map(|row| (key(row), row.validation_error)).collect();
        let mut rows = Vec::new();
        for truth in true_errors {
            let architecture = &self.architectures[truth.architecture as usize];
            let costs = Costs::of(&self.study.space, self.setup.task, None, architecture);
            let row = |epoch: usize| TrainingCurveRow {
                seed: truth.seed,
                architecture: truth.architecture,
                training_seed: truth.training_seed,
                epoch: epoch as u32,
                validation_error: measured
                    .get(&(Some(truth.architecture), Some(truth.training_seed), epoch as u32 - 1))
                    .copied()
                    .flatten(),
                multiply_adds: costs.training(epoch * self.setup.split.train.len()) as f64,
            };
            rows.extend((1..=self.study.truth_settings().epochs).map(row));
        }
        rows
    }

    fn weights(&self) -> Result<Vec<WeightsRow>> {
        let net = self.smash().network()?;
        let learned = net.learned_weights();
        let row = |(index, architecture): (usize, &Architecture)| WeightsRow {
            seed: self.setup.seed.0,
            architecture: index as u32,
            generated: net.generated_weights(architecture),
            learned,
        };
        Ok(self.architectures.iter().enumerate().map(row).collect())
    }
}

impl<B: AutodiffBackend> Study for CorrelationRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        let verify = (self.verified() > 0).then_some(Kind::Verify);
        let predict = (!self.study.predictors.is_empty()).then_some(Kind::Predict);
        let stages = verify.into_iter().chain([Kind::TrainSmash, Kind::Score, Kind::TrainResulting]);
        stages.chain(predict).collect()
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match self.stages()[stage] {
            Kind::Verify => self.verification_units(),
            Kind::TrainSmash => self.smash_runs().map(SmashRun::unit).collect(),
            Kind::Score => self.scoring_units(),
            Kind::TrainResulting => self.true_error_units(),
            _ => self.prediction_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&self.weights()?)?;
        dir.write(self.scores()?)?;
        let trainings = self.true_error_units();
        let mut true_errors: Vec<TruthRow> = gather(&trainings)?;
        true_errors.sort_by_key(|row| (row.architecture, row.training_seed));
        dir.write(&true_errors)?;
        let mut epochs: Vec<EpochRow> = gather_beside(&trainings)?;
        epochs.sort_by_key(|row| (row.architecture, row.training_seed, row.epoch));
        dir.write(&[epochs_of(self.smash_runs())?, epochs.clone()].concat())?;
        if self.verified() > 0 {
            let verification: Vec<VerificationRow> = gather(&self.verification_units())?;
            dir.write(&verification)?;
        }
        if !self.study.predictors.is_empty() {
            dir.write(&self.predictors().gather(&self.prediction_units())?)?;
        }
        if self.study.search_cost.is_some() {
            dir.write(&self.features())?;
            dir.write(&self.curves(&true_errors, &epochs))?;
        }
        Ok(())
    }
}
