//! The pool of true errors: trainings of architectures that any run can reuse instead of training again.
//!
//! ```text
//! <pool>/truths/<key>.parquet          one training
//! <pool>/networks/<key>.safetensors    one trained SMASH network, with its epochs as `.parquet`
//! ```
//! The key of a training covers the architecture up to isomorphism, recipe, search space, data and seeds. It is the identity
//! of the file. A look-up computes the key again from the stored row, so it refuses a file that was renamed or edited. It also
//! asks for the same JSON, because isomorphic architectures train alike only up to noise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::files::{create_folder, is_file, list, remove_unfinished};
use crate::store::identity::{Identity, Listed, StoredFile};
use crate::tables::rows::EpochRow;
use crate::tables::{Status, declare, measured_if_ok, read_table, table_file, write_table};

declare! {
    /// One training of one architecture in a pool, or in a file that `cargo xtask pool export` wrote.
    pub struct PooledTruthRow in "pool" {
        /// Canonical hash of the architecture; isomorphic architectures have the same hash.
        pub canonical: String,
        /// Hash of `json`. Tables of older programs lack this column.
        pub hash: Option<String>,
        /// The architecture that was trained, in its stored form.
        pub json: String,
        /// Everything else that the training depends on, as JSON: recipe, search space, data, kind of device.
        pub context: String,
        /// Root seed of the run that trained it.
        pub seed: u64,
        /// Index of the repetition of the training, counted from 0.
        pub training_seed: u32,
        /// How the training ended.
        pub status: Status,
        /// Test error: the true error. It is present if and only if the status is ok.
        pub error: Option<f64> as "fraction in [0, 1]",
        /// Validation error at the end of the training.
        pub validation_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training error of the last epoch. Tables of older programs lack this column.
        pub train_error: Option<f64> as "fraction in [0, 1]",
        /// Mean training loss of the last epoch.
        pub train_loss: Option<f64> as "nats",
        /// Number of completed epochs.
        pub epochs: u32 as "count",
        /// Mean training loss and error of each completed epoch: LOSS,ERROR, with a space between epochs. Tables of older programs
        /// lack this column.
        pub train_curve: Option<String>,
        /// Why the training failed.
        pub message: Option<String>,
        /// Commit of the code that trained it.
        pub commit: String,
    }
    fault(status, error) = measured_if_ok
}

/// Identity of a training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthKey {
    /// See [`PooledTruthRow::canonical`].
    pub canonical: String,
    /// See [`PooledTruthRow::context`].
    pub context: String,
    /// Root seed.
    pub seed: u64,
    /// Index of the repetition of the training.
    pub training_seed: u32,
}

impl TruthKey {
    fn of(row: &PooledTruthRow) -> Self {
        Self {
            canonical: row.canonical.clone(),
            context: row.context.clone(),
            seed: row.seed,
            training_seed: row.training_seed,
        }
    }

    fn digest(&self) -> String {
        let (seed, training_seed) = (self.seed.to_string(), self.training_seed.to_string());
        digest(&["truth", &self.canonical, &self.context, &seed, &training_seed])
    }
}

/// The pool in a folder.
#[derive(Clone, Debug)]
pub struct Pool {
    folder: PathBuf,
}

impl Pool {
    /// The pool in a folder, which need not exist yet.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// Removes the remains of interrupted writes.
    ///
    /// # Errors
    /// As [`remove_unfinished`].
    pub fn remove_unfinished(&self) -> Result<()> {
        ["truths", "networks"].iter().try_for_each(|name| remove_unfinished(&self.folder.join(name)))
    }

    /// File of the training with a key.
    pub fn truth_file(&self, key: &TruthKey) -> StoredFile {
        self.truth_file_named(&key.digest())
    }

    fn truth_file_named(&self, digest: &str) -> StoredFile {
        let path = self.folder.join("truths").join(format!("{digest}.parquet"));
        table_file::<PooledTruthRow>(path, Identity::default().with("training", digest))
    }

    /// The training with a key, if the pool has it.
    ///
    /// # Errors
    /// If the file cannot be read, or holds anything but this training.
    pub fn truth(&self, key: &TruthKey) -> Result<Option<PooledTruthRow>> {
        let file = self.truth_file(key);
        match is_file(&file.path)? {
            true => truth_in(&file, &key.digest()).map(Some),
            false => Ok(None),
        }
    }

    /// Adds a training. An existing one stays.
    ///
    /// # Errors
    /// If the row contradicts itself, or the file system refuses.
    pub fn add(&self, row: PooledTruthRow) -> Result<()> {
        let file = self.truth_file(&TruthKey::of(&row));
        if is_file(&file.path)? {
            return Ok(());
        }
        create_folder(file.path.parent().expect("files of a pool have a parent folder"))?;
        write_table(&file, &[row])
    }

    /// All trainings, ordered by context, architecture and seeds.
    ///
    /// # Errors
    /// If a file cannot be read or is not one of a pool.
    pub fn truths(&self) -> Result<Vec<PooledTruthRow>> {
        let folder = self.folder.join("truths");
        let mut rows = Vec::new();
        let entries = list(&folder)?.into_iter();
        for truth in entries.filter(|entry| entry.has_extension("parquet")) {
            let digest = truth.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            rows.push(truth_in(&self.truth_file_named(&digest), &digest)?);
        }
        rows.sort_by(|a, b| {
            let order = |row: &PooledTruthRow| (row.seed, row.training_seed);
            (&a.context, &a.canonical, order(a)).cmp(&(&b.context, &b.canonical, order(b)))
        });
        Ok(rows)
    }

    /// Writes all trainings to one Parquet file, and returns their number.
    ///
    /// # Errors
    /// As [`Pool::truths`], if there is no training, or if the file cannot be written.
    pub fn export(&self, file: &Path) -> Result<usize> {
        let rows = self.truths()?;
        if rows.is_empty() {
            return Err(fault(&self.folder, "no pool with trainings is there".to_owned()));
        }
        write_table(&exported(file), &rows)?;
        Ok(rows.len())
    }

    /// Adds the trainings of a file that [`Pool::export`] wrote, and returns the number of new ones. The file is read
    /// and checked before anything is added; `problem` says what else is wrong with a row. A training that already
    /// exists must have ended alike.
    ///
    /// # Errors
    /// If the file is not such a table, or contradicts itself or the pool.
    pub fn import(&self, file: &Path, problem: impl Fn(&PooledTruthRow) -> Option<String>) -> Result<usize> {
        let rows: Vec<PooledTruthRow> = read_table(&exported(file))?;
        let mut new: BTreeMap<String, (usize, &PooledTruthRow)> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            let of_row = |problem: String| fault(file, format!("row {index}: {problem}"));
            if let Some(problem) = problem(row) {
                return Err(of_row(problem));
            }
            let contradicts = |known: &PooledTruthRow, place: String| {
                of_row(format!(
                    "this training has error {:?} at commit {}, but {place} has it with error {:?} at commit {}",
                    row.error, row.commit, known.error, known.commit
                ))
            };
            let is_alike = |known: &PooledTruthRow| (known.status, known.error) == (row.status, row.error);
            let key = TruthKey::of(row);
            if let Some(known) = self.truth(&key)? {
                if !is_alike(&known) {
                    return Err(contradicts(&known, "the pool".to_owned()));
                }
                continue;
            }
            let (first, known) = *new.entry(key.digest()).or_insert((index, row));
            if !is_alike(known) {
                return Err(contradicts(known, format!("row {first}")));
            }
        }
        new.values().try_for_each(|(_, row)| self.add((*row).clone()))?;
        Ok(new.len())
    }

    /// Files of a SMASH network that depends only on `context`: its checkpoint and its epochs.
    pub fn network_files(&self, context: &str) -> (StoredFile, StoredFile) {
        let name = digest(&["network", context]);
        let path = |extension: &str| self.folder.join("networks").join(format!("{name}.{extension}"));
        let identity = || Identity::default().with("network", &name);
        let tensors = identity().with("schema", "tensors");
        let tensors = StoredFile { path: path("safetensors"), identity: tensors, listed: Listed::Nowhere };
        (tensors, table_file::<EpochRow>(path("parquet"), identity()))
    }
}

/// Reads the training in a file that is named after it.
fn truth_in(file: &StoredFile, digest: &str) -> Result<PooledTruthRow> {
    let rows: Vec<PooledTruthRow> = read_table(file)?;
    match <[_; 1]>::try_from(rows) {
        Ok([row]) if TruthKey::of(&row).digest() == digest => Ok(row),
        _ => Err(fault(&file.path, "expected the one training that the file is named after".to_owned())),
    }
}

/// A file outside the pool that holds all its trainings.
fn exported(path: &Path) -> StoredFile {
    table_file::<PooledTruthRow>(path.to_path_buf(), Identity::default().with("file", "exported-pool"))
}

fn fault(path: &Path, problem: String) -> Error {
    Error::Pool { path: path.to_path_buf(), problem }
}

/// Hashes texts to 32 hexadecimal digits. Their lengths are hashed too, so different lists get different digits.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"smash-pool-v1");
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests;
