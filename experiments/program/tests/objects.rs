//! Runs with results in an object store give the same tables as runs in a folder.

mod binary;
mod object_store;
mod planned;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use binary::{error_of, experiments, succeeded, tables};
use object_store::ObjectStore;
use planned::Planned;

/// The place of a test's runs.
const RESULTS: &str = "s3://bucket/some/results";
const ARTEFACT: [&str; 3] = ["fig4", "--seeds", "2"];

/// The tables of a run in a folder.
fn expected() -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    succeeded(&experiments(folder.path(), &ARTEFACT).output().unwrap());
    tables(folder.path())
}

/// A run in the store.
fn run(store: &ObjectStore, arguments: &[&str]) -> Output {
    let mut command = experiments(Path::new(RESULTS), &[&ARTEFACT, arguments].concat());
    store.known_to(&mut command).output().unwrap()
}

fn is_of_unit(key: &str) -> bool {
    key.contains("/units/")
}

/// The tables in the store, in the form in which [`tables`] returns the tables of a folder.
fn stored(store: &ObjectStore) -> BTreeMap<PathBuf, Vec<u8>> {
    let keys = store.keys().into_iter();
    keys.filter(|key| key.ends_with(".parquet") && !is_of_unit(key))
        .filter_map(|key| Some((key.strip_prefix("some/results/")?.into(), store.get(&key))))
        .collect()
}

#[test]
fn a_run_that_was_killed_and_damaged_ends_with_the_same_tables() {
    let Some(store) = ObjectStore::start() else { return };
    let expected = expected();
    let mut killed = experiments(Path::new(RESULTS), &ARTEFACT);
    let killed = store.known_to(&mut killed).env("SMASH_FAULT", "kill@30").output().unwrap();
    assert!(!killed.status.success());
    assert!(store.keys().iter().any(|key| is_of_unit(key)), "{:?}", store.keys());
    let output = run(&store, &[]);
    succeeded(&output);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("warning: s3://bucket/some/results has no locks"), "{text}");
    assert_eq!(stored(&store), expected);
    // The run made none of its files on this machine.
    assert!(!Path::new("s3:").exists());

    for is_damaged in [is_of_unit, |key: &str| !is_of_unit(key)] {
        let keys = store.keys();
        let key = keys.iter().find(|key| key.ends_with(".parquet") && is_damaged(key)).unwrap();
        let mut bytes = store.get(key);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        store.put(key, &bytes);
        let output = run(&store, &[]);
        succeeded(&output);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(&format!("{key}: damaged")), "{text}");
        assert_eq!(stored(&store), expected);
        // A damaged table is gathered again from intact units; a damaged unit is kept.
        let is_kept = store.keys().contains(&format!("{key}.damaged"));
        assert_eq!(is_kept, is_of_unit(key));
    }
}

#[test]
fn units_that_others_schedule_meet_in_the_store() {
    let Some(store) = ObjectStore::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let workflow = folder.path().join("workflow");
    let export = || Planned::of(store.known_to(&mut experiments(Path::new(RESULTS), &ARTEFACT)), &workflow);
    let planned = export();
    let program = folder.path().join("elsewhere");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_experiments"), &program).unwrap();
    let snakemake = || {
        let mut command = Command::new("snakemake");
        // Nodes may have the program in another place.
        let elsewhere = format!("program={}", program.display());
        command.args(["--config", &elsewhere, "--printshellcmds"]);
        command.args(["--cores", "2", "--snakefile"]).arg(workflow.join("Snakefile"));
        store.known_to(command.arg("--directory").arg(&workflow)).output()
    };
    if let Ok(output) = snakemake() {
        succeeded(&output);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert!(shown.contains(&format!("{} run fig4", program.display())), "{shown}");
        for (_, mark) in planned.units() {
            assert!(workflow.join(mark).exists(), "{mark}");
        }
        assert!(String::from_utf8_lossy(&snakemake().unwrap().stderr).contains("Nothing to be done"));
        // A mark does not outlive its object while the object is needed.
        let keys = store.keys();
        let mut units = keys.iter().filter(|key| is_of_unit(key) && key.ends_with(".parquet"));
        let unit = units.next_back().unwrap();
        store.delete(unit);
        std::fs::remove_file(workflow.join("tables-written")).unwrap();
        export();
        succeeded(&snakemake().unwrap());
        assert!(store.keys().contains(unit));
    } else {
        eprintln!("without `snakemake`, which is not installed");
        for (place, _) in planned.units() {
            succeeded(&store.known_to(&mut planned.part(&["--unit", place])).output().unwrap());
        }
        succeeded(&store.known_to(&mut planned.part(&["--tables"])).output().unwrap());
    }
    assert_eq!(stored(&store), expected());
}

#[test]
fn a_pool_in_the_store_serves_other_runs() {
    let Some(store) = ObjectStore::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pool = ["--pool", "s3://bucket/pool"];
    succeeded(&run(&store, &pool));
    let mut command = experiments(folder.path(), &[&ARTEFACT[..], &pool].concat());
    succeeded(&store.known_to(&mut command).output().unwrap());
    assert_eq!(tables(folder.path()), stored(&store));
    let origins = binary::files(folder.path());
    assert!(origins.iter().any(|file| file.extension().is_some_and(|end| end == "origin")), "{origins:?}");
}

#[test]
fn a_store_that_refuses_is_named() {
    let Some(store) = ObjectStore::start() else { return };
    let mut command = experiments(Path::new("s3://nowhere/results"), &ARTEFACT);
    let output = store.known_to(&mut command).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    // The error comes after the warning.
    let error = text.lines().last().unwrap();
    assert!(error.starts_with("error: s3://nowhere/results/fig4"), "{error}");
    assert!(error.ends_with("cannot write: NoSuchBucket: The specified bucket does not exist"), "{error}");
    let error = error_of(&mut experiments(Path::new("gs://bucket/results"), &ARTEFACT));
    assert!(error.starts_with("error: gs://bucket/results/fig4"), "{error}");
    assert!(error.trim_end().ends_with("expected a folder, or s3://BUCKET/PREFIX"), "{error}");
}
