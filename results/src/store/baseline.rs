//! Keeps a result as the baseline of later comparisons.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::files;
use crate::store::{Group, RunDir, StoredRun, find_runs, groups};

/// Copies the manifests and tables of a result into a store of baselines. Returns the folder of its runs.
///
/// The copy replaces older baselines of the same artefact, scale, device class and data set. It is written in a
/// temporary folder and renamed before any older baseline is removed. The store therefore always holds a whole baseline.
///
/// # Errors
/// If the file system refuses, a manifest in the store is faulty, or the store is not a folder. Also if a table is not the
/// one that its manifest lists.
pub fn save(group: &Group, root: &Path) -> Result<PathBuf> {
    if files::is_object(root) {
        let problem =
            std::io::Error::new(std::io::ErrorKind::Unsupported, "expected a folder; older baselines are moved away");
        return Err(Error::io(root, "keep baselines")(problem));
    }
    for run in &group.runs {
        if let Some(fault) = run.dir.faulty_table(&run.manifest)? {
            return Err(fault);
        }
    }
    let manifest = group.manifest();
    let place = RunDir::new(root, &manifest.key()).path().to_path_buf();
    let place = place.parent().expect("a run lies in a folder").to_path_buf();
    fs::create_dir_all(&place).map_err(Error::io(&place, "create the folder"))?;
    // Folders whose names start with a dot are not results.
    let aside = tempfile::Builder::new().prefix(".saving-").tempdir_in(root);
    let aside = aside.map_err(Error::io(root, "make a folder in"))?;
    let new = aside.path().join("new");
    for run in &group.runs {
        let copy = new.join(run.dir.path().file_name().expect("a run has a folder"));
        fs::create_dir_all(&copy).map_err(Error::io(&copy, "create the folder"))?;
        for file in stored_files(run) {
            files::copy(&file, &copy.join(file.file_name().expect("a file has a name")))?;
        }
    }
    let older: Vec<Group> = groups(find_runs(root, Some(&manifest.artefact))?.all()?)
        .into_iter()
        .filter(|other| other.subject() == group.subject())
        .filter(|other| other.manifest().device_class == manifest.device_class && other.folder() != place)
        .collect();
    let take_away = |folder: &Path, name: String| {
        let away = aside.path().join(name);
        fs::rename(folder, &away).map_err(Error::io(folder, "take away"))
    };
    // This is an earlier copy of the same result, or the empty folder just made.
    take_away(&place, "same".to_owned())?;
    fs::rename(&new, &place).map_err(Error::io(&place, "write"))?;
    for (index, old) in older.iter().enumerate() {
        take_away(old.folder(), format!("older-{index}"))?;
        // The folder of a commit is removed with its last result.
        let commit = old.folder().parent().expect("a result lies in a folder");
        let is_empty = fs::read_dir(commit).map_err(Error::io(commit, "list"))?.next().is_none();
        if is_empty {
            fs::remove_dir(commit).map_err(Error::io(commit, "remove"))?;
        }
    }
    Ok(place)
}

/// Paths of the manifest and the tables of a run.
fn stored_files(run: &StoredRun) -> Vec<PathBuf> {
    let table = |name: &String| run.dir.path().join(name).with_extension("parquet");
    run.manifest.tables.keys().map(table).chain([run.dir.manifest_path()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::manifest::tests::sample;
    use crate::store::manifest::{Manifest, RunStatus};
    use crate::store::newest;

    fn store(root: &Path, change: impl FnOnce(&mut Manifest)) -> StoredRun {
        let mut manifest = sample();
        change(&mut manifest);
        let dir = RunDir::new(root, &manifest.key());
        dir.create().unwrap();
        fs::write(dir.path().join("scores.parquet"), manifest.commit.as_bytes()).unwrap();
        let end = manifest.end.clone().unwrap();
        dir.close(&mut manifest, RunStatus::Complete, end).unwrap();
        fs::write(dir.unit_path("unit.parquet"), b"of a resume").unwrap();
        StoredRun { dir, manifest }
    }

    #[test]
    fn a_baseline_replaces_the_older_ones_of_its_subject_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, baselines) = (folder.path().join("runs"), folder.path().join("baselines"));
        store(&baselines, |m| m.commit = "older".to_owned());
        let mut kept = vec![
            store(&baselines, |m| m.device_class = "h100".to_owned()),
            store(&baselines, |m| m.dataset.name = "cifar100".to_owned()),
            store(&baselines, |m| m.scale = "gpu".to_owned()),
        ];
        // This result has another definition and data set. It stays in the folder of the commit that loses the older one.
        kept.push(store(&baselines, |m| {
            m.commit = "older".to_owned();
            m.definition_hash = "e".repeat(64);
            m.dataset.name = "cifar10".to_owned();
        }));
        for seed in [0, 1] {
            store(&runs, |m| {
                m.commit = "newer".to_owned();
                m.seed = seed;
            });
        }
        let group = newest(groups(find_runs(&runs, None).unwrap().runs)).unwrap();
        // The second save replaces the first.
        for _ in 0..2 {
            let saved = save(&group, &baselines).unwrap();
            assert_eq!(saved, baselines.join("fig4/laptop/cpu/newer/dddddddd"));
            let found = find_runs(&baselines, None).unwrap().all().unwrap();
            let mut paths: Vec<_> = found.iter().map(|run| run.dir.path().to_path_buf()).collect();
            let mut expected: Vec<_> = kept.iter().map(|run| run.dir.path().to_path_buf()).collect();
            expected.extend([saved.join("seed-0"), saved.join("seed-1")]);
            paths.sort();
            expected.sort();
            assert_eq!(paths, expected);
            assert_eq!(fs::read(saved.join("seed-1/scores.parquet")).unwrap(), b"newer");
            assert!(!saved.join("seed-1/units").exists());
            let names = fs::read_dir(&baselines).unwrap().map(|entry| entry.unwrap().file_name());
            assert_eq!(names.collect::<Vec<_>>(), ["fig4"]);
        }
    }

    #[test]
    fn a_table_that_the_manifest_does_not_list_is_no_baseline() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, baselines) = (folder.path().join("runs"), folder.path().join("baselines"));
        let run = store(&runs, |_| ());
        fs::write(run.dir.path().join("scores.parquet"), b"changed").unwrap();
        let group = newest(groups(find_runs(&runs, None).unwrap().runs)).unwrap();
        let error = save(&group, &baselines).unwrap_err().to_string();
        assert!(error.contains("scores.parquet: damaged"), "{error}");
        assert!(find_runs(&baselines, None).unwrap().runs.is_empty());
    }
}
