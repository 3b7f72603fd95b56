//! Whole files in the wrong place, through the binary: each is reported, kept, and made again.

mod binary;
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use binary::{error_of, experiments, files, succeeded, tables};
use experiments::engine::checkpoints::{read_checkpoint, write_checkpoint};
use results::store::identity::{Listed, StoredFile};
use results::store::{StoredRun, seal};
use results::tables::{read_table, write_table};
use results::{Manifest, PredictionRow, Row, RunDir, ScoreRow, TruthRow};
use smash::training::checkpoint::{Checkpoint, HostTensor};
use stored::{flip, name_of, sealed, stored_manifest, text_of};

const ARTEFACT: [&str; 5] = ["fig4", "--seeds", "2", "--jobs", "1"];

fn run(results: &Path, arguments: &[&str]) -> Output {
    let output = experiments(results, arguments).output().unwrap();
    succeeded(&output);
    output
}

/// The folder of seed 0.
fn first_run(results: &Path) -> RunDir {
    let mut manifests = files(results).into_iter().filter(|file| file.ends_with("seed-0/manifest.toml"));
    let manifest = manifests.next_back().unwrap();
    StoredRun::open(manifest.parent().unwrap()).unwrap().dir
}

#[test]
fn a_file_of_another_seed_is_reported_kept_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &ARTEFACT);
    let expected = tables(folder.path());
    let is_of_first = |file: &PathBuf| file.components().any(|part| part.as_os_str() == "seed-0");
    let stored: Vec<PathBuf> = sealed(folder.path()).into_iter().filter(is_of_first).collect();
    assert!(stored.len() > 10, "{stored:?}");
    for file in &stored {
        let other = PathBuf::from(file.to_str().unwrap().replace("seed-0", "seed-1"));
        fs::copy(other, file).unwrap();
        let text = text_of(&run(folder.path(), &ARTEFACT));
        let name = name_of(file);
        let is_table = file.extension().unwrap() == "parquet" && !file.parent().unwrap().ends_with("units");
        let expectation = match name {
            "manifest.toml" => "belongs to seed-1, expected seed-0",
            // The manifest lists the table of seed 0.
            _ if is_table => "SHA-256",
            _ => "belongs to seed 1, expected seed 0",
        };
        assert!(text.contains("warning: ") && text.contains(name) && text.contains(expectation), "{name}: {text}");
        assert_eq!(tables(folder.path()), expected, "{name}");
        // A table is gathered again from its units.
        assert_ne!(file.with_file_name(format!("{name}.damaged")).exists(), is_table, "{name}");
    }
}

#[test]
fn the_output_of_another_unit_is_no_output_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["fig4"]);
    let expected = tables(folder.path());
    let dir = first_run(folder.path());
    fs::copy(dir.unit_path("truth-00001-0.parquet"), dir.unit_path("truth-00000-0.parquet")).unwrap();
    let text = text_of(&run(folder.path(), &["fig4"]));
    let difference = "belongs to file units/truth-00001-0.parquet, expected file units/truth-00000-0.parquet";
    assert!(text.contains(difference), "{text}");
    assert_eq!(tables(folder.path()), expected);
}

/// A run that was killed after the first checkpoint of its second training.
fn killed(results: &Path, arguments: &[&str]) -> RunDir {
    let mut command = experiments(results, &[&["fig4", "--jobs", "1"], arguments].concat());
    let output = command.env("SMASH_FAULT", "kill@truth-00001-0.parquet").output().unwrap();
    assert!(!output.status.success());
    first_run(results)
}

#[test]
fn a_checkpoint_of_another_run_or_network_does_not_block_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(&at("whole"), &["fig4", "--jobs", "1"]);
    let other = killed(&at("other"), &["--set", "study.resulting.learning-rate=0.05"]);
    let of_other = other.tensors("truth-00001-0").path;
    let check = |name: &str, replace: &dyn Fn(&RunDir), expected: &str| {
        let dir = killed(&at(name), &[]);
        let checkpoint = dir.tensors("truth-00001-0").path;
        assert!(checkpoint.exists());
        replace(&dir);
        let text = text_of(&run(&at(name), &["fig4", "--jobs", "1"]));
        assert!(text.contains("truth-00001-0.safetensors") && text.contains(expected), "{name}: {text}");
        assert_eq!(text.matches("the work starts without it").count(), 1, "{name}: {text}");
        assert!(checkpoint.with_extension("safetensors.damaged").exists(), "{name}");
        assert_eq!(tables(&at(name)), tables(&at("whole")), "{name}");
    };
    let copy = |from: &Path, dir: &RunDir| {
        fs::copy(from, dir.tensors("truth-00001-0").path).unwrap();
    };
    check("rate", &|dir| copy(&of_other, dir), "belongs to definition");
    check("network", &|dir| copy(&dir.tensors("smash").path, dir), "belongs to file");
    // Sealed by this program and of the right identity, but without the tensors of the network.
    let empty = |dir: &RunDir| write_checkpoint(&dir.tensors("truth-00001-0"), Checkpoint::default()).unwrap();
    check("empty", &empty, "metadata");
    // Sealed and with these tensors, but further than the training goes, or with no image in a batch.
    let changed = |dir: &RunDir, change: fn(&mut Checkpoint)| {
        let file = dir.tensors("truth-00001-0");
        let mut checkpoint = read_checkpoint(&file).unwrap();
        change(&mut checkpoint);
        write_checkpoint(&file, checkpoint).unwrap();
    };
    let longer = |checkpoint: &mut Checkpoint| {
        let (start, epoch) = checkpoint.metadata.split_once('/').unwrap();
        checkpoint.metadata = format!("{start}/{}", [epoch; 9].join(" "));
    };
    check("longer", &|dir| changed(dir, longer), "9 epochs and 0 batches");
    let no_images = |checkpoint: &mut Checkpoint| {
        checkpoint.tensors.insert("tally".into(), HostTensor { shape: vec![1, 0, 2], values: Vec::new() });
    };
    check("tally", &|dir| changed(dir, no_images), "expected [batches, batch, 2]");
}

#[test]
fn a_manifest_with_a_field_more_or_less_does_not_block_the_run() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["fig4"]);
    let expected = tables(folder.path());
    let path = stored_manifest(folder.path());
    let changes: [fn(&str) -> String; 2] =
        [|text| format!("extra = 1\n{text}"), |text| text.replacen("paper = ", "# paper = ", 1)];
    for (change, word) in changes.into_iter().zip(["extra", "paper"]) {
        let mut text = change(&fs::read_to_string(&path).unwrap()).into_bytes();
        seal::close(&mut text);
        fs::write(&path, text).unwrap();
        let said = text_of(&run(folder.path(), &["fig4"]));
        assert_eq!(said.matches("warning: ").count(), 1, "{said}");
        assert!(said.contains("manifest.toml") && said.contains(word), "{said}");
        assert_eq!(tables(folder.path()), expected);
        assert!(path.with_file_name("manifest.toml.damaged").exists());
    }
}

#[test]
fn a_run_that_another_machine_continues_names_both_processors() {
    let folder = tempfile::tempdir().unwrap();
    let path = killed(folder.path(), &[]).manifest_path();
    let mut manifest = Manifest::read(&path).unwrap();
    let here = std::mem::replace(&mut manifest.host.cpu, "Some other processor".to_owned());
    manifest.write(&path).unwrap();
    // It is continued twice, and says so once.
    killed(folder.path(), &[]);
    run(folder.path(), &["fig4", "--jobs", "1"]);
    let expected =
        format!("the run was started on a processor `Some other processor` and continued on a processor `{here}`");
    assert_eq!(Manifest::read(&path).unwrap().warnings, [expected]);
    // A complete run stays as it is.
    assert!(!text_of(&run(folder.path(), &["fig4", "--jobs", "1"])).contains("warning"));
}

#[test]
fn a_benchmark_takes_no_unit_in_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(&at("results"), &["benchmark"]);
    let dir = first_run(&at("results"));
    fs::copy(dir.unit_path("training-00001-0.parquet"), dir.unit_path("training-00000-0.parquet")).unwrap();
    let mut add = Command::new(env!("CARGO_BIN_EXE_experiments"));
    add.args(["benchmark", "add"]).arg(at("benchmark")).arg("--results").arg(at("results"));
    let error = error_of(&mut add);
    assert!(error.contains("training-00000-0.parquet: belongs to file units/training-00001-0.parquet"), "{error}");
    assert!(!at("benchmark").exists());
}

#[test]
fn the_manifest_of_a_complete_run_lists_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = |results: &Path| stored_manifest(results);
    run(folder.path(), &["fig4"]);
    let manifest = Manifest::read(&path(folder.path())).unwrap();
    for (name, digest) in &manifest.tables {
        let table = path(folder.path()).with_file_name(format!("{name}.parquet"));
        assert_eq!(*digest, seal::sha256(&fs::read(table).unwrap()));
    }
    assert_eq!(manifest.tables.len(), tables(folder.path()).len());
    // A lost table is made again, like a damaged one.
    let (expected, scores) = (tables(folder.path()), path(folder.path()).with_file_name("scores.parquet"));
    fs::remove_file(&scores).unwrap();
    assert!(text_of(&run(folder.path(), &["fig4"])).contains("scores.parquet: damaged: missing"));
    assert_eq!(tables(folder.path()), expected);
    flip(&scores);
    assert!(text_of(&run(folder.path(), &["fig4"])).contains("scores.parquet: damaged"));
    assert_eq!(tables(folder.path()), expected);
}

#[test]
fn a_run_names_exactly_its_own_folders() {
    let folder = tempfile::tempdir().unwrap();
    let places = |arguments: &[&str]| -> Vec<String> {
        let said = String::from_utf8(run(folder.path(), arguments).stdout).unwrap();
        said.lines().filter_map(|line| line.strip_prefix("tables: ")).map(str::to_owned).collect()
    };
    let (changed, plain) = (["fig4", "--set", "study.data.test=37"], ["fig4"]);
    let first = places(&changed);
    let second = places(&plain);
    assert!(first.len() == 1 && second.len() == 1 && first != second, "{first:?}, {second:?}");
    // A complete run is named too, and not the newest one.
    assert_eq!(places(&changed), first);
    assert!(Path::new(&first[0]).join("scores.parquet").exists());
    assert_eq!(places(&["fig4", "--seeds", "2"]).len(), 2);
}

/// Gives a table of a unit other rows, under its identity and a new seal.
fn change_rows<R: Row>(file: &StoredFile, change: fn(&mut R)) {
    let plain = StoredFile { listed: Listed::Nowhere, ..file.clone() };
    let mut rows: Vec<R> = read_table(&plain).unwrap();
    change(&mut rows[0]);
    write_table(&plain, &rows).unwrap();
}

#[test]
fn changed_outputs_of_an_open_run_are_reported_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(&at("whole"), &["fig4", "--jobs", "1"]);
    let dir = killed(&at("open"), &[]);
    let truth = dir.unit::<TruthRow>("truth-00000-0");
    change_rows::<TruthRow>(&truth, |row| row.error = row.error.map(|error| error / 2.0));
    let network = dir.trained("smash");
    let plain = StoredFile { listed: Listed::Nowhere, ..network.clone() };
    let mut changed = read_checkpoint(&plain).unwrap();
    changed.tensors.values_mut().next().unwrap().values[0] += 1.0;
    write_checkpoint(&plain, changed).unwrap();
    let text = text_of(&run(&at("open"), &["fig4", "--jobs", "1"]));
    for file in [&truth, &network] {
        let name = name_of(&file.path);
        let warning = format!("{name}: damaged: its SHA-256 is not the one in ");
        assert!(text.contains(&warning), "{text}");
        assert!(file.path.with_file_name(format!("{name}.damaged")).exists());
    }
    assert_eq!(tables(&at("open")), tables(&at("whole")));
}

/// Predictors do not evaluate again what the scores of the run hold: if these change, the predictions follow.
#[test]
fn predictors_take_the_evaluations_of_the_scores() {
    let folder = tempfile::tempdir().unwrap();
    let predictor = "study.predictor=[{ name = 'SMASH score', method = { kind = 'score', draws = 2 } }]";
    let arguments = ["fig4", "--jobs", "1", "--set", predictor];
    run(folder.path(), &arguments);
    let dir = first_run(folder.path());
    let predictions = |dir: &RunDir| -> Vec<Option<f64>> {
        let rows: Vec<PredictionRow> = read_table(&dir.unit::<PredictionRow>("predictions-0000")).unwrap();
        rows.into_iter().map(|row| row.value).collect()
    };
    let before = predictions(&dir);
    assert!(before.iter().all(|value| value.is_some_and(|value| value > 0.0)), "{before:?}");
    for shard in ["scores-0000", "scores-0001"] {
        let file = dir.unit::<ScoreRow>(shard);
        let mut rows: Vec<ScoreRow> = read_table(&file).unwrap();
        rows.iter_mut().for_each(|row| row.error = row.error.map(|error| error / 2.0));
        write_table(&file, &rows).unwrap();
    }
    fs::remove_file(dir.unit::<PredictionRow>("predictions-0000").path).unwrap();
    fs::remove_file(stored_manifest(folder.path())).unwrap();
    run(folder.path(), &arguments);
    let halves: Vec<Option<f64>> = before.iter().map(|value| value.map(|value| value / 2.0)).collect();
    assert_eq!(predictions(&dir), halves);
}

#[test]
fn an_output_whose_digest_is_gone_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["fig4"]);
    let expected = tables(folder.path());
    let truth = first_run(folder.path()).unit::<TruthRow>("truth-00000-0");
    fs::remove_file(truth.digest_file()).unwrap();
    let text = text_of(&run(folder.path(), &["fig4"]));
    assert!(text.contains("truth-00000-0.parquet.sha256 is missing"), "{text}");
    assert_eq!(tables(folder.path()), expected);
    assert!(truth.digest_file().exists());
    assert!(!text_of(&run(folder.path(), &["fig4"])).contains("warning"));
}

#[test]
fn a_manifest_with_another_list_of_tables_does_not_block_the_run() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["fig4"]);
    let expected = tables(folder.path());
    let path = stored_manifest(folder.path());
    let good = Manifest::read(&path).unwrap();
    let name = good.tables.keys().next().unwrap().clone();
    type Change = fn(&mut Manifest, &str);
    let changes: [(&str, Change); 3] = [
        ("needs a table in `tables`", |manifest, _| manifest.tables.clear()),
        ("`tables` names `../../truths`", |manifest, _| {
            manifest.tables.insert("../../truths".into(), "e".repeat(64));
        }),
        ("the manifest of its run does not list it", |manifest, name| {
            manifest.tables.remove(name);
        }),
    ];
    for (expectation, change) in changes {
        let mut manifest = good.clone();
        change(&mut manifest, &name);
        manifest.write(&path).unwrap();
        let said = text_of(&run(folder.path(), &["fig4"]));
        assert!(said.contains("warning: ") && said.contains(expectation), "{expectation}: {said}");
        assert_eq!(tables(folder.path()), expected, "{expectation}");
        assert_eq!(Manifest::read(&path).unwrap().tables, good.tables, "{expectation}");
    }
}
