//! The manifest of a run: created at its start, and read again when the run is resumed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use datasets::ImageSet;
use results::errln;
use results::store::manifest::{DatasetRecord, Host, RunStatus, SourceRecord, SplitRecord, has_timestamp, timestamp};
use results::summaries::regime::Regimes;
use results::threads::cores;
use results::{Manifest, RunDir, RunKey};

use crate::engine::damage::set_fault_aside;
use crate::provenance;
use crate::run::options::RunOptions;
use crate::settings::definition::Definition;
use crate::tasks::setup::Images;

/// The manifest of a run: `fresh` with all that an earlier process noted, or `fresh` itself if the stored manifest is missing or
/// cannot be used. It is written unless the run is complete and nothing is new.
///
/// # Errors
/// A file that the system does not read or write.
pub fn open(dir: &RunDir, mut fresh: Manifest) -> Result<Manifest> {
    let path = dir.manifest_path();
    if results::store::files::is_file(&path)? {
        match set_fault_aside(&path, dir.read_manifest())? {
            Ok(stored) => {
                let (first, here) = (&stored.host.cpu, &fresh.host.cpu);
                let moved = (stored.status != RunStatus::Complete && first != here).then(|| {
                    format!("the run was started on a processor `{first}` and continued on a processor `{here}`")
                });
                // Both definitions decide the same tables, but their words may differ.
                let is_stored = stored.definition == fresh.definition;
                fresh = Manifest {
                    title: fresh.title,
                    paper: fresh.paper,
                    options: fresh.options,
                    units: fresh.units,
                    definition: fresh.definition,
                    ..stored
                };
                if let Some(warning) = moved.filter(|warning| !fresh.warnings.contains(warning)) {
                    warn(&mut fresh, warning);
                }
                if is_stored && fresh.status == RunStatus::Complete {
                    return Ok(fresh);
                }
            }
            Err(damage) => {
                let warning = format!("{damage}; the new manifest lacks earlier starts and warnings");
                warn(&mut fresh, warning);
            }
        }
    }
    dir.write_manifest(&fresh)?;
    Ok(fresh)
}

/// Marks a run as running again, even if it was complete, and records the reason.
pub fn reopen(manifest: &mut Manifest, damage: String) {
    warn(manifest, damage);
    manifest.status = RunStatus::Running;
}

/// Warns the user, and the readers of the results.
pub fn warn(manifest: &mut Manifest, warning: String) {
    errln!("warning: {warning}");
    manifest.warnings.push(warning);
}

/// The manifest of a run before the first of its `units`.
pub fn new<B: AutodiffBackend>(
    key: &RunKey,
    definition: &Definition,
    options: &RunOptions,
    images: &[Images<B>],
    regime: Option<Regimes>,
    units: u64,
) -> Manifest {
    let settings = definition.study.data_sets().into_iter();
    let mut data_sets = settings.zip(images).map(|(settings, images)| data_set(&settings.name, images, options));
    let mut warnings: Vec<String> = images.iter().flat_map(|images| images.data.warnings.clone()).collect();
    let now = SystemTime::now();
    if !has_timestamp(now) {
        warnings.push("the clock of this machine is before 1970 or after 9999; the times of this run are wrong".into());
    }
    Manifest {
        artefact: key.artefact.clone(),
        scale: key.scale.clone(),
        title: definition.title.clone(),
        paper: definition.paper.clone(),
        seed: key.seed,
        status: RunStatus::Running,
        start: timestamp(now),
        end: None,
        commit: key.commit.clone(),
        dirty: key.dirty,
        lock_hash: provenance::lock_hash(),
        burn_version: provenance::burn_version(),
        device: options.device.describe(),
        device_class: key.device_class.clone(),
        options: options.of_definition(),
        definition_hash: key.definition_hash.clone(),
        noise_draws: (0..definition.study.noise_draws() as u64).collect(),
        warnings,
        units: Some(units),
        peak_memory_bytes: None,
        host: Host { cpu: provenance::cpu(), threads: cores() as u32 },
        dataset: data_sets.next().expect("every study has a data set"),
        other_datasets: data_sets.collect(),
        regime,
        tables: BTreeMap::new(),
        timings: BTreeMap::new(),
        definition: definition.to_table(),
    }
}

/// A data set of a run, with digests of its images and files.
fn data_set<B: AutodiffBackend>(name: &str, images: &Images<B>, options: &RunOptions) -> DatasetRecord {
    let split = |set: &ImageSet, digest: &String| SplitRecord { examples: set.len() as u64, sha256: digest.clone() };
    // Paths are relative to the data folder, because its place on this machine says nothing about the data.
    let relative = |path: &str| {
        let folder = options.data_dir.as_ref()?;
        let below = Path::new(path).strip_prefix(folder).ok()?;
        Some(below.display().to_string())
    };
    let source = |source: &datasets::Source| SourceRecord {
        path: relative(&source.path).unwrap_or_else(|| source.path.clone()),
        records: source.records as u64,
        sha256: source.sha256.clone(),
    };
    let (data, [train, test]) = (&images.data, images.digests());
    let ImageSet { classes, channels, depth, height, width, .. } = data.train;
    DatasetRecord {
        name: name.into(),
        classes: Some(classes as u32),
        shape: Some([channels, depth, height, width].map(|size| size as u32)),
        train: split(&data.train, train),
        test: split(&data.test, test),
        sources: data.sources.iter().map(source).collect(),
    }
}
