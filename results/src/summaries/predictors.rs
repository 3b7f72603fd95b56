//! Compares several predictors of the true error on the same architectures. Not in the paper.
//!
//! The comparison states how well each one ranks, and how much better or worse than the first. It also states what it
//! adds to a count of parameters, and its cost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::error::Result;
use crate::statistics::bootstrap::{Interval, Units, bootstrap_all};
use crate::statistics::ranking::resampling::intervals;
use crate::statistics::ranking::{BEST, Ranking};
use crate::statistics::sample::{Point, mean};
use crate::statistics::tau::{ranks, tau_of_ranks};
use crate::summaries::join::{Joined, by_seed, join, keep_common, units, values};
use crate::summaries::text::{in_order, interval_text};
use crate::tables::Status;
use crate::tables::rows::{ArchitectureRow, PredictionRow, TruthRow};

/// Several predictors side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictorsSummary {
    /// The predictors in the order of the table. The others are compared with the first.
    pub predictors: Vec<PredictorSummary>,
    /// Root seeds with architectures that have a true error.
    pub seeds: usize,
}

/// One predictor.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictorSummary {
    /// Its name in the table.
    pub name: String,
    /// Its name for readers.
    pub shown: String,
    /// Architectures with a true error, a value of this predictor and one of the first.
    pub n: usize,
    /// Architectures with a true error that lack one of these values.
    pub missing: usize,
    /// Kendall's tau-b against true error, the mean over the root seeds.
    pub tau: Option<Interval>,
    /// Its tau minus the first predictor's on the same architectures, with a paired interval. `None` for the first.
    pub change: Option<Interval>,
    /// Its mean value minus the first predictor's on the same architectures, with a paired interval. `None` for the first. It has a
    /// meaning only if both have the same unit.
    pub rise: Option<Interval>,
    /// Kendall's tau-b between its values and the first predictor's. `None` for the first.
    pub with_first: Option<Interval>,
    /// Kendall's partial tau given the number of parameters.
    pub partial: Option<Interval>,
    /// Its value and the true error of each architecture, by root seed.
    points: Vec<Vec<Point>>,
    /// Whether the root seeds have the same architectures.
    units: Units,
    /// Mean multiply-adds for one architecture that it rates.
    pub cost: f64,
    /// Multiply-adds spent once for all architectures of a root seed, such as on training a SMASH network.
    pub shared_cost: f64,
}

/// The known values of one architecture.
#[derive(Clone, Copy)]
struct Known {
    architecture: u32,
    value: f64,
    first: f64,
    parameters: f64,
    true_error: f64,
}

/// Kendall's partial tau of two variables given a third, computed from the three taus.
pub(crate) fn partial_tau(xy: f64, xz: f64, yz: f64) -> Option<f64> {
    let scale = ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
    (scale > 0.0).then(|| (xy - xz * yz) / scale)
}

/// Joins the tables by root seed and architecture. The true error is the mean over the trainings that ended ok.
///
/// # Errors
/// If a row of `true_errors` names an architecture that `architectures` lacks.
pub fn summary(
    architectures: &[ArchitectureRow],
    predictions: &[PredictionRow],
    true_errors: &[TruthRow],
) -> Result<PredictorsSummary> {
    let names = in_order(predictions.iter().map(|row| &row.predictor));
    let of_predictor = |name: &str| {
        let rows = predictions.iter().filter(|row| row.predictor == name);
        let values = values(rows.map(|row| ((row.seed, row.architecture), row.value)));
        join(architectures, &values, true_errors)
    };
    // Each predictor has the same architectures in the same order.
    let joined: Vec<Vec<Joined>> = names.iter().map(|name| of_predictor(name)).collect::<Result<_>>()?;
    let first = joined.first().map_or(&[][..], Vec::as_slice);
    let trained = || first.iter().filter(|joined| joined.true_error().is_some());
    let seeds: BTreeSet<u64> = trained().map(|joined| joined.row.seed).collect();
    let units = units(architectures);
    let n_trained = units.count(by_seed(trained().map(|joined| (joined.row.seed, Some(())))).values().map(Vec::len));
    let known = |own: &Vec<Joined>| {
        let known = own.iter().zip(first).filter_map(|(own, first)| {
            let known = Known {
                architecture: own.row.architecture,
                value: own.value()?,
                first: first.value()?,
                parameters: own.row.parameters as f64,
                true_error: own.true_error()?,
            };
            Some((own.row.seed, Some(known)))
        });
        let mut groups = by_seed(known);
        keep_common(&mut groups, units, |known| known.architecture);
        groups
    };
    let known: Vec<BTreeMap<u64, Vec<Known>>> = joined.iter().map(known).collect();
    let of_predictors = intervals_of_all(&known, units);
    let summaries = names.iter().zip(known).zip(of_predictors).map(|((&name, groups), of_predictor)| {
        let rows: Vec<&PredictionRow> = predictions.iter().filter(|row| row.predictor == name).collect();
        let mut rated: Vec<&PredictionRow> = rows.clone();
        rated.retain(|row| row.status != Status::Skipped);
        // A predictor that rated no architecture spent nothing on any.
        let rows = if rated.is_empty() { rows } else { rated };
        let mean_cost = |cost: fn(&PredictionRow) -> f64| mean(&rows.iter().map(|row| cost(row)).collect::<Vec<_>>());
        let n = units.count(groups.values().map(Vec::len));
        let [tau, partial, change, rise, with_first] = of_predictor;
        let points = |group: &Vec<Known>| group.iter().map(|known| (known.value, known.true_error)).collect();
        PredictorSummary {
            name: name.to_owned(),
            shown: name.to_owned(),
            n,
            missing: n_trained - n,
            tau,
            change,
            rise,
            with_first,
            partial,
            points: groups.values().map(points).collect(),
            units,
            cost: mean_cost(|row| row.cost),
            shared_cost: mean_cost(|row| row.shared_cost),
        }
    });
    Ok(PredictorsSummary { predictors: summaries.collect(), seeds: seeds.len() })
}

/// The intervals of each predictor, the first of the study first; see [`statistics_of`]. Predictors with the same architectures
/// share the resamples, and the taus of the first predictor and of the number of parameters.
fn intervals_of_all(known: &[BTreeMap<u64, Vec<Known>>], units: Units) -> Vec<[Option<Interval>; STATISTICS]> {
    let mut alike: BTreeMap<Vec<(u64, Vec<u32>)>, Vec<usize>> = BTreeMap::new();
    for (predictor, groups) in known.iter().enumerate() {
        let of_group =
            |(&seed, group): (&u64, &Vec<Known>)| (seed, group.iter().map(|known| known.architecture).collect());
        alike.entry(groups.iter().map(of_group).collect()).or_default().push(predictor);
    }
    let mut found = vec![[None; STATISTICS]; known.len()];
    for predictors in alike.into_values() {
        let first = &known[predictors[0]];
        let own = |seed: &u64| -> Vec<Vec<Own>> {
            let of_predictors: Vec<Vec<Own>> =
                predictors.iter().map(|&predictor| Own::of(&known[predictor][seed])).collect();
            (0..first[seed].len()).map(|index| of_predictors.iter().map(|own| own[index]).collect()).collect()
        };
        let own: Vec<Vec<Vec<Own>>> = first.keys().map(own).collect();
        let groups: Vec<Vec<Ranked>> = first.values().zip(&own).map(|(known, own)| Ranked::of(known, own)).collect();
        let number = predictors.len() * STATISTICS;
        // The first predictor of the study is compared with no other.
        let compared: Vec<bool> = predictors.iter().map(|&predictor| predictor != 0).collect();
        let intervals = bootstrap_all(&groups, units, number, |ranked| statistics_of(ranked, &compared));
        for (&predictor, intervals) in predictors.iter().zip(intervals.chunks(STATISTICS)) {
            found[predictor].copy_from_slice(intervals);
        }
    }
    found
}

/// Number of statistics of each predictor.
const STATISTICS: usize = 5;

/// The statistics of each predictor: tau, partial tau and, if it is compared with the first, the change of tau, the rise of the
/// mean value, and tau with the first predictor.
fn statistics_of(ranked: &[Ranked], compared: &[bool]) -> Vec<Option<f64>> {
    let tau = |ranks: &dyn Fn(&Ranked) -> [u32; 2]| tau_of_ranks(ranked.iter().map(ranks));
    let of_first = tau(&|unit| [unit.first, unit.true_error]);
    let true_by_size = tau(&|unit| [unit.true_error, unit.parameters]);
    let of_predictor = |(predictor, &is_compared): (usize, &bool)| -> [Option<f64>; STATISTICS] {
        let own = match is_compared {
            true => tau(&|unit| [unit.own[predictor].value, unit.true_error]),
            false => of_first,
        };
        let own_by_size = tau(&|unit| [unit.own[predictor].value, unit.parameters]);
        let partial = own.zip(own_by_size.zip(true_by_size)).and_then(|(xy, (xz, yz))| partial_tau(xy, xz, yz));
        if !is_compared {
            return [own, partial, None, None, None];
        }
        let rises: Vec<f64> = ranked.iter().map(|unit| unit.own[predictor].rise).collect();
        [
            own,
            partial,
            own.zip(of_first).map(|(own, first)| own - first),
            (!rises.is_empty()).then(|| mean(&rises)),
            tau(&|unit| [unit.own[predictor].value, unit.first]),
        ]
    };
    compared.iter().enumerate().flat_map(of_predictor).collect()
}

/// An architecture with the ranks of its values in its root seed.
#[derive(Clone, Copy, PartialEq)]
struct Ranked<'a> {
    first: u32,
    parameters: u32,
    true_error: u32,
    /// Those of each predictor.
    own: &'a [Own],
}

/// A predictor's value of an architecture.
#[derive(Clone, Copy, PartialEq)]
struct Own {
    /// Its rank in its root seed.
    value: u32,
    /// It minus the value of the first predictor.
    rise: f64,
}

/// The ranks of a value of each architecture.
fn ranks_of(known: &[Known], value: fn(&Known) -> f64) -> Vec<u32> {
    ranks(&known.iter().map(value).collect::<Vec<_>>())
}

impl Own {
    fn of(known: &[Known]) -> Vec<Self> {
        let values = ranks_of(known, |known| known.value);
        let own = |(known, value): (&Known, u32)| Self { value, rise: known.value - known.first };
        known.iter().zip(values).map(own).collect()
    }
}

impl<'a> Ranked<'a> {
    fn of(known: &[Known], own: &'a [Vec<Own>]) -> Vec<Self> {
        let firsts = ranks_of(known, |known| known.first);
        let parameters = ranks_of(known, |known| known.parameters);
        let true_errors = ranks_of(known, |known| known.true_error);
        let ranked = |(index, own): (usize, &'a Vec<Own>)| Self {
            first: firsts[index],
            parameters: parameters[index],
            true_error: true_errors[index],
            own,
        };
        own.iter().enumerate().map(ranked).collect()
    }
}

impl PredictorSummary {
    /// Share of the truly best [`BEST`] of the architectures that are also among its own best [`BEST`]. Chance gives [`BEST`].
    /// Its interval is centred. It is computed by each call, because few tables show it.
    pub fn precision(&self) -> Option<Interval> {
        intervals(&self.points, self.units, &[Ranking::Precision(BEST)])[0]
    }
}

impl PredictorsSummary {
    /// The largest number of architectures that a predictor is measured on.
    pub fn n(&self) -> usize {
        self.predictors.iter().map(|predictor| predictor.n).max().unwrap_or(0)
    }

    /// Kendall's tau of the first of two predictors minus that of the second; one of them is the first of the study. `None` if the
    /// data leave it undefined.
    ///
    /// # Errors
    /// A name that is no predictor, or two names of which neither is the study's first predictor, in words.
    pub fn tau_difference(&self, names: &[String; 2]) -> std::result::Result<Option<Interval>, String> {
        self.difference(names, |predictor| predictor.change)
    }

    /// The mean value of the second of two predictors minus that of the first, otherwise as [`Self::tau_difference`].
    ///
    /// # Errors
    /// As [`Self::tau_difference`].
    pub fn score_difference(&self, names: &[String; 2]) -> std::result::Result<Option<Interval>, String> {
        let difference = self.difference(names, |predictor| predictor.rise)?;
        Ok(difference.map(Interval::negated))
    }

    /// A statistic of the first of two predictors minus that of the second. `change` gives it for a predictor and the study's first.
    fn difference(
        &self,
        [one, other]: &[String; 2],
        change: fn(&PredictorSummary) -> Option<Interval>,
    ) -> std::result::Result<Option<Interval>, String> {
        let find = |name: &String| {
            let found = self.predictors.iter().find(|predictor| predictor.name == *name);
            found.ok_or_else(|| format!("`{name}` is no predictor"))
        };
        let (of_one, of_other) = (find(one)?, find(other)?);
        let first = &self.predictors[0].name;
        if other == first {
            Ok(change(of_one))
        } else if one == first {
            Ok(change(of_other).map(Interval::negated))
        } else {
            Err(format!("neither is `{first}`, the first predictor of the study"))
        }
    }
}

/// A line for each predictor, for a terminal.
impl fmt::Display for PredictorsSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.predictors.iter().map(|predictor| predictor.shown.chars().count()).max();
        let width = longest.map_or(0, |longest| longest + 2);
        writeln!(
            f,
            "{:width$}{:>5}  {:24}{:24}{:24}{:24}{:>10}",
            "predictor", "n", "Kendall τ", "change", "with the first", "given parameters", "cost"
        )?;
        for predictor in &self.predictors {
            let text = |interval: Option<Interval>| interval.map_or(String::new(), |_| interval_text(interval));
            writeln!(
                f,
                "{:width$}{:>5}  {:24}{:24}{:24}{:24}{:>10.2e}",
                predictor.shown,
                predictor.n,
                interval_text(predictor.tau),
                text(predictor.change),
                text(predictor.with_first),
                interval_text(predictor.partial),
                predictor.cost,
            )?;
        }
        write!(
            f,
            "[ ]: 95 % percentile bootstrap over {} root seeds and their architectures; cost in multiply-adds for an architecture",
            self.seeds
        )
    }
}

#[cfg(test)]
mod tests;
