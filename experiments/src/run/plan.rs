//! The plan of a run: its units, the time that they would take, and the precision to expect.

use std::collections::BTreeMap;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::outln;
use results::summaries::regime::Regime;
use serde::Serialize;

use crate::engine::study::{Study, open_units, units_of_first_seed, units_of_stage};
use crate::engine::unit::Kind;
use crate::run::options::RunOptions;
use crate::run::power::{self, Precision};
use crate::run::regime;
use crate::run::times::{Measured, Times};
use crate::settings::definition::Definition;
use crate::tasks::setup::Images;

/// The plan in JSON.
#[derive(Serialize)]
struct Plan<'a> {
    artefact: &'a str,
    scale: &'a str,
    dataset: &'a str,
    device_class: &'a str,
    /// Hash of the definition, in hexadecimal.
    definition: String,
    /// Number of root seeds.
    seeds: u64,
    /// Number of units that run at the same time.
    jobs: usize,
    /// The units of each stage, in the order of the stages.
    units: Vec<Units>,
    /// By the name of the scale; none unless it is a correlation study.
    regime: Option<BTreeMap<&'a str, &'a Regime>>,
    precision: Option<&'a Precision>,
}

/// The units of a stage, all of one kind.
#[derive(Serialize)]
struct Units {
    kind: &'static str,
    /// Number of units of all root seeds.
    all: usize,
    /// Number of units whose output exists.
    done: usize,
    /// Number of others that a pool or a benchmark has.
    supplied: usize,
    /// Mean seconds of a unit, if a stored run measured it, and that run in words.
    seconds_of_unit: Option<f64>,
    seconds_source: Option<String>,
    /// Expected seconds of the units that have to be computed, on all jobs together.
    seconds: Option<f64>,
}

/// Prints the plan of a run: its units, the regime of a correlation study, and the precision that it can expect.
///
/// # Errors
/// Output or a stored run that cannot be read, and all errors of [`power::precision`].
pub fn print<B: AutodiffBackend>(
    runs: &[Box<dyn Study + '_>],
    artefact: &str,
    definition: &Definition,
    images: &Images<B>,
    options: &RunOptions,
) -> Result<()> {
    let data_set = images.data.name.as_str();
    let hash = definition.hash();
    let units = units(runs, &Times::of(artefact, data_set, &hash, options)?, options.jobs())?;
    let regime = regime::at_all_scales(options.library(), artefact, &definition.study, options.scale, images)?;
    if !options.json {
        outln!("{artefact}, {} scale, {data_set}", options.scale.name());
        print_units(&units);
        regime.iter().for_each(regime::AllScales::print);
    }
    let precision = power::precision(artefact, definition, trainings(runs), options)?;
    if options.json {
        let plan = Plan {
            artefact,
            scale: options.scale.name(),
            dataset: data_set,
            device_class: options.device.class(),
            definition: hash,
            seeds: options.seeds,
            jobs: options.jobs(),
            units,
            regime: regime.as_ref().map(|all| all.of_scales.iter().map(|(name, regime)| (*name, regime)).collect()),
            precision: precision.as_ref(),
        };
        outln!("{}", serde_json::to_string(&plan)?);
    } else {
        precision.iter().for_each(Precision::print);
    }
    Ok(())
}

fn units(runs: &[Box<dyn Study + '_>], times: &Times, jobs: usize) -> Result<Vec<Units>> {
    let mut stages = Vec::new();
    for (stage, kind) in runs[0].stages().into_iter().enumerate() {
        let units = units_of_stage(runs, stage);
        let unfinished = open_units(&units)?;
        let mut supplied = 0;
        for (_, unit) in &unfinished {
            supplied += usize::from(unit.is_supplied()?);
        }
        let open = unfinished.len() - supplied;
        let jobs = if kind == Kind::Time { 1 } else { jobs.min(open).max(1) };
        let measured = times.of_unit(kind, &units_of_first_seed(runs, stage))?;
        let seconds = measured.as_ref().map(|measured| measured.seconds * open as f64 / jobs as f64);
        let (seconds_of_unit, seconds_source) =
            measured.map(|Measured { seconds, source, .. }| (seconds, source)).unzip();
        stages.push(Units {
            kind: kind.name(),
            all: units.len(),
            done: units.len() - unfinished.len(),
            supplied,
            seconds_of_unit,
            seconds_source,
            seconds: if open == 0 { Some(0.0) } else { seconds },
        });
    }
    Ok(stages)
}

fn print_units(stages: &[Units]) {
    outln!("{:<28}{:>8}{:>8}{:>10}  expected time", "units", "in all", "done", "supplied");
    for Units { kind, all, done, supplied, seconds, seconds_source, .. } in stages {
        let expected = match (seconds, seconds_source) {
            _ if all - done == *supplied => "none".to_owned(),
            (Some(seconds), Some(source)) => format!("about {:.1} minutes ({source})", seconds / 60.0),
            _ => "not known before a first run".to_owned(),
        };
        outln!("{kind:<28}{all:>8}{done:>8}{supplied:>10}  {expected}");
    }
}

/// Number of trainings that give true errors, in all runs together.
fn trainings(runs: &[Box<dyn Study + '_>]) -> usize {
    let stage = runs[0].stages().into_iter().position(|kind| kind == Kind::TrainResulting);
    stage.map_or(0, |stage| units_of_stage(runs, stage).len())
}
