//! Tests of the trainings that a pool keeps, finds and refuses.

use std::fs;

use super::*;

fn row(canonical: &str, training_seed: u32, error: f64) -> PooledTruthRow {
    PooledTruthRow {
        canonical: canonical.into(),
        hash: None,
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
        train_curve: None,
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
    let [from, to] = [&one, &other].map(|row| pool.truth_file(&TruthKey::of(row)));
    fs::rename(&from.path, &to.path).unwrap();
    let error = pool.truth(&TruthKey::of(&other)).unwrap_err().to_string();
    assert!(error.contains(to.path.to_str().unwrap()) && error.contains("belongs to training"), "{error}");
    // The same row under the identity of the other.
    write_table(&to, &[one]).unwrap();
    for error in [pool.truth(&TruthKey::of(&other)).unwrap_err(), pool.truths().unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains(to.path.to_str().unwrap()) && error.contains("named after"), "{error}");
    }
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
    assert_eq!(other.import(&file, |_| None).unwrap(), 2);
    assert_eq!(other.truths().unwrap(), rows);
    assert_eq!(other.import(&file, |_| None).unwrap(), 0);

    let third = Pool::new(&folder.path().join("third"));
    third.add(row("b", 0, 0.5)).unwrap();
    let error = third.import(&file, |_| None).unwrap_err().to_string();
    assert!(error.contains("truths.parquet") && error.contains("row 2") && error.contains("0.75"), "{error}");
    assert_eq!(third.truths().unwrap().len(), 1);
}

#[test]
fn a_faulty_or_contradictory_row_is_named_and_adds_nothing() {
    let (folder, pool) = pool();
    let file = folder.path().join("truths.parquet");
    let refused = |rows: &[PooledTruthRow], words: &[&str]| {
        write_table(&exported(&file), rows).unwrap();
        let problem = |row: &PooledTruthRow| (row.epochs == 0).then(|| "no epochs".to_owned());
        let error = pool.import(&file, problem).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)) && error.contains("truths.parquet"), "{error}");
        assert_eq!(pool.truths().unwrap(), []);
    };
    refused(&[row("a", 0, 0.25), PooledTruthRow { epochs: 0, ..row("b", 0, 0.5) }], &["row 1: no epochs"]);
    refused(&[row("a", 0, 0.25), row("b", 0, 0.5), row("a", 0, 0.75)], &["row 2", "row 0", "0.75", "0.25"]);
    write_table(&exported(&file), &[row("a", 0, 0.25), row("a", 0, 0.25)]).unwrap();
    assert_eq!(pool.import(&file, |_| None).unwrap(), 1);
    // The pool's own files are not exports.
    let own = pool.truth_file(&TruthKey::of(&row("a", 0, 0.25))).path;
    assert!(pool.import(&own, |_| None).unwrap_err().to_string().contains("expected file exported-pool"));
}

#[test]
fn a_pool_without_trainings_replaces_no_file() {
    let (folder, pool) = pool();
    let file = folder.path().join("truths.parquet");
    fs::write(&file, "good").unwrap();
    let error = pool.export(&file).unwrap_err().to_string();
    assert!(error.contains("pool: no pool with trainings"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "good");
}

#[test]
fn each_network_has_files_of_its_own() {
    let (_folder, pool) = pool();
    let ((network, epochs), (other, _)) = (pool.network_files("context"), pool.network_files("another"));
    assert_ne!(network.path, other.path);
    assert_ne!(network.identity, other.identity);
    assert_ne!(network.identity, epochs.identity);
}
