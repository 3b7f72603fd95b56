//! The options of `experiments run`: declared here once, parsed by clap, and turned into arguments again for other processes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::builder::RangedU64ValueParser;

use crate::device::Device;
use crate::engine::program::Program;
use crate::engine::threads::cores;
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
    /// Folder of a pool, or s3://BUCKET/PREFIX: the run reuses its trained networks and adds new ones.
    #[arg(long, value_name = "DIR")]
    pub pool: Option<PathBuf>,
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
            recipe,
            bfloat16,
            seeds,
            jobs,
            device,
            results,
            plan_only,
            budget,
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
        let mut switches = vec![("all", *all), ("plan", *plan_only)];
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
mod tests {
    use clap::Parser;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        options: RunOptions,
    }

    fn parse(words: impl IntoIterator<Item = OsString>) -> Result<RunOptions, String> {
        Cli::try_parse_from(std::iter::once("run".into()).chain(words))
            .map(|cli| cli.options)
            .map_err(|error| error.to_string())
    }

    fn words(line: &str) -> impl Iterator<Item = OsString> {
        line.split_whitespace().map(OsString::from)
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["--[a-z]{1,5}(=[a-z]{1,3})?", ".*"]
    }

    fn path() -> impl Strategy<Value = PathBuf> {
        ".+".prop_map(PathBuf::from)
    }

    fn part() -> impl Strategy<Value = Part> {
        let work = prop_oneof![
            Just(PartialWork::Serve),
            any::<(usize, usize)>().prop_map(|(stage, index)| PartialWork::Unit(stage, index)),
            Just(PartialWork::Tables),
        ];
        ("[0-9a-f]{12}", any::<bool>(), "[0-9a-f]{64}", any::<bool>(), work).prop_map(
            |(commit, dirty, definition, any_commit, work)| Part {
                version: Version { commit, dirty, definition },
                any_commit,
                work,
            },
        )
    }

    /// What is run, and whether it is planned, exported or a part; not every combination is permitted.
    fn selections() -> impl Strategy<Value = RunOptions> {
        let default = parse(words("fig4")).unwrap();
        let all = RunOptions { artefact: None, all: true, ..default.clone() };
        let plan = |budget| RunOptions { plan_only: true, budget, ..default.clone() };
        let plans = [None, Some(90.0), Some(0.1), Some(1e300)].map(plan);
        let (named, of_file) = (default.clone(), RunOptions { artefact: None, ..default.clone() });
        prop_oneof![
            Just(all),
            path().prop_map(move |file| RunOptions { definition: Some(file), ..of_file.clone() }),
            path().prop_map(move |folder| RunOptions { definitions: Some(folder), ..default.clone() }),
            proptest::sample::select(plans.to_vec()),
            (option::of(path()), option::of(part()), "[a-z][a-z0-9-]*").prop_map(move |(folder, part, name)| {
                RunOptions { artefact: Some(name), export_workflow: folder, part, ..named.clone() }
            }),
        ]
    }

    fn options() -> impl Strategy<Value = RunOptions> {
        let names = (option::of(text()), option::of(text()), prop::collection::vec(text(), 0..3));
        let paths = (option::of(path()), option::of(path()), option::of(path()), path(), path());
        let recipe = option::of(prop_oneof![Just(Recipe::Paper), Just(Recipe::Fast)]);
        let device = prop_oneof![Just(Device::Cpu), any::<usize>().prop_map(Device::Cuda), Just(Device::Wgpu)];
        let scale = proptest::sample::select(Scale::ALL.to_vec());
        let numbers = (1..=MAX_SEEDS, option::of(1..=MAX_JOBS), any::<[bool; 3]>());
        (selections(), names, paths, recipe, device, scale, numbers).prop_map(
            |(
                selection,
                (dataset, source, set),
                (data_dir, benchmark, pool, results, benchmarks),
                recipe,
                device,
                scale,
                (seeds, jobs, [bfloat16, fresh, only_scores]),
            )| RunOptions {
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
                recipe,
                bfloat16,
                seeds,
                jobs,
                device,
                results,
                ..selection
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn options_are_parsed_from_their_own_arguments(options in options()) {
            prop_assert_eq!(parse(options.to_arguments()), Ok(options));
        }
    }

    #[test]
    fn a_part_runs_anywhere_with_the_options_of_its_run() {
        let version: Version = "a1,true,d2".parse().unwrap();
        let line = "--all --definitions d --scale smoke --pool p --results r --set a.b=1 --jobs 3 --dataset folder:d --source cifar10";
        let run = parse(words(line)).unwrap();
        let command = run.command_of_part(Path::new("program"), "fig4", &version).unwrap();
        let worker = run.worker_command(&Program::running("a1").unwrap(), "fig4", &version).unwrap();
        assert_eq!(command[0], "program");
        assert_eq!(worker.get_args().collect::<Vec<_>>(), command[1..].iter().collect::<Vec<_>>());
        assert_eq!(command[1], "run");
        let part = parse(command[2..].to_vec()).unwrap();
        assert!(part.results.is_absolute() && part.results.ends_with("r"), "{part:?}");
        assert!(part.benchmarks.is_absolute(), "{part:?}");
        assert!(part.definitions.as_ref().is_some_and(|folder| folder.is_absolute()), "{part:?}");
        assert!(part.pool.as_ref().is_some_and(|pool| pool.is_absolute()), "{part:?}");
        let place = part.dataset.as_deref().and_then(|name| name.strip_prefix("folder:"));
        assert!(place.is_some_and(|place| place.starts_with('/') && place.ends_with("/d")), "{part:?}");
        let expected = RunOptions {
            artefact: Some("fig4".to_owned()),
            all: false,
            definitions: part.definitions.clone(),
            dataset: part.dataset.clone(),
            benchmarks: part.benchmarks.clone(),
            pool: part.pool.clone(),
            results: part.results.clone(),
            part: Some(Part { version, any_commit: false, work: PartialWork::Serve }),
            ..run
        };
        assert_eq!(part, expected);
    }

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(parse_duration("90s"), Ok(90.0));
        assert_eq!(parse_duration("1.5m"), Ok(90.0));
        assert_eq!(parse_duration("2h"), Ok(7200.0));
        for faulty in ["", "30", "m", "-1m", "0h", "infm", "3 d", "5µ"] {
            assert!(parse_duration(faulty).unwrap_err().contains("30m"), "{faulty}");
        }
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        for (line, expected) in [
            ("", "<ARTEFACT>"),
            ("fig4 --all", "cannot be used with"),
            ("fig4 --definition a.toml", "cannot be used with"),
            ("--all --definition a.toml", "cannot be used with"),
            ("--definition a.toml --definitions d", "cannot be used with"),
            ("fig4 --no-such-flag", "--no-such-flag"),
            ("fig4 --scale huge", "expected smoke, laptop, gpu or paper"),
            ("fig4 --recipe slow", "paper, fast"),
            ("fig4 --seeds 0", "0 is not in 1.."),
            ("fig4 --seeds 501", "501 is not in 1..=500"),
            ("fig4 --seeds 18446744073709551615", "is not in 1..=500"),
            ("fig4 --jobs 0", "0 is not in 1.."),
            ("fig4 --jobs 1025", "1025 is not in 1..=1024"),
            ("fig4 --plan --export-workflow d", "cannot be used with"),
            ("--all --export-workflow d", "cannot be used with"),
            ("--all --part-of a1,true,d2", "cannot be used with"),
            ("fig4 --budget 1h", "--plan"),
            ("fig4 --device gpu", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("fig4 --device cuda:", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("fig4 --device cpu:0", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("fig4 --part-of a1", "expected COMMIT,DIRTY,DEFINITION"),
            ("fig4 --unit 0:1", "--part-of"),
            ("fig4 --tables", "--part-of"),
            ("fig4 --part-of a1,true,d2 --unit 3", "expected STAGE:INDEX"),
            ("fig4 --part-of a1,true,d2 --unit 0:1 --tables", "cannot be used with"),
        ] {
            let error = parse(words(line)).err().unwrap_or_else(|| panic!("`{line}` was accepted"));
            assert!(error.contains(expected), "`{line}` gave: {error}");
        }
    }
}
