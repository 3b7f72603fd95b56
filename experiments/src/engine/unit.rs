//! One unit of work: it writes its own output atomically, and counts as done if its output exists.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use results::Row;
use results::store::files::{self, is_file, read_text, write_atomically};
use results::store::identity::StoredFile;
use results::store::seal;
use results::tables::read_table;

use crate::engine::damage::set_fault_aside;
use crate::engine::stop;

/// The kinds of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Train architectures of a benchmark again, to verify it on this machine.
    Verify,
    /// Train a SMASH network.
    TrainSmash,
    /// Score some architectures with generated weights.
    Score,
    /// Train a resulting network.
    TrainResulting,
    /// Train a resulting network by the fast recipe, to compare it with the paper's recipe.
    TrainFast,
    /// Score architectures one after the other, each chosen by the scores before it.
    Search,
    /// Ask a predictor about some architectures.
    Predict,
    /// Follow a gradient, and take random steps beside it.
    Descend,
    /// Train architectures one after the other, each chosen by the errors before it.
    TrainedSearch,
    /// Train a system of a comparison.
    TrainSystem,
    /// Time the steps of one kind.
    Time,
    /// Sample architectures and count them.
    Sample,
}

impl Kind {
    /// Name in plans, progress bars and the manifest's timings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify benchmark",
            Self::TrainSmash => "train SMASH network",
            Self::Score => "score architectures",
            Self::TrainResulting => "train resulting networks",
            Self::TrainFast => "train by the fast recipe",
            Self::Search => "search by score",
            Self::Predict => "ask predictors",
            Self::Descend => "descend",
            Self::TrainedSearch => "search by training",
            Self::TrainSystem => "train systems",
            Self::Time => "time steps",
            Self::Sample => "sample architectures",
        }
    }
}

/// One unit: its name, the place of its output, and the work that makes it.
pub struct Unit<'a> {
    /// The kind of its work.
    pub kind: Kind,
    /// Name within the artefact, such as `seed 0, architecture 12`.
    pub name: String,
    /// Its output. A unit is done if and only if this file and `beside` exist.
    pub output: StoredFile,
    /// Another file, which is written before the output.
    pub beside: Option<StoredFile>,
    /// Whether a pool or a benchmark has the output, if either can have it. Only plans ask.
    pub supplied: Option<Supplied<'a>>,
    /// Number of its steps, which the progress bar shows.
    pub steps: usize,
    /// Makes the output, atomically, and counts the steps that are done.
    pub work: Work<'a>,
}

/// The work of a unit, given a function that counts steps done.
type Work<'a> = Box<dyn Fn(Done<'_>) -> Result<()> + Send + Sync + 'a>;

/// Says whether a pool or a benchmark has the output of a unit. False as long as nobody can know, such as before the scores that
/// choose an architecture.
pub type Supplied<'a> = Box<dyn Fn() -> Result<bool> + Send + Sync + 'a>;

/// Counts steps done. Its error is [`Stopped`](crate::engine::stop::Stopped): the work then stores the state that it can resume from, and
/// ends.
pub type Done<'a> = &'a dyn Fn(usize) -> Result<()>;

impl Unit<'_> {
    /// Whether all files that it has to write exist.
    ///
    /// # Errors
    /// A file whose existence cannot be checked.
    pub fn is_done(&self) -> Result<bool> {
        for file in self.files() {
            if !is_file(&file.path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a pool or a benchmark has its output.
    ///
    /// # Errors
    /// A place that cannot be read.
    pub fn is_supplied(&self) -> Result<bool> {
        self.supplied.as_ref().map_or(Ok(false), |supplied| supplied())
    }

    fn files(&self) -> impl Iterator<Item = &StoredFile> {
        self.beside.iter().chain([&self.output])
    }

    /// Sets a file of the unit aside that is damaged or that of another unit, or whose digest is another than at its writing. The
    /// unit is then done again. Returns a message that names the file.
    ///
    /// # Errors
    /// A file that cannot be read or renamed.
    pub fn set_fault_aside(&self) -> Result<Option<String>> {
        for file in self.files() {
            if !is_file(&file.path)? {
                continue;
            }
            let bytes = files::read(&file.path)?;
            let checked = seal::check_stored(file, &bytes).and_then(|()| seal::check_has_digest_file(file));
            if let Some(fault) = set_fault_aside(&file.path, checked)?.err() {
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }

    /// Does the work, and stores its duration beside the output.
    ///
    /// # Errors
    /// The error of the work, or a file that cannot be written.
    pub fn perform(&self, step: &dyn Fn(usize)) -> Result<()> {
        let start = Instant::now();
        (self.work)(&|steps| {
            step(steps);
            stop::check()
        })?;
        let seconds = start.elapsed().as_secs_f64().to_string();
        Ok(write_atomically(&self.seconds_path(), seconds.as_bytes())?)
    }

    /// Seconds that the unit took, wherever it ran; `None` if they were not stored, or the stored text is no time.
    fn seconds(&self) -> Option<f64> {
        parse_seconds(&read_text(&self.seconds_path()).ok()?)
    }

    fn seconds_path(&self) -> PathBuf {
        self.output.path.with_extension("seconds")
    }
}

/// Seconds in the text of a file beside an output; `None` if the text is no time.
pub fn parse_seconds(text: &str) -> Option<f64> {
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

/// Seconds that the units took together, if there are any and the time of each is known.
pub fn seconds_of(units: &[Unit<'_>]) -> Option<f64> {
    units.iter().map(Unit::seconds).sum::<Option<f64>>().filter(|_| !units.is_empty())
}

/// The rows of the units' outputs, in the order of the units.
///
/// # Errors
/// An output that cannot be read.
pub fn gather<R: Row>(units: &[Unit<'_>]) -> Result<Vec<R>> {
    rows_of(units.iter().map(|unit| &unit.output))
}

/// The rows of the files beside the units' outputs, in the order of the units.
///
/// # Errors
/// A file that cannot be read.
///
/// # Panics
/// If a unit writes no such file.
pub fn gather_beside<R: Row>(units: &[Unit<'_>]) -> Result<Vec<R>> {
    rows_of(units.iter().map(|unit| unit.beside.as_ref().expect("every unit writes a file beside its output")))
}

fn rows_of<'a, R: Row>(files: impl Iterator<Item = &'a StoredFile>) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    for file in files {
        rows.extend(read_table::<R>(file)?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_finite_number_from_0() {
        assert_eq!(["0", "1.5"].map(parse_seconds), [Some(0.0), Some(1.5)]);
        assert_eq!(["NaN", "-1", "inf", "-inf", "1e999", "", "1 s"].map(parse_seconds), [None; 7]);
    }
}
