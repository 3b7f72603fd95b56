//! Comparison with SciPy 1.17 (`kendalltau`, and `weightedtau` of the negated values) and with the definition.

use proptest::prelude::*;

use super::*;
use crate::statistics::coefficients::Coefficient;
use crate::statistics::ranking::Ranking;
use crate::statistics::tests::{DISTINCT, TIES, TIES_IN_X};

/// Forty pairs with ties, and both zeros.
const X: [f64; 40] = [
    -0.8, -1.3, -0.2, 0.4, 1.1, 0.1, -0.6, -0.8, 0.7, 1.6, 0.3, -1.2, -1.0, 1.6, 0.2, -1.7, -0.1, -1.2, -0.6, -0.5,
    -0.7, 0.6, -0.1, -0.6, 0.4, 0.8, -1.6, -0.3, -1.0, -0.2, -1.3, 0.0, -0.0, -0.3, -1.0, -0.4, -1.1, -1.4, 0.2, -1.1,
];
const Y: [f64; 40] = [
    0.8, 0.1, -2.1, 0.5, -0.6, 0.1, -0.3, -2.4, 0.1, 0.5, 1.1, -1.8, 0.2, -0.3, -0.2, -1.7, 1.4, -0.0, 2.1, 0.4, 0.5,
    1.1, -0.7, -0.4, 1.6, 0.0, -0.6, -0.2, 0.1, -0.5, -0.8, 0.2, 0.1, -1.0, 0.4, -1.5, -1.8, -2.0, 1.1, -0.9,
];

fn points() -> Vec<Point> {
    X.into_iter().zip(Y).collect()
}

#[test]
fn both_agree_with_scipy() {
    let check = |points: &[Point], expected: [f64; 2]| {
        let found = [Ranking::WeightedTau.of(points).unwrap(), kendall_tau_b(points).unwrap()];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "found {found}, expected {expected}");
        }
    };
    check(&points(), [0.39561231568133165, 0.2789495416859894]);
    check(&DISTINCT, [0.7813027970715223, 0.7857142857142856]);
    check(&TIES, [0.6125433570734518, 0.6844475644404533]);
    check(&TIES_IN_X, [0.5875092250649314, 0.5345224838248488]);
}

#[test]
fn neither_is_defined_without_two_values_of_both() {
    for points in [&[][..], &[(1.0, 2.0)], &[(1.0, 2.0), (1.0, 3.0)], &[(1.0, 2.0), (3.0, 2.0)]] {
        assert_eq!([kendall_tau_b(points), Ranking::WeightedTau.of(points)], [None, None], "{points:?}");
    }
}

/// The weight of each point: 1 / rank, by the first value, then the second. Ties have the ranks of their order.
fn weights(points: &[Point]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| points[a].partial_cmp(&points[b]).unwrap());
    let mut weights = vec![0.0; points.len()];
    order.iter().enumerate().for_each(|(rank, &point)| weights[point] = 1.0 / (rank + 1) as f64);
    weights
}

/// Tau-b by its definition: pair by pair, each with the sum of its points' weights.
fn by_definition(points: &[Point], weights: &[f64]) -> Option<f64> {
    let (mut balance, mut distinct_x, mut distinct_y) = (0.0, 0.0, 0.0);
    for (i, a) in points.iter().enumerate() {
        for (j, b) in points[..i].iter().enumerate() {
            let weight = weights[i] + weights[j];
            let [x, y] = [a.0 - b.0, a.1 - b.1].map(|d| if d == 0.0 { 0.0 } else { f64::signum(d) });
            balance += weight * x * y;
            distinct_x += weight * x.abs();
            distinct_y += weight * y.abs();
        }
    }
    (distinct_x > 0.0 && distinct_y > 0.0).then(|| balance / f64::sqrt(distinct_x * distinct_y))
}

proptest! {
    #[test]
    fn both_agree_with_their_definition(drawn in prop::collection::vec((0_u8..6, 0_u8..6), 0..60)) {
        let points: Vec<Point> = drawn.iter().map(|&(x, y)| (f64::from(x) - 3.0, f64::from(y))).collect();
        let swapped: Vec<Point> = points.iter().map(|&(x, y)| (y, x)).collect();
        let by_predictor = by_definition(&points, &weights(&points));
        let by_truth = by_definition(&points, &weights(&swapped));
        let weighted = by_predictor.zip(by_truth).map(|(a, b)| (a + b) / 2.0);
        let plain = by_definition(&points, &vec![0.5; points.len()]);
        for (found, expected) in [(kendall_tau_b(&points), plain), (Ranking::WeightedTau.of(&points), weighted)] {
            match (found, expected) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12, "{found}, {expected}"),
                _ => prop_assert_eq!(found, expected),
            }
        }
        // Two ways to the same number.
        prop_assert_eq!(Ranking::Coefficient(Coefficient::Kendall).of(&points), kendall_tau_b(&points));
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let by_ranks = tau_of_ranks(ranks(&xs).into_iter().zip(ranks(&ys)).map(|(x, y)| [x, y]));
        prop_assert_eq!(by_ranks, kendall_tau_b(&points));
    }
}
