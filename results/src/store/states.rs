//! The states of all stored runs. Looking at them computes nothing and changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use crate::error::Result;
use crate::store::files::{changed, is_folder, list};
use crate::store::manifest::{Manifest, RunStatus, timestamp};
use crate::store::run::RunDir;
use crate::store::{StoredRun, run_folders};

/// A stored run at the time of a look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Name of the artefact. Like the next five fields, it is the name of a folder of the store.
    pub artefact: String,
    /// Name of the scale.
    pub scale: String,
    /// Class of device.
    pub device_class: String,
    /// Label of the code.
    pub commit: String,
    /// First eight digits of the definition's hash.
    pub definition: String,
    /// Root seed, such as `seed-0`.
    pub seed: String,
    /// The state.
    pub state: State,
    /// Number of units with a stored time; `None` if the store has no units of the run, as for a published run.
    pub units_done: Option<u64>,
    /// Number of all units, if the manifest says it.
    pub units: Option<u64>,
    /// When a file of the run was last written: a time in UTC, as in manifests.
    pub changed: Option<String>,
    /// The damaged file and the sign of the damage.
    pub problem: Option<String>,
    /// Folder of the run.
    pub folder: String,
}

/// The state of a stored run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// All units are done, and the tables are those that the manifest lists.
    Complete,
    /// It ended with an error.
    Failed,
    /// It is not complete, and a process holds its lock.
    Running,
    /// It is not complete, and no process holds its lock.
    Interrupted,
    /// It is not complete, and lies where there are no locks.
    Open,
    /// Its manifest or a table cannot be used. Outputs of units are not read.
    Damaged,
}

impl State {
    /// Its name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Open => "open",
            Self::Damaged => "damaged",
        }
    }
}

/// Looks at all runs under `root`, in the order of their paths.
///
/// # Errors
/// If a folder of the store cannot be listed.
pub fn look(root: &Path) -> Result<Vec<Seen>> {
    let folders = run_folders(root, None)?;
    folders.into_par_iter().map(|folder| seen(root, folder)).collect()
}

fn seen(root: &Path, folder: PathBuf) -> Result<Seen> {
    let below = folder.strip_prefix(root).expect("the folder was found below the root");
    let mut names = below.iter().map(|name| name.to_string_lossy().into_owned());
    let mut name = || names.next().expect("a run lies six folders below the root");
    let [artefact, scale, device_class, commit, definition, seed] = std::array::from_fn(|_| name());
    let times = [changed(&folder)?, changed(&folder.join("units"))?, changed(&folder.join("checkpoints"))?];
    let newest = times.into_iter().flatten().max().map(timestamp);
    let mut units_done = units_done(&folder)?;
    let (state, units, recency, problem) = match StoredRun::open(&folder) {
        Ok(StoredRun { dir, manifest }) => {
            let (state, problem) = match state(&dir, &manifest) {
                Ok(state) => (state, None),
                Err(fault) => (State::Damaged, Some(fault.to_string())),
            };
            if state == State::Complete {
                units_done = manifest.units.or(units_done);
            }
            (state, manifest.units, Some(manifest.recency().to_owned()), problem)
        }
        Err(fault) => (State::Damaged, None, None, Some(fault.to_string())),
    };
    let changed = newest.or(recency);
    Ok(Seen {
        artefact,
        scale,
        device_class,
        commit,
        definition,
        seed,
        state,
        units_done,
        units,
        changed,
        problem,
        folder: folder.display().to_string(),
    })
}

/// The state of a run whose manifest can be used.
fn state(dir: &RunDir, manifest: &Manifest) -> Result<State> {
    if manifest.status != RunStatus::Complete {
        match dir.is_locked()? {
            Some(true) => return Ok(State::Running),
            None if manifest.status == RunStatus::Running => return Ok(State::Open),
            _ => {}
        }
    }
    // Only a closed run lists tables.
    match (dir.faulty_table(manifest)?, manifest.status) {
        (Some(fault), RunStatus::Complete | RunStatus::Failed) => Err(fault),
        (_, RunStatus::Complete) => Ok(State::Complete),
        (_, RunStatus::Failed) => Ok(State::Failed),
        (_, RunStatus::Running) => Ok(State::Interrupted),
    }
}

/// Number of units that have an output and a time beside it; `None` without a folder of units.
fn units_done(run: &Path) -> Result<Option<u64>> {
    let mut names = BTreeSet::new();
    for folder in ["units", "checkpoints"] {
        names.extend(list(&run.join(folder))?.into_iter().map(|entry| entry.path));
    }
    let has_output = |path: &&PathBuf| {
        let is = |extension: &str| names.contains(&path.with_extension(extension));
        path.extension().is_some_and(|end| end == "seconds") && (is("parquet") || is("safetensors"))
    };
    let done = names.iter().filter(has_output).count() as u64;
    Ok(is_folder(&run.join("units"))?.then_some(done))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::manifest::tests::sample;
    use crate::store::seal;

    fn store(root: &Path, seed: u64, change: impl FnOnce(&mut Manifest)) -> RunDir {
        let tables = [("scores".to_owned(), seal::sha256(b"1"))].into();
        let mut manifest = Manifest { seed, tables, ..sample() };
        change(&mut manifest);
        let dir = RunDir::new(root, &manifest.key());
        dir.create().unwrap();
        fs::write(dir.path().join("scores.parquet"), "1").unwrap();
        dir.write_manifest(&manifest).unwrap();
        dir
    }

    /// All files below a folder, with their bytes and their times.
    fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
        let mut found = Vec::new();
        for entry in list(folder).unwrap() {
            let time = fs::metadata(&entry.path).unwrap().modified().unwrap();
            if entry.is_folder {
                found.push((entry.path.clone(), Vec::new(), time));
                found.extend(snapshot(&entry.path));
            } else {
                found.push((entry.path.clone(), fs::read(&entry.path).unwrap(), time));
            }
        }
        found
    }

    #[test]
    fn each_run_has_its_state_and_nothing_is_changed() {
        let root = tempfile::tempdir().unwrap();
        let open = |manifest: &mut Manifest| (manifest.status, manifest.end) = (RunStatus::Running, None);
        store(root.path(), 0, |_| ());
        let interrupted = store(root.path(), 1, open);
        for file in ["units/a.parquet", "units/a.seconds", "units/b.seconds", "checkpoints/net.safetensors"] {
            fs::write(interrupted.path().join(file), "1").unwrap();
        }
        fs::write(interrupted.path().join("checkpoints/net.seconds"), "1").unwrap();
        drop(interrupted.lock_alone().unwrap());
        let running = store(root.path(), 2, open);
        let part = store(root.path(), 3, open);
        let _locks = [running.lock_alone().unwrap(), part.lock_with_others().unwrap()];
        let damaged = store(root.path(), 4, |_| ());
        fs::write(damaged.manifest_path(), "seed = 4").unwrap();
        store(root.path(), 5, |manifest| {
            manifest.tables.insert("truths".to_owned(), "e".repeat(64));
        });
        store(root.path(), 6, |manifest| manifest.status = RunStatus::Failed);
        let before = snapshot(root.path());
        let found = look(root.path()).unwrap();
        assert_eq!(snapshot(root.path()), before);
        let states: Vec<&str> = found.iter().map(|run| run.state.name()).collect();
        assert_eq!(states, ["complete", "interrupted", "running", "running", "damaged", "damaged", "failed"]);
        let done: Vec<_> = found.iter().take(3).map(|run| (run.units_done, run.units)).collect();
        assert_eq!(done, [(Some(62), Some(62)), (Some(2), Some(62)), (Some(0), Some(62))]);
        for (run, file) in [(&found[4], "manifest.toml"), (&found[5], "truths.parquet")] {
            assert!(run.problem.as_ref().is_some_and(|problem| problem.contains(file)), "{run:?}");
        }
        assert_eq!((found[4].artefact.as_str(), found[4].seed.as_str()), ("fig4", "seed-4"));
        assert!(found.iter().all(|run| run.changed.is_some()));
        // The lock of a run that was looked at is free.
        assert!(interrupted.lock_alone().is_ok());
        assert_eq!(look(&root.path().join("none")).unwrap(), []);
    }
}
