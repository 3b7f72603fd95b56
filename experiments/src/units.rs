//! Units of work: each writes its own output atomically; one whose output is there is skipped.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use results::Row;
use results::tables::read_table;

/// The kinds of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Train a SMASH network.
    TrainSmash,
    /// Score some architectures with generated weights.
    Score,
    /// Train a resulting network.
    TrainResulting,
    /// Train a resulting network by the fast recipe, to compare it with the other.
    TrainFast,
    /// Time the steps of a kind.
    Time,
}

impl Kind {
    /// Name in plans, progress bars and the manifest's timings.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrainSmash => "train SMASH network",
            Self::Score => "score architectures",
            Self::TrainResulting => "train resulting networks",
            Self::TrainFast => "train by the fast recipe",
            Self::Time => "time steps",
        }
    }
}

/// One unit: what it is called, where its output goes, and how it is made.
pub struct Unit<'a> {
    /// What it does.
    pub kind: Kind,
    /// Name within the artefact, such as `seed 0, architecture 12`.
    pub name: String,
    /// The file whose presence says that the unit is done.
    pub output: PathBuf,
    /// Steps that it takes, for the progress bar.
    pub steps: usize,
    /// Makes the output, atomically, and tells of steps as they are done.
    pub work: Work<'a>,
}

/// The work of a unit, given a function that counts steps done.
type Work<'a> = Box<dyn Fn(&dyn Fn(usize)) -> Result<()> + Send + Sync + 'a>;

impl Unit<'_> {
    /// Whether the output is there.
    pub fn is_done(&self) -> bool {
        self.output.exists()
    }
}

/// The rows that units have left, in the order of the units.
///
/// # Errors
/// An output that cannot be read.
pub fn gather<R: Row>(units: &[Unit<'_>]) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    for unit in units {
        rows.extend(read_table::<R>(&unit.output)?);
    }
    Ok(rows)
}

/// Runs the units, all of one kind, that are not done, `jobs` at a time, and returns the seconds that they took together.
///
/// No unit depends on another of the same call, and none on the number of threads, so results are the same whatever
/// `jobs` is.
///
/// # Errors
/// The first unit that fails; units already running are finished first.
pub fn run(units: &[Unit<'_>], jobs: usize) -> Result<f64> {
    let open: Vec<&Unit> = units.iter().filter(|unit| !unit.is_done()).collect();
    let Some(first) = open.first() else {
        return Ok(0.0);
    };
    // What is timed has the machine to itself.
    let jobs = if first.kind == Kind::Time {
        1
    } else {
        jobs.min(open.len())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // indicatif draws nothing where standard error is not a terminal.
    let bar = ProgressBar::new(open.iter().map(|unit| unit.steps as u64).sum()).with_prefix(first.kind.name());
    let style = "{prefix} [{bar:30}] {percent} %  {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("a valid template"));
    bar.tick();
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let seconds = Mutex::new(0.0);
    let worker = || -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads((cores / jobs).max(1))
            .build()?;
        while let Some(unit) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
            let start = Instant::now();
            pool.install(|| (unit.work)(&|steps| bar.inc(steps as u64)))
                .with_context(|| unit.name.clone())?;
            *seconds.lock().expect("no worker panicked") += start.elapsed().as_secs_f64();
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                if let Err(error) = worker() {
                    next.store(open.len(), Ordering::Relaxed);
                    failure.lock().expect("no worker panicked").get_or_insert(error);
                }
            });
        }
    });
    bar.finish_and_clear();
    match failure.into_inner().expect("no worker panicked") {
        Some(error) => Err(error),
        None => Ok(seconds.into_inner().expect("no worker panicked")),
    }
}
