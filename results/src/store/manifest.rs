//! The manifest of a run: its definition, code, machine and data, and how it ended.
//!
//! Each run has one TOML file. It is parsed strictly and sealed, so it must not be edited. The manifest of a complete run
//! lists the digests of its tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::files;
use crate::store::seal;
use crate::summaries::regime::Regimes;
use crate::terminal::escaped;

/// Everything that is known about one run besides its tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the artefact, such as `fig4`.
    pub artefact: String,
    /// Name of the scale, such as `laptop`.
    pub scale: String,
    /// Human-readable title in one line, such as "Figure 4".
    pub title: String,
    /// Section of the paper.
    pub paper: String,
    /// Root seed.
    pub seed: u64,
    /// Whether the run is over, and how it went.
    pub status: RunStatus,
    /// Time when the run was first opened, as [`timestamp`] writes it.
    pub start: String,
    /// Time when the run reached its status; absent while it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Commit of the code.
    pub commit: String,
    /// Whether the working tree differed from the commit.
    pub dirty: bool,
    /// SHA-256 of Cargo.lock, in hexadecimal.
    pub lock_hash: String,
    /// Version of the deep-learning framework.
    pub burn_version: String,
    /// Description of the device.
    pub device: String,
    /// Kind of device, as in the path of the run: `cpu`, `cuda` or `wgpu`.
    pub device_class: String,
    /// Command-line options that changed the definition, besides the data sets, such as `--set` and `study.scored=34`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Hash of the [deciding part](deciding_part) of `definition`, in hexadecimal.
    pub definition_hash: String,
    /// Seeds of the noise draws z behind the scores, in the order of their index.
    pub noise_draws: Vec<u64>,
    /// Warnings to readers of the results.
    pub warnings: Vec<String>,
    /// Number of units of the run. Manifests of older programs lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// Highest resident memory of the process in bytes, if the system reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// The machine.
    pub host: Host,
    /// The data set.
    pub dataset: DatasetRecord,
    /// Further data sets, if architectures were searched on another data set than they were trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_datasets: Vec<DatasetRecord>,
    /// The conditions of a correlation study, beside the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<Regimes>,
    /// SHA-256 of each table of a complete run, in hexadecimal, by the name of the table.
    pub tables: BTreeMap<String, String>,
    /// Seconds of work for each kind of unit, summed over its units, even if they ran in parallel.
    pub timings: BTreeMap<String, f64>,
    /// The definition that was run: scale merged, overrides applied.
    pub definition: toml::Table,
}

/// Status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Open: units may be missing.
    Running,
    /// Every unit is done and the tables are written.
    Complete,
    /// It stopped on an error.
    Failed,
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Model of the processor.
    pub cpu: String,
    /// Threads that the system offers.
    pub threads: u32,
}

/// A data set of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRecord {
    /// Name, such as `cifar100`.
    pub name: String,
    /// Number of classes. Manifests of older programs may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<u32>,
    /// Sizes of an example, `[channels, depth, height, width]`; images have depth 1. Manifests of older programs lack them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<[u32; 4]>,
    /// The training split, before a validation split is taken from it.
    pub train: SplitRecord,
    /// The test split.
    pub test: SplitRecord,
    /// The files it was read from; empty for generated data.
    pub sources: Vec<SourceRecord>,
}

/// One split of a data set, as used by a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRecord {
    /// Number of examples.
    pub examples: u64,
    /// SHA-256 of inputs and labels, in hexadecimal.
    pub sha256: String,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRecord {
    /// Path of the file, as it was opened. For a data set of one's own, from the last part of its path on.
    pub path: String,
    /// Number of records in it.
    pub records: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// Identity of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunKey {
    /// Name of the artefact.
    pub artefact: String,
    /// Name of the scale.
    pub scale: String,
    /// Kind of device.
    pub device_class: String,
    /// Commit of the code.
    pub commit: String,
    /// Whether the working tree differed from the commit.
    pub dirty: bool,
    /// See [`Manifest::definition_hash`].
    pub definition_hash: String,
    /// Root seed.
    pub seed: u64,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, has an unknown or a missing field, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path)?;
        let fault = |problem: String| Error::Manifest { path: path.to_path_buf(), problem };
        seal::check(path, &bytes)?;
        let text = String::from_utf8(bytes).map_err(|error| fault(error.to_string()))?;
        let manifest: Self = toml::from_str(&text).map_err(|error| fault(one_line(&error.to_string())))?;
        check_levels(&manifest.definition).map_err(fault)?;
        manifest.check_key().and_then(|()| manifest.check_values()).map_err(fault)?;
        Ok(manifest)
    }

    /// The abbreviated commit, with a mark if the working tree differed from it.
    pub fn short_commit(&self) -> String {
        let short = self.commit.get(..12).unwrap_or(&self.commit);
        format!("{short}{}", if self.dirty { " (dirty)" } else { "" })
    }

    /// Checks end, tables and timings.
    fn check_values(&self) -> std::result::Result<(), String> {
        if self.status == RunStatus::Complete {
            self.end.as_ref().ok_or("status `complete` needs an `end`")?;
            // Every kind of study writes one.
            self.tables.keys().next().ok_or("status `complete` needs a table in `tables`")?;
        }
        if let Some(name) = self.tables.keys().find(|name| !is_table_name(name)) {
            return Err(format!("`tables` names `{}`, expected letters, digits, `-` and `_`", escaped(name)));
        }
        let is_time = |seconds: f64| seconds.is_finite() && seconds >= 0.0;
        match self.timings.iter().find(|&(_, &seconds)| !is_time(seconds)) {
            Some((kind, seconds)) => Err(format!("`timings` has {seconds} for `{}`, expected seconds", escaped(kind))),
            None => Ok(()),
        }
    }

    /// Checks that the run has a place in a store.
    fn check_key(&self) -> std::result::Result<(), String> {
        let Self { artefact, scale, device_class, commit, definition_hash, .. } = self;
        let parts = [("artefact", artefact), ("scale", scale), ("device_class", device_class), ("commit", commit)];
        if let Some((name, _)) = parts.iter().find(|(_, part)| part.is_empty()) {
            return Err(format!("`{name}` is empty"));
        }
        // `..` would leave the store, and the store skips names that begin with a dot.
        if let Some((name, part)) = parts.iter().find(|(_, part)| part.starts_with('.')) {
            return Err(format!("`{name}` is `{}`, which can be no folder of a store", escaped(part)));
        }
        let is_hash = definition_hash.len() >= 8 && definition_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then_some(()).ok_or_else(|| format!("`definition_hash` is no hash: `{definition_hash}`"))
    }

    /// Writes the manifest atomically.
    ///
    /// # Errors
    /// If the definition cannot be written as TOML, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self)
            .map_err(|error| Error::Manifest { path: path.to_path_buf(), problem: error.to_string() })?;
        seal::write_toml(path, &text)
    }

    /// Properties that tell the run from others and give its place in a store.
    pub fn key(&self) -> RunKey {
        RunKey {
            artefact: self.artefact.clone(),
            scale: self.scale.clone(),
            device_class: self.device_class.clone(),
            commit: self.commit.clone(),
            dirty: self.dirty,
            definition_hash: self.definition_hash.clone(),
            seed: self.seed,
        }
    }

    /// The time that decides which of two runs is newer: the end, or the start of an open run.
    pub fn recency(&self) -> &str {
        self.end.as_deref().unwrap_or(&self.start)
    }
}

/// Whether a text can be the name of a table. Any other would name a file outside the folder of its run, or another file.
pub(super) fn is_table_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A text without breaks of lines.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Most levels of tables and lists in a definition, far more than any has. TOML has several written forms, each with
/// its own limit. A deeper definition can be readable in one form, and unreadable when it is written in another.
const MOST_LEVELS: usize = 32;

/// Checks that a definition can be stored.
///
/// # Errors
/// If tables and lists are nested too deeply.
pub fn check_levels(definition: &toml::Table) -> std::result::Result<(), String> {
    fn is_within(value: &toml::Value, levels: usize) -> bool {
        let is_inner_within = |inner| levels > 0 && is_within(inner, levels - 1);
        match value {
            toml::Value::Table(table) => table.values().all(is_inner_within),
            toml::Value::Array(list) => list.iter().all(is_inner_within),
            _ => true,
        }
    }
    match definition.values().all(|value| is_within(value, MOST_LEVELS)) {
        true => Ok(()),
        false => Err(format!("more than {MOST_LEVELS} tables and lists inside each other")),
    }
}

/// The part of a definition that decides the tables. It lacks the keys that only reports read: words, claim and quoted
/// numbers. A better sentence therefore leaves a run the same run.
pub fn deciding_part(definition: &toml::Table) -> toml::Table {
    let mut part = definition.clone();
    part.retain(|key, _| {
        !matches!(key, "title" | "paper" | "statement" | "analysis" | "compared_with" | "claim" | "figure" | "fronts")
    });
    if let Some(toml::Value::Table(study)) = part.get_mut("study") {
        study.remove("top5");
        for list in ["system", "spaces"] {
            let entries = study.get_mut(list).and_then(toml::Value::as_array_mut).into_iter().flatten();
            for entry in entries.filter_map(toml::Value::as_table_mut) {
                entry.retain(|key, _| !matches!(key, "here" | "paper" | "paper-on" | "quoted"));
            }
        }
    }
    part
}

/// The last second of the year 9999, counted from 1970.
const LAST_SECOND: u64 = 253_402_300_799;

/// Formats a time for manifests: RFC 3339 in UTC with whole seconds. The order of the texts is the order of the times. A time
/// before 1970 or after 9999 becomes the nearest one between them; see [`has_timestamp`].
pub fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Whether a time is one that [`timestamp`] can give.
pub fn has_timestamp(time: SystemTime) -> bool {
    time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() <= LAST_SECOND)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn timestamps_match_the_calendar() {
        let check = |seconds, expected| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(timestamp(time), expected);
        };
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_709_164_799, "2024-02-28T23:59:59Z");
        check(1_735_689_599, "2024-12-31T23:59:59Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
    }

    #[test]
    fn times_outside_the_calendar_are_clamped() {
        let hour = Duration::from_secs(3600);
        let early = SystemTime::UNIX_EPOCH - hour;
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST_SECOND) + hour;
        assert_eq!([early, late].map(timestamp), ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]);
        assert_eq!([early, SystemTime::UNIX_EPOCH, late].map(has_timestamp), [false, true, false]);
    }

    #[test]
    fn a_manifest_survives_the_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        for manifest in [sample(), running(), with_wide_seeds()] {
            manifest.write(&path).unwrap();
            assert_eq!(Manifest::read(&path).unwrap(), manifest);
        }
    }

    #[test]
    fn a_faulty_manifest_is_refused_with_its_path_and_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        sample().write(&path).unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        let check = |from: &str, to: &str, expected: &str| {
            assert!(good.contains(from), "{from} is not in the manifest");
            let mut text = good.replacen(from, to, 1).into_bytes();
            seal::close(&mut text);
            std::fs::write(&path, text).unwrap();
            let message = Manifest::read(&path).unwrap_err().to_string();
            assert!(message.contains("manifest.toml"), "{message}");
            assert!(message.contains(expected), "{message}");
        };
        check("scale =", "scael =", "scael");
        check("dirty = false\n", "", "dirty");
        check("seed = 7", "seed = -7", "seed");
        check("\"complete\"", "\"done\"", "done");
        check("end = \"2025-01-02T03:24:05Z\"\n", "", "needs an `end`");
        check(&format!("definition_hash = \"{}\"", "d".repeat(64)), "definition_hash = \"d\"", "definition_hash");
        check("artefact = \"fig4\"", "artefact = \"\"", "`artefact` is empty");
        check("threads = 2", "threads = 2\ncores = 1", "cores");
        check("commit = \"0123456789ab\"", "commit = \"..\"", "`commit` is `..`");
        check("score = 12.5", "score = nan", "`timings` has NaN for `score`");
        check("score = 12.5", "score = -1.0", "`timings` has -1 for `score`");
        let listed = format!("scores = \"{}\"", "e".repeat(64));
        check(&listed, "", "needs a table in `tables`");
        for name in ["../scores", "a/scores", "..", "", "a.b", "/tmp/scores"] {
            let renamed = format!("{name:?} = \"{}\"", "e".repeat(64));
            check(&listed, &renamed, &format!("`tables` names `{name}`"));
        }
        // TOML reads this text, but would not read it again in the form of a manifest.
        let deep = format!("[definition]\nx = {}1{}\n", "{a.a.a=".repeat(30), "}".repeat(30));
        check("[definition]\n", &deep, "inside each other");
    }

    fn running() -> Manifest {
        Manifest { status: RunStatus::Running, end: None, peak_memory_bytes: None, ..sample() }
    }

    fn with_wide_seeds() -> Manifest {
        Manifest { seed: u64::MAX, noise_draws: vec![u64::MAX, 0], ..sample() }
    }

    /// A complete run, as the experiments would record it.
    pub(crate) fn sample() -> Manifest {
        let split = |examples, digit: &str| SplitRecord { examples, sha256: digit.repeat(64) };
        Manifest {
            artefact: "fig4".to_owned(),
            scale: "laptop".to_owned(),
            title: "Figure 4".to_owned(),
            paper: "4.1".to_owned(),
            seed: 7,
            status: RunStatus::Complete,
            start: "2025-01-02T03:04:05Z".to_owned(),
            end: Some("2025-01-02T03:24:05Z".to_owned()),
            commit: "0123456789ab".to_owned(),
            dirty: false,
            lock_hash: "c".repeat(64),
            burn_version: "0.21.0".to_owned(),
            device: "CPU (flex)".to_owned(),
            device_class: "cpu".to_owned(),
            options: vec!["--set".to_owned(), "title=\"Figure 4\"".to_owned()],
            definition_hash: "d".repeat(64),
            noise_draws: vec![11, 12],
            warnings: vec!["2 of 50 trainings failed".to_owned()],
            units: Some(62),
            peak_memory_bytes: Some(1 << 30),
            host: Host { cpu: "Some CPU".to_owned(), threads: 2 },
            dataset: DatasetRecord {
                name: "shapes".to_owned(),
                classes: Some(10),
                shape: Some([3, 1, 16, 16]),
                train: split(2000, "a"),
                test: split(1000, "b"),
                sources: Vec::new(),
            },
            other_datasets: Vec::new(),
            regime: Some(Regimes {
                here: crate::summaries::regime::tests::paper(),
                paper: crate::summaries::regime::tests::paper(),
            }),
            tables: BTreeMap::from([("scores".to_owned(), "e".repeat(64))]),
            timings: BTreeMap::from([("score".to_owned(), 12.5), ("truth".to_owned(), 600.0)]),
            definition: toml::Table::from_iter([("title".to_owned(), "Figure 4".into())]),
        }
    }
}
