//! Tables as CSV, for programs that read no Parquet.

use std::path::Path;

use polars_core::prelude::Series;

use crate::error::Result;
use crate::store::files::write_atomically;
use crate::tables::Row;

/// Writes the [text](to_text) of a table.
///
/// # Errors
/// If the file cannot be written.
pub fn write_table<R: Row>(path: &Path, rows: &[R]) -> Result<()> {
    write_atomically(path, to_text(rows).as_bytes())
}

/// One line of names, then one line for each row. A null is an empty cell; text is quoted where necessary.
pub fn to_text<R: Row>(rows: &[R]) -> String {
    let columns = R::to_columns(rows);
    let mut text = R::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(",");
    text.push('\n');
    for row in 0..rows.len() {
        let cells = columns.iter().map(|column| csv_cell(column, row));
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

fn csv_cell(column: &Series, row: usize) -> String {
    let value = column.get(row).expect("a row of the table");
    let text = match value.get_str() {
        Some(text) => text.to_owned(),
        None if value.is_null() => String::new(),
        None => match value.extract::<f64>().filter(|_| column.dtype().is_float()) {
            Some(number) => number.to_string(),
            None => value.to_string(),
        },
    };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}
