//! Statistics of a ranking: correlation coefficients, least-squares lines, bootstrap intervals, and the noise of errors.
//!
//! A statistic that is undefined for its data (fewer than two points, no variance) is `None`. Samples hold only finite
//! numbers; anything else breaks an invariant and panics.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::tau::kendall_tau_b;

/// Number of resamples behind every interval.
pub const RESAMPLES: usize = 10_000;

/// Seed of the resampling, so that equal tables give equal intervals.
pub const BOOTSTRAP_SEED: u64 = 0;

/// Fewest values of each root seed for which a mean has an interval: one or two say nothing about their spread.
pub const FEWEST: usize = 3;

/// One architecture: the predictor and the predicted value.
pub type Point = (f64, f64);

/// Pearson's coefficient of linear correlation.
pub fn pearson(points: &[Point]) -> Option<f64> {
    let moments = Moments::of(points)?;
    if moments.xx == 0.0 || moments.yy == 0.0 {
        return None;
    }
    // Two roots are necessary because the product of two tiny variances can be zero.
    let coefficient = moments.xy / (moments.xx.sqrt() * moments.yy.sqrt());
    Some(coefficient.clamp(-1.0, 1.0))
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
pub fn least_squares(points: &[Point]) -> Option<Line> {
    let moments = Moments::of(points)?;
    if moments.xx == 0.0 {
        return None;
    }
    let slope = moments.xy / moments.xx;
    Some(Line {
        slope,
        intercept: moments.mean_y - slope * moments.mean_x,
    })
}

/// A coefficient of correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coefficient {
    /// [`kendall_tau_b`].
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

/// An estimate with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The statistic of the sample itself.
    pub estimate: f64,
    /// 2.5th percentile of the resamples.
    pub low: f64,
    /// 97.5th percentile of the resamples.
    pub high: f64,
    /// Resamples left out because the statistic is undefined for them.
    pub undefined: usize,
}

/// The stream of the ChaCha generator for resamples. The caller chooses the generator's seed. The stream keeps these
/// draws apart from every other use of the same seed.
const BOOTSTRAP_STREAM: u64 = 0x626f_6f74; // "boot"

/// The percentile bootstrap of a statistic. Each root seed is a group of units, such as points.
///
/// The estimate is the mean of the groups' statistics. Scores of two SMASH networks are not comparable, so units of
/// different groups never enter one statistic. A resample draws on two levels, with replacement: as many groups as
/// there are, and from each as many units as it has. With one group the upper level adds nothing. A resample is left
/// out, and counted, if the statistic is undefined in one of its groups. Percentiles are interpolated linearly.
///
/// `None` if the statistic is undefined for a group or for every resample, or if there are no groups.
pub fn bootstrap<T: Copy>(groups: &[Vec<T>], statistic: impl Fn(&[T]) -> Option<f64>) -> Option<Interval> {
    let of = |groups: &[Vec<T>]| mean_over_groups(groups, &statistic);
    let mut rng = generator(BOOTSTRAP_SEED);
    percentiles(of(groups)?, RESAMPLES, || of(&resample_groups(groups, &mut rng)))
}

/// The difference of a statistic between two independent samples: that of `first` minus that of `second`. Every
/// resample draws from both, each as for [`bootstrap`].
pub fn bootstrap_difference<T: Copy>(
    first: &[Vec<T>],
    second: &[Vec<T>],
    statistic: impl Fn(&[T]) -> Option<f64>,
) -> Option<Interval> {
    let difference = |first: &[Vec<T>], second: &[Vec<T>]| {
        Some(mean_over_groups(first, &statistic)? - mean_over_groups(second, &statistic)?)
    };
    let estimate = difference(first, second)?;
    let mut rng = generator(BOOTSTRAP_SEED);
    percentiles(estimate, RESAMPLES, || {
        let drawn = resample_groups(first, &mut rng);
        difference(&drawn, &resample_groups(second, &mut rng))
    })
}

/// The mean over the root seeds of each root seed's mean, with its bootstrap interval. `None` if a root seed has fewer
/// than [`FEWEST`] values.
pub fn mean_interval(groups: &[Vec<f64>]) -> Option<Interval> {
    let of = |groups| bootstrap(groups, |values| Some(mean(values)));
    Some(groups).filter(|groups| enough(groups)).and_then(of)
}

/// The difference of two such means of independent samples, `first` minus `second`. `None` if a root seed of either has
/// fewer than [`FEWEST`] values.
pub fn mean_difference(first: &[Vec<f64>], second: &[Vec<f64>]) -> Option<Interval> {
    let of = |(first, second)| bootstrap_difference(first, second, |values| Some(mean(values)));
    let both = Some((first, second)).filter(|(first, second)| enough(first) && enough(second));
    both.and_then(of)
}

fn enough(groups: &[Vec<f64>]) -> bool {
    groups.iter().all(|values| values.len() >= FEWEST)
}

/// The sample standard deviation, with n - 1; `None` for fewer than two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    pooled_variance(std::iter::once(values)).map(f64::sqrt)
}

/// The pointwise 95 % bootstrap band of the least-squares line: the `(low, high)` of its height at each of `xs`. It is
/// taken over the resamples for which the line is defined. `None` if there are none.
pub fn regression_band(points: &[Point], xs: &[f64], resamples: usize, seed: u64) -> Option<Vec<(f64, f64)>> {
    let mut rng = generator(seed);
    let group = [points.to_vec()];
    let lines: Vec<Line> = (0..resamples)
        .filter_map(|_| least_squares(&resample(&group, &mut rng)[0]))
        .collect();
    let band = |&x| interval_of(&mut lines.iter().map(|line| line.at(x)).collect::<Vec<_>>());
    xs.iter().map(band).collect()
}

/// The spread of true errors, against the noise of one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpreadAndNoise {
    /// S: standard deviation of the architectures' true errors, within a root seed.
    pub spread: f64,
    /// B: standard deviation of a test error caused by the finite test set.
    pub sampling: f64,
    /// W: standard deviation of the error of one training caused by its seed, if trainings were repeated.
    pub training: Option<f64>,
    /// Standard deviation of a true error, the mean of its trainings. It is sqrt(B² + W²/r), or B if trainings were not repeated.
    pub noise: f64,
}

impl SpreadAndNoise {
    /// Spread divided by noise; `None` if the noise is 0. If the ratio is not above 1, the ranking is lost in the noise.
    pub fn ratio(&self) -> Option<f64> {
        (self.noise > 0.0).then(|| self.spread / self.noise)
    }
}

/// Compares the spread of true errors with their noise.
///
/// `e(s, a, r)` is the test error of training r of architecture a of root seed s. Its mean over the R(s, a) trainings
/// is `m(s, a)`, the true error. The mean of `m(s, a)` over the architectures is `m(s)`. Then:
/// - `S² = Σ (m(s, a) - m(s))² / Σ (architectures of s - 1)`; the upper sum is over architectures and seeds, the lower
///   over seeds;
/// - `B²` is the mean of `e (1 - e) / test_examples` over all trainings: binomial. The trainings share one test set, so
///   their mean does not lessen it;
/// - `W² = Σ (e(s, a, r) - m(s, a))² / Σ (R(s, a) - 1)`. It also holds the part of B that differs between trainings, so
///   the noise is an upper bound;
/// - noise² = `B² + W² mean(1 / R(s, a))`.
///
/// `groups[s][a][r]` holds the errors. `None` if no root seed has two architectures.
///
/// # Panics
/// If an architecture has no measurement, or the test set is empty.
pub fn spread_and_noise(groups: &[Vec<Vec<f64>>], test_examples: u64) -> Option<SpreadAndNoise> {
    assert!(test_examples > 0, "the test set is empty");
    let means: Vec<Vec<f64>> = groups
        .iter()
        .map(|architectures| architectures.iter().map(|errors| mean(errors)).collect())
        .collect();
    let spread = pooled_variance(means.iter().map(Vec::as_slice))?.sqrt();
    let binomial: Vec<f64> = groups.iter().flatten().flatten().map(|e| e * (1.0 - e)).collect();
    let sampling_variance = mean(&binomial) / test_examples as f64;
    let training_variance = pooled_variance(groups.iter().flatten().map(Vec::as_slice));
    let shares: Vec<f64> = groups
        .iter()
        .flatten()
        .map(|errors| 1.0 / errors.len() as f64)
        .collect();
    let noise = (sampling_variance + training_variance.unwrap_or(0.0) * mean(&shares)).sqrt();
    Some(SpreadAndNoise {
        spread,
        sampling: sampling_variance.sqrt(),
        training: training_variance.map(f64::sqrt),
        noise,
    })
}

/// The sum of squared distances from the mean of each sample, divided by the sum of (size - 1). `None` if no sample has
/// two values.
fn pooled_variance<'a>(samples: impl Iterator<Item = &'a [f64]>) -> Option<f64> {
    let (mut squares, mut freedom) = (0.0, 0);
    for sample in samples.filter(|sample| !sample.is_empty()) {
        let middle = centre(sample);
        squares += sample.iter().map(|x| (x - middle).powi(2)).sum::<f64>();
        freedom += sample.len() - 1;
    }
    (freedom > 0).then(|| squares / freedom as f64)
}

/// Means, and sums of squares and products of the distances from them.
struct Moments {
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    yy: f64,
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
            yy: ys.iter().map(|y| (y - mean_y).powi(2)).sum(),
            xy: points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum(),
        })
    }
}

/// The mean, or the value that all share: a rounded mean would give a constant some variance.
fn centre(values: &[f64]) -> f64 {
    match values.iter().all(|value| *value == values[0]) {
        true => values[0],
        false => mean(values),
    }
}

/// Ranks counted from 1; ties share the mean of their ranks.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut by_value: Vec<usize> = (0..values.len()).collect();
    by_value.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for ties in by_value.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + (ties.len() + 1) as f64 / 2.0;
        ties.iter().for_each(|&i| ranks[i] = rank);
        below += ties.len();
    }
    ranks
}

/// # Panics
/// If there are no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn mean_over_groups<T>(groups: &[Vec<T>], statistic: impl Fn(&[T]) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = groups.iter().map(|group| statistic(group)).collect();
    values.filter(|values| !values.is_empty()).map(|values| mean(&values))
}

pub(crate) fn generator(seed: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(BOOTSTRAP_STREAM);
    rng
}

/// Draws from each group as many units as it has, with replacement.
pub(crate) fn resample<T: Copy>(groups: &[Vec<T>], rng: &mut ChaCha8Rng) -> Vec<Vec<T>> {
    let mut draw = |group: &Vec<T>| {
        let n = u32::try_from(group.len()).expect("a group has less than 2^32 units");
        (0..n).map(|_| group[rng.random_range(0..n) as usize]).collect()
    };
    groups.iter().map(&mut draw).collect()
}

/// Draws as many groups as there are, and from each as many units as it has, both with replacement.
pub(crate) fn resample_groups<T: Copy>(groups: &[Vec<T>], rng: &mut ChaCha8Rng) -> Vec<Vec<T>> {
    let n = u32::try_from(groups.len()).expect("less than 2^32 groups");
    let drawn: Vec<Vec<T>> = (0..n)
        .map(|_| groups[rng.random_range(0..n) as usize].clone())
        .collect();
    resample(&drawn, rng)
}

/// An estimate with the percentiles of its resamples. Each call of `draw` returns the statistic of one resample.
pub(crate) fn percentiles(estimate: f64, resamples: usize, mut draw: impl FnMut() -> Option<f64>) -> Option<Interval> {
    let mut values: Vec<f64> = (0..resamples).filter_map(|_| draw()).collect();
    let undefined = resamples - values.len();
    let (low, high) = interval_of(&mut values)?;
    Some(Interval {
        estimate,
        low,
        high,
        undefined,
    })
}

/// The 2.5th and the 97.5th percentile.
fn interval_of(values: &mut [f64]) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let percentile = |fraction: f64| {
        let position = fraction * last as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        values[below] + (position - position.floor()) * (values[above] - values[below])
    };
    Some((percentile(0.025), percentile(0.975)))
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
pub(crate) mod tests;
