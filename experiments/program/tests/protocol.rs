//! The protocol of a run, through the binary: the same tables whatever the jobs and interruptions, and clear errors.

mod binary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use binary::{error_of, experiments, succeeded, tables, without_identity};
use results::store::StoredRun;
use results::{
    FixedTrainingRow, InitialisationCurveRow, InitialisationRow, PredictionRow, Row, ScoreRow, StabilityRow, Status,
    TruthRow,
};

#[test]
fn tables_do_not_depend_on_jobs_or_interruptions() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("one"), &["fig4", "--jobs", "1", "--seeds", "2"]).output().unwrap());
    let expected = tables(&at("one"));
    // Five tables for each seed: architectures, epochs, numbers of weights, scores and truths.
    assert_eq!(expected.len(), 10);

    succeeded(&experiments(&at("two"), &["fig4", "--jobs", "2", "--seeds", "2"]).output().unwrap());
    assert_eq!(tables(&at("two")), expected);

    for milliseconds in [40, 150, 260] {
        let mut run = experiments(&at("killed"), &["fig4", "--jobs", "2", "--seeds", "2"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    succeeded(&experiments(&at("killed"), &["fig4", "--seeds", "2"]).output().unwrap());
    assert_eq!(tables(&at("killed")), expected);
}

#[test]
fn other_words_leave_a_run_as_it_is_and_reach_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let manifest_of = |arguments: &[&str]| {
        succeeded(&experiments(folder.path(), arguments).output().unwrap());
        let mut manifests = binary::files(folder.path());
        manifests.retain(|file| file.ends_with("manifest.toml"));
        assert_eq!(manifests.len(), 1, "{manifests:?}");
        results::Manifest::read(&manifests[0]).unwrap()
    };
    let first = manifest_of(&["fig1"]);
    let stored = tables(folder.path());
    let reworded = manifest_of(&["fig1", "--set", "title='Other words'"]);
    assert_eq!(reworded.title, "Other words");
    assert_eq!((&reworded.start, &reworded.end), (&first.start, &first.end));
    assert_eq!(tables(folder.path()), stored);
}

#[test]
fn only_scores_leave_out_predictors_and_change_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let tables_of = |results: &str, arguments: &[&str]| -> BTreeMap<String, Vec<u8>> {
        let results = folder.path().join(results);
        succeeded(&experiments(&results, arguments).output().unwrap());
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        tables(&results).into_iter().map(|(path, bytes)| (name(path), without_identity(&bytes))).collect()
    };
    let mut whole = tables_of("whole", &["rivals"]);
    let only = tables_of("only", &["rivals", "--only-scores"]);
    whole.remove("predictions.parquet").unwrap();
    // The table of epochs also holds the further networks.
    whole.remove("epochs.parquet").unwrap();
    assert!(whole.iter().all(|(name, bytes)| only[name] == *bytes));
    assert_eq!(only.len(), whole.len() + 1);
    let error = error_of(&mut experiments(folder.path(), &["fig4", "--only-scores"]));
    assert!(error.contains("--only-scores: `fig4` has no predictors"), "{error}");
}

#[test]
fn a_pool_gives_the_tables_that_training_gives() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pool = at("pool");
    let run = |results: &str, arguments: &[&str]| {
        let output = experiments(&at(results), arguments).arg("--pool").arg(&pool).output().unwrap();
        succeeded(&output);
    };
    let files = |kind: &str| std::fs::read_dir(pool.join(kind)).unwrap().count();
    succeeded(&experiments(&at("without"), &["fig4"]).output().unwrap());
    run("first", &["fig4"]);
    let expected = tables(&at("without"));
    assert_eq!(tables(&at("first")), expected);
    let (truths, networks) = (files("truths"), files("networks"));
    assert!(truths > 0 && networks == 2, "{truths} truths, {networks} files of networks");

    run("second", &["fig4", "--jobs", "1"]);
    assert_eq!(tables(&at("second")), expected);
    assert_eq!((files("truths"), files("networks")), (truths, networks));
    let manifest = |results: &str| {
        let seed = tables(&at(results)).into_keys().next().unwrap();
        std::fs::read_to_string(at(results).join(seed).with_file_name("manifest.toml")).unwrap()
    };
    // The pool supplied the trainings of the run, and the SMASH network.
    assert!(manifest("second").contains(&format!("{} trainings were taken from a pool", truths + 1)));
    assert!(!manifest("first").contains("from a pool"));
    // If the pool supplied units of a kind, the manifest has no time for that kind.
    let measured = |results, kind| manifest(results).contains(&format!("\"{kind}\" = "));
    for kind in ["train SMASH network", "train resulting networks"] {
        assert!(measured("first", kind) && !measured("second", kind), "{kind}");
    }
    assert!(measured("second", "score architectures"));

    // Another recipe is another training.
    run("other", &["fig4", "--set", "study.resulting.learning-rate=0.05"]);
    assert_eq!((files("truths"), files("networks")), (2 * truths, networks));

    let pool_command = |arguments: [&str; 2], pool: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
        command.arg("pool").args(arguments).arg("--pool").arg(pool);
        command
    };
    let exported = at("truths.parquet");
    let exported = exported.to_str().unwrap();
    succeeded(&pool_command(["export", exported], &pool).output().unwrap());
    let copy = at("copy");
    succeeded(&pool_command(["import", exported], &copy).output().unwrap());
    assert_eq!(std::fs::read_dir(copy.join("truths")).unwrap().count(), 2 * truths);
    std::fs::write(exported, "damaged").unwrap();
    let error = error_of(&mut pool_command(["import", exported], &copy));
    assert!(error.contains("truths.parquet"), "{error}");
}

/// The only table of this kind.
fn table<R: Row>(folder: &Path) -> Vec<R> {
    let name = format!("{}.parquet", R::NAME);
    let found: Vec<PathBuf> = tables(folder).into_keys().filter(|path| path.ends_with(&name)).collect();
    let [path] = &found[..] else {
        panic!("one table `{name}`, found {found:?}");
    };
    StoredRun::open(folder.join(path).parent().unwrap()).unwrap().read().unwrap()
}

/// With no learning rate to speak of, a network guesses. That is a divergence: a row without an error, and no failure of the run.
#[test]
fn a_training_that_diverges_is_a_row_whatever_the_interruptions() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |name: &str| {
        let mut command = experiments(&at(name), &["normalisation", "--set", "study.learning-rates=[0.001, 1e-12]"]);
        command.args(["--set", "study.resulting.learning-rate=1e-12", "--set", "study.architectures=1"]);
        command
    };
    succeeded(&run("one").output().unwrap());
    let smash = table::<StabilityRow>(&at("one"));
    let fixed = table::<FixedTrainingRow>(&at("one"));
    // Five normalisations at two rates, and beside BatchNorm.
    assert_eq!((smash.len(), fixed.len()), (10, 6));
    let ends = smash.iter().map(|row| (row.status, row.error, &row.message));
    let ends: Vec<_> = ends.chain(fixed.iter().map(|row| (row.status, row.error, &row.message))).collect();
    for (status, error, message) in &ends {
        assert_eq!((error.is_some(), message.is_some()), (*status == Status::Ok, *status == Status::Diverged));
    }
    assert!(ends.iter().any(|(status, ..)| *status == Status::Diverged), "{ends:?}");

    for milliseconds in [60, 200] {
        let mut killed = run("killed").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    succeeded(&run("killed").output().unwrap());
    assert_eq!(tables(&at("killed")), tables(&at("one")));
}

/// The preset and the ladder train the same network at smoke scale.
#[test]
fn the_preset_scores_as_the_last_rung_of_the_ladder() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let results = folder.path().join(arguments[0]);
        succeeded(&experiments(&results, arguments).output().unwrap());
        results
    };
    let ladder = run(&["ladder"]);
    let preset = run(&["fig4-combined", "--set", "study.scored=4", "--set", "study.every=2"]);

    let mut of_rung: Vec<PredictionRow> = table(&ladder);
    of_rung.retain(|row| row.predictor == "combined");
    assert_eq!(of_rung.len(), 4);
    let mut losses: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for row in table::<ScoreRow>(&preset) {
        losses.entry(row.architecture).or_default().push(row.loss.unwrap());
    }
    let mean = |losses: &Vec<f64>| losses.iter().sum::<f64>() / losses.len() as f64;
    for row in &of_rung {
        let losses = &losses[&row.architecture];
        assert_eq!((losses.len(), Some(mean(losses))), (8, row.value));
    }

    let mut ranked: Vec<(u32, f64)> = losses.iter().map(|(&index, losses)| (index, mean(losses))).collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut expected = [ranked[0].0, ranked[2].0];
    expected.sort();
    let mut trained: Vec<u32> = table::<TruthRow>(&preset).iter().map(|row| row.architecture).collect();
    trained.dedup();
    assert_eq!(trained, expected);
}

/// The trainings from standard weights are those of any study, so the ones from generated weights differ from them by their start alone.
#[test]
fn trainings_from_standard_weights_give_true_errors_and_survive_kills() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for artefact in ["fidelity", "warm-init"] {
        succeeded(&experiments(&at(artefact), &[artefact]).output().unwrap());
    }
    let rows: Vec<InitialisationRow> = table(&at("warm-init"));
    let errors = |start: &str| -> BTreeMap<u32, Option<f64>> {
        let of_start = |row: &&InitialisationRow| {
            row.network == "BatchNorm" && row.start == start && row.group == "sampled" && row.training_seed == 0
        };
        rows.iter().filter(of_start).map(|row| (row.architecture, row.error)).collect()
    };
    let first = table::<TruthRow>(&at("fidelity")).into_iter().filter(|row| row.training_seed == 0);
    let expected: BTreeMap<u32, Option<f64>> = first.map(|row| (row.architecture, row.error)).collect();
    assert_eq!((errors("standard"), expected.len()), (expected, 3));
    let curve = |start: &str| -> Vec<Option<f64>> {
        let curves: Vec<InitialisationCurveRow> = table(&at("warm-init"));
        curves.iter().filter(|row| row.start == start).map(|row| row.validation_error).collect()
    };
    assert_ne!(curve("standard"), curve("generated"));

    for milliseconds in [100, 300] {
        let mut run = experiments(&at("killed"), &["warm-init", "--jobs", "2"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    succeeded(&experiments(&at("killed"), &["warm-init"]).output().unwrap());
    assert_eq!(tables(&at("killed")), tables(&at("warm-init")));
}

/// The schedule keeps the rate constant over the first half of the training, so the first epoch is the same in both trainings.
#[test]
fn a_score_after_some_epochs_is_that_of_the_network_at_this_time() {
    let folder = tempfile::tempdir().unwrap();
    let score = |name: &str, after: &str| {
        format!("{{ name = '{name}', method = {{ kind = 'score', draws = 1, by = 'loss'{after} }} }}")
    };
    let losses = |epochs: usize, late: usize| {
        let [early, late] =
            [("early", 1), ("late", late)].map(|(name, epochs)| score(name, &format!(", after-epochs = {epochs}")));
        let sets = [
            "study.every=1".to_owned(),
            "study.smash.schedule='steps'".to_owned(),
            format!("study.smash.epochs={epochs}"),
            format!("study.predictor=[{early}, {late}, {}]", score("whole", "")),
        ];
        let results = folder.path().join(epochs.to_string());
        let mut command = experiments(&results, &["fig4"]);
        for set in &sets {
            command.arg("--set").arg(set);
        }
        succeeded(&command.output().unwrap());
        let rows: Vec<PredictionRow> = table(&results);
        ["early", "late", "whole"].map(|name| -> Vec<f64> {
            let own = rows.iter().filter(|row| row.predictor == name);
            let mut losses: Vec<(u32, f64)> = own.map(|row| (row.architecture, row.value.unwrap())).collect();
            losses.sort_by_key(|&(architecture, _)| architecture);
            losses.into_iter().map(|(_, loss)| loss).collect()
        })
    };
    let [first_of_two, second_of_two, end_of_two] = losses(2, 2);
    let [first_of_four, third_of_four, end_of_four] = losses(4, 3);
    assert_eq!(second_of_two, end_of_two);
    assert_eq!(first_of_two, first_of_four);
    for (one, other) in [(&first_of_two, &end_of_two), (&first_of_four, &third_of_four), (&third_of_four, &end_of_four)]
    {
        assert_ne!(one, other);
    }
}

#[test]
fn a_network_from_a_pool_brings_the_states_that_predictors_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let early = "study.predictor=[{ name = 'early', method = { kind = 'score', draws = 1, after-epochs = 1 } }]";
    let run = |results: &str, arguments: &[&str]| {
        let output = experiments(&at(results), arguments).arg("--pool").arg(at("pool")).output().unwrap();
        succeeded(&output);
        std::fs::read_dir(at("pool").join("networks")).unwrap().count() / 2
    };
    succeeded(&experiments(&at("without"), &["fig4", "--set", early]).output().unwrap());
    // The network of the plain run has no state after one epoch, so it is not taken.
    assert_eq!(run("plain", &["fig4"]), 1);
    assert_eq!(run("first", &["fig4", "--set", early]), 2);
    assert_eq!(run("second", &["fig4", "--set", early]), 2);
    for results in ["first", "second"] {
        assert_eq!(tables(&at(results)), tables(&at("without")), "{results}");
    }
}

#[test]
fn bad_input_gives_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let error = |arguments: &[&str]| error_of(&mut experiments(&results, arguments));
    // clap prints a hint after its error line.
    let abacus = experiments(&results, &["fig4", "--device", "abacus"]).output().unwrap();
    assert!(!abacus.status.success());
    assert!(String::from_utf8_lossy(&abacus.stderr).contains("expected cpu, cuda, cuda:INDEX or wgpu"));
    assert!(error(&["fig99"]).contains("unknown artefact `fig99`; known: appendix-d, appendix-e, "));
    for (device, backend) in [("cuda", "CUDA"), ("wgpu", "wgpu")] {
        let reason = error(&["fig4", "--device", device]);
        // The checks of a build with that backend have their own tests.
        assert!(reason.contains(&format!("without {backend}")) || reason.contains("no CUDA device"), "{reason}");
    }
    assert!(error(&["fig4", "--dataset", "mnist"]).contains("mnist"));
    assert!(error(&["fig4", "--dataset", "cifar100"]).contains("--data-dir"));

    let data = folder.path().join("cifar-100-binary");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("train.bin"), vec![1; 3074 + 100]).unwrap();
    std::fs::write(data.join("test.bin"), vec![1; 3074]).unwrap();
    let folder_text = folder.path().to_str().unwrap();
    let cut = error(&["fig4", "--dataset", "cifar100", "--data-dir", folder_text]);
    assert!(cut.contains("train.bin") && cut.contains("record 1"), "{cut}");
    assert!(!results.exists(), "nothing is written before the input is known to be good");

    // A file in place of the folder of results stands for any folder that cannot be written.
    std::fs::write(&results, "not a folder").unwrap();
    assert!(error(&["fig4"]).contains("results"));
    assert_eq!(std::fs::read_to_string(&results).unwrap(), "not a folder");
}

#[cfg(target_os = "linux")]
#[test]
fn no_worker_outlives_its_starter() {
    let folder = tempfile::tempdir().unwrap();
    let workers = || -> Vec<PathBuf> {
        let names_folder = |path: &Path| {
            let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("--part-of") && line.contains(folder.path().to_str().unwrap())
        };
        let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        processes.filter(|path| names_folder(path)).collect()
    };
    // If memory runs out, the kernel is to kill the workers, and not their starter.
    let is_first_to_go =
        |worker: &PathBuf| std::fs::read(worker.join("oom_score_adj")).is_ok_and(|score| score == b"500\n");
    let wait_until = |is_so: &dyn Fn(&[PathBuf]) -> bool| {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while !is_so(&workers()) {
            assert!(std::time::Instant::now() < until, "workers: {:?}", workers());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let mut run = experiments(folder.path(), &["fig4", "--jobs", "2", "--seeds", "40"]).spawn().unwrap();
    wait_until(&|workers| workers.len() == 2 && workers.iter().all(is_first_to_go));
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until(&|workers| workers.is_empty());
}

#[test]
fn numbers_out_of_bounds_end_in_one_error_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    for (artefact, setting, expected) in [
        (
            "fig4",
            "study.scored=100000000000",
            "`study.scored` must be a whole number from 1 to 100000, got 100000000000",
        ),
        ("fig4", "study.hypernet.growth=0", "`study.hypernet.growth` must be"),
        ("fig4", "study.space.depth=100000", "`depth` must be from 1 to 100, got 100000"),
        ("fig4", "study.space.width=9223372036854775807", "`width` must be from 1 to 200"),
        ("fig4", "study.data.image-size=1000000000", "`study.data.image-size` must be"),
        ("fig4", "study.resulting.learning-rate=nan", "learning-rate` must be above 0 and at most 10, got nan"),
        ("fig4", "study.fast.label-smoothing=-5", "label-smoothing` must be from 0 to 1, got -5"),
        ("fig4", "study.data={image-size=512,train=10000000}", "shapes train: 10000000 examples requested"),
        ("fig4", "study.data={image-size=512,train=10000}", "10000 examples of 786432 bytes each are too many"),
        (
            "fig4",
            "study.data.validation=200",
            "data set shapes: `data.validation`: cannot hold out 200 of 200 examples for validation",
        ),
        (
            "fig4",
            "study={data={name='solids',image-size=16},smash={batch-size=65536}}",
            "values read by the ops of a network for one batch",
        ),
        ("table2", "study.folds={count=4294967296,size=4294967296}", "`study.folds.count` must be"),
        ("fig5b", "study.members=100000000000", "`study.members` must be"),
        ("fig5b", "study={members=1000,scored=100000}", "the run is too large: up to "),
    ] {
        let error = error_of(&mut experiments(folder.path(), &[artefact, "--plan", "--set", setting]));
        assert!(error.contains(expected), "{setting}: {error}");
    }
    assert!(binary::files(folder.path()).is_empty());
}

#[test]
fn too_many_threads_are_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = experiments(folder.path(), &["fig1"]).env("RAYON_NUM_THREADS", "100000").output().unwrap();
    succeeded(&output);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("warning: RAYON_NUM_THREADS=100000 is too much for "), "{text}");
}
