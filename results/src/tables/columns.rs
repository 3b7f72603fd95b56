//! Columns of any Parquet or CSV file, for statistics of tables that other programs wrote.

use std::path::Path;

use csv_core::ReadFieldResult;
use polars::prelude::{DataFrame, DataType};

use crate::error::{Error, Result};
use crate::store::files;
use crate::tables::parquet;

/// First bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// Cells of a CSV file that stand for a missing value.
const MISSING: [&str; 3] = ["", "NA", "null"];

/// Some columns of a table, of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Columns of numbers in the requested order; `None` is a missing value.
    pub numbers: Vec<Vec<Option<f64>>>,
    /// The column that groups the rows, as text, if one was requested.
    pub group: Option<Vec<String>>,
}

/// Reads columns by name. A file with the first bytes of Parquet is read as Parquet, any other as CSV with a line of
/// names. In CSV, empty cells, `NA` and `null` are missing values.
///
/// # Errors
/// If the file cannot be read, or if a column is missing or holds anything but finite numbers. The error names the row,
/// counted from 0.
pub fn read_columns(path: &Path, numbers: &[&str], group: Option<&str>) -> Result<Columns> {
    let bytes = files::read(path)?;
    let columns = if bytes.starts_with(PARQUET) {
        of_parquet(path, bytes, numbers, group)?
    } else {
        of_csv(path, &bytes, numbers, group)?
    };
    for (name, cells) in numbers.iter().zip(&columns.numbers) {
        let mut cells = cells.iter().enumerate();
        if let Some((row, Some(value))) = cells.find(|(_, cell)| cell.is_some_and(|value| !value.is_finite())) {
            let problem = format!("row {row}: expected a finite number, found {value}");
            return Err(column(path, name, problem));
        }
    }
    Ok(columns)
}

fn column(path: &Path, name: &str, problem: String) -> Error {
    Error::Column { path: path.to_path_buf(), column: name.to_owned(), problem }
}

/// The error for a name that the file does not have.
fn unknown(path: &Path, name: &str, known: &[String]) -> Error {
    column(path, name, format!("no such column; found {}", known.join(", ")))
}

fn of_parquet(path: &Path, bytes: Vec<u8>, numbers: &[&str], group: Option<&str>) -> Result<Columns> {
    let fault =
        |error: polars::prelude::PolarsError| Error::Parquet { path: path.to_path_buf(), problem: error.to_string() };
    let wanted: Vec<&str> = numbers.iter().copied().chain(group).collect();
    let (frame, known) = parquet::read_columns(path, bytes, &wanted)?;
    let cast = |frame: &DataFrame, name: &str, to: &DataType| {
        let found = frame.column(name).map_err(|_| unknown(path, name, &known))?;
        let is_number = found.dtype().is_primitive_numeric();
        if *to == DataType::Float64 && !is_number {
            return Err(column(path, name, format!("expected numbers, found {}", found.dtype())));
        }
        found.cast(to).map_err(fault)
    };
    let mut columns = Columns { numbers: Vec::new(), group: None };
    for name in numbers {
        let cells = cast(&frame, name, &DataType::Float64)?;
        columns.numbers.push(cells.f64().map_err(fault)?.iter().collect());
    }
    if let Some(name) = group {
        let cells = cast(&frame, name, &DataType::String)?;
        let text = |cell: Option<&str>| cell.unwrap_or("(missing)").to_owned();
        columns.group = Some(cells.str().map_err(fault)?.iter().map(text).collect());
    }
    Ok(columns)
}

fn of_csv(path: &Path, bytes: &[u8], numbers: &[&str], group: Option<&str>) -> Result<Columns> {
    let malformed = |problem: String| Error::Csv { path: path.to_path_buf(), problem };
    let mut records = csv_records(bytes).map_err(malformed)?.into_iter();
    let known = records.next().unwrap_or_default();
    let place = |name: &str| {
        let place = known.iter().position(|known| known == name);
        place.ok_or_else(|| unknown(path, name, &known))
    };
    let places: Vec<usize> = numbers.iter().map(|name| place(name)).collect::<Result<_>>()?;
    let group_place = group.map(place).transpose()?;
    let mut columns = Columns { numbers: vec![Vec::new(); numbers.len()], group: group.map(|_| Vec::new()) };
    for (row, record) in records.enumerate() {
        if record.len() != known.len() {
            let (expected, found) = (known.len(), record.len());
            return Err(malformed(format!("row {row}: expected {expected} fields, found {found}")));
        }
        for ((name, &place), cells) in numbers.iter().zip(&places).zip(&mut columns.numbers) {
            let number = match record[place].as_str() {
                text if MISSING.contains(&text) => None,
                text => Some(
                    text.parse()
                        .map_err(|_| column(path, name, format!("row {row}: expected a number, found `{text}`")))?,
                ),
            };
            cells.push(number);
        }
        if let (Some(place), Some(cells)) = (group_place, &mut columns.group) {
            cells.push(record[place].clone());
        }
    }
    Ok(columns)
}

/// The records of a CSV file, without the blanks around fields. Empty lines are skipped.
fn csv_records(mut bytes: &[u8]) -> std::result::Result<Vec<Vec<String>>, String> {
    let mut reader = csv_core::Reader::new();
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let mut part = [0; 256];
        let (result, read, written) = reader.read_field(bytes, &mut part);
        bytes = &bytes[read..];
        field.extend_from_slice(&part[..written]);
        match result {
            // At the end of the input, the next call reports where the last field ends.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                let text = String::from_utf8(std::mem::take(&mut field));
                let text = text.map_err(|_| format!("record {}: not UTF-8", records.len()))?;
                record.push(text.trim().to_owned());
                if record_end {
                    records.push(std::mem::take(&mut record));
                }
            }
            ReadFieldResult::End => return Ok(records),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], numbers: &[&str], group: Option<&str>) -> std::result::Result<Columns, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        let folder = folder.path().display().to_string();
        read_columns(&path, numbers, group).map_err(|error| error.to_string().replace(&format!("{folder}/"), ""))
    }

    #[test]
    fn csv_is_read_by_name() {
        let found = read(b"name, y,x,\"a, b\"\np,1,-2.5e-1,7\nq, NA,3,8\n", &["x", "y"], Some("name"));
        let expected = Columns {
            numbers: vec![vec![Some(-0.25), Some(3.0)], vec![Some(1.0), None]],
            group: Some(vec!["p".into(), "q".into()]),
        };
        assert_eq!(found, Ok(expected));
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
        fault(b"x,y\n1,2\n3\n", "t.csv: neither Parquet nor CSV");
        fault(b"PAR1 and no more", "t.csv: not a readable Parquet table");
        fault(b"", "no such column");
    }
}
