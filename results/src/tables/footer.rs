//! The footer of a Parquet file: what the file says of its columns, read before polars sees it.

use std::ops::Range;

use polars_parquet_format::thrift::protocol::{TCompactInputProtocol, TCompactOutputProtocol};
use polars_parquet_format::{FileMetaData, SchemaElement};

use crate::tables::meaning::Meaning;
use crate::terminal::escaped;

/// Largest size of the footer in bytes: enough for some ten thousand columns.
const MOST_FOOTER_BYTES: usize = 1 << 23;

/// Size of the end of a file: the length of the footer and a mark, four bytes each.
const TAIL_BYTES: usize = 8;

/// Longest name of a program that a message quotes, in characters.
const MOST_OF_PROGRAM: usize = 60;

/// The metadata of a file, and where they start. They lie at the end of the file, before their own length and a mark.
pub(super) fn read(bytes: &[u8]) -> Result<(usize, FileMetaData), String> {
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
pub(super) fn replace(mut bytes: Vec<u8>, start: usize, metadata: &FileMetaData) -> Result<Vec<u8>, String> {
    let mark = bytes.split_off(bytes.len() - TAIL_BYTES / 2);
    bytes.truncate(start);
    let written = metadata.write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut bytes));
    written.map_err(|error| error.to_string())?;
    let size = u32::try_from(bytes.len() - start).map_err(|error| error.to_string())?;
    bytes.extend(size.to_le_bytes());
    bytes.extend(mark);
    Ok(bytes)
}

/// Names the program that wrote a file, as the file itself says; empty if it does not say.
pub(super) fn written_by(bytes: &[u8]) -> String {
    let program = read(bytes).ok().and_then(|(_, metadata)| metadata.created_by);
    let quoted = |program: String| escaped(&program.chars().take(MOST_OF_PROGRAM).collect::<String>());
    program.map_or_else(String::new, |program| format!("; its footer names the program `{}`", quoted(program)))
}

/// A column at the top of the schema.
#[derive(Debug, PartialEq, Eq)]
struct Field {
    /// Its elements in the schema; the first is its own, the others are those of nested columns.
    elements: Range<usize>,
    /// Its chunks in each row group: one for each element without children.
    chunks: Range<usize>,
}

/// The columns at the top of a schema, a tree in depth-first order. The first element is the root.
fn fields(schema: &[SchemaElement]) -> Result<Vec<Field>, String> {
    let cut = || "its schema ends inside a column".to_owned();
    let mut fields = Vec::new();
    let (mut element, mut chunk) = (1, 0);
    while element < schema.len() {
        let (first_element, first_chunk) = (element, chunk);
        let mut missing = 1_usize;
        while missing > 0 {
            let children = schema.get(element).ok_or_else(cut)?.num_children.unwrap_or(0);
            let children = usize::try_from(children).map_err(|_| format!("a column of {children} columns"))?;
            chunk += usize::from(children == 0);
            missing = missing - 1 + children;
            element += 1;
        }
        fields.push(Field { elements: first_element..element, chunks: first_chunk..chunk });
    }
    Ok(fields)
}

/// The names of all columns.
pub(super) fn names(metadata: &FileMetaData) -> Result<Vec<String>, String> {
    let fields = fields(&metadata.schema)?;
    Ok(fields.iter().map(|field| metadata.schema[field.elements.start].name.clone()).collect())
}

/// Drops all columns but those with a wanted name, so that nothing depends on the others.
pub(super) fn keep(metadata: &mut FileMetaData, wanted: &[&str]) -> Result<(), String> {
    let fields = fields(&metadata.schema)?;
    let chunks = fields.last().map_or(0, |field| field.chunks.end);
    let is_wanted = |field: &&Field| wanted.contains(&metadata.schema[field.elements.start].name.as_str());
    let kept: Vec<&Field> = fields.iter().filter(is_wanted).collect();
    for group in &mut metadata.row_groups {
        if group.columns.len() != chunks {
            return Err(format!("a row group of {} columns, expected {chunks}", group.columns.len()));
        }
        let is_kept = |chunk: usize| kept.iter().any(|field| field.chunks.contains(&chunk));
        let columns = std::mem::take(&mut group.columns).into_iter().enumerate();
        group.columns = columns.filter(|(chunk, _)| is_kept(*chunk)).map(|(_, column)| column).collect();
        group.sorting_columns = None;
    }
    let mut root = metadata.schema.first().ok_or("no schema")?.clone();
    root.num_children = Some(i32::try_from(kept.len()).map_err(|error| error.to_string())?);
    let elements = kept.iter().flat_map(|field| &metadata.schema[field.elements.clone()]).cloned();
    metadata.schema = std::iter::once(root).chain(elements).collect();
    metadata.column_orders = None;
    Ok(())
}

/// Takes off the annotations that polars was built without, and returns what they mean, by the name of the column.
///
/// # Errors
/// The name and the type of a column that is neither numbers nor text.
pub(super) fn simplify(metadata: &mut FileMetaData) -> Result<Vec<(String, Meaning)>, (String, String)> {
    let columns = metadata.schema.iter_mut().skip(1);
    let meaning = |element: &mut SchemaElement| match Meaning::take(element) {
        Ok(meaning) => Ok((element.name.clone(), meaning)),
        Err(found) => Err((element.name.clone(), found)),
    };
    columns.map(meaning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str, children: Option<i32>) -> SchemaElement {
        SchemaElement {
            type_: None,
            type_length: None,
            repetition_type: None,
            name: name.to_owned(),
            num_children: children,
            converted_type: None,
            scale: None,
            precision: None,
            field_id: None,
            logical_type: None,
        }
    }

    #[test]
    fn a_nested_column_takes_all_its_elements_along() {
        let schema = [
            element("root", Some(3)),
            element("a", None),
            element("list", Some(1)),
            element("pair", Some(2)),
            element("left", None),
            element("right", Some(0)),
            element("b", None),
        ];
        let expected = [(1..2, 0..1), (2..6, 1..3), (6..7, 3..4)].map(|(elements, chunks)| Field { elements, chunks });
        assert_eq!(fields(&schema).unwrap(), expected);
        assert_eq!(fields(&schema[..5]).unwrap_err(), "its schema ends inside a column");
        assert!(fields(&[element("root", Some(1)), element("a", Some(-1))]).is_err());
        assert!(fields(&schema[..1]).unwrap().is_empty());
    }
}
