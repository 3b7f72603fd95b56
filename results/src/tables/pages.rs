//! The pages of an untrusted Parquet column: what they claim to hold, checked before polars takes memory for it.

use std::io::Cursor;

use polars_parquet::parquet::compression::DecompressionContext;
use polars_parquet::parquet::encoding::uleb128;
use polars_parquet::parquet::metadata::ColumnChunkMetadata;
use polars_parquet::parquet::page::{CompressedDataPage, CompressedPage, Page, split_buffer};
use polars_parquet::parquet::read::{PageReader, decompress};
use polars_parquet::parquet::schema::types::PhysicalType;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{Encoding, PageHeader};

/// Largest number of rows, and of values in a column: far more than any run has. A file of a few bytes can claim any
/// number, or compress it.
pub(super) const MOST_ROWS: usize = 1 << 22;

/// Largest size of a column in bytes: of its unpacked pages, and of its values in all rows.
pub(super) const MOST_BYTES: usize = 1 << 28;

type Result<T> = std::result::Result<T, String>;

/// The size that a column claims to have in one row group of some rows, in bytes. polars takes memory for it, and the program aborts
/// if it gets none. A negative number would count as about 2^64.
pub(super) fn unpacked_size(column: &ColumnChunkMetadata, rows: usize, bytes: &[u8]) -> Result<usize> {
    let most = |values: usize| format!("{values} values, expected at most {MOST_ROWS}");
    let values = usize::try_from(column.num_values()).unwrap_or(usize::MAX);
    if values > MOST_ROWS {
        return Err(most(values));
    }
    let range = column.byte_range();
    let chunk = bytes.get(range.start as usize..range.end as usize);
    let chunk = chunk.ok_or_else(|| format!("it lies at bytes {range:?} of {}", bytes.len()))?;
    // Every row takes the whole length, whether it holds null or shares its value with others.
    let mut size = match column.physical_type() {
        PhysicalType::FixedLenByteArray(length) => values.max(rows).saturating_mul(length),
        _ => 0,
    };
    let pages = PageReader::new(Cursor::new(chunk.to_vec().into()), column, Vec::new(), MOST_BYTES);
    for (index, page) in pages.enumerate() {
        match page.map_err(|error| error.to_string())? {
            CompressedPage::Data(page) if page.num_values() > MOST_ROWS => {
                return Err(format!("a page of {}", most(page.num_values())));
            }
            CompressedPage::Data(page) => {
                size = size.saturating_add(page.uncompressed_size());
                if size <= MOST_BYTES {
                    check_deltas(page)?;
                }
            }
            CompressedPage::Dict(_) if index == 0 => size = size.saturating_add(first_page_size(chunk)?),
            CompressedPage::Dict(_) => return Err("a dictionary that is not its first page".to_owned()),
        }
    }
    Ok(size)
}

/// The size that the first page of a column claims to have, in bytes.
fn first_page_size(chunk: &[u8]) -> Result<usize> {
    let header = PageHeader::read_from_in_protocol(&mut TCompactInputProtocol::new(chunk, MOST_BYTES));
    let size = header.map_err(|error| error.to_string())?.uncompressed_page_size;
    usize::try_from(size).map_err(|_| format!("a page of {size} bytes"))
}

/// Checks that differences in a page stand for no more values than the page has. A difference of 0 bits can be repeated
/// any number of times.
fn check_deltas(page: CompressedDataPage) -> Result<()> {
    match page.header().encoding() {
        Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => {}
        // A text is a part of the text before it, which can be long, and some more bytes.
        Encoding::DELTA_BYTE_ARRAY => {
            return Err("its texts have the encoding DELTA_BYTE_ARRAY, which can unpack to any size".to_owned());
        }
        _ => return Ok(()),
    }
    let values = page.num_values();
    let page = decompress(CompressedPage::Data(page), &mut Vec::new(), &mut DecompressionContext::Unset);
    let Page::Data(page) = page.map_err(|error| error.to_string())? else {
        return Err("a dictionary in place of values".to_owned());
    };
    let mut rest = split_buffer(&page).map_err(|error| error.to_string())?.values;
    // The header has the size of a block, the number of its parts, and the number of values.
    let mut next = || {
        let (number, length) = uleb128::decode(rest);
        rest = rest.get(length..).unwrap_or_default();
        number
    };
    let [_, _, claimed] = [next(), next(), next()];
    if claimed > values as u64 {
        return Err(format!("a page of {values} values that claims {claimed}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use polars_parquet::parquet::CowBuffer;
    use polars_parquet::parquet::compression::Compression;
    use polars_parquet::parquet::metadata::Descriptor;
    use polars_parquet::parquet::page::DataPageHeader;
    use polars_parquet::parquet::schema::types::PrimitiveType;

    use super::*;

    /// A page of required integers, uncompressed.
    fn page(encoding: Encoding, num_values: i32, bytes: &[u8]) -> CompressedDataPage {
        let header = polars_parquet_format::DataPageHeader {
            num_values,
            encoding,
            definition_level_encoding: Encoding::RLE,
            repetition_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let descriptor = Descriptor {
            primitive_type: PrimitiveType::from_physical("x".into(), PhysicalType::Int64),
            max_def_level: 0,
            max_rep_level: 0,
        };
        CompressedDataPage::new(
            DataPageHeader::V1(header),
            CowBuffer::Owned(bytes.to_vec()),
            Compression::Uncompressed,
            bytes.len(),
            descriptor,
            num_values as usize,
        )
    }

    #[test]
    fn differences_stand_for_no_more_values_than_the_page_has() {
        // Blocks of 128 values in 4 parts, 3 values that begin with 1.
        let three = [128, 1, 4, 3, 2];
        for encoding in [Encoding::DELTA_BINARY_PACKED, Encoding::DELTA_LENGTH_BYTE_ARRAY] {
            assert_eq!(check_deltas(page(encoding, 3, &three)), Ok(()));
            let error = check_deltas(page(encoding, 2, &three)).unwrap_err();
            assert_eq!(error, "a page of 2 values that claims 3");
            // 2^49 values.
            let many = [128, 1, 4, 128, 128, 128, 128, 128, 128, 128, 1, 2];
            let error = check_deltas(page(encoding, 3, &many)).unwrap_err();
            assert_eq!(error, format!("a page of 3 values that claims {}", 1_u64 << 49));
        }
        assert_eq!(check_deltas(page(Encoding::PLAIN, 2, &three)), Ok(()));
        let error = check_deltas(page(Encoding::DELTA_BYTE_ARRAY, 3, &three)).unwrap_err();
        assert_eq!(error, "its texts have the encoding DELTA_BYTE_ARRAY, which can unpack to any size");
    }
}
