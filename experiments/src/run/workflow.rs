//! A run as a workflow for another scheduler, which calls this program for one unit at a time.
//!
//! For Snakemake, there is a rule for each kind of unit. Its inputs and outputs are the units' files. Snakemake handles queues,
//! retries, clusters and clouds. For Slurm without Snakemake, a script submits an array of jobs for each kind of unit.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use results::store::files::{self, write_atomically};
use results::summaries::text::quoted;
use serde::Serialize;

use crate::device::Device;
use crate::engine::study::{Study, units_of_first_seed};
use crate::engine::unit::{Kind, Unit};
use crate::run::options::RunOptions;
use crate::run::times::Times;

/// The rules; everything that differs from run to run is in the plan.
const SNAKEFILE: &str = include_str!("../../workflow/Snakefile");
/// Largest number of jobs in an array: one less than Slurm's limit, unless a site has set another limit.
const ARRAY: usize = 1000;
/// Time limit of a job, as a multiple of the time that a unit took in a run of the same definition. The architectures of a run
/// differ in size. The time of another definition limits nothing: its trainings may be shorter.
const TIME_LIMIT: f64 = 10.0;

#[derive(Serialize)]
struct Plan {
    /// This program, and the arguments that all its calls share.
    command: Vec<String>,
    /// Whether outputs stand for objects of a store, which Snakemake does not look into. Snakemake then marks each finished
    /// object by an empty file.
    marks: bool,
    stages: Vec<Stage>,
}

#[derive(Serialize)]
struct Stage {
    /// Name of the rule.
    rule: String,
    threads: usize,
    resources: Resources,
    units: Vec<PlannedUnit>,
}

/// Resources under Snakemake's names, which its executors know. Unknown values are left to the user's profile or the site's
/// default.
#[derive(Clone, Copy, Serialize)]
struct Resources {
    /// Minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mem_mb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu: Option<u64>,
}

#[derive(Serialize)]
struct PlannedUnit {
    /// Stage and index, as `--unit` takes them.
    place: String,
    /// Index of its run among the runs of all root seeds.
    seed: usize,
    output: PathBuf,
}

impl PlannedUnit {
    fn new(place: String, seed: usize, unit: &Unit<'_>, folder: &Path) -> Result<Self> {
        let output = if files::is_object(&unit.output.path) {
            // The path is relative to Snakemake's folder, and belongs to this run alone.
            let mark = mark(&unit.output.path);
            // A mark would otherwise outlive the object that it stands for.
            if !unit.is_done()? {
                files::remove(&folder.join(&mark))?;
            }
            mark
        } else {
            files::absolute(&unit.output.path)?
        };
        refuse_braces(&output)?;
        Ok(Self { place, seed, output })
    }
}

/// Snakemake takes a word in braces for a wildcard, and its paths have no escape for it.
fn refuse_braces(path: &Path) -> Result<()> {
    let has_braces = path.to_string_lossy().contains(['{', '}']);
    ensure!(
        !has_braces,
        "{}: a workflow needs paths without braces, which Snakemake takes for wildcards",
        path.display()
    );
    Ok(())
}

/// The empty file that marks that an object exists.
fn mark(object: &Path) -> PathBuf {
    let path = object.components().skip(1).collect::<PathBuf>();
    Path::new("done").join(path)
}

/// Writes the workflow of a run to a folder: `Snakefile` and its `plan.json`, and `submit.sh` for Slurm.
///
/// # Errors
/// A path that is not Unicode or has braces, a stored run that cannot be listed, or a file that cannot be written.
pub fn export(
    folder: &Path,
    runs: &[Box<dyn Study + '_>],
    command: Vec<OsString>,
    times: &Times,
    options: &RunOptions,
) -> Result<()> {
    refuse_braces(&files::absolute(folder)?)?;
    let mut stages = Vec::new();
    for (stage, kind) in runs[0].stages().into_iter().enumerate() {
        let mut units = Vec::new();
        for (seed, run) in runs.iter().enumerate() {
            for unit in run.units(stage) {
                let place = format!("{stage}:{}", units.len());
                units.push(PlannedUnit::new(place, seed, &unit, folder)?);
            }
        }
        let measured = times.of_unit(kind, &units_of_first_seed(runs, stage))?;
        let seconds = measured.filter(|measured| measured.is_same_definition).map(|measured| measured.seconds);
        stages.push(Stage {
            rule: kind.name().replace(' ', "_"),
            // If a stage has several units per run, they run side by side with one thread each.
            threads: if units.len() > runs.len() && kind != Kind::Time { 1 } else { options.jobs() },
            resources: Resources {
                runtime: seconds.map(|seconds| (TIME_LIMIT * seconds / 60.0).ceil().max(1.0) as u64),
                mem_mb: times.peak_memory().map(|bytes| bytes.div_ceil(1 << 20)),
                gpu: (options.device != Device::Cpu).then_some(1),
            },
            units,
        });
    }
    let words = command.into_iter().map(OsString::into_string);
    let Ok(command) = words.collect::<Result<Vec<String>, _>>() else {
        bail!("a workflow needs paths that are Unicode");
    };
    let marks = files::is_object(&options.results);
    let plan = Plan { command, marks, stages };
    let json = serde_json::to_string_pretty(&plan).context("a workflow needs paths that are Unicode")?;
    files::create_folder(folder)?;
    write_atomically(&folder.join("plan.json"), json.as_bytes())?;
    write_atomically(&folder.join("Snakefile"), SNAKEFILE.as_bytes())?;
    write_atomically(&folder.join("submit.sh"), plan.slurm_script().as_bytes())?;
    Ok(())
}

impl Plan {
    /// The script that submits arrays of jobs, each stage after the one before, and waits for the job that writes the tables.
    fn slurm_script(&self) -> String {
        let command = self.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let mut script = "#!/bin/sh\n\
            # Submits the units of a run to Slurm, one array of jobs for each kind of unit, and waits for the job that writes the tables.\n\
            # After a failure, run this script again: finished units end at once. Every sbatch call gets the arguments of this script.\n\
            set -eu\n\
            cd \"$(dirname \"$0\")\"\n\
            rm -f tables-written\n\
            after=\n\
            submit() {\n    \
                sbatch --parsable --output='%x-%j.log' ${after:+--kill-on-invalid-dep=yes --dependency=afterok:$after} \"$@\"\n\
            }\n"
            .to_owned();
        for (number, stage) in self.stages.iter().enumerate() {
            let Resources { runtime, mem_mb, gpu } = stage.resources;
            let mut options = format!("--job-name={} --cpus-per-task={}", stage.rule, stage.threads);
            let known = [("time", runtime), ("mem", mem_mb), ("gpus", gpu)];
            for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                options.push_str(&format!(" --{name}={value}"));
            }
            script.push_str("jobs=\n");
            for first in (0..stage.units.len()).step_by(ARRAY) {
                let last = (stage.units.len() - first).min(ARRAY) - 1;
                let unit = format!("{number}:$(({first} + SLURM_ARRAY_TASK_ID))");
                let wrapped = format!("env RAYON_NUM_THREADS={} {command} --unit {unit}", stage.threads);
                script.push_str(&format!(
                    "jobs=$jobs${{jobs:+:}}$(submit {options} --array=0-{last} \"$@\" --wrap={})\n",
                    quoted(&wrapped)
                ));
            }
            if !stage.units.is_empty() {
                script.push_str("after=$jobs\n");
            }
        }
        // sbatch reports success for a job that never ran because another job has failed.
        let wrapped = format!("{command} --tables && touch tables-written");
        script.push_str(&format!(
            "submit --wait --job-name=tables \"$@\" --wrap={}\n\
             [ -e tables-written ] || {{ echo 'error: a job failed; its log is beside this script' >&2; exit 1; }}\n",
            quoted(&wrapped)
        ));
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_named_after_the_whole_path_of_its_object() {
        let object = Path::new("s3://bucket/results/fig4/smoke/cpu/a1/d2/seed-0/units/truth.parquet");
        let expected = "done/bucket/results/fig4/smoke/cpu/a1/d2/seed-0/units/truth.parquet";
        assert_eq!(mark(object), Path::new(expected));
    }

    #[test]
    fn arrays_have_no_more_jobs_than_slurm_takes() {
        let unit = |index| PlannedUnit { place: format!("0:{index}"), seed: 0, output: PathBuf::new() };
        let plan = Plan {
            command: vec!["program".to_owned()],
            marks: false,
            stages: vec![Stage {
                rule: "rule".to_owned(),
                threads: 3,
                resources: Resources { runtime: Some(7), mem_mb: None, gpu: None },
                units: (0..2 * ARRAY + 1).map(unit).collect(),
            }],
        };
        let script = plan.slurm_script();
        let arrays: Vec<&str> = script.lines().filter(|line| line.contains("--array")).collect();
        assert_eq!(arrays.len(), 3);
        assert!(arrays[0].contains("--cpus-per-task=3 --time=7 --array=0-999 "));
        assert!(arrays[2].contains("--array=0-0 ") && arrays[2].contains("0:$((2000 + SLURM_ARRAY_TASK_ID))"));
    }
}
