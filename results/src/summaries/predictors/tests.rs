//! Tests of several predictors on made-up architectures.

use super::*;
use crate::statistics::bootstrap::bootstrap;
use crate::statistics::tau::kendall_tau_b;
use crate::summaries::made_up::{self, status, truth};

fn architecture(seed: u64, index: u32, parameters: u64) -> ArchitectureRow {
    ArchitectureRow { parameters, ..made_up::architecture(seed, index) }
}

fn prediction(seed: u64, architecture: u32, predictor: &str, value: Option<f64>) -> PredictionRow {
    PredictionRow {
        seed,
        architecture,
        predictor: predictor.into(),
        status: status(value),
        value,
        cost: 10.0 + f64::from(architecture),
        shared_cost: 1000.0,
    }
}

/// Two root seeds of eight architectures each. `good` is the truth, `bad` is its reverse, and `holes` lacks a value.
fn tables() -> (Vec<ArchitectureRow>, Vec<PredictionRow>, Vec<TruthRow>) {
    let (mut architectures, mut predictions, mut true_errors) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..2 {
        for index in 0..8 {
            let error = 0.1 + 0.05 * f64::from(index);
            architectures.push(architecture(seed, index, u64::from(index * 3 % 8)));
            true_errors.push(truth(seed, index, 0, Some(error - 0.01)));
            true_errors.push(truth(seed, index, 1, Some(error + 0.01)));
            true_errors.push(truth(seed, index, 2, None));
            predictions.push(prediction(seed, index, "good", Some(error)));
            predictions.push(prediction(seed, index, "bad", Some(-error)));
            predictions.push(prediction(seed, index, "holes", (index != 3).then_some(error)));
        }
        // This architecture was scored but not trained.
        architectures.push(architecture(seed, 8, 5));
        predictions.push(prediction(seed, 8, "good", Some(0.0)));
    }
    (architectures, predictions, true_errors)
}

#[test]
fn two_predictors_differ_by_the_paired_change_and_one_is_the_first() {
    let (architectures, predictions, true_errors) = tables();
    let summary = summary(&architectures, &predictions, &true_errors).unwrap();
    let between = |one: &str, other: &str| summary.tau_difference(&[one.to_owned(), other.to_owned()]);
    let change = summary.predictors[1].change.unwrap();
    assert_eq!(between("bad", "good").unwrap(), Some(change));
    let turned = between("good", "bad").unwrap().unwrap();
    assert_eq!([turned.estimate, turned.low, turned.high], [-change.estimate, -change.high, -change.low]);
    // `bad` is the negative of `good`, whose mean over the eight architectures is 0.275.
    let lower = summary.score_difference(&["good".to_owned(), "bad".to_owned()]).unwrap().unwrap();
    assert!((lower.estimate + 0.55).abs() < 1e-12 && lower.low < -0.55 && lower.high > -0.55, "{lower:?}");
    assert_eq!(between("good", "lost").unwrap_err(), "`lost` is no predictor");
    assert!(between("bad", "holes").unwrap_err().contains("neither is `good`"));
}

#[test]
fn predictors_are_measured_on_the_architectures_that_have_all_values() {
    let (architectures, predictions, true_errors) = tables();
    let summary = summary(&architectures, &predictions, &true_errors).unwrap();
    let names: Vec<&str> = summary.predictors.iter().map(|predictor| predictor.name.as_str()).collect();
    assert_eq!(names, ["good", "bad", "holes"]);
    let [good, bad, holes] = &summary.predictors[..] else { unreachable!() };
    assert_eq!((good.n, good.missing, holes.n, holes.missing), (16, 0, 14, 2));
    let estimate = |interval: Option<Interval>| interval.unwrap().estimate;
    let taus = [good, bad, holes].map(|predictor| estimate(predictor.tau));
    let is_near = |(found, expected): (f64, f64)| (found - expected).abs() < 1e-12;
    assert!(taus.into_iter().zip([1.0, -1.0, 1.0]).all(is_near), "{taus:?}");
    assert_eq!(good.change, None);
    assert!((estimate(bad.change) + 2.0).abs() < 1e-12);
    // Both sides use the same resamples, so equal predictors never differ.
    let change = holes.change.unwrap();
    assert_eq!([change.estimate, change.low, change.high], [0.0; 3]);
    // The best tenth of eight architectures is one.
    assert_eq!([good, bad].map(|predictor| estimate(predictor.precision())), [1.0, 0.0]);
    // Predictors with the same architectures share their resamples, which are those of each alone.
    assert_eq!(good.tau, bootstrap(&good.points, good.units, kendall_tau_b));
    let without_bad: Vec<PredictionRow> = predictions.iter().filter(|row| row.predictor != "bad").cloned().collect();
    let without_bad = super::summary(&architectures, &without_bad, &true_errors).unwrap();
    assert_eq!((&without_bad.predictors[0], &without_bad.predictors[1]), (good, holes));
    assert_eq!(good.shared_cost, 1000.0);
    assert!((bad.cost - 13.5).abs() < 1e-12);
    assert_eq!(summary.seeds, 2);
}

#[test]
fn the_effect_of_parameters_is_removed() {
    // Kendall's own formula, for the truth itself and for a predictor that is the number of parameters.
    assert_eq!(partial_tau(0.5, 0.0, 0.0), Some(0.5));
    assert!((partial_tau(0.6, 0.6, 1.0 / 3.0).unwrap() - 0.4 / (0.64f64 * (8.0 / 9.0)).sqrt()).abs() < 1e-12);
    assert_eq!(partial_tau(0.5, 1.0, 0.5), None);
    let (architectures, predictions, true_errors) = tables();
    let summary = summary(&architectures, &predictions, &true_errors).unwrap();
    let found = summary.predictors[0].partial.unwrap();
    assert!((found.estimate - 1.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn a_predictor_is_judged_by_the_architectures_that_it_rates() {
    let (architectures, mut predictions, true_errors) = tables();
    for row in predictions.iter_mut().filter(|row| row.predictor == "bad" && row.architecture >= 4) {
        (row.status, row.value, row.cost) = (Status::Skipped, None, 0.0);
    }
    let summary = summary(&architectures, &predictions, &true_errors).unwrap();
    let bad = &summary.predictors[1];
    assert_eq!((bad.n, bad.missing), (8, 8));
    // The mean over the rated architectures 0 to 3.
    assert_eq!(bad.cost, 11.5);
}
