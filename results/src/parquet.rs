//! Parquet files that are not trusted, read by polars.

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

/// The largest number of rows, and of values in a column, that is read: far more than any run has. A file of a few bytes can
/// claim, and compress, any number.
const MOST_ROWS: usize = 1 << 22;

/// The largest column, unpacked, in bytes.
const MOST_BYTES: usize = 1 << 28;

/// The largest footer, in bytes: each of our tables has less than a hundredth of it.
const MOST_FOOTER_BYTES: usize = 1 << 20;

/// The length of the footer and the mark, which end a file.
const TAIL_BYTES: usize = 8;

/// Reads all columns of a file.
///
/// # Errors
/// Bytes that are no sound Parquet file.
pub(crate) fn read(path: &Path, bytes: Vec<u8>) -> Result<DataFrame> {
    // polars panics on some damaged files, such as where a column lies outside the file. All that it had is dropped then, so
    // that nothing half done is seen.
    let frame = catch_unwind(AssertUnwindSafe(|| read_or_panic(bytes)));
    let frame = frame.unwrap_or_else(|_| Err("polars cannot read it".to_owned()));
    frame.map_err(|problem| Error::Parquet {
        path: path.to_path_buf(),
        problem,
    })
}

fn read_or_panic(bytes: Vec<u8>) -> std::result::Result<DataFrame, String> {
    let problem = |error: PolarsError| error.to_string();
    let bytes = with_footer_rewritten(bytes)?;
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
    let frame = reader.finish().map_err(problem)?;
    // polars takes the number of rows from the file as it stands there.
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

/// Gives a file the footer that is written from what its own footer holds. polars takes memory for as many entries as a list
/// claims to have, and this program ends where it gets none; in a footer that was just written lists have what they claim.
fn with_footer_rewritten(mut bytes: Vec<u8>) -> std::result::Result<Vec<u8>, String> {
    let footer = footer(&bytes).ok_or("no footer at its end")?;
    let size = footer.len();
    if size > MOST_FOOTER_BYTES {
        return Err(format!(
            "a footer of {size} bytes, expected at most {MOST_FOOTER_BYTES}"
        ));
    }
    // The reader counts eight bytes for an entry of a list, and two for a structure; each takes at least one in the footer.
    let mut protocol = TCompactInputProtocol::new(footer, 16 * size);
    let metadata =
        FileMetaData::read_from_in_protocol(&mut protocol).map_err(|error| format!("its footer: {error}"))?;
    let start = bytes.len() - TAIL_BYTES - size;
    let tail = bytes.split_off(start + size);
    bytes.truncate(start);
    let written = metadata.write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut bytes));
    written.map_err(|error| error.to_string())?;
    let size = u32::try_from(bytes.len() - start).map_err(|error| error.to_string())?;
    bytes.extend(size.to_le_bytes());
    bytes.extend(&tail[size_of_val(&size)..]);
    Ok(bytes)
}

/// What a file says of itself, at its end, before its own length and a mark.
fn footer(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, tail) = bytes.split_at_checked(bytes.len().checked_sub(TAIL_BYTES)?)?;
    let (size, _mark) = tail.split_first_chunk()?;
    let start = rest.len().checked_sub(u32::from_le_bytes(*size) as usize)?;
    rest.get(start..)
}

/// Checks what the pages of a column claim to hold. polars takes memory for it, and a program that gets none ends there and
/// then: a number below 0 counts as one of 2 to the 64th.
fn check_pages(column: &ColumnChunkMetadata, bytes: &[u8]) -> std::result::Result<(), String> {
    let range = column.byte_range();
    let chunk = bytes.get(range.start as usize..range.end as usize);
    let chunk = chunk.ok_or_else(|| format!("a column at bytes {range:?} of {}", bytes.len()))?;
    let mut size = 0_usize;
    for page in PageReader::new(Cursor::new(chunk.to_vec().into()), column, Vec::new(), MOST_BYTES) {
        let page = page.map_err(|error| error.to_string())?;
        // A column has at most one dictionary, and its numbers are checked by polars.
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

    use super::*;

    /// A file of three rows, uncompressed so that damage is not found by unpacking.
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
        // The version, then a list of structures, of which there are i32::MAX.
        let mut bytes = vec![0x15, 2, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 7];
        bytes.extend([9, 0, 0, 0]);
        bytes.extend(b"PAR1");
        let error = read(Path::new("t.parquet"), bytes).unwrap_err().to_string();
        assert!(error.ends_with(": its footer: message too long"), "{error}");
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
                    assert!(
                        error
                            .to_string()
                            .starts_with("t.parquet: not a readable Parquet table: "),
                        "{error}"
                    );
                    refused += 1;
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }
}
