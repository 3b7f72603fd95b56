//! Reads untrusted Parquet files with polars.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{DataFrame, ParquetReader, PolarsError, SerReader};
use polars_parquet::parquet::metadata::ColumnChunkMetadata;
use polars_parquet::parquet::page::CompressedPage;
use polars_parquet::parquet::read::PageReader;
use polars_parquet_format::FileMetaData;
use polars_parquet_format::thrift::protocol::{TCompactInputProtocol, TCompactOutputProtocol};

use crate::error::{Error, Result};

/// Largest number of rows, and of values in a column: far more than any run has. A file of a few bytes can claim any
/// number, or compress it.
const MOST_ROWS: usize = 1 << 22;

/// Largest size of an unpacked column in bytes.
const MOST_BYTES: usize = 1 << 28;

/// Largest size of the footer in bytes; each of our tables has less than a hundredth of it.
const MOST_FOOTER_BYTES: usize = 1 << 20;

/// Size of the end of a file: the length of the footer and a mark, four bytes each.
const TAIL_BYTES: usize = 8;

/// Reads all columns of a file.
///
/// # Errors
/// If the bytes are not a sound Parquet file.
pub(crate) fn read(path: &Path, bytes: Vec<u8>) -> Result<DataFrame> {
    Ok(contained(path, || read_or_panic(bytes, |_| true))?.0)
}

/// Reads the wanted columns that a file has, and the names of all its columns. The other columns may have types that
/// this module cannot read, such as dates.
///
/// # Errors
/// If the bytes are not a sound Parquet file, or a wanted column has such a type.
pub(crate) fn read_columns(path: &Path, bytes: Vec<u8>, wanted: &[&str]) -> Result<(DataFrame, Vec<String>)> {
    contained(path, || read_or_panic(bytes, |name| wanted.contains(&name)))
}

/// Turns a panic of polars into an error. polars panics on some damaged files, such as one with a column outside the
/// file. All its data is then dropped, so no half-done result is visible.
fn contained<T>(path: &Path, read: impl FnOnce() -> std::result::Result<T, String>) -> Result<T> {
    let found = catch_unwind(AssertUnwindSafe(read));
    let found = found.unwrap_or_else(|_| Err("polars cannot read it".to_owned()));
    found.map_err(|problem| Error::Parquet { path: path.to_path_buf(), problem })
}

/// Returns the wanted columns, and the names of all columns.
fn read_or_panic(
    bytes: Vec<u8>,
    is_wanted: impl Fn(&str) -> bool,
) -> std::result::Result<(DataFrame, Vec<String>), String> {
    let problem = |error: PolarsError| error.to_string();
    let (start, metadata) = footer(&bytes)?;
    let bytes = with_footer(bytes, start, &metadata)?;
    let mut reader = ParquetReader::new(Cursor::new(bytes.clone()));
    let metadata = reader.get_metadata().map_err(problem)?;
    let groups = || metadata.row_groups.iter();
    let in_groups = groups().fold(0, |rows: usize, group| rows.saturating_add(group.num_rows()));
    let columns = groups().flat_map(|group| group.parquet_columns());
    let values = columns.map(|column| usize::try_from(column.num_values()).unwrap_or(usize::MAX));
    let most = values.max().unwrap_or(0).max(metadata.num_rows).max(in_groups);
    if most > MOST_ROWS {
        return Err(format!("{most} rows, expected at most {MOST_ROWS}"));
    }
    for column in groups().flat_map(|group| group.parquet_columns()) {
        check_pages(column, &bytes)?;
    }
    let fields = metadata.schema_descr.fields().iter();
    let names: Vec<String> = fields.map(|field| field.name().to_owned()).collect();
    let wanted: Vec<String> = names.iter().filter(|name| is_wanted(name)).cloned().collect();
    if wanted.is_empty() {
        return Ok((DataFrame::empty(), names));
    }
    let frame = reader.with_columns(Some(wanted)).finish().map_err(problem)?;
    // polars takes the number of rows from the file without a check.
    match frame.columns().iter().find(|column| column.len() != frame.height()) {
        Some(column) => Err(format!(
            "column `{}` has {} values, expected {}, one for each row",
            column.name(),
            column.len(),
            frame.height()
        )),
        None => Ok((frame, names)),
    }
}

/// The metadata of a file, and where they start. They lie at the end of the file, before their own length and a mark.
fn footer(bytes: &[u8]) -> std::result::Result<(usize, FileMetaData), String> {
    let none = || "no footer at its end".to_owned();
    let end = bytes.len().checked_sub(TAIL_BYTES).ok_or_else(none)?;
    let size = bytes[end..].first_chunk().expect("the tail is longer");
    let size = u32::from_le_bytes(*size) as usize;
    if size > MOST_FOOTER_BYTES {
        return Err(format!("a footer of {size} bytes, expected at most {MOST_FOOTER_BYTES}"));
    }
    let start = end.checked_sub(size).ok_or_else(none)?;
    // The reader counts eight bytes for an entry of a list and two for a structure. Each takes at least one in the footer.
    let mut protocol = TCompactInputProtocol::new(&bytes[start..end], 16 * size);
    let metadata = FileMetaData::read_from_in_protocol(&mut protocol);
    Ok((start, metadata.map_err(|error| format!("its footer: {error}"))?))
}

/// Writes the footer of a file anew. polars takes memory for as many entries as a list claims, and the program aborts
/// if it gets none. In a freshly written footer, each list has as many entries as it claims.
fn with_footer(mut bytes: Vec<u8>, start: usize, metadata: &FileMetaData) -> std::result::Result<Vec<u8>, String> {
    let mark = bytes.split_off(bytes.len() - TAIL_BYTES / 2);
    bytes.truncate(start);
    let written = metadata.write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut bytes));
    written.map_err(|error| error.to_string())?;
    let size = u32::try_from(bytes.len() - start).map_err(|error| error.to_string())?;
    bytes.extend(size.to_le_bytes());
    bytes.extend(mark);
    Ok(bytes)
}

/// Checks the sizes that the pages of a column claim. polars takes memory for them, and the program aborts if it gets
/// none. A negative number would count as about 2^64.
fn check_pages(column: &ColumnChunkMetadata, bytes: &[u8]) -> std::result::Result<(), String> {
    let range = column.byte_range();
    let chunk = bytes.get(range.start as usize..range.end as usize);
    let chunk = chunk.ok_or_else(|| format!("a column at bytes {range:?} of {}", bytes.len()))?;
    let mut size = 0_usize;
    for page in PageReader::new(Cursor::new(chunk.to_vec().into()), column, Vec::new(), MOST_BYTES) {
        let page = page.map_err(|error| error.to_string())?;
        // A column has at most one dictionary, and polars checks its numbers.
        let CompressedPage::Data(page) = page else { continue };
        size = size.saturating_add(page.uncompressed_size());
        let values = page.num_values();
        if values > MOST_ROWS {
            return Err(format!("a page of {values} values, expected at most {MOST_ROWS}"));
        }
        if size > MOST_BYTES {
            return Err(format!("a column of {size} bytes, expected at most {MOST_BYTES}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoColumn, NamedFrom, ParquetCompression, ParquetWriter, Series};
    use polars_parquet_format::ConvertedType;

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

    #[test]
    fn unwanted_columns_of_other_kinds_are_left_out() {
        let numbers = Series::new("x".into(), [1_i64, 2, 3]).into_column();
        let times = numbers.clone().with_name("t".into());
        let mut bytes = Vec::new();
        let mut frame = DataFrame::new(3, vec![numbers, times]).unwrap();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        let (start, mut metadata) = footer(&bytes).unwrap();
        // Other programs write times like this, without the metadata in which polars names its own types.
        metadata.key_value_metadata = None;
        metadata.schema[2].converted_type = Some(ConvertedType::TIMESTAMP_MICROS);
        let bytes = with_footer(bytes, start, &metadata).unwrap();
        let path = Path::new("t.parquet");
        let (found, names) = read_columns(path, bytes.clone(), &["x", "z"]).unwrap();
        assert_eq!(names, ["x", "t"]);
        assert_eq!(found.get_column_names(), ["x"]);
        assert_eq!(read_columns(path, bytes.clone(), &[]).unwrap().1, ["x", "t"]);
        let error = read(path, bytes).unwrap_err().to_string();
        assert!(error.starts_with("t.parquet: not a readable Parquet table: "), "{error}");
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
