//! Running the units of a stage: one after the other, or side by side in workers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use results::{errln, threads};

use crate::engine::study::{Study, open_units, units_of_stage};
use crate::engine::unit::{Kind, Unit};
use crate::engine::workers::{Failure, Worker, Workers};

/// Time between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(60);

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
    let jobs = if first.kind == Kind::Time { 1 } else { jobs.min(open.len()) };
    let bar = ProgressBar::new(open.iter().map(|(_, unit)| unit.steps as u64).sum()).with_prefix(first.kind.name());
    let template = "{prefix} [{bar:30}] {percent} %  {per_sec}, {left} left";
    let style = ProgressStyle::with_template(template).expect("a valid template");
    bar.set_style(style.with_key("left", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        // Writing to a string does not fail.
        let _ = write!(text, "{}", time_left(state.elapsed(), state.pos(), state.len().unwrap_or(0)));
    }));
    bar.tick();
    let last_line = Mutex::new(Instant::now());
    let step = |steps: usize| {
        bar.inc(steps as u64);
        let mut last_line = last_line.lock().expect("no thread panicked");
        // The bar is hidden if standard error is not a terminal.
        if bar.is_hidden() && last_line.elapsed() >= LINE_EVERY {
            *last_line = Instant::now();
            let (done, all) = (bar.position(), bar.length().unwrap_or(0));
            let left = time_left(bar.elapsed(), done, all);
            errln!("{}: {} %, {left} left", first.kind.name(), 100 * done / all.max(1));
        }
    };
    let result = match jobs {
        1 => one_by_one(&open, &step),
        _ => side_by_side(stage, &open, workers.take(jobs)?, &step),
    };
    bar.finish_and_clear();
    result
}

/// The time for the rest of the steps at the mean rate so far. A rate of the last seconds alone would follow the size of the
/// present unit, and any pause of the machine.
fn time_left(elapsed: Duration, done: u64, all: u64) -> HumanDuration {
    let share_left = all.saturating_sub(done) as f64 / done.max(1) as f64;
    HumanDuration(elapsed.mul_f64(share_left))
}

/// Runs one unit, if it is not done, with as many threads as `RAYON_NUM_THREADS` says, up to a bound.
///
/// # Errors
/// The error of the unit, or an index that the run does not have.
pub fn run_one(runs: &[Box<dyn Study + '_>], stage: usize, index: usize) -> Result<()> {
    let stages = runs[0].stages().len();
    let units = (stage < stages).then(|| units_of_stage(runs, stage));
    let unit = units.as_ref().and_then(|units| units.get(index));
    let unit = unit.with_context(|| format!("--unit {stage}:{index}: the run has no such unit"))?;
    if let Some(damage) = unit.set_fault_aside()? {
        errln!("warning: {damage}; {} runs again", unit.name);
    }
    if unit.is_done()? {
        return Ok(());
    }
    threads::pool()?.install(|| unit.perform(&|_| ())).with_context(|| unit.name.clone())
}

/// Checks that all units are done, with outputs that can be used.
///
/// # Errors
/// The first unit that is not done, or whose output cannot be used. Such an output is set aside, so that the unit can be done
/// again.
pub fn ensure_done(runs: &[Box<dyn Study + '_>]) -> Result<()> {
    for stage in 0..runs[0].stages().len() {
        for unit in units_of_stage(runs, stage) {
            if let Some(damage) = unit.set_fault_aside()? {
                bail!("--tables: {damage}; `{}` must run again", unit.name);
            }
            ensure!(
                unit.is_done()?,
                "--tables: `{}` is not done, {} is missing",
                unit.name,
                unit.output.path.display()
            );
        }
    }
    Ok(())
}

/// Runs the units in this process, with all cores. The loop runs inside the thread pool. From outside, each of many small
/// parallel steps would be handed over and waited for.
fn one_by_one(open: &[(usize, &Unit<'_>)], step: &(dyn Fn(usize) + Sync)) -> Result<()> {
    threads::pool()?
        .install(|| open.iter().try_for_each(|(_, unit)| unit.perform(step).with_context(|| unit.name.clone())))
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
        "{} of {} units were killed and are not done: {}; if memory was short, --jobs 1 needs the least",
        killed.len(),
        open.len(),
        killed.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_mean_rate() {
        let left = |done: u64| time_left(Duration::from_secs(20), done, 40).0.as_secs();
        assert_eq!([10, 20, 40].map(left), [60, 20, 0]);
    }
}
