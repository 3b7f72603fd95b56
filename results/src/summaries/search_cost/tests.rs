//! Laws of simulated searches.

use proptest::prelude::*;
use rand::RngExt;

use super::table::{Candidate, Training};
use super::*;
use crate::summaries::made_up::{architecture, truth};
use crate::tables::Status;
use crate::tables::rows::{ArchitectureFeatureRow, ArchitectureRow, PredictionRow, TrainingCurveRow, TruthRow};

/// A training of two epochs, each at a cost of half a unit. Test error and last validation error are equal.
fn training(first: f64, last: f64) -> Training {
    Training { validation: vec![Some(first), Some(last)], costs: vec![0.5, 1.0], test: Some(last) }
}

/// Different errors in an order without a pattern, each from 0 to 1.
fn errors(n: usize) -> Vec<f64> {
    random_order(n, &mut generator(*b"testing ", 0)).into_iter().map(|rank| rank as f64 / n as f64).collect()
}

/// The made-up tables of one root seed.
struct MadeUp {
    architectures: Vec<ArchitectureRow>,
    true_errors: Vec<TruthRow>,
    curves: Vec<TrainingCurveRow>,
    features: Vec<ArchitectureFeatureRow>,
    predictions: Vec<PredictionRow>,
}

/// Architectures of equal cost with one training of three epochs each. `predicted` turns an error into a prediction, and the
/// feature is the error. The predictor costs as much as four trainings.
fn made_up(errors: &[f64], predicted: fn(f64) -> f64) -> MadeUp {
    let all = || (0..).zip(errors);
    let curve = |architecture, error: f64, epoch: u32| TrainingCurveRow {
        seed: 0,
        architecture,
        training_seed: 0,
        epoch,
        validation_error: Some(error),
        multiply_adds: f64::from(epoch),
    };
    let prediction = |(architecture, &error): (u32, &f64)| PredictionRow {
        seed: 0,
        architecture,
        predictor: "score".to_owned(),
        status: Status::Ok,
        value: Some(predicted(error)),
        cost: 6.0 / errors.len() as f64,
        shared_cost: 6.0,
    };
    let feature = |(architecture, &value): (u32, &f64)| ArchitectureFeatureRow {
        seed: 0,
        architecture,
        feature: "error".to_owned(),
        value,
    };
    let true_error =
        |(index, &error): (u32, &f64)| TruthRow { validation_error: Some(error), ..truth(0, index, 0, Some(error)) };
    MadeUp {
        architectures: all().map(|(index, _)| architecture(0, index)).collect(),
        true_errors: all().map(true_error).collect(),
        curves: all().flat_map(|(index, &error)| (1..=3).map(move |epoch| curve(index, error, epoch))).collect(),
        features: all().map(feature).collect(),
        predictions: all().map(prediction).collect(),
    }
}

impl MadeUp {
    fn tables(&self) -> Tables<'_> {
        Tables {
            architectures: &self.architectures,
            true_errors: &self.true_errors,
            curves: &self.curves,
            features: &self.features,
            predictions: &self.predictions,
        }
    }

    fn summary(&self) -> SearchCostSummary {
        summary(&self.tables(), 40).unwrap()
    }
}

/// The median of a method once this many trainings are paid, on the grid of budgets.
fn median(summary: &SearchCostSummary, method: &str, budget: usize) -> Option<f64> {
    let method = summary.methods.iter().find(|known| known.name == method).unwrap();
    method.at_budgets[budget].map(|band| band.median)
}

#[test]
fn a_perfect_predictor_finds_the_best_with_its_first_training() {
    let made_up = made_up(&errors(64), |error| error);
    let summary = made_up.summary();
    let score = &summary.methods[1];
    assert_eq!((score.name.as_str(), score.start, summary.training), ("score", 4.0, 3.0));
    // Four trainings for the predictor and one more.
    assert_eq!(score.at_budgets[0], Some(Band { median: 0.0, low: 0.0, high: 0.0 }));
    assert!(score.bands[0].is_none(), "nothing is found before the predictor is paid");
    assert!(median(&summary, "random search", 0).unwrap() > 0.05);
    let [first, last] = score.below_random[0];
    assert!((4.9..5.6).contains(&first) && last > 20.0, "{first} to {last}");
    let gain = summary.gain.unwrap();
    assert_eq!(summary.gain_at, 14.0);
    assert!(gain.estimate > 0.02 && gain.low >= 0.0, "{gain:?}");
}

#[test]
fn a_wrong_predictor_never_wins() {
    let made_up = made_up(&errors(64), |error| -error);
    let summary = made_up.summary();
    assert_eq!(summary.methods[1].below_text(), "never");
    assert!(summary.gain.unwrap().estimate < 0.0);
}

#[test]
fn methods_that_learn_beat_random_search_where_features_tell_the_error() {
    let mut rng = generator(*b"testing ", 1);
    let values: Vec<[f64; 4]> = (0..400).map(|_| std::array::from_fn(|_| rng.random())).collect();
    let errors: Vec<f64> = values.iter().map(|values| mean(values)).collect();
    let mut tables = made_up(&errors, |error| error);
    let rows = (0..).zip(&values).flat_map(|(architecture, values)| {
        let named = ["a", "b", "c", "d"].into_iter().zip(values);
        named.map(move |(name, &value)| ArchitectureFeatureRow {
            seed: 0,
            architecture,
            feature: name.to_owned(),
            value,
        })
    });
    tables.features = rows.collect();
    let summary = summary(&tables.tables(), 200).unwrap();
    for method in ["TPE", "regularised evolution"] {
        let [own, random] = [method, "random search"].map(|name| median(&summary, name, 3).unwrap());
        assert!(own < random, "{method}: {own}, random search: {random}");
        let bands = &summary.methods.iter().find(|known| known.name == method).unwrap().bands;
        // Beyond 120 trainings nothing is known.
        assert!(bands[GRID / 2].is_some() && bands[GRID - 1].is_none(), "{method}");
    }
    // The error after the first epoch is the last one here, so halving keeps the best and pays less.
    assert!(median(&summary, "successive halving", 2).unwrap() < median(&summary, "random search", 2).unwrap());
}

#[test]
fn random_search_has_the_expected_minimum_of_a_sample() {
    let errors = errors(20);
    let trainings: Vec<Training> = errors.iter().map(|&error| training(error, error)).collect();
    let trainings: Vec<&Training> = trainings.iter().collect();
    let (k, draws) = (5, 4000);
    let found: Vec<f64> = (0..draws)
        .map(|draw| {
            let order = random_order(trainings.len(), &mut generator(*b"ordering", draw));
            in_order(&trainings, &order, 0.0).test_error(k as f64).unwrap()
        })
        .collect();
    // The minimum of k of n different numbers is the j-th with the probability C(n - j, k - 1) / C(n, k).
    let choose = |n: usize, k: usize| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
    let mut sorted = errors.clone();
    sorted.sort_by(f64::total_cmp);
    let ranks = 1..=20 - k + 1;
    let expected: f64 = ranks.map(|j| sorted[j - 1] * choose(20 - j, k - 1) / choose(20, k)).sum();
    let deviation = crate::statistics::sample::standard_deviation(&found).unwrap();
    assert!((mean(&found) - expected).abs() < 4.0 * deviation / (draws as f64).sqrt(), "{} {expected}", mean(&found));
}

#[test]
fn halving_with_one_rung_is_random_search() {
    let trainings: Vec<Training> = errors(30).into_iter().map(|error| training(1.0 - error, error)).collect();
    let trainings: Vec<&Training> = trainings.iter().collect();
    let rng = || generator(*b"ordering", 7);
    let order = random_order(trainings.len(), &mut rng());
    // Two epochs are less than three, so there is no earlier rung.
    assert_eq!(successive_halving(&trainings, 2, &mut rng()), in_order(&trainings, &order, 0.0));
    assert_eq!(hyperband(&trainings, 2, &mut rng()), in_order(&trainings, &order, 0.0));
}

#[test]
fn halving_pays_only_for_the_epochs_that_it_trains() {
    let training =
        |error: f64| Training { validation: vec![Some(error); 3], costs: vec![1.0, 2.0, 3.0], test: Some(error) };
    let trainings = [0.3, 0.1, 0.2].map(training);
    let trainings: Vec<&Training> = trainings.iter().collect();
    let trace = successive_halving(&trainings, 3, &mut generator(*b"halvings", 0));
    // One epoch of three trainings, and two more of the best.
    assert_eq!((trace.spent(), trace.validation_errors()), (5.0, vec![0.1]));
    assert_eq!((trace.test_error(4.9), trace.test_error(5.0)), (None, Some(0.1)));
}

#[test]
fn a_failed_training_costs_and_is_never_kept() {
    let failed = Training { validation: vec![Some(0.0), None], costs: vec![0.5, 1.0], test: None };
    let trainings = [failed, training(0.9, 0.8)];
    let trainings: Vec<&Training> = trainings.iter().collect();
    let trace = in_order(&trainings, &[0, 1], 10.0);
    assert_eq!([11.0, 11.9, 12.0].map(|cost| trace.test_error(cost)), [None, None, Some(0.8)]);
}

#[test]
fn both_rankings_count_alike_and_a_failed_prediction_stays_one() {
    let together = with_parameters(&[Some(0.1), None, Some(0.3), Some(0.2)], &[30.0, 99.0, 20.0, 10.0]);
    assert_eq!(together, [Some(1.0), None, Some(2.5), Some(2.5)]);
    let order = predicted_order(&[None, Some(0.3), Some(0.1), None, Some(0.2)], &mut generator(*b"breaking", 0));
    assert_eq!(order[..3], [2, 4, 1]);
}

#[test]
fn tables_that_do_not_fit_together_are_named() {
    let error = |change: fn(&mut MadeUp)| {
        let mut tables = made_up(&errors(4), |error| error);
        change(&mut tables);
        summary(&tables.tables(), 1).unwrap_err().to_string()
    };
    for (found, expected) in [
        (error(|tables| tables.curves.truncate(11)), "training 0 of architecture 3: expected 3 epochs, found 2"),
        (error(|tables| tables.features.truncate(3)), "architecture 3 lacks the feature `error` of others"),
        (error(|tables| tables.architectures.truncate(3)), "names architecture 3"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    assert_eq!(
        summary(&Tables { true_errors: &[], ..made_up(&errors(4), |error| error).tables() }, 1).unwrap(),
        SearchCostSummary::default()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_kept_validation_error_never_rises_and_every_search_trains_each_architecture_once(
        errors in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0), 1..40),
        draw in 0_u64..1000,
    ) {
        let candidate = |&(first, last): &(f64, f64)| Candidate {
            parameters: 100.0 * first,
            features: vec![first, last],
            trainings: vec![training(first, last)],
            predictions: Vec::new(),
        };
        let table = Table { candidates: errors.iter().map(candidate).collect(), predictors: Vec::new() };
        let found = searches(&table, draw);
        prop_assert_eq!(&found, &searches(&table, draw));
        let best = errors.iter().map(|&(_, last)| last).fold(f64::INFINITY, f64::min);
        for (name, trace) in found {
            let kept = trace.validation_errors();
            prop_assert!(kept.windows(2).all(|pair| pair[1] < pair[0]), "{name}: {kept:?}");
            prop_assert_eq!(kept.last(), Some(&best), "{}", name);
            prop_assert_eq!(trace.spent(), errors.len() as f64, "{}", name);
        }
    }
}
