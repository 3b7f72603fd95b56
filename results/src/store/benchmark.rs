//! The benchmark of trained architectures: results that anybody can look up instead of training again.
//!
//! ```text
//! <folder>/benchmark.toml     settings that all trainings share, and the digests of the tables
//! <folder>/trainings.parquet  one row for each training
//! <folder>/curves.parquet     one row for each epoch of each training
//! <folder>/seconds.parquet    duration of each training; the only table that differs between machines of one kind
//! ```
//! Runs of the artefact `benchmark` make the trainings; each run covers a range of architectures. [`adding`] adds the
//! trainings of a run, complete or not, to the existing ones.
//!
//! The four files change together. Their new content is first written beside them, `.adding-<name>`, with
//! `.adding-benchmark.toml` last. Once that file exists, the new content counts; then it is copied into its place.

pub mod adding;
mod checks;
mod rows;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::StoredRun;
use crate::store::benchmark::checks::{Made, check};
pub use crate::store::benchmark::rows::{CurveRow, SecondsRow, TrainingRow};
use crate::store::files::{self, create_folder, is_file, read_text};
use crate::store::identity::{Identity, Listed, StoredFile};
use crate::store::manifest::DatasetRecord;
use crate::store::seal;
use crate::summaries::correlation::{self, CorrelationSummary, Predictor};
use crate::tables::csv;
use crate::tables::rows::{ArchitectureRow, TruthRow};
use crate::tables::{Row, bytes_of, read_table, table_file};

/// Settings that all trainings of a benchmark share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Name of the scale, such as `laptop`.
    pub scale: String,
    /// Root seed of the architectures, the validation images and the trainings.
    pub seed: u64,
    /// The data set of the images.
    pub dataset: DatasetRecord,
    /// Images, search space and training, as the definition of the run states them.
    pub study: toml::Table,
}

/// Keys of a definition that choose which trainings a run makes, without changing the trainings themselves.
const RANGE: [&str; 3] = ["first", "architectures", "training-seeds"];

impl Settings {
    /// Settings of a run of a `benchmark` study; `None` for another kind of study.
    pub fn of(run: &StoredRun) -> Option<Self> {
        let mut study = run.manifest.definition.get("study")?.as_table()?.clone();
        if study.get("kind")?.as_str() != Some("benchmark") {
            return None;
        }
        study.retain(|key, _| !RANGE.contains(&key));
        let dataset = run.manifest.dataset.clone();
        // The paths of the files on that machine say nothing about the images, and older programs noted neither classes nor sizes.
        let dataset = DatasetRecord { classes: None, shape: None, sources: Vec::new(), ..dataset };
        Some(Self { scale: run.manifest.scale.clone(), seed: run.manifest.seed, dataset, study })
    }

    fn text(&self, path: &Path) -> Result<String> {
        toml::to_string(self).map_err(|error| fault(path, &error.to_string()))
    }

    /// A table of the benchmark with these settings. Its identity is that of the settings.
    fn table<R: Row>(&self, folder: &Path, start: &str) -> Result<StoredFile> {
        let path = place(folder, start, &format!("{}.parquet", R::NAME));
        let settings = seal::sha256(self.text(&path)?.as_bytes());
        let whole =
            Identity::default().with("artefact", "benchmark").with("scale", &self.scale).with("seed", self.seed);
        Ok(table_file::<R>(path, whole.with("settings", settings)))
    }

    /// The properties that all trainings have.
    fn made(&self) -> Made<'_> {
        let DatasetRecord { train, test, .. } = &self.dataset;
        let epochs = self.study.get("resulting").and_then(|recipe| recipe.get("epochs")?.as_integer());
        Made { images: [&train.sha256, &test.sha256], epochs }
    }
}

/// The content of `benchmark.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    scale: String,
    seed: u64,
    dataset: DatasetRecord,
    study: toml::Table,
    /// Older programs wrote none.
    tables: Option<Digests>,
}

/// SHA-256 of the tables of a benchmark, in hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    trainings: String,
    curves: String,
    seconds: String,
}

impl Stored {
    fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        seal::check(path, text.as_bytes())?;
        toml::from_str(&text).map_err(|error| fault(path, error.to_string().trim_end()))
    }
}

/// Start of the names of new content that is not in its place yet.
const ADDING: &str = ".adding-";

const SETTINGS: &str = "benchmark.toml";

const TABLES: [&str; 3] = ["trainings.parquet", "curves.parquet", "seconds.parquet"];

/// A file of a benchmark: in its place, or where `start` is [`ADDING`] before it gets there.
fn place(folder: &Path, start: &str, name: &str) -> PathBuf {
    folder.join(format!("{start}{name}"))
}

/// The start of the names of the files that count; `None` without a benchmark.
fn start_of(folder: &Path) -> Result<Option<&'static str>> {
    for start in [ADDING, ""] {
        if is_file(&place(folder, start, SETTINGS))? {
            return Ok(Some(start));
        }
    }
    Ok(None)
}

/// Whether the benchmark in a folder lists the digests of its tables. Benchmarks of older programs do not; [`adding::add`] mends that.
///
/// # Errors
/// If `benchmark.toml` cannot be read.
pub fn lists_its_tables(folder: &Path) -> Result<bool> {
    match start_of(folder)? {
        Some(start) => Ok(Stored::read(&place(folder, start, SETTINGS))?.tables.is_some()),
        None => Ok(true),
    }
}

/// Moves new content to its place, if it is whole, and removes what is left of it otherwise.
fn finish(folder: &Path) -> Result<()> {
    if start_of(folder)? == Some(ADDING) {
        // Damaged content must not replace anything.
        Benchmark::read(folder)?;
        for name in [&TABLES[..], &[SETTINGS]].concat() {
            files::copy(&place(folder, ADDING, name), &place(folder, "", name))?;
        }
        files::remove(&place(folder, ADDING, SETTINGS))?;
    }
    TABLES.iter().try_for_each(|name| files::remove(&place(folder, ADDING, name)))
}

/// A benchmark in memory, ordered by architecture and training seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Benchmark {
    /// Settings that all trainings share.
    pub settings: Settings,
    /// The trainings.
    pub trainings: Vec<TrainingRow>,
    /// The epochs of the trainings.
    pub curves: Vec<CurveRow>,
    /// The durations of the trainings.
    pub seconds: Vec<SecondsRow>,
}

impl Benchmark {
    /// Reads a benchmark; `None` if the folder has none.
    ///
    /// # Errors
    /// If a file is missing, damaged or not the expected one. Also if no training can have written a row, or if the tables do
    /// not fit together.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let Some(start) = start_of(folder)? else {
            return Ok(None);
        };
        let Stored { scale, seed, dataset, study, tables } = Stored::read(&place(folder, start, SETTINGS))?;
        let settings = Settings { scale, seed, dataset, study };
        let listed = |file: StoredFile, digest: fn(&Digests) -> &String| StoredFile {
            listed: tables.as_ref().map_or(Listed::Nowhere, |digests| Listed::As(digest(digests).clone())),
            ..file
        };
        let trainings = listed(settings.table::<TrainingRow>(folder, start)?, |digests| &digests.trainings);
        let curves = listed(settings.table::<CurveRow>(folder, start)?, |digests| &digests.curves);
        let seconds = listed(settings.table::<SecondsRow>(folder, start)?, |digests| &digests.seconds);
        let benchmark = Self {
            trainings: read_table(&trainings)?,
            curves: read_table(&curves)?,
            seconds: read_table(&seconds)?,
            settings,
        };
        benchmark.check(folder, start)?;
        Ok(Some(benchmark))
    }

    /// Checks that trainings can have written the rows, and that the tables fit together.
    fn check(&self, folder: &Path, start: &str) -> Result<()> {
        let [trainings, curves, seconds] = TABLES.map(|name| place(folder, start, name));
        check(&self.settings.made(), (&trainings, &self.trainings), (&curves, &self.curves), (&seconds, &self.seconds))
    }

    /// Writes a benchmark, replacing an existing one.
    ///
    /// # Errors
    /// If no training can have written a row, or the file system refuses.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.check(folder, "")?;
        create_folder(folder)?;
        let tables = Digests {
            seconds: self.write_table(folder, &self.seconds)?,
            curves: self.write_table(folder, &self.curves)?,
            trainings: self.write_table(folder, &self.trainings)?,
        };
        let path = place(folder, ADDING, SETTINGS);
        let tables = toml::to_string(&tables).map_err(|error| fault(&path, &error.to_string()))?;
        // The settings end with a table of their own.
        seal::write_toml(&path, &format!("{}\n[tables]\n{tables}", self.settings.text(&path)?))?;
        finish(folder)
    }

    /// Writes a table beside its place, and returns its digest.
    fn write_table<R: Row>(&self, folder: &Path, rows: &[R]) -> Result<String> {
        let file = self.settings.table::<R>(folder, ADDING)?;
        let bytes = bytes_of(&file, rows)?;
        seal::write(&file, &bytes)?;
        Ok(seal::sha256(&bytes))
    }

    /// Summarises how validation error and sizes rank the true errors, with their spread and their noise ceiling.
    ///
    /// # Errors
    /// None on tables that [`adding::add`] wrote.
    pub fn summary(&self) -> Result<CorrelationSummary> {
        let Settings { seed, dataset, .. } = &self.settings;
        let (architectures, true_errors) = as_truths(&self.trainings, *seed);
        let predictor = Predictor::validation_error(&true_errors);
        correlation::summary(&architectures, &predictor, &true_errors, dataset.test.examples)
    }
}

/// Converts the trainings of a benchmark to the tables that every study of true errors has.
pub fn as_truths(rows: &[TrainingRow], seed: u64) -> (Vec<ArchitectureRow>, Vec<TruthRow>) {
    let mut architectures: Vec<ArchitectureRow> = Vec::new();
    let mut true_errors = Vec::new();
    for row in rows {
        if architectures.last().is_none_or(|last| last.architecture != row.architecture) {
            architectures.push(ArchitectureRow {
                seed,
                architecture: row.architecture,
                hash: row.hash.clone(),
                canonical: Some(row.canonical.clone()),
                json: row.json.clone(),
                parameters: row.parameters,
                multiply_adds: row.multiply_adds,
                ops: row.ops,
                depth: row.depth,
            });
        }
        true_errors.push(row.truth(seed, row.architecture));
    }
    (architectures, true_errors)
}

/// Writes the tables of a benchmark to a folder, as `trainings.csv`, `curves.csv` and `seconds.csv`.
///
/// # Errors
/// If the file system refuses.
pub fn export(benchmark: &Benchmark, folder: &Path) -> Result<()> {
    create_folder(folder)?;
    csv::write_table(&folder.join("trainings.csv"), &benchmark.trainings)?;
    csv::write_table(&folder.join("curves.csv"), &benchmark.curves)?;
    csv::write_table(&folder.join("seconds.csv"), &benchmark.seconds)
}

fn fault(path: &Path, problem: &str) -> Error {
    Error::Benchmark { path: path.to_path_buf(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests;
