//! Runs that nobody made, for the tests of what is drawn from them.

use std::collections::BTreeMap;
use std::path::Path;

use reports::artefact::Artefact;
use results::manifest::{DatasetRecord, Host, Manifest, RunStatus, SplitRecord};
use results::store::{find_runs, latest_group};
use results::{RunDir, RunKey};

/// A complete run of an artefact that has no tables yet.
pub fn open_run(root: &Path, artefact: &str, seed: u64, definition: &str) -> RunDir {
    let manifest = manifest(artefact, seed, definition);
    let key = RunKey {
        artefact: manifest.artefact.clone(),
        scale: manifest.scale.clone(),
        device_class: manifest.device_class.clone(),
        commit: manifest.commit.clone(),
        dirty: manifest.dirty,
        definition_hash: manifest.definition_hash.clone(),
        seed,
    };
    let dir = RunDir::new(root, &key);
    dir.create().unwrap();
    dir.write_manifest(&manifest).unwrap();
    dir
}

/// The newest result of an artefact.
pub fn newest(root: &Path, artefact: &str) -> anyhow::Result<Artefact> {
    let group = latest_group(find_runs(root, Some(artefact))?).unwrap();
    Artefact::load(group, root)
}

fn manifest(artefact: &str, seed: u64, definition: &str) -> Manifest {
    let split = |examples| SplitRecord {
        examples,
        sha256: "a".repeat(64),
    };
    Manifest {
        artefact: artefact.to_owned(),
        scale: "laptop".to_owned(),
        title: if artefact == "fig4" { "Figure 4" } else { artefact }.to_owned(),
        paper: "4.1".to_owned(),
        seed,
        status: RunStatus::Complete,
        start: "2025-01-02T03:04:05Z".to_owned(),
        end: Some("2025-01-02T03:24:05Z".to_owned()),
        commit: "0123456789abcdef".to_owned(),
        dirty: true,
        lock_hash: "c".repeat(64),
        burn_version: "0.21.0".to_owned(),
        device: "CPU (burn-flex)".to_owned(),
        device_class: "cpu".to_owned(),
        kernel_tuning: None,
        definition_hash: "d".repeat(64),
        noise_draws: vec![0],
        warnings: vec!["1 of 51 trainings failed".to_owned()],
        peak_memory_bytes: None,
        host: Host {
            cpu: "Some CPU".to_owned(),
            threads: 2,
        },
        dataset: DatasetRecord {
            name: "shapes".to_owned(),
            train: split(4000),
            test: split(2000),
            sources: Vec::new(),
        },
        other_datasets: Vec::new(),
        timings: BTreeMap::from([("score".to_owned(), 60.0), ("truth".to_owned(), 840.0)]),
        definition: definition.parse().unwrap(),
    }
}
