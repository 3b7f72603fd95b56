//! One run on disk: its folder, its files with their identities, its lock and its manifest.

use std::fs::{File, TryLockError};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::files::{self, create_folder, is_file, list, remove_unfinished};
use crate::store::identity::{Identity, Listed, StoredFile};
use crate::store::manifest::{Manifest, RunKey, RunStatus, is_table_name};
use crate::store::seal;
use crate::tables::{Row, read_table, table_file, write_table};

/// Levels of folders from the root to a run: artefact, scale, device class, commit, definition, seed.
pub(super) const LEVELS: usize = 6;

/// The folder of one run: one definition, one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
    key: RunKey,
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
        Self { path, key: key.clone() }
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
        let inner = ["units", "checkpoints", "networks"].map(|name| self.path.join(name));
        [self.path.clone()].iter().chain(&inner).try_for_each(|folder| remove_unfinished(folder))
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

    /// Whether a process holds the lock of the run; `None` where there are no locks. Nothing is written. The lock is held for no
    /// longer than this test.
    ///
    /// # Errors
    /// If the file of the lock is none, or the file system refuses.
    pub(crate) fn is_locked(&self) -> Result<Option<bool>> {
        if files::is_object(&self.path) {
            return Ok(None);
        }
        let path = self.path.join("lock");
        let Some(file) = files::open_lock_if_there(&path).map_err(Error::io(&path, "open"))? else {
            return Ok(Some(false));
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(false)),
            Err(TryLockError::WouldBlock) => Ok(Some(true)),
            Err(TryLockError::Error(cause)) if files::has_no_locks(&cause) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(Error::io(&path, "lock")(cause)),
        }
    }

    /// The first table of a complete run that is missing, that is not the one that the manifest lists, or that the manifest does
    /// not list.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn faulty_table(&self, manifest: &Manifest) -> Result<Option<Error>> {
        for (name, listed) in &manifest.tables {
            let path = self.path.join(name).with_extension("parquet");
            if !is_file(&path)? {
                return Ok(Some(Error::Damaged {
                    path,
                    problem: "missing, although the manifest lists it".to_owned(),
                }));
            }
            match seal::check_listed(&path, &files::read(&path)?, listed) {
                Ok(()) => {}
                Err(fault) => return Ok(Some(fault)),
            }
        }
        // A run that failed may have written some of its tables.
        if manifest.status == RunStatus::Complete {
            let unlisted = self.tables()?.into_iter().find(|(name, _)| !manifest.tables.contains_key(name));
            let problem = || "the manifest of its run does not list it".to_owned();
            return Ok(unlisted.map(|(_, path)| Error::Damaged { path, problem: problem() }));
        }
        Ok(None)
    }

    /// The tables in the folder, by their names.
    fn tables(&self) -> Result<Vec<(String, PathBuf)>> {
        let tables = list(&self.path)?.into_iter().filter(|entry| entry.has_extension("parquet"));
        let named = tables.filter_map(|table| Some((table.path.file_stem()?.to_str()?.to_owned(), table.path)));
        Ok(named.filter(|(name, _)| is_table_name(name)).collect())
    }

    /// Closes a run whose tables are written: the manifest lists their digests, and is written.
    ///
    /// # Errors
    /// If a table cannot be read, or the manifest cannot be written.
    pub fn close(&self, manifest: &mut Manifest, status: RunStatus, end: String) -> Result<()> {
        manifest.tables.clear();
        for (name, path) in self.tables()? {
            manifest.tables.insert(name, seal::sha256(&files::read(&path)?));
        }
        (manifest.end, manifest.status) = (Some(end), status);
        self.write_manifest(manifest)
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// File of the manifest.
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join("manifest.toml")
    }

    /// A table of the run.
    pub fn table<R: Row>(&self) -> StoredFile {
        self.rows_in::<R>("", R::NAME)
    }

    /// Rows that a unit of work writes. Their digest stands beside them.
    pub fn unit<R: Row>(&self, stem: &str) -> StoredFile {
        StoredFile { listed: Listed::Beside, ..self.rows_in::<R>("units/", stem) }
    }

    /// Rows of an unfinished unit of work.
    pub fn unfinished<R: Row>(&self, stem: &str) -> StoredFile {
        self.rows_in::<R>("checkpoints/", stem)
    }

    /// Tensors of a network that is the output of a unit of work. Their digest stands beside them.
    pub fn trained(&self, stem: &str) -> StoredFile {
        StoredFile { listed: Listed::Beside, ..self.tensors(stem) }
    }

    /// Tensors of an unfinished unit of work.
    pub fn tensors(&self, stem: &str) -> StoredFile {
        self.tensors_in("checkpoints", stem)
    }

    /// A trained network that the run keeps on request.
    pub fn network(&self, stem: &str) -> StoredFile {
        self.tensors_in("networks", stem)
    }

    fn tensors_in(&self, folder: &str, stem: &str) -> StoredFile {
        let name = format!("{folder}/{stem}.safetensors");
        let identity = self.identity(&name).with("schema", "tensors");
        StoredFile { path: self.path.join(name), identity, listed: Listed::Nowhere }
    }

    fn rows_in<R: Row>(&self, folder: &str, stem: &str) -> StoredFile {
        let name = format!("{folder}{stem}.parquet");
        table_file::<R>(self.path.join(&name), self.identity(&name))
    }

    /// Identity of a file of the run. That of a table lacks the commit: equal results of two commits are equal tables. The files
    /// that a run continues from, in subfolders, have it.
    fn identity(&self, name: &str) -> Identity {
        // The label of changed sources holds their digest, so the flag for them adds nothing.
        let RunKey { artefact, scale, device_class, definition_hash, seed, commit, dirty: _ } = &self.key;
        let run = Identity::default().with("artefact", artefact).with("scale", scale).with("device", device_class);
        let run = run.with("definition", definition_hash).with("seed", seed).with("file", name);
        match name.contains('/') {
            true => run.with("commit", commit),
            false => run,
        }
    }

    /// A file beside the outputs of units that is not sealed, or the folder of the units.
    pub fn unit_path(&self, file_name: &str) -> PathBuf {
        self.path.join("units").join(file_name)
    }

    /// Writes a table; see [`write_table`].
    ///
    /// # Errors
    /// If a row contradicts itself, or the file cannot be written.
    pub fn write<R: Row>(&self, rows: &[R]) -> Result<()> {
        write_table(&self.table::<R>(), rows)
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// If it is missing, faulty, or that of another run.
    pub fn read_manifest(&self) -> Result<Manifest> {
        Ok(StoredRun::open(&self.path)?.manifest)
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

impl StoredRun {
    /// Opens the run in a folder of a store.
    ///
    /// # Errors
    /// If the manifest is missing or faulty, or belongs in another folder.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_below(path, LEVELS)
    }

    /// Opens the run in a folder that lies `levels` folders below one that may have any name, such as a copy of a part of a
    /// store.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_below(path: &Path, levels: usize) -> Result<Self> {
        let file = path.join("manifest.toml");
        let manifest = Manifest::read(&file)?;
        let key = manifest.key();
        let place = RunDir::new(Path::new(""), &key).path;
        // The path may begin inside the store, or have `..` before these folders.
        let found = path.components().rev().take_while(|part| matches!(part, Component::Normal(_)));
        match place.components().rev().zip(found).take(levels).find(|(expected, found)| expected != found) {
            None => Ok(Self { dir: RunDir { path: path.to_path_buf(), key }, manifest }),
            Some((belongs, lies)) => {
                let [belongs, lies] = [belongs, lies].map(|part| part.as_os_str().display().to_string());
                Err(Error::Foreign { path: file, problem: format!("belongs to {belongs}, expected {lies}") })
            }
        }
    }

    /// Reads a table; see [`read_table`].
    ///
    /// # Errors
    /// If the table is missing or faulty, or is not the one that the manifest lists.
    pub fn read<R: Row>(&self) -> Result<Vec<R>> {
        let mut file = self.dir.table::<R>();
        let Some(listed) = self.manifest.tables.get(R::NAME) else {
            let problem = format!("lists no table `{}`", R::NAME);
            return Err(Error::Manifest { path: self.dir.manifest_path(), problem });
        };
        file.listed = Listed::As(listed.clone());
        read_table(&file)
    }
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
