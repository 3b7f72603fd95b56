//! Tests of columns of CSV and Parquet files with properties that other programs' tables have.

use polars_core::prelude::{DataFrame, IntoColumn, NamedFrom, Series};
use polars_io::prelude::ParquetWriter;

use super::*;

/// Reads columns of a file with these bytes. The error names the file without its folder.
fn read(bytes: &[u8], numbers: &[&str], group: Option<&str>) -> std::result::Result<Columns, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, bytes).unwrap();
    let folder = folder.path().display().to_string();
    read_columns(&path, numbers, group).map_err(|error| error.to_string().replace(&format!("{folder}/"), ""))
}

fn parquet_file(columns: Vec<Series>) -> Vec<u8> {
    let height = columns[0].len();
    let columns = columns.into_iter().map(IntoColumn::into_column).collect();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(height, columns).unwrap()).unwrap();
    bytes
}

#[test]
fn csv_is_read_by_name() {
    let found = read(b"name, y,x,\"a, b\"\np,1,-2.5e-1,7\nq, NA,3,8\n,2,null,9\n", &["x", "y"], Some("name"));
    let expected = Columns {
        numbers: vec![vec![Some(-0.25), Some(3.0), None], vec![Some(1.0), None, Some(2.0)]],
        group: Some(vec![Some("p".into()), Some("q".into()), None]),
    };
    assert_eq!(found, Ok(expected));
}

/// Comparing each name with each other one would take minutes.
#[test]
fn a_line_of_very_many_names_is_checked_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let names: Vec<String> = (0..200_000).map(|index| format!("a{index}")).collect();
    std::fs::write(&path, names.join(",")).unwrap();
    assert_eq!(read_all_columns(&path).unwrap().len(), names.len());
    std::fs::write(&path, format!("{},a7", names.join(","))).unwrap();
    let error = read_all_columns(&path).unwrap_err().to_string();
    assert!(error.ends_with("column `a7`: 2 columns have this name, expected one"), "{error}");
}

#[test]
fn a_byte_order_mark_and_other_columns_do_not_matter() {
    let found = read(b"\xef\xbb\xbfx,x2,x2\n1,\xff,a\n2,,\n", &["x"], None).unwrap();
    assert_eq!(found.numbers, [[Some(1.0), Some(2.0)]]);
}

#[test]
fn parquet_columns_hold_missing_values_and_groups_of_any_kind() {
    let bytes = parquet_file(vec![
        Series::new("x".into(), [Some(1_u32), None, Some(3)]),
        Series::new("seed".into(), [Some(7_i64), Some(8), None]),
        Series::new("is_good".into(), [Some(true), None, Some(false)]),
    ]);
    let found = |group: &str| read(&bytes, &["x"], Some(group)).unwrap();
    assert_eq!(found("seed").numbers, [[Some(1.0), None, Some(3.0)]]);
    assert_eq!(found("seed").group, Some(vec![Some("7".into()), Some("8".into()), None]));
    assert_eq!(found("is_good").group, Some(vec![Some("true".into()), None, Some("false".into())]));
    assert_eq!(read(&bytes, &["is_good"], None), Err("t.csv: column `is_good`: expected numbers, found bool".into()));
    assert_eq!(read(&bytes, &["y"], None), Err("t.csv: column `y`: no such column; found x, seed, is_good".into()));
}

#[test]
fn unreadable_columns_are_named() {
    let fault = |text: &[u8], expected: &str| {
        let found = read(text, &["x"], None).unwrap_err();
        assert!(found.contains(expected), "{found}");
    };
    fault(b"a,b\n1,2\n", "t.csv: column `x`: no such column; found a, b");
    fault(b"x\n1\ntwo\n", "t.csv: column `x`: row 1: expected a number, found `two`");
    fault(b"x\n1\ninf\n", "t.csv: column `x`: row 1: expected a finite number, found inf");
    fault(b"x\n1\n\xff\n", "t.csv: column `x`: row 1: not UTF-8");
    fault(b"x,y\n1,2\n3\n", "t.csv: neither Parquet nor CSV: row 1: expected 2 fields, found 1");
    fault(b"x,y,x\n1,2,3\n", "t.csv: column `x`: 2 columns have this name, expected one");
    fault(b"[{\"x\": 1}]", "t.csv: neither Parquet nor CSV: it begins like JSON");
    fault(b"PAR1 and no more", "t.csv: not a readable Parquet table");
    fault(b"", "no such column; found none");
}

#[test]
fn a_message_quotes_little_of_a_long_file() {
    let names: Vec<String> = (0..6000).map(|i| format!("epoch_{i}")).collect();
    let found = read(names.join(",").as_bytes(), &["x"], None).unwrap_err();
    assert!(found.len() < 400 && found.ends_with("epoch_19 and 5980 more"), "{found}");
    let text = format!("x\n{}\n", "\u{e9}".repeat(1000));
    let found = read(text.as_bytes(), &["x"], None).unwrap_err();
    assert!(found.chars().count() < 150 && found.ends_with("\u{e9}...`"), "{found}");
}

/// All columns of a file: names, texts and numbers.
fn read_all(bytes: &[u8]) -> std::result::Result<Vec<AnyColumn>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    std::fs::write(&path, bytes).unwrap();
    read_all_columns(&path).map_err(|error| error.to_string())
}

#[test]
fn all_columns_are_read_as_numbers_and_as_text() {
    let found = read_all(b"hash,score,empty,mixed\n0012,NaN,,1\nab,-2.5,NA,x\n").unwrap();
    let names: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["hash", "score", "empty", "mixed"]);
    assert_eq!(found[0].texts, Some(vec![Some("0012".into()), Some("ab".into())]));
    assert_eq!([&found[0].numbers, &found[2].numbers, &found[3].numbers], [&None; 3]);
    let score = found[1].numbers.clone().unwrap();
    assert!(score[0].unwrap().is_nan() && score[1] == Some(-2.5), "{score:?}");
    assert_eq!(found[2].texts, Some(vec![None, None]));

    let lists = Series::new("list".into(), [Series::new("".into(), [1.0]), Series::new("".into(), [2.0])]);
    let columns =
        vec![Series::new("hash".into(), ["0012", "ab"]), lists, Series::new("score".into(), [Some(1_i64), None])];
    let found = read_all(&parquet_file(columns)).unwrap();
    let expected = [
        AnyColumn { name: "hash".into(), texts: Some(vec![Some("0012".into()), Some("ab".into())]), numbers: None },
        AnyColumn { name: "score".into(), texts: None, numbers: Some(vec![Some(1.0), None]) },
    ];
    assert_eq!(found, expected);

    for (bytes, expected) in [
        (&b"x,y,x\n1,2,3\n"[..], "column `x`: 2 columns have this name, expected one"),
        (b"{\"x\": 1}", "it begins like JSON"),
        (b"x,y\n1\n", "row 0: expected 2 fields, found 1"),
        (b"x\n\xff\n", "column `x`: row 0: not UTF-8"),
    ] {
        let error = read_all(bytes).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
