//! Tests of joining the tables of a run, and of the summary as text.

use super::*;
use crate::summaries::made_up::{self, score, truth};

fn architecture(seed: u64, architecture: u32) -> ArchitectureRow {
    ArchitectureRow {
        parameters: 1000 - u64::from(architecture) * 7 % 5,
        multiply_adds: 1_000_000 + u64::from(architecture),
        ..made_up::architecture(seed, architecture)
    }
}

#[test]
fn scores_and_true_errors_are_averaged_and_joined_by_seed_and_architecture() {
    let architectures: Vec<_> = (0..4).map(|n| architecture(3, n)).collect();
    let scores =
        [score(3, 0, 0, Some(0.5)), score(3, 0, 1, Some(0.7)), score(3, 1, 0, Some(0.25)), score(3, 3, 0, Some(0.75))];
    // The rows are not in the order of the architectures. Architecture 3 was scored but not trained.
    let true_errors =
        [truth(3, 1, 0, Some(0.125)), truth(3, 0, 1, None), truth(3, 0, 0, Some(0.5)), truth(3, 0, 2, Some(0.25))];
    let summary = summary(&architectures, &Predictor::score(&scores, Measure::Error), &true_errors, 100).unwrap();
    assert_eq!(summary.points.seeds[0].points, [(0.6, 0.375), (0.25, 0.125)]);
    assert_eq!((summary.n(), summary.left_out()), (2, String::new()));
}

#[test]
fn architectures_without_score_or_truth_are_left_out_and_counted() {
    let architectures: Vec<_> = (0..5).map(|n| architecture(0, n)).collect();
    let scores = [
        score(0, 0, 0, Some(0.5)),
        score(0, 1, 0, Some(0.5)),
        score(0, 1, 1, None),
        score(0, 2, 0, Some(0.5)),
        score(0, 3, 0, Some(0.6)),
    ];
    let true_errors = [
        truth(0, 0, 0, Some(0.25)),
        truth(0, 1, 0, Some(0.25)),
        truth(0, 2, 0, None),
        truth(0, 3, 0, Some(0.375)),
        truth(0, 4, 0, Some(0.375)),
    ];
    let summary = summary(&architectures, &Predictor::score(&scores, Measure::Error), &true_errors, 100).unwrap();
    assert_eq!(summary.points.seeds[0].points, [(0.5, 0.25), (0.6, 0.375)]);
    assert_eq!(summary.left_out(), "1 without a true error, 2 without a value of the predictor");
}

#[test]
fn a_truth_of_an_unknown_architecture_is_an_error() {
    let error = summary(&[architecture(0, 0)], &Predictor::score(&[], Measure::Error), &[truth(1, 0, 0, None)], 100)
        .unwrap_err();
    let expected = "seed 1: table `truths` names architecture 0, table `architectures` lacks it";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_run_without_any_usable_pair_has_no_statistics() {
    let summary =
        summary(&[architecture(0, 0)], &Predictor::score(&[], Measure::Error), &[truth(0, 0, 0, None)], 100).unwrap();
    assert_eq!((summary.n(), summary.score.kendall, summary.spread), (0, None, None));
    assert!(summary.to_string().contains("undefined"), "{summary}");
}

#[test]
fn the_text_shows_every_predictor_with_its_interval() {
    let mut tables = (Vec::new(), Vec::new(), Vec::new());
    for (seed, n) in (0..2).flat_map(|seed| (0..12).map(move |n| (seed, n))) {
        let jitter = f64::from(n * 7 % 5) / 50.0;
        tables.0.push(architecture(seed, n));
        tables.1.push(score(seed, n, 0, Some(0.5 + f64::from(n) / 50.0)));
        tables.2.push(truth(seed, n, 0, Some(0.25 + f64::from(n) / 80.0 + jitter)));
    }
    let summary = summary(&tables.0, &Predictor::score(&tables.1, Measure::Error), &tables.2, 1000).unwrap();
    let expected = "\
true error against its predictors, n = 24
                           Kendall τ               Spearman ρ              Pearson r
SMASH score, 1 noise draw  +0.82 [+0.65, +0.95]    +0.93 [+0.77, +0.99]    +0.84 [+0.69, +0.93]
  seed 0                   +0.82 [+0.57, +1.00]    +0.93 [+0.69, +1.00]    +0.84 [+0.62, +0.95]
  seed 1                   +0.82 [+0.57, +1.00]    +0.93 [+0.69, +1.00]    +0.84 [+0.62, +0.95]
parameters                 +0.21 [-0.12, +0.50]    +0.37 [-0.07, +0.65]    +0.56 [+0.24, +0.77]
multiply-adds              -0.82 [-0.95, -0.65]    -0.93 [-0.99, -0.77]    -0.84 [-0.93, -0.69]
positive τ: low values go with low errors; predictors where more is better have their sign changed
spread of true errors 5.42 points, noise of one 1.50 (1.50 by the test set, \
the training seed's share not measured); spread / noise 3.6
[ ]: 95 % percentile bootstrap over root seeds and their architectures, 10000 resamples";
    assert_eq!(summary.to_string(), expected);
    assert_eq!(summary.points.kendall(), summary.score.kendall);
}

#[test]
fn equal_scores_are_the_reason_for_an_undefined_tau() {
    let architectures: Vec<_> = (0..3).map(|n| architecture(0, n)).collect();
    let truths: Vec<_> = (0..3).map(|n| truth(0, n, 0, Some(0.5 + f64::from(n) / 10.0))).collect();
    let of_scores = |last: f64| {
        let scores = [score(0, 0, 0, Some(0.9)), score(0, 1, 0, Some(0.9)), score(0, 2, 0, Some(last))];
        summary(&architectures, &Predictor::score(&scores, Measure::Error), &truths, 100).unwrap()
    };
    let equal = of_scores(0.9);
    assert_eq!(equal.undefined_reason().unwrap(), "all values of SMASH score are equal in root seed 0");
    assert!(
        equal.to_string().contains("\nKendall τ is undefined: all values of SMASH score are equal in root seed 0\n")
    );
    assert_eq!(of_scores(0.8).undefined_reason(), None);
}
