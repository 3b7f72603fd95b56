//! Errors in a request for data or in a data file.

use std::io;
use std::path::{Path, PathBuf};

/// Reason why a data set could not be made. Every message names the place and what was expected there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No data set has this name.
    #[error("unknown data set {name:?}; known: {}, folder:DIR, npz:FILE", known.join(", "))]
    UnknownDataSet {
        /// The requested name.
        name: String,
        /// The names that [`crate::load()`] knows.
        known: &'static [&'static str],
    },
    /// A data set of one's own is named without its place.
    #[error("data set {name:?}: no path; expected folder:DIR or npz:FILE")]
    NoPath {
        /// The name as it was given.
        name: String,
    },
    /// The files of a data set are not in their place.
    #[error("data set {name}: {found}; {remedy}")]
    Missing {
        /// The data set's name.
        name: &'static str,
        /// The missing files, and their place.
        found: String,
        /// The files to provide, and their place.
        remedy: String,
    },
    /// The operating system refused to read a file.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason. It is a part of the message, so it is no source that would be printed again.
        cause: io::Error,
    },
    /// A file is far larger than the official one.
    #[error("{}: {found} bytes, expected at most {most}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The largest size that is read, in bytes.
        most: u64,
    },
    /// A file holds no record at all.
    #[error("{}: the file is empty, expected records of {record_bytes} bytes", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
        /// Length of one record in bytes.
        record_bytes: usize,
    },
    /// A file ends inside a record.
    #[error(
        "{}: record {record} (counted from 0) at byte {offset} is cut: expected {expected} bytes, \
         the file ends after {found}",
        path.display()
    )]
    CutRecord {
        /// The file.
        path: PathBuf,
        /// Index of the record, from 0.
        record: usize,
        /// Byte in the file at which the record starts.
        offset: usize,
        /// Length of a whole record in bytes.
        expected: usize,
        /// Number of bytes of the record in the file.
        found: usize,
    },
    /// A label byte names no class.
    #[error(
        "{}: record {record} (counted from 0) has the {kind} {found} at byte {offset}, expected 0 \
         to {}",
        path.display(),
        classes - 1
    )]
    BadLabel {
        /// The file.
        path: PathBuf,
        /// Index of the record, from 0.
        record: usize,
        /// Byte in the file at which the label stands.
        offset: usize,
        /// Which label byte of the record: "label", "coarse label" or "fine label".
        kind: &'static str,
        /// The label found.
        found: u8,
        /// Number of classes that the format has for this label.
        classes: u8,
    },
    /// A file holds unexpected content at some place.
    #[error("{}: {place}: found {found}, expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The place in the file: a line, a byte, or a part by its name.
        place: String,
        /// The content found there.
        found: String,
        /// The content expected there.
        expected: String,
    },
    /// The set is not available at this image size.
    #[error("{set}: image size {wanted} is not possible: {rule}")]
    ImageSize {
        /// The set's name.
        set: String,
        /// The requested height and width, in pixels.
        wanted: usize,
        /// The rule for possible sizes.
        rule: String,
    },
    /// The request is for no examples, or for more than the set has.
    #[error("{set}: {wanted} examples requested, expected 1 to {available}")]
    Count {
        /// The set's name.
        set: String,
        /// Requested number of examples.
        wanted: usize,
        /// Number of available examples.
        available: usize,
    },
    /// The requested examples would take too much memory.
    #[error("{set}: {n} examples of {size} bytes each are too many, expected at most {most} bytes in all")]
    Memory {
        /// The set's name.
        set: String,
        /// Number of examples.
        n: usize,
        /// Size of an example in bytes.
        size: usize,
        /// Largest size of all examples, in bytes.
        most: usize,
    },
    /// The validation set would leave no examples for training.
    #[error(
        "cannot hold out {n_validation} of {n} examples for validation: at least one must be left \
         for training"
    )]
    ValidationTooLarge {
        /// Number of examples to split.
        n: usize,
        /// Requested number of validation examples.
        n_validation: usize,
    },
}

impl Error {
    /// An [`Error::Format`].
    pub(crate) fn format(
        path: &Path,
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        Error::Format { path: path.into(), place: place.into(), found: found.into(), expected: expected.into() }
    }
}
