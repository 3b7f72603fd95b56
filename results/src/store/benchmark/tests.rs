//! Tests of a benchmark that grows by runs, and of runs that do not fit into it.

use std::fs;

use super::adding::{Added, done};
use super::*;
use crate::store::files::write_atomically;
use crate::store::manifest::RunStatus;
use crate::store::manifest::tests::sample;
use crate::store::{RunDir, find_runs};
use crate::tables::{Status, read_table, write_table};

fn add(folder: &Path, runs: &[StoredRun]) -> Result<Added> {
    adding::add(folder, runs, |_, _| None)
}

fn training(architecture: u32, training_seed: u32, test_error: f64) -> TrainingRow {
    TrainingRow {
        architecture,
        canonical: format!("{architecture:016x}"),
        hash: format!("h{architecture}"),
        json: format!("{{\"blocks\": [{architecture}, \"x\"]}}"),
        parameters: 100 + u64::from(architecture),
        multiply_adds: 1000,
        ops: 5,
        depth: 9,
        training_seed,
        status: Status::Ok,
        test_error: Some(test_error),
        validation_error: Some(0.25),
        train_error: Some(0.125),
        train_loss: Some(0.5),
        epochs: 2,
        message: None,
        commit: "c1".to_owned(),
        processor: "avx2".to_owned(),
        train_sha256: "a".repeat(64),
        test_sha256: "b".repeat(64),
    }
}

/// An incomplete run of some architectures, with two trainings each.
fn run(root: &Path, range: std::ops::Range<u32>, change: impl Fn(&mut TrainingRow)) -> StoredRun {
    let study = format!(
        "[study]\nkind = \"benchmark\"\nfirst = {}\narchitectures = {}\ntraining-seeds = 2\nspace = {{ depth = 2 }}",
        range.start,
        range.len()
    );
    let mut manifest = sample();
    manifest.artefact = "benchmark".to_owned();
    (manifest.status, manifest.end) = (RunStatus::Running, None);
    manifest.definition = study.parse().unwrap();
    manifest.definition_hash = format!("{:08x}", range.start);
    let dir = RunDir::new(root, &manifest.key());
    dir.create().unwrap();
    dir.write_manifest(&manifest).unwrap();
    for architecture in range {
        for seed in 0..2 {
            let mut row = training(architecture, seed, f64::from(architecture) / 64.0);
            change(&mut row);
            let curve = |epoch| CurveRow {
                architecture,
                training_seed: seed,
                epoch,
                train_error: 0.125,
                train_loss: 0.5,
                validation_error: 0.25,
                validation_loss: 0.75,
            };
            let stem = |name: &str| format!("{name}-{architecture:05}-{seed}");
            write_table(&dir.unit::<CurveRow>(&stem("curve")), &[curve(1), curve(2)]).unwrap();
            write_table(&dir.unit::<TrainingRow>(&stem("training")), &[row]).unwrap();
            write_atomically(&dir.unit_path(&stem("training")).with_extension("seconds"), b"1.5").unwrap();
        }
    }
    find_runs(root, Some("benchmark")).unwrap().runs.pop().unwrap()
}

#[test]
fn a_run_with_a_validation_loss_that_is_no_number_can_be_added_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(&folder.path().join("run"), 0..1, |_| ());
    let unit = run.dir.unit::<CurveRow>("curve-00000-0");
    let mut rows: Vec<CurveRow> = read_table(&unit).unwrap();
    rows[1].validation_loss = f64::NAN;
    write_table(&unit, &rows).unwrap();
    let benchmark = folder.path().join("benchmark");
    let runs = [run];
    assert_eq!(add(&benchmark, &runs).unwrap().new, 2);
    assert_eq!(add(&benchmark, &runs).unwrap().known, 2);
    rows[0].validation_loss = f64::NAN;
    write_table(&unit, &rows).unwrap();
    let error = add(&benchmark, &runs).unwrap_err().to_string();
    assert!(error.contains("in another column or in the curve"), "{error}");
}

fn files_of(folder: &Path) -> Vec<Vec<u8>> {
    let names = ["benchmark.toml", "trainings.parquet", "curves.parquet", "seconds.parquet"];
    names.map(|name| fs::read(folder.join(name)).unwrap()).into()
}

#[test]
fn parts_in_any_order_give_the_files_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = run(&at("whole"), 0..4, |_| ());
    let parts = [run(&at("a"), 0..1, |_| ()), run(&at("b"), 1..4, |_| ())];
    let added = add(&at("one"), &[whole]).unwrap();
    assert_eq!((added.new, added.total), (8, 8));
    add(&at("two"), &parts[1..]).unwrap();
    let added = add(&at("two"), &parts).unwrap();
    assert_eq!((added.new, added.known, added.total), (2, 6, 8));
    assert_eq!(files_of(&at("one")), files_of(&at("two")));
    let benchmark = Benchmark::read(&at("two")).unwrap().unwrap();
    assert_eq!((benchmark.curves.len(), benchmark.seconds.len()), (16, 8));
    let (architectures, true_errors) = as_truths(&benchmark.trainings, 7);
    assert_eq!((architectures.len(), true_errors.len()), (4, 8));
    assert_eq!(true_errors[6].error, Some(3.0 / 64.0));
}

#[test]
fn a_training_of_another_commit_does_not_replace_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let benchmark = folder.path().join("benchmark");
    add(&benchmark, &[run(&folder.path().join("a"), 0..2, |_| ())]).unwrap();
    let before = files_of(&benchmark);
    let later = run(&folder.path().join("b"), 0..2, |row| {
        row.commit = "c2".to_owned();
        row.test_error = Some(0.5);
    });
    let added = add(&benchmark, &[later]).unwrap();
    assert_eq!((added.new, added.known, added.kept, added.total), (0, 0, 4, 4));
    assert_eq!(files_of(&benchmark), before);
}

#[test]
fn parts_that_do_not_fit_are_refused_by_name_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let benchmark = folder.path().join("benchmark");
    add(&benchmark, &[run(&folder.path().join("a"), 0..2, |_| ())]).unwrap();
    let before = files_of(&benchmark);
    let refused = |run: StoredRun, words: &[&str]| {
        // The other run of the same call fits.
        let fits = self::run(&folder.path().join("fits"), 2..3, |_| ());
        let error = add(&benchmark, &[fits, run]).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        assert_eq!(files_of(&benchmark), before);
    };
    let other = run(&folder.path().join("b"), 0..2, |row| row.test_error = Some(0.5));
    refused(other, &["training 0 of architecture 0", "0.5", "seed-7"]);
    let other = run(&folder.path().join("c"), 0..2, |row| {
        row.canonical = "f".repeat(16);
        row.commit = "c2".to_owned();
    });
    refused(other, &["training 0 of architecture 0", "ffff"]);
    let mut other = run(&folder.path().join("d"), 0..2, |_| ());
    other.manifest.definition["study"]["space"]["depth"] = toml::Value::Integer(3);
    refused(other, &["study.space", "depth = 2", "depth = 3", "manifest.toml"]);
    let mut other = run(&folder.path().join("e"), 0..2, |_| ());
    other.manifest.dataset.test.examples = 5;
    refused(other, &["`shapes` of 2000 and 1000 images", "2000 and 5"]);
    let mut other = run(&folder.path().join("f"), 0..2, |_| ());
    other.manifest.definition["study"]["kind"] = "fidelity".into();
    refused(other, &["kind `benchmark`"]);
}

#[test]
fn a_damaged_unit_or_table_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let benchmark = folder.path().join("benchmark");
    let stored = run(&folder.path().join("a"), 0..1, |_| ());
    add(&benchmark, std::slice::from_ref(&stored)).unwrap();
    for path in [
        stored.dir.unit_path("training-00000-1.parquet"),
        benchmark.join("curves.parquet"),
        benchmark.join("benchmark.toml"),
    ] {
        let mut bytes = fs::read(&path).unwrap();
        bytes[9] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = add(&benchmark, std::slice::from_ref(&stored)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{}: {error}", path.display());
        bytes[9] ^= 1;
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_unit_of_another_run_and_a_table_of_another_benchmark_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let [one, other] = [("a", 0..1), ("b", 1..2)].map(|(name, range)| run(&at(name), range, |_| ()));
    fs::copy(other.dir.unit_path("training-00001-0.parquet"), one.dir.unit_path("training-00000-0.parquet")).unwrap();
    let error = add(&at("benchmark"), &[one]).unwrap_err().to_string();
    assert!(error.contains("training-00000-0.parquet: belongs to definition"), "{error}");

    add(&at("benchmark"), std::slice::from_ref(&other)).unwrap();
    let mut deeper = other.clone();
    deeper.manifest.definition["study"]["space"]["depth"] = toml::Value::Integer(3);
    add(&at("deeper"), &[deeper]).unwrap();
    fs::copy(at("deeper").join("curves.parquet"), at("benchmark").join("curves.parquet")).unwrap();
    let error = Benchmark::read(&at("benchmark")).unwrap_err().to_string();
    assert!(error.contains("curves.parquet: belongs to settings"), "{error}");
}

#[test]
fn a_complete_run_is_added_only_with_the_units_behind_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let complete = |name: &str| {
        let mut run = run(&at(name), 0..2, |_| ());
        let (done, _) = done(&run, &Settings::of(&run).unwrap(), &|_, _| None).unwrap();
        let trainings: Vec<TrainingRow> = done.iter().map(|(_, entry)| entry.0.clone()).collect();
        let curves: Vec<CurveRow> = done.into_iter().flat_map(|(_, entry)| entry.1).collect();
        let (architectures, true_errors) = as_truths(&trainings, run.manifest.seed);
        run.dir.write(&architectures).unwrap();
        run.dir.write(&true_errors).unwrap();
        run.dir.write(&curves).unwrap();
        run.dir.close(&mut run.manifest, RunStatus::Complete, "2025-01-02T03:24:05Z".to_owned()).unwrap();
        run
    };
    assert_eq!(add(&at("benchmark"), &[complete("a")]).unwrap().new, 4);
    let changed = complete("b");
    let row = training(1, 1, 0.5);
    write_table(&changed.dir.unit::<TrainingRow>("training-00001-1"), &[row]).unwrap();
    let error = add(&at("other"), &[changed]).unwrap_err().to_string();
    assert!(error.contains("seed-7: the outputs of its units"), "{error}");
    assert!(!at("other").exists());
}

#[test]
fn csv_has_a_line_for_each_row_and_quotes_where_needed() {
    let folder = tempfile::tempdir().unwrap();
    let benchmark = folder.path().join("benchmark");
    add(&benchmark, &[run(&folder.path().join("a"), 0..2, |_| ())]).unwrap();
    let benchmark = Benchmark::read(&benchmark).unwrap().unwrap();
    export(&benchmark, folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join("trainings.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].starts_with("architecture,canonical,hash,json,"));
    let start =
        "1,0000000000000001,h1,\"{\"\"blocks\"\": [1, \"\"x\"\"]}\",101,1000,5,9,0,ok,0.015625,0.25,0.125,0.5,2,,c1,";
    assert!(lines[3].starts_with(start), "{}", lines[3]);
    let seconds = fs::read_to_string(folder.path().join("seconds.csv")).unwrap();
    assert_eq!(seconds.lines().nth(1), Some("0,0,1.5,Some CPU"));
}

/// A benchmark of four trainings in a folder.
fn benchmark_in(folder: &Path) -> Benchmark {
    add(&folder.join("benchmark"), &[run(&folder.join("runs"), 0..2, |_| ())]).unwrap();
    Benchmark::read(&folder.join("benchmark")).unwrap().unwrap()
}

#[test]
fn rows_that_were_changed_and_sealed_again_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let benchmark = benchmark_in(folder.path());
    let place = folder.path().join("benchmark");
    let mut rows = benchmark.trainings.clone();
    rows[0].test_error = Some(0.375);
    write_table(&benchmark.settings.table::<TrainingRow>(&place, "").unwrap(), &rows).unwrap();
    let error = Benchmark::read(&place).unwrap_err().to_string();
    assert!(error.contains("trainings.parquet: damaged: its SHA-256"), "{error}");

    // The output of a unit of an open run.
    let open = run(&folder.path().join("open"), 0..1, |_| ());
    let unit = open.dir.unit::<TrainingRow>("training-00000-0");
    let plain = StoredFile { listed: Listed::Nowhere, ..unit.clone() };
    write_table(&plain, &[training(0, 0, 0.375)]).unwrap();
    let error = add(&folder.path().join("new"), std::slice::from_ref(&open)).unwrap_err().to_string();
    assert!(error.contains("training-00000-0.parquet: damaged: its SHA-256"), "{error}");
    // Without its digest, it is counted.
    fs::remove_file(unit.digest_file()).unwrap();
    assert_eq!(add(&folder.path().join("new"), &[open]).unwrap().undigested, 1);
}

#[test]
fn a_benchmark_of_an_older_program_is_read_and_gets_its_digests() {
    let folder = tempfile::tempdir().unwrap();
    let benchmark = benchmark_in(folder.path());
    let (place, runs) = (folder.path().join("benchmark"), folder.path().join("runs"));
    assert!(lists_its_tables(&place).unwrap());
    let path = place.join("benchmark.toml");
    seal::write_toml(&path, &benchmark.settings.text(&path).unwrap()).unwrap();
    assert!(!lists_its_tables(&place).unwrap());
    assert_eq!(Benchmark::read(&place).unwrap(), Some(benchmark.clone()));
    let added = add(&place, &find_runs(&runs, None).unwrap().runs).unwrap();
    assert_eq!((added.new, added.known), (0, 4));
    assert!(lists_its_tables(&place).unwrap());
    assert_eq!(Benchmark::read(&place).unwrap(), Some(benchmark));
    // A list without all tables is not the list of an older program.
    let text = fs::read_to_string(&path).unwrap().replace("curves = ", "# curves = ");
    seal::write_toml(&path, &text).unwrap();
    assert!(Benchmark::read(&place).unwrap_err().to_string().contains("benchmark.toml: "));
}

#[test]
fn new_content_that_is_whole_counts_and_any_other_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let old = benchmark_in(folder.path());
    let place = folder.path().join("benchmark");
    let more = run(&folder.path().join("more"), 2..3, |_| ());
    add(&folder.path().join("other"), &[run(&folder.path().join("runs"), 0..2, |_| ()), more.clone()]).unwrap();
    let new = Benchmark::read(&folder.path().join("other")).unwrap().unwrap();
    let copy = |name: &str| fs::copy(folder.path().join("other").join(name), place.join(format!("{ADDING}{name}")));
    for name in TABLES {
        copy(name).unwrap();
    }
    assert_eq!(Benchmark::read(&place).unwrap().unwrap(), old);
    copy(SETTINGS).unwrap();
    assert_eq!(Benchmark::read(&place).unwrap().unwrap(), new);
    // A kill has left one of the tables in its place.
    fs::copy(place.join(".adding-curves.parquet"), place.join("curves.parquet")).unwrap();
    assert_eq!(add(&place, &[more]).unwrap().new, 0);
    assert_eq!(Benchmark::read(&place).unwrap().unwrap(), new);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 4);
}

#[test]
fn a_row_that_no_training_can_have_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = benchmark_in(folder.path());
    let place = folder.path().join("changed");
    type Change = fn(&mut Benchmark);
    let changes: [(&str, Change); 20] = [
        ("trainings.parquet: row 1: `validation_error` is 5", |b| b.trainings[1].validation_error = Some(5.0)),
        ("trainings.parquet: row 1: `train_error` is NaN", |b| b.trainings[1].train_error = Some(f64::NAN)),
        ("trainings.parquet: row 0: `train_loss` is inf", |b| b.trainings[0].train_loss = Some(f64::INFINITY)),
        ("trainings.parquet: row 2: `epochs` is 0", |b| b.trainings[2].epochs = 0),
        ("trainings.parquet: row 0: `status` is skipped", |b| {
            (b.trainings[0].status, b.trainings[0].test_error) = (Status::Skipped, None);
        }),
        ("trainings.parquet: row 0: `status` is diverged", |b| {
            (b.trainings[0].status, b.trainings[0].test_error) = (Status::Diverged, None);
        }),
        ("trainings.parquet: row 3: `test_sha256`", |b| b.trainings[3].test_sha256 = "f".repeat(64)),
        ("trainings.parquet: row 1: `architecture` and `training_seed`", |b| b.trainings[1].training_seed = 0),
        ("trainings.parquet: row 2: `architecture` and `training_seed`", |b| b.trainings.swap(1, 2)),
        ("trainings.parquet: row 1: `json`", |b| b.trainings[1].json = "{}".to_owned()),
        ("trainings.parquet: row 3: `parameters`", |b| b.trainings[3].parameters = 7),
        ("trainings.parquet: row 2: `canonical` is that of architecture 0", |b| {
            b.trainings[2].canonical = b.trainings[0].canonical.clone();
        }),
        ("curves.parquet: row 0: `train_error` is -1", |b| b.curves[0].train_error = -1.0),
        ("curves.parquet: row 2: `validation_error` is inf", |b| b.curves[2].validation_error = f64::INFINITY),
        ("curves.parquet: row 1: `validation_error` is 0.5, expected 0.25", |b| b.curves[1].validation_error = 0.5),
        ("curves.parquet: row 3: `architecture`, `training_seed` and `epoch`", |b| b.curves[3].epoch = 3),
        ("curves.parquet: lacks epoch 2 of training 1 of architecture 1", |b| {
            b.curves.pop();
        }),
        ("curves.parquet: row 8: expected no more rows", |b| b.curves.push(b.curves[7].clone())),
        ("seconds.parquet: row 1: `architecture` and `training_seed`", |b| b.seconds[1] = b.seconds[0].clone()),
        ("seconds.parquet: row 0: `architecture` and `training_seed`", |b| b.seconds[0].architecture = 9),
    ];
    for (expected, change) in changes {
        let mut benchmark = good.clone();
        change(&mut benchmark);
        let error = benchmark.write(&place).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!place.exists());
    }
    for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut benchmark = good.clone();
        benchmark.seconds[0].seconds = seconds;
        let error = benchmark.write(&place).unwrap_err().to_string();
        assert!(error.contains("seconds.parquet: row 0: `seconds` must be finite and above 0"), "{error}");
    }
}

#[test]
fn a_training_that_no_run_can_have_made_is_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("benchmark");
    let faulty = run(&folder.path().join("a"), 0..1, |row| row.validation_error = Some(2.0));
    let error = add(&place, &[faulty]).unwrap_err().to_string();
    assert!(error.contains("training-00000-0.parquet: row 0: `validation_error` is 2"), "{error}");
    let other = run(&folder.path().join("b"), 0..1, |row| row.architecture = 1);
    let error = add(&place, &[other]).unwrap_err().to_string();
    assert!(error.contains("row 0: training 0 of architecture 1, expected that of its name"), "{error}");
    let sound = run(&folder.path().join("c"), 0..1, |_| ());
    let error = adding::add(&place, &[sound], |_, _| Some("`json`: none".to_owned())).unwrap_err().to_string();
    assert!(error.contains("training-00000-0.parquet: row 0: `json`: none"), "{error}");
    assert!(!place.exists());
}
