//! Tests of the folders of runs, of finding them, and of atomic writes.

use std::fs;

use super::*;
use crate::store::files::write_atomically;
use crate::store::manifest::tests::sample;

fn store(root: &Path, change: impl FnOnce(&mut Manifest)) -> RunDir {
    let mut manifest = sample();
    change(&mut manifest);
    let dir = RunDir::new(root, &manifest.key());
    dir.create().unwrap();
    dir.write_manifest(&manifest).unwrap();
    dir
}

#[test]
fn a_run_lies_in_the_folder_that_its_key_names() {
    let key = RunKey { device_class: "NVIDIA H100 80GB".to_owned(), dirty: true, ..sample().key() };
    let dir = RunDir::new(Path::new("runs"), &key);
    let expected = "runs/fig4/laptop/nvidia-h100-80gb/0123456789ab-dirty/dddddddd/seed-7";
    assert_eq!(dir.path(), Path::new(expected));
    let table = dir.table_path::<crate::tables::rows::TruthRow>();
    assert_eq!(table, Path::new(expected).join("truths.parquet"));
    let unit = dir.unit_path("smash-7.json");
    assert_eq!(unit, Path::new(expected).join("units/smash-7.json"));
}

#[test]
fn runs_are_found_by_artefact() {
    let root = tempfile::tempdir().unwrap();
    let a = store(root.path(), |_| ());
    let b = store(root.path(), |m| m.scale = "smoke".to_owned());
    let c = store(root.path(), |m| m.artefact = "table1".to_owned());
    let find = |artefact| {
        let runs = find_runs(root.path(), artefact).unwrap();
        runs.into_iter().map(|run| run.dir).collect::<Vec<_>>()
    };
    assert_eq!(find(None), [a.clone(), b.clone(), c]);
    assert_eq!(find(Some("fig4")), [a, b]);
    assert_eq!(find(Some("fig5")), []);
    assert_eq!(find_runs(&root.path().join("none"), None).unwrap(), []);
}

#[test]
fn runs_are_found_below_a_folder_of_any_level() {
    let root = tempfile::tempdir().unwrap();
    let first = store(root.path(), |_| ());
    let second = store(root.path(), |m| m.seed = 8);
    let other = store(root.path(), |m| m.artefact = "table1".to_owned());
    // Unfinished folders, and manifests deeper than a run lies, are not results.
    store(&root.path().join(".saving-1"), |_| ());
    store(&first.path().join("units/deeper"), |_| ());
    store(&root.path().join("no-level"), |_| ());
    let find = |folder: &Path| {
        let runs = find_runs_below(folder).unwrap();
        runs.into_iter().map(|run| run.dir).collect::<Vec<_>>()
    };
    assert_eq!(find(root.path()), [first.clone(), second.clone(), other]);
    let mut folder = first.path().parent().unwrap();
    for _ in 0..4 {
        assert_eq!(find(folder), [first.clone(), second.clone()]);
        folder = folder.parent().unwrap();
    }
    assert_eq!(find(first.path()), [first]);
}

#[test]
fn a_faulty_manifest_is_an_error_where_runs_are_sought() {
    let root = tempfile::tempdir().unwrap();
    let dir = store(root.path(), |_| ());
    fs::write(dir.manifest_path(), "artefact = 4").unwrap();
    let message = find_runs(root.path(), None).unwrap_err().to_string();
    assert!(message.contains("manifest.toml"), "{message}");
}

#[test]
fn the_latest_group_is_the_newest_with_a_complete_run() {
    let root = tempfile::tempdir().unwrap();
    let at = |commit: &'static str, seed, status, end: &'static str| {
        store(root.path(), |m| {
            m.commit = commit.to_owned();
            m.seed = seed;
            m.status = status;
            m.end = Some(end.to_owned());
        });
    };
    at("old", 0, RunStatus::Complete, "2025-01-01T00:00:00Z");
    at("new", 10, RunStatus::Complete, "2025-01-03T00:00:00Z");
    at("new", 9, RunStatus::Complete, "2025-01-02T00:00:00Z");
    at("new", 1, RunStatus::Failed, "2025-01-02T00:00:00Z");
    at("newest", 0, RunStatus::Running, "2025-01-04T00:00:00Z");
    let group = latest_group(find_runs(root.path(), None).unwrap()).unwrap();
    let seeds: Vec<u64> = group.runs.iter().map(|run| run.manifest.seed).collect();
    assert_eq!(group.manifest().commit, "new");
    assert_eq!((seeds, group.unfinished), (vec![9, 10], vec![1]));
}

#[test]
fn another_definition_is_another_group() {
    let root = tempfile::tempdir().unwrap();
    store(root.path(), |_| ());
    store(root.path(), |m| {
        m.definition_hash = "e".repeat(64);
        m.dataset.name = "cifar100".to_owned();
    });
    let groups = latest_groups(find_runs(root.path(), None).unwrap());
    let names: Vec<&str> = groups.iter().map(|group| group.manifest().dataset.name.as_str()).collect();
    assert_eq!(names, ["cifar100", "shapes"]);
}

#[test]
fn a_table_that_one_run_lacks_is_missing_and_not_empty() {
    let root = tempfile::tempdir().unwrap();
    let weights = |seed| crate::WeightsRow { seed, architecture: 0, generated: 10, learned: 20 };
    let dirs = [0, 1].map(|seed| store(root.path(), |m| m.seed = seed));
    let read = || {
        let group = latest_group(find_runs(root.path(), None).unwrap()).unwrap();
        group.read_if_there::<crate::WeightsRow>().unwrap()
    };
    dirs[1].write(&[weights(1)]).unwrap();
    assert_eq!(read(), None);
    dirs[0].write(&[weights(0)]).unwrap();
    assert_eq!(read(), Some(vec![weights(0), weights(1)]));
}

#[test]
fn a_file_is_replaced_and_nothing_else_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for content in ["first", "second"] {
        write_atomically(&path, content.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let message = RunDir::new(&file, &sample().key()).create().unwrap_err().to_string();
    assert!(message.contains("file/fig4"), "{message}");
    assert!(message.contains("cannot create the folder"), "{message}");
    let message = write_atomically(&file.join("table"), b"").unwrap_err().to_string();
    assert!(message.contains("file/table: cannot write"), "{message}");
}
