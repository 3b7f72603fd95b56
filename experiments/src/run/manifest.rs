//! The manifest of a run: created at its start, and read again when the run is resumed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::store::manifest::{DatasetRecord, Host, RunStatus, SourceRecord, SplitRecord, timestamp};
use results::{Manifest, RunDir};

use crate::engine::damage::set_damage_aside;
use crate::provenance;
use crate::run::options::RunOptions;
use crate::settings::definition::Definition;
use crate::tasks::setup::Images;

/// The manifest that a run has, with the start and the time spent of the interrupted run. Returns `fresh` if the run has no
/// manifest or a damaged one.
///
/// # Errors
/// A file that cannot be read.
pub fn open(dir: &RunDir, mut fresh: Manifest) -> Result<Manifest> {
    let path = dir.manifest_path();
    if !results::store::files::is_file(&path)? {
        return Ok(fresh);
    }
    Ok(set_damage_aside(&path, dir.read_manifest())?.unwrap_or_else(|damage| {
        warn(
            &mut fresh,
            format!("{damage}; start and warnings of the run are those since"),
        );
        fresh
    }))
}

/// Marks a run as running again, even if it was complete, and records the reason.
pub fn reopen(manifest: &mut Manifest, damage: String) {
    warn(manifest, damage);
    manifest.status = RunStatus::Running;
}

/// Warns the user, and the readers of the results.
fn warn(manifest: &mut Manifest, warning: String) {
    eprintln!("warning: {warning}");
    manifest.warnings.push(warning);
}

/// The manifest of a run before its first unit.
pub fn new<B: AutodiffBackend>(
    artefact: &str,
    definition: &Definition,
    options: &RunOptions,
    images: &[Images<B>],
    seed: u64,
    (commit, dirty): (&str, bool),
) -> Manifest {
    let split = |set: &datasets::ImageSet, digest: &String| SplitRecord {
        examples: set.len() as u64,
        sha256: digest.clone(),
    };
    // Paths are relative to the data folder, because its place on this machine says nothing about the data.
    let below = |path: &str| match options
        .data_dir
        .as_ref()
        .and_then(|folder| Path::new(path).strip_prefix(folder).ok())
    {
        Some(relative) => relative.display().to_string(),
        None => path.to_string(),
    };
    let source = |source: &datasets::Source| SourceRecord {
        path: below(&source.path),
        records: source.records as u64,
        sha256: source.sha256.clone(),
    };
    let mut records: Vec<DatasetRecord> = images
        .iter()
        .zip(definition.study.data_sets())
        .map(|(images, settings)| {
            let (data, [train, test]) = (&images.data, images.digests());
            DatasetRecord {
                name: settings.name.clone(),
                train: split(&data.train, train),
                test: split(&data.test, test),
                sources: data.sources.iter().map(source).collect(),
            }
        })
        .collect();
    let warnings = images.iter().flat_map(|images| images.data.warnings.clone());
    Manifest {
        artefact: artefact.into(),
        scale: options.scale.name().into(),
        title: definition.title.clone(),
        paper: definition.paper.clone(),
        seed,
        status: RunStatus::Running,
        start: timestamp(SystemTime::now()),
        end: None,
        commit: commit.into(),
        dirty,
        lock_hash: provenance::lock_hash(),
        burn_version: provenance::burn_version(),
        device: options.device.describe(),
        device_class: options.device.class().into(),
        kernel_tuning: options.device.kernel_tuning(),
        options: options.of_definition(),
        definition_hash: definition.hash(),
        noise_draws: (0..definition.study.noise_draws() as u64).collect(),
        warnings: warnings.collect(),
        peak_memory_bytes: None,
        host: Host {
            cpu: provenance::cpu(),
            threads: std::thread::available_parallelism().map_or(1, usize::from) as u32,
        },
        dataset: records.remove(0),
        other_datasets: records,
        regime: None,
        timings: BTreeMap::new(),
        definition: definition.to_table(),
    }
}
