//! The store on disk: where the files of a run lie, and which runs there are.
//!
//! ```text
//! <root>/<artefact>/<scale>/<device class>/<commit>[-dirty]/<definition>/seed-<n>/
//!   manifest.toml  *.parquet     the result
//!   units/  checkpoints/         what a resume needs; each output has its digest beside it
//!   networks/                    trained networks, on request
//! ```
//! `<definition>` is the first eight digits of the definition's hash. Another data set, or any other override of a
//! setting that decides tables, makes another result at the same commit. Such a result must neither overwrite this one
//! nor resume from it.

pub mod baseline;
pub mod benchmark;
mod faults;
pub mod files;
pub mod identity;
pub mod manifest;
mod objects;
pub mod pool;
mod run;
pub mod seal;
pub mod states;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::store::files::{Entry, is_file, list};
use crate::store::manifest::{Manifest, RunStatus, timestamp};
use crate::store::run::LEVELS;
pub use crate::store::run::{RunDir, StoredRun};
use crate::tables::Row;

/// Default folder of runs, relative to the root of the workspace.
pub const DEFAULT_ROOT: &str = "results/runs";

/// The runs of one definition at one commit on one class of device. They differ in their seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The complete runs in the order of their seeds; never empty.
    pub runs: Vec<StoredRun>,
    /// Seeds whose runs are still open or have failed.
    pub unfinished: Vec<u64>,
}

impl Group {
    /// The manifest of the first seed, for everything that all seeds share.
    pub fn manifest(&self) -> &Manifest {
        &self.runs[0].manifest
    }

    /// Artefact, scale and data set: the subject of the result.
    pub fn subject(&self) -> [&str; 3] {
        let manifest = self.manifest();
        [&manifest.artefact, &manifest.scale, &manifest.dataset.name]
    }

    /// Its name in file names: artefact, scale and data set, such as `fig4-laptop-shapes`. A file of this name lies in the folder
    /// that it is put into, whatever a manifest says.
    pub fn name(&self) -> String {
        self.subject().join("-").replace(['/', '\\'], "-")
    }

    /// The folder that holds its runs.
    pub fn folder(&self) -> &Path {
        self.runs[0].dir.path().parent().expect("a run lies in a folder")
    }

    /// The rows of all seeds in the order of the seeds.
    ///
    /// # Errors
    /// If a table is missing or faulty.
    pub fn read<R: Row>(&self) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        for run in &self.runs {
            rows.extend(run.read::<R>()?);
        }
        Ok(rows)
    }

    /// The rows of all seeds of a table that older runs may lack; `None` unless all runs have it.
    ///
    /// # Errors
    /// If an existing table is faulty.
    pub fn read_if_there<R: Row>(&self) -> Result<Option<Vec<R>>> {
        let all = self.runs.iter().all(|run| run.manifest.tables.contains_key(R::NAME));
        all.then(|| self.read()).transpose()
    }

    /// When its last run ended.
    pub fn end(&self) -> &str {
        let times = self.runs.iter().map(|run| run.manifest.recency());
        times.max().expect("a group has a complete run")
    }

    /// Whether it claims to have ended later than now, as after a run under a clock that was set ahead.
    pub fn ends_in_future(&self) -> bool {
        self.end() > timestamp(SystemTime::now()).as_str()
    }

    /// Order of groups in time. A group that ends in the future comes before all others: it must not hide later results.
    pub fn age(&self) -> (bool, &str) {
        (!self.ends_in_future(), self.end())
    }
}

/// The runs that a search has found.
#[derive(Debug, Default)]
pub struct Found {
    /// The runs, in the order of their paths.
    pub runs: Vec<StoredRun>,
    /// Why the other manifests cannot be read.
    pub faulty: Vec<Error>,
}

impl Found {
    fn add(&mut self, folder: &Path, levels: usize) {
        match StoredRun::open_below(folder, levels) {
            Ok(run) => self.runs.push(run),
            Err(fault) => self.faulty.push(fault),
        }
    }

    /// All runs.
    ///
    /// # Errors
    /// The first manifest that cannot be read.
    pub fn all(self) -> Result<Vec<StoredRun>> {
        match self.faulty.into_iter().next() {
            None => Ok(self.runs),
            Some(fault) => Err(fault),
        }
    }
}

/// Looks for all runs under `root`, or those of one artefact. A missing root holds no runs.
///
/// # Errors
/// If a folder cannot be listed.
pub fn find_runs(root: &Path, artefact: Option<&str>) -> Result<Found> {
    let mut found = Found::default();
    for folder in run_folders(root, artefact)? {
        found.add(&folder, LEVELS);
    }
    Ok(found)
}

/// The folders with a manifest under `root`, or those of one artefact, in the order of their paths.
fn run_folders(root: &Path, artefact: Option<&str>) -> Result<Vec<PathBuf>> {
    // Artefact, scale, device class, commit, definition, seed.
    let mut folders = vec![root.to_path_buf()];
    for name in [artefact, None, None, None, None, None] {
        let mut inner = Vec::new();
        for folder in &folders {
            inner.extend(sub_folders(folder, name)?);
        }
        folders = inner;
    }
    let mut found = Vec::new();
    for folder in folders {
        if is_file(&folder.join("manifest.toml"))? {
            found.push(folder);
        }
    }
    Ok(found)
}

/// Looks for all runs in a folder at any level of the store. The levels range from the root to the folder of one run.
///
/// # Errors
/// If a folder cannot be listed.
pub fn find_runs_below(folder: &Path) -> Result<Found> {
    let mut found = Found::default();
    let mut folders = vec![(folder.to_path_buf(), 0)];
    while let Some((path, level)) = folders.pop() {
        if is_file(&path.join("manifest.toml"))? {
            found.add(&path, level);
        } else if level < LEVELS {
            let inner = sub_folders(&path, None)?.into_iter().rev();
            folders.extend(inner.map(|path| (path, level + 1)));
        }
    }
    Ok(found)
}

/// All groups with a complete run, in the order of their paths.
pub fn groups(runs: Vec<StoredRun>) -> Vec<Group> {
    let mut groups: Vec<(PathBuf, Vec<StoredRun>)> = Vec::new();
    for run in runs {
        let folder = run.dir.path().parent().expect("a run lies in a folder");
        match groups.iter_mut().find(|(path, _)| path == folder) {
            Some((_, group)) => group.push(run),
            None => groups.push((folder.to_path_buf(), vec![run])),
        }
    }
    groups.into_iter().filter_map(|(_, runs)| group_of(runs)).collect()
}

/// The newest group with a complete run for every artefact, scale and data set, in the order of these names; see
/// [`Group::age`].
pub fn latest_groups(runs: Vec<StoredRun>) -> Vec<Group> {
    let mut latest: std::collections::BTreeMap<[String; 3], Group> = Default::default();
    for group in groups(runs) {
        let known = latest.entry(group.subject().map(String::from)).or_insert_with(|| group.clone());
        if group.age() > known.age() {
            *known = group;
        }
    }
    latest.into_values().collect()
}

/// The newest of some groups; see [`Group::age`].
pub fn newest(groups: impl IntoIterator<Item = Group>) -> Option<Group> {
    groups.into_iter().max_by(|a, b| a.age().cmp(&b.age()))
}

/// Makes a group; `None` if no run is complete.
fn group_of(mut runs: Vec<StoredRun>) -> Option<Group> {
    runs.sort_by_key(|run| run.manifest.seed);
    let complete = |run: &StoredRun| run.manifest.status == RunStatus::Complete;
    let (runs, open): (Vec<_>, Vec<_>) = runs.into_iter().partition(complete);
    let unfinished = open.iter().map(|run| run.manifest.seed).collect();
    (!runs.is_empty()).then_some(Group { runs, unfinished })
}

/// The subfolders of a folder in the order of their names, or only the one with the given name. Folders whose names
/// start with a dot are still being written, and are skipped.
fn sub_folders(folder: &Path, name: Option<&str>) -> Result<Vec<PathBuf>> {
    let wanted = |entry: &Entry| {
        let own = entry.path.file_name().unwrap_or_default();
        let is_hidden = own.as_encoded_bytes().starts_with(b".");
        name.is_none_or(|name| own == name) && !is_hidden && entry.is_folder
    };
    let found = list(folder)?.into_iter().filter(wanted);
    Ok(found.map(|entry| entry.path).collect())
}

#[cfg(test)]
mod tests;
