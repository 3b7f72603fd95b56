//! Columns of any Parquet or CSV file, for statistics of tables that other programs wrote.

use std::collections::HashMap;
use std::path::Path;

use csv_core::ReadFieldResult;

use crate::error::{Error, Result};
use crate::store::files;
use crate::summaries::text::first_of;
use crate::tables::meaning::Meaning;
use crate::tables::parquet::{self, Selected};
use crate::terminal::escaped;

/// First bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// Cells of a CSV file that stand for a missing value.
const MISSING: [&str; 3] = ["", "NA", "null"];

/// Most names of columns that a message lists.
const MOST_NAMES: usize = 20;

/// Longest word of a file that a message quotes, in characters.
const MOST_CHARACTERS: usize = 60;

/// Some columns of a table, of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Columns of numbers in the requested order; `None` is a missing value.
    pub numbers: Vec<Vec<Option<f64>>>,
    /// The column that groups the rows, as text, if one was requested; `None` is a missing value.
    pub group: Option<Vec<Option<String>>>,
}

/// A column of any kind.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyColumn {
    /// Its name.
    pub name: String,
    /// Its cells as text, unless the file stores them as numbers; `None` is a missing value.
    pub texts: Option<Vec<Option<String>>>,
    /// Its cells as numbers, if all of them are numbers; they may be infinite or NaN. `None` is a missing value.
    pub numbers: Option<Vec<Option<f64>>>,
}

/// Reads all columns of a file, as [`read_columns`] reads some. CSV stores everything as text, so a column of numbers there
/// has text too. Columns of Parquet that are neither numbers nor text, such as lists, are left out.
///
/// # Errors
/// If the file cannot be read, or if a column has a namesake.
pub fn read_all_columns(path: &Path) -> Result<Vec<AnyColumn>> {
    let bytes = files::read(path)?;
    match bytes.starts_with(PARQUET) {
        true => all_of_parquet(path, &bytes),
        false => all_of_csv(path, &bytes),
    }
}

/// Reads columns by name. A file with the first bytes of Parquet is read as Parquet, any other as CSV with a line of
/// names. In CSV, empty cells, `NA` and `null` are missing values. In Parquet, decimals and half floats are numbers.
/// Dates are numbers too, days since 1970, and times are counts of their own unit.
///
/// Columns that are not requested may hold anything.
///
/// # Errors
/// If the file cannot be read, or if a column is missing, has a namesake, or holds anything but finite numbers. The
/// error names the row, counted from 0.
pub fn read_columns(path: &Path, numbers: &[&str], group: Option<&str>) -> Result<Columns> {
    columns_in(path, files::read(path)?, numbers, group)
}

/// As [`read_columns`], from the bytes of a table. `path` names the table in errors.
///
/// # Errors
/// As [`read_columns`].
pub fn columns_in(path: &Path, bytes: Vec<u8>, numbers: &[&str], group: Option<&str>) -> Result<Columns> {
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
    let names: Vec<String> = known.iter().map(|name| shortened(name)).collect();
    let found = if names.is_empty() { "none".to_owned() } else { first_of(&names, MOST_NAMES) };
    column(path, name, format!("no such column; found {found}"))
}

/// The start of a text, in one line.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}...", escaped(&text[..end])),
        None => escaped(text),
    }
}

fn of_parquet(path: &Path, bytes: Vec<u8>, numbers: &[&str], group: Option<&str>) -> Result<Columns> {
    let wanted: Vec<&str> = numbers.iter().copied().chain(group).collect();
    let Selected { frame, meanings, names } = parquet::read_columns(path, bytes, &wanted)?;
    let find = |name: &str| {
        let known = meanings.iter().find(|(known, _)| known == name);
        let (_, meaning) = known.ok_or_else(|| unknown(path, name, &names))?;
        let cells = frame.column(name).map_err(|error| column(path, name, error.to_string()))?;
        Ok::<_, Error>((*meaning, cells))
    };
    let mut columns = Columns { numbers: Vec::new(), group: None };
    for name in numbers {
        let (meaning, cells) = find(name)?;
        let expected = |found: String| column(path, name, format!("expected numbers, found {}", shortened(&found)));
        columns.numbers.push(meaning.numbers(cells).map_err(expected)?);
    }
    if let Some(name) = group {
        let (meaning, cells) = find(name)?;
        let expected = |found: String| column(path, name, format!("expected groups, found {}", shortened(&found)));
        columns.group = Some(meaning.texts(cells).map_err(expected)?);
    }
    Ok(columns)
}

fn all_of_parquet(path: &Path, bytes: &[u8]) -> Result<Vec<AnyColumn>> {
    let mut names = parquet::read_columns(path, bytes.to_vec(), &[])?.names;
    check_namesakes(path, &names)?;
    let Selected { frame, meanings, .. } = loop {
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        match parquet::read_columns(path, bytes.to_vec(), &wanted) {
            Err(Error::Column { column, .. }) if names.contains(&column) => names.retain(|name| *name != column),
            selected => break selected?,
        }
    };
    let of_name = |(name, meaning): (String, Meaning)| {
        let cells = frame.column(&name).map_err(|error| column(path, &name, error.to_string()))?;
        let numbers = meaning.numbers(cells).ok();
        let texts = if numbers.is_some() { None } else { meaning.texts(cells).ok() };
        Ok(AnyColumn { name, texts, numbers })
    };
    meanings.into_iter().map(of_name).collect()
}

fn all_of_csv(path: &Path, bytes: &[u8]) -> Result<Vec<AnyColumn>> {
    let (names, records) = names_and_records(bytes);
    check_namesakes(path, &names)?;
    if looks_like_json(&names) {
        return Err(malformed(path, LIKE_JSON.to_owned()));
    }
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    for (row, record) in records.enumerate() {
        check_length(path, row, &record, &names)?;
        for ((field, cells), name) in record.iter().zip(&mut columns).zip(&names) {
            cells.push(cell(path, name, row, field)?.map(str::to_owned));
        }
    }
    let of_name = |(name, texts): (String, Vec<Option<String>>)| {
        let numbers = texts.iter().map(|cell| cell.as_ref().map(|text| text.parse().ok()));
        // The outer option is the cell, the inner one its number. A column without any value holds no numbers.
        let numbers: Option<Vec<Option<f64>>> =
            numbers.map(|cell| cell.map_or(Some(None), |number| number.map(Some))).collect();
        let numbers = numbers.filter(|numbers| numbers.iter().any(Option::is_some));
        AnyColumn { name, texts: Some(texts), numbers }
    };
    Ok(names.into_iter().zip(columns).map(of_name).collect())
}

fn check_namesakes(path: &Path, names: &[String]) -> Result<()> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
    match names.iter().find(|name| counts[name.as_str()] > 1) {
        Some(name) => {
            let count = counts[name.as_str()];
            Err(column(path, name, format!("{count} columns have this name, expected one")))
        }
        None => Ok(()),
    }
}

fn malformed(path: &Path, problem: String) -> Error {
    Error::Csv { path: path.to_path_buf(), problem }
}

const LIKE_JSON: &str = "it begins like JSON, expected a line of names";

fn looks_like_json(names: &[String]) -> bool {
    names.first().is_some_and(|first| first.starts_with(['{', '[']))
}

/// The line of names of a CSV file, and the records after it.
fn names_and_records(bytes: &[u8]) -> (Vec<String>, Records<'_>) {
    let mut records = Records { reader: csv_core::Reader::new(), rest: bytes };
    let names = records.next().unwrap_or_default();
    (names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect(), records)
}

fn check_length(path: &Path, row: usize, record: &[Vec<u8>], names: &[String]) -> Result<()> {
    let (expected, found) = (names.len(), record.len());
    match expected == found {
        true => Ok(()),
        false => Err(malformed(path, format!("row {row}: expected {expected} fields, found {found}"))),
    }
}

/// The text of a field; `None` if it stands for a missing value.
fn cell<'a>(path: &Path, name: &str, row: usize, field: &'a [u8]) -> Result<Option<&'a str>> {
    match std::str::from_utf8(field).map(str::trim) {
        Ok(text) if MISSING.contains(&text) => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(column(path, name, format!("row {row}: not UTF-8"))),
    }
}

fn of_csv(path: &Path, bytes: &[u8], numbers: &[&str], group: Option<&str>) -> Result<Columns> {
    let (names, records) = names_and_records(bytes);
    let place = |name: &str| {
        let mut places = (0..names.len()).filter(|&place| names[place] == name);
        match (places.next(), places.count()) {
            (Some(place), 0) => Ok(place),
            (Some(_), more) => Err(column(path, name, format!("{} columns have this name, expected one", more + 1))),
            (None, _) if looks_like_json(&names) => Err(malformed(path, LIKE_JSON.to_owned())),
            (None, _) => Err(unknown(path, name, &names)),
        }
    };
    let places: Vec<usize> = numbers.iter().map(|name| place(name)).collect::<Result<_>>()?;
    let group_place = group.map(place).transpose()?;
    let mut columns = Columns { numbers: vec![Vec::new(); numbers.len()], group: group.map(|_| Vec::new()) };
    for (row, record) in records.enumerate() {
        check_length(path, row, &record, &names)?;
        let cell = |place: usize| cell(path, &names[place], row, &record[place]);
        for (&place, cells) in places.iter().zip(&mut columns.numbers) {
            let number = |text: &str| {
                let problem = || format!("row {row}: expected a number, found `{}`", shortened(text));
                text.parse::<f64>().map_err(|_| column(path, &names[place], problem()))
            };
            cells.push(cell(place)?.map(number).transpose()?);
        }
        if let (Some(place), Some(cells)) = (group_place, &mut columns.group) {
            cells.push(cell(place)?.map(str::to_owned));
        }
    }
    Ok(columns)
}

/// The records of a CSV file, each the bytes of its fields. Only one is in memory at a time. Empty lines are skipped.
struct Records<'a> {
    reader: csv_core::Reader,
    rest: &'a [u8],
}

impl Iterator for Records<'_> {
    type Item = Vec<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut record, mut field) = (Vec::new(), Vec::new());
        loop {
            let mut part = [0; 256];
            let (result, read, written) = self.reader.read_field(self.rest, &mut part);
            self.rest = &self.rest[read..];
            field.extend_from_slice(&part[..written]);
            match result {
                // At the end of the input, the next call reports where the last field ends.
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    record.push(std::mem::take(&mut field));
                    if record_end {
                        return Some(record);
                    }
                }
                ReadFieldResult::End => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
