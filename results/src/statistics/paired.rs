//! Tests of paired differences: how often one of two is better, and whether that could be chance.
//!
//! Only the two values of a pair are compared, so pairs of different root seeds may be counted together.

use statrs::function::erf::erfc;

use crate::statistics::bootstrap::Interval;
use crate::statistics::sample::ranks;

/// Largest sample whose distribution of signed ranks is computed exactly.
const EXACT: usize = 50;

/// 97.5th percentile of the standard normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// The difference `a - b` of two errors, each a mean of counts over examples. It is rounded to 1e-12, far below one
/// example in any set. The order of a sum therefore neither breaks a tie nor makes one.
pub(crate) fn rounded_difference(a: f64, b: f64) -> f64 {
    rounded(a - b)
}

/// Rounds a difference of errors, or a mean of such differences; see [`rounded_difference`].
pub(crate) fn rounded(difference: f64) -> f64 {
    (difference * 1e12).round() / 1e12
}

/// How many differences are above, at and below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// Above 0.
    pub positive: usize,
    /// Exactly 0.
    pub zero: usize,
    /// Below 0.
    pub negative: usize,
}

impl Signs {
    /// Counts the differences.
    pub fn of(differences: impl IntoIterator<Item = f64>) -> Self {
        let mut signs = Self::default();
        for difference in differences {
            assert!(difference.is_finite(), "not finite: {difference}");
            match difference {
                d if d > 0.0 => signs.positive += 1,
                d if d < 0.0 => signs.negative += 1,
                _ => signs.zero += 1,
            }
        }
        signs
    }

    /// Number of all differences.
    pub fn n(&self) -> usize {
        self.positive + self.zero + self.negative
    }

    /// The fraction above 0 with its Wilson interval; a tie counts half.
    pub fn share(&self) -> Option<Interval> {
        wilson(self.positive as f64 + self.zero as f64 / 2.0, self.n())
    }

    /// Two-sided p-value of the exact sign test, which drops the zeros; `None` if nothing is left.
    pub(crate) fn p_value(&self) -> Option<f64> {
        let n = self.positive + self.negative;
        let fewer = self.positive.min(self.negative);
        // Logarithms are necessary because 2^-n leaves the range of floats for n above 1000.
        let mut logarithm = -(n as f64) * std::f64::consts::LN_2;
        let mut tail = 0.0;
        for k in 0..=fewer {
            tail += logarithm.exp();
            logarithm += ((n - k) as f64 / (k + 1) as f64).ln();
        }
        (n > 0).then(|| (2.0 * tail).min(1.0))
    }
}

/// Wilson's 95 % interval of a fraction, `successes` of `n`. Unlike a bootstrap interval, it has a width even if all
/// agree. `None` for n = 0.
pub(crate) fn wilson(successes: f64, n: usize) -> Option<Interval> {
    if n == 0 {
        return None;
    }
    let count = n as f64;
    let (estimate, z2) = (successes / count, NORMAL_QUANTILE * NORMAL_QUANTILE);
    let centre = (estimate + z2 / (2.0 * count)) / (1.0 + z2 / count);
    let spread = (estimate * (1.0 - estimate) / count + z2 / (4.0 * count * count)).sqrt();
    let half = NORMAL_QUANTILE * spread / (1.0 + z2 / count);
    Some(Interval {
        estimate,
        low: (centre - half).clamp(0.0, estimate),
        high: (centre + half).clamp(estimate, 1.0),
        undefined: 0,
    })
}

/// The difference of two fractions of independent trials, the first minus the second, each `(successes, trials)`. The 95 %
/// interval is Newcombe's (1998, method 10): it combines the two Wilson intervals, so it has a width even if all trials
/// agree. `None` if one of them has no trials.
pub(crate) fn share_difference(first: (usize, usize), second: (usize, usize)) -> Option<Interval> {
    let [first, second] = [first, second].map(|(successes, trials)| wilson(successes as f64, trials));
    let (first, second) = (first?, second?);
    let estimate = first.estimate - second.estimate;
    let below = (first.estimate - first.low).hypot(second.high - second.estimate);
    let above = (first.high - first.estimate).hypot(second.estimate - second.low);
    Some(Interval { estimate, low: estimate - below, high: estimate + above, undefined: 0 })
}

/// Two-sided p-value of Wilcoxon's signed-rank test, without the zeros. It is exact for up to 50 differences without
/// ties and zeros. Otherwise it is the normal approximation. Its variance is corrected for ties; there is no correction
/// for continuity. `None` if no difference is left.
pub fn wilcoxon(differences: &[f64]) -> Option<f64> {
    let left: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    if left.is_empty() {
        return None;
    }
    let sizes: Vec<f64> = left.iter().map(|d| d.abs()).collect();
    let ranks = ranks(&sizes);
    let positive: f64 = ranks.iter().zip(&left).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    let ties = tied(&sizes);
    if left.len() == differences.len() && left.len() <= EXACT && ties.is_empty() {
        return Some(exact_signed_ranks(positive as usize, left.len()));
    }
    let n = left.len() as f64;
    let of_ties: f64 = ties.iter().map(|t| t.powi(3) - t).sum();
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - of_ties / 48.0;
    let z = (positive - n * (n + 1.0) / 4.0) / variance.sqrt();
    Some(erfc(z.abs() / std::f64::consts::SQRT_2).min(1.0))
}

/// The sizes of the groups of equal values, without groups of one value.
fn tied(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let groups = sorted.chunk_by(|a, b| a == b).map(|group| group.len() as f64);
    groups.filter(|size| *size > 1.0).collect()
}

/// Two-sided p-value of a sum of positive ranks among `n`. Each rank is positive with probability 1/2.
fn exact_signed_ranks(sum: usize, n: usize) -> f64 {
    // chances[s] is the probability of the sum s with the ranks so far.
    let mut chances = vec![0.0; n * (n + 1) / 2 + 1];
    chances[0] = 1.0;
    for rank in 1..=n {
        for s in (0..chances.len()).rev() {
            let with = if s >= rank { chances[s - rank] } else { 0.0 };
            chances[s] = (chances[s] + with) / 2.0;
        }
    }
    let below: f64 = chances[..=sum].iter().sum();
    let above: f64 = chances[sum..].iter().sum();
    (2.0 * below.min(above)).min(1.0)
}

#[cfg(test)]
mod tests;
