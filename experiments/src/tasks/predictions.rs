//! The predictors that a study applies to the architectures it trains: variants of the SMASH score, and its rivals.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use burn::tensor::backend::{AutodiffBackend, Backend};
use results::tables::write_table;
use results::{Measure, PredictionRow, ScoreRow, Status};
use smash::predictors::{
    Costs, ShortTraining, initial_network, naswot, random_images, random_weights, steps_at_cost_of_score, synflow,
    warm_network,
};
use smash::scoring::{ScoreNorm, ScoreStatistics, score_noise, score_normalised_by};
use smash::{Architecture, Counts, Evaluation, Network, SmashNet};

use crate::engine::unit::{Done, Kind, Unit, gather};
use crate::settings::correlation::NetworkSettings;
use crate::settings::networks::PLAIN;
use crate::settings::predictors::{Method, Predictor, ScoreMethod};
use crate::settings::studies::CorrelationStudy;
use crate::tasks::scores::{shards, status_of};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::SmashRun;

fn measured(by: Measure, evaluation: Evaluation) -> f64 {
    by.of(evaluation.error, evaluation.loss)
}

/// The networks that a predictor needs, as keys of [`Networks`].
fn needed(predictor: &Predictor) -> Vec<(String, Option<usize>)> {
    let after_epochs = predictor.method.after_epochs();
    predictor.method.networks().iter().map(|name| (name.clone(), after_epochs)).collect()
}

/// The predictors of one seed of a study.
pub struct Predictors<'a, B: AutodiffBackend> {
    /// The study.
    pub study: &'a CorrelationStudy,
    /// The images.
    pub setup: &'a Setup<'a, B>,
    /// The architectures of the run.
    pub architectures: &'a [Architecture],
    /// The SMASH networks of the run.
    pub networks: &'a [NetworkSettings],
    /// Multiply-adds of a training step of each network, the mean over the run's architectures. Every shard and predictor needs
    /// them, so they are counted once.
    pub step_costs: &'a OnceLock<Vec<u64>>,
}

impl<B: AutodiffBackend> Clone for Predictors<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: AutodiffBackend> Copy for Predictors<'_, B> {}

/// Evaluations with generated weights, which several predictors may share: by network, number of epochs of its training, statistics
/// of BatchNorm, noise draw and architecture. Error and loss; `None` if one is not finite.
type Evaluations = BTreeMap<(String, Option<usize>, ScoreStatistics, usize, usize), Option<(f64, f64)>>;

/// Networks by name and number of epochs of their training.
type Networks<B> = BTreeMap<(String, Option<usize>), SmashNet<B>>;

/// A predictor's value for an architecture, and its cost in multiply-adds.
struct Predicted {
    /// `None` if the predictor failed.
    value: Option<f64>,
    cost: u64,
}

impl<'a, B: AutodiffBackend> Predictors<'a, B> {
    /// The units that ask each predictor about the trained architectures. There are `count` of these architectures if no score
    /// fails; `trained` gives their indices and the scores of the run when a unit runs.
    pub fn units(
        self,
        count: usize,
        trained: impl Fn() -> Result<(&'a [usize], &'a [ScoreRow])> + Copy + Send + Sync + 'a,
    ) -> Vec<Unit<'a>> {
        let unit = |(shard, places): (usize, std::ops::Range<usize>)| {
            let output = self.setup.dir.unit::<PredictionRow>(&format!("predictions-{shard:04}"));
            Unit {
                kind: Kind::Predict,
                name: format!("seed {}, predictions, shard {shard}", self.setup.seed.0),
                output: output.clone(),
                beside: None,
                supplied: None,
                steps: places.len() * self.study.predictors.len(),
                work: Box::new(move |done| {
                    let (trained, scores) = trained()?;
                    let indices: Vec<usize> = trained.iter().skip(places.start).take(places.len()).copied().collect();
                    let mut evaluations = self.evaluations_of(scores, &indices);
                    let mut networks = Networks::new();
                    let mut rows = Vec::new();
                    for (place, predictor) in self.study.predictors.iter().enumerate() {
                        // A network is read once, and held as long as predictors need it.
                        let left = &self.study.predictors[place..];
                        networks.retain(|network, _| left.iter().any(|predictor| needed(predictor).contains(network)));
                        for network in needed(predictor) {
                            if let Entry::Vacant(place) = networks.entry(network) {
                                let (name, after_epochs) = place.key();
                                let read = self.run_of(self.settings(name)).network_after(*after_epochs)?;
                                place.insert(read);
                            }
                        }
                        rows.extend(self.predict(predictor, &indices, &networks, &mut evaluations, done)?);
                    }
                    Ok(write_table(&output, &rows)?)
                }),
            }
        };
        shards(count, self.study.shard).enumerate().map(unit).collect()
    }

    /// The predictions that units have written, in the order of the predictors.
    ///
    /// # Errors
    /// An output that cannot be read.
    pub fn gather(&self, units: &[Unit<'_>]) -> Result<Vec<PredictionRow>> {
        let mut rows: Vec<PredictionRow> = gather(units)?;
        let place = |row: &PredictionRow| self.study.predictors.iter().position(|p| p.name == row.predictor);
        rows.sort_by_key(place);
        Ok(rows)
    }

    /// The evaluations of these architectures that the scores of the run hold.
    fn evaluations_of(&self, scores: &[ScoreRow], indices: &[usize]) -> Evaluations {
        let of_shard = scores.iter().filter(|row| indices.contains(&(row.architecture as usize)));
        let evaluation = |row: &ScoreRow| {
            let key = (PLAIN.to_owned(), None, self.study.statistics, row.draw as usize, row.architecture as usize);
            (key, row.error.zip(row.loss))
        };
        of_shard.map(evaluation).collect()
    }

    fn predict(
        &self,
        predictor: &Predictor,
        indices: &[usize],
        networks: &Networks<B::InnerBackend>,
        evaluations: &mut Evaluations,
        done: Done<'_>,
    ) -> Result<Vec<PredictionRow>> {
        let after_epochs = predictor.method.after_epochs();
        let own = needed(predictor).into_iter().map(|network| (self.settings(&network.0), &networks[&network]));
        let own: Vec<(&NetworkSettings, &SmashNet<B::InnerBackend>)> = own.collect();
        let norm = match &predictor.method {
            Method::Score(ScoreMethod { statistics, .. }) => *statistics,
            _ => ScoreStatistics::Running,
        };
        let Setup { seed, .. } = *self.setup;
        let norm = norm.prepare(self.setup.training(), self.study.smash.batch_size, seed);
        let shared_cost: u64 = own.iter().map(|(settings, _)| self.training_cost(settings, after_epochs)).sum();
        let rated = self.study.rated_space(predictor);
        let mut rows = Vec::new();
        for &index in indices {
            let is_rated = predictor.max_budget.is_none() || self.architectures[index].validate(&rated).is_ok();
            let (status, Predicted { value, cost }) = if is_rated {
                let predicted = self.ask(&predictor.method, &own, (&norm, &mut *evaluations), index)?;
                (status_of(predicted.value.is_some()), predicted)
            } else {
                (Status::Skipped, Predicted { value: None, cost: 0 })
            };
            rows.push(PredictionRow {
                seed: seed.0,
                architecture: index as u32,
                predictor: predictor.name.clone(),
                status,
                value,
                cost: cost as f64,
                shared_cost: shared_cost as f64,
            });
            done(1)?;
        }
        Ok(rows)
    }

    fn ask(
        &self,
        method: &Method,
        networks: &[(&NetworkSettings, &SmashNet<B::InnerBackend>)],
        scoring: (&ScoreNorm<B::InnerBackend>, &mut Evaluations),
        index: usize,
    ) -> Result<Predicted> {
        let Self { study, setup, .. } = *self;
        let architecture = &self.architectures[index];
        let (training, validation) = (setup.training(), setup.validation());
        let (n_training, n_validation) = (training.indices.len(), validation.indices.len());
        let costs = Costs::of(&study.space, setup.task, Some(&study.hypernet), architecture);
        let counts = Counts::of(&study.space, setup.task, architecture);
        let batch = study.truth_settings().batch_size;
        let (value, cost) = match method {
            Method::Score(score) => return self.score(score, networks, scoring, index),
            Method::Parameters => (Some(-(counts.parameters as f64)), 0),
            Method::MultiplyAdds => (Some(-(counts.multiply_adds as f64)), 0),
            Method::Depth => (Some(-f64::from(counts.depth)), 0),
            Method::Synflow => {
                let flow = synflow::<B::InnerBackend>(&self.untrained(architecture));
                (flow.ok().map(|flow| -flow), costs.synflow())
            }
            &Method::Naswot { images } => {
                let batch = random_images(training, images, setup.seed);
                let score = naswot::<B::InnerBackend>(&self.untrained(architecture), batch);
                (score.ok().map(|score| -score), costs.naswot(images.min(n_training)))
            }
            Method::RandomWeights { by } => {
                let evaluation = random_weights(self.untrained(architecture), training, validation, setup.seed);
                let value = evaluation.ok().map(|evaluation| measured(*by, evaluation));
                (value, costs.random_weights(n_training, n_validation))
            }
            Method::Steps { by } => {
                let value = self.after_steps(self.untrained(architecture), architecture, *by);
                (value, costs.steps(self.steps(), batch, n_validation))
            }
            Method::WarmScore { by, .. } => {
                let (_, smash) = networks[0];
                let weights = smash.generate(architecture, &score_noise(setup.seed, 0));
                let warm = warm_network::<B>(smash, setup.task, architecture, &weights);
                let value = self.after_steps(warm, architecture, *by);
                (value, costs.warm_score(self.steps(), batch, n_validation))
            }
        };
        Ok(Predicted { value, cost })
    }

    /// Key of the random streams of an architecture's networks.
    fn key(&self, architecture: &Architecture) -> [u64; 2] {
        [architecture.canonical_number(&self.study.space), 0]
    }

    /// The network of an architecture before training. All predictors that look at an untrained network look at the same one.
    fn untrained<N: Backend<Device = B::Device>>(&self, architecture: &Architecture) -> Network<N> {
        let Setup { task, seed, .. } = *self.setup;
        let key = self.key(architecture);
        initial_network(&self.study.space, task, architecture, seed, key, self.setup.device())
    }

    /// Number of training steps that cost as much as a score.
    fn steps(&self) -> usize {
        let batch = self.study.truth_settings().batch_size;
        steps_at_cost_of_score(self.setup.validation().indices.len(), self.study.noise_draws, batch)
    }

    /// The measure of a network after a short training; `None` if a loss was not finite.
    fn after_steps(&self, network: Network<B>, architecture: &Architecture, by: Measure) -> Option<f64> {
        let short = ShortTraining {
            steps: self.steps(),
            recipe: self.study.truth_settings(),
            seed: self.setup.seed,
            key: self.key(architecture),
        };
        let evaluation = short.error_after(network, self.setup.training(), self.setup.validation());
        Some(measured(by, evaluation.ok()?))
    }

    /// The mean over networks and noise draws; no value if one evaluation is not finite.
    fn score(
        &self,
        method: &ScoreMethod,
        networks: &[(&NetworkSettings, &SmashNet<B::InnerBackend>)],
        (norm, evaluations): (&ScoreNorm<B::InnerBackend>, &mut Evaluations),
        index: usize,
    ) -> Result<Predicted> {
        let Self { setup, .. } = *self;
        let architecture = &self.architectures[index];
        let validation = setup.validation();
        let (mut sum, mut cost) = (0.0, 0);
        for &(settings, net) in networks {
            architecture
                .validate(&settings.space)
                .with_context(|| format!("architecture {index} in the space of network `{}`", settings.name))?;
            let costs = Costs::of(&settings.space, setup.task, settings.hypernet.as_ref(), architecture);
            cost += costs.score(validation.indices.len(), method.draws);
            if let ScoreNorm::Recalibrated(batches) = norm {
                let images: usize = batches.iter().map(|images| images.dims()[0]).sum();
                cost += (method.draws * images) as u64 * costs.in_smash;
            }
            for draw in 0..method.draws {
                let key = (settings.name.clone(), method.after_epochs, method.statistics, draw, index);
                let evaluation = evaluations.entry(key).or_insert_with(|| {
                    let noise = score_noise(setup.seed, draw);
                    let evaluation = score_normalised_by(norm, net, architecture, &noise, validation).ok()?;
                    Some((evaluation.error, evaluation.loss))
                });
                let Some((error, loss)) = *evaluation else {
                    return Ok(Predicted { value: None, cost });
                };
                sum += method.by.of(error, loss);
            }
        }
        let value = sum / (networks.len() * method.draws) as f64;
        Ok(Predicted { value: Some(value), cost })
    }

    fn settings(&self, name: &str) -> &'a NetworkSettings {
        let named = self.networks.iter().find(|network| network.name == name);
        named.unwrap_or_else(|| panic!("no network `{name}`, though definitions are checked"))
    }

    /// The run of one network of the study.
    pub fn run_of(&self, settings: &'a NetworkSettings) -> SmashRun<'a, B> {
        SmashRun {
            setup: self.setup,
            space: &settings.space,
            hypernet: settings.hypernet.as_ref(),
            settings: &settings.smash,
            seed: self.setup.seed.of_member(settings.member),
            kept: &settings.kept,
            // The plain network has the name that other studies give it, so that a pool holds one network for both.
            stem: match settings.name.as_str() {
                PLAIN => "smash".into(),
                name => format!("smash-{name}"),
            },
        }
    }

    /// Multiply-adds of a network's training, or of its first epochs.
    fn training_cost(&self, settings: &NetworkSettings, after_epochs: Option<usize>) -> u64 {
        let smash = &settings.smash;
        let place = self.networks.iter().position(|network| network.name == settings.name);
        let step_costs = self.step_costs.get_or_init(|| self.networks.iter().map(|of| self.step_cost(of)).collect());
        let epochs = after_epochs.unwrap_or(smash.epochs);
        let steps = epochs * self.setup.batches(smash.batch_size) * smash.architectures_per_step;
        steps as u64 * step_costs[place.expect("a network of the run")]
    }

    fn step_cost(&self, NetworkSettings { smash, space, hypernet, .. }: &NetworkSettings) -> u64 {
        let step = |architecture: &Architecture| {
            let costs = Costs::of(space, self.setup.task, hypernet.as_ref(), architecture);
            costs.score_training_step(smash.batch_size)
        };
        self.architectures.iter().map(step).sum::<u64>() / self.architectures.len() as u64
    }
}
