//! The percentile bootstrap on two levels: root seeds, and the units of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};

use super::coefficients::{Line, least_squares};
use super::sample::{Point, mean};

/// Number of resamples behind every interval.
pub const RESAMPLES: usize = 10_000;

/// Number of resamples that are drawn before their statistics are computed. It bounds the memory.
const BATCH: usize = 250;

/// Seed of the resampling, so that equal tables give equal intervals.
pub const BOOTSTRAP_SEED: u64 = 0;

/// Fewest values of each root seed for which a mean has an interval: one or two say nothing about their spread.
pub(crate) const FEWEST: usize = 3;

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

/// A p-value below this level excludes chance, as a 95 % interval does that lies beside the value by chance.
pub(crate) const LEVEL: f64 = 0.05;

impl Interval {
    /// The interval of the negative of the statistic.
    pub(crate) fn negated(self) -> Self {
        let Self { estimate, low, high, undefined } = self;
        Self { estimate: -estimate, low: -high, high: -low, undefined }
    }

    /// Whether it lies beside a value.
    pub fn excludes(self, value: f64) -> bool {
        self.low > value || self.high < value
    }

    /// An estimate with the percentiles of its resamples, moved so that their median lies at the estimate.
    ///
    /// It suits statistics of the best few points. A resample draws some points several times, so it has fewer different
    /// ones, and its best few are worse. Such statistics lie on another level in all resamples. Their spread is that of the
    /// sample, so the moved interval has its width, and always holds the estimate.
    pub(crate) fn centred(estimate: f64, resamples: usize, defined: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = defined.collect();
        let undefined = resamples - values.len();
        let [low, middle, high] = quantiles(&mut values, [0.025, 0.5, 0.975])?;
        let shift = estimate - middle;
        // The comparisons are necessary because the sums are rounded.
        Some(Self { estimate, low: (low + shift).min(estimate), high: (high + shift).max(estimate), undefined })
    }
}

/// How the units of several root seeds relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Each root seed has units of its own.
    Own,
    /// Unit number i of every root seed is the same architecture, as in runs that take them from a benchmark.
    Shared,
}

impl Units {
    /// Number of different units of all root seeds, from the number of each root seed.
    pub(crate) fn count(self, of_seeds: impl Iterator<Item = usize>) -> usize {
        match self {
            Self::Own => of_seeds.sum(),
            Self::Shared => of_seeds.max().unwrap_or(0),
        }
    }
}

/// The stream of the ChaCha generator for resamples. The caller chooses the generator's seed. The stream keeps these
/// draws apart from every other use of the same seed.
const BOOTSTRAP_STREAM: u64 = 0x626f_6f74; // "boot"

/// The percentile bootstrap of a statistic. Each root seed is a group of units, such as points.
///
/// The estimate is the mean of the groups' statistics. Scores of two SMASH networks are not comparable, so units of
/// different groups never enter one statistic. A resample draws on two levels, with replacement: as many groups as
/// there are, and from each as many units as it has. With one group the upper level adds nothing. A resample is left
/// out, and counted, if the statistic is undefined in one of its groups. Percentiles are interpolated linearly. If the
/// groups share their units, a resample draws the same units for all of them.
///
/// `None` if the statistic is undefined for a group or for every resample, or if there are no groups.
///
/// # Panics
/// If groups that share their units have different numbers of them.
pub fn bootstrap<T: Copy + PartialEq + Sync>(
    groups: &[Vec<T>],
    units: Units,
    statistic: impl Fn(&[T]) -> Option<f64> + Sync,
) -> Option<Interval> {
    bootstrap_all(groups, units, 1, |values| vec![statistic(values)])[0]
}

/// [`bootstrap`] of some number of statistics of the same units, which share the resamples. These are drawn one after the
/// other, and computed on all cores.
pub(crate) fn bootstrap_all<T: Copy + PartialEq + Sync>(
    groups: &[Vec<T>],
    units: Units,
    number: usize,
    statistics: impl Fn(&[T]) -> Vec<Option<f64>> + Sync,
) -> Vec<Option<Interval>> {
    let mean_of = |of_groups: Vec<Vec<Option<f64>>>| -> Vec<Option<f64>> {
        (0..number).map(|index| mean_over_groups(&of_groups, |of_group| of_group[index])).collect()
    };
    let estimates = mean_of(groups.iter().map(|group| statistics(group)).collect());
    if estimates.iter().all(Option::is_none) {
        return vec![None; number];
    }
    let alike = first_alike(groups, units);
    let of_group = |(group, chosen): &(usize, Arc<[usize]>)| {
        statistics(&chosen.iter().map(|&unit| groups[*group][unit]).collect::<Vec<T>>())
    };
    let of_resample =
        |drawn: Vec<(usize, Arc<[usize]>)>| mean_of(of_drawn(&drawn, |drawn| drawn.0, alike.as_deref(), of_group));
    let mut rng = generator(BOOTSTRAP_SEED);
    let mut values: Vec<Vec<Option<f64>>> = Vec::with_capacity(RESAMPLES);
    while values.len() < RESAMPLES {
        let drawn = (values.len()..RESAMPLES).take(BATCH).map(|_| draw_units(groups, units, &mut rng));
        values.par_extend(drawn.collect::<Vec<_>>().into_par_iter().map(of_resample));
    }
    let interval =
        |(index, estimate): (usize, Option<f64>)| percentiles(estimate?, values.iter().map(|values| values[index]));
    estimates.into_iter().enumerate().map(interval).collect()
}

/// The groups of a resample, each with its units, as indices.
fn draw_units<T>(groups: &[Vec<T>], units: Units, rng: &mut ChaCha8Rng) -> Vec<(usize, Arc<[usize]>)> {
    let chosen: Vec<usize> = draw(groups.len(), rng).collect();
    match units {
        Units::Own => chosen.into_iter().map(|group| (group, draw(groups[group].len(), rng).collect())).collect(),
        Units::Shared => {
            let shared: Arc<[usize]> = draw(shared_count(groups), rng).collect();
            chosen.into_iter().map(|group| (group, Arc::clone(&shared))).collect()
        }
    }
}

/// For each group the first one that equals it, if the groups share their units. Their statistics are then equal in every
/// resample. `None` if each group has units of its own.
pub(crate) fn first_alike<T: PartialEq>(groups: &[T], units: Units) -> Option<Vec<usize>> {
    let first = |group: &T| groups.iter().position(|other| other == group);
    // A group that holds NaN does not equal itself.
    let of_group = |(index, group): (usize, &T)| first(group).unwrap_or(index);
    (units == Units::Shared).then(|| groups.iter().enumerate().map(of_group).collect())
}

/// The values of the groups of a resample. Those of alike groups are computed once; see [`first_alike`].
pub(crate) fn of_drawn<D, V: Clone>(
    drawn: &[D],
    group: impl Fn(&D) -> usize,
    alike: Option<&[usize]>,
    value: impl Fn(&D) -> V,
) -> Vec<V> {
    let Some(alike) = alike else { return drawn.iter().map(value).collect() };
    let mut known: BTreeMap<usize, V> = BTreeMap::new();
    let of_group = |drawn: &D| known.entry(alike[group(drawn)]).or_insert_with(|| value(drawn)).clone();
    drawn.iter().map(of_group).collect()
}

/// The difference of a statistic between two independent samples: that of `first` minus that of `second`. Every
/// resample draws from both, each as for [`bootstrap`].
pub(crate) fn bootstrap_difference<T: Copy>(
    (first, units_of_first): (&[Vec<T>], Units),
    (second, units_of_second): (&[Vec<T>], Units),
    statistic: impl Fn(&[T]) -> Option<f64>,
) -> Option<Interval> {
    let difference = |first: &[Vec<T>], second: &[Vec<T>]| {
        Some(mean_over_groups(first, &statistic)? - mean_over_groups(second, &statistic)?)
    };
    let estimate = difference(first, second)?;
    let mut rng = generator(BOOTSTRAP_SEED);
    let resample = |_| {
        let drawn = resample_groups(first, units_of_first, &mut rng);
        difference(&drawn, &resample_groups(second, units_of_second, &mut rng))
    };
    percentiles(estimate, (0..RESAMPLES).map(resample))
}

/// The mean over the root seeds of each root seed's mean, with its bootstrap interval. `None` if a root seed has fewer
/// than [`FEWEST`] values.
pub(crate) fn mean_interval(groups: &[Vec<f64>], units: Units) -> Option<Interval> {
    match enough(groups) {
        true => bootstrap(groups, units, |values| Some(mean(values))),
        false => None,
    }
}

/// Whether each root seed has at least [`FEWEST`] values.
pub(crate) fn enough<T>(groups: &[Vec<T>]) -> bool {
    groups.iter().all(|values| values.len() >= FEWEST)
}

/// The pointwise 95 % bootstrap band of the least-squares line: the `(low, high)` of its height at each of `xs`. It is
/// taken over the resamples for which the line is defined. `None` if there are none.
pub fn regression_band(points: &[Point], xs: &[f64], resamples: usize, seed: u64) -> Option<Vec<(f64, f64)>> {
    let mut rng = generator(seed);
    let group = [points.to_vec()];
    let lines: Vec<Line> = (0..resamples).filter_map(|_| least_squares(&resample(&group, &mut rng)[0])).collect();
    let band = |&x| interval_of(&mut lines.iter().map(|line| line.at(x)).collect::<Vec<_>>());
    xs.iter().map(band).collect()
}

/// The mean of a statistic over groups; `None` if there are none, or if it is undefined for one of them.
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
    groups.iter().map(|group| draw(group.len(), rng).map(|index| group[index]).collect()).collect()
}

/// Draws as many of `n` indices, with replacement.
pub(crate) fn draw(n: usize, rng: &mut ChaCha8Rng) -> impl Iterator<Item = usize> {
    let n = u32::try_from(n).expect("less than 2^32 groups, and units of a group");
    (0..n).map(move |_| rng.random_range(0..n) as usize)
}

/// Draws as many groups as there are, and from each as many units as it has, both with replacement. Groups that share their
/// units get the same ones.
pub(crate) fn resample_groups<T: Copy>(groups: &[Vec<T>], units: Units, rng: &mut ChaCha8Rng) -> Vec<Vec<T>> {
    let drawn = draw_groups(groups, rng);
    match units {
        Units::Own => resample(&drawn, rng),
        Units::Shared => resample_shared(&drawn, rng),
    }
}

/// Draws as many groups as there are, with replacement.
pub(crate) fn draw_groups<T: Copy>(groups: &[Vec<T>], rng: &mut ChaCha8Rng) -> Vec<Vec<T>> {
    draw(groups.len(), rng).map(|index| groups[index].clone()).collect()
}

/// Draws as many units as a group has, with replacement, and takes the same ones from all groups.
pub(crate) fn resample_shared<T: Copy>(groups: &[Vec<T>], rng: &mut ChaCha8Rng) -> Vec<Vec<T>> {
    let chosen: Vec<usize> = draw(shared_count(groups), rng).collect();
    groups.iter().map(|group| chosen.iter().map(|&index| group[index]).collect()).collect()
}

/// Number of units of groups that share them.
pub(crate) fn shared_count<T>(groups: &[impl AsRef<[T]>]) -> usize {
    let count = groups.first().map_or(0, |group| group.as_ref().len());
    assert!(groups.iter().all(|group| group.as_ref().len() == count), "groups share their units");
    count
}

/// An estimate with the percentiles of its resamples, whose statistics are given.
pub(crate) fn percentiles(estimate: f64, resamples: impl IntoIterator<Item = Option<f64>>) -> Option<Interval> {
    let (mut values, mut undefined) = (Vec::new(), 0);
    for value in resamples {
        match value {
            Some(value) => values.push(value),
            None => undefined += 1,
        }
    }
    let (low, high) = interval_of(&mut values)?;
    Some(Interval { estimate, low, high, undefined })
}

/// The 2.5th and the 97.5th percentile.
fn interval_of(values: &mut [f64]) -> Option<(f64, f64)> {
    let [low, high] = quantiles(values, [0.025, 0.975])?;
    Some((low, high))
}

/// The values below which these fractions of all values lie. `None` if there are no values.
pub(crate) fn quantiles<const N: usize>(values: &mut [f64], fractions: [f64; N]) -> Option<[f64; N]> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(fractions.map(|fraction| {
        let position = fraction * last as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        values[below] + (position - position.floor()) * (values[above] - values[below])
    }))
}
