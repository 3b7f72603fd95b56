//! Comparison with values computed by hand, and properties of the statistics.

use proptest::prelude::*;
use rand::RngExt;

use super::*;

/// Predictor and truth. The predictor's best point is the third best by truth.
const POINTS: [Point; 6] = [(1.0, 30.0), (2.0, 10.0), (3.0, 50.0), (4.0, 20.0), (5.0, 60.0), (6.0, 40.0)];

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-12, "found {found}, expected {expected}");
}

#[test]
fn the_value_of_a_ranking_to_a_search() {
    close(best_rank(&POINTS, 1), 3.0);
    close(best_rank(&POINTS, 2), 1.0);
    close(regret(&POINTS, 1), 20.0);
    close(regret(&POINTS, 2), 0.0);
    close(gain(&POINTS, 1), 35.0 - 30.0);
    // The best of two random points is 10 in 5 of 15 draws, 20 in 4, 30 in 3, 40 in 2, and 50 in 1.
    close(gain(&POINTS, 2), (50.0 + 80.0 + 90.0 + 80.0 + 50.0) / 15.0 - 10.0);
    // A third of six points: {30, 10} by the predictor, {10, 20} by truth.
    close(precision(&POINTS, 1.0 / 3.0), 0.5);
    close(precision(&POINTS, 0.01), 0.0);
    close(mean_of_best(&POINTS, 1.0 / 3.0), 20.0);
    close(mean_of_best(&POINTS, 0.01), 30.0);
    close(mean_of_best(&POINTS, 1.0), 35.0);
    // The better half is 10, 20 and 30; their predictors are 2, 4 and 1.
    close(better_half_tau(&POINTS), -1.0 / 3.0);
}

#[test]
fn ties_of_the_predictor_are_broken_at_random() {
    let tied = [(1.0, 1.0), (1.0, 2.0), (1.0, 6.0), (2.0, 0.0)];
    close(regret(&tied, 1), 3.0);
    close(best_rank(&tied, 1), 3.0);
    // Two of the three are drawn. The best is 1 in two of three draws, and 2 otherwise.
    close(regret(&tied, 2), 4.0 / 3.0);
    close(regret(&tied, 4), 0.0);
    // The truly best two are 0, which is never taken, and 1, which two of three draws take.
    close(precision(&tied, 0.5), 1.0 / 3.0);
    // Two of the three are taken, each in two of three draws.
    close(mean_of_best(&tied, 0.5), 3.0);
}

#[test]
fn two_levels_include_the_variation_between_groups() {
    let rising: Vec<Point> = (0..12).map(|i| (f64::from(i), f64::from(i))).collect();
    let falling: Vec<Point> = rising.iter().map(|&(x, y)| (x, -y)).collect();
    let [mixed] = measure(&[rising.clone(), falling], Units::Own, &[Ranking::Coefficient(Coefficient::Kendall)])[..]
    else {
        unreachable!("one statistic");
    };
    let interval = mixed.interval.unwrap();
    for (found, expected) in [(interval.estimate, 0.0), (interval.low, -1.0), (interval.high, 1.0)] {
        close(Some(found), expected);
    }
    assert!(mixed.p.unwrap() > 0.5, "{mixed:?}");
    let [alike] = measure(&[rising.clone(), rising], Units::Own, &[Ranking::Coefficient(Coefficient::Kendall)])[..]
    else {
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
        for measured in measure(&table, Units::Own, &Ranking::all(5)).into_iter().skip(5) {
            let interval = measured.interval.unwrap();
            let (least, most) = measured.statistic.range();
            assert!(least <= interval.low && interval.low <= interval.estimate, "{measured}");
            assert!(interval.estimate <= interval.high && interval.high <= most, "{measured}");
        }
    }
}

#[test]
fn a_group_without_a_value_hides_none_of_the_others() {
    let rising: Vec<Point> = (0..12).map(|i| (f64::from(i), f64::from(i))).collect();
    let groups = [rising, vec![(0.0, 0.0)]];
    let statistics = [Ranking::Coefficient(Coefficient::Kendall), Ranking::BestRank(1)];
    assert_eq!(measure(&groups, Units::Own, &statistics[..1])[0].interval, None);
    let estimates: Vec<f64> =
        measure_where_defined(&groups, &statistics).iter().map(|found| found.interval.unwrap().estimate).collect();
    assert!(estimates.len() == 2 && estimates.iter().all(|estimate| (estimate - 1.0).abs() < 1e-12), "{estimates:?}");
    assert_eq!(measure_where_defined(&groups[1..], &statistics[..1])[0].interval, None);
}

#[test]
fn rounding_is_no_gain_and_every_number_keeps_four_digits() {
    assert_eq!(difference(0.1 + 0.2, 0.3), 0.0);
    assert!((difference(3e-20, 1e-20) / 2e-20 - 1.0).abs() < 1e-12);
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
fn lower_is_better_for_rank_and_regret_only() {
    let perfect: Vec<Point> = (0..20).map(|i| (f64::from(i), f64::from(i))).collect();
    for measured in measure(&[perfect], Units::Own, &Ranking::all(3)) {
        let p = measured.p.unwrap();
        // A twentieth of the points is one point. A twentieth of the permutations are as good by chance.
        let least = match measured.statistic {
            Ranking::Precision(0.05) | Ranking::Regret(1) | Ranking::Gain(1) => 0.03..0.07,
            Ranking::BestRank(3) | Ranking::Regret(3) | Ranking::Gain(3) => 0.12..0.18,
            _ => 0.0..0.03,
        };
        assert!(least.contains(&p), "{measured}: {p}");
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
            // Among points tied in both values, weighted tau takes the later first.
            let tied = (1..points.len()).any(|i| points[..i].contains(&points[i]));
            if statistic != Ranking::WeightedTau || !tied {
                prop_assert!(same(statistic.of(&turned)), "{statistic:?}: {found:?}");
            }
        }
    }
}
