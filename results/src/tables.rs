//! Converts the rows of [`crate::tables::rows`], [`crate::tables::starts`] and [`crate::tables::counts`] to a Parquet file and back.
//!
//! Columns are the fields in the order of their declaration. A column is nullable if and only if its type is an
//! `Option`. Reading checks the names, in any order, and the types. A nullable column may be missing, such as in a
//! table that an older program wrote. It then reads as null. Equal rows give equal bytes: the files hold no time and no
//! host. Each file holds its identity and a seal; see [`crate::store::seal`].

pub mod columns;
pub mod counts;
pub mod csv;
mod footer;
mod meaning;
mod pages;
mod parquet;
pub mod rows;
pub mod starts;

use std::fmt;
use std::path::{Path, PathBuf};

use polars_core::prelude::{DataFrame, DataType, NamedFrom, PolarsResult, Series};
use polars_io::prelude::{KeyValueMetadata, ParquetWriter};

use crate::error::{Error, Result};
use crate::store::files;
use crate::store::identity::{Identity, Listed, StoredFile};
use crate::store::seal;

/// A kind of row; `declare!` writes the implementations.
pub trait Row: Sized {
    /// Name of the table: its file is `<NAME>.parquet`.
    const NAME: &'static str;

    /// Meaning of a row.
    const MEANING: &'static str;

    /// The columns, in order.
    const COLUMNS: &'static [Column];

    /// The columns of the rows, in the order of [`Self::COLUMNS`].
    fn to_columns(rows: &[Self]) -> Vec<Series>;

    /// The rows of a frame that has at least these columns.
    ///
    /// # Errors
    /// The first column that is missing, has another type, or holds values that its cells cannot hold.
    fn from_frame(frame: &DataFrame) -> std::result::Result<Vec<Self>, ColumnFault>;

    /// The rule that this row breaks, if it contradicts itself.
    fn fault(&self) -> Option<&'static str> {
        None
    }
}

/// A column of a table, as docs/tables.md lists it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Type of its values, as Rust writes it.
    pub cell: &'static str,
    /// Unit of its values; empty for names, indices and other values without one.
    pub unit: &'static str,
    /// Meaning of a value.
    pub meaning: &'static str,
    /// Whether a value may be missing.
    pub may_be_missing: bool,
}

/// A fault in one column of a frame.
#[derive(Debug)]
pub struct ColumnFault {
    /// The column's name.
    pub column: String,
    /// The expected and the actual content.
    pub problem: String,
}

/// The file of a table, given the identity of the whole that it is part of.
pub fn table_file<R: Row>(path: PathBuf, whole: Identity) -> StoredFile {
    StoredFile { path, identity: whole.with("schema", schema::<R>()), listed: Listed::Nowhere }
}

/// Name of a table, and digits that change with any column whose values may not be missing. A further column whose values
/// may be missing leaves older tables readable.
fn schema<R: Row>() -> String {
    let needed = R::COLUMNS.iter().filter(|column| !column.may_be_missing);
    let columns: Vec<String> = needed.map(|column| format!("{}:{}", column.name, column.cell)).collect();
    format!("{}-{:.8}", R::NAME, seal::sha256(columns.join(",").as_bytes()))
}

/// Writes a table atomically.
///
/// # Errors
/// If a row contradicts itself, or the file cannot be written.
pub fn write_table<R: Row>(file: &StoredFile, rows: &[R]) -> Result<()> {
    seal::write(file, &bytes_of(file, rows)?)
}

/// The bytes of the file that [`write_table`] writes.
///
/// # Errors
/// If a row contradicts itself.
pub(crate) fn bytes_of<R: Row>(StoredFile { path, identity, .. }: &StoredFile, rows: &[R]) -> Result<Vec<u8>> {
    check_rows(path, rows)?;
    let columns = R::to_columns(rows).into_iter().map(Into::into).collect();
    let bytes = DataFrame::new(rows.len(), columns).and_then(|frame| sealed(frame, identity));
    bytes.map_err(|error| Error::Parquet { path: path.clone(), problem: error.to_string() })
}

/// Converts a frame to the bytes of a sealed Parquet file.
fn sealed(mut frame: DataFrame, identity: &Identity) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let metadata = vec![("seal".to_owned(), seal::blank_of(identity))];
    ParquetWriter::new(&mut bytes)
        .set_parallel(false)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
        .finish(&mut frame)?;
    seal::close(&mut bytes);
    Ok(bytes)
}

/// Reads a table.
///
/// # Errors
/// If the file is missing, damaged, another than expected or not Parquet. Also if a column is missing, unknown or of
/// another type, or if a row contradicts itself.
pub fn read_table<R: Row>(file: &StoredFile) -> Result<Vec<R>> {
    let path = file.path.as_path();
    let bytes = files::read(path)?;
    seal::check_stored(file, &bytes).map_err(|error| match error {
        Error::Damaged { path, problem } => Error::Damaged { path, problem: problem + &footer::written_by(&bytes) },
        other => other,
    })?;
    let frame = parquet::read(path, bytes)?;
    let column =
        |fault: ColumnFault| Error::Column { path: path.to_path_buf(), column: fault.column, problem: fault.problem };
    let rows = R::from_frame(&frame).map_err(column)?;
    let known = |name: &str| R::COLUMNS.iter().any(|column| column.name == name);
    if let Some(name) = frame.get_column_names().iter().find(|name| !known(name)) {
        return Err(column(ColumnFault {
            column: name.to_string(),
            problem: format!("not a column of the table `{}`", R::NAME),
        }));
    }
    check_rows(path, &rows)?;
    Ok(rows)
}

/// The statuses of the rows of a stored table of any kind; none if its rows have no status.
///
/// # Errors
/// If the file is missing, damaged or not Parquet, or if a status is unknown.
pub fn statuses(path: &Path) -> Result<Vec<Status>> {
    const NAME: &str = "status";
    let bytes = files::read(path)?;
    seal::check(path, &bytes)?;
    let frame = parquet::read(path, bytes)?;
    if frame.column(NAME).is_err() {
        return Ok(Vec::new());
    }
    let column =
        |fault: ColumnFault| Error::Column { path: path.to_path_buf(), column: fault.column, problem: fault.problem };
    cells(&frame, NAME).map_err(column)
}

fn check_rows<R: Row>(path: &Path, rows: &[R]) -> Result<()> {
    for (row, fault) in rows.iter().map(R::fault).enumerate() {
        if let Some(problem) = fault {
            return Err(Error::Row { path: path.to_path_buf(), row, problem });
        }
    }
    Ok(())
}

/// Declares a row type: the struct as written, and its mapping to columns. `as` names the unit of a field.
macro_rules! declare {
    (
        $(#[doc = $row_meaning:literal])+
        pub struct $row:ident in $name:literal {
            $($(#[doc = $meaning:literal])+ pub $field:ident: $cell:ty $(as $unit:literal)?,)*
        }
        $(fault($($checked:ident),+) = $fault:path)?
    ) => {
        $(#[doc = $row_meaning])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $row {
            $(
                $(#[doc = $meaning])+
                $(#[doc = concat!("\n\nUnit: ", $unit, ".")])?
                pub $field: $cell,
            )*
        }

        impl $crate::tables::Row for $row {
            const NAME: &'static str = $name;
            const MEANING: &'static str = concat!($($row_meaning),+);
            const COLUMNS: &'static [$crate::tables::Column] = &[$($crate::tables::Column {
                name: stringify!($field),
                cell: stringify!($cell),
                unit: concat!($($unit)?),
                meaning: concat!($($meaning),+),
                may_be_missing: <$cell as $crate::tables::Cell>::MAY_BE_MISSING,
            }),*];

            fn to_columns(rows: &[Self]) -> Vec<polars_core::prelude::Series> {
                vec![$($crate::tables::to_series(
                    stringify!($field),
                    rows.iter().map(|row| row.$field.clone()),
                )),*]
            }

            fn from_frame(
                frame: &polars_core::prelude::DataFrame,
            ) -> std::result::Result<Vec<Self>, $crate::tables::ColumnFault> {
                $(let mut $field = $crate::tables::cells::<$cell>(frame, stringify!($field))?.into_iter();)*
                let row = |_| Some($row { $($field: $field.next()?),* });
                let rows: Option<Vec<Self>> = (0..frame.height()).map(row).collect();
                Ok(rows.expect("every column is as long as the frame"))
            }

            $(fn fault(&self) -> Option<&'static str> {
                $fault($(self.$checked),+)
            })?
        }
    };
}

pub(crate) use declare;

/// How a unit of work ended. Failed and skipped are facts of their own, never a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It ran to its end and was measured.
    Ok,
    /// It was tried and gave no usable result.
    Failed,
    /// It was trained, and the training diverged. Only studies that count divergences have this status.
    Diverged,
    /// It was never tried.
    Skipped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Diverged => "diverged",
            Self::Skipped => "skipped",
        })
    }
}

/// The rule that a time breaks, if it is none.
pub(crate) fn positive_seconds(seconds: f64) -> Option<&'static str> {
    let is_time = seconds.is_finite() && seconds > 0.0;
    (!is_time).then_some("`seconds` must be finite and above 0")
}

/// What is wrong with an error that is no fraction, in the column of this name.
pub fn fraction_problem(name: &str, error: f64) -> Option<String> {
    (!(0.0..=1.0).contains(&error)).then(|| format!("`{name}` is {error}, expected a fraction in [0, 1]"))
}

/// What is wrong with a loss that no training has, in the column of this name.
pub fn loss_problem(name: &str, loss: f64) -> Option<String> {
    (!(0.0..f64::INFINITY).contains(&loss)).then(|| format!("`{name}` is {loss}, expected a number from 0"))
}

/// The rule that a status and a measured error break, if they contradict each other.
pub(crate) fn measured_if_ok(status: Status, error: Option<f64>) -> Option<&'static str> {
    match (status, error) {
        (Status::Ok, None) => Some("status `ok` needs an error"),
        (Status::Ok, Some(error)) if (0.0..=1.0).contains(&error) => None,
        (Status::Ok, Some(_)) => Some("the error must lie in [0, 1]"),
        (Status::Failed | Status::Diverged | Status::Skipped, None) => None,
        (Status::Failed | Status::Diverged | Status::Skipped, Some(_)) => Some("only status `ok` may have an error"),
    }
}

/// As [`measured_if_ok`], for a value that may be any finite number.
fn finite_if_ok(status: Status, value: Option<f64>) -> Option<&'static str> {
    match (status, value) {
        (Status::Ok, Some(value)) if value.is_finite() => None,
        (Status::Ok, _) => Some("status `ok` needs a finite value"),
        (Status::Failed | Status::Diverged | Status::Skipped, None) => None,
        (Status::Failed | Status::Diverged | Status::Skipped, Some(_)) => Some("only status `ok` may have a value"),
    }
}

/// A field of a row as a column stores it; `None` is null.
pub(crate) trait Cell: Sized {
    type Stored: Stored;

    /// Whether the field may be null.
    const MAY_BE_MISSING: bool = false;

    fn store(self) -> Option<Self::Stored>;

    /// Restores the field, or fails with the expectation.
    fn restore(stored: Option<Self::Stored>) -> std::result::Result<Self, String>;
}

impl<T: Stored> Cell for T {
    type Stored = T;

    fn store(self) -> Option<T> {
        Some(self)
    }

    fn restore(stored: Option<T>) -> std::result::Result<Self, String> {
        stored.ok_or_else(|| "expected a value, found null".to_owned())
    }
}

impl<T: Stored> Cell for Option<T> {
    type Stored = T;

    const MAY_BE_MISSING: bool = true;

    fn store(self) -> Self {
        self
    }

    fn restore(stored: Self) -> std::result::Result<Self, String> {
        Ok(stored)
    }
}

impl Cell for Status {
    type Stored = String;

    fn store(self) -> Option<String> {
        Some(self.to_string())
    }

    fn restore(stored: Option<String>) -> std::result::Result<Self, String> {
        let all = [Self::Ok, Self::Failed, Self::Diverged, Self::Skipped];
        let word = String::restore(stored)?;
        all.into_iter()
            .find(|status| status.to_string() == word)
            .ok_or_else(|| format!("expected `ok`, `failed`, `diverged` or `skipped`, found `{word}`"))
    }
}

/// A type that a Parquet column holds directly.
pub(crate) trait Stored: Sized {
    const TYPE: DataType;

    fn to_series(name: &str, cells: Vec<Option<Self>>) -> Series;

    /// The cells of a series of the type [`Self::TYPE`].
    fn from_series(series: &Series) -> PolarsResult<Vec<Option<Self>>>;
}

macro_rules! stored {
    ($cell:ty, $data_type:ident, $chunked:ident) => {
        impl Stored for $cell {
            const TYPE: DataType = DataType::$data_type;

            fn to_series(name: &str, cells: Vec<Option<Self>>) -> Series {
                Series::new(name.into(), cells)
            }

            fn from_series(series: &Series) -> PolarsResult<Vec<Option<Self>>> {
                let own = |cell: Option<_>| cell.map(Self::from);
                Ok(series.$chunked()?.iter().map(own).collect())
            }
        }
    };
}

stored!(u32, UInt32, u32);
stored!(u64, UInt64, u64);
stored!(f64, Float64, f64);
stored!(String, String, str);

pub(crate) fn to_series<C: Cell>(name: &str, cells: impl Iterator<Item = C>) -> Series {
    C::Stored::to_series(name, cells.map(Cell::store).collect())
}

pub(crate) fn cells<C: Cell>(frame: &DataFrame, name: &str) -> std::result::Result<Vec<C>, ColumnFault> {
    let fault = |problem: String| ColumnFault { column: name.to_owned(), problem };
    let Ok(column) = frame.column(name) else {
        let missing = |_| fault(format!("missing, expected {}", C::Stored::TYPE));
        return (0..frame.height()).map(|_| C::restore(None).map_err(missing)).collect();
    };
    if *column.dtype() != C::Stored::TYPE {
        let (expected, found) = (C::Stored::TYPE, column.dtype());
        return Err(fault(format!("expected {expected}, found {found}")));
    }
    C::Stored::from_series(column.as_materialized_series())
        .map_err(|error| fault(error.to_string()))?
        .into_iter()
        .enumerate()
        .map(|(row, stored)| C::restore(stored).map_err(|problem| fault(format!("row {row}: {problem}"))))
        .collect()
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
