//! The manifest of a made-up run.

use std::collections::BTreeMap;

use results::store::manifest::{DatasetRecord, Host, Manifest, RunStatus, SplitRecord};
use results::summaries::regime::{Regime, Regimes};

/// The manifest of a complete run.
pub fn manifest(artefact: &str, seed: u64, definition: &str) -> Manifest {
    let split = |examples| SplitRecord { examples, sha256: "a".repeat(64) };
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
        options: vec!["--set".into(), "study.scored=50".into()],
        definition_hash: "d".repeat(64),
        noise_draws: vec![0],
        warnings: vec!["1 of 51 trainings failed".to_owned()],
        units: None,
        peak_memory_bytes: None,
        host: Host { cpu: "Some CPU".to_owned(), threads: 2 },
        dataset: DatasetRecord {
            name: "shapes".to_owned(),
            classes: Some(10),
            shape: Some([3, 1, 16, 16]),
            train: split(4000),
            test: split(2000),
            sources: Vec::new(),
        },
        other_datasets: Vec::new(),
        regime: Some(Regimes { here: regime(12.0), paper: regime(0.9) }),
        tables: BTreeMap::new(),
        timings: BTreeMap::from([("score".to_owned(), 60.0), ("truth".to_owned(), 840.0)]),
        definition: definition.parse().unwrap(),
    }
}

fn regime(learned_to_generated: f64) -> Regime {
    Regime {
        learned_to_generated,
        hypernet_to_generated: 1.6,
        max_units: 7,
        depth_compression: 3,
        cell: None,
        banks: vec![65.0, 95.0, 112.0],
        ops: vec![17.0, 21.0, 37.0],
        single_op_blocks: vec![0.0; 3],
        multiply_adds: [1538.0, 1116.0, 2030.0],
        smash_steps: 270_000,
        epochs_ratio: 10.0,
    }
}
