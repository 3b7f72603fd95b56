//! The benchmark of trained architectures: results that anybody can look up instead of training again.
//!
//! ```text
//! <folder>/benchmark.toml     settings that all trainings share
//! <folder>/trainings.parquet  one row for each training
//! <folder>/curves.parquet     one row for each epoch of each training
//! <folder>/seconds.parquet    duration of each training; the only file that differs between machines of one kind
//! ```
//! Runs of the artefact `benchmark` make the trainings; each run covers a range of architectures. [`add`] adds the
//! trainings of a run, complete or not, to the existing ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::StoredRun;
use crate::store::files::{create_folder, is_file, list, read_text, remove_unfinished};
use crate::store::identity::{Identity, StoredFile};
use crate::store::manifest::{DatasetRecord, RunStatus};
use crate::store::seal;
use crate::summaries::correlation::{self, CorrelationSummary, Predictor};
use crate::tables::csv;
use crate::tables::rows::{ArchitectureRow, TruthRow};
use crate::tables::{Row, Status, declare, measured_if_ok, read_table, table_file, write_table};

declare! {
    /// One training of one architecture of a benchmark.
    pub struct TrainingRow in "trainings" {
        /// Index of the architecture in the order of sampling, counted from 0. Isomorphic architectures count once.
        pub architecture: u32,
        /// Canonical hash of the architecture; isomorphic architectures have the same hash.
        pub canonical: String,
        /// Hash of `json`.
        pub hash: String,
        /// The architecture in its stored form.
        pub json: String,
        /// Number of free parameters of the network.
        pub parameters: u64 as "count",
        /// Cost of one forward pass.
        pub multiply_adds: u64 as "multiply-adds per example",
        /// Number of ops in all blocks together.
        pub ops: u32 as "count",
        /// Number of convolutions on the longest path from image to output.
        pub depth: u32 as "count",
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error after the last epoch: the true error. It is present if and only if the status is ok.
        pub test_error: Option<f64> as "fraction in [0, 1]",
        /// Validation error after the last epoch.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training error of the last epoch.
        pub train_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training loss of the last epoch.
        pub train_loss: Option<f64> as "nats",
        /// Number of completed epochs.
        pub epochs: u32 as "count",
        /// Why the training failed.
        pub message: Option<String>,
        /// Commit of the code that trained it.
        pub commit: String,
        /// Class of processor, such as `avx512f`. Its vector instructions decide the last bits of a sum.
        pub processor: String,
        /// SHA-256 of the training images and labels, including those for validation.
        pub train_sha256: String,
        /// SHA-256 of the test images and labels.
        pub test_sha256: String,
    }
    fault(status, test_error) = measured_if_ok
}

impl TrainingRow {
    /// The true error, as a run with this root seed stores it for its architecture of this index.
    pub fn truth(&self, seed: u64, architecture: u32) -> TruthRow {
        TruthRow {
            seed,
            architecture,
            training_seed: self.training_seed,
            status: self.status,
            error: self.test_error,
            validation_error: self.validation_error,
            train_error: self.train_error,
            train_loss: self.train_loss,
            epochs: self.epochs,
            message: self.message.clone(),
        }
    }
}

declare! {
    /// One epoch of one training of a benchmark.
    pub struct CurveRow in "curves" {
        /// The architecture: its index in the table `trainings`.
        pub architecture: u32,
        /// Index of the repetition of the training, as in the table `trainings`.
        pub training_seed: u32,
        /// Number of completed epochs, counted from 1.
        pub epoch: u32,
        /// Mean training error over the batches of the epoch.
        pub train_error: f64 as "fraction in [0, 1]",
        /// Mean training loss over the batches of the epoch.
        pub train_loss: f64 as "nats",
        /// Validation error after the epoch.
        pub validation_error: f64 as "fraction in [0, 1]",
        /// Mean validation loss after the epoch.
        pub validation_loss: f64 as "nats",
    }
}

declare! {
    /// Duration of one training of a benchmark.
    pub struct SecondsRow in "seconds" {
        /// The architecture: its index in the table `trainings`.
        pub architecture: u32,
        /// Index of the repetition of the training, as in the table `trainings`.
        pub training_seed: u32,
        /// Time from start to end with evaluations, without the time of interrupted attempts.
        pub seconds: f64 as "seconds",
        /// Model of the processor.
        pub cpu: String,
    }
    fault(seconds) = not_negative
}

fn not_negative(seconds: f64) -> Option<&'static str> {
    (seconds.is_nan() || seconds < 0.0).then_some("`seconds` must be a number from 0")
}

/// Settings that all trainings of a benchmark share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
        let mut dataset = run.manifest.dataset.clone();
        // The paths of the files on that machine say nothing about the images.
        dataset.sources.clear();
        Some(Self { scale: run.manifest.scale.clone(), seed: run.manifest.seed, dataset, study })
    }

    fn text(&self, path: &Path) -> Result<String> {
        toml::to_string(self).map_err(|error| fault(path, &error.to_string()))
    }

    /// A table of the benchmark with these settings in a folder. Its identity is that of the settings.
    ///
    /// # Errors
    /// Settings that cannot be written as TOML.
    pub fn table<R: Row>(&self, folder: &Path) -> Result<StoredFile> {
        let path = folder.join(R::NAME).with_extension("parquet");
        let settings = seal::sha256(self.text(&path)?.as_bytes());
        let whole =
            Identity::default().with("artefact", "benchmark").with("scale", &self.scale).with("seed", self.seed);
        Ok(table_file::<R>(path, whole.with("settings", settings)))
    }
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

/// One training with its epochs and its duration.
type Entry = (TrainingRow, Vec<CurveRow>, Option<SecondsRow>);

/// Architecture and training seed.
type Key = (u32, u32);

impl Benchmark {
    /// Reads a benchmark; `None` if the folder has none.
    ///
    /// # Errors
    /// If a file is missing, damaged or not the expected one.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("benchmark.toml");
        if !is_file(&path)? {
            return Ok(None);
        }
        let text = read_text(&path)?;
        seal::check(&path, text.as_bytes())?;
        let settings: Settings = toml::from_str(&text).map_err(|error| fault(&path, error.to_string().trim_end()))?;
        Ok(Some(Self {
            trainings: read_table(&settings.table::<TrainingRow>(folder)?)?,
            curves: read_table(&settings.table::<CurveRow>(folder)?)?,
            seconds: read_table(&settings.table::<SecondsRow>(folder)?)?,
            settings,
        }))
    }

    /// Writes a benchmark, replacing an existing one.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write(&self, folder: &Path) -> Result<()> {
        create_folder(folder)?;
        write_table(&self.settings.table::<SecondsRow>(folder)?, &self.seconds)?;
        write_table(&self.settings.table::<CurveRow>(folder)?, &self.curves)?;
        write_table(&self.settings.table::<TrainingRow>(folder)?, &self.trainings)?;
        let path = folder.join("benchmark.toml");
        seal::write_toml(&path, &self.settings.text(&path)?)
    }

    /// Summarises how validation error and sizes rank the true errors, with their spread and their noise ceiling.
    ///
    /// # Errors
    /// None on tables that [`add`] wrote.
    pub fn summary(&self) -> Result<CorrelationSummary> {
        let Settings { seed, dataset, .. } = &self.settings;
        let (architectures, true_errors) = as_truths(&self.trainings, *seed);
        let predictor = Predictor::validation_error(&true_errors);
        correlation::summary(&architectures, &predictor, &true_errors, dataset.test.examples)
    }

    fn entries(self) -> BTreeMap<Key, Entry> {
        let mut curves: BTreeMap<Key, Vec<CurveRow>> = BTreeMap::new();
        for row in self.curves {
            curves.entry((row.architecture, row.training_seed)).or_default().push(row);
        }
        let seconds = self.seconds.into_iter();
        let mut seconds: BTreeMap<Key, SecondsRow> =
            seconds.map(|row| ((row.architecture, row.training_seed), row)).collect();
        let entry = |training: TrainingRow| {
            let key = (training.architecture, training.training_seed);
            let curve = curves.remove(&key).unwrap_or_default();
            (key, (training, curve, seconds.remove(&key)))
        };
        self.trainings.into_iter().map(entry).collect()
    }

    fn from_entries(settings: Settings, entries: BTreeMap<Key, Entry>) -> Self {
        let (mut trainings, mut curves, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        for (training, curve, time) in entries.into_values() {
            trainings.push(training);
            curves.extend(curve);
            seconds.extend(time);
        }
        Self { settings, trainings, curves, seconds }
    }
}

/// Counts of the trainings that [`add`] processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Trainings that were new to the benchmark.
    pub new: usize,
    /// Trainings that it already had, with the same result.
    pub known: usize,
    /// Trainings that it already had from another commit or class of processor; the earlier ones stay.
    pub kept: usize,
    /// Trainings that it holds now.
    pub total: usize,
}

/// Adds the finished trainings of runs to the benchmark in a folder, which need not exist yet. Nothing is written
/// unless all runs fit.
///
/// # Errors
/// If a file cannot be read, or the settings of a run differ from the benchmark's. Also if a training differs from the
/// stored one of the same commit and class of processor.
pub fn add(folder: &Path, runs: &[StoredRun]) -> Result<Added> {
    let mut added = Added::default();
    let known = Benchmark::read(folder)?;
    let mut settings = known.as_ref().map(|benchmark| benchmark.settings.clone());
    let mut entries = known.map(Benchmark::entries).unwrap_or_default();
    for run in runs {
        let path = run.dir.manifest_path();
        let own = Settings::of(run).ok_or_else(|| fault(&path, "expected a run of a study of kind `benchmark`"))?;
        let common = settings.get_or_insert_with(|| own.clone());
        if *common != own {
            return Err(fault(&path, &format!("expected the benchmark's settings: {}", difference(common, &own))));
        }
        for (key, entry) in done(run)? {
            match entries.get(&key) {
                None => {
                    added.new += 1;
                    entries.insert(key, entry);
                }
                Some((training, curve, _)) if (training, curve) == (&entry.0, &entry.1) => added.known += 1,
                Some((training, ..)) => {
                    let origin = |row: &TrainingRow| (row.commit.clone(), row.processor.clone());
                    let (architecture, training_seed) = key;
                    if training.canonical != entry.0.canonical || origin(training) == origin(&entry.0) {
                        let row = |row: &TrainingRow| {
                            let error = row.test_error.map_or("none".to_owned(), |error| error.to_string());
                            format!("test error {error} of `{}`", row.canonical)
                        };
                        let [here, there] = [row(&entry.0), row(training)];
                        let difference = match here == there {
                            true => "in another column or in the curve".to_owned(),
                            false => format!("{here}, in the benchmark {there}"),
                        };
                        let problem = format!(
                            "training {training_seed} of architecture {architecture} differs from the benchmark's: {difference}"
                        );
                        return Err(fault(run.dir.path(), &problem));
                    }
                    added.kept += 1;
                }
            }
        }
    }
    added.total = entries.len();
    if let Some(settings) = settings.filter(|_| added.new > 0) {
        remove_unfinished(folder)?;
        Benchmark::from_entries(settings, entries).write(folder)?;
    }
    Ok(added)
}

/// Reads the trainings that a run has finished, whether or not the run is complete.
fn done(run: &StoredRun) -> Result<Vec<(Key, Entry)>> {
    let mut entries = Vec::new();
    for unit in list(&run.dir.unit_path(""))? {
        let Some(name) = unit.path.file_stem().and_then(|name| name.to_str()) else {
            continue;
        };
        if !name.starts_with("training-") || !unit.has_extension("parquet") {
            continue;
        }
        let curve = run.dir.unit::<CurveRow>(&name.replacen("training", "curve", 1));
        let seconds = unit.path.with_extension("seconds");
        for training in read_table::<TrainingRow>(&run.dir.unit::<TrainingRow>(name))? {
            let key = (training.architecture, training.training_seed);
            let seconds = match is_file(&seconds)? {
                true => read_text(&seconds)?.parse().ok(),
                false => None,
            };
            let seconds = seconds.map(|seconds| SecondsRow {
                architecture: key.0,
                training_seed: key.1,
                seconds,
                cpu: run.manifest.host.cpu.clone(),
            });
            entries.push((key, (training, read_table(&curve)?, seconds)));
        }
    }
    entries.sort_by_key(|(key, _)| *key);
    if run.manifest.status == RunStatus::Complete {
        check_tables(run, &entries)?;
    }
    Ok(entries)
}

/// Checks that the units of a complete run hold what its tables hold, which the manifest lists by their digests.
fn check_tables(run: &StoredRun, entries: &[(Key, Entry)]) -> Result<()> {
    let trainings: Vec<TrainingRow> = entries.iter().map(|(_, (training, ..))| training.clone()).collect();
    let curves: Vec<CurveRow> = entries.iter().flat_map(|(_, (_, curve, _))| curve.clone()).collect();
    let (architectures, true_errors) = as_truths(&trainings, run.manifest.seed);
    let is_same = run.read::<ArchitectureRow>()? == architectures
        && run.read::<TruthRow>()? == true_errors
        && run.read::<CurveRow>()? == curves;
    match is_same {
        true => Ok(()),
        false => Err(fault(run.dir.path(), "the outputs of its units are not those that its tables were made from")),
    }
}

/// Describes the first part in which two settings differ.
fn difference(expected: &Settings, found: &Settings) -> String {
    let both = |text: &dyn Fn(&Settings) -> String| format!("{}, found {}", text(expected), text(found));
    if (&expected.scale, expected.seed) != (&found.scale, found.seed) {
        return both(&|settings| format!("scale {}, root seed {}", settings.scale, settings.seed));
    }
    if expected.dataset != found.dataset {
        let images = both(&|settings| {
            let DatasetRecord { name, train, test, .. } = &settings.dataset;
            format!("`{name}` of {} and {} images", train.examples, test.examples)
        });
        return format!("data {images}, compared by their digests");
    }
    let keys = expected.study.keys().chain(found.study.keys());
    let differs = |key: &&String| expected.study.get(*key) != found.study.get(*key);
    let key = keys.into_iter().find(differs).map_or("", String::as_str);
    let values = both(&|settings| settings.study.get(key).map_or_else(|| "none".to_owned(), ToString::to_string));
    format!("`study.{key}` {values}")
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
