//! A pool through the binary: tables are the same with and without it, and no bad file gets into it or out of it.

mod binary;
mod planned;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use binary::{error_of, experiments, files, succeeded, tables};
use experiments::engine::checkpoints::{read_checkpoint, write_checkpoint};
use planned::Planned;
use results::store::identity::{Listed, StoredFile};
use results::store::{find_runs_below, seal};
use results::tables::{read_table, write_table};
use results::{EpochRow, Pool, PooledTruthRow, TruthRow};
use smash::training::checkpoint::HostTensor;

fn pool_command(verb: &str, file: &Path, pool: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
    command.args(["pool", verb]).arg(file).arg("--pool").arg(pool);
    command
}

#[test]
fn a_network_that_another_study_stored_gives_the_tables_of_training() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |results: &str, artefact: &str, pool: &[&str]| {
        let output = experiments(&at(results), &[&[artefact], pool].concat()).output().unwrap();
        succeeded(&output);
    };
    let pool = at("pool");
    let pool = ["--pool", pool.to_str().unwrap()];
    run("fig4", "fig4", &pool);
    run("without", "fig5b", &[]);
    run("with", "fig5b", &pool);
    // The network is the first member of the ensemble, and has another name there.
    let origins = files(&at("with")).into_iter().filter(|file| file.extension().is_some_and(|end| end == "origin"));
    assert_eq!(origins.filter(|file| file.ends_with("smash-0.origin")).count(), 1);
    assert_eq!(tables(&at("with")), tables(&at("without")));
}

#[test]
fn a_part_of_another_programs_run_stores_its_network_under_its_own_label() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pooled = |results: &str| {
        let mut command = experiments(&at(results), &["fig4", "--pool"]);
        command.arg(at("pool"));
        command
    };
    let planned = Planned::of(&mut pooled("parts"), &at("workflow"));
    let (network, _) = planned.units()[0];
    let own = planned.part(&["--any-commit", "--unit", network]);
    let words = own.get_args().map(|word| match word.to_str().unwrap().strip_prefix("--part-of=") {
        None => word.to_owned(),
        Some(version) => format!("--part-of=a1,{}", version.split_once(',').unwrap().1).into(),
    });
    succeeded(&Command::new(own.get_program()).args(words).output().unwrap());
    let stored = || files(&at("pool").join("networks"));
    let networks = stored();
    assert_eq!(networks.len(), 2);
    // This program has trained it, so a run of this program takes it.
    succeeded(&pooled("own").output().unwrap());
    assert_eq!(stored(), networks);
}

#[test]
fn a_network_in_the_place_of_another_is_trained_anew() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pool = at("pool");
    let run = |results: &str, seeds: &str| {
        let mut command = experiments(&at(results), &["fig4", "--seeds", seeds, "--pool"]);
        let output = command.arg(&pool).output().unwrap();
        succeeded(&output);
        String::from_utf8(output.stderr).unwrap()
    };
    run("first", "2");
    let networks =
        || files(&pool.join("networks")).into_iter().filter(|file| file.extension().unwrap() == "safetensors");
    let stored: Vec<_> = networks().collect();
    let [one, other] = &stored[..] else { panic!("{stored:?}") };
    fs::copy(one, other).unwrap();
    let said = run("second", "2");
    assert!(said.contains("belongs to network") && said.contains("the work starts without it"), "{said}");
    assert_eq!(tables(&at("second")), tables(&at("first")));
    // The pool is whole again.
    assert_eq!(networks().count(), 2);
    assert!(!run("third", "2").contains("warning"));
}

#[test]
fn a_training_that_no_run_can_have_made_is_refused_by_file_and_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("results"), &["fig4", "--pool"]).arg(at("pool")).output().unwrap());
    let rows = Pool::new(&at("pool")).truths().unwrap();
    assert!(rows.len() > 1);
    type Change = fn(&mut PooledTruthRow);
    let changes: [(&str, Change); 12] = [
        ("`validation_error` is 5", |row| row.validation_error = Some(5.0)),
        ("`validation_error` is NaN", |row| row.validation_error = Some(f64::NAN)),
        ("`train_error` is -1", |row| row.train_error = Some(-1.0)),
        ("`train_loss` is inf", |row| row.train_loss = Some(f64::INFINITY)),
        ("`epochs` is 0", |row| row.epochs = 0),
        ("`json`: ", |row| row.json = "{}".into()),
        ("`hash` is 0000", |row| row.hash = Some("0".repeat(16))),
        ("`train_curve`: epoch 0: expected a loss", |row| row.train_curve = Some("1,2 1,0.5".into())),
        ("`train_curve` has 1 epochs, expected 2", |row| row.train_curve = Some("1,0.5".into())),
        ("`canonical` is 0000", |row| row.canonical = "0".repeat(16)),
        ("`context` does not describe a training", |row| row.context = "{\"recipe\":1}".into()),
        ("`seed` is 7", |row| row.seed = 7),
    ];
    for (index, (expected, change)) in changes.into_iter().enumerate() {
        // The pool of the library keeps what it is given; only an import checks it.
        let (faulty, file) = (Pool::new(&at(&format!("faulty-{index}"))), at(&format!("{index}.parquet")));
        let mut row = rows[0].clone();
        change(&mut row);
        faulty.add(row).unwrap();
        faulty.export(&file).unwrap();
        let error = error_of(&mut pool_command("import", &file, &at("new")));
        let place = format!("{index}.parquet: row 0: {expected}");
        assert!(error.contains(&place), "{error}");
        assert!(!at("new").exists());
    }
    // Good rows go in.
    succeeded(&pool_command("export", &at("good.parquet"), &at("pool")).output().unwrap());
    succeeded(&pool_command("import", &at("good.parquet"), &at("new")).output().unwrap());
    assert_eq!(Pool::new(&at("new")).truths().unwrap(), rows);

    // Trainings of an older program have neither hash nor learning curve. They are taken, and have no rows of epochs.
    let older = Pool::new(&at("older"));
    rows.iter().for_each(|row| older.add(PooledTruthRow { hash: None, train_curve: None, ..row.clone() }).unwrap());
    let taken = experiments(&at("taken"), &["fig4", "--pool"]).arg(at("older")).output().unwrap();
    succeeded(&taken);
    let [all, taken] = ["results", "taken"].map(|results| {
        let run = find_runs_below(&at(results)).unwrap().all().unwrap().remove(0);
        (run.read::<TruthRow>().unwrap(), run.read::<EpochRow>().unwrap())
    });
    for truth in &all.0 {
        let of_training = (Some(truth.architecture), Some(truth.training_seed));
        let curve = all.1.iter().filter(|row| (row.architecture, row.training_seed) == of_training);
        let last = curve.clone().next_back().map(|row| (row.train_loss, row.train_error));
        assert_eq!((curve.count() as u32, last), (truth.epochs, truth.train_loss.zip(truth.train_error)));
    }
    assert_eq!(taken.0, all.0);
    let of_network: Vec<EpochRow> = all.1.iter().filter(|row| row.architecture.is_none()).cloned().collect();
    assert!(of_network.len() < all.1.len());
    assert_eq!(taken.1, of_network);
}

#[test]
fn a_pool_that_is_not_there_replaces_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("truths.parquet");
    fs::write(&file, "good").unwrap();
    let error = error_of(&mut pool_command("export", &file, &folder.path().join("none")));
    assert!(error.contains("none: no pool with trainings is there"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "good");
}

#[test]
fn a_network_that_its_training_cannot_have_made_is_trained_anew() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pool = at("pool");
    let run = |results: &str| {
        let output = experiments(&at(results), &["fig4", "--pool"]).arg(&pool).output().unwrap();
        succeeded(&output);
        String::from_utf8(output.stderr).unwrap()
    };
    run("first");
    // The files keep their identities, and are sealed again.
    let stored = |extension: &str| {
        let is_it = |file: &PathBuf| file.extension().is_some_and(|own| own == extension);
        let path = files(&pool.join("networks")).into_iter().find(is_it).unwrap();
        let identity = seal::identity(&fs::read(&path).unwrap()).unwrap();
        StoredFile { path, identity, listed: Listed::Nowhere }
    };
    let change_tensor = |change: fn(&mut HostTensor)| {
        let file = stored("safetensors");
        let mut network = read_checkpoint(&file).unwrap();
        change(network.tensors.values_mut().next().unwrap());
        write_checkpoint(&file, network).unwrap();
    };
    let change_epochs = |change: fn(&mut Vec<EpochRow>)| {
        let file = stored("parquet");
        let mut rows: Vec<EpochRow> = read_table(&file).unwrap();
        change(&mut rows);
        write_table(&file, &rows).unwrap();
    };
    let longer = |tensor: &mut HostTensor| {
        tensor.values.push(0.0);
        tensor.shape = vec![tensor.values.len()];
    };
    let one_less = |rows: &mut Vec<EpochRow>| {
        rows.pop();
    };
    let changes: [(&str, &dyn Fn()); 4] = [
        ("has a value that is not finite", &|| change_tensor(|tensor| tensor.values[0] = f32::NAN)),
        ("shape", &|| change_tensor(longer)),
        ("9 epochs, expected 10", &|| change_epochs(one_less)),
        ("row 0: `train_error`", &|| change_epochs(|rows| rows[0].train_error = 5.0)),
    ];
    for (index, (expected, change)) in changes.into_iter().enumerate() {
        change();
        let said = run(&index.to_string());
        assert!(said.contains(expected) && said.contains("the work starts without it"), "{expected}: {said}");
        assert_eq!(tables(&at(&index.to_string())), tables(&at("first")), "{expected}");
        // The pool is whole again.
        assert!(!run(&format!("{index}-again")).contains("warning"), "{expected}");
    }
}
