//! Tests of round trips of every table, and of the faults that a table can have.

use polars_core::prelude::IntoColumn;
use proptest::prelude::*;

use super::*;
use crate::tables::rows::{ArchitectureRow, EpochRow, ScoreRow, TruthRow};

fn architecture(seed: u64, architecture: u32) -> ArchitectureRow {
    ArchitectureRow {
        seed,
        architecture,
        hash: format!("{architecture:08x}"),
        canonical: None,
        json: "{\"blocks\":[\"é\"]}".to_owned(),
        parameters: u64::MAX,
        multiply_adds: 0,
        ops: 3,
        depth: u32::MAX,
    }
}

fn score(error: Option<f64>, status: Status) -> ScoreRow {
    ScoreRow { seed: 1, architecture: 2, draw: 0, error, loss: error.map(|error| error * 3.0), status }
}

fn truth(error: Option<f64>, status: Status) -> TruthRow {
    TruthRow {
        seed: 1,
        architecture: 2,
        training_seed: 0,
        status,
        error,
        validation_error: error,
        train_error: None,
        train_loss: None,
        epochs: 3,
        message: (status != Status::Ok).then(|| "the loss is not finite".to_owned()),
    }
}

fn epoch(validation_error: Option<f64>) -> EpochRow {
    EpochRow {
        seed: 0,
        unit: "smash-0".to_owned(),
        architecture: validation_error.map(|_| 3),
        training_seed: None,
        epoch: 0,
        learning_rate: 0.1,
        train_loss: f64::INFINITY,
        train_error: 0.5,
        validation_error,
    }
}

/// A table in a folder, with the identity of a made-up run.
fn file_in<R: Row>(folder: &tempfile::TempDir, name: &str) -> StoredFile {
    table_file::<R>(folder.path().join(name), Identity::default().with("seed", 1))
}

fn check_round_trip<R: Row + PartialEq + fmt::Debug>(rows: Vec<R>) {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in::<R>(&folder, "table.parquet");
    for rows in [&rows[..], &[]] {
        write_table(&file, rows).unwrap();
        assert_eq!(read_table::<R>(&file).unwrap(), rows);
    }
}

#[test]
fn every_table_survives_the_round_trip_with_nulls_and_without_rows() {
    check_round_trip(vec![architecture(0, 0), architecture(u64::MAX, 1)]);
    check_round_trip(vec![score(Some(0.25), Status::Ok), score(None, Status::Failed), score(None, Status::Skipped)]);
    check_round_trip(vec![truth(Some(1.0), Status::Ok), truth(None, Status::Failed), truth(None, Status::Skipped)]);
    check_round_trip(vec![epoch(None), epoch(Some(0.0))]);
}

proptest! {
    #[test]
    fn floats_survive_to_the_bit(errors in proptest::collection::vec(0.0..=1.0_f64, 0..50)) {
        check_round_trip(errors.into_iter().map(|e| truth(Some(e), Status::Ok)).collect());
    }
}

#[test]
fn equal_rows_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str| {
        let file = file_in::<ArchitectureRow>(&folder, name);
        let rows: Vec<_> = (0..500).map(|n| architecture(0, n)).collect();
        write_table(&file, &rows).unwrap();
        std::fs::read(file.path).unwrap()
    };
    assert_eq!(bytes("a.parquet"), bytes("b.parquet"));
}

#[test]
fn a_faulty_column_is_named_with_its_file() {
    let check = |change: fn(Vec<Series>) -> Vec<Series>, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = file_in::<ScoreRow>(&folder, "scores.parquet");
        let columns = change(ScoreRow::to_columns(&[score(Some(0.5), Status::Ok)]));
        let columns = columns.into_iter().map(IntoColumn::into_column).collect();
        let frame = DataFrame::new(1, columns).unwrap();
        std::fs::write(&file.path, sealed(frame, &file.identity).unwrap()).unwrap();
        let message = read_table::<ScoreRow>(&file).unwrap_err().to_string();
        assert_eq!(message, format!("{}: {expected}", file.path.display()));
    };
    check(|columns| columns[1..].to_vec(), "column `seed`: missing, expected u64");
    check(
        |mut columns| {
            columns[2] = Series::new("draw".into(), [0_u64]);
            columns
        },
        "column `draw`: expected u32, found u64",
    );
    check(
        |mut columns| {
            columns.push(Series::new("extra".into(), [0_u64]));
            columns
        },
        "column `extra`: not a column of the table `scores`",
    );
    check(
        |mut columns| {
            columns[1] = Series::new("architecture".into(), [None::<u32>]);
            columns
        },
        "column `architecture`: row 0: expected a value, found null",
    );
    check(
        |mut columns| {
            columns[5] = Series::new("status".into(), ["fine".to_owned()]);
            columns
        },
        "column `status`: row 0: expected `ok`, `failed`, `diverged` or `skipped`, found `fine`",
    );
    check(
        |mut columns| {
            columns[3] = Series::new("error".into(), [None::<f64>]);
            columns
        },
        "row 0: status `ok` needs an error",
    );
}

#[test]
fn a_row_that_contradicts_itself_is_not_written() {
    let check = |row: TruthRow, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = file_in::<TruthRow>(&folder, "truths.parquet");
        let message = write_table(&file, &[row]).unwrap_err().to_string();
        assert!(message.ends_with(expected), "{message}");
        assert!(!file.path.exists());
    };
    check(truth(None, Status::Ok), "row 0: status `ok` needs an error");
    check(truth(Some(1.5), Status::Ok), "the error must lie in [0, 1]");
    check(truth(Some(f64::NAN), Status::Ok), "the error must lie in [0, 1]");
    check(truth(Some(0.0), Status::Failed), "only status `ok` may have an error");
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in::<TruthRow>(&folder, "truths.parquet");
    let path = file.path.clone();
    let message = || read_table::<TruthRow>(&file).unwrap_err().to_string();
    assert!(message().contains("truths.parquet: cannot read"));
    std::fs::write(&path, "seed,architecture\n").unwrap();
    assert!(message().contains("truths.parquet: damaged: it has no seal"));
    let mut text = seal::blank_of(&file.identity).into_bytes();
    seal::close(&mut text);
    std::fs::write(&path, text).unwrap();
    assert!(message().contains("truths.parquet: not a readable Parquet table"));
    write_table(&file, &[truth(None, Status::Failed)]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut saved_again = Vec::new();
    ParquetWriter::new(&mut saved_again).finish(&mut parquet::read(&path, bytes.clone()).unwrap()).unwrap();
    std::fs::write(&path, saved_again).unwrap();
    assert!(message().contains(
        "it has no seal: it is cut off, or another program saved it again; its footer names the program `Polars`"
    ));
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(message().contains("truths.parquet: damaged"));
}

#[test]
fn a_whole_table_of_another_run_or_kind_is_refused_by_the_fact_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in::<TruthRow>(&folder, "truths.parquet");
    write_table(&file, &[truth(Some(0.5), Status::Ok)]).unwrap();
    let error = |whole: Identity| {
        let expected = table_file::<TruthRow>(file.path.clone(), whole);
        read_table::<TruthRow>(&expected).unwrap_err().to_string()
    };
    assert!(error(Identity::default().with("seed", 2)).ends_with("truths.parquet: belongs to seed 1, expected seed 2"));
    let scores = file_in::<ScoreRow>(&folder, "truths.parquet");
    let message = read_table::<ScoreRow>(&scores).unwrap_err().to_string();
    assert!(message.contains("belongs to schema truths-") && message.contains("expected schema scores-"), "{message}");
}

#[test]
fn the_schema_of_a_table_names_it_and_covers_the_columns_that_it_needs() {
    let schema = schema::<TruthRow>();
    let (name, digits) = schema.split_once('-').unwrap();
    assert_eq!((name, digits.len()), ("truths", 8));
    let needed = "seed:u64,architecture:u32,training_seed:u32,status:Status,epochs:u32";
    assert_eq!(digits, &seal::sha256(needed.as_bytes())[..8]);
}
