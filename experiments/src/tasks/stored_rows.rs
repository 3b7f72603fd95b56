//! Checks of stored trainings, in a benchmark or a pool: a run can have made each, and it states the right hashes and counts.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use results::store::benchmark::{Benchmark, Settings, TrainingRow, lists_its_tables};
use results::tables::{fraction_problem, loss_problem};
use results::{EpochRow, PooledTruthRow, Status, errln};
use serde::Deserialize;
use smash::{Architecture, Counts, ResultingTraining, SearchSpace, Task};

use crate::tasks::learning_curve::parse_curve;

/// The architecture of a row, which must be one of the space and have these hashes. Pools of older programs lack the plain one.
///
/// # Errors
/// The first column that is wrong, and the expectation.
fn architecture_of(
    json: &str,
    canonical: &str,
    hash: Option<&str>,
    space: &SearchSpace,
) -> Result<Architecture, String> {
    let architecture = Architecture::from_json(json).map_err(|error| format!("`json`: {error}"))?;
    architecture.validate(space).map_err(|error| format!("`json`, in the search space: {error}"))?;
    let hashes =
        [("canonical", Some(canonical), architecture.canonical_hash(space)), ("hash", hash, architecture.hash())];
    for (name, stored, expected) in hashes {
        if let Some(stored) = stored.filter(|stored| *stored != expected) {
            return Err(format!("`{name}` is {stored}, expected {expected}, the hash of `json`"));
        }
    }
    Ok(architecture)
}

/// A benchmark whose architectures have been read and checked.
#[derive(Debug)]
pub struct CheckedBenchmark {
    benchmark: Benchmark,
    folder: PathBuf,
    /// Its search space.
    pub space: SearchSpace,
    /// Its architectures, by number.
    pub architectures: BTreeMap<u32, Architecture>,
}

impl Deref for CheckedBenchmark {
    type Target = Benchmark;

    fn deref(&self) -> &Benchmark {
        &self.benchmark
    }
}

/// Reads a benchmark and checks the architecture of each row; `None` if the folder has none.
///
/// # Errors
/// As [`Benchmark::read`], settings without a search space, or a row with a wrong column.
pub fn read_benchmark(folder: &Path) -> Result<Option<CheckedBenchmark>> {
    let Some(benchmark) = Benchmark::read(folder)? else { return Ok(None) };
    let space = space_of(&benchmark.settings).with_context(|| folder.join("benchmark.toml").display().to_string())?;
    let architectures = checked_rows(folder, &benchmark, |row| of_row(&space, row))?;
    Ok(Some(CheckedBenchmark { benchmark, folder: folder.into(), space, architectures }))
}

impl CheckedBenchmark {
    /// Checks the counts of each row, for networks of a task.
    ///
    /// # Errors
    /// The first row with a wrong column.
    pub fn check_counts(&self, task: Task) -> Result<()> {
        checked_rows(&self.folder, &self.benchmark, |row| {
            let architecture = &self.architectures[&row.architecture];
            let Counts { parameters, multiply_adds, depth } = Counts::of(&self.space, task, architecture);
            let columns = [
                ("parameters", row.parameters, parameters),
                ("multiply_adds", row.multiply_adds, multiply_adds),
                ("depth", row.depth.into(), depth.into()),
                ("ops", row.ops.into(), architecture.op_count() as u64),
            ];
            match columns.into_iter().find(|(_, found, expected)| found != expected) {
                Some((name, found, expected)) => {
                    Err(format!("`{name}` is {found}, expected {expected}, as `json` counts"))
                }
                None => Ok(()),
            }
        })?;
        Ok(())
    }
}

/// What is wrong with the architecture of a training that is to be added to a benchmark.
pub fn problem(settings: &Settings, row: &TrainingRow) -> Option<String> {
    match space_of(settings) {
        Ok(space) => of_row(&space, row).err(),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// What is wrong with the `expected` epochs of a pooled SMASH network, of a run with this root seed.
pub fn epochs_problem(rows: &[EpochRow], seed: u64, expected: usize) -> Option<String> {
    let found = rows.len();
    if found != expected {
        return Some(format!("{found} epochs, expected {expected}"));
    }
    let row_problem = |(index, row): (usize, &EpochRow)| {
        let is_fraction = |error: f64| (0.0..=1.0).contains(&error);
        let columns = [
            ("seed", row.seed == seed),
            ("epoch", row.epoch as usize == index),
            ("learning_rate", row.learning_rate.is_finite()),
            ("train_loss", row.train_loss.is_finite()),
            ("train_error", is_fraction(row.train_error)),
            ("validation_error", row.validation_error.is_none_or(is_fraction)),
        ];
        let (name, _) = columns.into_iter().find(|(_, is_possible)| !is_possible)?;
        Some(format!("row {index}: `{name}` is not that of a training"))
    };
    rows.iter().enumerate().find_map(row_problem)
}

/// The parts of a stored context that a training must agree with.
#[derive(Deserialize)]
struct StoredContext {
    data: StoredData,
    space: SearchSpace,
    recipe: ResultingTraining,
}

/// See [`PooledData`](crate::tasks::pool::PooledData).
#[derive(Deserialize)]
struct StoredData {
    split: u64,
}

/// Checks that a run can have made a pooled training.
///
/// # Errors
/// The first part of the row that is wrong, and what was expected.
pub fn pooled_problem(row: &PooledTruthRow) -> Result<(), String> {
    let context: StoredContext = serde_json::from_str(&row.context)
        .map_err(|error| format!("`context` does not describe a training: {error}"))?;
    context.space.validate().map_err(|error| format!("`context`: {error}"))?;
    architecture_of(&row.json, &row.canonical, row.hash.as_deref(), &context.space)?;
    if context.data.split != row.seed {
        return Err(format!("`seed` is {}, expected {}, as in `context`", row.seed, context.data.split));
    }
    let errors = [("validation_error", row.validation_error), ("train_error", row.train_error)];
    let problem = errors.into_iter().find_map(|(name, error)| fraction_problem(name, error?));
    if let Some(problem) = problem.or_else(|| loss_problem("train_loss", row.train_loss?)) {
        return Err(problem);
    }
    let (epochs, all) = (row.epochs as usize, context.recipe.epochs);
    let is_possible = if row.status == Status::Ok { epochs == all } else { epochs <= all };
    if !is_possible {
        return Err(format!("`epochs` is {epochs}, but a training has {all}"));
    }
    if let Some(curve) = &row.train_curve {
        let curve = parse_curve(curve).map_err(|error| format!("`train_curve`: {error}"))?;
        if curve.len() != epochs {
            return Err(format!("`train_curve` has {} epochs, expected {epochs}, as in `epochs`", curve.len()));
        }
    }
    Ok(())
}

/// Warns if the benchmark in a folder lists no digests of its tables.
///
/// # Errors
/// If its settings cannot be read.
pub fn warn_if_unlisted(folder: &Path) -> Result<()> {
    if !lists_its_tables(folder)? {
        errln!(
            "warning: {}: benchmark.toml lists no digests of its tables, so changed rows may be taken for stored ones; `cargo \
             xtask benchmark add` lists them",
            folder.display()
        );
    }
    Ok(())
}

fn space_of(settings: &Settings) -> Result<SearchSpace> {
    let space = settings.study.get("space").context("`study.space` is missing")?;
    let space: SearchSpace = space.clone().try_into().context("`study.space`")?;
    space.validate().context("`study.space`")?;
    Ok(space)
}

fn of_row(space: &SearchSpace, row: &TrainingRow) -> Result<Architecture, String> {
    architecture_of(&row.json, &row.canonical, Some(&row.hash), space)
}

/// Applies a check to the first row of each architecture: [`Benchmark::read`] has compared the others with it. Returns the
/// answers by number of the architecture.
fn checked_rows<T: Send>(
    folder: &Path,
    benchmark: &Benchmark,
    check: impl Fn(&TrainingRow) -> Result<T, String> + Sync,
) -> Result<BTreeMap<u32, T>> {
    let rows = &benchmark.trainings;
    let is_first = |index: usize| index == 0 || rows[index - 1].architecture != rows[index].architecture;
    let first: Vec<usize> = (0..rows.len()).filter(|&index| is_first(index)).collect();
    // Hashes of hundreds of architectures take a second of one core.
    let answers: Vec<Result<T, String>> = first.par_iter().map(|&index| check(&rows[index])).collect();
    let answer = |(&index, answer): (&usize, Result<T, String>)| match answer {
        Ok(answer) => Ok((rows[index].architecture, answer)),
        Err(problem) => bail!("{}: row {index}: {problem}", folder.join("trainings.parquet").display()),
    };
    first.iter().zip(answers).map(answer).collect()
}
