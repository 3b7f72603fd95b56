//! Command line of the experiments: runs, lists, benchmarks, pools, architectures and measurements.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use experiments::commands::architecture::{self, Command as Architecture};
use experiments::commands::{data_dir, images, variable};
use experiments::device::Device;
use experiments::engine::program::Program;
use experiments::engine::stop::{self, Stopped};
use experiments::on_device::{self, Task};
use experiments::provenance;
use experiments::run;
use experiments::run::options::RunOptions;
use experiments::settings::definition::Scale;
use experiments::settings::library::{self, Library};
use experiments::tasks::stored_rows;
use mimalloc::MiMalloc;
use results::Pool;
use results::store::benchmark::adding::{Added, add};
use results::store::benchmark::{self, Settings};
use results::store::find_runs_below;
use results::{errln, outln, terminal, threads};

/// The label of the sources of this program.
const LABEL: &str = env!("SMASH_LABEL");

/// The reason why git named no commit of the sources; empty if it named one.
const NO_COMMIT: &str = env!("SMASH_NO_COMMIT");

/// Text of `--version`, after the name.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let number = env!("CARGO_PKG_VERSION");
        format!("{number} (commit {LABEL}, features: {})", provenance::FEATURES)
    });
    &VERSION
}

/// Keeps the memory that a step frees for the next step. The system's allocator gives buffers of megabytes back at once. The
/// kernel then clears their pages again in the next step.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
#[command(about = "Runs the experiments of the SMASH paper", name = "experiments", version = version())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the artefacts that can be run.
    List {
        /// Folder of definitions, NAME.toml, beside the built-in ones [default: SMASH_DEFINITIONS].
        #[arg(long, value_name = "DIR")]
        definitions: Option<PathBuf>,
    },
    /// Runs an artefact, or continues an interrupted run of it.
    Run(Box<RunOptions>),
    /// Compares a pair of golden files with the values that a device computes.
    Golden {
        /// File of the tensors.
        safetensors: PathBuf,
        /// File of the other values.
        json: PathBuf,
        /// Device to compute on: cpu, cuda, cuda:INDEX or wgpu.
        #[arg(long, default_value = "cpu")]
        device: Device,
    },
    /// Compares the kernels of a device with those of the CPU, over all shapes of the search space.
    Kernels {
        /// Device to compute on: cpu, cuda, cuda:INDEX or wgpu.
        #[arg(long, default_value = "cpu")]
        device: Device,
    },
    /// Validates, counts, scores, trains or builds architectures.
    #[command(subcommand)]
    Architecture(Box<Architecture>),
    /// Writes the images of an artefact to an `.npz` file, for other programs.
    Images(Box<images::Images>),
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
        /// Device to compute on: cpu, cuda, cuda:INDEX or wgpu.
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
    /// Add the trainings that runs of a benchmark study have finished, whether or not the runs are complete.
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

fn main() -> ExitCode {
    let outcome = execute(Arguments::parse().command);
    match outcome.and_then(|()| Ok(terminal::check()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if stop::is_asked() => {
            if !error.is::<Stopped>() {
                errln!("error: {error:#}");
            }
            errln!("{Stopped}");
            stop::exit_code()
        }
        Err(error) => {
            errln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<()> {
    threads::bound(!matches!(&command, Command::Run(options) if options.part.is_some()))?;
    match command {
        Command::List { definitions } => {
            let folder = definitions.or_else(|| variable("SMASH_DEFINITIONS"));
            let library = Library { folder: folder.as_deref() };
            let names = library.names()?;
            // A fault in one definition leaves no half of a list.
            names.iter().try_for_each(|name| library.load_at_all_scales(name))?;
            for name in names {
                let definition = library.load(&name, Scale::Paper, &[])?;
                outln!("{name:<22}{}  (paper, {})", definition.title, definition.paper);
            }
            Ok(())
        }
        Command::Golden { safetensors, json, device } => on_device::run(&Task::Golden(&safetensors, &json), device),
        Command::Kernels { device } => on_device::run(&Task::Kernels, device),
        Command::Architecture(command) => match &*command {
            Architecture::Validate(options) => architecture::validate(options),
            Architecture::Canonical(options) => architecture::canonical(options),
            Architecture::Build(options) => architecture::build(options),
            Architecture::Score(options) => on_device::run(&Task::Score(options), options.machine.device),
            Architecture::Train(options) => {
                stop::listen()?;
                on_device::run(&Task::Train(options, LABEL), options.machine.device)
            }
        },
        Command::Images(options) => images::write(&options),
        Command::Pool(PoolCommand::Export(PoolFiles { file, pool })) => {
            let count = Pool::new(&pool).export(&file)?;
            outln!("{count} trainings written to {}", file.display());
            Ok(())
        }
        Command::Pool(PoolCommand::Import(PoolFiles { file, pool })) => {
            let count = experiments::tasks::pool::import(&Pool::new(&pool), &file)?;
            outln!("{count} new trainings added to {}", pool.display());
            Ok(())
        }
        Command::Benchmark(BenchmarkCommand::Add { folder, results }) => {
            let mut runs = Vec::new();
            for root in &results {
                let found = find_runs_below(root)?.all()?.into_iter();
                let of_benchmark: Vec<_> = found.filter(|run| Settings::of(run).is_some()).collect();
                ensure!(
                    !of_benchmark.is_empty(),
                    "{}: no run of a study of kind `benchmark` is stored there",
                    root.display()
                );
                runs.extend(of_benchmark);
            }
            let Added { new, known, kept, total, undigested } = add(&folder, &runs, stored_rows::problem)?;
            let place = folder.display();
            if undigested > 0 {
                errln!(
                    "warning: {undigested} trainings of unfinished runs have no digest beside them, so nobody would see changed \
                     rows; an older program wrote them, or somebody removed the digests"
                );
            }
            outln!(
                "{new} new trainings added to {place}, which now has {total}; it already had {known} of the run, and {kept} from \
                 another commit or class of processor"
            );
            if let Some(benchmark) = stored_rows::read_benchmark(&folder)? {
                outln!("{}", benchmark.summary()?);
            }
            Ok(())
        }
        Command::Benchmark(BenchmarkCommand::Export { folder, to }) => {
            let benchmark = stored_rows::read_benchmark(&folder)?;
            let benchmark = benchmark.with_context(|| format!("{}: no benchmark.toml there", folder.display()))?;
            stored_rows::warn_if_unlisted(&folder)?;
            benchmark::export(&benchmark, &to)?;
            outln!("{} trainings written to {}", benchmark.trainings.len(), to.display());
            Ok(())
        }
        Command::Peer { architectures, folder, device } => on_device::run(&Task::Peer(&architectures, &folder), device),
        Command::Run(mut options) => {
            options.data_dir = data_dir(options.data_dir.take());
            match options.definition.take() {
                Some(file) => {
                    let (folder, name) = library::folder_and_name(&file)?;
                    (options.definitions, options.artefact) = (Some(folder), Some(name));
                }
                None => options.definitions = options.definitions.take().or_else(|| variable("SMASH_DEFINITIONS")),
            }
            ensure!(!options.bfloat16 || options.device.has_bfloat16(), "--bfloat16 is for --device cuda");
            // The starter of a part has already shown the warning.
            if !NO_COMMIT.is_empty() && options.part.is_none() {
                errln!(
                    "warning: git names no commit for this program, so its results are stored under {LABEL}: {NO_COMMIT}"
                );
            }
            stop::listen()?;
            let names = match &options.artefact {
                Some(name) => vec![name.clone()],
                None => options.library().names()?,
            };
            // A fault in one definition is found before the work on another, and so is a flag that one artefact has no use for.
            if options.part.is_none() {
                names.iter().try_for_each(|name| options.library().load_at_all_scales(name))?;
                names.iter().try_for_each(|name| run::check(name, &options))?;
            }
            let program = Program::running(LABEL)?;
            let on_device = |name: &String| on_device::run(&Task::Run(name, &options, &program), options.device);
            names.iter().try_for_each(on_device)
        }
    }
}
