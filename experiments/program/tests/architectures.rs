//! Architectures of a user's own, through the binary: checked, counted, scored, trained and built.

mod binary;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use binary::{error_of, experiments, other, succeeded, tables};
use results::store::StoredRun;
use results::store::benchmark::Benchmark;
use results::{ArchitectureRow, Row, ScoreRow, TruthRow};
use serde_json::Value;

fn architecture(arguments: &[&str]) -> Command {
    let mut command = other(&["architecture"]);
    command.args(arguments);
    command
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    succeeded(&output);
    String::from_utf8(output.stdout).unwrap()
}

/// The only table of this kind.
fn table<R: Row>(folder: &Path) -> Vec<R> {
    let name = format!("{}.parquet", R::NAME);
    let found: Vec<PathBuf> = tables(folder).into_keys().filter(|path| path.ends_with(&name)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    StoredRun::open(folder.join(&found[0]).parent().unwrap()).unwrap().read().unwrap()
}

/// A number as the commands print it in JSON.
fn number(value: Option<f64>) -> String {
    serde_json::to_string(&value).unwrap()
}

const SMOKE: [&str; 2] = ["--scale", "smoke"];

/// Builds the sample with an index and writes it to a file.
fn sample(folder: &Path, index: u32) -> String {
    let json = stdout_of(architecture(&["build", "--seed", "0", "--index", &index.to_string()]).args(SMOKE));
    let file = folder.join(format!("{index}.json"));
    fs::write(&file, json).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_run_gives_the_same_scores_and_true_errors_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("r");
    let in_results = ["--results", results.to_str().unwrap()];
    succeeded(&experiments(&results, &["fig4"]).output().unwrap());
    let rows: Vec<ArchitectureRow> = table(&results);
    let truths: Vec<TruthRow> = table(&results);
    let truth = &truths[0];
    let row = &rows[truth.architecture as usize];
    let file = sample(folder.path(), row.architecture);
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), row.json);

    let canonical = stdout_of(architecture(&["canonical", &file, "--json"]).args(SMOKE));
    let canonical: Value = serde_json::from_str(&canonical).unwrap();
    let [found] = &canonical.as_array().unwrap()[..] else { panic!("{canonical}") };
    assert_eq!(found["hash"], row.hash);
    assert_eq!(found["parameters"], row.parameters);
    assert_eq!(found["multiply_adds"], row.multiply_adds);
    assert_eq!(found["depth"], row.depth);
    assert_eq!(found["known_errors"], Value::Null);

    let score = stdout_of(architecture(&["score", &file, "--json"]).args(SMOKE).args(in_results));
    let scores: Vec<ScoreRow> = table(&results);
    let own: Vec<&ScoreRow> = scores.iter().filter(|score| score.architecture == row.architecture).collect();
    assert_eq!(own.len(), 2);
    for draw in own {
        assert!(score.contains(&number(draw.error)) && score.contains(&number(draw.loss)), "{draw:?}: {score}");
    }

    let train = || stdout_of(architecture(&["train", &file, "--json"]).args(SMOKE).args(in_results));
    let trained = train();
    for (key, value) in [("test_error", truth.error), ("validation_error", truth.validation_error)] {
        assert!(trained.contains(&format!("\"{key}\": {}", number(value))), "{truth:?}: {trained}");
    }
    assert_eq!(train(), trained);
    let more = ["train", &file, "--json", "--training-seeds", "2"];
    let more = stdout_of(architecture(&more).args(SMOKE).args(in_results));
    let more: Value = serde_json::from_str(&more).unwrap();
    assert_eq!(more[0]["trainings"].as_array().unwrap().len(), 2);
    // The trainings lie beside the run and are no run.
    let shown = stdout_of(architecture(&["score", &file]).args(SMOKE).args(in_results));
    assert!(shown.contains("draw 1") && shown.contains("mean"), "{shown}");
}

#[test]
fn a_score_needs_exactly_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("r");
    let file = sample(folder.path(), 0);
    let score = |place: &Path| {
        let mut command = architecture(&["score", &file, "--results"]);
        command.arg(place).args(SMOKE);
        command
    };
    let error = error_of(&mut score(&results));
    assert!(error.contains("expected a complete run of `fig4` at smoke scale"), "{error}");
    succeeded(&experiments(&results, &["fig4", "--seeds", "2"]).output().unwrap());
    let error = error_of(&mut score(&results));
    assert!(error.contains("found 2") && error.contains("seed-0") && error.contains("seed-1"), "{error}");
    let table = tables(&results).into_keys().find(|path| path.to_string_lossy().contains("seed-1")).unwrap();
    let run = results.join(table.parent().unwrap());
    assert!(stdout_of(&mut score(&run)).contains("seed-1"));
}

#[test]
fn a_benchmark_is_looked_up_by_the_canonical_hash() {
    let folder = tempfile::tempdir().unwrap();
    let [results, benchmark] = ["r", "b"].map(|name| folder.path().join(name));
    succeeded(&experiments(&results, &["benchmark"]).output().unwrap());
    let mut add = other(&["benchmark", "add"]);
    succeeded(&add.arg(&benchmark).arg("--results").arg(&results).output().unwrap());
    let stored = Benchmark::read(&benchmark).unwrap().unwrap();
    let file = sample(folder.path(), 0);
    let canonical = |more: &[&str]| {
        let mut command = architecture(&["canonical", &file, "--benchmark"]);
        stdout_of(command.arg(&benchmark).args(SMOKE).args(more))
    };
    let found: Value = serde_json::from_str(&canonical(&["--json"])).unwrap();
    let rows: Vec<_> = stored.trainings.iter().filter(|row| row.architecture == 0).collect();
    assert_eq!(found[0]["canonical_hash"], rows[0].canonical);
    assert_eq!(found[0]["known_errors"].as_array().unwrap().len(), rows.len());
    assert!(canonical(&[]).contains("(benchmark b)"));
    let mut other_space = architecture(&["canonical", &file, "--benchmark"]);
    let error = error_of(other_space.arg(&benchmark).args(SMOKE).args(["--set", "study.space.depth=3"]));
    assert!(error.contains("another search space"), "{error}");
}

#[test]
fn faulty_architectures_are_refused_with_file_op_and_rule() {
    let folder = tempfile::tempdir().unwrap();
    let good = sample(folder.path(), 0);
    let text = fs::read_to_string(&good).unwrap();
    assert!(stdout_of(architecture(&["validate", &good]).args(SMOKE)).contains("valid in the search space of fig4"));
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let even = text.replacen("\"kernel\":[3,3]", "\"kernel\":[4,4]", 1);
    let first_reads = text.find("\"reads\":[").unwrap() + "\"reads\":[".len();
    let end = first_reads + text[first_reads..].find(']').unwrap();
    let count = text[first_reads..end].split(',').count();
    let unwritten: Vec<String> = (0..count).map(|bank| (500 + bank).to_string()).collect();
    let unwritten = format!("{}{}{}", &text[..first_reads], unwritten.join(","), &text[end..]);
    let resnet = stdout_of(&mut architecture(&["build", "--block", "resnet"]));
    for (name, text, expected) in [
        ("even.json", even.as_str(), "block 0, op 0: convolution 0: kernel sizes must be"),
        ("unwritten.json", &unwritten, "block 0, op 0: reads must name written banks"),
        ("resnet.json", &resnet, "block 0: bank_size must be"),
        ("cut.json", &text[..40], "not an architecture"),
        ("empty.json", "", "not an architecture"),
    ] {
        let file = write(name, text);
        for command in ["validate", "canonical"] {
            let error = error_of(architecture(&[command, &file]).args(SMOKE));
            assert!(error.contains(name) && error.contains(expected), "{error}");
        }
        // Nothing is stored for a refused architecture.
        let results = folder.path().join("r");
        let error = error_of(architecture(&["train", &good, &file, "--results"]).arg(&results).args(SMOKE));
        assert!(error.contains(name) && error.contains(expected) && !results.exists(), "{error}");
    }
    let missing = folder.path().join("missing.json");
    assert!(error_of(&mut architecture(&["validate", missing.to_str().unwrap()])).contains("missing.json"));
    let even = folder.path().join("even.json");
    let output = architecture(&["validate", &good, even.to_str().unwrap(), "--json"]).args(SMOKE).output().unwrap();
    assert!(!output.status.success());
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answers[0]["valid"], &answers[1]["valid"]), (&true.into(), &false.into()));
    assert_eq!((&answers[0]["width"], &answers[0]["base_channels"]), (&2.into(), &2.into()));
}

/// The settings of docs/your-own.md.
#[test]
fn well_known_blocks_are_valid_in_a_space_that_settings_give() {
    let folder = tempfile::tempdir().unwrap();
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/your-own.md")).unwrap();
    let space = guide.lines().find_map(|line| line.trim().strip_prefix("--set \"")?.strip_suffix('"')).unwrap();
    for block in ["resnet", "densenet", "fractalnet"] {
        let file = folder.path().join(block);
        fs::write(&file, stdout_of(&mut architecture(&["build", "--block", block]))).unwrap();
        let mut validate = architecture(&["validate", file.to_str().unwrap(), "--set", space]);
        assert!(stdout_of(&mut validate).contains("valid in the search space of fig4 at laptop scale"));
    }
}

#[test]
fn a_well_known_block_takes_no_flag_of_an_artefact() {
    for (flag, value) in [
        ("--artefact", "fig4"),
        ("--scale", "paper"),
        ("--dataset", "cifar10"),
        ("--set", "study.scored=4"),
        ("--definitions", "."),
        ("--search", "SMASHv2"),
    ] {
        let output = architecture(&["build", "--block", "resnet", flag, value]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains("cannot be used with") && text.contains(flag), "{text}");
    }
}

#[test]
fn an_artefact_with_several_spaces_needs_the_name_of_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let of = |more: &[&str]| {
        let mut command = architecture(&["build", "--seed", "1", "--artefact", "appendix-e"]);
        command.args(SMOKE).args(more);
        command
    };
    let error = error_of(&mut of(&[]));
    assert!(error.contains("--search") && error.contains("SMASHv2"), "{error}");
    let file = folder.path().join("v2.json");
    fs::write(&file, stdout_of(&mut of(&["--search", "SMASHv2"]))).unwrap();
    let mut validate = architecture(&["validate", file.to_str().unwrap(), "--artefact", "appendix-e"]);
    stdout_of(validate.args(SMOKE).args(["--search", "SMASHv2"]));
    let error = error_of(&mut architecture(&["build", "--seed", "1", "--search", "SMASHv2"]));
    assert!(error.contains("has one search space"), "{error}");
    let error = error_of(&mut of(&["--search", "SMASHv3"]));
    assert!(error.contains("--search SMASHv3: expected a search of `appendix-e`: SMASHv1, SMASHv2"), "{error}");
    // The only search of an artefact needs no name.
    let only = ["build", "--seed", "1", "--artefact", "transfer-modelnet10"];
    let found = stdout_of(architecture(&only).args(SMOKE));
    assert_eq!(stdout_of(architecture(&only).args(SMOKE).args(["--search", "On CIFAR-100"])), found);
}

#[test]
fn counts_need_no_official_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    fs::write(&file, stdout_of(&mut architecture(&["build", "--seed", "0", "--scale", "gpu"]))).unwrap();
    let counts = stdout_of(&mut architecture(&["canonical", file.to_str().unwrap(), "--scale", "gpu"]));
    assert!(counts.contains("multiply-adds"), "{counts}");
}

#[test]
fn trainings_that_no_machine_can_hold_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = sample(folder.path(), 0);
    let mut train = architecture(&["train", &file, "--dataset", "solids", "--set", "study.data.image-size=16"]);
    train.args(SMOKE).args(["--set", "study.resulting.batch-size=65536", "--results"]).arg(folder.path().join("r"));
    assert!(error_of(&mut train).contains("read by the ops of a network"));
    assert!(!folder.path().join("r").exists());
}
