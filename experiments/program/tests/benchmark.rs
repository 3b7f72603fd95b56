//! The benchmark of trained architectures, through the binary: growth in parts, interruption, export.

mod binary;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use binary::{error_of, experiments, files, succeeded, tables};
use experiments::tasks::stored_rows;
use results::store::StoredRun;
use results::store::benchmark::{Benchmark, TrainingRow};
use results::{Row, TrainingCurveRow, VerificationRow};
use smash::Task;

/// Enough epochs to stop a run in the middle of a training.
const LONG: [&str; 3] = ["benchmark", "--set", "study.resulting.epochs=40"];

fn benchmark(arguments: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
    command.arg("benchmark").arg(arguments[0]);
    // Words and paths alternate.
    for (index, path) in paths.iter().enumerate() {
        command.args(arguments.get(index + 1).filter(|word| !word.is_empty())).arg(path);
    }
    command
}

/// Makes the benchmark of smoke scale in a folder.
fn make_benchmark(folder: &Path) {
    let runs = tempfile::tempdir().unwrap();
    succeeded(&experiments(runs.path(), &["benchmark"]).output().unwrap());
    succeeded(&benchmark(&["add", "", "--results"], &[folder, runs.path()]).output().unwrap());
}

/// The rows of a table of a complete run.
fn rows<R: Row>(table: &Path) -> Vec<R> {
    StoredRun::open(table.parent().unwrap()).unwrap().read().unwrap()
}

fn tables_of(folder: &Path) -> Vec<Vec<u8>> {
    // The file of the settings lists the digest of the times too.
    let names = ["trainings.parquet", "curves.parquet"];
    names.map(|name| std::fs::read(folder.join(name)).unwrap()).into()
}

#[test]
fn two_parts_one_of_them_interrupted_give_the_tables_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &LONG).output().unwrap());
    let part = |results: &str, first: &str, count: &str| {
        let range = [format!("study.first={first}"), format!("study.architectures={count}")];
        experiments(&at(results), &[&LONG[..], &["--set", &range[0], "--set", &range[1], "--jobs", "1"]].concat())
    };
    let mut run = part("first", "0", "2").spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let is_under_way = || {
        at("first").exists() && files(&at("first")).iter().any(|file| file.ends_with("training-00001-0.safetensors"))
    };
    while !is_under_way() {
        assert!(Instant::now() < until, "no checkpoint of the second architecture");
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    // The finished trainings of an incomplete run count.
    succeeded(&benchmark(&["add", "", "--results"], &[&at("early"), &at("first")]).output().unwrap());
    let early = Benchmark::read(&at("early")).unwrap().unwrap();
    assert!((2..4).contains(&early.trainings.len()), "{}", early.trainings.len());

    succeeded(&part("first", "0", "2").output().unwrap());
    succeeded(&part("second", "2", "1").output().unwrap());
    let add = |to: &str, from: &[&str]| {
        for results in from {
            succeeded(&benchmark(&["add", "", "--results"], &[&at(to), &at(results)]).output().unwrap());
        }
        tables_of(&at(to))
    };
    let whole = add("a", &["whole"]);
    assert_eq!(add("b", &["second", "first"]), whole);
    assert_eq!(add("early", &["second", "first"]), whole);

    let read = Benchmark::read(&at("a")).unwrap().unwrap();
    let numbers: Vec<_> = read.trainings.iter().map(|row| (row.architecture, row.training_seed)).collect();
    assert_eq!(numbers, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(read.curves.len(), 6 * 40);
    let last = |row: &TrainingRow| {
        let curve = read
            .curves
            .iter()
            .rfind(|epoch| (epoch.architecture, epoch.training_seed) == (row.architecture, row.training_seed));
        curve.map(|epoch| (epoch.epoch, epoch.validation_error, epoch.train_error))
    };
    for row in &read.trainings {
        assert_eq!(last(row), Some((40, row.validation_error.unwrap(), row.train_error.unwrap())));
    }
    // Architectures, truths and curves of the run itself.
    assert_eq!(tables(&at("whole")).len(), 3);

    succeeded(&benchmark(&["export", "", ""], &[&at("a"), &at("csv")]).output().unwrap());
    let text = std::fs::read_to_string(at("csv").join("curves.csv")).unwrap();
    assert_eq!(text.lines().count(), 1 + 6 * 40);
}

#[test]
fn a_benchmark_has_the_true_errors_of_its_study() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("benchmark"), &["benchmark"]).output().unwrap());
    succeeded(
        &experiments(&at("study"), &["fig4", "--set", "study.training-seeds=2", "--set", "study.every=1"])
            .output()
            .unwrap(),
    );
    let truths = |root: &str| -> Vec<results::TruthRow> {
        let path = tables(&at(root)).into_keys().find(|path| path.ends_with("truths.parquet"));
        rows(&at(root).join(path.unwrap()))
    };
    let study = truths("study");
    // Both sample the same list, and its first three architectures differ.
    let same = truths("benchmark").iter().filter(|row| study.contains(row)).count();
    assert_eq!(same, 6);
}

#[test]
fn a_study_takes_the_true_errors_of_a_benchmark_and_trains_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_benchmark(&at("known"));
    let study = ["fig4", "--set", "study.training-seeds=2", "--set", "study.every=1"];
    succeeded(&experiments(&at("trained"), &study).output().unwrap());
    let using = |results: &str| {
        let mut command = experiments(&at(results), &study);
        command.arg("--benchmark").arg(at("known"));
        command
    };
    succeeded(&using("taken").output().unwrap());
    assert_eq!(tables(&at("taken")), tables(&at("trained")));
    let manifest = |results: &str| {
        let files = files(&at(results));
        let path = files.iter().find(|file| file.ends_with("manifest.toml"));
        std::fs::read_to_string(path.unwrap()).unwrap()
    };
    // Three of the six architectures, twice each.
    assert!(manifest("taken").contains("6 trainings were taken"));
    assert!(!manifest("trained").contains("trainings were taken"));

    let error = error_of(using("other").args(["--set", "study.resulting.learning-rate=0.5"]));
    assert!(
        error.ends_with("known: the benchmark has another recipe of the resulting networks than the study"),
        "{error}"
    );
    let error = error_of(using("seeds").args(["--seeds", "2"]));
    assert!(error.ends_with("known: the benchmark has root seed 0, the study 1"), "{error}");
    let error = error_of(experiments(&at("kind"), &["fig1", "--benchmark"]).arg(at("known")));
    assert!(error.contains("correlation"), "{error}");
}

#[test]
fn curves_of_a_benchmark_and_of_trainings_here_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_benchmark(&at("known"));
    succeeded(&experiments(&at("trained"), &["search-cost"]).output().unwrap());
    // The benchmark has three of the four architectures.
    succeeded(&experiments(&at("taken"), &["search-cost", "--benchmark"]).arg(at("known")).output().unwrap());
    let trained = tables(&at("trained"));
    assert_eq!(tables(&at("taken")), trained);
    let path = trained.into_keys().find(|path| path.ends_with("training-curves.parquet")).unwrap();
    let curves: Vec<TrainingCurveRow> = rows(&at("trained").join(path));
    // Four architectures, two trainings, two epochs. The second epoch costs as much as the first.
    assert_eq!(curves.len(), 4 * 2 * 2);
    for epochs in curves.chunks(2) {
        assert!(epochs.iter().all(|row| row.validation_error.is_some()), "{epochs:?}");
        assert_eq!(epochs[1].multiply_adds, 2.0 * epochs[0].multiply_adds);
    }
}

#[test]
fn a_named_benchmark_is_verified_by_training_some_of_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_benchmark(&at("known-shapes"));
    let named = "study.benchmark={ name = \"known\", verified = 2, scored = 3 }";
    let study = ["fig4", "--set", "study.training-seeds=2", "--set", "study.every=1", "--set", named];
    let run = |results: &str, benchmarks: &Path| {
        let mut command = experiments(&at(results), &study);
        command.arg("--benchmarks").arg(benchmarks);
        command
    };
    succeeded(&run("verified", folder.path()).output().unwrap());
    let read = |results: &str, name: &str| {
        let path = tables(&at(results)).into_keys().find(|path| path.ends_with(name));
        path.map(|path| at(results).join(path))
    };
    let path = read("verified", "verification.parquet").unwrap();
    let again: Vec<VerificationRow> = rows(&path);
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|row| row.agreement == "equal" && row.error == row.stored_error), "{again:?}");

    // A second root seed has another SMASH network, but the architectures and true errors of the benchmark.
    succeeded(&run("seeds", folder.path()).args(["--seeds", "2"]).output().unwrap());
    // Only the benchmark's own root seed trains again. A plan has the mean time of these trainings.
    let is_time = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("verification-") && name.ends_with(".seconds")
    };
    let times: Vec<PathBuf> = files(&at("seeds")).into_iter().filter(is_time).collect();
    assert_eq!(times.len(), 2);
    times.iter().zip(["2", "4"]).for_each(|(file, seconds)| std::fs::write(file, seconds).unwrap());
    let plan = run("seeds", folder.path()).args(["--seeds", "2", "--plan", "--json"]).output().unwrap();
    succeeded(&plan);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["units"][0]["kind"], "verify benchmark");
    assert_eq!(plan["units"][0]["seconds_of_unit"], 3.0, "{plan}");
    let of_seed = |name: &str, seed: &str| {
        let mut paths = tables(&at("seeds")).into_keys();
        let path = paths.find(|path| path.ends_with(name) && path.to_string_lossy().contains(seed));
        at("seeds").join(path.unwrap())
    };
    let errors = |seed: &str| -> Vec<Option<f64>> {
        let truths: Vec<results::TruthRow> = rows(&of_seed("truths.parquet", seed));
        truths.into_iter().map(|row| row.error).collect()
    };
    assert_eq!(errors("seed-0"), errors("seed-1"));
    let scores = ["seed-0", "seed-1"].map(|seed| std::fs::read(of_seed("scores.parquet", seed)).unwrap());
    assert_ne!(scores[0], scores[1]);

    // The benchmark has three architectures, and --fresh samples six.
    succeeded(&run("fresh", folder.path()).args(["--fresh", "--set", "study.scored=3"]).output().unwrap());
    assert_eq!(read("fresh", "verification.parquet"), None);
    let truths = |results: &str| -> Vec<results::TruthRow> { rows(&read(results, "truths.parquet").unwrap()) };
    assert_eq!(truths("fresh"), truths("verified"));

    // A benchmark with other errors than those that this program computes.
    let mut other = Benchmark::read(&at("known-shapes")).unwrap().unwrap();
    for row in &mut other.trainings {
        row.test_error = row.test_error.map(|error| if error > 0.5 { error - 0.5 } else { error + 0.5 });
    }
    other.write(&at("known-shapes")).unwrap();
    let error = error_of(&mut run("wrong", folder.path()));
    assert!(error.contains("does not hold for this program"), "{error}");
    assert_eq!(read("wrong", "scores.parquet"), None, "nothing runs after a benchmark that does not hold");

    let error = error_of(&mut run("missing", &at("nowhere")));
    assert!(
        error.contains("known-shapes: no benchmark") && error.ends_with("; --fresh trains here instead"),
        "{error}"
    );
    let error = error_of(run("space", folder.path()).args(["--set", "study.space.depth=3"]));
    let expected = "known-shapes: the benchmark has another search space than the study; --fresh trains here instead";
    assert!(error.ends_with(expected), "{error}");
    let error = error_of(&mut experiments(&at("none"), &["fig1", "--fresh"]));
    assert!(error.contains("fig1") && error.contains("no benchmark"), "{error}");
}

/// Reading checks each row; today's code counts each architecture in the same way.
#[test]
fn committed_benchmarks_hold_what_their_rows_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/benchmarks");
    let mut checked = 0;
    for entry in std::fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        let benchmark = stored_rows::read_benchmark(&folder).unwrap().unwrap();
        let size = benchmark.settings.study["data"]["image-size"].as_integer().unwrap() as usize;
        let classes = if benchmark.settings.dataset.name == "cifar100" { 100 } else { 10 };
        benchmark.check_counts(Task::of_images(3, size, classes)).unwrap();
        assert_eq!(benchmark.trainings.len(), benchmark.seconds.len(), "{}", folder.display());
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn a_row_of_another_architecture_is_named_with_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make_benchmark(&at("good"));
    let good = Benchmark::read(&at("good")).unwrap().unwrap();
    type Change = fn(&mut TrainingRow);
    let changes: [(&str, Change); 6] = [
        ("`json`", |row| row.json = "{}".to_owned()),
        ("`canonical`", |row| row.canonical = "0".repeat(16)),
        ("`hash`", |row| row.hash = "0".repeat(16)),
        ("`parameters`", |row| row.parameters += 1),
        ("`multiply_adds`", |row| row.multiply_adds += 1),
        ("`ops`", |row| row.ops += 1),
    ];
    for (column, change) in changes {
        let mut changed = good.clone();
        let rows = changed.trainings.iter_mut().filter(|row| row.architecture == 1);
        rows.for_each(change);
        changed.write(&at("changed")).unwrap();
        let mut run = experiments(&at("results"), &["fig4", "--set", "study.every=1", "--benchmark"]);
        let error = error_of(run.arg(at("changed")));
        assert!(error.contains("trainings.parquet: row 2: ") && error.contains(column), "{column}: {error}");
    }
    assert!(!at("results").exists());
}

#[cfg(unix)]
#[test]
fn a_kill_at_any_point_leaves_the_old_benchmark_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let part = |results: &str, first: &str| {
        let first = format!("study.first={first}");
        let arguments = ["benchmark", "--set", &first, "--set", "study.architectures=1"];
        succeeded(&experiments(&at(results), &arguments).output().unwrap());
    };
    part("first", "0");
    part("second", "1");
    let add = |to: &Path, from: &str| benchmark(&["add", "", "--results"], &[to, &at(from)]);
    succeeded(&add(&at("old"), "first").output().unwrap());
    let old = Benchmark::read(&at("old")).unwrap().unwrap();
    let mut place = 1;
    loop {
        let own = at(&format!("killed-{place}"));
        std::fs::create_dir(&own).unwrap();
        for file in files(&at("old")) {
            std::fs::copy(&file, own.join(file.file_name().unwrap())).unwrap();
        }
        let output = add(&own, "second").env("SMASH_FAULT", format!("kill@{place}")).output().unwrap();
        if output.status.success() {
            break;
        }
        let left = Benchmark::read(&own).unwrap().unwrap();
        assert!(left == old || left.trainings.len() == 2 * old.trainings.len(), "kill@{place}");
        succeeded(&add(&own, "second").output().unwrap());
        let ended = Benchmark::read(&own).unwrap().unwrap();
        assert_eq!((ended.trainings.len(), files(&own).len()), (2 * old.trainings.len(), 4), "kill@{place}");
        place += 1;
    }
    // Each of four files is written twice, at three places.
    assert_eq!(place, 2 * 4 * 3 + 1);
}

#[test]
fn folders_without_a_benchmark_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let error = error_of(&mut benchmark(&["export", "", ""], &[&at("none"), &at("csv")]));
    assert!(error.contains("none") && error.contains("benchmark.toml"), "{error}");
    succeeded(&experiments(&at("other"), &["fig1"]).output().unwrap());
    let error = error_of(&mut benchmark(&["add", "", "--results"], &[&at("new"), &at("other")]));
    assert!(error.contains("other") && error.contains("`benchmark`"), "{error}");
    assert!(!at("new").exists() && !at("csv").exists());
    let few = ["benchmark", "--set", "study.first=4000000", "--set", "study.architectures=0"];
    let error = error_of(&mut experiments(&at("few"), &few));
    assert!(error.contains("study.architectures"), "{error}");
}
