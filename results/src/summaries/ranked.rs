//! Predictors of one's own beside those of a stored run, on the same architectures.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::summaries::join::{complete_mean, join, values};
use crate::summaries::predictor::{Measure, score_values};
use crate::summaries::predictors::{PredictorsSummary, summary};
use crate::summaries::text::draws_text;
use crate::tables::rows::{ArchitectureRow, PredictionRow, ScoreRow, TruthRow};
use crate::tables::{Status, declare};

/// Name of the SMASH score, with which all predictors are compared.
pub const SCORE: &str = "SMASH score";

/// Name of the number of parameters. Its sign is changed: more parameters predict a lower error.
const PARAMETERS: &str = "parameters";

declare! {
    /// The value of one predictor for one architecture of a stored run, beside its true error.
    pub struct RankedRow in "ranked" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Hash of the architecture.
        pub hash: String,
        /// Canonical hash, which isomorphic architectures share. Missing if this program cannot read the search space of the run.
        pub canonical: Option<String>,
        /// Name of the predictor; one's own predictors have the name of their column and `(own)`.
        pub predictor: String,
        /// The prediction. A lower value predicts a lower error: a measure for which more is better has its sign changed.
        pub value: f64 as "the predictor's own",
        /// Mean test error of the trainings that ended ok.
        pub true_error: f64 as "fraction in [0, 1]",
    }
}

/// A predictor of one's own.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPredictor {
    /// Its name, different from that of every other predictor.
    pub name: String,
    /// Its value for each architecture, by the hash. A lower value predicts a lower error.
    pub values: BTreeMap<String, f64>,
}

/// The tables of a run that has scores and true errors.
#[derive(Clone, Debug)]
pub struct RunTables {
    /// The architectures.
    pub architectures: Vec<ArchitectureRow>,
    /// Their SMASH scores.
    pub scores: Vec<ScoreRow>,
    /// Their trainings.
    pub true_errors: Vec<TruthRow>,
    /// Other predictors; empty if the run has none.
    pub predictions: Vec<PredictionRow>,
}

impl RunTables {
    /// The part about the architectures for which each of some predictors has a value.
    ///
    /// The root seeds keep the same architectures if they shared them before.
    pub fn with_values_of(mut self, own: &[OwnPredictor]) -> Self {
        self.architectures.retain(|row| own.iter().all(|predictor| predictor.values.contains_key(&row.hash)));
        let kept: BTreeSet<(u64, u32)> = self.architectures.iter().map(|row| (row.seed, row.architecture)).collect();
        self.scores.retain(|row| kept.contains(&(row.seed, row.architecture)));
        self.true_errors.retain(|row| kept.contains(&(row.seed, row.architecture)));
        self.predictions.retain(|row| kept.contains(&(row.seed, row.architecture)));
        self
    }

    /// Compares all predictors with the SMASH score: one's own, the number of parameters, then the others of the run. A row of
    /// the joined table stands for each value.
    ///
    /// # Errors
    /// If the tables contradict each other.
    pub fn ranked(&self, own: &[OwnPredictor], by: Measure) -> Result<(PredictorsSummary, Vec<RankedRow>)> {
        let predictions = self.all_predictions(own, by);
        let mut summary = summary(&self.architectures, &predictions, &self.true_errors)?;
        // The run may have other predictors that are scores with other numbers of noise draws.
        let draws = score_values(&self.scores, by).values().map(Vec::len).max().unwrap_or(0);
        for score in summary.predictors.iter_mut().filter(|predictor| predictor.name == SCORE) {
            score.shown = format!("{SCORE}, {}", draws_text(draws));
        }
        let true_errors: BTreeMap<(u64, u32), (&ArchitectureRow, f64)> =
            join(&self.architectures, &values([]), &self.true_errors)?
                .iter()
                .filter_map(|joined| {
                    let row = joined.row;
                    Some(((row.seed, row.architecture), (row, joined.true_error()?)))
                })
                .collect();
        let ranked = predictions.iter().filter_map(|row| {
            let &(architecture, true_error) = true_errors.get(&(row.seed, row.architecture))?;
            Some(RankedRow {
                seed: row.seed,
                architecture: row.architecture,
                hash: architecture.hash.clone(),
                canonical: architecture.canonical.clone(),
                predictor: row.predictor.clone(),
                value: row.value?,
                true_error,
            })
        });
        Ok((summary, ranked.collect()))
    }

    /// The predictions of the score, of one's own predictors, of the parameters, and of the others. Costs are not known here.
    fn all_predictions(&self, own: &[OwnPredictor], by: Measure) -> Vec<PredictionRow> {
        let scores = score_values(&self.scores, by);
        let mut all = Vec::new();
        let mut add = |name: &str, value: &dyn Fn(&ArchitectureRow) -> Option<f64>| {
            let rows = self.architectures.iter().map(|row| {
                let value = value(row);
                PredictionRow {
                    seed: row.seed,
                    architecture: row.architecture,
                    predictor: name.to_owned(),
                    status: if value.is_some() { Status::Ok } else { Status::Failed },
                    value,
                    cost: 0.0,
                    shared_cost: 0.0,
                }
            });
            all.extend(rows);
        };
        add(SCORE, &|row| complete_mean(scores.get(&(row.seed, row.architecture))?.iter().copied()));
        for predictor in own {
            add(&predictor.name, &|row| predictor.values.get(&row.hash).copied());
        }
        add(PARAMETERS, &|row| Some(-(row.parameters as f64)));
        let others = self.predictions.iter().filter(|row| ![SCORE, PARAMETERS].contains(&row.predictor.as_str()));
        all.extend(others.cloned());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six architectures in each of two root seeds. The score ranks as the true error does, apart from one pair.
    fn tables() -> RunTables {
        let keys = || (0..2_u64).flat_map(|seed| (0..6_u32).map(move |index| (seed, index)));
        let architecture = |(seed, architecture)| ArchitectureRow {
            seed,
            architecture,
            hash: format!("h{architecture}"),
            canonical: (architecture == 3).then(|| "c3".to_owned()),
            json: String::new(),
            parameters: 100 - u64::from(architecture * architecture % 5),
            multiply_adds: 1,
            ops: 1,
            depth: 1,
        };
        let score = |(seed, architecture)| ScoreRow {
            seed,
            architecture,
            draw: 0,
            error: Some(0.5 + 0.01 * f64::from(if architecture < 2 { 1 - architecture } else { architecture })),
            loss: None,
            status: Status::Ok,
        };
        let truth = |(seed, architecture)| TruthRow {
            seed,
            architecture,
            training_seed: 0,
            status: Status::Ok,
            error: Some(0.2 + 0.01 * f64::from(architecture)),
            validation_error: None,
            train_error: None,
            train_loss: None,
            epochs: 1,
            message: None,
        };
        let prediction = |(seed, architecture): (u64, u32), predictor: &str| PredictionRow {
            seed,
            architecture,
            predictor: predictor.to_owned(),
            status: Status::Ok,
            value: Some(-f64::from(architecture)),
            cost: 1.0,
            shared_cost: 0.0,
        };
        RunTables {
            architectures: keys().map(architecture).collect(),
            scores: keys().map(score).collect(),
            true_errors: keys().map(truth).collect(),
            predictions: keys().flat_map(|key| [SCORE, "reversed"].map(|name| prediction(key, name))).collect(),
        }
    }

    fn own(name: &str, values: &[(u32, f64)]) -> OwnPredictor {
        let values = values.iter().map(|&(index, value)| (format!("h{index}"), value)).collect();
        OwnPredictor { name: name.to_owned(), values }
    }

    #[test]
    fn all_predictors_are_measured_on_the_architectures_of_ones_own() {
        let perfect = own("perfect (own)", &[(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0), (4, 5.0), (9, 0.0)]);
        let fewer = own("fewer (own)", &[(0, 5.0), (1, 4.0), (2, 3.0), (3, 2.0), (5, 1.0)]);
        let predictors = [perfect, fewer];
        let tables = tables().with_values_of(&predictors);
        let (summary, rows) = tables.ranked(&predictors, Measure::Error).unwrap();
        let found: Vec<(&str, usize, f64)> = summary
            .predictors
            .iter()
            .map(|predictor| (predictor.name.as_str(), predictor.n, predictor.tau.unwrap().estimate))
            .collect();
        // Four architectures, 0 to 3, have values of both. One of six pairs is wrong by the score.
        let expected = [("SMASH score", 4.0 / 6.0), ("perfect (own)", 1.0), ("fewer (own)", -1.0)];
        for ((name, n, tau), (expected, of_expected)) in found.iter().zip(expected) {
            assert_eq!((*name, *n), (expected, 4));
            assert!((tau - of_expected).abs() < 1e-12, "{name}: {tau}");
        }
        assert_eq!(found.iter().map(|(name, ..)| *name).collect::<Vec<_>>()[3..], ["parameters", "reversed"]);
        assert_eq!(found[4].2, -1.0);
        let change = summary.predictors[1].change.unwrap();
        assert!((change.estimate - 2.0 / 6.0).abs() < 1e-12, "{change:?}");
        assert_eq!((summary.predictors[0].change, summary.seeds), (None, 2));
        assert_eq!(rows.len(), 5 * 2 * 4);
        let row =
            rows.iter().find(|row| row.predictor == "fewer (own)" && row.seed == 1 && row.architecture == 3).unwrap();
        assert_eq!((row.hash.as_str(), row.value, row.true_error), ("h3", 2.0, 0.23));
        assert_eq!(row.canonical.as_deref(), Some("c3"));
        let of_parameters = rows.iter().find(|row| row.predictor == PARAMETERS && row.architecture == 2).unwrap();
        assert_eq!(of_parameters.value, -96.0);
    }
}
