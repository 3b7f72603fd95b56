//! Reads untrusted Parquet files with polars.

use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use polars_core::prelude::{Column, DataFrame, DataType, PolarsError, PolarsResult};
use polars_io::prelude::{ParquetReader, SerReader};
use polars_parquet::parquet::metadata::FileMetadata;
use polars_parquet_format::FileMetaData;

use crate::error::{Error, Result};
use crate::tables::footer;
use crate::tables::meaning::Meaning;
use crate::tables::pages::{MOST_BYTES, MOST_ROWS, unpacked_size};

/// Some columns of a file that another program wrote.
#[derive(Debug)]
pub(super) struct Selected {
    /// The wanted columns that the file has.
    pub(super) frame: DataFrame,
    /// What the values of each of them stand for, by the name of the column.
    pub(super) meanings: Vec<(String, Meaning)>,
    /// The names of all columns of the file.
    pub(super) names: Vec<String>,
}

/// Reads all columns of a file.
///
/// # Errors
/// If the bytes are not a sound Parquet file.
pub(crate) fn read(path: &Path, bytes: Vec<u8>) -> Result<DataFrame> {
    contained(path, || {
        let (start, metadata) = footer::read(&bytes).map_err(unreadable(path))?;
        decode(bytes, start, metadata).map_err(unreadable(path))
    })
}

/// Reads the wanted columns that a file has. All other columns are left unread, whatever they hold.
///
/// # Errors
/// If the bytes are not a sound Parquet file. Also if a wanted column has a namesake, or holds neither numbers nor text.
pub(super) fn read_columns(path: &Path, bytes: Vec<u8>, wanted: &[&str]) -> Result<Selected> {
    let column = |column: String, problem: String| Error::Column { path: path.to_path_buf(), column, problem };
    contained(path, || {
        let (start, mut metadata) = footer::read(&bytes).map_err(unreadable(path))?;
        let names = footer::names(&metadata).map_err(unreadable(path))?;
        let count = |name: &str| names.iter().filter(|known| *known == name).count();
        if let Some(name) = wanted.iter().find(|name| count(name) > 1) {
            let problem = format!("{} columns have this name, expected one", count(name));
            return Err(column((*name).to_owned(), problem));
        }
        footer::keep(&mut metadata, wanted).map_err(unreadable(path))?;
        let meanings = footer::simplify(&mut metadata)
            .map_err(|(name, found)| column(name, format!("expected numbers or text, found {found}")))?;
        let frame = match meanings.is_empty() {
            true => DataFrame::empty(),
            false => decode(bytes, start, metadata).map_err(unreadable(path))?,
        };
        Ok(Selected { frame, meanings, names })
    })
}

/// Turns a panic of polars into an error. polars panics on some damaged files, such as one with a column outside the
/// file. All its data is then dropped, so no half-done result is visible. Meanwhile, no panic of a library is printed:
/// polars panics in its own threads too.
fn contained<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    static READING: AtomicUsize = AtomicUsize::new(0);
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |fault| {
            // The paths of this workspace's own files are relative.
            let is_own = fault.location().is_some_and(|place| Path::new(place.file()).is_relative());
            if is_own || READING.load(Ordering::Relaxed) == 0 {
                report(fault);
            }
        }));
    });
    READING.fetch_add(1, Ordering::Relaxed);
    let found = panic::catch_unwind(AssertUnwindSafe(read));
    READING.fetch_sub(1, Ordering::Relaxed);
    found.unwrap_or_else(|_| Err(unreadable(path)("polars cannot read it".to_owned())))
}

fn unreadable(path: &Path) -> impl Fn(String) -> Error {
    move |problem| Error::Parquet { path: path.to_path_buf(), problem }
}

/// Decodes all columns that the metadata name.
fn decode(bytes: Vec<u8>, start: usize, mut metadata: FileMetaData) -> std::result::Result<DataFrame, String> {
    let problem = |error: PolarsError| error.to_string();
    // Arrow repeats its own types here, among them dictionaries that take polars minutes. The schema says enough.
    metadata.key_value_metadata = None;
    let bytes = footer::replace(bytes, start, &metadata)?;
    let mut reader = ParquetReader::new(Cursor::new(bytes.clone()));
    check_claims(reader.get_metadata().map_err(problem)?, &bytes)?;
    let frame = reader.finish().map_err(problem)?;
    for column in frame.columns() {
        let size = size_of_values(column).map_err(problem)?;
        if size > MOST_BYTES {
            let name = column.name();
            return Err(format!("column `{name}`: {size} bytes in all rows, expected at most {MOST_BYTES}"));
        }
    }
    // polars takes the number of rows from the file without a check.
    match frame.columns().iter().find(|column| column.len() != frame.height()) {
        Some(column) => Err(format!(
            "column `{}` has {} values, expected {}, one for each row",
            column.name(),
            column.len(),
            frame.height()
        )),
        None => Ok(frame),
    }
}

/// Checks the numbers of rows and the sizes that a file claims, before polars takes memory for them.
fn check_claims(metadata: &FileMetadata, bytes: &[u8]) -> std::result::Result<(), String> {
    let groups = || metadata.row_groups.iter();
    let in_groups = groups().fold(0, |rows: usize, group| rows.saturating_add(group.num_rows()));
    let rows = metadata.num_rows.max(in_groups);
    if rows > MOST_ROWS {
        return Err(format!("{rows} rows, expected at most {MOST_ROWS}"));
    }
    for (index, column) in metadata.schema_descr.columns().iter().enumerate() {
        let name = column.path_in_schema.join(".");
        let mut size = 0_usize;
        for group in groups() {
            let unpacked = unpacked_size(&group.parquet_columns()[index], group.num_rows(), bytes);
            size = size.saturating_add(unpacked.map_err(|problem| format!("column `{name}`: {problem}"))?);
        }
        if size > MOST_BYTES {
            return Err(format!("column `{name}`: {size} bytes unpacked, expected at most {MOST_BYTES}"));
        }
    }
    Ok(())
}

/// The size of all values of a column together, in bytes; 0 for numbers. Rows can share one long value of a dictionary,
/// and copies of it would take memory that no page claimed.
fn size_of_values(column: &Column) -> PolarsResult<usize> {
    Ok(match column.dtype() {
        DataType::String => column.str()?.iter().flatten().map(str::len).sum(),
        DataType::Binary => column.binary()?.iter().flatten().map(<[u8]>::len).sum(),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use polars_core::prelude::{IntoColumn, NamedFrom, Series};
    use polars_io::prelude::{ParquetCompression, ParquetWriter};
    use polars_parquet_format::{ConvertedType, FieldRepetitionType, Type};

    use super::*;

    /// A file of three rows. It is not compressed, so that unpacking cannot find the damage.
    fn table() -> Vec<u8> {
        let numbers = Series::new("x".into(), [Some(0.5), None, Some(2.0)]).into_column();
        let words = Series::new("y".into(), ["a", "bc", "a"]).into_column();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Uncompressed)
            .finish(&mut DataFrame::new(3, vec![numbers, words]).unwrap())
            .unwrap();
        bytes
    }

    #[test]
    fn no_memory_is_taken_for_columns_that_are_only_claimed() {
        // The version, then a list that claims i32::MAX structures.
        let mut bytes = vec![0x15, 2, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 7];
        bytes.extend([9, 0, 0, 0]);
        bytes.extend(b"PAR1");
        let error = read(Path::new("t.parquet"), bytes).unwrap_err().to_string();
        assert!(error.ends_with(": its footer: message too long"), "{error}");
    }

    /// A file of two columns of integers, whose footer is then changed.
    fn changed(change: impl Fn(&mut FileMetaData)) -> Vec<u8> {
        let numbers = Series::new("x".into(), [1_i64, 2, 3]).into_column();
        let others = numbers.clone().with_name("t".into());
        let mut bytes = Vec::new();
        let mut frame = DataFrame::new(3, vec![numbers, others]).unwrap();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        let (start, mut metadata) = footer::read(&bytes).unwrap();
        change(&mut metadata);
        footer::replace(bytes, start, &metadata).unwrap()
    }

    #[test]
    fn unwanted_columns_of_other_kinds_are_left_out() {
        let bytes = changed(|metadata| {
            metadata.schema[2].converted_type = Some(ConvertedType::INTERVAL);
            let chunk = metadata.row_groups[0].columns[1].meta_data.as_mut().unwrap();
            chunk.num_values = i64::MAX;
        });
        let path = Path::new("t.parquet");
        let found = read_columns(path, bytes.clone(), &["x", "z"]).unwrap();
        assert_eq!(found.names, ["x", "t"]);
        assert_eq!(found.frame.get_column_names(), ["x"]);
        assert_eq!(read_columns(path, bytes.clone(), &[]).unwrap().names, ["x", "t"]);
        let error = read(path, bytes.clone()).unwrap_err().to_string();
        assert!(error.starts_with("t.parquet: not a readable Parquet table: "), "{error}");
        let error = read_columns(path, bytes, &["t"]).unwrap_err().to_string();
        let expected =
            "t.parquet: not a readable Parquet table: column `t`: 9223372036854775807 values, expected at most";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn dates_and_decimals_are_read_as_what_they_stand_for() {
        for (annotation, meaning) in [
            (ConvertedType::TIMESTAMP_MICROS, Meaning::Time(1_000_000)),
            (ConvertedType::DECIMAL, Meaning::Decimal(2)),
            (ConvertedType::UINT_64, Meaning::Itself),
        ] {
            let bytes = changed(|metadata| {
                let element = &mut metadata.schema[2];
                (element.logical_type, element.converted_type) = (None, Some(annotation));
                (element.scale, element.precision) = (Some(2), Some(9));
            });
            let found = read_columns(Path::new("t.parquet"), bytes, &["t"]).unwrap();
            assert_eq!(found.meanings, [("t".to_owned(), meaning)]);
            let column = found.frame.column("t").unwrap();
            let scale = if meaning == Meaning::Decimal(2) { 100.0 } else { 1.0 };
            let expected = [1.0, 2.0, 3.0].map(|number| Some(number / scale));
            assert_eq!(meaning.numbers(column).unwrap(), expected);
        }
    }

    #[test]
    fn namesakes_and_lists_are_refused_by_name() {
        let fault = |change: fn(&mut FileMetaData), expected: &str| {
            let error = read_columns(Path::new("t.parquet"), changed(change), &["x"]).unwrap_err().to_string();
            assert_eq!(error, format!("t.parquet: column `x`: {expected}"));
        };
        fault(|metadata| metadata.schema[2].name = "x".to_owned(), "2 columns have this name, expected one");
        fault(
            |metadata| metadata.schema[1].repetition_type = Some(FieldRepetitionType::REPEATED),
            "expected numbers or text, found lists or structures",
        );
        fault(
            |metadata| metadata.schema[1].type_ = Some(Type::INT96),
            "expected numbers or text, found times of 96 bits",
        );
    }

    #[test]
    fn long_values_that_are_only_claimed_take_no_memory() {
        let bytes = changed(|metadata| {
            let element = &mut metadata.schema[1];
            (element.type_, element.type_length) = (Some(Type::FIXED_LEN_BYTE_ARRAY), Some(i32::MAX));
            metadata.row_groups[0].columns[0].meta_data.as_mut().unwrap().type_ = Type::FIXED_LEN_BYTE_ARRAY;
        });
        let error = read(Path::new("t.parquet"), bytes).unwrap_err().to_string();
        assert!(error.contains("column `x`: 64424") && error.contains("bytes unpacked, expected at most"), "{error}");
    }

    #[test]
    fn rows_that_share_a_long_value_count_it_each_time() {
        let long = Series::new("y".into(), ["a".repeat(1 << 20)]).into_column().new_from_index(0, 257);
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(257, vec![long]).unwrap()).unwrap();
        let path = Path::new("t.parquet");
        for error in [read(path, bytes.clone()).unwrap_err(), read_columns(path, bytes, &["y"]).unwrap_err()] {
            let error = error.to_string();
            assert!(error.contains("column `y`: 26") && error.contains("expected at most 268435456"), "{error}");
        }
    }

    #[test]
    fn a_contained_panic_prints_nothing() {
        // The test starts itself once more, because a process has only one standard error.
        const INSIDE: &str = "SMASH_TEST_INSIDE";
        let name = "tables::parquet::tests::a_contained_panic_prints_nothing";
        if std::env::var_os(INSIDE).is_none() {
            let mut inside = std::process::Command::new(std::env::current_exe().unwrap());
            let output = inside.args(["--exact", name, "--nocapture"]).env(INSIDE, "1").output().unwrap();
            assert!(output.status.success(), "{output:?}");
            assert_eq!(String::from_utf8_lossy(&output.stderr).matches("panicked").count(), 1, "{output:?}");
            return;
        }
        let length = || "x".repeat(std::hint::black_box(usize::MAX)).len();
        let error = contained(Path::new("t.parquet"), || Ok(length())).unwrap_err().to_string();
        assert_eq!(error, "t.parquet: not a readable Parquet table: polars cannot read it");
        // Any other panic is printed as ever.
        assert!(panic::catch_unwind(length).is_err());
    }

    #[test]
    fn damaged_files_are_errors_or_whole_columns() {
        let bytes = table();
        let mut refused = 0;
        for (place, change) in (0..bytes.len()).flat_map(|place| [1, 2, 128].map(|change| (place, change))) {
            let mut bytes = bytes.clone();
            bytes[place] ^= change;
            match read(Path::new("t.parquet"), bytes) {
                Ok(frame) => assert!(frame.columns().iter().all(|column| column.len() == frame.height())),
                Err(error) => {
                    assert!(error.to_string().starts_with("t.parquet: not a readable Parquet table: "), "{error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }
}
