//! Networks that a run keeps on request, through the binary: what is kept, and the same test error in PyTorch.

mod binary;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use binary::{error_of, experiments, files, other, succeeded, tables};
use results::TruthRow;
use results::store::{find_runs_below, seal};
use serde_json::Value;
use smash::training::checkpoint::Checkpoint;

/// The program that loads networks.
const LOADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/load_network.py");

/// Runs an artefact with `--keep-networks`, and returns the line about networks.
fn run(results: &Path, arguments: &[&str]) -> String {
    let output = experiments(results, &[arguments, &["--keep-networks", "--jobs", "2"]].concat()).output().unwrap();
    succeeded(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find(|line| line.starts_with("networks: ")).unwrap().to_owned()
}

/// The networks below a folder.
fn networks(results: &Path) -> Vec<PathBuf> {
    let mut all = files(results);
    all.retain(|file| file.parent().unwrap().ends_with("networks"));
    all
}

/// Test errors of the trainings that ended ok, in order.
fn errors(results: &Path) -> Vec<f64> {
    let runs = find_runs_below(results).unwrap().all().unwrap();
    let rows: Vec<TruthRow> = runs.iter().flat_map(|run| run.read::<TruthRow>().unwrap()).collect();
    let mut errors: Vec<f64> = rows.iter().filter_map(|row| row.error).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

#[test]
fn each_network_that_a_run_trains_is_kept_and_no_table_changes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("plain"), &["fig4"]).output().unwrap());
    let pool = at("pool");
    let pooled = ["fig4", "--pool", pool.to_str().unwrap()];
    let said = run(&at("kept"), &pooled);
    assert_eq!(tables(&at("kept")), tables(&at("plain")));
    assert!(networks(&at("plain")).is_empty());
    let kept = networks(&at("kept"));
    assert!(!kept.is_empty() && said.starts_with(&format!("networks: {} kept; 0 trainings", kept.len())), "{said}");
    let mut stored: Vec<f64> = Vec::new();
    for file in &kept {
        let bytes = fs::read(file).unwrap();
        seal::check(file, &bytes).unwrap();
        let name = format!("file=networks/{}", file.file_name().unwrap().to_str().unwrap());
        assert!(seal::identity(&bytes).unwrap().to_string().contains(&name), "{name}");
        let network = Checkpoint::from_bytes(&bytes).unwrap();
        let about: Value = serde_json::from_str(network.metadata.lines().next().unwrap()).unwrap();
        assert!(about["architecture"]["blocks"].is_array() && about["normalisation"]["mean"].is_array(), "{about}");
        let convs = about["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "conv").count();
        assert_eq!(network.tensors.keys().filter(|name| name.starts_with("resulting.convs.")).count(), convs);
        assert_eq!(
            network.tensors["resulting.output_bias"].shape,
            [about["task"]["classes"].as_u64().unwrap() as usize]
        );
        stored.push(about["test_error"].as_f64().unwrap());
    }
    stored.sort_by(f64::total_cmp);
    assert_eq!(stored, errors(&at("kept")));

    // A pool supplies errors and no networks.
    let from_pool = run(&at("from-pool"), &pooled);
    assert!(from_pool.starts_with(&format!("networks: 0 kept; {} trainings have none", kept.len())), "{from_pool}");
    assert!(networks(&at("from-pool")).is_empty());

    // A run that continues keeps the networks that it trains itself, equal to the bit.
    let unit = files(&at("plain")).into_iter().find(|file| file.ends_with("units/truth-00000-0.parquet")).unwrap();
    fs::remove_file(unit).unwrap();
    let continued = run(&at("plain"), &["fig4"]);
    assert!(continued.starts_with(&format!("networks: 1 kept; {} trainings", kept.len() - 1)), "{continued}");
    let again = networks(&at("plain"));
    let same = kept.iter().find(|file| file.file_name() == again[0].file_name()).unwrap();
    assert_eq!(fs::read(&again[0]).unwrap(), fs::read(same).unwrap());
}

/// Whether Python can load networks; if not, prints that the test is skipped.
fn python_has_packages() -> bool {
    let output = Command::new("python3").args(["-c", "import numpy, safetensors, torch"]).output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: `python3` has no numpy, safetensors and torch");
    }
    is_there
}

#[test]
fn pytorch_gives_the_same_test_error_for_every_kind_of_network() {
    if !python_has_packages() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // The table has all hand-designed networks and found architectures.
    run(&at("runs"), &["table1"]);
    let images = |artefact: &str, name: &str| {
        let shared = ["images", "--scale", "smoke", "--artefact", artefact, "--to"];
        succeeded(&other(&shared).arg(at(name)).output().unwrap());
    };
    images("table1", "images.npz");
    let load = |images: &str, networks: &[PathBuf]| {
        let mut python = Command::new("python3");
        python.arg(LOADER).arg(at(images)).args(networks);
        python
    };
    let kept = networks(&at("runs"));
    assert!(kept.len() >= 8, "{kept:?}");
    let output = load("images.npz", &kept).output().unwrap();
    succeeded(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("in PyTorch")).count(), kept.len(), "{text}");
    // The networks differ, so their errors show that each was loaded.
    let stored: BTreeMap<&str, usize> = text.lines().map(|line| (line.rsplit(' ').nth(3).unwrap(), 1)).collect();
    assert!(stored.len() > 2, "{text}");

    // Other images and a flipped bit are one clear error.
    let mut bytes = fs::read(&kept[0]).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let flipped = at("flipped.safetensors");
    fs::write(&flipped, bytes).unwrap();
    assert!(error_of(&mut load("images.npz", &[flipped])).ends_with("its content does not match its seal"));
    let more = ["images", "--scale", "smoke", "--artefact", "table1", "--set", "study.data.test=90", "--to"];
    succeeded(&other(&more).arg(at("others.npz")).output().unwrap());
    assert!(error_of(&mut load("others.npz", &kept[..1])).contains("other images than those"));
}

#[test]
fn images_are_written_to_a_file_that_a_run_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let images = |arguments: &[&str]| {
        let mut command = other(&[&["images", "--scale", "smoke"], arguments].concat());
        command.current_dir(folder.path());
        command
    };
    let output = images(&["--artefact", "fig4", "--to", "shapes.npz"]).output().unwrap();
    succeeded(&output);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("shapes.npz: ") && said.ends_with("test images of `shapes`\n"), "{said}");
    let mut run = experiments(Path::new("runs"), &["fig4", "--dataset", "npz:shapes.npz"]);
    succeeded(&run.current_dir(folder.path()).output().unwrap());
    let found = find_runs_below(&folder.path().join("runs")).unwrap().all().unwrap();
    let data = &found[0].manifest.dataset;
    let counts = format!("{} training images and {} test images", data.train.examples, data.test.examples);
    assert!(said.contains(&counts), "{said}");
    assert!(error_of(&mut images(&["--to", "shapes.zip"])).contains("expected a name that ends in .npz"));
    let volumes = ["--artefact", "transfer-modelnet10", "--dataset", "solids", "--to", "s.npz"];
    assert!(error_of(&mut images(&volumes)).contains("solids: expected a set of images, found volumes"));
    assert!(!folder.path().join("s.npz").exists());
}
