//! Comparison with golden values from SciPy 1.17 and NumPy, and properties of the statistics.

use proptest::prelude::*;

use super::bootstrap::{
    BOOTSTRAP_SEED, FEWEST, Interval, RESAMPLES, Units, bootstrap, bootstrap_difference, generator, mean_interval,
    mean_over_groups, percentiles, regression_band, resample_groups,
};
use super::coefficients::{Coefficient, least_squares, pearson, spearman};
use super::noise::spread_and_noise;
use super::sample::{Point, mean};
use super::tau::kendall_tau_b;

pub(crate) const DISTINCT: [Point; 8] =
    [(0.31, 0.22), (0.42, 0.35), (0.18, 0.20), (0.77, 0.41), (0.55, 0.47), (0.29, 0.19), (0.64, 0.39), (0.50, 0.36)];

pub(crate) const TIES: [Point; 10] = [
    (1.0, 2.0),
    (2.0, 1.0),
    (2.0, 2.0),
    (3.0, 2.0),
    (3.0, 3.0),
    (3.0, 3.0),
    (4.0, 5.0),
    (5.0, 4.0),
    (5.0, 4.0),
    (1.0, 2.0),
];

const FALLING: [Point; 5] = [(0.1, 0.9), (0.2, 0.7), (0.3, 0.8), (0.4, 0.2), (0.5, 0.1)];

pub(crate) const TIES_IN_X: [Point; 6] = [(1.0, 0.3), (1.0, 0.1), (1.0, 0.2), (2.0, 0.5), (2.0, 0.4), (2.0, 0.2)];

fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}

#[test]
fn coefficients_and_lines_match_scipy() {
    // The expected values are pearsonr, spearmanr, kendalltau, and slope and intercept of linregress.
    let check = |points: &[Point], expected: [f64; 5]| {
        let line = least_squares(points).unwrap();
        let found = [
            pearson(points).unwrap(),
            spearman(points).unwrap(),
            kendall_tau_b(points).unwrap(),
            line.slope,
            line.intercept,
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            assert_close(found, expected, 1e-12);
        }
    };
    check(
        &DISTINCT,
        [0.8567805834827447, 0.9047619047619048, 0.7857142857142856, 0.464385086254869, 0.11129382303839741],
    );
    check(&TIES, [0.7983799344694611, 0.8264733779105073, 0.6844475644404533, 0.6772486772486774, 0.8359788359788354]);
    check(&FALLING, [-0.910465468000326, -0.8999999999999998, -0.7999999999999999, -2.1, 1.1700000000000002]);
    check(
        &TIES_IN_X,
        [0.6201736729460425, 0.5940885257860046, 0.5345224838248488, 0.16666666666666666, 0.033333333333333326],
    );
}

#[test]
fn a_statistic_is_undefined_without_two_points_or_without_variance() {
    let flat = [(0.1, 0.7), (0.2, 0.7), (0.3, 0.7)];
    let steep = flat.map(|(x, y)| (y, x));
    for coefficient in Coefficient::ALL {
        for points in [&[][..], &DISTINCT[..1], &flat, &steep] {
            assert_eq!(coefficient.of(points), None, "{coefficient:?} of {points:?}");
        }
    }
    assert_eq!(least_squares(&steep), None);
    assert_eq!(least_squares(&DISTINCT[..1]), None);
}

#[test]
fn pearson_does_not_depend_on_units() {
    let expected = pearson(&DISTINCT);
    for exponents in [(900, 0), (-900, 900), (-1000, -1000), (1020, -700)] {
        let units = (2_f64.powi(exponents.0), 2_f64.powi(exponents.1));
        // A power of two changes no digit.
        assert_eq!(pearson(&DISTINCT.map(|(x, y)| (x * units.0, y * units.1))), expected, "{exponents:?}");
    }
    assert_close(pearson(&DISTINCT.map(|(x, y)| (1e308 * x, 1e-308 * y))).unwrap(), expected.unwrap(), 1e-12);
}

#[test]
fn the_bootstrap_agrees_with_numpy() {
    // The values are percentiles of 20 000 resamples of numpy.random.default_rng(0). They agree up to sampling error.
    let interval = bootstrap(&[DISTINCT.to_vec()], Units::Own, pearson).unwrap();
    assert_eq!(interval.estimate, pearson(&DISTINCT).unwrap());
    assert_close(interval.low, 0.632, 0.015);
    assert_close(interval.high, 0.980, 0.005);
    let band = regression_band(&DISTINCT, &[0.5], 20_000, 0).unwrap();
    assert_close(band[0].0, 0.309, 0.005);
    assert_close(band[0].1, 0.406, 0.005);
}

#[test]
fn an_interval_is_the_same_to_the_bit_wherever_it_is_computed() {
    let groups = [DISTINCT.to_vec(), DISTINCT[2..].to_vec()];
    let interval = bootstrap(&groups, Units::Own, pearson).unwrap();
    let expected =
        Interval { estimate: 0.8563194507212464, low: 0.36888928281636996, high: 0.9685575399196686, undefined: 0 };
    assert_eq!(interval, expected);
    let mut rng = generator(BOOTSTRAP_SEED + 1);
    let of = |groups: &[Vec<Point>]| mean_over_groups(groups, pearson);
    let other =
        percentiles(expected.estimate, (0..RESAMPLES).map(|_| of(&resample_groups(&groups, Units::Own, &mut rng))));
    assert_ne!(other, Some(expected));
}

/// Groups that a resample draws twice, and groups that are equal, are computed once. This changes no number.
#[test]
fn a_bootstrap_equals_its_resamples_one_by_one() {
    let groups = [DISTINCT.to_vec(), DISTINCT.map(|(x, y)| (y, x)).to_vec(), DISTINCT.to_vec()];
    for units in [Units::Own, Units::Shared] {
        let mut rng = generator(BOOTSTRAP_SEED);
        let of = |groups: &[Vec<Point>]| mean_over_groups(groups, pearson);
        let one_by_one = (0..RESAMPLES).map(|_| of(&resample_groups(&groups, units, &mut rng)));
        assert_eq!(bootstrap(&groups, units, pearson), percentiles(of(&groups).unwrap(), one_by_one), "{units:?}");
    }
}

#[test]
fn undefined_resamples_are_left_out_and_counted() {
    // Half of the resamples of two points draw one point twice.
    let interval = bootstrap(&[DISTINCT[..2].to_vec()], Units::Own, kendall_tau_b).unwrap();
    assert_eq!((interval.estimate, interval.low, interval.high), (1.0, 1.0, 1.0));
    assert!((4500..5500).contains(&interval.undefined), "{interval:?}");
    let one_point = [DISTINCT.to_vec(), DISTINCT[..1].to_vec()];
    assert_eq!(bootstrap(&one_point, Units::Own, pearson), None);
    assert_eq!(bootstrap(&[], Units::Own, pearson), None);
    assert_eq!(percentiles(1.0, []), None);
}

#[test]
fn points_of_two_seeds_never_enter_one_statistic() {
    // Each group falls, but together they would rise.
    let shifted = FALLING.map(|(x, y)| (x + 10.0, y + 10.0)).to_vec();
    let interval = bootstrap(&[FALLING.to_vec(), shifted], Units::Own, pearson).unwrap();
    assert_close(interval.estimate, pearson(&FALLING).unwrap(), 1e-12);
    assert!(interval.high < 0.0, "{interval:?}");
}

#[test]
fn an_interval_includes_the_variation_between_root_seeds() {
    let two = [vec![0.0; FEWEST], vec![1.0; FEWEST]];
    let interval = mean_interval(&two, Units::Own).unwrap();
    assert_eq!((interval.low, interval.estimate, interval.high), (0.0, 0.5, 1.0));
    let half = [vec![0.5; FEWEST]];
    let difference = bootstrap_difference((&two, Units::Own), (&half, Units::Own), |values| Some(mean(values)));
    let difference = difference.unwrap();
    assert_eq!((difference.low, difference.estimate, difference.high), (-0.5, 0.0, 0.5));
    let alike = mean_interval(&[vec![0.0, 0.5, 1.0], vec![0.0, 0.5, 1.0]], Units::Own).unwrap();
    assert!(alike.low > 0.0 && alike.high < 1.0, "{alike:?}");
}

#[test]
fn shared_units_are_drawn_together() {
    // Two root seeds with equal values say no more about the architectures than one.
    let twice = [DISTINCT.to_vec(), DISTINCT.to_vec()];
    let width = |interval: Option<Interval>| interval.map(|interval| interval.high - interval.low).unwrap();
    let one = width(bootstrap(&twice[..1], Units::Own, kendall_tau_b));
    assert_close(width(bootstrap(&twice, Units::Shared, kendall_tau_b)), one, 0.05);
    assert!(width(bootstrap(&twice, Units::Own, kendall_tau_b)) < 0.8 * one);
}

#[test]
fn spread_and_noise_match_numpy() {
    let groups = [vec![vec![0.30, 0.32], vec![0.40, 0.41], vec![0.25]], vec![vec![0.50, 0.46], vec![0.35, 0.39]]];
    let found = spread_and_noise(&groups, 1000).unwrap();
    assert_close(found.spread, 0.07803133273813084, 1e-12);
    assert_close(found.sampling, 0.015132011689718516, 1e-12);
    assert_close(found.training.unwrap(), 0.02150581316760657, 1e-12);
    assert_close(found.noise, 0.022505061159165462, 1e-12);
    assert_close(found.ratio().unwrap(), 3.4672793015873067, 1e-12);
}

#[test]
fn unmeasured_noise_is_missing_and_not_zero() {
    let single = [vec![vec![0.3], vec![0.4]]];
    let found = spread_and_noise(&single, 100).unwrap();
    assert_eq!(found.training, None);
    assert_eq!(found.noise, found.sampling);
    assert_eq!(spread_and_noise(&[vec![vec![0.3]]], 100), None);
    let perfect = [vec![vec![0.0], vec![0.0]]];
    assert_eq!(spread_and_noise(&perfect, 100).unwrap().ratio(), None);
}

/// Points on a small grid, so that ties are common.
fn points() -> impl Strategy<Value = Vec<Point>> {
    let grid = || (0_u8..12).prop_map(f64::from);
    proptest::collection::vec((grid(), grid()), 2..30)
}

fn map(points: &[Point], f: impl Fn(Point) -> Point) -> Vec<Point> {
    points.iter().copied().map(f).collect()
}

fn assert_same(found: Option<f64>, expected: Option<f64>) {
    match (found, expected) {
        (Some(found), Some(expected)) => assert_close(found, expected, 1e-9),
        _ => assert_eq!(found, expected),
    }
}

proptest! {
    #[test]
    fn coefficients_are_bounded_symmetric_and_odd(points in points()) {
        for coefficient in Coefficient::ALL {
            let value = coefficient.of(&points);
            prop_assert!(value.is_none_or(|value| value.abs() <= 1.0));
            assert_same(coefficient.of(&map(&points, |(x, y)| (y, x))), value);
            let negated = coefficient.of(&map(&points, |(x, y)| (x, -y)));
            assert_same(negated, value.map(|value| -value));
        }
    }

    #[test]
    fn rank_coefficients_ignore_monotone_maps(points in points()) {
        let bent = map(&points, |(x, y)| (x.exp(), y.powi(3) + 1.0));
        prop_assert_eq!(spearman(&bent), spearman(&points));
        prop_assert_eq!(kendall_tau_b(&bent), kendall_tau_b(&points));
    }

    #[test]
    fn an_increasing_map_of_x_correlates_fully(xs in proptest::collection::hash_set(0_u8..100, 2..20)) {
        let points: Vec<Point> =
            xs.into_iter().map(|x| (f64::from(x), f64::from(x).sqrt())).collect();
        assert_same(spearman(&points), Some(1.0));
        assert_same(kendall_tau_b(&points), Some(1.0));
    }

    #[test]
    fn the_line_passes_through_the_means(points in points()) {
        if let Some(line) = least_squares(&points) {
            let (xs, ys): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            assert_close(line.at(mean(&xs)), mean(&ys), 1e-9);
        }
    }

    #[test]
    fn an_interval_is_ordered_and_within_the_bounds(points in points(), seed: u64) {
        let (groups, mut rng) = ([points], generator(seed));
        let tau = |groups: &[Vec<Point>]| mean_over_groups(groups, kendall_tau_b);
        let interval = tau(&groups).and_then(|estimate| percentiles(estimate, (0..50).map(|_| tau(&resample_groups(&groups, Units::Own, &mut rng)))));
        if let Some(interval) = interval {
            prop_assert!(-1.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0);
        }
    }
}
