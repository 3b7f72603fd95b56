//! The question of the paper's section 4.2: does an architecture score best with weights from its own encoding?
//!
//! The alternatives are weights that are generated from a corrupted encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::statistics::bootstrap::{Interval, Units, mean_interval};
use crate::statistics::paired::{Signs, rounded, rounded_difference, wilcoxon, wilson};
use crate::statistics::sample::mean;
use crate::summaries::join::complete_mean;
use crate::summaries::text::{disagreement, left_out_text, p_text, points_text, share_text};
use crate::tables::Status;
use crate::tables::rows::CorruptionRow;

/// Name of the correct encoding among the corruptions.
pub const CORRECT: &str = "none";

/// The cost of corrupted encodings.
#[derive(Clone, Debug, PartialEq)]
pub struct CorruptionSummary {
    /// Each corruption separately, in alphabetical order.
    pub corruptions: Vec<Corrupted>,
    /// The mean over the corruptions of each architecture.
    pub together: Corrupted,
    /// The share of architectures for which the correct encoding has the lowest error of all. If k corrupted ones have
    /// the same error, the architecture counts 1 / (k + 1).
    pub correct_is_best: Option<Interval>,
    /// Architectures left out because a draw with their correct encoding did not end ok.
    pub without_correct: usize,
}

/// One corruption, paired with the correct encoding by architecture and noise draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrupted {
    /// Name of the corruption, such as `dilations`.
    pub name: String,
    /// Increase of the error of each architecture, by root seed. It is the error with the corrupted encoding minus that
    /// with the correct one, each the mean over the noise draws.
    pub increases: Vec<Vec<f64>>,
    /// The mean increase over the architectures and the root seeds.
    pub increase: Option<Interval>,
    /// Number of architectures for which the correct encoding has the lower error (positive), or the same.
    pub signs: Signs,
    /// Two-sided p-value of Wilcoxon's signed-rank test of the increases.
    pub wilcoxon: Option<f64>,
    /// Architectures to which this corruption cannot be applied.
    pub skipped: usize,
    /// Architectures with a draw that is missing or did not end ok.
    pub incomplete: usize,
}

/// The evaluations of one architecture with one encoding, by noise draw.
type Draws = BTreeMap<u32, (Status, Option<f64>)>;

/// Pairs every corrupted encoding with the correct one and summarises its cost.
pub fn summary(rows: &[CorruptionRow]) -> CorruptionSummary {
    // By root seed, architecture and corruption.
    let mut cells: BTreeMap<u64, BTreeMap<u32, BTreeMap<&str, Draws>>> = BTreeMap::new();
    for row in rows {
        let encodings = cells.entry(row.seed).or_default().entry(row.architecture).or_default();
        let draws = encodings.entry(&row.corruption).or_default();
        draws.insert(row.draw, (row.status, row.error));
    }
    let names: BTreeSet<&str> = rows.iter().map(|row| &row.corruption[..]).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| *name != CORRECT).collect();
    let mut corruptions: Vec<Parts> = names.iter().map(|_| Parts::default()).collect();
    let mut together = Parts::default();
    let (mut without_correct, mut best, mut compared) = (0, 0.0, 0);
    for architectures in cells.values() {
        let open = |parts: &mut Parts| parts.increases.push(Vec::new());
        corruptions.iter_mut().chain([&mut together]).for_each(open);
        for encodings in architectures.values() {
            let correct = encodings.get(CORRECT);
            let Some((correct, error)) = correct.and_then(|draws| Some((draws, mean_error(draws)?))) else {
                without_correct += 1;
                continue;
            };
            let mut increases = Vec::new();
            for (name, parts) in names.iter().zip(&mut corruptions) {
                increases.extend(parts.add(encodings.get(name), correct, error));
            }
            if increases.is_empty() {
                together.incomplete += 1;
                continue;
            }
            together.increase(rounded(mean(&increases)));
            compared += 1;
            if increases.iter().all(|increase| *increase >= 0.0) {
                let tied = increases.iter().filter(|increase| **increase == 0.0).count();
                best += 1.0 / (tied + 1) as f64;
            }
        }
    }
    let named = names.iter().zip(corruptions);
    CorruptionSummary {
        corruptions: named.map(|(name, parts)| parts.sum_up(name)).collect(),
        together: together.sum_up("all corruptions, mean"),
        correct_is_best: wilson(best, compared),
        without_correct,
    }
}

/// The mean error over the draws; `None` if a draw did not end ok.
fn mean_error(draws: &Draws) -> Option<f64> {
    complete_mean(draws.values().map(|(_, error)| *error))
}

/// The data gathered about one corruption.
#[derive(Default)]
struct Parts {
    increases: Vec<Vec<f64>>,
    skipped: usize,
    incomplete: usize,
}

impl Parts {
    /// Adds the increase of the error of one architecture, if both encodings were measured with the same noise.
    fn add(&mut self, corrupted: Option<&Draws>, correct: &Draws, error: f64) -> Option<f64> {
        let is_skipped = |draws: &Draws| draws.values().any(|(status, _)| *status == Status::Skipped);
        if corrupted.is_some_and(is_skipped) {
            self.skipped += 1;
            return None;
        }
        let with_same_noise = corrupted.filter(|draws| draws.keys().eq(correct.keys()));
        let Some(corrupted) = with_same_noise.and_then(mean_error) else {
            self.incomplete += 1;
            return None;
        };
        let increase = rounded_difference(corrupted, error);
        self.increase(increase);
        Some(increase)
    }

    fn increase(&mut self, increase: f64) {
        let seed = self.increases.last_mut().expect("a root seed was opened");
        seed.push(increase);
    }

    fn sum_up(mut self, name: &str) -> Corrupted {
        self.increases.retain(|seed| !seed.is_empty());
        let all = self.increases.concat();
        Corrupted {
            name: name.to_owned(),
            increase: mean_interval(&self.increases, Units::Own),
            signs: Signs::of(all.iter().copied()),
            wilcoxon: wilcoxon(&all),
            increases: self.increases,
            skipped: self.skipped,
            incomplete: self.incomplete,
        }
    }
}

impl Corrupted {
    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        left_out_text(&[(self.skipped, "cannot be corrupted like this"), (self.incomplete, "incomplete")])
    }

    /// Explains a test that disagrees with the interval of the mean increase; `None` if they agree.
    pub fn disagreement(&self) -> Option<String> {
        let reason = "Wilcoxon's test ranks the increases, and the interval is of their mean";
        Some(format!("{}: {}", self.name, disagreement(self.increase, self.wilcoxon, reason)?))
    }
}

impl CorruptionSummary {
    /// Number of architectures with at least one corrupted encoding beside the correct one.
    pub fn n(&self) -> usize {
        self.together.signs.n()
    }

    /// Describes what was left out of all comparisons; empty if nothing was.
    pub fn left_out(&self) -> String {
        left_out_text(&[
            (self.without_correct, "without an error by the correct encoding"),
            (self.together.incomplete, "without any corrupted encoding"),
        ])
    }

    /// Each corruption, then all together.
    pub fn lines(&self) -> impl Iterator<Item = &Corrupted> {
        self.corruptions.iter().chain([&self.together])
    }
}

/// A table for a terminal.
impl fmt::Display for CorruptionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "correct encoding best of all in {} of n = {} architectures",
            share_text(self.correct_is_best),
            self.n()
        )?;
        if !self.left_out().is_empty() {
            writeln!(f, "left out: {}", self.left_out())?;
        }
        write!(f, "{:24}{:>5}  {:20}{:34}Wilcoxon", "corrupted", "n", "correct is better", "increase of error")?;
        for line in self.lines() {
            let (better, increase) = (share_text(line.signs.share()), points_text(line.increase));
            let left_out = match line.left_out() {
                words if words.is_empty() => words,
                words => format!(" (left out: {words})"),
            };
            let p = p_text(line.wilcoxon);
            write!(f, "\n{:24}{:>5}  {better:20}{increase:34}{p}{left_out}", line.name, line.signs.n())?;
        }
        self.lines().filter_map(Corrupted::disagreement).try_for_each(|note| write!(f, "\n{note}"))
    }
}

#[cfg(test)]
mod tests;
