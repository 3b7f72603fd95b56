//! Comparison with values from SciPy 1.17, and properties of the tests.

use proptest::prelude::*;

use super::*;

fn assert_close(found: Option<f64>, expected: f64) {
    let found = found.expect("a p-value");
    assert!((found - expected).abs() <= 1e-9, "found {found}, expected {expected}");
}

#[test]
fn the_signed_rank_test_matches_scipy() {
    // scipy.stats.wilcoxon is exact for the first two and the last, and approximate for the others.
    assert_close(wilcoxon(&[0.031, 0.012, -0.007, 0.054, 0.022, -0.015, 0.041, 0.009]), 0.078125);
    assert_close(wilcoxon(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), 0.03125);
    let with_ties_and_zeros =
        [0.02, 0.01, -0.01, 0.03, 0.02, 0.0, 0.05, -0.03, 0.04, 0.01, 0.02, 0.0, -0.02, 0.06, 0.01];
    assert_close(wilcoxon(&with_ties_and_zeros), 0.05754792964144789);
    let sixty = |i: i32| f64::from(i * 37 % 61 - 22) / 500.0 + f64::from(i % 7) / 10000.0;
    assert_close(wilcoxon(&(0..60).map(sixty).collect::<Vec<_>>()), 0.0016488882008319275);
    let fifty = |i: i32| f64::from((i * 29 % 50 + 1) * if i % 3 != 0 { 1 } else { -1 }) / 100.0;
    assert_close(wilcoxon(&(0..50).map(fifty).collect::<Vec<_>>()), 0.06930163067169381);
    assert_eq!([wilcoxon(&[]), wilcoxon(&[0.0, 0.0])], [None, None]);
}

#[test]
fn the_sign_test_matches_scipy() {
    // scipy.stats.binomtest.
    let signs = |positive, n| Signs { positive, zero: 3, negative: n - positive };
    for (positive, n, expected) in [
        (7, 8, 0.0703125),
        (12, 13, 0.00341796875),
        (3, 20, 0.0025768280029296875),
        (5, 10, 1.0),
        (700, 1500, 0.010559255466711506),
        (0, 1, 1.0),
    ] {
        assert_close(signs(positive, n).p_value(), expected);
    }
    assert_eq!(signs(0, 0).p_value(), None);
}

#[test]
fn the_interval_of_a_difference_of_shares_matches_newcombe() {
    // Newcombe 1998, table II, method 10, to four digits.
    for (first, second, low, high) in
        [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)]
    {
        let found = share_difference(first, second).unwrap();
        assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
    }
    let agreed = share_difference((0, 40), (0, 40)).unwrap();
    assert!(agreed.estimate == 0.0 && agreed.low < -0.08 && agreed.high > 0.08, "{agreed:?}");
    assert_eq!(share_difference((0, 40), (0, 0)), None);
}

#[test]
fn wilsons_interval_matches_scipy_and_has_a_width_if_all_agree() {
    // proportion_ci(method="wilson") of scipy.stats.binomtest.
    for (successes, n, low, high) in [
        (7, 8, 0.5291118177871464, 0.9775825085499433),
        (10, 10, 0.7224672001371109, 1.0),
        (3, 20, 0.05236874589621662, 0.3604188647407569),
        (0, 5, 0.0, 0.43448246478317476),
    ] {
        let found = wilson(f64::from(successes), n).unwrap();
        assert_close(Some(found.low), low);
        assert_close(Some(found.high), high);
    }
    assert_eq!(wilson(0.0, 0), None);
}

#[test]
fn the_order_of_a_sum_breaks_no_tie() {
    let [first, second] = [(0.1 + 0.2 + 0.3) / 3.0, (0.3 + 0.2 + 0.1) / 3.0];
    assert_ne!(first, second);
    assert_eq!(rounded_difference(first, second), 0.0);
    assert_eq!(rounded_difference(0.25, 0.24), 0.01);
    let signs = Signs::of([0.0, -0.1, 0.2, 0.3]);
    assert_eq!((signs.positive, signs.zero, signs.negative, signs.n()), (2, 1, 1, 4));
    assert_eq!(signs.share().unwrap().estimate, 2.5 / 4.0);
}

proptest! {
    #[test]
    fn p_values_are_fractions_that_neither_order_nor_direction_changes(
        counts in proptest::collection::vec(-20_i32..=20, 0..80),
    ) {
        let differences: Vec<f64> = counts.iter().map(|count| f64::from(*count) / 100.0).collect();
        let negated: Vec<f64> = differences.iter().rev().map(|d| -d).collect();
        let tests = |d: &[f64]| [wilcoxon(d), Signs::of(d.iter().copied()).p_value()];
        for (found, expected) in tests(&negated).into_iter().zip(tests(&differences)) {
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    prop_assert!((0.0..=1.0).contains(&found) && (found - expected).abs() < 1e-9);
                }
                _ => prop_assert_eq!(found, expected),
            }
        }
    }
}
