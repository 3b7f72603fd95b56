//! Errors of stored results; every message names the file and the place in it.

use std::path::{Path, PathBuf};

/// A result could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: cannot {action}: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The failed action: the verb after "cannot".
        action: &'static str,
        /// The answer of the system.
        cause: std::io::Error,
    },
    /// A file that should be a Parquet table is not one.
    #[error("{path}: not a readable Parquet table: {problem}")]
    Parquet {
        /// The table's file.
        path: PathBuf,
        /// The answer of the Parquet reader or writer.
        problem: String,
    },
    /// A file of this program is not as it was written; see [`crate::store::seal`].
    #[error("{path}: damaged: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The sign of the damage.
        problem: String,
    },
    /// A whole file of this program lies in the place of another; see [`crate::store::identity`].
    #[error("{path}: {problem}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The fact that differs, found and expected.
        problem: String,
    },
    /// Another process is running the same run.
    #[error("{path}: another process is running this; wait for it, or stop it")]
    Locked {
        /// Folder of the run.
        path: PathBuf,
    },
    /// A table lacks a column, has an unknown one, or has one of another type.
    #[error("{path}: column `{column}`: {problem}")]
    Column {
        /// The table's file.
        path: PathBuf,
        /// The first faulty column.
        column: String,
        /// The expected and the actual content.
        problem: String,
    },
    /// A row contradicts itself.
    #[error("{path}: row {row}: {problem}")]
    Row {
        /// The table's file.
        path: PathBuf,
        /// Index of the row, counted from 0.
        row: usize,
        /// The broken rule.
        problem: &'static str,
    },
    /// A manifest or another text file does not parse, or contradicts itself.
    #[error("{path}: {problem}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Line, field and expectation.
        problem: String,
    },
    /// A table of another program is neither Parquet nor CSV.
    #[error("{path}: neither Parquet nor CSV: {problem}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Line and expectation.
        problem: String,
    },
    /// A file of a pool, or a file to be imported into it, is not as expected.
    #[error("{path}: {problem}")]
    Pool {
        /// The file.
        path: PathBuf,
        /// The expected and the actual content.
        problem: String,
    },
    /// A file of a benchmark, or a run to be added to it, is not as expected.
    #[error("{path}: {problem}")]
    Benchmark {
        /// The file.
        path: PathBuf,
        /// The expected and the actual content.
        problem: String,
    },
    /// The tables of a run do not fit together.
    #[error("seed {seed}: table `truths` names architecture {architecture}, table `architectures` lacks it")]
    UnknownArchitecture {
        /// Root seed of the row.
        seed: u64,
        /// The architecture that is missing.
        architecture: u32,
    },
    /// A table of a run names an architecture that the run lacks.
    #[error("{path}: table `{table}` names architecture {architecture}, table `architectures` lacks it")]
    MissingArchitecture {
        /// Folder of the run.
        path: PathBuf,
        /// The table that names it.
        table: &'static str,
        /// The architecture that is missing.
        architecture: u32,
    },
    /// A row holds a word that the statistics do not know.
    #[error("table `{table}`: {problem}")]
    Unexpected {
        /// Name of the table.
        table: &'static str,
        /// The word, and the expected words.
        problem: String,
    },
}

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Wraps an error of the file system, for use in `map_err`.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self::Io { path, action, cause }
    }
}
