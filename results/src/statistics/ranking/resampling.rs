//! Intervals and p-values of the statistics of a ranking, all from the same resamples.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelRefIterator, ParallelExtend, ParallelIterator};

use crate::statistics::bootstrap::{
    BOOTSTRAP_SEED, Interval, RESAMPLES, Units, draw, first_alike, generator, mean_over_groups, of_drawn, percentiles,
    shared_count,
};
use crate::statistics::ranking::ordered::{Ordered, values_of};
use crate::statistics::ranking::{Chance, Measured, Ranking};
use crate::statistics::sample::Point;

/// Number of points that are resampled before their statistics are computed. It bounds the memory.
const BATCH: usize = 4_000_000;

/// Largest number of points for which [`resamples_for`] chooses [`RESAMPLES`].
const MOST_POINTS: usize = 5_000;

/// Number of resamples for more points than that.
const FEWER_RESAMPLES: usize = 1_000;

/// The number of resamples for this many points: fewer for many, whose intervals are narrow.
pub fn resamples_for(points: usize) -> usize {
    if points > MOST_POINTS { FEWER_RESAMPLES } else { RESAMPLES }
}

/// Measures statistics of a ranking over groups, such as root seeds, with intervals; see
/// [`bootstrap`](crate::statistics::bootstrap::bootstrap) and
/// `Interval::centred`.
///
/// Values of different groups never enter one statistic; the result is the mean over the groups. Number `resamples` is that of
/// the bootstrap, and that of the permutations behind each p-value. `progress` gets the share of the work that is done.
pub fn measure(
    groups: &[Vec<Point>],
    units: Units,
    statistics: &[Ranking],
    resamples: usize,
    progress: &mut dyn FnMut(f64),
) -> Vec<Measured> {
    let ordered: Vec<Ordered> = groups.iter().map(|points| Ordered::new(points)).collect();
    let half = resamples as f64 * 2.0;
    let intervals = intervals_of(&ordered, units, statistics, resamples, &mut |done| progress(done as f64 / half));
    let mut permuted = Permutations::new(&ordered, units);
    let by_chance = in_batches(&ordered, units, resamples, statistics, || permuted.next(), &mut |done| {
        progress((resamples + done) as f64 / half)
    });
    let measured = |(index, (&statistic, interval)): (usize, (&Ranking, Option<Interval>))| {
        let p = interval.map(|interval| {
            // Rounding must not make a permutation without any change less extreme.
            let slack = 1e-12 * interval.estimate.abs().max(1.0);
            let is_extreme = |values: &&Vec<Option<f64>>| statistic.is_extreme(values[index], interval.estimate, slack);
            (by_chance.iter().filter(is_extreme).count() + 1) as f64 / (resamples + 1) as f64
        });
        Measured { statistic, interval, p, by_chance: statistic.by_chance(groups.iter().map(Vec::len)) }
    };
    statistics.iter().zip(intervals).enumerate().map(measured).collect()
}

/// The intervals of [`measure`], without p-values.
pub fn intervals(groups: &[Vec<Point>], units: Units, statistics: &[Ranking]) -> Vec<Option<Interval>> {
    let ordered: Vec<Ordered> = groups.iter().map(|points| Ordered::new(points)).collect();
    intervals_of(&ordered, units, statistics, RESAMPLES, &mut |_| ())
}

fn intervals_of(
    ordered: &[Ordered],
    units: Units,
    statistics: &[Ranking],
    resamples: usize,
    progress: &mut dyn FnMut(usize),
) -> Vec<Option<Interval>> {
    let of_groups: Vec<Vec<Option<f64>>> = ordered.iter().map(|group| group.values(statistics)).collect();
    let mut drawn = Resamples { ordered, units, rng: generator(BOOTSTRAP_SEED) };
    let values = in_batches(ordered, units, resamples, statistics, || drawn.next(), progress);
    let interval = |(index, statistic): (usize, &Ranking)| {
        let estimate = mean_over_groups(&of_groups, |of_group| of_group[index])?;
        statistic.interval(estimate, resamples, &mut values.iter().map(|values| values[index]))
    };
    statistics.iter().enumerate().map(interval).collect()
}

/// As [`measure`], for groups with units of their own. Each statistic is the mean over the groups that have a value of it.
pub fn measure_where_defined(
    groups: &[Vec<Point>],
    statistics: &[Ranking],
    resamples: usize,
    progress: &mut dyn FnMut(f64),
) -> Vec<Measured> {
    let mut alike: BTreeMap<Vec<bool>, Vec<usize>> = BTreeMap::new();
    let values: Vec<Vec<Option<f64>>> = groups.iter().map(|points| values_of(statistics, points)).collect();
    for index in 0..statistics.len() {
        let defined = values.iter().map(|of_group| of_group[index].is_some()).collect();
        alike.entry(defined).or_default().push(index);
    }
    let mut found = Vec::new();
    for (done, (defined, indices)) in alike.iter().enumerate() {
        let with_value = groups.iter().zip(defined).filter(|(_, defined)| **defined);
        let with_value: Vec<Vec<Point>> = with_value.map(|(points, _)| points.clone()).collect();
        let chosen: Vec<Ranking> = indices.iter().map(|&index| statistics[index]).collect();
        let mut progress = |share| progress((done as f64 + share) / alike.len() as f64);
        found.extend(indices.iter().zip(measure(&with_value, Units::Own, &chosen, resamples, &mut progress)));
    }
    found.sort_by_key(|(index, _)| **index);
    found.into_iter().map(|(_, measured)| measured).collect()
}

impl Ranking {
    /// The interval of the mean over the groups. That of a coefficient is a plain bootstrap. The other statistics are of
    /// the best few points, so their interval is centred, and cut off at the values that are possible.
    fn interval(
        self,
        estimate: f64,
        resamples: usize,
        values: &mut dyn Iterator<Item = Option<f64>>,
    ) -> Option<Interval> {
        if self.chance() == Chance::Zero {
            return percentiles(estimate, values);
        }
        let interval = Interval::centred(estimate, resamples, values.flatten())?;
        let (least, most) = self.range();
        Some(Interval { low: interval.low.max(least), high: interval.high.min(most), ..interval })
    }

    /// Whether a permutation is as extreme as the measured value: on both sides for coefficients, and in the better direction
    /// for the other statistics. A permutation that leaves the statistic undefined counts as extreme.
    fn is_extreme(self, value: Option<f64>, measured: f64, slack: f64) -> bool {
        value.is_none_or(|value| match self.chance() {
            Chance::Zero => value.abs() >= measured.abs() - slack,
            Chance::Less => value >= measured - slack,
            Chance::More => value <= measured + slack,
        })
    }
}

/// A group of a resample: which one, the truth of each place, and how many times each place counts.
struct Drawn {
    group: usize,
    truth_at: Option<Vec<u32>>,
    counts: Option<Vec<u32>>,
}

/// The statistics of resamples. They are drawn one after the other, and computed on all cores.
fn in_batches(
    ordered: &[Ordered],
    units: Units,
    resamples: usize,
    statistics: &[Ranking],
    mut draw: impl FnMut() -> Vec<Drawn>,
    progress: &mut dyn FnMut(usize),
) -> Vec<Vec<Option<f64>>> {
    let points: usize = ordered.iter().map(|group| group.places.len()).sum();
    let most = ordered.iter().map(|group| group.places.len()).max().unwrap_or(0);
    let ones = vec![1; most];
    let alike = first_alike(ordered, units);
    let of_group = |drawn: &Drawn| {
        let group = &ordered[drawn.group];
        let truth_at = drawn.truth_at.as_ref().unwrap_or(&group.truth_at);
        let counts = drawn.counts.as_deref().unwrap_or(&ones[..truth_at.len()]);
        group.values_of(statistics, truth_at, counts)
    };
    let of_resample = |groups: &Vec<Drawn>| {
        let values = of_drawn(groups, |drawn| drawn.group, alike.as_deref(), of_group);
        (0..statistics.len()).map(|index| mean_over_groups(&values, |values| values[index])).collect()
    };
    let batch = (BATCH / points.max(1)).clamp(2 * rayon::current_num_threads(), 1_000);
    let mut values: Vec<Vec<Option<f64>>> = Vec::with_capacity(resamples);
    while values.len() < resamples {
        let drawn: Vec<Vec<Drawn>> = (values.len()..resamples).take(batch).map(|_| draw()).collect();
        values.par_extend(drawn.par_iter().map(of_resample));
        progress(values.len());
    }
    values
}

/// The resamples of [`bootstrap`](crate::statistics::bootstrap::bootstrap).
struct Resamples<'a> {
    ordered: &'a [Ordered],
    units: Units,
    rng: ChaCha8Rng,
}

impl Resamples<'_> {
    fn next(&mut self) -> Vec<Drawn> {
        let chosen: Vec<usize> = draw(self.ordered.len(), &mut self.rng).collect();
        let shared: Option<Vec<usize>> = (self.units == Units::Shared).then(|| {
            let places: Vec<&[u32]> = self.ordered.iter().map(|group| group.places.as_slice()).collect();
            draw(shared_count(&places), &mut self.rng).collect()
        });
        let drawn = chosen.into_iter().map(|group| {
            let places = &self.ordered[group].places;
            let mut counts = vec![0; places.len()];
            let mut count = |point: usize| counts[places[point] as usize] += 1;
            match &shared {
                Some(points) => points.iter().for_each(|&point| count(point)),
                None => draw(places.len(), &mut self.rng).for_each(count),
            }
            Drawn { group, truth_at: None, counts: Some(counts) }
        });
        drawn.collect()
    }
}

/// Permutations of the predictor within each group, each made from the one before.
struct Permutations<'a> {
    ordered: &'a [Ordered],
    units: Units,
    rng: ChaCha8Rng,
    /// For each group, the place of each point by its present predictor.
    places: Vec<Vec<u32>>,
}

impl<'a> Permutations<'a> {
    fn new(ordered: &'a [Ordered], units: Units) -> Self {
        let places = ordered.iter().map(|group| group.places.clone()).collect();
        Self { ordered, units, rng: generator(BOOTSTRAP_SEED), places }
    }

    fn next(&mut self) -> Vec<Drawn> {
        let mut order: Vec<usize> = Vec::new();
        let permuted = self.ordered.iter().zip(&mut self.places).enumerate().map(|(group, (ordered, places))| {
            // Groups that share their units are permuted alike, so that their values stay as dependent as they are.
            if self.units == Units::Own || order.is_empty() {
                order = (0..places.len()).collect();
                order.shuffle(&mut self.rng);
            }
            *places = order.iter().map(|&point| places[point]).collect();
            let mut truth_at = vec![0; places.len()];
            for (&place, &own) in places.iter().zip(&ordered.places) {
                truth_at[place as usize] = ordered.truth_at[own as usize];
            }
            ordered.sort_ties(&mut truth_at);
            Drawn { group, truth_at: Some(truth_at), counts: None }
        });
        permuted.collect()
    }
}
