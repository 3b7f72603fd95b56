//! Tests of the trainings that a pool keeps, finds and refuses.

use std::fs;

use super::*;

fn row(canonical: &str, training_seed: u32, error: f64) -> PooledTruthRow {
    PooledTruthRow {
        canonical: canonical.into(),
        json: "{}".into(),
        context: "{\"recipe\":1}".into(),
        seed: 0,
        training_seed,
        status: Status::Ok,
        error: Some(error),
        validation_error: Some(0.5),
        train_error: None,
        train_loss: Some(1.0),
        epochs: 3,
        message: None,
        commit: "abc".into(),
    }
}

fn pool() -> (tempfile::TempDir, Pool) {
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::new(&folder.path().join("pool"));
    (folder, pool)
}

#[test]
fn a_training_is_found_by_all_that_it_depends_on() {
    let (_folder, pool) = pool();
    let stored = row("a", 1, 0.25);
    let key = TruthKey::of(&stored);
    assert_eq!(pool.truth(&key).unwrap(), None);
    pool.add(stored.clone()).unwrap();
    assert_eq!(pool.truth(&key).unwrap(), Some(stored));
    let changes: [fn(&mut TruthKey); 4] =
        [|key| key.canonical.push('b'), |key| key.context.push(' '), |key| key.seed += 1, |key| key.training_seed += 1];
    for change in changes {
        let mut other = key.clone();
        change(&mut other);
        assert_eq!(pool.truth(&other).unwrap(), None, "{other:?}");
    }
}

#[test]
fn a_stored_training_stays() {
    let (_folder, pool) = pool();
    pool.add(row("a", 0, 0.25)).unwrap();
    pool.add(row("a", 0, 0.75)).unwrap();
    assert_eq!(pool.truths().unwrap(), [row("a", 0, 0.25)]);
}

#[test]
fn a_file_under_another_name_is_refused_by_name() {
    let (_folder, pool) = pool();
    let (one, other) = (row("a", 0, 0.25), row("b", 0, 0.5));
    pool.add(one.clone()).unwrap();
    let (from, to) = (pool.truth_path(&TruthKey::of(&one)), pool.truth_path(&TruthKey::of(&other)));
    fs::rename(from, &to).unwrap();
    let error = pool.truth(&TruthKey::of(&other)).unwrap_err().to_string();
    assert!(error.contains(to.to_str().unwrap()) && error.contains("named after"), "{error}");
}

#[test]
fn exported_trainings_can_be_imported_and_contradictions_add_nothing() {
    let (folder, pool) = pool();
    let rows = [row("a", 0, 0.25), row("a", 1, 0.5), row("b", 0, 0.75)];
    // The trainings are added in another order than they are listed in.
    rows.iter().rev().for_each(|row| pool.add(row.clone()).unwrap());
    let file = folder.path().join("truths.parquet");
    assert_eq!(pool.export(&file).unwrap(), 3);
    let other = Pool::new(&folder.path().join("other"));
    other.add(rows[0].clone()).unwrap();
    assert_eq!(other.import(&file).unwrap(), 2);
    assert_eq!(other.truths().unwrap(), rows);
    assert_eq!(other.import(&file).unwrap(), 0);

    let third = Pool::new(&folder.path().join("third"));
    third.add(row("b", 0, 0.5)).unwrap();
    let error = third.import(&file).unwrap_err().to_string();
    assert!(error.contains("truths.parquet") && error.contains("row 2") && error.contains("0.75"), "{error}");
    assert_eq!(third.truths().unwrap().len(), 1);
}

#[test]
fn a_network_is_there_once_its_checkpoint_is() {
    let (folder, pool) = pool();
    let files = ["net", "epochs"].map(|name| folder.path().join(name));
    fs::write(&files[0], "weights").unwrap();
    fs::write(&files[1], "rows").unwrap();
    pool.add_network("context", [&files[0], &files[1]]).unwrap();
    let stored = pool.network_paths("context");
    assert_eq!(stored.each_ref().map(|path| fs::read_to_string(path).unwrap()), ["weights", "rows"]);
    assert_ne!(pool.network_paths("another"), stored);
}
