//! `reports deviations`: how far the numbers of one device lie from those of another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use results::outln;
use results::store::{StoredRun, find_runs_below};
use results::tables::columns::{AnyColumn, read_all_columns};

/// Columns that hold what a run took, and no result.
const COSTS: [&str; 4] = ["seconds", "memory", "throughput", "per_second"];

/// The folders to compare, and the largest deviation that is allowed.
#[derive(Args)]
pub struct Deviations {
    /// Folder of runs of one device.
    first: PathBuf,
    /// Folder of runs of the same artefacts on another device.
    second: PathBuf,
    /// Fail if a number deviates by more than this.
    #[arg(long, value_name = "NUMBER")]
    at_most: Option<f64>,
}

/// The largest deviation of an artefact. That of a number above 1 is relative to the number.
#[derive(Debug, Default, PartialEq)]
struct Largest {
    /// Numbers that were compared.
    numbers: usize,
    deviation: f64,
    /// Table and column of that deviation.
    place: String,
    /// Columns of text that differ, columns of one side alone, and tables with other numbers of rows.
    different: Vec<String>,
}

impl Largest {
    /// Takes a pair of equal columns of one table into account.
    fn add(&mut self, table: &str, [first, second]: [&AnyColumn; 2]) {
        let place = format!("{table}.{}", first.name);
        let (Some(left), Some(right)) = (&first.numbers, &second.numbers) else {
            if first.texts != second.texts {
                self.different.push(place);
            }
            return;
        };
        for (left, right) in left.iter().zip(right) {
            let deviation = match (left, right) {
                (Some(left), Some(right)) if left == right || (left.is_nan() && right.is_nan()) => 0.0,
                (Some(left), Some(right)) => (left - right).abs() / left.abs().max(right.abs()).max(1.0),
                (None, None) => 0.0,
                _ => f64::INFINITY,
            };
            self.numbers += 1;
            // A NaN on one side is a deviation, too.
            let deviation = if deviation.is_nan() { f64::INFINITY } else { deviation };
            if deviation > self.deviation {
                self.deviation = deviation;
                self.place.clone_from(&place);
            }
        }
    }
}

/// Prints the largest deviation of every artefact that both folders have. That of a number above 1 is relative to the number.
///
/// # Errors
/// Folders without a common artefact, a run with other tables, or a deviation that is too large.
pub fn run(options: &Deviations) -> Result<()> {
    let [first, second] = [&options.first, &options.second].map(|folder| runs_of(folder));
    let (first, second) = (first?, second?);
    let mut beyond = Vec::new();
    let mut compared = 0;
    for ((artefact, seed), left) in &first {
        let Some(right) = second.get(&(artefact.clone(), *seed)) else { continue };
        compared += 1;
        let largest = compare([left, right])?;
        let Largest { numbers, deviation, place, different } = &largest;
        outln!("{artefact:<20} seed {seed}  {numbers:>7} numbers  largest deviation {deviation:.1e}  {place}");
        for place in different {
            outln!("{:<20} seed {seed}  {place}: different", artefact);
        }
        let is_within = options.at_most.is_none_or(|most| *deviation <= most && different.is_empty());
        if !is_within {
            beyond.push(format!("{artefact} seed {seed}"));
        }
    }
    ensure!(compared > 0, "{} and {}: no artefact is in both", options.first.display(), options.second.display());
    ensure!(
        beyond.is_empty(),
        "{} and {}: beyond the largest deviation that is allowed: {}",
        options.first.display(),
        options.second.display(),
        beyond.join(", ")
    );
    Ok(())
}

/// The runs of a folder by artefact and seed.
fn runs_of(folder: &Path) -> Result<BTreeMap<(String, u64), StoredRun>> {
    let mut runs = BTreeMap::new();
    for run in find_runs_below(folder)?.all()? {
        let (artefact, seed) = (run.manifest.artefact.clone(), run.manifest.seed);
        let place = run.dir.path().display().to_string();
        if let Some(other) = runs.insert((artefact.clone(), seed), run) {
            let other = other.dir.path().display();
            bail!("{}: expected one run of {artefact} with seed {seed}, found {other} and {place}", folder.display());
        }
    }
    Ok(runs)
}

fn compare(runs: [&StoredRun; 2]) -> Result<Largest> {
    let [left, right] = runs.map(|run| &run.manifest.tables);
    let mut largest = Largest::default();
    for (of_run, of_other, run) in [(right, left, runs[1]), (left, right, runs[0])] {
        if let Some(name) = of_other.keys().find(|name| !of_run.contains_key(*name)) {
            bail!("{}: has no table {name}, which the other run has", run.dir.path().display());
        }
    }
    for name in left.keys() {
        let columns = runs.map(|run| {
            let path = run.dir.path().join(format!("{name}.parquet"));
            read_all_columns(&path).with_context(|| format!("{}: cannot be compared", path.display()))
        });
        let [first, second] = columns;
        let (first, second) = (first?, second?);
        let is_result = |column: &&AnyColumn| !COSTS.iter().any(|cost| column.name.contains(cost));
        let lacks = |column: &&AnyColumn| !first.iter().any(|own| own.name == column.name);
        let added = second.iter().filter(is_result).filter(lacks);
        largest.different.extend(added.map(|column| format!("{name}.{}", column.name)));
        for column in first.iter().filter(is_result) {
            match second.iter().find(|other| other.name == column.name) {
                Some(other) if length(other) == length(column) => largest.add(name, [column, other]),
                _ => largest.different.push(format!("{name}.{}", column.name)),
            }
        }
    }
    Ok(largest)
}

fn length(column: &AnyColumn) -> usize {
    let texts = column.texts.as_ref().map_or(0, Vec::len);
    column.numbers.as_ref().map_or(texts, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(cells: &[Option<f64>]) -> AnyColumn {
        AnyColumn { name: "loss".into(), texts: None, numbers: Some(cells.to_vec()) }
    }

    #[test]
    fn the_largest_deviation_is_found_and_a_missing_number_is_no_zero() {
        let mut largest = Largest::default();
        largest.add("t", [&numbers(&[Some(0.25), None]), &numbers(&[Some(0.75), None])]);
        assert_eq!((largest.deviation, largest.numbers), (0.5, 2));
        largest.add("t", [&numbers(&[Some(100.0)]), &numbers(&[Some(101.0)])]);
        largest.add("t", [&numbers(&[Some(f64::NAN)]), &numbers(&[Some(f64::NAN)])]);
        assert_eq!(largest.deviation, 0.5);
        largest.add("u", [&numbers(&[Some(f64::NAN)]), &numbers(&[Some(1.0)])]);
        assert_eq!((largest.deviation, largest.place.as_str()), (f64::INFINITY, "u.loss"));
        let mut missing = Largest::default();
        missing.add("t", [&numbers(&[None]), &numbers(&[Some(0.0)])]);
        assert_eq!(missing.deviation, f64::INFINITY);
    }

    #[test]
    fn other_text_is_different() {
        let text = |word: &str| AnyColumn { name: "hash".into(), texts: Some(vec![Some(word.into())]), numbers: None };
        let mut largest = Largest::default();
        largest.add("t", [&text("a"), &text("a")]);
        assert_eq!(largest, Largest::default());
        largest.add("t", [&text("a"), &text("b")]);
        assert_eq!(largest.different, ["t.hash"]);
    }
}
