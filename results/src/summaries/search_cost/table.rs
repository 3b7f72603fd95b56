//! The table that searches are simulated on: trained architectures with their trainings, predictions and features.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};
use crate::statistics::sample::{mean, standard_deviation};
use crate::summaries::text::in_order;
use crate::tables::Row;
use crate::tables::rows::{ArchitectureFeatureRow, ArchitectureRow, PredictionRow, TrainingCurveRow, TruthRow};

/// The tables of a run that searches need.
pub struct Tables<'a> {
    /// All architectures.
    pub architectures: &'a [ArchitectureRow],
    /// Their trainings.
    pub true_errors: &'a [TruthRow],
    /// The epochs of the trainings.
    pub curves: &'a [TrainingCurveRow],
    /// The features of the architectures.
    pub features: &'a [ArchitectureFeatureRow],
    /// The predictions for the trained architectures.
    pub predictions: &'a [PredictionRow],
}

/// One training, as a search sees it epoch by epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Training {
    /// Validation error after each epoch; `None` from the epoch on in which the training failed.
    pub validation: Vec<Option<f64>>,
    /// Multiply-adds up to the end of each epoch.
    pub costs: Vec<f64>,
    /// Test error at the end; `None` if the training failed.
    pub test: Option<f64>,
}

impl Training {
    /// Validation error and test error at the end; `None` if the training failed.
    pub fn result(&self) -> Option<(f64, f64)> {
        (*self.validation.last()?).zip(self.test)
    }

    /// Multiply-adds of the whole training.
    pub fn cost(&self) -> f64 {
        self.costs.last().copied().unwrap_or(0.0)
    }
}

/// One trained architecture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Number of parameters.
    pub parameters: f64,
    /// The features that vary in the table, each with mean 0 and standard deviation 1 over the table.
    pub features: Vec<f64>,
    /// Its trainings, at least one.
    pub trainings: Vec<Training>,
    /// The prediction of each predictor; `None` if it failed.
    pub predictions: Vec<Option<f64>>,
}

/// One predictor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Predictor {
    /// Its name.
    pub name: String,
    /// Multiply-adds for its SMASH network, if it has one, and for the predictions of all architectures.
    pub cost: f64,
}

/// The trained architectures of one root seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// The architectures, at least one.
    pub candidates: Vec<Candidate>,
    /// The predictors, in the order of the table of predictions.
    pub predictors: Vec<Predictor>,
}

impl Table {
    /// One training of each architecture, drawn at random.
    pub fn seen(&self, rng: &mut ChaCha8Rng) -> Vec<&Training> {
        let mut one = |trainings: &[Training]| rng.random_range(0..trainings.len());
        self.candidates.iter().map(|candidate| &candidate.trainings[one(&candidate.trainings)]).collect()
    }

    /// Mean multiply-adds of a training, over all trainings of all architectures.
    pub fn mean_cost(&self) -> f64 {
        let trainings = self.candidates.iter().flat_map(|candidate| &candidate.trainings);
        mean(&trainings.map(Training::cost).collect::<Vec<_>>())
    }

    /// Number of epochs of a training.
    pub fn epochs(&self) -> usize {
        self.candidates[0].trainings[0].costs.len()
    }
}

/// Root seed and index of an architecture.
type Key = (u64, u32);

/// Joins the tables of all root seeds. A root seed without trainings is left out.
///
/// # Errors
/// If a training names an unknown architecture, or lacks its epochs. Also if an architecture lacks a feature that others
/// of its root seed have.
pub(crate) fn join(tables: &Tables) -> Result<Vec<Table>> {
    let mut trainings = trainings(tables)?;
    let names = in_order(tables.predictions.iter().map(|row| &row.predictor));
    let predictions: BTreeMap<(Key, &str), &PredictionRow> =
        tables.predictions.iter().map(|row| (((row.seed, row.architecture), row.predictor.as_str()), row)).collect();
    let mut of_seeds: BTreeMap<u64, Vec<(u32, Candidate)>> = BTreeMap::new();
    for row in tables.architectures {
        let key = (row.seed, row.architecture);
        let Some(trainings) = trainings.remove(&key) else { continue };
        let predictions = names.iter().map(|&name| predictions.get(&(key, name)).and_then(|row| row.value));
        let candidate = Candidate {
            parameters: row.parameters as f64,
            features: Vec::new(),
            trainings,
            predictions: predictions.collect(),
        };
        of_seeds.entry(row.seed).or_default().push((row.architecture, candidate));
    }
    if let Some(&(seed, architecture)) = trainings.keys().next() {
        return Err(Error::UnknownArchitecture { seed, architecture });
    }
    let table = |(seed, mut candidates): (u64, Vec<(u32, Candidate)>)| -> Result<Table> {
        candidates.sort_by_key(|(architecture, _)| *architecture);
        add_features(seed, &mut candidates, tables.features)?;
        let predictors = names.iter().map(|name| Predictor {
            name: (*name).to_owned(),
            cost: predictor_cost(tables.predictions.iter().filter(|row| row.seed == seed && row.predictor == *name)),
        });
        let candidates = candidates.into_iter().map(|(_, candidate)| candidate).collect();
        Ok(Table { candidates, predictors: predictors.collect() })
    };
    of_seeds.into_iter().map(table).collect()
}

/// The shared cost, which every row names, and the cost of each prediction.
fn predictor_cost<'a>(rows: impl Iterator<Item = &'a PredictionRow>) -> f64 {
    let (mut shared, mut own) = (0.0, 0.0);
    for row in rows {
        shared = f64::max(shared, row.shared_cost);
        own += row.cost;
    }
    shared + own
}

/// The trainings of each architecture, in the order of their seeds.
fn trainings(tables: &Tables) -> Result<BTreeMap<Key, Vec<Training>>> {
    let mut epochs: BTreeMap<(Key, u32), Vec<&TrainingCurveRow>> = BTreeMap::new();
    for row in tables.curves {
        epochs.entry(((row.seed, row.architecture), row.training_seed)).or_default().push(row);
    }
    let longest = epochs.values().map(Vec::len).max().unwrap_or(1);
    let mut true_errors: Vec<&TruthRow> = tables.true_errors.iter().collect();
    true_errors.sort_by_key(|row| (row.seed, row.architecture, row.training_seed));
    let mut trainings: BTreeMap<Key, Vec<Training>> = BTreeMap::new();
    for row in true_errors {
        let key = (row.seed, row.architecture);
        let mut curve = epochs.remove(&(key, row.training_seed)).unwrap_or_default();
        curve.sort_by_key(|row| row.epoch);
        if curve.len() != longest {
            let problem = format!(
                "seed {}: training {} of architecture {}: expected {longest} epochs, found {}",
                row.seed,
                row.training_seed,
                row.architecture,
                curve.len()
            );
            return Err(Error::Unexpected { table: TrainingCurveRow::NAME, problem });
        }
        trainings.entry(key).or_default().push(Training {
            validation: curve.iter().map(|row| row.validation_error).collect(),
            costs: curve.iter().map(|row| row.multiply_adds).collect(),
            test: row.error,
        });
    }
    Ok(trainings)
}

/// Gives each candidate of a root seed its features. A feature that is the same for all is left out.
fn add_features(seed: u64, candidates: &mut [(u32, Candidate)], rows: &[ArchitectureFeatureRow]) -> Result<()> {
    let mut values: BTreeMap<&str, BTreeMap<u32, f64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.seed == seed) {
        values.entry(row.feature.as_str()).or_default().insert(row.architecture, row.value);
    }
    for (feature, values) in values {
        let value = |architecture: u32| {
            values.get(&architecture).copied().ok_or_else(|| Error::Unexpected {
                table: ArchitectureFeatureRow::NAME,
                problem: format!("seed {seed}: architecture {architecture} lacks the feature `{feature}` of others"),
            })
        };
        let own: Vec<f64> = candidates.iter().map(|(architecture, _)| value(*architecture)).collect::<Result<_>>()?;
        let Some(deviation) = standard_deviation(&own).filter(|deviation| *deviation > 0.0) else { continue };
        let middle = mean(&own);
        for ((_, candidate), value) in candidates.iter_mut().zip(own) {
            candidate.features.push((value - middle) / deviation);
        }
    }
    Ok(())
}
