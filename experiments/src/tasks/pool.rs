//! Takes trained networks from a pool, and adds the networks of a run to it.

use std::path::Path;

use anyhow::{Context, Result};
use results::store::files::{create_folder, is_file, list, read_text, write_atomically};
use results::store::identity::StoredFile;
use results::store::pool::{Pool, PooledTruthRow, TruthKey};
use results::tables::{read_table, write_table};
use results::{EpochRow, Error, RunDir, TruthRow};
use serde::Serialize;
use smash::training::checkpoint::Checkpoint;
use smash::training::smash_training::SmashTraining;
use smash::{Architecture, HyperNetConfig, ResultingTraining, SearchSpace, Task};

use crate::engine::checkpoints::{read_checkpoint, write_checkpoint};
use crate::engine::damage::read_if_usable;
use crate::tasks::learning_curve::{Epoch, curve_text, parse_curve};
use crate::tasks::stored_rows::{epochs_problem, pooled_problem};

/// Version of the training code. Raise it with every change that alters the result of a training by more than rounding. The
/// trainings of a pool from before such a change are then not taken for current ones.
const TRAINING_VERSION: u32 = 1;

/// The pool of a run.
#[derive(Clone, Debug)]
pub struct RunPool {
    pool: Pool,
    /// Label of the program that runs.
    commit: String,
    device_class: &'static str,
}

/// The images that a pooled training used.
#[derive(Clone, Debug, Serialize)]
pub struct PooledData {
    train: String,
    test: String,
    validation: usize,
    /// Root seed, which determines the validation images.
    split: u64,
}

/// Everything that the true error of an architecture depends on, besides the architecture itself, the seeds and this program.
#[derive(Serialize)]
pub struct TruthContext<'a> {
    /// The images.
    pub data: &'a PooledData,
    /// Their size.
    pub task: Task,
    /// The search space.
    pub space: &'a SearchSpace,
    /// The training.
    pub recipe: &'a ResultingTraining,
}

/// A [`TruthContext`] with the properties of this program.
#[derive(Serialize)]
struct VersionedContext<'a> {
    training: u32,
    device: &'a str,
    #[serde(flatten)]
    context: &'a TruthContext<'a>,
}

/// Everything that a SMASH network depends on.
#[derive(Serialize)]
pub struct NetworkContext<'a> {
    /// The images.
    pub data: &'a PooledData,
    /// Their size.
    pub task: Task,
    /// The search space.
    pub space: &'a SearchSpace,
    /// Size of the HyperNet, if it has one.
    pub hypernet: Option<&'a HyperNetConfig>,
    /// The training.
    pub smash: &'a SmashTraining,
    /// Root of the network's random numbers.
    pub seed: u64,
    /// Numbers of epochs after which its states are stored too.
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    pub kept: &'a [usize],
}

/// A training that a pool or a benchmark supplies.
#[derive(Debug, PartialEq)]
pub struct Taken {
    /// Its measurements, as a row of the run.
    pub truth: TruthRow,
    /// Its completed epochs; none if a pool of an older program supplies it.
    pub epochs: Vec<Epoch>,
    /// Its origin, in words.
    pub origin: String,
}

/// A SMASH network in a pool.
pub struct PooledNetwork {
    /// The tensors, as its run stores them.
    pub network: Checkpoint,
    /// Loss and error of its epochs.
    pub epochs: Vec<EpochRow>,
}

impl PooledData {
    /// The images, from the digests of the training and the test set.
    pub fn of([train, test]: &[String; 2], validation: usize, seed: u64) -> Self {
        Self { train: train.clone(), test: test.clone(), validation, split: seed }
    }
}

impl RunPool {
    /// Opens the pool in a folder, for a run of this commit on this class of device.
    pub fn new(folder: &Path, commit: &str, device_class: &'static str) -> Self {
        Self { pool: Pool::new(folder), commit: commit.into(), device_class }
    }

    /// Removes the remains of interrupted writes from the pool.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn remove_unfinished(&self) -> Result<()> {
        Ok(self.pool.remove_unfinished()?)
    }

    /// The commit of the run.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The key of a true error.
    pub fn truth_key(&self, context: &TruthContext<'_>, architecture: &Architecture, training_seed: usize) -> TruthKey {
        TruthKey {
            canonical: architecture.canonical_hash(context.space),
            context: as_json(&VersionedContext { training: TRAINING_VERSION, device: self.device_class, context }),
            seed: context.data.split,
            training_seed: training_seed as u32,
        }
    }

    /// Finds the training with this key, as a row of the run for architecture number `index`. Its origin is the commit that
    /// trained it. An isomorphic architecture has the same key, but sums in another order: its training rounds differently, and
    /// does not count.
    ///
    /// # Errors
    /// A pool file that the system does not read.
    pub fn truth(&self, key: &TruthKey, architecture: &Architecture, index: usize) -> Result<Option<Taken>> {
        let pooled = read_if_usable(&self.pool.truth_file(key), |file| {
            let pooled = self.pool.truth(key)?;
            match pooled.as_ref().map(pooled_problem) {
                Some(Err(problem)) => Err(Error::Damaged { path: file.path.clone(), problem }),
                _ => Ok(pooled),
            }
        })?;
        let same = pooled.flatten().filter(|pooled| pooled.json == architecture.to_json());
        Ok(same.map(|pooled| {
            let curve = pooled.train_curve.as_deref().map(parse_curve);
            let truth = TruthRow {
                seed: key.seed,
                architecture: index as u32,
                training_seed: key.training_seed,
                status: pooled.status,
                error: pooled.error,
                validation_error: pooled.validation_error,
                train_error: pooled.train_error,
                train_loss: pooled.train_loss,
                epochs: pooled.epochs,
                message: pooled.message,
            };
            let epochs = curve.and_then(Result::ok).unwrap_or_default();
            Taken { truth, epochs, origin: pooled.commit }
        }))
    }

    /// Adds a training of this run.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn add_truth(
        &self,
        key: TruthKey,
        architecture: &Architecture,
        row: &TruthRow,
        epochs: &[Epoch],
    ) -> Result<()> {
        let pooled = PooledTruthRow {
            canonical: key.canonical,
            hash: Some(architecture.hash()),
            json: architecture.to_json(),
            context: key.context,
            seed: key.seed,
            training_seed: key.training_seed,
            status: row.status,
            error: row.error,
            validation_error: row.validation_error,
            train_error: row.train_error,
            train_loss: row.train_loss,
            epochs: row.epochs,
            train_curve: Some(curve_text(epochs)),
            message: row.message.clone(),
            commit: self.commit.clone(),
        };
        Ok(self.pool.add(pooled)?)
    }

    /// Only a program of the same label reuses a SMASH network, since commits may differ in how they train it.
    fn network_context(&self, context: &NetworkContext) -> String {
        as_json(&(&self.commit, self.device_class, context))
    }

    /// Files of a SMASH network, whether or not the pool has them: its checkpoint and its epochs.
    pub fn network_files(&self, context: &NetworkContext) -> (StoredFile, StoredFile) {
        self.pool.network_files(&self.network_context(context))
    }

    /// Whether the pool has a file for the training with this key. Only [`Self::truth`] reads it, and does not take the training
    /// of an isomorphic architecture.
    ///
    /// # Errors
    /// A place that cannot be looked at.
    pub fn has_truth(&self, key: &TruthKey) -> Result<bool> {
        Ok(is_file(&self.pool.truth_file(key).path)?)
    }

    /// Reads a SMASH network; `None` if the pool does not have it. A file is set aside if `check` finds other tensors than the
    /// network has, or if the epochs are not those of the training.
    ///
    /// # Errors
    /// If the system does not read or rename a file.
    pub fn take_network(
        &self,
        context: &NetworkContext,
        check: impl Fn(&Checkpoint) -> Result<()>,
    ) -> Result<Option<PooledNetwork>> {
        let (network, epochs) = self.network_files(context);
        let network = read_if_usable(&network, |file| {
            let network = read_checkpoint(file)?;
            check(&network).with_context(|| file.path.display().to_string())?;
            anyhow::Ok(network)
        })?;
        let Some(network) = network else {
            return Ok(None);
        };
        let epochs = read_if_usable(&epochs, |file| {
            let rows: Vec<EpochRow> = read_table(file)?;
            match epochs_problem(&rows, context.data.split, context.smash.epochs) {
                Some(problem) => Err(Error::Damaged { path: file.path.clone(), problem }),
                None => Ok(rows),
            }
        })?;
        Ok(epochs.map(|epochs| PooledNetwork { network, epochs }))
    }

    /// Adds a SMASH network, unless the pool has it. Its checkpoint is written last.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn add_network(&self, context: &NetworkContext, added: PooledNetwork) -> Result<()> {
        let (network, epochs) = self.network_files(context);
        if is_file(&network.path)? && is_file(&epochs.path)? {
            return Ok(());
        }
        create_folder(network.path.parent().expect("files of a pool have a parent folder"))?;
        write_table(&epochs, &added.epochs)?;
        write_checkpoint(&network, added.network)
    }
}

/// Adds the trainings of a file to a pool, and returns the number of new ones.
///
/// # Errors
/// As [`Pool::import`], and a training that no run can have made; the error names the row.
pub fn import(pool: &Pool, file: &Path) -> Result<usize> {
    Ok(pool.import(file, |row| pooled_problem(row).err())?)
}

fn as_json(context: &impl Serialize) -> String {
    serde_json::to_string(context).expect("plain data always serialises")
}

/// Notes beside a unit's output that a pool or a benchmark supplied it, with its origin in words.
///
/// # Errors
/// If the file system refuses.
pub fn note_origin(dir: &RunDir, name: &str, origin: &str) -> Result<()> {
    Ok(write_atomically(&dir.unit_path(&format!("{name}.origin")), origin.as_bytes())?)
}

/// The trainings that a run took from a pool or a benchmark.
pub struct Origins {
    /// Names of the units whose outputs were taken.
    names: Vec<String>,
    /// Their number and origins, in words.
    pub words: String,
}

impl Origins {
    /// Reads the notes; `None` if the run took nothing.
    ///
    /// # Errors
    /// If the folder of the units cannot be read.
    pub fn of(dir: &RunDir) -> Result<Option<Self>> {
        let (mut names, mut origins) = (Vec::new(), Vec::new());
        let entries = list(&dir.unit_path(""))?.into_iter();
        for origin in entries.filter(|entry| entry.has_extension("origin")) {
            names.extend(stem(&origin.path));
            origins.push(read_text(&origin.path)?);
        }
        origins.sort_unstable();
        origins.dedup();
        let words = format!(
            "{} trainings were taken from a pool or a benchmark, made by commit {}",
            names.len(),
            origins.join(", ")
        );
        Ok((!names.is_empty()).then_some(Self { names, words }))
    }

    /// Whether the unit with this output took it from a pool or a benchmark.
    pub fn has(&self, output: &Path) -> bool {
        stem(output).is_some_and(|name| self.names.contains(&name))
    }
}

fn stem(path: &Path) -> Option<String> {
    Some(path.file_stem()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use results::Status;
    use smash::Seed;

    use super::*;
    use crate::settings::definition::{self, Scale};
    use crate::settings::studies::Study;
    use crate::tasks::setup::sampled_architecture;

    #[test]
    fn the_training_of_an_isomorphic_architecture_is_not_taken() {
        let Study::Correlation(study) = definition::load("fig4", Scale::Smoke, &[]).unwrap().study else {
            panic!("figure 4 is a correlation study");
        };
        let folder = tempfile::tempdir().unwrap();
        let pool = RunPool::new(folder.path(), "commit", "cpu");
        let [one, other] = [0, 1].map(|index| sampled_architecture(&study.space, Seed(3), index));
        let context = TruthContext {
            data: &PooledData::of(&["train", "test"].map(str::to_owned), study.data.validation, 3),
            task: Task::of_images(3, 8, 10),
            space: &study.space,
            recipe: study.truth_settings(),
        };
        // Isomorphic architectures have the same key.
        let key = pool.truth_key(&context, &one, 0);
        let row = TruthRow {
            seed: 3,
            architecture: 0,
            training_seed: 0,
            status: Status::Ok,
            error: Some(0.5),
            validation_error: None,
            train_error: None,
            train_loss: None,
            epochs: context.recipe.epochs as u32,
            message: None,
        };
        let epoch = Epoch { train_loss: 0.1 + 0.2, train_error: 0.75, validation_error: None };
        let epochs = vec![epoch; context.recipe.epochs];
        pool.add_truth(key.clone(), &one, &row, &epochs).unwrap();
        let taken = pool.truth(&key, &one, 7).unwrap();
        let truth = TruthRow { architecture: 7, ..row };
        assert_eq!(taken, Some(Taken { truth, epochs, origin: "commit".to_owned() }));
        assert_eq!(pool.truth(&key, &other, 7).unwrap(), None);
    }

    #[test]
    fn the_key_of_a_training_stays_as_it_is() {
        let Study::Correlation(study) = definition::load("fig4", Scale::Smoke, &[]).unwrap().study else {
            panic!("figure 4 is a correlation study");
        };
        let pool = RunPool::new(Path::new("pool"), "commit", "cpu");
        let digests = ["train", "test"].map(str::to_owned);
        let context = TruthContext {
            data: &PooledData::of(&digests, study.data.validation, 3),
            task: Task::of_images(3, 8, 10),
            space: &study.space,
            recipe: study.truth_settings(),
        };
        let architecture = sampled_architecture(&study.space, Seed(3), 0);
        let key = pool.truth_key(&context, &architecture, 1);
        // Pools that users have hold keys like this one.
        let expected = concat!(
            r#"{"training":1,"device":"cpu","data":{"train":"train","test":"test","validation":50,"split":3},"#,
            r#""task":{"image-channels":3,"image-size":8,"classes":10,"image-depth":1,"stem-stride":1},"#,
            r#""space":{"depth":2,"width":2,"base-channels":2,"max-channels":4,"depth-compression":2,"#,
            r#""bottleneck":{"rule":"fixed","ratio":4},"patterns":"single","max-kernel":3,"max-dilation":3,"#,
            r#""square":true,"max-groups":1,"bank-sizes":"fixed","units":"uniform","budget":[0.1,1.0]},"#,
            r#""recipe":{"epochs":2,"batch-size":50,"learning-rate":0.1,"schedule":"cosine","label-smoothing":0.0,"#,
            r#""precision":"float32","augment":true}}"#
        );
        assert_eq!(key.context, expected);
        assert_eq!(key.canonical, architecture.canonical_hash(&study.space));
    }
}
