//! The store on disk: where the files of a run lie, how they are written, and which runs there are.
//!
//! ```text
//! <root>/<artefact>/<scale>/<device class>/<commit>[-dirty]/<definition>/seed-<n>/
//!   manifest.toml  *.parquet     the result
//!   units/  checkpoints/         what a resume needs
//! ```
//! `<definition>` is the first eight digits of the definition's hash. Another data set, or any other override of a
//! setting that decides tables, makes another result at the same commit. Such a result must neither overwrite this one
//! nor resume from it.

pub mod baseline;
pub mod benchmark;
mod faults;
pub mod files;
pub mod manifest;
mod objects;
pub mod pool;
pub mod seal;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::files::{Entry, create_folder, is_file, list, remove_unfinished};
use crate::store::manifest::{Manifest, RunKey, RunStatus};
use crate::tables::{Row, read_table, write_table};

/// Default folder of runs, relative to the root of the workspace.
pub const DEFAULT_ROOT: &str = "results/runs";

/// Levels of folders from the root to a run: artefact, scale, device class, commit, definition, seed.
const LEVELS: usize = 6;

/// The folder of one run: one definition, one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The folder of a run, whether or not it exists yet.
    ///
    /// # Panics
    /// If the definition's hash has fewer than eight digits, or another part of the key is empty.
    pub fn new(root: &Path, key: &RunKey) -> Self {
        let definition = &key.definition_hash[..8];
        let commit = if key.dirty { format!("{}-dirty", key.commit) } else { key.commit.clone() };
        let seed = format!("seed-{}", key.seed);
        let folders = [&key.artefact, &key.scale, &key.device_class, &commit, definition, &seed];
        let path = folders.iter().fold(root.to_path_buf(), |path, name| path.join(folder_name(name)));
        Self { path }
    }

    /// Creates the folder, with subfolders for units and checkpoints.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn create(&self) -> Result<()> {
        for folder in ["units", "checkpoints"] {
            create_folder(&self.path.join(folder))?;
        }
        Ok(())
    }

    /// Removes the remains of interrupted writes.
    ///
    /// # Errors
    /// As [`remove_unfinished`].
    pub fn remove_unfinished(&self) -> Result<()> {
        let folders = [self.path(), &self.unit_path(""), &self.checkpoint_path("")];
        folders.into_iter().try_for_each(remove_unfinished)
    }

    /// Locks the run for this process alone until the returned file is closed, at the latest when the process ends.
    /// `None` where there are no locks, such as in an object store.
    ///
    /// # Errors
    /// If another process uses this run, or the file system refuses.
    pub fn lock_alone(&self) -> Result<Option<File>> {
        self.lock(File::try_lock)
    }

    /// As [`Self::lock_alone`], but excludes only processes that lock the run alone.
    ///
    /// # Errors
    /// As [`Self::lock_alone`].
    pub fn lock_with_others(&self) -> Result<Option<File>> {
        self.lock(File::try_lock_shared)
    }

    fn lock(&self, lock: impl FnOnce(&File) -> std::result::Result<(), TryLockError>) -> Result<Option<File>> {
        if files::is_object(&self.path) {
            return Ok(None);
        }
        let path = self.path.join("lock");
        let file = files::open_lock(&path).map_err(Error::io(&path, "open"))?;
        match lock(&file) {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: self.path.clone() }),
            Err(TryLockError::Error(cause)) if files::has_no_locks(&cause) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(Error::io(&path, "lock")(cause)),
        }
    }

    /// The first damaged table, if there is one.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn damaged_table(&self) -> Result<Option<Error>> {
        let entries = list(&self.path)?.into_iter();
        for table in entries.filter(|entry| entry.has_extension("parquet")) {
            match seal::check_file(&table.path) {
                Ok(()) => {}
                Err(error @ Error::Damaged { .. }) => return Ok(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// File of the manifest.
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join("manifest.toml")
    }

    /// File of a table.
    pub fn table_path<R: Row>(&self) -> PathBuf {
        self.path.join(R::NAME).with_extension("parquet")
    }

    /// Output of a unit of work. The unit is done if and only if the file exists.
    pub fn unit_path(&self, file_name: &str) -> PathBuf {
        self.path.join("units").join(file_name)
    }

    /// State of an unfinished unit of work.
    pub fn checkpoint_path(&self, file_name: &str) -> PathBuf {
        self.path.join("checkpoints").join(file_name)
    }

    /// Reads a table; see [`read_table`].
    ///
    /// # Errors
    /// If the table is missing or faulty.
    pub fn read<R: Row>(&self) -> Result<Vec<R>> {
        read_table(&self.table_path::<R>())
    }

    /// Writes a table; see [`write_table`].
    ///
    /// # Errors
    /// If a row contradicts itself, or the file cannot be written.
    pub fn write<R: Row>(&self, rows: &[R]) -> Result<()> {
        write_table(&self.table_path::<R>(), rows)
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// If it is missing or faulty.
    pub fn read_manifest(&self) -> Result<Manifest> {
        Manifest::read(&self.manifest_path())
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// If the definition cannot be written as TOML, or the file cannot be written.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        manifest.write(&self.manifest_path())
    }
}

/// A run on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// Its folder.
    pub dir: RunDir,
    /// Its manifest.
    pub manifest: Manifest,
}

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

    /// The folder that holds its runs.
    pub fn folder(&self) -> &Path {
        self.runs[0].dir.path.parent().expect("a run lies in a folder")
    }

    /// The rows of all seeds in the order of the seeds.
    ///
    /// # Errors
    /// If a table is missing or faulty.
    pub fn read<R: Row>(&self) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        for run in &self.runs {
            rows.extend(run.dir.read::<R>()?);
        }
        Ok(rows)
    }

    /// The rows of all seeds of a table that older runs may lack; `None` unless all runs have it.
    ///
    /// # Errors
    /// If an existing table is faulty.
    pub fn read_if_there<R: Row>(&self) -> Result<Option<Vec<R>>> {
        for run in &self.runs {
            if !is_file(&run.dir.table_path::<R>())? {
                return Ok(None);
            }
        }
        self.read().map(Some)
    }

    /// The time of the last run; see [`Manifest::recency`]. It decides which of two groups is newer.
    pub fn recency(&self) -> &str {
        let times = self.runs.iter().map(|run| run.manifest.recency());
        times.max().expect("a group has a complete run")
    }
}

/// All runs under `root`, or those of one artefact, in the order of their paths. A missing root
/// holds no runs.
///
/// # Errors
/// If a folder cannot be listed, or a manifest is faulty.
pub fn find_runs(root: &Path, artefact: Option<&str>) -> Result<Vec<StoredRun>> {
    // Artefact, scale, device class, commit, definition, seed.
    let mut folders = vec![root.to_path_buf()];
    for name in [artefact, None, None, None, None, None] {
        let mut inner = Vec::new();
        for folder in &folders {
            inner.extend(sub_folders(folder, name)?);
        }
        folders = inner;
    }
    let mut runs = Vec::new();
    for path in folders {
        let dir = RunDir { path };
        if is_file(&dir.manifest_path())? {
            let manifest = dir.read_manifest()?;
            runs.push(StoredRun { dir, manifest });
        }
    }
    Ok(runs)
}

/// All runs in a folder at any level of the store, in the order of their paths. The levels range from the root to the
/// folder of one run.
///
/// # Errors
/// If a folder cannot be listed, or a manifest is faulty.
pub fn find_runs_below(folder: &Path) -> Result<Vec<StoredRun>> {
    let mut runs = Vec::new();
    let mut folders = vec![(folder.to_path_buf(), 0)];
    while let Some((path, level)) = folders.pop() {
        let dir = RunDir { path };
        if is_file(&dir.manifest_path())? {
            let manifest = dir.read_manifest()?;
            runs.push(StoredRun { dir, manifest });
        } else if level < LEVELS {
            let inner = sub_folders(&dir.path, None)?.into_iter().rev();
            folders.extend(inner.map(|path| (path, level + 1)));
        }
    }
    Ok(runs)
}

/// All groups with a complete run, in the order of their paths.
pub fn groups(runs: Vec<StoredRun>) -> Vec<Group> {
    let mut groups: Vec<(PathBuf, Vec<StoredRun>)> = Vec::new();
    for run in runs {
        let folder = run.dir.path.parent().expect("a run lies in a folder");
        match groups.iter_mut().find(|(path, _)| path == folder) {
            Some((_, group)) => group.push(run),
            None => groups.push((folder.to_path_buf(), vec![run])),
        }
    }
    groups.into_iter().filter_map(|(_, runs)| group_of(runs)).collect()
}

/// The newest group with a complete run for every artefact, scale and data set, in the order of these names. A group is
/// newer if its last run ended later.
pub fn latest_groups(runs: Vec<StoredRun>) -> Vec<Group> {
    let mut latest: std::collections::BTreeMap<[String; 3], Group> = Default::default();
    for group in groups(runs) {
        let known = latest.entry(group.subject().map(String::from)).or_insert_with(|| group.clone());
        if group.recency() > known.recency() {
            *known = group;
        }
    }
    latest.into_values().collect()
}

/// The newest of all groups with a complete run.
pub fn latest_group(runs: Vec<StoredRun>) -> Option<Group> {
    let groups = latest_groups(runs).into_iter();
    groups.max_by(|a, b| a.recency().cmp(b.recency()))
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

/// A name in lower case, with `-` for everything but letters, digits, dots and underscores.
fn folder_name(name: &str) -> String {
    assert!(!name.is_empty(), "a part of a run's key is empty");
    let letter = |c: char| match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        'a'..='z' | '0'..='9' | '.' | '_' => c,
        _ => '-',
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests;
