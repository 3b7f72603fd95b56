//! Comparison with values computed by hand, and properties of the statistics.

use proptest::prelude::*;
use rand::RngExt;

use super::ordered::{Ordered, difference_beyond_rounding};
use super::resampling::{measure, measure_where_defined};
use super::*;
use crate::statistics::bootstrap::{RESAMPLES, Units, bootstrap, generator};
use crate::statistics::coefficients::spearman;

/// Predictor and truth. The predictor's best point is the third best by truth.
const POINTS: [Point; 6] = [(1.0, 30.0), (2.0, 10.0), (3.0, 50.0), (4.0, 20.0), (5.0, 60.0), (6.0, 40.0)];

/// The plain coefficient alone.
const KENDALL: [Ranking; 1] = [Ranking::Coefficient(Coefficient::Kendall)];

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-12, "found {found}, expected {expected}");
}

#[test]
fn the_value_of_a_ranking_to_a_search() {
    close(Ranking::BestRank(1).of(&POINTS), 3.0);
    close(Ranking::BestRank(2).of(&POINTS), 1.0);
    close(Ranking::Regret(1).of(&POINTS), 20.0);
    close(Ranking::Regret(2).of(&POINTS), 0.0);
    close(Ranking::Gain(1).of(&POINTS), 35.0 - 30.0);
    // The best of two random points is 10 in 5 of 15 draws, 20 in 4, 30 in 3, 40 in 2, and 50 in 1.
    close(Ranking::Gain(2).of(&POINTS), (50.0 + 80.0 + 90.0 + 80.0 + 50.0) / 15.0 - 10.0);
    // A third of six points: {30, 10} by the predictor, {10, 20} by truth.
    close(Ranking::Precision(1.0 / 3.0).of(&POINTS), 0.5);
    close(Ranking::Precision(0.01).of(&POINTS), 0.0);
    close(mean_of_best(&POINTS, 1.0 / 3.0), 20.0);
    close(mean_of_best(&POINTS, 0.01), 30.0);
    close(mean_of_best(&POINTS, 1.0), 35.0);
    // The better half is 10, 20 and 30; their predictors are 2, 4 and 1.
    close(Ranking::BetterHalfTau.of(&POINTS), -1.0 / 3.0);
}

#[test]
fn ties_of_the_predictor_are_broken_at_random() {
    let tied = [(1.0, 1.0), (1.0, 2.0), (1.0, 6.0), (2.0, 0.0)];
    close(Ranking::Regret(1).of(&tied), 3.0);
    close(Ranking::BestRank(1).of(&tied), 3.0);
    // Two of the three are drawn. The best is 1 in two of three draws, and 2 otherwise.
    close(Ranking::Regret(2).of(&tied), 4.0 / 3.0);
    close(Ranking::Regret(4).of(&tied), 0.0);
    // The truly best two are 0, which is never taken, and 1, which two of three draws take.
    close(Ranking::Precision(0.5).of(&tied), 1.0 / 3.0);
    // Two of the three are taken, each in two of three draws.
    close(mean_of_best(&tied, 0.5), 3.0);
}

#[test]
fn two_levels_include_the_variation_between_groups() {
    let rising: Vec<Point> = (0..12).map(|i| (f64::from(i), f64::from(i))).collect();
    let falling: Vec<Point> = rising.iter().map(|&(x, y)| (x, -y)).collect();
    let [mixed] = measure(&[rising.clone(), falling], Units::Own, &KENDALL, RESAMPLES, &mut |_| {})[..] else {
        unreachable!("one statistic");
    };
    let interval = mixed.interval.unwrap();
    for (found, expected) in [(interval.estimate, 0.0), (interval.low, -1.0), (interval.high, 1.0)] {
        close(Some(found), expected);
    }
    assert!(mixed.p.unwrap() > 0.5, "{mixed:?}");
    let [alike] = measure(&[rising.clone(), rising], Units::Own, &KENDALL, RESAMPLES, &mut |_| {})[..] else {
        unreachable!("one statistic");
    };
    close(alike.interval.map(|interval| interval.low), 1.0);
    assert_eq!(alike.p, Some(1.0 / 10_001.0));
}

#[test]
fn intervals_of_the_best_few_hold_their_estimate_and_possible_values_only() {
    let mut rng = generator(7);
    for (groups, rows) in [(1, 30), (6, 15)] {
        let mut point = |_| {
            let x = rng.random::<f64>();
            (x, x + 0.5 * rng.random::<f64>())
        };
        let table: Vec<Vec<Point>> = (0..groups).map(|_| (0..rows).map(&mut point).collect()).collect();
        for measured in measure(&table, Units::Own, &Ranking::all(5), RESAMPLES, &mut |_| {}).into_iter().skip(5) {
            let interval = measured.interval.unwrap();
            let (least, most) = measured.statistic.range();
            assert!(least <= interval.low && interval.low <= interval.estimate, "{measured:?}");
            assert!(interval.estimate <= interval.high && interval.high <= most, "{measured:?}");
        }
    }
}

#[test]
fn a_group_without_a_value_hides_none_of_the_others() {
    let rising: Vec<Point> = (0..12).map(|i| (f64::from(i), f64::from(i))).collect();
    let groups = [rising, vec![(0.0, 0.0)]];
    let statistics = [Ranking::Coefficient(Coefficient::Kendall), Ranking::BestRank(1)];
    assert_eq!(measure(&groups, Units::Own, &statistics[..1], RESAMPLES, &mut |_| {})[0].interval, None);
    let estimates: Vec<f64> = measure_where_defined(&groups, &statistics, RESAMPLES, &mut |_| {})
        .iter()
        .map(|found| found.interval.unwrap().estimate)
        .collect();
    assert!(estimates.len() == 2 && estimates.iter().all(|estimate| (estimate - 1.0).abs() < 1e-12), "{estimates:?}");
    assert_eq!(measure_where_defined(&groups[1..], &statistics[..1], RESAMPLES, &mut |_| {})[0].interval, None);
}

#[test]
fn rounding_is_no_gain_and_every_number_keeps_four_digits() {
    assert_eq!(difference_beyond_rounding(0.1 + 0.2, 0.3), 0.0);
    assert!((difference_beyond_rounding(3e-20, 1e-20) / 2e-20 - 1.0).abs() < 1e-12);
    for (value, expected) in [
        (-0.0, "0"),
        (-1.5, "-1.500"),
        (0.045674, "0.04567"),
        (-1.11e-17, "-1.110e-17"),
        (123_456.7, "123457"),
        (6.5e209, "6.500e209"),
    ] {
        assert_eq!(significant(value), expected);
    }
}

#[test]
fn differences_of_errors_are_in_points_and_a_disagreement_about_chance_is_named() {
    let measured = |statistic, [low, high]: [f64; 2], p, by_chance| {
        let interval = Interval { estimate: (low + high) / 2.0, low, high, undefined: 0 };
        Measured { statistic, interval: Some(interval), p: Some(p), by_chance }
    };
    let regret = measured(Ranking::Regret(1), [0.01, 0.03], 0.2, None);
    assert_eq!(regret.value_text(true), "+2.00 [+1.00, +3.00] points");
    assert_eq!(regret.value_text(false), "0.02000 [0.01000, 0.03000]");
    let tau = measured(Ranking::WeightedTau, [-0.1, 0.5], 0.01, Some(0.0));
    let better = measured(Ranking::Precision(0.1), [0.2, 0.4], 0.01, Some(0.1));
    // Its test asks for better than chance only.
    let worse = measured(Ranking::Precision(0.1), [0.0, 0.05], 0.9, Some(0.1));
    assert_eq!(disagreements(&[regret, better, worse]), None);
    let note = disagreements(&[regret, tau, better]).unwrap();
    assert!(note.starts_with("Only one of interval and p excludes chance: weighted τ. p asks"), "{note}");
    close(Ranking::Precision(0.05).by_chance([30, 12].into_iter()), (2.0 / 30.0 + 1.0 / 12.0) / 2.0);
    assert_eq!(Ranking::Precision(0.05).by_chance([0].into_iter()), None);
}

#[test]
fn lower_is_better_for_rank_and_regret_only() {
    let perfect: Vec<Point> = (0..20).map(|i| (f64::from(i), f64::from(i))).collect();
    for measured in measure(&[perfect], Units::Own, &Ranking::all(3), RESAMPLES, &mut |_| {}) {
        let p = measured.p.unwrap();
        // A twentieth of the points is one point. A twentieth of the permutations are as good by chance.
        let least = match measured.statistic {
            Ranking::Precision(0.05) | Ranking::Regret(1) | Ranking::Gain(1) => 0.03..0.07,
            Ranking::BestRank(3) | Ranking::Regret(3) | Ranking::Gain(3) => 0.12..0.18,
            _ => 0.0..0.03,
        };
        assert!(least.contains(&p), "{measured:?}: {p}");
    }
}

#[test]
fn its_resamples_are_those_of_the_bootstrap() {
    let mut rng = generator(3);
    for units in [Units::Own, Units::Shared] {
        let mut point = |_| (f64::from(rng.random_range(0..9_u8)), f64::from(rng.random_range(0..9_u8)));
        let groups: Vec<Vec<Point>> = (0..3).map(|_| (0..20).map(&mut point).collect()).collect();
        let expected = bootstrap(&groups, units, spearman).unwrap();
        let statistics = [Ranking::Coefficient(Coefficient::Spearman)];
        let found = measure(&groups, units, &statistics, RESAMPLES, &mut |_| {})[0].interval.unwrap();
        for (found, expected) in [(found.low, expected.low), (found.high, expected.high)] {
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
        assert_eq!(found.undefined, expected.undefined);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Only Pearson's coefficient, regret and gain need more than ranks. The order of the points never matters.
    #[test]
    fn statistics_depend_on_what_they_should(
        drawn in prop::collection::vec((-9_i8..9, -9_i8..9), 3..25),
        k in 1_usize..6,
        turn in 0_usize..25,
    ) {
        let points: Vec<Point> = drawn.iter().map(|&(x, y)| (f64::from(x), f64::from(y))).collect();
        let bent: Vec<Point> = points.iter().map(|&(x, y)| (x.exp(), y)).collect();
        let mut turned = points.clone();
        turned.rotate_left(turn % points.len());
        for statistic in Ranking::all(k) {
            let found = statistic.of(&points);
            let same = |other: Option<f64>| match (found, other) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                (a, b) => a == b,
            };
            if statistic != Ranking::Coefficient(Coefficient::Pearson) {
                prop_assert!(same(statistic.of(&bent)), "{statistic:?}: {found:?}");
            }
            prop_assert!(same(statistic.of(&turned)), "{statistic:?}: {found:?}");
        }
    }

    /// Tau alone is counted without weights; beside a weighted tau it comes from the same look at all pairs.
    #[test]
    fn tau_alone_equals_tau_beside_the_weighted_one_to_the_bit(
        drawn in prop::collection::vec((0_u8..9, -9_i8..9, 0_u32..4), 1..40),
    ) {
        let points: Vec<Point> = drawn.iter().map(|&(x, y, _)| (f64::from(x), f64::from(y))).collect();
        let ordered = Ordered::new(&points);
        let counts: Vec<u32> = drawn.iter().map(|drawn| drawn.2).collect();
        let tau = |statistics: &[Ranking]| ordered.values_of(statistics, &ordered.truth_at, &counts)[0].map(f64::to_bits);
        prop_assert_eq!(tau(&KENDALL), tau(&[KENDALL[0], Ranking::WeightedTau]));
    }

    /// Points that count several times are several points.
    #[test]
    fn counts_stand_for_equal_points(
        drawn in prop::collection::vec((0_u8..9, -9_i8..9, 0_u32..4), 1..25),
        k in 1_usize..6,
    ) {
        let points: Vec<Point> = drawn.iter().map(|&(x, y, _)| (f64::from(x), f64::from(y))).collect();
        let copies = drawn.iter().zip(&points).flat_map(|(&(_, _, count), &point)| (0..count).map(move |_| point));
        let copies: Vec<Point> = copies.collect();
        let ordered = Ordered::new(&points);
        let mut counts = vec![0; points.len()];
        drawn.iter().zip(&ordered.places).for_each(|((_, _, count), &place)| counts[place as usize] = *count);
        let statistics = Ranking::all(k);
        let found = ordered.values_of(&statistics, &ordered.truth_at, &counts);
        for ((statistic, found), expected) in statistics.iter().zip(found).zip(Ordered::new(&copies).values(&statistics)) {
            let same = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                _ => found == expected,
            };
            prop_assert!(same, "{statistic:?}: {found:?}, expected {expected:?}");
        }
    }
}
