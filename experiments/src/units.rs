//! Units of work: each writes its own output atomically, and a unit whose output exists is skipped.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use results::files::{is_file, read_text, write_atomically};
use results::tables::read_table;
use results::{Row, seal};

use crate::stop;
use crate::study::{Study, set_damage_aside};
use crate::workers::{Failure, Worker, Workers};

/// The kinds of unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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
}

impl Kind {
    /// Name in plans, progress bars and the manifest's timings.
    pub fn name(self) -> &'static str {
        match self {
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
        }
    }
}

/// One unit: its name, the place of its output, and the work that makes it.
pub struct Unit<'a> {
    /// The kind of its work.
    pub kind: Kind,
    /// Name within the artefact, such as `seed 0, architecture 12`.
    pub name: String,
    /// Path of its output. A unit is done if and only if this file and `beside` exist.
    pub output: PathBuf,
    /// Path of another file, which is written before the output.
    pub beside: Option<PathBuf>,
    /// Number of its steps, which the progress bar shows.
    pub steps: usize,
    /// Makes the output, atomically, and counts the steps that are done.
    pub work: Work<'a>,
}

/// The work of a unit, given a function that counts steps done.
type Work<'a> = Box<dyn Fn(Done<'_>) -> Result<()> + Send + Sync + 'a>;

/// Counts steps done. Its error is [`Stopped`](crate::stop::Stopped): the work then stores the state that it can resume from, and
/// ends.
pub type Done<'a> = &'a dyn Fn(usize) -> Result<()>;

impl Unit<'_> {
    /// Whether all files that it has to write exist.
    ///
    /// # Errors
    /// A file whose existence cannot be checked.
    pub fn is_done(&self) -> Result<bool> {
        for file in self.files() {
            if !is_file(file)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.beside.iter().chain([&self.output])
    }

    /// Sets a damaged file of the unit aside, so that the unit is done again. Returns a message that names the file.
    ///
    /// # Errors
    /// A file that cannot be read or renamed.
    pub fn set_damage_aside(&self) -> Result<Option<String>> {
        for file in self.files() {
            if !is_file(file)? {
                continue;
            }
            if let Some(damage) = set_damage_aside(file, seal::check_file(file))?.err() {
                return Ok(Some(damage));
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

    /// Seconds that the unit took, wherever it ran; `None` if they were not stored.
    fn seconds(&self) -> Option<f64> {
        read_text(&self.seconds_path()).ok()?.parse().ok()
    }

    fn seconds_path(&self) -> PathBuf {
        self.output.with_extension("seconds")
    }
}

/// Seconds that the units took together, if the time of each is known.
pub fn seconds_of(units: &[Unit<'_>]) -> Option<f64> {
    units.iter().map(Unit::seconds).sum()
}

/// The rows of the units' outputs, in the order of the units.
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

/// The units of one stage for all seeds, in order.
pub fn units_of_stage<'a>(runs: &'a [Box<dyn Study + '_>], stage: usize) -> Vec<Unit<'a>> {
    runs.iter().flat_map(|run| run.units(stage)).collect()
}

/// The units that are not done, each with its index among all units.
///
/// # Errors
/// As [`Unit::is_done`].
pub fn open_units<'a, 'b>(units: &'a [Unit<'b>]) -> Result<Vec<(usize, &'a Unit<'b>)>> {
    let mut open = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        if !unit.is_done()? {
            open.push((index, unit));
        }
    }
    Ok(open)
}

/// Runs the units of a stage that are not done, `jobs` at a time. They are all of one kind.
///
/// No unit depends on another unit of the same stage, nor on the number of threads. The results are therefore the same whatever
/// `jobs` is.
///
/// # Errors
/// The first unit that fails, once the units that already run have finished. If processes of units were killed, an error names
/// these units once all others are done.
pub fn run(stage: usize, units: &[Unit<'_>], jobs: usize, workers: &mut Workers) -> Result<()> {
    let open = open_units(units)?;
    let Some((_, first)) = open.first() else {
        return Ok(());
    };
    // Units that measure time have the machine to themselves.
    let jobs = if first.kind == Kind::Time {
        1
    } else {
        jobs.min(open.len())
    };
    // indicatif draws nothing if standard error is not a terminal.
    let bar = ProgressBar::new(open.iter().map(|(_, unit)| unit.steps as u64).sum()).with_prefix(first.kind.name());
    let style = "{prefix} [{bar:30}] {percent} %  {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("a valid template"));
    bar.tick();
    let step = |steps: usize| bar.inc(steps as u64);
    let result = match jobs {
        1 => one_by_one(&open, &step),
        _ => side_by_side(stage, &open, workers.take(jobs)?, &step),
    };
    bar.finish_and_clear();
    result
}

/// Runs one unit, if it is not done, with as many threads as `RAYON_NUM_THREADS` says.
///
/// # Errors
/// The error of the unit, or an index that the run does not have.
pub fn run_one(runs: &[Box<dyn Study + '_>], stage: usize, index: usize) -> Result<()> {
    let stages = runs[0].stages().len();
    let units = (stage < stages).then(|| units_of_stage(runs, stage));
    let unit = units.as_ref().and_then(|units| units.get(index));
    let unit = unit.with_context(|| format!("--unit {stage}:{index}: the run has no such unit"))?;
    if let Some(damage) = unit.set_damage_aside()? {
        eprintln!("warning: {damage}; {} is done again", unit.name);
    }
    if unit.is_done()? {
        return Ok(());
    }
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    pool.install(|| unit.perform(&|_| ()))
        .with_context(|| unit.name.clone())
}

/// Checks that all units are done and undamaged.
///
/// # Errors
/// The first unit that is not done, or whose output is damaged. A damaged output is set aside, so that the unit can be done
/// again.
pub fn ensure_done(runs: &[Box<dyn Study + '_>]) -> Result<()> {
    for stage in 0..runs[0].stages().len() {
        for unit in units_of_stage(runs, stage) {
            if let Some(damage) = unit.set_damage_aside()? {
                bail!("--tables: {damage}; `{}` is to be done again", unit.name);
            }
            ensure!(
                unit.is_done()?,
                "--tables: `{}` is not done, {} is missing",
                unit.name,
                unit.output.display()
            );
        }
    }
    Ok(())
}

/// Runs the units in this process, with all cores. The loop runs inside the thread pool. From outside, each of many small
/// parallel steps would be handed over and waited for.
fn one_by_one(open: &[(usize, &Unit<'_>)], step: &(dyn Fn(usize) + Sync)) -> Result<()> {
    rayon::ThreadPoolBuilder::new().build()?.install(|| {
        open.iter()
            .try_for_each(|(_, unit)| unit.perform(step).with_context(|| unit.name.clone()))
    })
}

/// Each worker takes the next unit when it has finished one. If a worker is killed, as the system does when memory is short, only
/// its own unit is lost.
fn side_by_side(
    stage: usize,
    open: &[(usize, &Unit<'_>)],
    workers: &mut [Worker],
    step: &(dyn Fn(usize) + Sync),
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let killed: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let drive = |worker: &mut Worker| -> Result<()> {
        while let Some((index, unit)) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
            match worker.run(stage, *index, step) {
                Ok(()) => {}
                Err(Failure::Killed(status)) => {
                    let mut killed = killed.lock().expect("no thread panicked");
                    killed.push(format!("{} ({status})", unit.name));
                    worker.restart()?;
                }
                Err(Failure::Other(error)) => return Err(error.context(unit.name.clone())),
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| {
                if let Err(error) = drive(worker) {
                    next.store(open.len(), Ordering::Relaxed);
                    failure.lock().expect("no thread panicked").get_or_insert(error);
                }
            });
        }
    });
    if let Some(error) = failure.into_inner().expect("no thread panicked") {
        return Err(error);
    }
    let killed = killed.into_inner().expect("no thread panicked");
    ensure!(
        killed.is_empty(),
        "{} of {} units were killed and are not done: {}; where memory was short, --jobs 1 takes least",
        killed.len(),
        open.len(),
        killed.join(", ")
    );
    Ok(())
}
