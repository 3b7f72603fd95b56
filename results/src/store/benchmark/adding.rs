//! Adds the trainings of runs to a benchmark.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::store::StoredRun;
use crate::store::benchmark::checks::check;
use crate::store::benchmark::rows::{CurveRow, SecondsRow, TrainingRow};
use crate::store::benchmark::{Benchmark, Settings, as_truths, fault, finish, lists_its_tables};
use crate::store::files::{is_file, list, read_text, remove_unfinished};
use crate::store::manifest::{DatasetRecord, RunStatus};
use crate::store::seal;
use crate::tables::read_table;
use crate::tables::rows::{ArchitectureRow, TruthRow};

/// One training with its epochs and its duration.
type Entry = (TrainingRow, Vec<CurveRow>, Option<SecondsRow>);

/// Architecture and training seed.
type Key = (u32, u32);

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
    /// Trainings of open runs whose output has no digest beside it: an older program wrote it, or somebody removed the digest.
    pub undigested: usize,
}

/// Adds the finished trainings of runs to the benchmark in a folder, which need not exist yet. Nothing is written
/// unless all runs fit. `problem` says what else is wrong with a training.
///
/// # Errors
/// If a file cannot be read, or the settings of a run differ from the benchmark's. Also if a run cannot have written a
/// training, or a training differs from the stored one of the same commit and class of processor.
pub fn add(
    folder: &Path,
    runs: &[StoredRun],
    problem: impl Fn(&Settings, &TrainingRow) -> Option<String>,
) -> Result<Added> {
    let mut added = Added::default();
    // An earlier call may have been killed.
    remove_unfinished(folder)?;
    finish(folder)?;
    let known = Benchmark::read(folder)?;
    let mut settings = known.as_ref().map(|benchmark| benchmark.settings.clone());
    let mut entries = known.map(entries).unwrap_or_default();
    for run in runs {
        let path = run.dir.manifest_path();
        let own = Settings::of(run).ok_or_else(|| fault(&path, "expected a run of a study of kind `benchmark`"))?;
        let common = settings.get_or_insert_with(|| own.clone());
        if *common != own {
            return Err(fault(&path, &format!("expected the benchmark's settings: {}", difference(common, &own))));
        }
        let (trainings, undigested) = done(run, &own, &problem)?;
        added.undigested += undigested;
        for (key, entry) in trainings {
            match entries.get(&key) {
                None => {
                    added.new += 1;
                    entries.insert(key, entry);
                }
                Some((training, curve, _)) if *training == entry.0 && is_same(curve, &entry.1) => added.known += 1,
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
    let is_new = added.new > 0 || !lists_its_tables(folder)?;
    if let Some(settings) = settings.filter(|_| is_new) {
        from_entries(settings, entries).write(folder)?;
    }
    Ok(added)
}

/// Whether two curves are equal. A validation loss may be no number, which then equals itself.
fn is_same(one: &[CurveRow], other: &[CurveRow]) -> bool {
    let is_same = |(a, b): (&CurveRow, &CurveRow)| {
        let rest = |row: &CurveRow| CurveRow { validation_loss: 0.0, ..row.clone() };
        a.validation_loss.total_cmp(&b.validation_loss).is_eq() && rest(a) == rest(b)
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// Reads the trainings that a run has finished, whether or not the run is complete. Also counts those of an open run whose
/// output has no digest beside it.
pub(super) fn done(
    run: &StoredRun,
    settings: &Settings,
    problem: &impl Fn(&Settings, &TrainingRow) -> Option<String>,
) -> Result<(Vec<(Key, Entry)>, usize)> {
    let (mut entries, mut undigested) = (Vec::new(), 0);
    let is_complete = run.manifest.status == RunStatus::Complete;
    for unit in list(&run.dir.unit_path(""))? {
        let Some(name) = unit.path.file_stem().and_then(|name| name.to_str()) else {
            continue;
        };
        if !name.starts_with("training-") || !unit.has_extension("parquet") {
            continue;
        }
        let (file, curve_file) =
            (run.dir.unit::<TrainingRow>(name), run.dir.unit::<CurveRow>(&name.replacen("training", "curve", 1)));
        let Ok([training]) = <[_; 1]>::try_from(read_table::<TrainingRow>(&file)?) else {
            return Err(fault(&file.path, "expected the row of one training"));
        };
        let key = (training.architecture, training.training_seed);
        if name != format!("training-{:05}-{}", key.0, key.1) {
            let problem = format!("row 0: training {} of architecture {}, expected that of its name", key.1, key.0);
            return Err(fault(&file.path, &problem));
        }
        let curve = read_table(&curve_file)?;
        let time = time_of(&unit.path.with_extension("seconds"))?;
        let seconds = time.map(|seconds| SecondsRow {
            architecture: key.0,
            training_seed: key.1,
            seconds,
            cpu: run.manifest.host.cpu.clone(),
        });
        let rows = std::slice::from_ref(&training);
        check(&settings.made(), (&file.path, rows), (&curve_file.path, &curve), (&unit.path, seconds.as_slice()))?;
        if let Some(problem) = problem(settings, &training) {
            return Err(fault(&file.path, &format!("row 0: {problem}")));
        }
        let has_digests = seal::has_digest_file(&file)? && seal::has_digest_file(&curve_file)?;
        undigested += usize::from(!is_complete && !has_digests);
        entries.push((key, (training, curve, seconds)));
    }
    entries.sort_by_key(|(key, _)| *key);
    if is_complete {
        check_tables(run, &entries)?;
    }
    Ok((entries, undigested))
}

/// The time in a file beside an output; `None` if there is no such file, or its text is no time.
fn time_of(path: &Path) -> Result<Option<f64>> {
    let text = if is_file(path)? { read_text(path)? } else { return Ok(None) };
    Ok(text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0))
}

/// Checks that the units of a complete run hold what its tables hold, which the manifest lists by their digests.
fn check_tables(run: &StoredRun, entries: &[(Key, Entry)]) -> Result<()> {
    let trainings: Vec<TrainingRow> = entries.iter().map(|(_, (training, ..))| training.clone()).collect();
    let curves: Vec<CurveRow> = entries.iter().flat_map(|(_, (_, curve, _))| curve.clone()).collect();
    let (architectures, true_errors) = as_truths(&trainings, run.manifest.seed);
    let stored = run.read::<ArchitectureRow>()?;
    // Tables of older programs lack the canonical hashes.
    let without_missing = |(own, stored): (&ArchitectureRow, &ArchitectureRow)| ArchitectureRow {
        canonical: own.canonical.clone().filter(|_| stored.canonical.is_some()),
        ..own.clone()
    };
    let is_same = stored.len() == architectures.len()
        && architectures.iter().zip(&stored).map(without_missing).eq(stored.iter().cloned())
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

/// The trainings of a benchmark by their keys.
fn entries(benchmark: Benchmark) -> BTreeMap<Key, Entry> {
    let mut curves: BTreeMap<Key, Vec<CurveRow>> = BTreeMap::new();
    for row in benchmark.curves {
        curves.entry((row.architecture, row.training_seed)).or_default().push(row);
    }
    let seconds = benchmark.seconds.into_iter();
    let mut seconds: BTreeMap<Key, SecondsRow> =
        seconds.map(|row| ((row.architecture, row.training_seed), row)).collect();
    let entry = |training: TrainingRow| {
        let key = (training.architecture, training.training_seed);
        let curve = curves.remove(&key).unwrap_or_default();
        (key, (training, curve, seconds.remove(&key)))
    };
    benchmark.trainings.into_iter().map(entry).collect()
}

/// The benchmark of these trainings.
fn from_entries(settings: Settings, entries: BTreeMap<Key, Entry>) -> Benchmark {
    let (mut trainings, mut curves, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
    for (training, curve, time) in entries.into_values() {
        trainings.push(training);
        curves.extend(curve);
        seconds.extend(time);
    }
    Benchmark { settings, trainings, curves, seconds }
}
