//! The published results, and numbers of them in the form in which the prose states them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use reports::artefact::Artefact;
use reports::findings::{CorrelationFindings, Findings};
use results::statistics::bootstrap::Interval;
use results::store::{Group, find_runs, groups, latest_groups};
use results::summaries::predictors::PredictorSummary;
use results::summaries::text::{interval_text, points_text};
use results::{ArchitectureRow, CorruptionRow, Status, TruthRow};

/// Folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder() -> PathBuf {
    root().join("results/baselines")
}

/// The statistics of a group of runs.
pub fn artefact(group: Group) -> Artefact {
    Artefact::load(group, &folder()).unwrap()
}

/// The published result with the subject of another one that is not the newest.
pub fn earlier(than: &Artefact) -> Artefact {
    let runs = find_runs(&folder(), Some(&than.group.manifest().artefact)).unwrap();
    let is_earlier = |group: &Group| group.subject() == than.group.subject() && group.runs != than.group.runs;
    artefact(groups(runs).into_iter().find(is_earlier).unwrap())
}

/// The published results, by names such as `fig4-laptop-shapes`.
pub struct Published(BTreeMap<String, Artefact>);

impl Published {
    pub fn load() -> Self {
        let load = |group| {
            let artefact = artefact(group);
            (artefact.name(), artefact)
        };
        let groups = latest_groups(find_runs(&folder(), None).unwrap());
        Self(groups.into_par_iter().map(load).collect())
    }

    pub fn at(&self, name: &str) -> &Artefact {
        &self.0[name]
    }

    pub fn correlation(&self, name: &str) -> &CorrelationFindings {
        correlation(self.at(name))
    }

    pub fn tau(&self, name: &str) -> String {
        interval_text(self.correlation(name).summary.score.kendall)
    }

    pub fn predictors(&self, name: &str) -> &[PredictorSummary] {
        &self.correlation(name).predictors.as_ref().unwrap().predictors
    }

    pub fn predictor(&self, name: &str, predictor: &str) -> &PredictorSummary {
        let mut all = self.predictors(name).iter();
        all.find(|summary| summary.name == predictor).unwrap()
    }
}

pub fn correlation(artefact: &Artefact) -> &CorrelationFindings {
    match &artefact.findings {
        Findings::Correlation(found) => found,
        _ => panic!("{} is no correlation study", artefact.name()),
    }
}

/// A number of things in words.
pub fn word(count: usize) -> &'static str {
    ["no", "one", "two", "three", "four", "five", "six"][count]
}

pub fn n(artefact: &Artefact) -> usize {
    artefact.findings.n().unwrap().0
}

pub fn networks(artefact: &Artefact) -> &'static str {
    word(artefact.group.runs.len())
}

/// Number of trainings of each architecture.
pub fn trainings(artefact: &Artefact) -> usize {
    let rows = artefact.group.read::<TruthRow>().unwrap();
    let seeds: BTreeSet<u32> = rows.iter().map(|row| row.training_seed).collect();
    assert_eq!(rows.len(), n(artefact) * seeds.len(), "{}", artefact.name());
    seeds.len()
}

/// An integer of the definition, such as `study.smash.epochs`.
pub fn setting(artefact: &Artefact, path: &str) -> usize {
    let mut keys = path.split('.');
    let first = &artefact.group.manifest().definition[keys.next().unwrap()];
    let value = keys.fold(first, |table, key| &table[key]);
    value.as_integer().unwrap().try_into().unwrap()
}

pub fn verdict(artefact: &Artefact) -> String {
    artefact.verdict().unwrap().1.to_string()
}

pub fn negated(interval: Option<Interval>) -> Option<Interval> {
    interval.map(|interval| Interval {
        estimate: -interval.estimate,
        low: -interval.high,
        high: -interval.low,
        ..interval
    })
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// An error, or a difference of two, in points with one decimal.
pub fn points(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
}

/// The lowest and the highest value, in percent without decimals.
pub fn range(values: impl Iterator<Item = f64>) -> [String; 2] {
    let values: Vec<f64> = values.collect();
    let ends = [
        values.iter().copied().reduce(f64::min),
        values.iter().copied().reduce(f64::max),
    ];
    ends.map(|end| format!("{:.0}", 100.0 * end.unwrap()))
}

/// Fewest and most parameters of the trained networks, in thousands.
pub fn thousands_of_parameters(artefact: &Artefact) -> [String; 2] {
    let truths = artefact.group.read::<TruthRow>().unwrap();
    let trained: BTreeSet<(u64, u32)> = truths.iter().map(|row| (row.seed, row.architecture)).collect();
    let rows = artefact.group.read::<ArchitectureRow>().unwrap();
    let rows = rows
        .iter()
        .filter(|row| trained.contains(&(row.seed, row.architecture)));
    let parameters: BTreeSet<u64> = rows.map(|row| row.parameters).collect();
    let ends = [parameters.first(), parameters.last()];
    ends.map(|end| format!("{:.0},000", *end.unwrap() as f64 / 1000.0))
}

/// The share of architectures for which chance would find the correct encoding the best.
pub fn chance_of_the_correct_encoding(artefact: &Artefact) -> String {
    let mut encodings: BTreeMap<(u64, u32), BTreeSet<String>> = BTreeMap::new();
    for row in artefact.group.read::<CorruptionRow>().unwrap() {
        if row.status == Status::Ok {
            encodings
                .entry((row.seed, row.architecture))
                .or_default()
                .insert(row.corruption);
        }
    }
    let shares: Vec<f64> = encodings.values().map(|names| 1.0 / names.len() as f64).collect();
    format!("{:.0} %", 100.0 * mean(&shares))
}

/// The statistic of an artefact's claim, in points.
pub fn claimed_points(artefact: &Artefact) -> String {
    points_text(artefact.findings.interval(artefact.claim.as_ref().unwrap()).unwrap())
}
