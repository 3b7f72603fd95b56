//! A ranking that is sorted once. A resample is then a number for each point, and its statistics need no further sort.

use crate::statistics::coefficients::{Coefficient, pearson_of_counts};
use crate::statistics::ranking::discordance::{Discordance, Element};
use crate::statistics::ranking::{Ranking, count_of};
use crate::statistics::sample::Point;
use crate::statistics::tau::{both_ranks, tau_of_sorted};

/// Relative size of a difference that rounding can explain.
const ROUNDING: f64 = 1e-12;

/// Points in the order of their predictor, and those of equal predictor in the order of their truth.
#[derive(PartialEq)]
pub struct Ordered {
    /// The place of each point in this order.
    pub places: Vec<u32>,
    /// The truth of each place, as an index into `truths`.
    pub truth_at: Vec<u32>,
    /// The predictor of each place.
    predictors: Vec<f64>,
    /// The end of each run of places with equal predictors.
    run_ends: Vec<usize>,
    /// The different truths, in ascending order.
    truths: Vec<f64>,
}

impl Ordered {
    /// Sorts the points.
    ///
    /// # Panics
    /// If a value is not a number.
    pub fn new(points: &[Point]) -> Self {
        // Adding zero makes -0 and 0 the same number.
        let points: Vec<Point> = points.iter().map(|&(x, y)| (x + 0.0, y + 0.0)).collect();
        assert!(points.iter().all(|(x, y)| !x.is_nan() && !y.is_nan()), "cannot rank what is not a number");
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| {
            let ((ax, ay), (bx, by)) = (points[a], points[b]);
            ax.total_cmp(&bx).then(ay.total_cmp(&by))
        });
        let mut places = vec![0; points.len()];
        order.iter().enumerate().for_each(|(place, &point)| places[point] = index(place));
        let mut truths: Vec<f64> = points.iter().map(|point| point.1).collect();
        truths.sort_by(f64::total_cmp);
        truths.dedup();
        let rank = |truth: f64| index(truths.partition_point(|other| *other < truth));
        let truth_at = order.iter().map(|&point| rank(points[point].1)).collect();
        let predictors: Vec<f64> = order.iter().map(|&point| points[point].0).collect();
        let runs = predictors.chunk_by(|a, b| a == b);
        let run_ends = runs.scan(0, |end, run| {
            *end += run.len();
            Some(*end)
        });
        Self { places, truth_at, run_ends: run_ends.collect(), predictors, truths }
    }

    /// The values of statistics of the points themselves.
    pub fn values(&self, statistics: &[Ranking]) -> Vec<Option<f64>> {
        self.values_of(statistics, &self.truth_at, &vec![1; self.truth_at.len()])
    }

    /// The values of statistics, if the truth of each place is `truth_at` and each place counts `counts` times. Truths of
    /// places with equal predictors are in ascending order.
    pub fn values_of(&self, statistics: &[Ranking], truth_at: &[u32], counts: &[u32]) -> Vec<Option<f64>> {
        let sample = Sample::new(self, truth_at, counts);
        let discordance = statistics.iter().any(|statistic| statistic.weighs_pairs()).then(|| sample.discordance());
        statistics.iter().map(|statistic| sample.value(*statistic, discordance.as_ref())).collect()
    }

    /// Sorts the truths of places with equal predictors.
    pub fn sort_ties(&self, truth_at: &mut [u32]) {
        let mut start = 0;
        for &end in &self.run_ends {
            if end - start > 1 {
                truth_at[start..end].sort_unstable();
            }
            start = end;
        }
    }
}

/// The values of statistics of some points, from one sort; each is `None` if the points leave it undefined.
pub fn values_of(statistics: &[Ranking], points: &[Point]) -> Vec<Option<f64>> {
    Ordered::new(points).values(statistics)
}

fn index(place: usize) -> u32 {
    u32::try_from(place).expect("a group has less than 2^32 points")
}

impl Ranking {
    /// The value of the statistic; `None` if the points leave it undefined.
    pub fn of(self, points: &[Point]) -> Option<f64> {
        values_of(&[self], points)[0]
    }

    /// Whether the statistic weighs all pairs of points. Plain tau only counts them, which is faster.
    fn weighs_pairs(self) -> bool {
        matches!(self, Self::WeightedTau | Self::BetterHalfTau)
    }
}

/// Points of an [`Ordered`], each some number of times.
struct Sample<'a> {
    ordered: &'a Ordered,
    truth_at: &'a [u32],
    counts: &'a [u32],
    /// Number of points.
    n: u64,
    /// Number of points of each truth.
    of_truth: Vec<u32>,
}

impl<'a> Sample<'a> {
    fn new(ordered: &'a Ordered, truth_at: &'a [u32], counts: &'a [u32]) -> Self {
        let mut of_truth = vec![0; ordered.truths.len()];
        truth_at.iter().zip(counts).for_each(|(&truth, count)| of_truth[truth as usize] += count);
        let n = of_truth.iter().map(|&count| u64::from(count)).sum();
        Self { ordered, truth_at, counts, n, of_truth }
    }

    fn value(&self, statistic: Ranking, discordance: Option<&Discordance>) -> Option<f64> {
        match statistic {
            Ranking::Coefficient(Coefficient::Kendall) => match discordance {
                Some(discordance) => discordance.tau,
                None => self.kendall(),
            },
            Ranking::WeightedTau => discordance?.weighted_tau,
            Ranking::BetterHalfTau => discordance?.better_half_tau,
            Ranking::Coefficient(Coefficient::Spearman) => self.spearman(),
            Ranking::Coefficient(Coefficient::Pearson) => self.pearson(),
            Ranking::Precision(fraction) => self.precision(fraction),
            Ranking::BestRank(k) => self.best_rank(k),
            Ranking::Regret(k) => self.regret(k),
            Ranking::Gain(k) => self.gain(k),
        }
    }

    /// The runs of equal predictors: truths and counts of their places.
    fn runs(&self) -> impl Iterator<Item = (&[u32], &[u32])> {
        let starts = std::iter::once(0).chain(self.ordered.run_ends.iter().copied());
        starts.zip(&self.ordered.run_ends).map(|(from, &to)| (&self.truth_at[from..to], &self.counts[from..to]))
    }

    /// Plain tau. It equals [`Discordance::tau`] to the bit, because both count pairs in whole numbers.
    fn kendall(&self) -> Option<f64> {
        let mut sorted = Vec::with_capacity(usize::try_from(self.n).expect("points fit into memory"));
        for (run, (truths, counts)) in self.runs().enumerate() {
            for (&truth, &count) in truths.iter().zip(counts) {
                sorted.extend(std::iter::repeat_n(both_ranks([run as u32, truth]), count as usize));
            }
        }
        tau_of_sorted(&sorted)
    }

    /// Everything that needs a look at all pairs.
    fn discordance(&self) -> Discordance {
        // Number of points up to each truth, as ranks are counted from the best.
        let mut up_to = ranks_below(&self.of_truth);
        let half = self.n.div_ceil(2);
        // The worst truth of the better half.
        let last_of_half = up_to.iter().zip(&self.of_truth).position(|(below, &own)| below + u64::from(own) >= half);
        let last_of_half = last_of_half.unwrap_or(0) as u32;
        let mut elements = Vec::with_capacity(self.counts.len());
        let mut below = 0;
        for (run, (truths, counts)) in self.runs().enumerate() {
            for (&truth, &count) in truths.iter().zip(counts).filter(|(_, count)| **count > 0) {
                let by_truth = &mut up_to[truth as usize];
                elements.push(Element {
                    run: run as u32,
                    truth,
                    count,
                    in_half: if truth <= last_of_half { count } else { 0 },
                    weights: [weight(below, count), weight(*by_truth, count)],
                });
                below += u64::from(count);
                *by_truth += u64::from(count);
            }
        }
        Discordance::of(elements)
    }

    fn spearman(&self) -> Option<f64> {
        // Ranks are distances from their mean, so sums of products need no correction.
        let middle = (self.n as f64 + 1.0) / 2.0;
        let rank = |below: u64, own: u64| below as f64 + (own as f64 + 1.0) / 2.0 - middle;
        let below = ranks_below(&self.of_truth);
        let of_truth: Vec<f64> =
            below.iter().zip(&self.of_truth).map(|(&below, &own)| rank(below, own.into())).collect();
        let squares = of_truth.iter().zip(&self.of_truth).map(|(rank, &count)| f64::from(count) * rank * rank);
        let (mut xx, mut xy, yy) = (0.0, 0.0, squares.sum::<f64>());
        let mut below = 0;
        for (truths, counts) in self.runs() {
            let own = counts.iter().map(|&count| u64::from(count)).sum();
            let by_predictor = rank(below, own);
            below += own;
            xx += own as f64 * by_predictor * by_predictor;
            let sum = truths.iter().zip(counts).map(|(&truth, &count)| f64::from(count) * of_truth[truth as usize]);
            xy += by_predictor * sum.sum::<f64>();
        }
        (xx > 0.0 && yy > 0.0).then(|| (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
    }

    fn pearson(&self) -> Option<f64> {
        let present = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let values = present.map(|(place, &count)| {
            let truth = self.ordered.truths[self.truth_at[place] as usize];
            (self.ordered.predictors[place], truth, f64::from(count))
        });
        pearson_of_counts(&values.collect::<Vec<_>>())
    }

    /// See [`Ranking::Precision`].
    fn precision(&self, fraction: f64) -> Option<f64> {
        let n = usize::try_from(self.n).expect("points fit into memory");
        if n == 0 {
            return None;
        }
        let k = count_of(fraction, n);
        let (last, chance_of_last) = boundary(self.of_truth.iter().map(|&count| u64::from(count)), k as u64);
        let chance_by_truth = |truth: u32| match (truth as usize).cmp(&last) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => chance_of_last,
            std::cmp::Ordering::Greater => 0.0,
        };
        let sizes = self.runs().map(|(_, counts)| counts.iter().map(|&count| u64::from(count)).sum());
        let (last_run, chance_of_last_run) = boundary(sizes, k as u64);
        let of_run = |(run, (truths, counts)): (usize, (&[u32], &[u32]))| {
            let chance = if run == last_run { chance_of_last_run } else { 1.0 };
            let sum = truths.iter().zip(counts).map(|(&truth, &count)| f64::from(count) * chance_by_truth(truth));
            chance * sum.sum::<f64>()
        };
        Some(self.runs().enumerate().take(last_run + 1).map(of_run).sum::<f64>() / k as f64)
    }

    fn best_rank(&self, k: usize) -> Option<f64> {
        let below = ranks_below(&self.of_truth);
        let rank = |truth: u32| below[truth as usize] as f64 + (f64::from(self.of_truth[truth as usize]) + 1.0) / 2.0;
        self.expected_best(k, rank)
    }

    fn regret(&self, k: usize) -> Option<f64> {
        let best = self.of_truth.iter().position(|&count| count > 0)?;
        Some(difference_beyond_rounding(self.expected_best(k, |truth| self.truth(truth))?, self.ordered.truths[best]))
    }

    fn gain(&self, k: usize) -> Option<f64> {
        let all = self.of_truth.iter().enumerate().map(|(truth, &count)| (self.ordered.truths[truth], count));
        let drawn = k.min(usize::try_from(self.n).expect("points fit into memory"));
        let at_random = (drawn > 0).then(|| expected_lowest(all, self.n, drawn, f64::INFINITY))?;
        Some(difference_beyond_rounding(at_random, self.expected_best(k, |truth| self.truth(truth))?))
    }

    fn truth(&self, truth: u32) -> f64 {
        self.ordered.truths[truth as usize]
    }

    /// The expected lowest value among the predictor's `k` best, or among all points if there are fewer. The value rises with
    /// the truth.
    fn expected_best(&self, k: usize, value: impl Fn(u32) -> f64) -> Option<f64> {
        let (mut sure, mut least) = (0, f64::INFINITY);
        let k = self.n.min(k as u64);
        for (truths, counts) in self.runs() {
            let own: u64 = counts.iter().map(|&count| u64::from(count)).sum();
            if own > 0 && sure + own >= k {
                let tied = truths.iter().zip(counts).map(|(&truth, &count)| (value(truth), count));
                return Some(expected_lowest(tied, own, (k - sure) as usize, least));
            }
            let best = truths.iter().zip(counts).find(|(_, count)| **count > 0);
            least = best.map_or(least, |(&truth, _)| least.min(value(truth)));
            sure += own;
        }
        None
    }
}

/// The expected lowest of `least` and of `drawn` of `n` values. The values are in ascending order, each with its number.
fn expected_lowest(values: impl Iterator<Item = (f64, u32)>, n: u64, drawn: usize, least: f64) -> f64 {
    // A value is the lowest of the drawn ones if it is drawn and no better one is.
    let (mut left, mut expected, mut remaining) = (1.0, 0.0, n as f64);
    for (value, count) in values {
        for _ in 0..count {
            let chance = (drawn as f64 / remaining).min(1.0);
            expected += left * chance * value.min(least);
            left *= 1.0 - chance;
            remaining -= 1.0;
        }
        if left == 0.0 {
            break;
        }
    }
    expected
}

/// The group that holds number `k` of all, and the chance of one of its members to be among the first `k`.
fn boundary(sizes: impl Iterator<Item = u64>, k: u64) -> (usize, f64) {
    let mut before = 0;
    for (group, size) in sizes.enumerate() {
        if before + size >= k {
            return (group, (k - before) as f64 / size as f64);
        }
        before += size;
    }
    unreachable!("k is at most the number of points")
}

/// How many points lie before each group.
fn ranks_below(counts: &[u32]) -> Vec<u64> {
    let before = counts.iter().scan(0, |before, &count| {
        let below = *before;
        *before += u64::from(count);
        Some(below)
    });
    before.collect()
}

/// The sum of 1/rank over some ranks, the first of which follows `below`.
fn weight(below: u64, count: u32) -> f64 {
    (below + 1..=below + u64::from(count)).map(|rank| 1.0 / rank as f64).sum()
}

/// The difference `a - b`, or 0 if rounding alone can explain it. Both are expected values, sums of up to all truths.
pub(super) fn difference_beyond_rounding(a: f64, b: f64) -> f64 {
    match (a - b).abs() <= ROUNDING * a.abs().max(b.abs()) {
        true => 0.0,
        false => a - b,
    }
}
