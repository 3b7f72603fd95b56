//! The options of `experiments run`: declared here once, parsed by clap, and turned into arguments again for other processes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::builder::RangedU64ValueParser;
use results::threads::cores;

use crate::device::Device;
use crate::engine::program::Program;
use crate::run::part::{Part, PartialWork, Version};
use crate::settings::definition::Scale;
use crate::settings::library::Library;
use crate::settings::studies::Recipe;

/// The options of a run.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct RunOptions {
    /// Name of the artefact, such as fig4.
    #[arg(required_unless_present_any = ["all", "definition"], conflicts_with_all = ["all", "definition"])]
    pub artefact: Option<String>,
    /// Run every artefact.
    #[arg(long, conflicts_with = "definition")]
    pub all: bool,
    /// File of a definition, NAME.toml: runs the artefact NAME of the file's folder.
    #[arg(long, value_name = "FILE", conflicts_with = "definitions")]
    pub definition: Option<PathBuf>,
    /// Folder of definitions, NAME.toml, beside the built-in ones [default: SMASH_DEFINITIONS].
    #[arg(long, value_name = "DIR")]
    pub definitions: Option<PathBuf>,
    /// Scale of the run: smoke, laptop, gpu or paper.
    #[arg(long, default_value = "laptop")]
    pub scale: Scale,
    /// Data set to use instead of the definition's: a name, or folder:DIR or npz:FILE for images of your own.
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Data set to search architectures on, if the definition searches on another data set than it trains on.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Folder that holds data sets in their official formats [default: SMASH_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Set a value of the definition, in TOML, such as study.data.train=100; repeat the option for several.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of a benchmark, or s3://BUCKET/PREFIX: a correlation study uses its true errors instead of training.
    #[arg(long, value_name = "DIR")]
    pub benchmark: Option<PathBuf>,
    /// Folder of the benchmarks that definitions name.
    #[arg(long, value_name = "DIR", default_value = "results/benchmarks")]
    pub benchmarks: PathBuf,
    /// Train the architectures here, although the definition names a benchmark.
    #[arg(long)]
    pub fresh: bool,
    /// Leave out the further SMASH networks and the predictors of a correlation study: its own scores and true errors stay.
    #[arg(long)]
    pub only_scores: bool,
    /// Folder of a pool, or s3://BUCKET/PREFIX: the run takes true errors and SMASH networks from it, and adds its own.
    #[arg(long, value_name = "DIR")]
    pub pool: Option<PathBuf>,
    /// Write each network that the run trains as safetensors to `networks` in the folder of its root seed.
    #[arg(long)]
    pub keep_networks: bool,
    /// Recipe to train resulting networks by, instead of the definition's.
    #[arg(long)]
    pub recipe: Option<Recipe>,
    /// Train resulting networks with bfloat16 products, on a GPU.
    #[arg(long)]
    pub bfloat16: bool,
    /// Number of seeds to run, up to 500, starting with seed 0.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MAX_SEEDS))]
    pub seeds: u64,
    /// Number of units to run at the same time [default: number of cores; 1 on a GPU].
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_JOBS as u64))]
    pub jobs: Option<usize>,
    /// Device to compute on: cpu, cuda, cuda:INDEX or wgpu.
    #[arg(long, default_value = "cpu")]
    pub device: Device,
    /// Folder of the stored runs, or s3://BUCKET/PREFIX.
    #[arg(long, value_name = "DIR", default_value = results::store::DEFAULT_ROOT)]
    pub results: PathBuf,
    /// Print the units of work and which of them are done, and run nothing.
    #[arg(long = "plan", id = "plan")]
    pub plan_only: bool,
    /// With --plan: pick the numbers of architectures and root seeds that give Kendall's tau the narrowest confidence interval in
    /// this time, such as 30m.
    #[arg(long, value_name = "TIME", requires = "plan", value_parser = parse_duration)]
    pub budget: Option<f64>,
    /// With --plan: print JSON, one line for each artefact.
    #[arg(long, requires = "plan")]
    pub json: bool,
    /// Write the units of work to a folder as a workflow for Snakemake and Slurm, and run nothing.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all", "plan"])]
    pub export_workflow: Option<PathBuf>,
    /// The part to do, if another process has started the run.
    #[command(flatten)]
    pub part: Option<Part>,
}

/// Largest number of units that run at the same time.
const MAX_JOBS: usize = 1024;

/// Largest number of root seeds: a run locks the folder of each, and a process may hold about a thousand files.
const MAX_SEEDS: u64 = 500;

/// Parses a time such as `90s`, `30m` or `2h` into seconds.
fn parse_duration(text: &str) -> Result<f64, String> {
    let seconds = [("s", 1.0), ("m", 60.0), ("h", 3600.0)]
        .into_iter()
        .find_map(|(unit, scale)| Some(scale * text.strip_suffix(unit)?.parse::<f64>().ok()?));
    let valid = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    valid.ok_or_else(|| "expected a time such as 90s, 30m or 2h".to_owned())
}

/// A data set by its name; one's own by its absolute path.
fn absolute_data_set(name: Option<&str>) -> Result<Option<String>> {
    let Some((kind, path)) = name.and_then(datasets::kind_and_path) else {
        return Ok(name.map(str::to_owned));
    };
    let path = results::store::files::absolute(path)?;
    let path = path.to_str().with_context(|| format!("{}: expected a path in UTF-8", path.display()))?;
    Ok(Some(format!("{kind}:{path}")))
}

impl RunOptions {
    /// The definitions that the run can use.
    pub fn library(&self) -> Library<'_> {
        Library { folder: self.definitions.as_deref() }
    }

    /// Number of units to run at the same time. Each process on a GPU has its own context and memory there, so the default
    /// is one.
    pub fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(|| if self.device == Device::Cpu { cores().min(MAX_JOBS) } else { 1 })
    }

    /// Number of threads of a unit when several units run side by side.
    pub fn threads_of_worker(&self) -> usize {
        (cores() / self.jobs()).max(1)
    }

    /// The command that starts a worker of this run.
    pub fn worker_command(&self, program: &Program, artefact: &str, version: &Version) -> Result<Command> {
        let mut command = program.command()?;
        command.args(self.arguments_of_part(artefact, version)?);
        Ok(command)
    }

    /// The words that start a program for a part of this run on any machine.
    pub fn command_of_part(&self, program: &Path, artefact: &str, version: &Version) -> Result<Vec<OsString>> {
        let mut words = vec![program.into()];
        words.extend(self.arguments_of_part(artefact, version)?);
        Ok(words)
    }

    /// The arguments that any part of a run needs.
    fn arguments_of_part(&self, artefact: &str, version: &Version) -> Result<Vec<OsString>> {
        // A part may run in another working folder.
        let absolute = |path: &Option<PathBuf>| path.as_deref().map(results::store::files::absolute).transpose();
        let options = Self {
            artefact: Some(artefact.to_owned()),
            all: false,
            definition: None,
            definitions: absolute(&self.definitions)?,
            dataset: absolute_data_set(self.dataset.as_deref())?,
            source: absolute_data_set(self.source.as_deref())?,
            data_dir: absolute(&self.data_dir)?,
            benchmark: absolute(&self.benchmark)?,
            benchmarks: results::store::files::absolute(&self.benchmarks)?,
            pool: absolute(&self.pool)?,
            results: results::store::files::absolute(&self.results)?,
            export_workflow: None,
            part: Some(Part { version: version.clone(), any_commit: false, work: PartialWork::Serve }),
            ..self.clone()
        };
        let mut arguments = vec!["run".into()];
        arguments.extend(options.to_arguments());
        Ok(arguments)
    }

    /// The arguments that clap parses to these options.
    pub fn to_arguments(&self) -> Vec<OsString> {
        // Without `..`, so that a new option cannot be forgotten here.
        let Self {
            artefact,
            all,
            definition,
            definitions,
            scale,
            dataset,
            source,
            data_dir,
            set,
            benchmark,
            benchmarks,
            fresh,
            only_scores,
            pool,
            keep_networks,
            recipe,
            bfloat16,
            seeds,
            jobs,
            device,
            results,
            plan_only,
            budget,
            json,
            export_workflow,
            part,
        } = self;
        let path = |path: &Option<PathBuf>| path.as_ref().map(OsString::from);
        let mut values: Vec<(&str, Option<OsString>)> = vec![
            ("scale", Some(scale.name().into())),
            ("dataset", dataset.as_ref().map(OsString::from)),
            ("source", source.as_ref().map(OsString::from)),
            ("definition", path(definition)),
            ("definitions", path(definitions)),
            ("data-dir", path(data_dir)),
            ("benchmark", path(benchmark)),
            ("benchmarks", Some(benchmarks.into())),
            ("pool", path(pool)),
            ("recipe", recipe.map(|recipe| recipe.name().into())),
            ("seeds", Some(seeds.to_string().into())),
            ("jobs", jobs.map(|jobs| jobs.to_string().into())),
            ("device", Some(device.to_string().into())),
            ("results", Some(results.into())),
            ("budget", budget.map(|seconds| format!("{seconds}s").into())),
            ("export-workflow", path(export_workflow)),
        ];
        values.extend(set.iter().map(|setting| ("set", Some(setting.into()))));
        let mut switches =
            vec![("all", *all), ("plan", *plan_only), ("json", *json), ("keep-networks", *keep_networks)];
        switches.extend([("fresh", *fresh), ("only-scores", *only_scores), ("bfloat16", *bfloat16)]);
        if let Some(Part { version, any_commit, work }) = part {
            values.push(("part-of", Some(version.to_string().into())));
            switches.push(("any-commit", *any_commit));
            match work {
                PartialWork::Serve => {}
                PartialWork::Unit(stage, index) => values.push(("unit", Some(format!("{stage}:{index}").into()))),
                PartialWork::Tables => switches.push(("tables", true)),
            }
        }
        let mut words: Vec<OsString> = artefact.iter().map(OsString::from).collect();
        for (name, value) in values {
            // With the value in the same word, a value may begin with hyphens.
            words.extend(value.map(|value| [OsString::from(format!("--{name}=")), value].into_iter().collect()));
        }
        let given = switches.into_iter().filter(|&(_, is_given)| is_given);
        words.extend(given.map(|(name, _)| format!("--{name}").into()));
        words
    }

    /// The options that change the definition, except the options for data sets.
    pub fn of_definition(&self) -> Vec<String> {
        let mut words = Vec::new();
        for setting in &self.set {
            words.extend(["--set".into(), setting.clone()]);
        }
        if let Some(recipe) = self.recipe {
            words.extend(["--recipe".into(), recipe.name().into()]);
        }
        let switches = [(self.bfloat16, "--bfloat16"), (self.fresh, "--fresh"), (self.only_scores, "--only-scores")];
        words.extend(switches.into_iter().filter(|(given, _)| *given).map(|(_, name)| name.into()));
        words
    }
}

#[cfg(test)]
mod tests;
