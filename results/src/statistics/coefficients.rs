//! Correlation coefficients and least-squares lines.

use super::sample::{Point, centre, ranks};
use super::tau::kendall_tau_b;

/// Pearson's coefficient of linear correlation.
pub fn pearson(points: &[Point]) -> Option<f64> {
    pearson_of_counts(&points.iter().map(|&(x, y)| (x, y, 1.0)).collect::<Vec<_>>())
}

/// As [`pearson`], for points that each count some number of times: x, y and that number.
pub(crate) fn pearson_of_counts(points: &[(f64, f64, f64)]) -> Option<f64> {
    let finite = |p: &(f64, f64, f64)| p.0.is_finite() && p.1.is_finite();
    assert!(points.iter().all(finite), "not finite: {points:?}");
    let n: f64 = points.iter().map(|point| point.2).sum();
    // Distances of the scaled values from their mean.
    let distances = |values: Vec<f64>| {
        let scaled = scaled(&values);
        let is_constant = scaled.iter().all(|value| *value == scaled[0]);
        let sum = || scaled.iter().zip(points).map(|(value, point)| value * point.2).sum::<f64>();
        // A rounded mean would give a constant some variance.
        let mean = if is_constant { scaled[0] } else { sum() / n };
        scaled.iter().map(|value| value - mean).collect::<Vec<f64>>()
    };
    if points.is_empty() {
        return None;
    }
    let xs = distances(points.iter().map(|point| point.0).collect());
    let ys = distances(points.iter().map(|point| point.1).collect());
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for ((x, y), (_, _, count)) in xs.into_iter().zip(ys).zip(points) {
        xx += count * x * x;
        yy += count * y * y;
        xy += count * x * y;
    }
    // Two roots are necessary because the product of two tiny variances can be zero.
    (xx != 0.0 && yy != 0.0).then(|| (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
}

/// Divides values by a power of two, so that the largest magnitude is about 1. Squares of the values then neither overflow
/// nor vanish. The division changes no digit.
fn scaled(values: &[f64]) -> Vec<f64> {
    /// The bits of a number's exponent.
    const EXPONENT: u64 = 0x7ff << 52;
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let power = f64::from_bits(largest.to_bits() & EXPONENT).max(f64::MIN_POSITIVE);
    values.iter().map(|value| value / power).collect()
}

/// Spearman's rank correlation; ties share the mean of their ranks.
pub fn spearman(points: &[Point]) -> Option<f64> {
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let ranked: Vec<Point> = ranks(&xs).into_iter().zip(ranks(&ys)).collect();
    pearson(&ranked)
}

/// A straight line, `y = slope * x + intercept`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Rise per unit of x.
    pub slope: f64,
    /// Height at x = 0.
    pub intercept: f64,
}

impl Line {
    /// Height at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.slope * x + self.intercept
    }
}

/// The line with the least sum of squared vertical distances.
pub(crate) fn least_squares(points: &[Point]) -> Option<Line> {
    let moments = Moments::of(points)?;
    if moments.xx == 0.0 {
        return None;
    }
    let slope = moments.xy / moments.xx;
    Some(Line { slope, intercept: moments.mean_y - slope * moments.mean_x })
}

/// A coefficient of correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coefficient {
    /// Kendall's tau-b.
    Kendall,
    /// [`spearman`].
    Spearman,
    /// [`pearson`].
    Pearson,
}

impl Coefficient {
    /// All coefficients, in the order of printing.
    pub const ALL: [Self; 3] = [Self::Kendall, Self::Spearman, Self::Pearson];

    /// Computes the coefficient of a sample.
    pub fn of(self, points: &[Point]) -> Option<f64> {
        match self {
            Self::Kendall => kendall_tau_b(points),
            Self::Spearman => spearman(points),
            Self::Pearson => pearson(points),
        }
    }

    /// Human-readable name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Kendall => "Kendall τ",
            Self::Spearman => "Spearman ρ",
            Self::Pearson => "Pearson r",
        }
    }
}

/// Means, and sums of squares and products of the distances from them.
struct Moments {
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    xy: f64,
}

impl Moments {
    /// `None` for fewer than two points.
    fn of(points: &[Point]) -> Option<Self> {
        let finite = |p: &Point| p.0.is_finite() && p.1.is_finite();
        assert!(points.iter().all(finite), "not finite: {points:?}");
        if points.len() < 2 {
            return None;
        }
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let (mean_x, mean_y) = (centre(&xs), centre(&ys));
        Some(Self {
            mean_x,
            mean_y,
            xx: xs.iter().map(|x| (x - mean_x).powi(2)).sum(),
            xy: points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum(),
        })
    }
}
