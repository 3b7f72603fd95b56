//! Tests of the folders of runs, of finding them, and of atomic writes.

use std::fs;

use super::*;
use crate::store::files::write_atomically;
use crate::store::manifest::RunKey;
use crate::store::manifest::tests::sample;
use crate::tables::rows::{TruthRow, WeightsRow};

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
    let table = dir.table::<TruthRow>();
    assert_eq!(table.path, Path::new(expected).join("truths.parquet"));
    let text = table.identity.to_string();
    let whole = format!("artefact=fig4,scale=laptop,device=NVIDIA-H100-80GB,definition={}", "d".repeat(64));
    assert!(text.starts_with(&format!("{whole},seed=7,file=truths.parquet,schema=truths-")), "{text}");
    // The files that a run continues from belong to its commit, and tables to all commits that make them.
    assert!(!text.contains("commit="), "{text}");
    let files = [dir.unit::<TruthRow>("a"), dir.unfinished::<TruthRow>("a"), dir.tensors("a"), dir.trained("b")];
    assert!(files.iter().all(|file| file.identity.to_string().contains("commit=0123456789ab")), "{files:?}");
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
        let runs = find_runs(root.path(), artefact).unwrap().all().unwrap();
        runs.into_iter().map(|run| run.dir).collect::<Vec<_>>()
    };
    assert_eq!(find(None), [a.clone(), b.clone(), c]);
    assert_eq!(find(Some("fig4")), [a, b]);
    assert_eq!(find(Some("fig5")), []);
    assert_eq!(find_runs(&root.path().join("none"), None).unwrap().all().unwrap(), []);
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
        let runs = find_runs_below(folder).unwrap().all().unwrap();
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
fn a_faulty_manifest_is_named_and_hides_no_other_run() {
    let root = tempfile::tempdir().unwrap();
    let whole = store(root.path(), |m| m.seed = 8);
    let dir = store(root.path(), |_| ());
    fs::write(dir.manifest_path(), "artefact = 4").unwrap();
    let found = find_runs(root.path(), None).unwrap();
    assert!(found.runs.len() == 1 && found.runs[0].dir == whole, "{found:?}");
    let below = find_runs_below(root.path()).unwrap();
    assert_eq!((below.runs.len(), below.faulty.len()), (1, 1));
    let message = found.all().unwrap_err().to_string();
    assert!(message.contains("seed-7/manifest.toml"), "{message}");
}

#[test]
fn a_manifest_in_the_folder_of_another_run_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let [one, other] = [0, 1].map(|seed| store(root.path(), |m| m.seed = seed));
    fs::copy(one.manifest_path(), other.manifest_path()).unwrap();
    let message = other.read_manifest().unwrap_err().to_string();
    assert!(message.ends_with("seed-1/manifest.toml: belongs to seed-0, expected seed-1"), "{message}");
    one.read_manifest().unwrap();
    // A copy of a part of a store may have any name.
    let copy = root.path().join("copy/seed-0");
    fs::create_dir_all(&copy).unwrap();
    fs::copy(one.manifest_path(), copy.join("manifest.toml")).unwrap();
    assert_eq!(find_runs_below(copy.parent().unwrap()).unwrap().runs.len(), 1);
    fs::rename(&copy, copy.with_file_name("seed-1")).unwrap();
    assert_eq!(find_runs_below(copy.parent().unwrap()).unwrap().faulty.len(), 1);
    // The same commit with changes is another run.
    let changed = RunDir::new(root.path(), &RunKey { dirty: true, ..one.read_manifest().unwrap().key() });
    changed.create().unwrap();
    fs::copy(one.manifest_path(), changed.manifest_path()).unwrap();
    let message = changed.read_manifest().unwrap_err().to_string();
    assert!(message.contains("belongs to 0123456789ab, expected 0123456789ab-dirty"), "{message}");
}

/// One row of the table `weights`.
fn weights(seed: u64, generated: u64) -> [WeightsRow; 1] {
    [WeightsRow { seed, architecture: 0, generated, learned: 20 }]
}

/// Stores a complete run with this table.
fn store_weights(root: &Path, seed: u64) -> RunDir {
    let dir = store(root, |m| m.seed = seed);
    dir.write(&weights(seed, 10)).unwrap();
    complete(&dir);
    dir
}

fn complete(dir: &RunDir) {
    let mut manifest = dir.read_manifest().unwrap();
    let end = manifest.end.clone().unwrap();
    dir.close(&mut manifest, RunStatus::Complete, end).unwrap();
}

#[test]
fn only_the_tables_that_the_manifest_lists_are_read() {
    let root = tempfile::tempdir().unwrap();
    let [one, other] = [0, 1].map(|seed| store_weights(root.path(), seed));
    let read = || StoredRun::open(one.path()).unwrap().read::<WeightsRow>();
    let fault = || one.faulty_table(&one.read_manifest().unwrap()).unwrap().map(|fault| fault.to_string());
    assert_eq!((read().unwrap().len(), fault()), (1, None));
    let path = one.table::<WeightsRow>().path;
    let good = fs::read(&path).unwrap();

    // The table of another seed, whole as it is.
    fs::copy(other.table::<WeightsRow>().path, &path).unwrap();
    let message = read().unwrap_err().to_string();
    assert!(message.ends_with("weights.parquet: belongs to seed 1, expected seed 0"), "{message}");
    assert!(fault().unwrap().contains("weights.parquet"));

    // Other rows under the identity and seal of this run.
    one.write(&weights(0, 11)).unwrap();
    let message = read().unwrap_err().to_string();
    assert!(message.contains("weights.parquet: damaged") && message.contains("SHA-256"), "{message}");
    assert!(fault().unwrap().contains("SHA-256"));

    fs::remove_file(&path).unwrap();
    assert!(read().is_err() && fault().unwrap().contains("missing"));
    fs::write(&path, good).unwrap();
    assert_eq!((read().unwrap().len(), fault()), (1, None));

    // A table that was taken out of the list.
    one.write::<TruthRow>(&[]).unwrap();
    assert!(fault().unwrap().ends_with("truths.parquet: damaged: the manifest of its run does not list it"));
    complete(&one);
    assert_eq!(fault(), None);
}

#[test]
fn a_run_that_claims_to_have_ended_in_the_future_hides_no_other() {
    let root = tempfile::tempdir().unwrap();
    let at = |commit: &str, end: &str| {
        store(root.path(), |m| (m.commit, m.end) = (commit.to_owned(), Some(end.to_owned())));
    };
    let latest = || newest(groups(find_runs(root.path(), None).unwrap().all().unwrap())).unwrap();
    at("ahead", "9999-01-01T00:00:00Z");
    assert!(latest().ends_in_future());
    at("now", "2025-01-01T00:00:00Z");
    assert_eq!(latest().manifest().commit, "now");
    assert!(!latest().ends_in_future());
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
    let group = newest(groups(find_runs(root.path(), None).unwrap().all().unwrap())).unwrap();
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
    let groups = latest_groups(find_runs(root.path(), None).unwrap().all().unwrap());
    let names: Vec<&str> = groups.iter().map(|group| group.manifest().dataset.name.as_str()).collect();
    assert_eq!(names, ["cifar100", "shapes"]);
}

#[test]
fn a_table_that_one_run_lacks_is_missing_and_not_empty() {
    let root = tempfile::tempdir().unwrap();
    let dirs = [0, 1].map(|seed| store(root.path(), |m| m.seed = seed));
    let read = || {
        let group = newest(groups(find_runs(root.path(), None).unwrap().all().unwrap())).unwrap();
        group.read_if_there::<WeightsRow>().unwrap()
    };
    dirs[1].write(&weights(1, 10)).unwrap();
    complete(&dirs[1]);
    assert_eq!(read(), None);
    dirs[0].write(&weights(0, 10)).unwrap();
    complete(&dirs[0]);
    assert_eq!(read(), Some([weights(0, 10), weights(1, 10)].concat()));
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
