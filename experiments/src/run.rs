//! Runs an artefact: data, plan, units, tables.

pub(crate) mod failures;
pub(crate) mod manifest;
pub mod options;
pub(crate) mod part;
pub(crate) mod plan;
pub(crate) mod power;
pub(crate) mod regime;
pub(crate) mod times;
pub(crate) mod workflow;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, bail, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::store::files::{flush_folder, is_file, is_folder};
use results::store::manifest::{RunStatus, timestamp};
use results::{Manifest, RunDir, RunKey};
use results::{errln, outln};
use smash::Precision;

use crate::engine::program::Program;
use crate::engine::schedule;
use crate::engine::stop;
use crate::engine::study::{Study, units_of_stage};
use crate::engine::unit::{Unit, seconds_of};
use crate::engine::workers::{self, Workers};
use crate::provenance;
use crate::run::failures::Failures;
use crate::run::options::RunOptions;
use crate::run::part::{PartialWork, starter, version};
use crate::run::times::Times;
use crate::settings::definition::Definition;
use crate::settings::studies::{Data, Study as StudyDefinition};
use crate::studies::benchmark::BenchmarkRun;
use crate::studies::comparison::ComparisonRun;
use crate::studies::correlation::CorrelationRun;
use crate::studies::corruption::CorruptionRun;
use crate::studies::cost::CostRun;
use crate::studies::drawings::DrawingRun;
use crate::studies::ensemble::EnsembleRun;
use crate::studies::fidelity::FidelityRun;
use crate::studies::initialisation::InitialisationRun;
use crate::studies::normalisation::NormalisationRun;
use crate::studies::proxy::ProxyRun;
use crate::studies::sampling::SamplingRun;
use crate::studies::search::SearchRun;
use crate::studies::throughput::ThroughputRun;
use crate::tasks::images::{load_images, name_data_sets, outlines, tasks_of};
use crate::tasks::kept_networks;
use crate::tasks::known_errors::KnownErrors;
use crate::tasks::pool::{Origins, RunPool};
use crate::tasks::setup::{Images, Setup};
use crate::tasks::stored_rows::warn_if_unlisted;

/// Runs or continues an artefact on a device, and prints the places of its tables. The report computes the statistics. The
/// results are stored under the label of this program.
///
/// # Errors
/// Bad input, a diverged SMASH network, or a file that cannot be read or written.
pub fn run<B: AutodiffBackend>(
    artefact: &str,
    options: &RunOptions,
    program: &Program,
    device: &B::Device,
) -> Result<()> {
    let work = options.part.as_ref().map(|part| part.work);
    if let Some(PartialWork::Serve) = work {
        workers::go_first_where_memory_is_short();
    }
    let mut definition = chosen_definition(artefact, options)?;
    let images: Vec<Images<B>> = match load_images(&definition.study, options.data_dir.as_deref(), device) {
        Err(error) if options.plan_only => outlines(&definition.study, device, error)?,
        images => images?,
    };
    definition.study.check_size(options.seeds, &tasks_of(&images))?;
    // The starter of a part has already shown the warnings.
    if options.part.is_none() {
        let warnings = images.iter().flat_map(|images| &images.data.warnings);
        warnings.for_each(|warning| errln!("warning: {warning}"));
    }
    name_data_sets(&mut definition.study, &images);
    // A part is written to the folder of its run.
    let (commit, dirty) = match &options.part {
        Some(part) => starter(part, program.label, &definition)?,
        None => (program.label.to_owned(), provenance::is_dirty(program.label)),
    };
    let keys = keys(artefact, &definition, options, (&commit, dirty));
    let dirs: Vec<RunDir> = keys.iter().map(|key| RunDir::new(&options.results, key)).collect();
    if let (Some(folder), None) = (&options.pool, &options.part) {
        check_pool(folder)?;
    }
    let pool = options.pool.as_ref();
    // Work belongs to the program that does it, even if another one has started the run.
    let pool = pool.map(|folder| RunPool::new(folder, program.label, options.device.class()));
    let benchmark = benchmark_folder(&definition.study, options)?;
    if let (Some(folder), None) = (&benchmark, &options.part) {
        warn_if_unlisted(folder)?;
    }
    let known = match (&definition.study, &benchmark) {
        (StudyDefinition::Correlation(study), Some(folder)) => Some(KnownErrors::read(folder, study, &images[0])?),
        _ => None,
    };
    let sources = Sources {
        label: program.label,
        pool: pool.as_ref(),
        known: known.as_ref(),
        keeps_networks: options.keep_networks,
    };
    let mut runs = Vec::new();
    for (seed, dir) in (0..).zip(&dirs) {
        stop::check()?;
        runs.push(study_of(&definition.study, &images, dir, &sources, seed)?);
    }
    if let Some(PartialWork::Serve) = work {
        return workers::serve(&runs, options.threads_of_worker());
    }
    if options.plan_only {
        return plan::print(&runs, artefact, &definition, &images[0], options);
    }

    // The locks are held to the end of this function.
    let _locks = lock(&dirs, options)?;
    if let Some(PartialWork::Unit(stage, index)) = work {
        return schedule::run_one(&runs, stage, index);
    }
    dirs.iter().try_for_each(RunDir::remove_unfinished)?;
    pool.iter().try_for_each(RunPool::remove_unfinished)?;
    if let Some(PartialWork::Tables) = work {
        schedule::ensure_done(&runs)?;
    }
    let regime = regime::beside_paper(options.library(), artefact, &definition.study, &images[0])?;
    let mut manifests = Vec::new();
    for ((key, dir), run) in keys.iter().zip(&dirs).zip(&runs) {
        let units = (0..run.stages().len()).map(|stage| run.units(stage).len() as u64).sum();
        let fresh = manifest::new(key, &definition, options, &images, regime.clone(), units);
        manifests.push(manifest::open(dir, fresh)?);
    }
    let version = version(&commit, dirty, &definition);
    if let Some(folder) = &options.export_workflow {
        let command = options.command_of_part(program.path()?, artefact, &version)?;
        let times = Times::of(artefact, &images[0].data.name, &definition.hash(), options)?;
        workflow::export(folder, &runs, command, &times, options)?;
        print_places(&dirs);
        return Ok(());
    }
    let (artefact, own, program) = (artefact.to_string(), options.clone(), program.clone());
    let mut workers = Workers::new(move || own.worker_command(&program, &artefact, &version));
    let finished = finish(&runs, &dirs, &mut manifests, options, &mut workers);
    if finished.is_err() && !stop::is_asked() {
        mark_failed(&dirs, &mut manifests);
    }
    finished?;
    if options.keep_networks {
        outln!("{}", kept_networks::counted(&runs, &dirs)?);
    }
    print_places(&dirs);
    Ok(())
}

/// Checks the choices of the command line for an artefact.
///
/// # Errors
/// A choice that the artefact does not have.
pub fn check(artefact: &str, options: &RunOptions) -> Result<()> {
    let definition = chosen_definition(artefact, options)?;
    benchmark_folder(&definition.study, options).map(drop)
}

/// Says that a folder holds no pool yet, because its name may be mistyped.
///
/// # Errors
/// A file in its place, or a place that cannot be looked at.
fn check_pool(folder: &Path) -> Result<()> {
    let place = folder.display();
    ensure!(!is_file(folder)?, "--pool {place}: expected a folder, found a file");
    if !is_folder(folder)? {
        errln!("note: --pool {place}: no pool is there yet, so nothing is taken from it");
    }
    Ok(())
}

/// Prints the folders of the runs, by which another program finds exactly their tables.
fn print_places(dirs: &[RunDir]) {
    for dir in dirs {
        outln!("tables: {}", dir.path().display());
    }
}

/// The folder of the benchmark that a run uses, by the command line or by its definition.
///
/// # Errors
/// A kind of study that uses none.
fn benchmark_folder(study: &StudyDefinition, options: &RunOptions) -> Result<Option<PathBuf>> {
    let StudyDefinition::Correlation(study) = study else {
        ensure!(options.benchmark.is_none(), "--benchmark is for studies of kind correlation");
        return Ok(None);
    };
    let named = study.benchmark.as_ref().map(|used| used.folder_name(&study.data.name));
    Ok(options.benchmark.clone().or(named.map(|name| options.benchmarks.join(name))))
}

/// The definition of an artefact with the choices of the command line.
fn chosen_definition(artefact: &str, options: &RunOptions) -> Result<Definition> {
    let mut set = options.set.clone();
    let name = options.dataset.iter().map(|name| toml::Value::from(name.as_str()));
    set.extend(name.map(|name| format!("study.data.name = {name}")));
    let mut definition = options.library().load(artefact, options.scale, &set)?;
    let study = &mut definition.study;
    if let Some(name) = &options.source {
        let own = study.searches_mut().iter_mut();
        let own: Vec<&mut Data> = own.filter_map(|search| search.data.as_mut()).collect();
        ensure!(!own.is_empty(), "--source: `{artefact}` searches on no data set besides the one it trains on");
        own.into_iter().for_each(|data| data.name.clone_from(name));
    }
    if options.fresh {
        ensure!(options.benchmark.is_none(), "--fresh trains here, --benchmark does not: give one of them");
        match study {
            StudyDefinition::Correlation(study) if study.benchmark.is_some() => study.benchmark = None,
            _ => bail!("--fresh: `{artefact}` names no benchmark at this scale"),
        }
    }
    if options.only_scores {
        match study {
            StudyDefinition::Correlation(study) if !study.predictors.is_empty() => study.keep_only_scores(),
            _ => bail!("--only-scores: `{artefact}` has no predictors at this scale"),
        }
    }
    if let Some(recipe) = options.recipe {
        match study {
            StudyDefinition::Correlation(study) => study.recipe = recipe,
            _ => bail!("--recipe: `{artefact}` has one recipe; only studies of kind correlation have two"),
        }
    }
    if options.bfloat16 {
        let trainings = study.trainings_mut();
        // With --all, it is for the artefacts that train. Their starter has checked the parts of a run.
        ensure!(
            options.all || options.part.is_some() || !trainings.is_empty(),
            "--bfloat16: `{artefact}` trains no resulting network"
        );
        trainings.into_iter().for_each(|training| training.precision = Precision::Bfloat16);
    }
    Ok(definition)
}

/// The identities of the runs, one for each seed.
fn keys(artefact: &str, definition: &Definition, options: &RunOptions, (commit, dirty): (&str, bool)) -> Vec<RunKey> {
    let hash = definition.hash();
    let key = |seed| RunKey {
        artefact: artefact.into(),
        scale: options.scale.name().into(),
        device_class: options.device.class().into(),
        commit: commit.into(),
        dirty,
        definition_hash: hash.clone(),
        seed,
    };
    (0..options.seeds).map(key).collect()
}

/// Creates and locks the folders of the runs. Each lock is held until its file is dropped.
fn lock(dirs: &[RunDir], options: &RunOptions) -> Result<Vec<Option<File>>> {
    let is_part = options.part.is_some();
    let mut locks = Vec::new();
    for dir in dirs {
        dir.create()?;
        locks.push(match is_part || options.export_workflow.is_some() {
            true => dir.lock_with_others()?,
            false => dir.lock_alone()?,
        });
    }
    // The scheduler of parts has to keep other processes from running the same.
    let place = options.results.display();
    if !is_part && locks.iter().any(Option::is_none) {
        errln!("warning: {place} has no locks: start no other process for the same run");
    }
    if !is_part && !flush_folder(dirs[0].path())? {
        errln!("warning: {place} cannot flush folders: a loss of power may undo the last files");
    }
    Ok(locks)
}

/// Marks the runs that are not complete as failed. A run stays open if its manifest cannot be written either, as on a full disk.
fn mark_failed(dirs: &[RunDir], manifests: &mut [Manifest]) {
    for (dir, manifest) in dirs.iter().zip(manifests) {
        if manifest.status != RunStatus::Complete {
            manifest.status = RunStatus::Failed;
            let _ = dir.write_manifest(manifest);
        }
    }
}

/// The origin of the code and of results that a run may take instead of computing them, and whether it keeps networks.
struct Sources<'a> {
    /// Label of this program.
    label: &'a str,
    /// The pool, if the run has one.
    pool: Option<&'a RunPool>,
    /// The benchmark, if the run uses one.
    known: Option<&'a KnownErrors>,
    /// Whether it keeps the networks that it trains.
    keeps_networks: bool,
}

/// One seed of a study of any kind.
fn study_of<'a, B: AutodiffBackend>(
    study: &'a StudyDefinition,
    images: &'a [Images<B>],
    dir: &'a RunDir,
    sources: &Sources<'a>,
    seed: u64,
) -> Result<Box<dyn Study + 'a>> {
    let mut setups = Vec::new();
    for (images, settings) in images.iter().zip(study.data_sets()) {
        let setup = Setup::new(images, settings, dir, sources.pool, seed)?;
        setups.push(Setup { keeps_networks: sources.keeps_networks, ..setup });
    }
    let first = |mut setups: Vec<Setup<'a, B>>| setups.swap_remove(0);
    Ok(match study {
        StudyDefinition::Correlation(study) => Box::new(CorrelationRun::new(study, first(setups), sources.known)?),
        StudyDefinition::Fidelity(study) => Box::new(FidelityRun::new(study, first(setups))),
        StudyDefinition::Benchmark(study) => Box::new(BenchmarkRun::new(study, first(setups), sources.label)?),
        StudyDefinition::Throughput(study) => Box::new(ThroughputRun::new(study, first(setups))),
        StudyDefinition::Ensemble(study) => Box::new(EnsembleRun::new(study, first(setups))),
        StudyDefinition::Corruption(study) => Box::new(CorruptionRun::new(study, first(setups))),
        StudyDefinition::ProxyGradient(study) => Box::new(ProxyRun::new(study, first(setups))),
        StudyDefinition::Search(study) => Box::new(SearchRun::new(study, setups)),
        StudyDefinition::Comparison(study) => Box::new(ComparisonRun::new(study, setups)?),
        StudyDefinition::Initialisation(study) => Box::new(InitialisationRun::new(study, first(setups))),
        StudyDefinition::Normalisation(study) => Box::new(NormalisationRun::new(study, first(setups))),
        StudyDefinition::Drawing(study) => Box::new(DrawingRun::new(study, first(setups))),
        StudyDefinition::Sampling(study) => Box::new(SamplingRun::new(study, first(setups))),
        StudyDefinition::Cost(study) => Box::new(CostRun::new(study, first(setups))),
    })
}

/// Does the units that are not done, and writes the tables.
fn finish(
    runs: &[Box<dyn Study + '_>],
    dirs: &[RunDir],
    manifests: &mut [Manifest],
    options: &RunOptions,
    workers: &mut Workers,
) -> Result<()> {
    // A process that only writes the tables has checked the units.
    if options.part.is_none() {
        run_units(runs, manifests, options.jobs(), workers)?;
    }
    write_results(runs, dirs, manifests, options, workers)
}

fn run_units(
    runs: &[Box<dyn Study + '_>],
    manifests: &mut [Manifest],
    jobs: usize,
    workers: &mut Workers,
) -> Result<()> {
    for stage in 0..runs[0].stages().len() {
        for (run, manifest) in runs.iter().zip(manifests.iter_mut()) {
            for unit in run.units(stage) {
                if let Some(damage) = unit.set_fault_aside()? {
                    manifest::reopen(manifest, format!("{damage}; {} was done again", unit.name));
                }
            }
        }
        schedule::run(stage, &units_of_stage(runs, stage), jobs, workers)?;
    }
    Ok(())
}

/// Writes tables and manifests, once all units are done. It is an error if everything in a table failed.
fn write_results(
    runs: &[Box<dyn Study + '_>],
    dirs: &[RunDir],
    manifests: &mut [Manifest],
    options: &RunOptions,
    workers: &Workers,
) -> Result<()> {
    let mut failed = Vec::new();
    for ((run, dir), manifest) in runs.iter().zip(dirs).zip(manifests) {
        if manifest.status == RunStatus::Complete
            && let Some(fault) = dir.faulty_table(manifest)?
        {
            manifest::reopen(manifest, format!("{fault}; it was written again"));
        }
        if manifest.status == RunStatus::Complete {
            continue;
        }
        run.write_tables()?;
        let failures = Failures::of(dir)?;
        for warning in failures.some {
            if !manifest.warnings.contains(&warning) {
                manifest::warn(manifest, warning);
            }
        }
        let origins = Origins::of(dir)?;
        if let Some(Origins { words, .. }) = &origins {
            manifest.warnings.retain(|warning| warning != words);
            manifest.warnings.push(words.clone());
        }
        for (stage, kind) in run.stages().into_iter().enumerate() {
            let units = run.units(stage);
            // A unit that the pool supplied took no time here, and that would pass for its training time. If the pool supplied
            // any unit of a kind, the manifest therefore omits that kind's time.
            let is_pooled = |unit: &Unit<'_>| origins.as_ref().is_some_and(|origins| origins.has(&unit.output.path));
            if let Some(seconds) = seconds_of(&units).filter(|_| !units.iter().any(is_pooled)) {
                manifest.timings.insert(kind.name().to_string(), seconds);
            }
        }
        // The peak memory of units that ran elsewhere is not known.
        let own = provenance::peak_memory().filter(|_| options.part.is_none());
        manifest.peak_memory_bytes = own.map(|own| own + workers.peak_memory());
        // The tables show every failure, but the run is no success.
        let status = if failures.all.is_empty() { RunStatus::Complete } else { RunStatus::Failed };
        dir.close(manifest, status, timestamp(SystemTime::now()))?;
        failed.extend(failures.all.into_iter().map(|table| format!("seed {}, {table}", manifest.seed)));
    }
    ensure!(failed.is_empty(), "the run failed, although its tables are written: {}", failed.join("; "));
    Ok(())
}
