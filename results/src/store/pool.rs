//! The pool of true errors: trainings of architectures that any run can reuse instead of training again.
//!
//! ```text
//! <pool>/truths/<key>.parquet          one training
//! <pool>/networks/<key>.safetensors    one trained SMASH network, with its epochs as `.parquet`
//! ```
//! The key of a training covers everything that the training depends on: the architecture up to isomorphism, recipe,
//! search space, data and seeds. A look-up computes the key again from the stored row. It therefore refuses a file that
//! was renamed or edited.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::files::{copy, create_folder, is_file, list, remove_unfinished};
use crate::tables::rows::measured_if_ok;
use crate::tables::{Status, declare, read_table, write_table};

declare! {
    /// One training of one architecture in a pool, or in a file that `cargo xtask pool export` wrote.
    pub struct PooledTruthRow in "pool" {
        /// Canonical hash of the architecture; isomorphic architectures have the same hash.
        pub canonical: String,
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
    pub fn truth_path(&self, key: &TruthKey) -> PathBuf {
        self.folder.join("truths").join(format!("{}.parquet", key.digest()))
    }

    /// The training with a key, if the pool has it.
    ///
    /// # Errors
    /// If the file cannot be read, or holds anything but this training.
    pub fn truth(&self, key: &TruthKey) -> Result<Option<PooledTruthRow>> {
        let path = self.truth_path(key);
        if !is_file(&path)? {
            return Ok(None);
        }
        let rows: Vec<PooledTruthRow> = read_table(&path)?;
        match <[_; 1]>::try_from(rows) {
            Ok([row]) if TruthKey::of(&row) == *key => Ok(Some(row)),
            _ => {
                Err(Error::Pool { path, problem: "expected the one training that the file is named after".to_owned() })
            }
        }
    }

    /// Adds a training. An existing one stays.
    ///
    /// # Errors
    /// If the row contradicts itself, or the file system refuses.
    pub fn add(&self, row: PooledTruthRow) -> Result<()> {
        let path = self.truth_path(&TruthKey::of(&row));
        if is_file(&path)? {
            return Ok(());
        }
        create_parent(&path)?;
        write_table(&path, &[row])
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
            rows.extend(read_table::<PooledTruthRow>(&truth.path)?);
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
    /// As [`Pool::truths`], or if the file cannot be written.
    pub fn export(&self, file: &Path) -> Result<usize> {
        let rows = self.truths()?;
        write_table(file, &rows)?;
        Ok(rows.len())
    }

    /// Adds the trainings of a file that [`Pool::export`] wrote, and returns the number of new ones. The file is read
    /// and checked before anything is added. A training that already exists must have ended alike.
    ///
    /// # Errors
    /// If the file is not such a table, or contradicts the pool.
    pub fn import(&self, file: &Path) -> Result<usize> {
        let rows: Vec<PooledTruthRow> = read_table(file)?;
        let mut new = Vec::new();
        for (index, row) in rows.into_iter().enumerate() {
            match self.truth(&TruthKey::of(&row))? {
                None => new.push(row),
                Some(known) if (known.status, known.error) == (row.status, row.error) => {}
                Some(known) => {
                    return Err(Error::Pool {
                        path: file.to_path_buf(),
                        problem: format!(
                            "row {index}: this training has error {:?} at commit {}, but the pool has it with error {:?} at \
                             commit {}",
                            row.error, row.commit, known.error, known.commit
                        ),
                    });
                }
            }
        }
        let count = new.len();
        new.into_iter().try_for_each(|row| self.add(row))?;
        Ok(count)
    }

    /// Files of a SMASH network that depends only on `context`: its checkpoint and its epochs.
    pub fn network_paths(&self, context: &str) -> [PathBuf; 2] {
        let name = digest(&["network", context]);
        ["safetensors", "parquet"].map(|extension| self.folder.join("networks").join(format!("{name}.{extension}")))
    }

    /// Stores a copy of a SMASH network's files. The checkpoint is written last, and stands for both files.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn add_network(&self, context: &str, [checkpoint, epochs]: [&Path; 2]) -> Result<()> {
        let [stored, stored_epochs] = self.network_paths(context);
        if is_file(&stored)? {
            return Ok(());
        }
        create_parent(&stored)?;
        copy(epochs, &stored_epochs)?;
        copy(checkpoint, &stored)
    }
}

fn create_parent(path: &Path) -> Result<()> {
    create_folder(path.parent().expect("a file of the pool lies in a folder"))
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
