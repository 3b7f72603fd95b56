//! Statistics of a ranking beyond correlation: its value to a search that takes the best of it.
//!
//! A [`Point`] holds the predictor first and the truth second; lower is better in both. Ties of the predictor are
//! broken at random. A statistic is its expected value over those random choices.

use std::fmt;

use rand::seq::SliceRandom;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::statistics::bootstrap::{
    BOOTSTRAP_SEED, Interval, RESAMPLES, Units, bootstrap, centred_bootstrap, generator, mean_over_groups,
};
use crate::statistics::coefficients::Coefficient;
use crate::statistics::sample::{Point, ranks};
use crate::statistics::tau::{kendall_tau_b, weighted_tau};
use crate::summaries::text::p_text;

/// Fraction of the architectures that counts as the best.
pub const BEST: f64 = 0.1;

/// Relative size of a difference that rounding can explain.
const ROUNDING: f64 = 1e-12;

/// A statistic of a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ranking {
    /// [`Coefficient::of`].
    Coefficient(Coefficient),
    /// [`weighted_tau`].
    WeightedTau,
    /// [`better_half_tau`].
    BetterHalfTau,
    /// [`precision`], of this fraction.
    Precision(f64),
    /// [`best_rank`] among this many.
    BestRank(usize),
    /// [`regret`] of this many.
    Regret(usize),
    /// [`gain`] of this many.
    Gain(usize),
}

/// The statistic of a predictor without information, compared with that of a good predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    /// It is zero: the statistic is a coefficient, tested on both sides.
    Zero,
    /// It is less.
    Less,
    /// It is more.
    More,
}

impl Ranking {
    /// All statistics in the order of printing, for the predictor's `k` best and also for its single best.
    pub fn all(k: usize) -> Vec<Self> {
        let mut all: Vec<Self> = Coefficient::ALL.map(Self::Coefficient).to_vec();
        all.extend([Self::WeightedTau, Self::BetterHalfTau]);
        all.extend([0.05, 0.1, 0.2].map(Self::Precision));
        all.extend([Self::BestRank(k), Self::Regret(1), Self::Gain(1)]);
        if k > 1 {
            all.extend([Self::Regret(k), Self::Gain(k)]);
        }
        all
    }

    /// The value of the statistic; `None` if the points leave it undefined.
    pub fn of(self, points: &[Point]) -> Option<f64> {
        match self {
            Self::Coefficient(coefficient) => coefficient.of(points),
            Self::WeightedTau => weighted_tau(points),
            Self::BetterHalfTau => better_half_tau(points),
            Self::Precision(fraction) => precision(points, fraction),
            Self::BestRank(k) => best_rank(points, k),
            Self::Regret(k) => regret(points, k),
            Self::Gain(k) => gain(points, k),
        }
    }

    /// Human-readable name.
    pub fn label(self) -> String {
        match self {
            Self::Coefficient(coefficient) => coefficient.label().to_owned(),
            Self::WeightedTau => "weighted τ".to_owned(),
            Self::BetterHalfTau => "τ in the better half".to_owned(),
            Self::Precision(fraction) => format!("precision at {:.0} %", 100.0 * fraction),
            Self::BestRank(k) => format!("best rank at {k}"),
            Self::Regret(k) => format!("regret at {k}"),
            Self::Gain(k) => format!("gain over random at {k}"),
        }
    }

    fn chance(self) -> Chance {
        match self {
            Self::Coefficient(_) | Self::WeightedTau | Self::BetterHalfTau => Chance::Zero,
            Self::Precision(_) | Self::Gain(_) => Chance::Less,
            Self::BestRank(_) | Self::Regret(_) => Chance::More,
        }
    }

    /// The lowest and the highest possible value.
    fn range(self) -> (f64, f64) {
        match self {
            Self::Coefficient(_) | Self::WeightedTau | Self::BetterHalfTau => (-1.0, 1.0),
            Self::Precision(_) => (0.0, 1.0),
            Self::BestRank(_) => (1.0, f64::INFINITY),
            Self::Regret(_) => (0.0, f64::INFINITY),
            Self::Gain(_) => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// The interval of the mean over the groups. That of a coefficient is a plain bootstrap. The other statistics are of
    /// the best few points, so their interval is centred, and cut off at the values that are possible.
    fn interval(self, groups: &[Vec<Point>], units: Units) -> Option<Interval> {
        if self.chance() == Chance::Zero {
            return bootstrap(groups, units, |points| self.of(points));
        }
        let interval = centred_bootstrap(groups, units, |points| self.of(points))?;
        let (least, most) = self.range();
        Some(Interval { low: interval.low.max(least), high: interval.high.min(most), ..interval })
    }
}

/// Kendall's tau among the truly better half of the points, including all ties of the last one. It shows whether the
/// predictor tells good from very good, which a search needs.
pub fn better_half_tau(points: &[Point]) -> Option<f64> {
    let mut true_errors: Vec<f64> = points.iter().map(|point| point.1).collect();
    true_errors.sort_by(f64::total_cmp);
    let last = *true_errors.get(points.len().div_ceil(2).checked_sub(1)?)?;
    let better: Vec<Point> = points.iter().copied().filter(|point| point.1 <= last).collect();
    kendall_tau_b(&better)
}

/// The share of the truly best points that are also among the predictor's best. Both groups are this fraction of the
/// points, at least one.
pub fn precision(points: &[Point], fraction: f64) -> Option<f64> {
    if points.is_empty() {
        return None;
    }
    let k = count_of(fraction, points.len());
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let [by_predictor, by_truth] = [xs, ys].map(|values| chances(&values, k));
    let both: f64 = by_predictor.iter().zip(&by_truth).map(|(a, b)| a * b).sum();
    Some(both / k as f64)
}

/// The mean truth of the predictor's best. They are this fraction of the points, at least one.
pub fn mean_of_best(points: &[Point], fraction: f64) -> Option<f64> {
    if points.is_empty() {
        return None;
    }
    let k = count_of(fraction, points.len());
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let sum: f64 = chances(&xs, k).iter().zip(&ys).map(|(chance, y)| chance * y).sum();
    Some(sum / k as f64)
}

/// A fraction of `n` points as a number of points, at least one.
fn count_of(fraction: f64, n: usize) -> usize {
    ((fraction * n as f64).round() as usize).clamp(1, n)
}

/// The probability that each value is among the `k` lowest, with ties broken at random.
fn chances(values: &[f64], k: usize) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted[k - 1];
    let better = sorted.iter().filter(|&&value| value < last).count();
    let tied = sorted.iter().filter(|&&value| value == last).count();
    let chance = |&value: &f64| match value {
        value if value < last => 1.0,
        value if value == last => (k - better) as f64 / tied as f64,
        _ => 0.0,
    };
    values.iter().map(chance).collect()
}

/// The true rank, from 1, of the truly best among the `k` best by the predictor.
pub fn best_rank(points: &[Point], k: usize) -> Option<f64> {
    let (xs, ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let ranked: Vec<Point> = xs.into_iter().zip(ranks(&ys)).collect();
    expected_best(&ranked, k)
}

/// How much worse the truly best of the predictor's `k` best is than the best of all.
pub fn regret(points: &[Point], k: usize) -> Option<f64> {
    let best = points.iter().map(|point| point.1).min_by(f64::total_cmp)?;
    Some(difference(expected_best(points, k)?, best))
}

/// How much better the truly best of the predictor's `k` best is than the best of `k` random points.
pub fn gain(points: &[Point], k: usize) -> Option<f64> {
    let at_random: Vec<Point> = points.iter().map(|point| (0.0, point.1)).collect();
    Some(difference(expected_best(&at_random, k)?, expected_best(points, k)?))
}

/// The difference `a - b`, or 0 if rounding alone can explain it. Both are expected values, sums of up to all truths.
fn difference(a: f64, b: f64) -> f64 {
    match (a - b).abs() <= ROUNDING * a.abs().max(b.abs()) {
        true => 0.0,
        false => a - b,
    }
}

/// The expected lowest truth among the predictor's `k` best, or among all points if there are fewer.
fn expected_best(points: &[Point], k: usize) -> Option<f64> {
    let k = k.min(points.len());
    if k == 0 {
        return None;
    }
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = sorted[k - 1].0;
    let (sure, rest) = sorted.split_at(sorted.partition_point(|point| point.0 < last));
    let least = sure.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let mut tied: Vec<f64> = rest.iter().filter(|point| point.0 == last).map(|point| point.1).collect();
    tied.sort_by(f64::total_cmp);
    // The j-th is the lowest of the drawn ones if it is drawn and no better one is.
    let (mut left, mut expected) = (1.0, 0.0);
    let drawn = k - sure.len();
    for (index, &value) in tied.iter().enumerate() {
        let chance = (drawn as f64 / (tied.len() - index) as f64).min(1.0);
        expected += left * chance * value.min(least);
        left *= 1.0 - chance;
    }
    Some(expected)
}

/// A statistic with its interval and its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The statistic.
    pub statistic: Ranking,
    /// Interval of the mean over the groups.
    pub interval: Option<Interval>,
    /// Share of the permutations of the predictor within each group with a value at least as extreme. Both sides count
    /// for coefficients, and the better direction for the other statistics.
    pub p: Option<f64>,
}

/// Measures statistics of a ranking over groups, such as root seeds, with intervals; see [`bootstrap`] and
/// [`centred_bootstrap`].
///
/// Values of different groups never enter one statistic; the result is the mean over the groups.
pub fn measure(groups: &[Vec<Point>], units: Units, statistics: &[Ranking]) -> Vec<Measured> {
    let measured = |&statistic: &Ranking| {
        let interval = statistic.interval(groups, units);
        Measured {
            statistic,
            interval,
            p: interval.map(|interval| permutation(groups, units, statistic, interval.estimate)),
        }
    };
    // Each statistic has a generator of its own, so threads change nothing.
    statistics.par_iter().map(measured).collect()
}

/// As [`measure`], for groups with units of their own. Each statistic is the mean over the groups that have a value of it.
pub fn measure_where_defined(groups: &[Vec<Point>], statistics: &[Ranking]) -> Vec<Measured> {
    let measured = |statistic: &Ranking| {
        let is_defined = |points: &&Vec<Point>| statistic.of(points).is_some();
        let defined: Vec<Vec<Point>> = groups.iter().filter(is_defined).cloned().collect();
        measure(&defined, Units::Own, &[*statistic])
    };
    statistics.par_iter().flat_map_iter(measured).collect()
}

/// The p-value of a permutation test with [`RESAMPLES`] permutations. A permutation that leaves the statistic undefined
/// counts as extreme.
fn permutation(groups: &[Vec<Point>], units: Units, statistic: Ranking, measured: f64) -> f64 {
    let mut rng = generator(BOOTSTRAP_SEED);
    let mut groups = groups.to_vec();
    let mut extreme = 1;
    for _ in 0..RESAMPLES {
        let mut order: Vec<usize> = Vec::new();
        for group in &mut groups {
            // Groups that share their units are permuted alike, so that their values stay as dependent as they are.
            if units == Units::Own || order.is_empty() {
                order = (0..group.len()).collect();
                order.shuffle(&mut rng);
            }
            let xs: Vec<f64> = order.iter().map(|&index| group[index].0).collect();
            group.iter_mut().zip(xs).for_each(|(point, x)| point.0 = x);
        }
        // Rounding must not make a permutation without any change less extreme.
        let slack = 1e-12 * measured.abs().max(1.0);
        let value = mean_over_groups(&groups, |points| statistic.of(points));
        let is_extreme = value.is_none_or(|value| match statistic.chance() {
            Chance::Zero => value.abs() >= measured.abs() - slack,
            Chance::Less => value >= measured - slack,
            Chance::More => value <= measured + slack,
        });
        extreme += usize::from(is_extreme);
    }
    extreme as f64 / (RESAMPLES + 1) as f64
}

impl Measured {
    /// Value and interval, such as `+0.450 [+0.280, +0.600]`.
    pub fn value_text(&self) -> String {
        let number = |value: f64| match self.statistic.chance() {
            Chance::Zero => format!("{value:+.3}"),
            _ => significant(value),
        };
        match self.interval {
            Some(interval) => {
                let [estimate, low, high] = [interval.estimate, interval.low, interval.high].map(number);
                format!("{estimate} [{low}, {high}]")
            }
            None => "undefined".to_owned(),
        }
    }
}

/// Writes a line such as `Kendall τ  +0.45 [+0.28, +0.60]  p = 0.0123`.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (label, text) = (self.statistic.label(), self.value_text());
        match self.interval {
            Some(interval) => {
                write!(f, "{label:24}{text:32}{}", p_text(self.p))?;
                match interval.undefined {
                    0 => Ok(()),
                    undefined => write!(f, " ({undefined} resamples undefined)"),
                }
            }
            None => write!(f, "{label:24}{text}"),
        }
    }
}

/// Writes four significant digits; those of very small and very large numbers with an exponent, as in `1.234e-15`.
fn significant(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-9..1e12).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = (3 - size.log10().floor() as i32).clamp(0, 12);
    format!("{value:.*}", digits as usize)
}

#[cfg(test)]
mod tests;
