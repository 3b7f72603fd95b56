//! Runs an artefact: data, plan, units, tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::backend::AutodiffBackend;
use datasets::{DataSet, LoadOptions};
use results::manifest::{DatasetRecord, Host, RunStatus, SourceRecord, SplitRecord, timestamp};
use results::{Manifest, RunDir, RunKey};
use smash::convolution::Precision;

use crate::comparison::ComparisonRun;
use crate::correlation::CorrelationRun;
use crate::corruption::CorruptionRun;
use crate::definition::{self, Definition, Scale};
use crate::device::Device;
use crate::drawings::DrawingRun;
use crate::ensemble::EnsembleRun;
use crate::fidelity::FidelityRun;
use crate::plan;
use crate::pool::{self, RunPool};
use crate::provenance;
use crate::proxy::ProxyRun;
use crate::search::SearchRun;
use crate::studies::{Data, Recipe, Study as StudyDefinition};
use crate::study::{Images, Setup, Study};
use crate::throughput::ThroughputRun;
use crate::units::{self, Kind, units_of_stage};
use crate::workers::{self, Workers};

/// What the command line chose.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Which overlay of the definition.
    pub scale: Scale,
    /// Data set in place of the definition's.
    pub dataset: Option<String>,
    /// Data set that architectures are searched on, in place of the definition's, where they are searched on another.
    pub source: Option<String>,
    /// Folder of the real data sets.
    pub data_dir: Option<PathBuf>,
    /// Single settings over the definition's, `KEY=VALUE` in TOML.
    pub set: Vec<String>,
    /// Folder of a pool, to take trained networks from and add them to.
    pub pool: Option<PathBuf>,
    /// Recipe of the resulting networks in place of the definition's.
    pub recipe: Option<Recipe>,
    /// Train resulting networks with products of bfloat16.
    pub bfloat16: bool,
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
    /// Seconds that the run may take; the plan says which size makes the most of them.
    pub budget: Option<f64>,
    /// Run as a worker of another process, which has this version of code and definition.
    pub worker: Option<String>,
}

/// Runs or continues an artefact on a device and prints where its tables are; statistics are the report's.
///
/// # Errors
/// Bad input, a diverged SMASH network, or a file that cannot be read or written.
pub fn run<B: AutodiffBackend>(artefact: &str, options: &RunOptions, device: &B::Device) -> Result<()> {
    let mut definition = definition::load(artefact, options.scale, &options.set)?;
    if let Some(name) = &options.dataset {
        definition.study.data_mut().name.clone_from(name);
        definition.study.quote_for(name);
    }
    if let Some(name) = &options.source {
        let own = definition.study.searches_mut().iter_mut();
        let own: Vec<&mut Data> = own.filter_map(|search| search.data.as_mut()).collect();
        ensure!(!own.is_empty(), "`{artefact}` searches on no data set of its own");
        own.into_iter().for_each(|data| data.name.clone_from(name));
    }
    if let Some(recipe) = options.recipe {
        match &mut definition.study {
            StudyDefinition::Correlation(study) => study.recipe = recipe,
            _ => bail!("`{artefact}` has no choice of recipe"),
        }
    }
    for training in definition.study.trainings_mut() {
        if options.bfloat16 {
            training.precision = Precision::Bfloat16;
        }
    }
    let mut data_sets = Vec::new();
    for settings in definition.study.data_sets() {
        let data = load_data(settings, options)?;
        if options.worker.is_none() {
            data.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        }
        data_sets.push(data);
    }
    // A worker writes where its starter does, even if there has been a commit since.
    let (commit, dirty) = match &options.worker {
        Some(version) => starter(version, &definition)?,
        None => provenance::commit(),
    };
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
    let images: Vec<Images<B>> = data_sets
        .into_iter()
        .map(|data| Images::new(data, device.clone()))
        .collect();
    let pool = options.pool.as_ref();
    let pool = pool.map(|folder| RunPool::new(folder, &commit, options.device.class()));
    let mut runs = Vec::new();
    for (seed, dir) in dirs.iter().enumerate() {
        runs.push(study_of(&definition.study, &images, dir, pool.as_ref(), seed as u64)?);
    }
    if options.worker.is_some() {
        return workers::serve(&runs, options.threads_of_worker());
    }
    if options.plan_only {
        plan::print_units(&runs, artefact, &definition.hash(), options)?;
        let study = match &definition.study {
            StudyDefinition::Correlation(study) => Some(&**study),
            _ => None,
        };
        return plan::print_power(artefact, study, options);
    }

    let fresh = |seed| new_manifest(artefact, &definition, options, &images, seed, (&commit, dirty));
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
    let version = version(&commit, dirty, &definition);
    let (artefact, own) = (artefact.to_string(), options.clone());
    let mut workers = Workers::new(move || own.worker_command(&artefact, &version));
    if let Err(error) = run_units(&runs, &dirs, &mut manifests, options.jobs, &mut workers) {
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

/// One seed of a study, of whichever kind.
fn study_of<'a, B: AutodiffBackend>(
    study: &'a StudyDefinition,
    images: &'a [Images<B>],
    dir: &'a RunDir,
    pool: Option<&'a RunPool>,
    seed: u64,
) -> Result<Box<dyn Study + 'a>> {
    let mut setups = Vec::new();
    for (images, settings) in images.iter().zip(study.data_sets()) {
        setups.push(Setup::new(images, settings, dir, pool, seed)?);
    }
    let first = |mut setups: Vec<Setup<'a, B>>| setups.swap_remove(0);
    Ok(match study {
        StudyDefinition::Correlation(study) => Box::new(CorrelationRun::new(study, first(setups))?),
        StudyDefinition::Fidelity(study) => Box::new(FidelityRun::new(study, first(setups))),
        StudyDefinition::Throughput(study) => Box::new(ThroughputRun::new(study, first(setups))),
        StudyDefinition::Ensemble(study) => Box::new(EnsembleRun::new(study, first(setups))),
        StudyDefinition::Corruption(study) => Box::new(CorruptionRun::new(study, first(setups))),
        StudyDefinition::ProxyGradient(study) => Box::new(ProxyRun::new(study, first(setups))),
        StudyDefinition::Search(study) => Box::new(SearchRun::new(study, setups)),
        StudyDefinition::Comparison(study) => Box::new(ComparisonRun::new(study, setups)?),
        StudyDefinition::Drawing(study) => Box::new(DrawingRun::new(study, first(setups))),
    })
}

impl RunOptions {
    /// Threads of a unit when several run side by side.
    fn threads_of_worker(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores / self.jobs).max(1)
    }

    /// Starts a worker of this run.
    fn worker_command(&self, artefact: &str, version: &str) -> Result<Command> {
        let program = std::env::current_exe().context("the path of this program is not known")?;
        let mut command = Command::new(program);
        command.args(["run", artefact, "--scale", self.scale.name(), "--worker", version]);
        command.args(["--seeds", &self.seeds.to_string(), "--jobs", &self.jobs.to_string()]);
        command.args(["--device", &self.device.to_string()]);
        command.arg("--results").arg(&self.results);
        if let Some(name) = &self.dataset {
            command.args(["--dataset", name]);
        }
        if let Some(name) = &self.source {
            command.args(["--source", name]);
        }
        if let Some(folder) = &self.data_dir {
            command.arg("--data-dir").arg(folder);
        }
        for setting in &self.set {
            command.args(["--set", setting]);
        }
        if let Some(folder) = &self.pool {
            command.arg("--pool").arg(folder);
        }
        if let Some(recipe) = self.recipe {
            command.args(["--recipe", recipe.name()]);
        }
        if self.bfloat16 {
            command.arg("--bfloat16");
        }
        Ok(command)
    }
}

/// What a worker must have in common with the process that starts it.
fn version(commit: &str, dirty: bool, definition: &Definition) -> String {
    format!("{commit},{dirty},{}", definition.hash())
}

/// Commit of the starter and whether its tree was dirty, from its [`version`].
fn starter(version: &str, definition: &Definition) -> Result<(String, bool)> {
    let parts: Vec<&str> = version.split(',').collect();
    let &[commit, dirty, hash] = &parts[..] else {
        bail!("`--worker {version}`: expected commit, true or false, and hash");
    };
    ensure!(
        hash == definition.hash(),
        "this program was replaced by another version while it ran"
    );
    Ok((commit.to_string(), dirty == "true"))
}

fn load_data(data: &Data, options: &RunOptions) -> Result<DataSet> {
    let load = LoadOptions {
        data_dir: options.data_dir.clone(),
        image_size: data.image_size,
        n_train: data.train,
        n_test: data.test,
        // The same images for every seed of a run, so that seeds differ by training alone.
        seed: 0,
        ..LoadOptions::default()
    };
    Ok(datasets::load(&data.name, &load)?)
}

fn run_units(
    runs: &[Box<dyn Study + '_>],
    dirs: &[RunDir],
    manifests: &mut [Manifest],
    jobs: usize,
    workers: &mut Workers,
) -> Result<()> {
    let mut spent: BTreeMap<Kind, f64> = BTreeMap::new();
    for (stage, (kind, _)) in runs[0].stages().into_iter().enumerate() {
        let units = units_of_stage(runs, stage)?;
        *spent.entry(kind).or_default() += units::run(stage, &units, jobs, workers)?;
    }
    let seeds = runs.len() as f64;
    for ((run, dir), manifest) in runs.iter().zip(dirs).zip(manifests) {
        if manifest.status == RunStatus::Complete {
            continue;
        }
        run.write_tables()?;
        manifest.warnings.extend(pool::origins(dir)?);
        for (kind, seconds) in &spent {
            *manifest.timings.entry(kind.name().to_string()).or_default() += seconds / seeds;
        }
        manifest.peak_memory_bytes = provenance::peak_memory().map(|own| own + workers.peak_memory());
        manifest.end = Some(timestamp(SystemTime::now()));
        manifest.status = RunStatus::Complete;
        dir.write_manifest(manifest)?;
    }
    Ok(())
}

fn new_manifest<B: AutodiffBackend>(
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
        timings: BTreeMap::new(),
        definition: definition.to_table(),
    }
}
