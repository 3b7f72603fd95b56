//! Tables 1 to 3 of the paper: systems, their sizes, and their test errors after full training.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::statistics::bootstrap::Interval;
use crate::statistics::paired::rounded_difference;
use crate::statistics::sample::{mean, standard_deviation};
use crate::statistics::student::{mean_t_difference, mean_t_interval};
use crate::summaries::join::by_seed;
use crate::summaries::text::{counted, in_order, left_out_text, percent};
use crate::tables::Status;
use crate::tables::rows::{SystemRow, SystemTrainingRow, TrialRow};

/// Measurements of every system.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonSummary {
    /// The systems: first those of the definition in its order, then any others in the order of the table.
    pub systems: Vec<SystemSummary>,
}

/// Measurements of one system.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemSummary {
    /// Its name in the tables, such as `WRN-28-10`.
    pub name: String,
    /// Its name for readers.
    pub shown: String,
    /// `hand-designed`, `SMASH` or `trained search`; `None` if it was not run.
    pub role: Option<String>,
    /// Fewest and most learned parameters; a search may find another architecture with each root seed.
    pub parameters: Option<[u64; 2]>,
    /// Fewest and most multiply-adds for one example.
    pub multiply_adds: Option<[u64; 2]>,
    /// Fewest and most convolutions on the longest path.
    pub depth: Option<[u32; 2]>,
    /// The size that it was scaled to; `None` if it has its own.
    pub equal: Option<EqualSize>,
    /// Test error of its trainings; `None` if none ended ok.
    pub error: Option<MeanOfTrainings>,
    /// Top-5 test error of its trainings, where it was measured.
    pub top5_error: Option<MeanOfTrainings>,
    /// Number of failed trainings.
    pub failed: usize,
    /// Number of trainings that were never tried.
    pub skipped: usize,
    /// Full trainings that a search needed before it returned this system; `None` if it needed none.
    pub trials: Option<Trials>,
    errors: BTreeMap<TrainingKey, f64>,
}

/// Largest relative difference of two counts that are called equal.
pub const TOLERANCE: f64 = 0.1;

/// A hand-designed network at the size of a found architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct EqualSize {
    /// Name of the hand-designed system.
    pub of: String,
    /// The count that is equal: `parameters` or `multiply-adds`.
    pub count: String,
    /// The networks with the fewest and the most parameters. Architectures of other searches may have other sizes.
    pub networks: [String; 2],
    /// Its count minus that of the found architecture, as a fraction of the latter; the one farthest from 0.
    pub difference: f64,
}

/// Root seed, fold and training seed of a training.
type TrainingKey = (u64, Option<u32>, u32);

/// Mean over trainings, of errors in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanOfTrainings {
    /// Mean over the root seeds of each root seed's mean over trainings.
    pub mean: f64,
    /// Standard deviation over all trainings: folds, training seeds and root seeds together. `None` for one training.
    pub deviation: Option<f64>,
    /// Number of trainings.
    pub n: usize,
}

/// The full trainings of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trials {
    /// Number of trainings with an error.
    pub trained: usize,
    /// Number of failed trainings.
    pub failed: usize,
    /// Lowest validation error of any root seed, in [0, 1].
    pub lowest: Option<f64>,
}

/// Summarises every system. `names` lists the systems of the definition, in its order.
pub fn summary(
    names: &[String],
    systems: &[SystemRow],
    trainings: &[SystemTrainingRow],
    trials: &[TrialRow],
) -> ComparisonSummary {
    let in_tables = systems.iter().map(|row| &row.system).chain(trainings.iter().map(|row| &row.system));
    let ordered = in_order(names.iter().chain(in_tables));
    let of_system = |name: &str| {
        let rows = || systems.iter().filter(|row| row.system == name);
        let trainings = || trainings.iter().filter(|row| row.system == name);
        let count = |status| trainings().filter(|row| row.status == status).count();
        let key = |row: &SystemTrainingRow| (row.seed, row.fold, row.training_seed);
        let errors: BTreeMap<_, _> = trainings().filter_map(|row| Some((key(row), row.error?))).collect();
        let top5: BTreeMap<_, _> = trainings().filter_map(|row| Some((key(row), row.top5_error?))).collect();
        let equal = EqualSize::of(&rows().collect::<Vec<_>>());
        SystemSummary {
            name: name.to_owned(),
            shown: equal.as_ref().map_or_else(|| name.to_owned(), EqualSize::to_string),
            role: rows().next().map(|row| row.role.clone()),
            parameters: range(rows().map(|row| row.parameters)),
            multiply_adds: range(rows().map(|row| row.multiply_adds)),
            depth: range(rows().map(|row| row.depth)),
            equal,
            error: MeanOfTrainings::of(&errors),
            top5_error: MeanOfTrainings::of(&top5),
            failed: count(Status::Failed),
            skipped: count(Status::Skipped),
            trials: Trials::of(trials.iter().filter(|row| row.system == name)),
            errors,
        }
    };
    ComparisonSummary { systems: ordered.into_iter().map(of_system).collect() }
}

fn range<T: Copy + Ord>(values: impl Iterator<Item = T> + Clone) -> Option<[T; 2]> {
    Some([values.clone().min()?, values.max()?])
}

/// The errors of each root seed, in the order of the root seeds.
fn groups(errors: &BTreeMap<TrainingKey, f64>) -> Vec<Vec<f64>> {
    by_seed(errors.iter().map(|(key, error)| (key.0, Some(*error)))).into_values().collect()
}

impl EqualSize {
    /// The size of a scaled system, given its networks. `None` if it is not scaled.
    fn of(rows: &[&SystemRow]) -> Option<Self> {
        let sized =
            rows.iter().filter_map(|row| Some((*row, row.network.as_deref()?, row.equal.as_deref()?, row.budget?)));
        let sized: Vec<(&SystemRow, &str, &str, u64)> = sized.collect();
        let &(row, _, count, _) = sized.first()?;
        let found = |row: &SystemRow| if count == "parameters" { row.parameters } else { row.multiply_adds };
        let differences = sized.iter().map(|(row, _, _, budget)| found(row) as f64 / *budget as f64 - 1.0);
        let by_size = |a: &&(&SystemRow, &str, &str, u64), b: &&(&SystemRow, &str, &str, u64)| {
            a.0.parameters.cmp(&b.0.parameters)
        };
        let ends = [sized.iter().min_by(by_size)?, sized.iter().max_by(by_size)?];
        Some(Self {
            of: row.system.strip_suffix(&format!(", equal {count}")).unwrap_or(&row.system).to_owned(),
            count: count.to_owned(),
            networks: ends.map(|(_, network, ..)| (*network).to_owned()),
            difference: differences.max_by(|a, b| a.abs().total_cmp(&b.abs()))?,
        })
    }

    /// The networks in words: one, or the smallest and the largest.
    pub fn networks_text(&self) -> String {
        let [first, last] = &self.networks;
        if first == last { first.clone() } else { format!("{first} to {last}") }
    }

    /// Whether the count is equal within [`TOLERANCE`].
    pub fn is_reached(&self) -> bool {
        self.difference.abs() <= TOLERANCE
    }

    /// The difference in words: `+3.1 %`, or `+18.0 %, not within 10 %`.
    pub fn difference_text(&self) -> String {
        let difference = format!("{:+.1} %", 100.0 * self.difference);
        match self.is_reached() {
            true => difference,
            false => format!("{difference}, not within {:.0} %", 100.0 * TOLERANCE),
        }
    }
}

/// Writes the networks and the network that they are scaled from: `WRN-10-0.75 (for WRN-28-10, equal parameters)`.
impl fmt::Display for EqualSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (for {}, equal {})", self.networks_text(), self.of, self.count)
    }
}

impl MeanOfTrainings {
    fn of(errors: &BTreeMap<TrainingKey, f64>) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        let groups = groups(errors);
        let means: Vec<f64> = groups.iter().map(|errors| mean(errors)).collect();
        Some(Self { mean: mean(&means), deviation: standard_deviation(&groups.concat()), n: errors.len() })
    }
}

impl Trials {
    fn of<'a>(rows: impl Iterator<Item = &'a TrialRow>) -> Option<Self> {
        let rows: Vec<&TrialRow> = rows.collect();
        let errors: Vec<f64> = rows.iter().filter_map(|row| row.error).collect();
        (!rows.is_empty()).then(|| Self {
            trained: errors.len(),
            failed: rows.len() - errors.len(),
            lowest: errors.iter().copied().reduce(f64::min),
        })
    }
}

impl SystemSummary {
    /// Describes the trainings that the test error leaves out; empty if there are none.
    pub fn left_out(&self) -> String {
        left_out_text(&[(self.failed, "failed"), (self.skipped, "skipped")])
    }

    /// Whether any of its trainings was recorded.
    pub fn was_run(&self) -> bool {
        self.error.is_some() || self.failed + self.skipped > 0
    }
}

impl ComparisonSummary {
    /// Finds a system by its name.
    pub fn system(&self, name: &str) -> Option<&SystemSummary> {
        self.systems.iter().find(|system| system.name == name)
    }

    /// Test error of `second` minus that of `first`, positive if `first` is better.
    ///
    /// Student's interval is over the trainings that both have with the same root seed, fold and training seed. Without
    /// such pairs, it is over the trainings of each system separately. `None` if a system is absent or has too few trainings.
    pub fn error_difference(&self, first: &str, second: &str) -> Option<Interval> {
        let (first, second) = (self.system(first)?, self.system(second)?);
        let pair = |(key, error): (&TrainingKey, &f64)| {
            let other = second.errors.get(key)?;
            Some((key.0, Some(rounded_difference(*other, *error))))
        };
        let pairs: Vec<Vec<f64>> = by_seed(first.errors.iter().filter_map(pair)).into_values().collect();
        match pairs.is_empty() {
            true => mean_t_difference(&groups(&second.errors), &groups(&first.errors)),
            false => mean_t_interval(&pairs),
        }
    }

    /// The system with the lowest mean test error.
    pub fn best(&self) -> Option<(&SystemSummary, MeanOfTrainings)> {
        let measured = self.systems.iter().filter_map(|system| Some((system, system.error?)));
        measured.min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))
    }

    /// Number of trainings that ended ok, over all systems.
    pub fn trainings(&self) -> usize {
        self.systems.iter().filter_map(|system| system.error).map(|error| error.n).sum()
    }

    /// Number of systems with a test error.
    pub fn measured(&self) -> usize {
        self.systems.iter().filter(|system| system.error.is_some()).count()
    }

    /// Number of root seeds that any system was trained with.
    pub fn seeds(&self) -> usize {
        let keys = self.systems.iter().flat_map(|system| system.errors.keys());
        keys.map(|key| key.0).collect::<BTreeSet<_>>().len()
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        let [failed, skipped] = self
            .systems
            .iter()
            .fold([0, 0], |[failed, skipped], system| [failed + system.failed, skipped + system.skipped]);
        left_out_text(&[
            counted(failed, ["training failed", "trainings failed"]),
            counted(skipped, ["training skipped", "trainings skipped"]),
        ])
    }
}

/// Writes percent with the standard deviation: `21.50 ± 0.30 % (n = 3)`.
impl fmt::Display for MeanOfTrainings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.deviation {
            Some(deviation) => write!(f, "{:.2} ± {} (n = {})", 100.0 * self.mean, percent(deviation), self.n),
            None => write!(f, "{} (n = {})", percent(self.mean), self.n),
        }
    }
}

/// Writes text such as `12 trainings, lowest validation error 21.50 %`.
impl fmt::Display for Trials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} trainings", self.trained)?;
        if self.failed > 0 {
            write!(f, " and {} failed ones", self.failed)?;
        }
        match self.lowest {
            Some(lowest) => write!(f, ", lowest validation error {}", percent(lowest)),
            None => Ok(()),
        }
    }
}

/// A table for a terminal.
impl fmt::Display for ComparisonSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.systems.iter().map(|system| system.shown.chars().count()).max();
        let width = longest.unwrap_or(0).max(26) + 2;
        write!(f, "{:width$}{:>14}  test error", "system", "parameters")?;
        for system in &self.systems {
            let parameters = match system.parameters {
                Some([least, most]) if least == most => least.to_string(),
                Some([least, most]) => format!("{least}-{most}"),
                None => String::new(),
            };
            let error = match system.error {
                Some(error) => error.to_string(),
                None if system.was_run() => "none".to_owned(),
                None => "not run".to_owned(),
            };
            write!(f, "\n{:width$}{parameters:>14}  {error}", system.shown)?;
            if let Some(equal) = &system.equal {
                write!(f, ", {} {}", equal.difference_text(), equal.count)?;
            }
            if let Some(top5) = system.top5_error {
                write!(f, ", top-5 {top5}")?;
            }
            if !system.left_out().is_empty() {
                write!(f, ", {}", system.left_out())?;
            }
            if let Some(trials) = system.trials {
                write!(f, ", found by {trials}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
