//! Units of work: each writes its own output atomically; one whose output is there is skipped.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// One unit: what it is called, where its output goes, and how it is made.
pub struct Unit<'a> {
    /// Kind, for timings and progress.
    pub kind: &'static str,
    /// Name within the artefact, such as `seed 0, truth of architecture 12`.
    pub name: String,
    /// The file whose presence says that the unit is done.
    pub output: PathBuf,
    /// Makes the output, atomically.
    pub work: Box<dyn Fn() -> Result<()> + Send + Sync + 'a>,
}

impl Unit<'_> {
    /// Whether the output is there.
    pub fn is_done(&self) -> bool {
        self.output.exists()
    }
}

/// Runs the units that are not done, `jobs` at a time, and returns the seconds that they took together.
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
    let jobs = jobs.min(open.len());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // indicatif draws nothing where standard error is not a terminal.
    let bar = ProgressBar::new(open.len() as u64).with_prefix(first.kind);
    let style = "{prefix} [{bar:30}] {pos}/{len}  {per_sec}, {eta} left";
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
            pool.install(|| (unit.work)()).with_context(|| unit.name.clone())?;
            *seconds.lock().expect("no worker panicked") += start.elapsed().as_secs_f64();
            bar.inc(1);
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
