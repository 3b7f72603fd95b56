//! Tests of the binary on results in an object store: its output is the same as for a folder.

#[path = "../../experiments/program/tests/object_store/mod.rs"]
#[expect(dead_code, reason = "results are read here, not written")]
mod object_store;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use object_store::ObjectStore;

const STORED: &str = "s3://bucket/results";

/// Folder of published runs with three root seeds.
fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/baselines/fig4/laptop/cpu/7466e988a68c/b9479f6d")
}

/// Copies these runs to the store and to a folder.
fn copies(store: &ObjectStore, folder: &Path) {
    for seed in fs::read_dir(published()).unwrap() {
        let seed = seed.unwrap();
        let place = Path::new("fig4/laptop/cpu/7466e988a68c/b9479f6d").join(seed.file_name());
        fs::create_dir_all(folder.join(&place)).unwrap();
        for file in fs::read_dir(seed.path()).unwrap() {
            let file = file.unwrap();
            let bytes = fs::read(file.path()).unwrap();
            let place = place.join(file.file_name());
            fs::write(folder.join(&place), &bytes).unwrap();
            store.put(&format!("results/{}", place.display()), &bytes);
        }
    }
}

fn reports(store: &ObjectStore, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reports"));
    store.known_to(command.args(arguments)).output().unwrap()
}

#[test]
fn figures_comparisons_and_statistics_are_the_same() {
    let Some(store) = ObjectStore::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let local = at("results");
    copies(&store, Path::new(&local));
    let said = |arguments: &[&str]| {
        let output = reports(&store, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };

    let figure = |results: &str, out: &str| said(&["figure", "fig4", "--results", results, "--out", out]);
    let [of_folder, of_store] = [(local.as_str(), at("a")), (STORED, at("b"))].map(|(results, out)| {
        let text = figure(results, &out);
        assert!(text.contains(&out));
        let svg = fs::read_dir(&out).unwrap().next().unwrap().unwrap();
        (text.replace(&out, ""), fs::read(svg.path()).unwrap())
    });
    assert_eq!(of_store, of_folder);

    let compared = said(&["compare", &local, STORED]);
    assert_eq!(
        compared.replace(STORED, &local),
        said(&["compare", &local, &format!("{STORED}/fig4")]).replace(STORED, &local)
    );
    assert!(compared.contains("no difference shown"), "{compared}");
    let baselines = at("baselines");
    said(&["compare", &local, STORED, "--save", &baselines]);
    assert_eq!(said(&["compare", &local, &baselines]), said(&["compare", &local, &at("baselines/fig4")]));
    let same = reports(&store, &["compare", STORED, STORED]);
    assert!(String::from_utf8_lossy(&same.stderr).contains("base and head are the same runs"), "{same:?}");

    let table = "fig4/laptop/cpu/7466e988a68c/b9479f6d/seed-0/scores.parquet";
    let stats = |results: &str| said(&["stats", &format!("{results}/{table}"), "--x", "error", "--y", "loss"]);
    assert_eq!(stats(STORED), stats(&local));
}

#[test]
fn missing_results_are_named() {
    let Some(store) = ObjectStore::start() else { return };
    for (arguments, expected) in [
        (
            &["figure", "fig4", "--results", STORED][..],
            "s3://bucket/results: no such folder; expected one with a run of `fig4`",
        ),
        (&["compare", STORED, STORED], "s3://bucket/results: expected a folder of stored runs"),
        (&["stats", "s3://bucket/none.csv", "--x", "a", "--y", "b"], "s3://bucket/none.csv: cannot read"),
    ] {
        let output = reports(&store, arguments);
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(&format!("error: {expected}")) && text.lines().count() == 1, "{text}");
    }
}
