//! SMASH scores and true errors of architectures from files.

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::backend::AutodiffBackend;
use datasets::LoadOptions;
use results::statistics::sample::standard_deviation;
use results::store::files::is_file;
use results::store::manifest::RunStatus;
use results::store::{StoredRun, find_runs_below};
use results::summaries::text::{first_of, percent};
use results::{RunDir, RunKey, TruthRow, errln, outln, threads};
use serde_json::json;
use smash::{ResultingTraining, SearchSpace};

use crate::commands::architecture::{Score, Subject, Train, print};
use crate::engine::schedule;
use crate::engine::unit::{Kind, Unit, gather};
use crate::engine::workers::Workers;
use crate::provenance;
use crate::settings::definition::Definition;
use crate::settings::studies::Study;
use crate::tasks::images::{load_images, name_data_sets, tasks_of};
use crate::tasks::scores::{Scorer, mean_of_all};
use crate::tasks::setup::{Images, Setup};
use crate::tasks::smash_network::SmashRun;
use crate::tasks::true_errors::TrueErrors;

/// Most runs that an error names.
const MOST_NAMED: usize = 10;

/// Runs `experiments architecture score`: the scores are the ones that the run would have given.
///
/// # Errors
/// A file without a valid architecture, no run or several runs to score by, or a run of other images.
pub fn score<B: AutodiffBackend>(options: &Score, device: &B::Device) -> Result<()> {
    let subjects = options.files.read()?;
    let own = options.dataset.as_deref().filter(|name| datasets::kind_and_path(name).is_some());
    let dataset = match own {
        Some(place) => {
            let load = LoadOptions { n_train: Some(1), n_test: Some(1), ..LoadOptions::default() };
            Some(datasets::load(place, &load)?.name)
        }
        None => options.dataset.clone(),
    };
    let StoredRun { dir, manifest } = run_to_score_by(options, dataset.as_deref())?;
    let place = dir.path().display().to_string();
    let definition = manifest.definition.clone().try_into::<Definition>();
    let definition = definition.map_err(|error| anyhow::anyhow!("{}", error.to_string().trim().replace('\n', " ")));
    let mut definition =
        definition.with_context(|| format!("{place}: this program cannot read the run's definition"))?;
    if let Some(own) = own {
        definition.study.data_sets_mut()[0].name = own.to_owned();
    }
    let Study::Correlation(study) = &definition.study else {
        bail!("`{}`: expected an artefact that scores by one SMASH network, such as fig4", options.artefact);
    };
    subjects.iter().try_for_each(|subject| subject.validate(&study.space, &place))?;
    let images = load_images::<B>(&definition.study, options.machine.data.path().as_deref(), device);
    let advice = || {
        format!("{place}: give its images by --data-dir, or by --dataset folder:DIR or npz:FILE if they are your own")
    };
    let images = images.with_context(advice)?;
    definition.study.check_size(1, &tasks_of(&images))?;
    let images = only(images);
    let is_same = images.digests()[0] == manifest.dataset.train.sha256;
    ensure!(is_same, "{place}: the run was trained on other images of `{}`", manifest.dataset.name);
    let setup = Setup::new(&images, &study.data, &dir, None, manifest.seed)?;
    let net = SmashRun::only(&setup, &study.space, &study.hypernet, &study.smash).network()?;
    let scorer = Scorer::new(&setup, &net, study.noise_draws);
    let scorer = scorer.with_statistics(study.statistics, study.smash.batch_size);
    if !options.files.json {
        outln!("SMASH network of {place}");
    }
    let pool = threads::pool()?;
    let mut answers = Vec::new();
    for Subject { file, architecture } in &subjects {
        let scored = pool.install(|| scorer.scores(architecture));
        let of_draws =
            |value: &dyn Fn(usize) -> Option<f64>| -> Vec<Option<f64>> { (0..scored.len()).map(value).collect() };
        let errors = of_draws(&|draw| scored[draw].error);
        let losses = of_draws(&|draw| scored[draw].loss);
        let [error, loss] = [&errors, &losses].map(|values| mean_of_all(values.iter().copied()));
        let [error_deviation, loss_deviation] = [&errors, &losses].map(|values| {
            let all: Option<Vec<f64>> = values.iter().copied().collect();
            all.and_then(|values| standard_deviation(&values))
        });
        answers.push(json!({
            "file": file,
            "run": &place,
            "errors": &errors,
            "losses": &losses,
            "error": { "mean": error, "standard_deviation": error_deviation },
            "loss": { "mean": loss, "standard_deviation": loss_deviation },
        }));
        if options.files.json {
            continue;
        }
        outln!("{file}");
        for (draw, (error, loss)) in errors.iter().zip(&losses).enumerate() {
            outln!("  draw {draw:<13}error {}, loss {}", error_text(*error), number_text(*loss));
        }
        outln!("  mean              error {}, loss {}", error_text(error), number_text(loss));
        let [error, loss] = [error_text(error_deviation), number_text(loss_deviation)];
        outln!("  standard dev.     error {error}, loss {loss}");
    }
    if options.files.json {
        print(&answers)?;
    }
    Ok(())
}

/// The search space of an artefact, and the recipe and the number of its trainings.
fn recipe_of<'a>(study: &'a Study, artefact: &str) -> Result<(&'a SearchSpace, &'a ResultingTraining, usize)> {
    match study {
        Study::Correlation(study) => Ok((&study.space, study.truth_settings(), study.training_seeds)),
        Study::Fidelity(study) => Ok((&study.space, &study.resulting, study.training_seeds)),
        Study::Benchmark(study) => Ok((&study.space, &study.resulting, study.training_seeds)),
        _ => bail!("`{artefact}`: expected an artefact that trains sampled architectures, such as fig4"),
    }
}

/// The only complete run that has the artefact, scale and data set of the options and a stored SMASH network.
fn run_to_score_by(options: &Score, dataset: Option<&str>) -> Result<StoredRun> {
    let mut found = Vec::new();
    for run in find_runs_below(&options.results)?.all()? {
        let manifest = &run.manifest;
        let is_wanted = manifest.artefact == options.artefact
            && manifest.scale == options.scale.name()
            && dataset.is_none_or(|name| name == manifest.dataset.name)
            && manifest.status == RunStatus::Complete;
        if is_wanted && is_file(&run.dir.trained("smash").path)? {
            found.push(run);
        }
    }
    let place = format!("{}: ", options.results.display());
    let on = dataset.map_or_else(String::new, |name| format!(" on {name}"));
    let wanted = format!("complete run of `{}` at {} scale{on}", options.artefact, options.scale.name());
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => bail!("{place}expected a {wanted} with its SMASH network; `run` or `cargo xtask reproduce` makes one"),
        count => {
            let paths: Vec<String> = found.iter().map(|run| run.dir.path().display().to_string()).collect();
            bail!("{place}expected one {wanted}, found {count}; choose by --results: {}", first_of(&paths, MOST_NAMED))
        }
    }
}

/// Runs `experiments architecture train`: the true errors are the ones that a run of the artefact would measure. Finished trainings
/// are kept below the results, in a folder that holds no runs.
///
/// # Errors
/// A file without a valid architecture, an artefact without a recipe, or a file that cannot be read or written.
pub fn train<B: AutodiffBackend>(options: &Train, label: &str, device: &B::Device) -> Result<()> {
    let subjects = options.files.read()?;
    let place = &options.place;
    let mut definition = place.definition()?;
    let (space, ..) = recipe_of(&definition.study, &place.artefact)?;
    subjects.iter().try_for_each(|subject| subject.validate(space, &place.words()))?;
    let images = load_images::<B>(&definition.study, options.machine.data.path().as_deref(), device)?;
    definition.study.check_size(1, &tasks_of(&images))?;
    name_data_sets(&mut definition.study, &images);
    let images = only(images);
    let (space, recipe, training_seeds) = recipe_of(&definition.study, &place.artefact)?;
    let data = definition.study.data_sets()[0];
    // Two versions of a data set may have one name.
    let digest = provenance::sha256(images.digests().concat().as_bytes());
    let mut answers = Vec::new();
    for Subject { file, architecture } in &subjects {
        let key = RunKey {
            artefact: format!("{}-{}", architecture.hash(), &digest[..8]),
            scale: place.scale.name().into(),
            device_class: options.machine.device.class().into(),
            commit: label.into(),
            dirty: provenance::is_dirty(label),
            definition_hash: definition.hash(),
            seed: options.seed,
        };
        let dir = RunDir::new(&options.results.join(".trainings"), &key);
        dir.create()?;
        // The lock is held until the architecture is trained.
        let _lock = dir.lock_alone()?;
        dir.remove_unfinished()?;
        let setup = Setup::new(&images, data, &dir, None, options.seed)?;
        let unit = |training_seed: usize| {
            let (kind, stem) = (Kind::TrainResulting, "truth");
            let true_errors = TrueErrors { kind, stem, space, settings: recipe, known: None, validates: false };
            true_errors.unit(&setup, 0, training_seed, move || Ok(Some((0, architecture))))
        };
        let count = options.training_seeds.map_or(training_seeds, usize::from);
        let units: Vec<Unit<'_>> = (0..count).map(unit).collect();
        for unit in &units {
            if let Some(damage) = unit.set_fault_aside()? {
                errln!("warning: {damage}; {} is done again", unit.name);
            }
        }
        // One training after the other in this process, each with all cores.
        schedule::run(0, &units, 1, &mut Workers::new(|| bail!("a single job needs no worker")))?;
        let rows: Vec<TruthRow> = gather(&units)?;
        let mean = mean_of_all(rows.iter().map(|row| row.error));
        let training = |row: &TruthRow| {
            json!({
                "training_seed": row.training_seed,
                "test_error": row.error,
                "validation_error": row.validation_error,
                "train_error": row.train_error,
                "epochs": row.epochs,
                "message": row.message,
            })
        };
        let trainings: Vec<_> = rows.iter().map(training).collect();
        answers.push(json!({ "file": file, "seed": options.seed, "trainings": trainings, "test_error": mean }));
        if options.files.json {
            continue;
        }
        outln!("{file}");
        for row in &rows {
            let why = row.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
            outln!("  training {:<9}test error {}{why}", row.training_seed, error_text(row.error));
        }
        outln!("  mean              test error {}", error_text(mean));
    }
    if options.files.json {
        print(&answers)?;
    }
    Ok(())
}

/// The images of a study that has no others, with a note of what is odd about them.
fn only<B: AutodiffBackend>(mut images: Vec<Images<B>>) -> Images<B> {
    let images = images.swap_remove(0);
    images.data.warnings.iter().for_each(|warning| errln!("warning: {warning}"));
    images
}

fn error_text(error: Option<f64>) -> String {
    error.map_or("undefined".to_owned(), percent)
}

fn number_text(number: Option<f64>) -> String {
    number.map_or("undefined".to_owned(), |number| format!("{number:.4}"))
}
