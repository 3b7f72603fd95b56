//! How a correlation study with another SMASH network differs from figure 4's (section 4.1 of the paper).
//!
//! It compares the level of the scores, their correlation with true errors, the true errors of the best architectures,
//! and the ratio of learned to generated weights. If both studies have the same architectures, the comparison is paired.

use std::collections::BTreeMap;
use std::fmt;

use crate::statistics::bootstrap::{Interval, Units, bootstrap, bootstrap_difference, enough, mean_interval};
use crate::statistics::paired_bootstrap::{Pairing, paired_difference};
use crate::statistics::ranking::{BEST, mean_of_best};
use crate::statistics::sample::{Point, mean};
use crate::statistics::tau::{ranks, tau_of_ranks};
use crate::summaries::correlation::{Points, SeedPoints};
use crate::summaries::join::{by_seed, complete_mean, keep_common};
use crate::summaries::predictor::{Measure, score_values};
use crate::summaries::text::{error_text, interval_text, points_text};
use crate::tables::rows::{ArchitectureRow, ScoreRow, WeightsRow};

/// Values of architectures, by root seed and index.
type BySeed<T> = BTreeMap<u64, BTreeMap<u32, T>>;

/// The data of one study that a contrast uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Hash of every sampled architecture.
    architectures: BySeed<String>,
    /// SMASH score, in [0, 1], of every architecture whose draws all ended ok, trained or not.
    scores: BySeed<f64>,
    /// Score and true error of the trained architectures.
    points: BySeed<Point>,
    /// Their ranks in their root seed.
    ranks: BySeed<[u32; 2]>,
    /// Kendall's tau between score and true error.
    tau: Option<Interval>,
    /// Whether the root seeds have the same architectures.
    units: Units,
    /// Ratio of learned to generated weights, the mean over architectures and root seeds; `None` if they were not counted.
    weights_ratio: Option<f64>,
}

/// A study beside the study it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The study itself.
    pub own: Measures,
    /// The study it is compared with.
    pub reference: Measures,
    /// What both share, if the differences are paired; `None` if the two are independent samples.
    pub pairing: Option<Pairing>,
    /// Mean score of the reference minus that of the study itself.
    pub level_drop: Option<Interval>,
    /// Kendall's tau of the reference minus that of the study itself.
    pub tau_drop: Option<Interval>,
    /// Mean true error of the study's own best tenth by score, minus that of the reference.
    pub top_rise: Option<Interval>,
}

/// The measures of a study that are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Number of root seeds, each with a SMASH network of its own.
    pub seeds: usize,
    /// Ratio of learned to generated weights.
    pub weights_ratio: Option<f64>,
    /// Number of architectures with a score.
    pub scored: usize,
    /// The mean SMASH score, in [0, 1].
    pub level: Option<Interval>,
    /// Kendall's tau between score and true error.
    pub tau: Option<Interval>,
    /// Mean true error of the best tenth by score, among the trained architectures.
    pub top: Option<Interval>,
}

impl Side {
    /// Gathers the data of one study, whose tau is known; `weights` is `None` if its runs did not count them.
    pub fn new(
        points: &Points,
        tau: Option<Interval>,
        architectures: &[ArchitectureRow],
        scores: &[ScoreRow],
        weights: Option<&[WeightsRow]>,
    ) -> Self {
        let mut hashes: BySeed<String> = BTreeMap::new();
        for row in architectures {
            hashes.entry(row.seed).or_default().insert(row.architecture, row.hash.clone());
        }
        let scores = score_values(scores, Measure::Error).into_iter();
        let scores = scores.map(|((seed, index), draws)| (seed, complete_mean(draws).map(|score| (index, score))));
        let mut scores = by_seed(scores);
        keep_common(&mut scores, points.units, |&(index, _)| index);
        let of_seed = |seed: &SeedPoints| {
            let points = seed.architectures.iter().copied().zip(seed.points.iter().copied());
            (seed.seed, BTreeMap::from_iter(points))
        };
        let by_seed_and_index: BySeed<Point> = points.seeds.iter().map(of_seed).collect();
        let ratio = |row: &WeightsRow| (row.seed, Some(row.learned as f64 / row.generated as f64));
        let ratios = by_seed(weights.unwrap_or_default().iter().map(ratio));
        let ratios: Vec<f64> = ratios.values().map(|ratios| mean(ratios)).collect();
        Self {
            architectures: hashes,
            scores: scores.into_iter().map(|(seed, scores)| (seed, scores.into_iter().collect())).collect(),
            ranks: ranked(&by_seed_and_index),
            points: by_seed_and_index,
            tau,
            units: points.units,
            weights_ratio: (!ratios.is_empty()).then(|| mean(&ratios)),
        }
    }

    /// The measures of the study that are compared.
    pub fn measures(&self) -> Measures {
        let (scores, points) = (groups(&self.scores), groups(&self.points));
        Measures {
            seeds: scores.len(),
            weights_ratio: self.weights_ratio,
            scored: self.units.count(scores.iter().map(Vec::len)),
            level: mean_interval(&scores, self.units),
            tau: self.tau,
            top: if enough(&points) { bootstrap(&points, self.units, top) } else { None },
        }
    }

    /// The values of all sampled architectures of each root seed, in order; `None` stands for a missing value.
    fn in_order<T: Copy>(&self, values: &BySeed<T>) -> Vec<Vec<Option<T>>> {
        let group = |(seed, architectures): (&u64, &BTreeMap<u32, String>)| {
            let measured = values.get(seed);
            architectures.keys().map(|index| measured.and_then(|measured| measured.get(index)).copied()).collect()
        };
        self.architectures.iter().map(group).collect()
    }
}

/// Compares a study with a reference.
pub fn contrast(own: &Side, reference: &Side) -> Contrast {
    let pairing = pairing(own, reference);
    Contrast {
        own: own.measures(),
        reference: reference.measures(),
        pairing,
        level_drop: difference_of_means([reference, own], pairing, |side| &side.scores, mean_of),
        tau_drop: interval_of_difference(
            [reference, own],
            pairing,
            |side| &side.ranks,
            |ranks| tau_of_ranks(ranks.iter().copied()),
        ),
        top_rise: difference_of_means([own, reference], pairing, |side| &side.points, top),
    }
}

/// What two studies share. It is `None` unless both have the same architectures under the same indices, in the same root
/// seeds or in all root seeds.
fn pairing(own: &Side, reference: &Side) -> Option<Pairing> {
    let (own, reference) = (&own.architectures, &reference.architectures);
    let mut lists = own.values().chain(reference.values());
    let first = lists.next()?;
    let is_one_list = lists.all(|list| list == first);
    match own.keys().eq(reference.keys()) {
        true if is_one_list => Some(Pairing::Seeds(Units::Shared)),
        true => (own == reference).then_some(Pairing::Seeds(Units::Own)),
        false => is_one_list.then_some(Pairing::Units),
    }
}

/// The difference of a statistic, that of the first side minus that of the second.
fn interval_of_difference<T: Copy>(
    [first, second]: [&Side; 2],
    pairing: Option<Pairing>,
    values: fn(&Side) -> &BySeed<T>,
    statistic: impl Fn(&[T]) -> Option<f64>,
) -> Option<Interval> {
    match pairing {
        Some(pairing) => {
            let [first, second] = [first, second].map(|side| side.in_order(values(side)));
            paired_difference([&first, &second], pairing, statistic)
        }
        None => {
            let [of_first, of_second] = [first, second].map(|side| groups(values(side)));
            bootstrap_difference((&of_first, first.units), (&of_second, second.units), statistic)
        }
    }
}

/// As [`interval_of_difference`]; `None` if a root seed of either side has too few values for a mean.
fn difference_of_means<T: Copy>(
    sides: [&Side; 2],
    pairing: Option<Pairing>,
    values: fn(&Side) -> &BySeed<T>,
    statistic: impl Fn(&[T]) -> Option<f64>,
) -> Option<Interval> {
    match sides.iter().all(|side| enough(&groups(values(side)))) {
        true => interval_of_difference(sides, pairing, values, statistic),
        false => None,
    }
}

/// The ranks of scores and of true errors in each root seed.
fn ranked(points: &BySeed<Point>) -> BySeed<[u32; 2]> {
    let of_seed = |points: &BTreeMap<u32, Point>| {
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.values().copied().unzip();
        let both = ranks(&xs).into_iter().zip(ranks(&ys)).map(|(x, y)| [x, y]);
        points.keys().copied().zip(both).collect()
    };
    points.iter().map(|(&seed, points)| (seed, of_seed(points))).collect()
}

/// The values of each root seed, in order.
fn groups<T: Copy>(values: &BySeed<T>) -> Vec<Vec<T>> {
    values.values().map(|values| values.values().copied().collect()).collect()
}

fn mean_of(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| mean(values))
}

/// Mean true error of the best tenth by score.
fn top(points: &[Point]) -> Option<f64> {
    mean_of_best(points, BEST)
}

impl Contrast {
    /// Says in words whether the differences are paired.
    pub fn pairing_text(&self) -> &'static str {
        match self.pairing {
            Some(Pairing::Seeds(_)) => {
                "Both have the same root seeds and architectures. Every resample of a difference draws the same ones for both."
            }
            Some(Pairing::Units) => {
                "Both have the same architectures, but other root seeds. Every resample of a difference draws the same \
                 architectures for both."
            }
            None => {
                "Their architectures or root seeds differ, so the two are independent samples. Every resample of a \
                 difference draws from both."
            }
        }
    }
}

/// Writes one line.
impl fmt::Display for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.weights_ratio.map_or_else(|| "not counted".to_owned(), |ratio| format!("{ratio:.2}"));
        write!(
            f,
            "root seeds {}, learned / generated weights {ratio}, mean score {} (n = {}), Kendall τ {}, true error of the \
             best tenth {}",
            self.seeds,
            error_text(self.level),
            self.scored,
            interval_text(self.tau),
            error_text(self.top)
        )
    }
}

/// A few lines for a terminal.
impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "here:      {}", self.own)?;
        writeln!(f, "reference: {}", self.reference)?;
        writeln!(
            f,
            "reference - here: mean score {}, Kendall τ {}",
            points_text(self.level_drop),
            interval_text(self.tau_drop)
        )?;
        writeln!(f, "here - reference: true error of the best tenth {}", points_text(self.top_rise))?;
        f.write_str(self.pairing_text())
    }
}

#[cfg(test)]
mod tests;
