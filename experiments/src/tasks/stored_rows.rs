//! Checks of stored trainings: each has an architecture of its search space, under the hashes and counts that it states.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use results::errln;
use results::store::benchmark::{Benchmark, Settings, TrainingRow, lists_its_tables};
use smash::{Architecture, Counts, SearchSpace, Task};

/// The architecture of a row, which must be one of the space and have this canonical hash.
///
/// # Errors
/// The first column that is wrong, and the expectation.
pub fn architecture_of(json: &str, canonical: &str, space: &SearchSpace) -> Result<Architecture, String> {
    let architecture = Architecture::from_json(json).map_err(|error| format!("`json`: {error}"))?;
    architecture.validate(space).map_err(|error| format!("`json`, in the search space: {error}"))?;
    let expected = architecture.canonical_hash(space);
    match canonical == expected {
        true => Ok(architecture),
        false => Err(format!("`canonical` is {canonical}, expected {expected}, the hash of `json`")),
    }
}

/// Reads a benchmark and checks the architecture of each row; `None` if the folder has none.
///
/// # Errors
/// As [`Benchmark::read`], settings without a search space, or a row with a wrong column.
pub fn read_benchmark(folder: &Path) -> Result<Option<Benchmark>> {
    let Some(benchmark) = Benchmark::read(folder)? else { return Ok(None) };
    let space = space_of(&benchmark.settings).with_context(|| folder.join("benchmark.toml").display().to_string())?;
    check_rows(folder, &benchmark, |row| row_problem(&space, row))?;
    Ok(Some(benchmark))
}

/// Checks the counts of each row of a benchmark, for networks of a task.
///
/// # Errors
/// The first row with a wrong column.
pub fn check_counts(folder: &Path, benchmark: &Benchmark, space: &SearchSpace, task: Task) -> Result<()> {
    check_rows(folder, benchmark, |row| {
        let architecture = match Architecture::from_json(&row.json) {
            Ok(architecture) => architecture,
            Err(error) => return Some(format!("`json`: {error}")),
        };
        let Counts { parameters, multiply_adds, depth } = Counts::of(space, task, &architecture);
        let columns = [
            ("parameters", row.parameters, parameters),
            ("multiply_adds", row.multiply_adds, multiply_adds),
            ("depth", row.depth.into(), depth.into()),
            ("ops", row.ops.into(), architecture.op_count() as u64),
        ];
        let (name, found, expected) = columns.into_iter().find(|(_, found, expected)| found != expected)?;
        Some(format!("`{name}` is {found}, expected {expected}, as `json` counts"))
    })
}

/// What is wrong with the architecture of a training that is to be added to a benchmark.
pub fn problem(settings: &Settings, row: &TrainingRow) -> Option<String> {
    match space_of(settings) {
        Ok(space) => row_problem(&space, row),
        Err(error) => Some(format!("{error:#}")),
    }
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

fn row_problem(space: &SearchSpace, row: &TrainingRow) -> Option<String> {
    match architecture_of(&row.json, &row.canonical, space) {
        Ok(architecture) if architecture.hash() == row.hash => None,
        Ok(architecture) => {
            Some(format!("`hash` is {}, expected {}, the hash of `json`", row.hash, architecture.hash()))
        }
        Err(problem) => Some(problem),
    }
}

/// Applies a check to the first row of each architecture: [`Benchmark::read`] has compared the others with it.
fn check_rows(
    folder: &Path,
    benchmark: &Benchmark,
    problem: impl Fn(&TrainingRow) -> Option<String> + Sync,
) -> Result<()> {
    let rows = &benchmark.trainings;
    let is_first = |index: usize| index == 0 || rows[index - 1].architecture != rows[index].architecture;
    // Hashes of hundreds of architectures take a second of one core.
    let found = rows.par_iter().enumerate().find_map_first(|(index, row)| {
        let problem = if is_first(index) { problem(row)? } else { return None };
        Some(format!("{}: row {index}: {problem}", folder.join("trainings.parquet").display()))
    });
    found.map_or(Ok(()), |found| bail!(found))
}
