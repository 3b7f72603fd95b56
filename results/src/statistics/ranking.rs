//! Statistics of a ranking beyond correlation: its value to a search that takes the best of it.
//!
//! A [`Point`] holds the predictor first and the truth second; lower is better in both. Ties of the predictor are
//! broken at random. A statistic is its expected value over those random choices.

mod discordance;
pub mod ordered;
pub mod resampling;

use crate::statistics::bootstrap::{Interval, LEVEL};
use crate::statistics::coefficients::Coefficient;
use crate::statistics::sample::{Point, mean};
use crate::summaries::text::{p_text, points_text, share_text};

/// Fraction of the architectures that counts as the best.
pub const BEST: f64 = 0.1;

/// A statistic of a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ranking {
    /// [`Coefficient::of`].
    Coefficient(Coefficient),
    /// Kendall's tau in which a pair with ranks r and s, counted from the best, weighs `1/r + 1/s`. It is the mean of two
    /// values: one with ranks by predictor, then truth, the other with ranks by truth, then predictor. It equals SciPy's
    /// `weightedtau` for negated values.
    WeightedTau,
    /// Kendall's tau among the truly better half of the points, including all ties of the last one. It shows whether the
    /// predictor tells good from very good, which a search needs.
    BetterHalfTau,
    /// The share of the truly best points that are also among the predictor's best. Both groups are this fraction of the
    /// points, at least one.
    Precision(f64),
    /// The true rank, from 1, of the truly best among this many of the predictor's best.
    BestRank(usize),
    /// How much worse the truly best of this many of the predictor's best is than the best of all.
    Regret(usize),
    /// How much better the truly best of this many of the predictor's best is than the best of as many random points.
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

    /// The mean value of a predictor without information over groups of these sizes; `None` if it depends on the truths,
    /// or if a group is empty.
    fn by_chance(self, sizes: impl Iterator<Item = usize>) -> Option<f64> {
        match self {
            Self::Coefficient(_) | Self::WeightedTau | Self::BetterHalfTau | Self::Gain(_) => Some(0.0),
            Self::Precision(fraction) => {
                let share = |n: usize| (n > 0).then(|| count_of(fraction, n) as f64 / n as f64);
                let shares: Vec<f64> = sizes.map(share).collect::<Option<_>>()?;
                (!shares.is_empty()).then(|| mean(&shares))
            }
            Self::BestRank(_) | Self::Regret(_) => None,
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
}

/// The mean truth of the predictor's best. They are this fraction of the points, at least one.
pub(crate) fn mean_of_best(points: &[Point], fraction: f64) -> Option<f64> {
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
    let last = *values.to_vec().select_nth_unstable_by(k - 1, f64::total_cmp).1;
    let better = values.iter().filter(|&&value| value < last).count();
    let tied = values.iter().filter(|&&value| value == last).count();
    let chance = |&value: &f64| match value {
        value if value < last => 1.0,
        value if value == last => (k - better) as f64 / tied as f64,
        _ => 0.0,
    };
    values.iter().map(chance).collect()
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
    /// The value by chance, if it is known.
    pub by_chance: Option<f64>,
}

impl Measured {
    /// Whether one of interval and p-value excludes chance and the other does not.
    pub(crate) fn disagrees(&self) -> bool {
        let (Some(interval), Some(by_chance), Some(p)) = (self.interval, self.by_chance, self.p) else { return false };
        let excludes = match self.statistic.chance() {
            Chance::Zero => interval.excludes(by_chance),
            _ => interval.low > by_chance,
        };
        excludes != (p < LEVEL)
    }

    /// Value and interval, such as `+0.450 [+0.280, +0.600]`, with regret and gain in the unit of the truth. Truths that are errors,
    /// fractions in [0, 1], have their differences in percentage points.
    pub fn value_text(&self, of_errors: bool) -> String {
        let Some(interval) = self.interval else { return "undefined".to_owned() };
        let number: fn(f64) -> String = match self.statistic {
            Ranking::Regret(_) | Ranking::Gain(_) if of_errors => return points_text(self.interval),
            Ranking::Precision(_) => return share_text(self.interval),
            statistic if statistic.chance() == Chance::Zero => |value| format!("{value:+.3}"),
            _ => significant,
        };
        let [estimate, low, high] = [interval.estimate, interval.low, interval.high].map(number);
        format!("{estimate} [{low}, {high}]")
    }

    /// A line such as `Kendall τ  +0.45 [+0.28, +0.60]  p = 0.0123`; see [`Self::value_text`].
    pub fn line(&self, of_errors: bool) -> String {
        let (label, text) = (self.statistic.label(), self.value_text(of_errors));
        match self.interval {
            Some(Interval { undefined: 0, .. }) => format!("{label:22}  {text:30}  {}", p_text(self.p)),
            Some(Interval { undefined, .. }) => {
                format!("{label:22}  {text:30}  {} ({undefined} resamples undefined)", p_text(self.p))
            }
            None => format!("{label:22}  {text}"),
        }
    }
}

/// Names the statistics of which only one of interval and p-value excludes chance, and says why that happens. `None` without any.
pub fn disagreements(measured: &[Measured]) -> Option<String> {
    let names: Vec<String> =
        measured.iter().filter(|measured| measured.disagrees()).map(|measured| measured.statistic.label()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Only one of interval and p excludes chance: {}. p asks whether a predictor without information ranks these very \
             architectures as well. The interval also varies which architectures and groups were drawn.",
            names.join(", ")
        )
    })
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
