//! Runs an artefact: data, plan, units, tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use datasets::{DataSet, LoadOptions};
use results::manifest::{DatasetRecord, Host, RunStatus, SourceRecord, SplitRecord, timestamp};
use results::{Manifest, RunDir, RunKey};

use crate::correlation::SeedRun;
use crate::definition::{self, CorrelationStudy, Definition, Scale, Study};
use crate::device::Device;
use crate::provenance;
use crate::units::{self, Kind, Unit};

/// What the command line chose.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Which overlay of the definition.
    pub scale: Scale,
    /// Data set in place of the definition's.
    pub dataset: Option<String>,
    /// Folder of the real data sets.
    pub data_dir: Option<PathBuf>,
    /// Number of seeds, from 0.
    pub seeds: u64,
    /// Units at a time.
    pub jobs: usize,
    /// Where to compute.
    pub device: Device,
    /// Folder of the stored runs.
    pub results: PathBuf,
    /// Print the plan and stop.
    pub plan_only: bool,
}

/// Runs or continues an artefact on a device and prints where its tables are; statistics are the report's.
///
/// # Errors
/// Bad input, a diverged SMASH network, or a file that cannot be read or written.
pub fn run<B: AutodiffBackend>(artefact: &str, options: &RunOptions, device: &B::Device) -> Result<()> {
    let mut definition = definition::load(artefact, options.scale)?;
    let Study::Correlation(study) = &mut definition.study;
    if let Some(name) = &options.dataset {
        study.data.name.clone_from(name);
    }
    let study = study.clone();
    let data = load_data(&study, options)?;
    for warning in &data.warnings {
        eprintln!("warning: {warning}");
    }
    let (commit, dirty) = provenance::commit();
    let dirs: Vec<RunDir> = (0..options.seeds)
        .map(|seed| {
            let key = RunKey {
                artefact: artefact.into(),
                scale: options.scale.name().into(),
                device_class: options.device.class().into(),
                commit: commit.clone(),
                dirty,
                definition_hash: definition.hash(),
                seed,
            };
            RunDir::new(&options.results, &key)
        })
        .collect();
    let mut runs = Vec::new();
    for (seed, dir) in dirs.iter().enumerate() {
        runs.push(SeedRun::<B>::new(&study, &data, dir, seed as u64, device.clone())?);
    }
    if options.plan_only {
        let earlier = earlier_run(artefact, &definition.hash(), options)?;
        return print_plan(&runs, options.jobs, earlier.as_ref());
    }

    let fresh = |seed| new_manifest(artefact, &definition, options, &data, &study, seed, (&commit, dirty));
    let mut manifests = Vec::new();
    for (seed, dir) in dirs.iter().enumerate() {
        dir.create()?;
        // An interrupted run keeps its start and the time it has spent.
        let manifest = if dir.manifest_path().exists() {
            dir.read_manifest()?
        } else {
            fresh(seed as u64)
        };
        if manifest.status != RunStatus::Complete {
            dir.write_manifest(&manifest)?;
        }
        manifests.push(manifest);
    }
    if let Err(error) = run_units(&runs, &dirs, &mut manifests, options.jobs) {
        for (dir, manifest) in dirs.iter().zip(&mut manifests) {
            if manifest.status != RunStatus::Complete {
                manifest.status = RunStatus::Failed;
                dir.write_manifest(manifest)?;
            }
        }
        return Err(error);
    }
    for dir in &dirs {
        println!("tables: {}", dir.path().display());
    }
    Ok(())
}

fn load_data(study: &CorrelationStudy, options: &RunOptions) -> Result<DataSet> {
    let load = LoadOptions {
        data_dir: options.data_dir.clone(),
        image_size: study.data.image_size,
        n_train: study.data.train,
        n_test: study.data.test,
        // The same images for every seed of a run, so that seeds differ by training alone.
        seed: 0,
    };
    Ok(datasets::load(&study.data.name, &load)?)
}

fn run_units<B: AutodiffBackend>(
    runs: &[SeedRun<'_, B>],
    dirs: &[RunDir],
    manifests: &mut [Manifest],
    jobs: usize,
) -> Result<()> {
    let mut spent: BTreeMap<Kind, f64> = BTreeMap::new();
    let mut stage = |units: Vec<Unit<'_>>| -> Result<()> {
        let Some(kind) = units.first().map(|unit| unit.kind) else {
            return Ok(());
        };
        let seconds = units::run(&units, jobs)?;
        *spent.entry(kind).or_default() += seconds;
        Ok(())
    };
    stage(runs.iter().flat_map(SeedRun::training_units).collect())?;
    stage(runs.iter().flat_map(SeedRun::scoring_units).collect())?;
    let mut truths = Vec::new();
    for run in runs {
        truths.extend(run.truth_units()?);
    }
    stage(truths)?;
    let seeds = runs.len() as f64;
    for ((run, dir), manifest) in runs.iter().zip(dirs).zip(manifests) {
        if manifest.status == RunStatus::Complete {
            continue;
        }
        run.write_tables()?;
        for (kind, seconds) in &spent {
            *manifest.timings.entry(kind.name().to_string()).or_default() += seconds / seeds;
        }
        manifest.peak_memory_bytes = provenance::peak_memory();
        manifest.end = Some(timestamp(SystemTime::now()));
        manifest.status = RunStatus::Complete;
        dir.write_manifest(manifest)?;
    }
    Ok(())
}

/// Prints units, those done, and the time that the open ones took in the newest complete run of the same definition.
fn print_plan<B: AutodiffBackend>(runs: &[SeedRun<'_, B>], jobs: usize, earlier: Option<&Manifest>) -> Result<()> {
    println!("{:<28}{:>8}{:>8}  expected time", "units", "in all", "done");
    let count = |units: &[Unit<'_>]| units.iter().filter(|unit| unit.is_done()).count();
    let mut truths_done = 0;
    for run in runs {
        // Which networks are trained is known once all scores are there.
        if run.scoring_units().iter().all(Unit::is_done) {
            truths_done += count(&run.truth_units()?);
        }
    }
    let of_all = |units: fn(&SeedRun<'_, B>) -> (usize, usize)| {
        runs.iter()
            .map(units)
            .fold((0, 0), |sum, (all, done)| (sum.0 + all, sum.1 + done))
    };
    let training = of_all(|run| (1, run.training_units().iter().filter(|unit| unit.is_done()).count()));
    let scoring = of_all(|run| {
        let units = run.scoring_units();
        (units.len(), units.iter().filter(|unit| unit.is_done()).count())
    });
    let truths = (runs.iter().map(SeedRun::truth_count).sum(), truths_done);
    for (kind, (all, done)) in [
        (Kind::TrainSmash, training),
        (Kind::Score, scoring),
        (Kind::TrainResulting, truths),
    ] {
        let open = all - done;
        let in_one_seed = all as f64 / runs.len() as f64;
        let seconds = earlier
            .and_then(|manifest| manifest.timings.get(kind.name()))
            .map(|seconds| seconds / in_one_seed * open as f64 / jobs.min(open.max(1)) as f64);
        let expected = match seconds {
            _ if open == 0 => "none".to_string(),
            Some(seconds) => format!("about {:.1} minutes", seconds / 60.0),
            None => "not known before a first run".to_string(),
        };
        println!("{:<28}{all:>8}{done:>8}  {expected}", kind.name());
    }
    Ok(())
}

/// The newest complete run of the same definition on the same kind of device, for its timings.
fn earlier_run(artefact: &str, definition_hash: &str, options: &RunOptions) -> Result<Option<Manifest>> {
    let runs = results::store::find_runs(&options.results, Some(artefact))?;
    let same = runs.into_iter().map(|run| run.manifest).filter(|manifest| {
        manifest.status == RunStatus::Complete
            && manifest.definition_hash == definition_hash
            && manifest.device_class == options.device.class()
    });
    Ok(same.max_by(|a, b| a.recency().cmp(b.recency())))
}

fn new_manifest(
    artefact: &str,
    definition: &Definition,
    options: &RunOptions,
    data: &DataSet,
    study: &CorrelationStudy,
    seed: u64,
    (commit, dirty): (&str, bool),
) -> Manifest {
    let split = |set: &datasets::ImageSet| SplitRecord {
        examples: set.len() as u64,
        sha256: set.digest(),
    };
    // Below the data folder, whose place on this machine says nothing about the data.
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
        definition_hash: definition.hash(),
        noise_draws: (0..study.noise_draws as u64).collect(),
        warnings: data.warnings.clone(),
        peak_memory_bytes: None,
        host: Host {
            cpu: provenance::cpu(),
            threads: std::thread::available_parallelism().map_or(1, usize::from) as u32,
        },
        dataset: DatasetRecord {
            name: study.data.name.clone(),
            train: split(&data.train),
            test: split(&data.test),
            sources: data.sources.iter().map(source).collect(),
        },
        timings: BTreeMap::new(),
        definition: definition.to_table(),
    }
}
