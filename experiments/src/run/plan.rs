//! The plan of a run: its units, and the time that they would take.

use anyhow::Result;
use results::Manifest;
use results::outln;
use results::store::{find_runs, groups, newest};

use crate::engine::study::Study;
use crate::engine::study::{open_units, units_of_stage};
use crate::engine::unit::Kind;
use crate::run::options::RunOptions;

/// Prints the units, the number of finished ones, and the time of the open ones. The time is from the newest complete run of the
/// same definition.
///
/// # Errors
/// Output or a stored run that cannot be read.
pub fn print_units(
    runs: &[Box<dyn Study + '_>],
    artefact: &str,
    definition_hash: &str,
    options: &RunOptions,
) -> Result<()> {
    let (jobs, earlier) = (options.jobs(), earlier_run(artefact, definition_hash, options)?);
    outln!("{:<28}{:>8}{:>8}  expected time", "units", "in all", "done");
    for (stage, kind) in runs[0].stages().into_iter().enumerate() {
        let units = units_of_stage(runs, stage);
        let (all, open) = (units.len(), open_units(&units)?.len());
        let done = all - open;
        let seconds = seconds_of_unit(earlier.as_ref(), kind, all / runs.len())
            .map(|seconds| seconds * open as f64 / jobs.min(open.max(1)) as f64);
        let expected = match seconds {
            _ if open == 0 => "none".to_string(),
            Some(seconds) => format!("about {:.1} minutes", seconds / 60.0),
            None => "not known before a first run".to_string(),
        };
        outln!("{:<28}{all:>8}{done:>8}  {expected}", kind.name());
    }
    Ok(())
}

/// Number of trainings that give true errors, in all runs together.
pub fn trainings(runs: &[Box<dyn Study + '_>]) -> usize {
    let stage = runs[0].stages().into_iter().position(|kind| kind == Kind::TrainResulting);
    stage.map_or(0, |stage| units_of_stage(runs, stage).len())
}

/// Seconds that a unit took in an earlier run, which had `units` units of its kind.
pub fn seconds_of_unit(earlier: Option<&Manifest>, kind: Kind, units: usize) -> Option<f64> {
    let seconds = earlier?.timings.get(kind.name())?;
    Some(seconds / units.max(1) as f64)
}

/// A complete run of the newest result of the same definition on the same class of device, which has the timings. A run whose
/// manifest cannot be read has none.
///
/// # Errors
/// A folder that cannot be listed.
pub fn earlier_run(artefact: &str, definition_hash: &str, options: &RunOptions) -> Result<Option<Manifest>> {
    let runs = find_runs(&options.results, Some(artefact))?.runs;
    let same = groups(runs).into_iter().filter(|group| {
        let manifest = group.manifest();
        manifest.definition_hash == definition_hash && manifest.device_class == options.device.class()
    });
    Ok(newest(same).map(|mut group| group.runs.swap_remove(0).manifest))
}
