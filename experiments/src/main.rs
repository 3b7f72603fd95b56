//! Command line of the experiments: `list` and `run`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use experiments::device::Device;
use experiments::engine::stop::{self, Stopped};
use experiments::on_device::{self, Task};
use experiments::provenance;
use experiments::run::options::RunOptions;
use experiments::run::part::{Part, PartialWork};
use experiments::settings::definition::{self, Scale};
use experiments::settings::studies::Recipe;
use mimalloc::MiMalloc;
use results::Pool;
use results::store::benchmark::{self, Added, Benchmark};
use results::store::find_runs_below;

/// Keeps the memory that a step frees for the next step. The system's allocator gives buffers of megabytes back at once. The
/// kernel then clears their pages again in the next step.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
#[command(about = "Runs the experiments of the SMASH paper", version = provenance::version())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the artefacts that can be run.
    List,
    /// Runs an artefact, or continues an interrupted run of it.
    Run(Box<RunArguments>),
    /// Compares a pair of golden files with the values that a device computes.
    Golden {
        /// File of the tensors.
        safetensors: PathBuf,
        /// File of the other values.
        json: PathBuf,
        /// Device to compute on: cpu, cuda or cuda:INDEX.
        #[arg(long, default_value = "cpu")]
        device: Device,
    },
    /// Writes all trainings of a pool to one Parquet file, or adds the trainings of such a file.
    #[command(subcommand)]
    Pool(PoolCommand),
    /// Adds the trainings of stored runs to a benchmark, or writes a benchmark as CSV.
    #[command(subcommand)]
    Benchmark(BenchmarkCommand),
    /// Times the steps of a network on request; our side of `cargo xtask bench --peer`.
    Peer {
        /// File of architectures; the first one is timed.
        architectures: PathBuf,
        /// Folder for the files that the other side needs.
        folder: PathBuf,
        /// Device to compute on: cpu, cuda or cuda:INDEX.
        #[arg(long, default_value = "cpu")]
        device: Device,
    },
}

#[derive(Subcommand)]
enum PoolCommand {
    /// Write all trainings to a file.
    Export(PoolFiles),
    /// Add the trainings of a file.
    Import(PoolFiles),
}

#[derive(Subcommand)]
enum BenchmarkCommand {
    /// Add the trainings that runs of the artefact `benchmark` have finished, whether or not the runs are complete.
    Add {
        /// Folder of the benchmark; it need not exist yet.
        folder: PathBuf,
        /// Folder that holds stored runs at any level, or s3://BUCKET/PREFIX; repeat the option for several.
        #[arg(long, value_name = "DIR", default_value = results::store::DEFAULT_ROOT)]
        results: Vec<PathBuf>,
    },
    /// Write the tables of a benchmark as CSV.
    Export {
        /// Folder of the benchmark.
        folder: PathBuf,
        /// Folder for `trainings.csv`, `curves.csv` and `seconds.csv`.
        to: PathBuf,
    },
}

#[derive(clap::Args)]
struct PoolFiles {
    /// The Parquet file.
    file: PathBuf,
    /// Folder of the pool.
    #[arg(long, value_name = "DIR")]
    pool: PathBuf,
}

#[derive(clap::Args)]
struct RunArguments {
    /// Name of the artefact, such as fig4.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    artefact: Option<String>,
    /// Run every artefact.
    #[arg(long)]
    all: bool,
    /// Scale of the run: smoke, laptop, gpu or paper.
    #[arg(long, default_value = "laptop")]
    scale: Scale,
    /// Data set to use instead of the definition's.
    #[arg(long)]
    dataset: Option<String>,
    /// Data set to search architectures on, if the definition searches on another data set than it trains on.
    #[arg(long)]
    source: Option<String>,
    /// Folder that holds data sets in their official formats.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Set a value of the definition, in TOML, such as study.data.train=100; repeat the option for several.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of a benchmark, or s3://BUCKET/PREFIX: a correlation study uses its true errors instead of training.
    #[arg(long, value_name = "DIR")]
    benchmark: Option<PathBuf>,
    /// Folder of a pool, or s3://BUCKET/PREFIX: the run reuses its trained networks and adds new ones.
    #[arg(long, value_name = "DIR")]
    pool: Option<PathBuf>,
    /// Recipe to train resulting networks by, instead of the definition's.
    #[arg(long)]
    recipe: Option<Recipe>,
    /// Train resulting networks with bfloat16 products, on a GPU.
    #[arg(long)]
    bfloat16: bool,
    /// Number of seeds to run, starting with seed 0.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Number of units to run at the same time [default: number of cores].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// Device to compute on: cpu, cuda or cuda:INDEX.
    #[arg(long, default_value = "cpu")]
    device: Device,
    /// Folder of the stored runs, or s3://BUCKET/PREFIX.
    #[arg(long, default_value = results::store::DEFAULT_ROOT)]
    results: PathBuf,
    /// Print the units of work and which of them are done, and run nothing.
    #[arg(long)]
    plan: bool,
    /// With --plan: pick the numbers of architectures and root seeds that give Kendall's tau the narrowest confidence interval in
    /// this time, such as 30m.
    #[arg(long, value_name = "TIME", requires = "plan", value_parser = experiments::run::plan::parse_duration)]
    budget: Option<f64>,
    /// Write the units of work to a folder as a workflow for Snakemake and Slurm, and run nothing.
    #[arg(long, value_name = "DIR", requires = "artefact", conflicts_with = "plan")]
    export_workflow: Option<PathBuf>,
    /// Do a part of a run that another process has started, given the version of the run. Without --unit and --tables, do the
    /// units that standard input asks for.
    #[arg(long, hide = true, value_name = "COMMIT,DIRTY,DEFINITION", requires = "artefact")]
    part_of: Option<String>,
    /// Do the part even if this program was built from another commit than the run was started with.
    #[arg(long, hide = true, requires = "part_of")]
    any_commit: bool,
    /// Run one unit, given by its stage and its index in that stage.
    #[arg(long, hide = true, value_name = "STAGE:INDEX", requires = "part_of", value_parser = parse_place)]
    unit: Option<(usize, usize)>,
    /// Write the tables of a run whose units are all done.
    #[arg(long, hide = true, requires = "part_of", conflicts_with = "unit")]
    tables: bool,
}

fn parse_place(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once(':');
    let numbers = numbers.and_then(|(stage, index)| Some((stage.parse().ok()?, index.parse().ok()?)));
    numbers.ok_or_else(|| format!("expected STAGE:INDEX, found `{text}`"))
}

fn main() -> ExitCode {
    match execute(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if stop::is_asked() => {
            eprintln!("{Stopped}");
            stop::exit_code()
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<()> {
    match command {
        Command::List => {
            for name in definition::names() {
                let definition = definition::load(name, Scale::Paper, &[])?;
                println!("{name:<22}{}  (paper, {})", definition.title, definition.paper);
            }
            Ok(())
        }
        Command::Golden {
            safetensors,
            json,
            device,
        } => on_device::run(&Task::Golden(&safetensors, &json), device),
        Command::Pool(PoolCommand::Export(PoolFiles { file, pool })) => {
            let count = Pool::new(&pool).export(&file)?;
            println!("{count} trainings written to {}", file.display());
            Ok(())
        }
        Command::Pool(PoolCommand::Import(PoolFiles { file, pool })) => {
            let count = Pool::new(&pool).import(&file)?;
            println!("{count} new trainings added to {}", pool.display());
            Ok(())
        }
        Command::Benchmark(BenchmarkCommand::Add { folder, results }) => {
            let mut runs = Vec::new();
            for root in &results {
                let found = find_runs_below(root)?.into_iter();
                let of_benchmark: Vec<_> = found.filter(|run| run.manifest.artefact == "benchmark").collect();
                ensure!(
                    !of_benchmark.is_empty(),
                    "{}: no run of the artefact `benchmark` is stored there",
                    root.display()
                );
                runs.extend(of_benchmark);
            }
            let Added {
                new,
                known,
                kept,
                total,
            } = benchmark::add(&folder, &runs)?;
            let place = folder.display();
            println!(
                "{new} new trainings added to {place}, which has {total} now; {known} were there, {kept} of another origin"
            );
            if let Some(benchmark) = Benchmark::read(&folder)? {
                println!("{}", benchmark.summary()?);
            }
            Ok(())
        }
        Command::Benchmark(BenchmarkCommand::Export { folder, to }) => {
            let benchmark = Benchmark::read(&folder)?;
            let benchmark = benchmark.with_context(|| format!("{}: no benchmark.toml there", folder.display()))?;
            benchmark::export(&benchmark, &to)?;
            println!("{} trainings written to {}", benchmark.trainings.len(), to.display());
            Ok(())
        }
        Command::Peer {
            architectures,
            folder,
            device,
        } => on_device::run(&Task::Peer(&architectures, &folder), device),
        Command::Run(arguments) => {
            let names = match &arguments.artefact {
                Some(name) => vec![name.as_str()],
                None => definition::names().collect(),
            };
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let options = RunOptions {
                scale: arguments.scale,
                dataset: arguments.dataset.clone(),
                source: arguments.source.clone(),
                data_dir: arguments
                    .data_dir
                    .clone()
                    .or_else(|| std::env::var_os("SMASH_DATA_DIR").map(PathBuf::from)),
                set: arguments.set.clone(),
                benchmark: arguments.benchmark.clone(),
                pool: arguments.pool.clone(),
                recipe: arguments.recipe,
                bfloat16: arguments.bfloat16,
                seeds: arguments.seeds,
                jobs: arguments.jobs.map_or(cores, |jobs| jobs as usize),
                device: arguments.device,
                results: arguments.results.clone(),
                plan_only: arguments.plan,
                budget: arguments.budget,
                export_workflow: arguments.export_workflow.clone(),
                part: arguments.part_of.clone().map(|version| Part {
                    version,
                    any_commit: arguments.any_commit,
                    work: match arguments.unit {
                        Some((stage, index)) => PartialWork::Unit(stage, index),
                        None if arguments.tables => PartialWork::Tables,
                        None => PartialWork::Serve,
                    },
                }),
            };
            // A CPU gains nothing from bfloat16, so the option can only be a mistake there.
            ensure!(
                !options.bfloat16 || options.device != Device::Cpu,
                "--bfloat16 is for --device cuda"
            );
            stop::listen()?;
            let run = |name| on_device::run(&Task::Run(name, &options), options.device);
            names.into_iter().try_for_each(run)
        }
    }
}
