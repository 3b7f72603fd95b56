//! `cargo xtask reproduce`: runs the units of an artefact, then draws its figure.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{self, Binaries, Cuda};

/// What to reproduce, and which of the definition's settings to override.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Part of the paper's budget to spend [default: laptop, or gpu with --device cuda]
    #[arg(long, value_parser = ["smoke", "laptop", "gpu", "paper"])]
    scale: Option<String>,
    /// Data set to use instead of the definition's.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Data set to search architectures on, if the definition searches on another data set than it trains on.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Folder with the files of the data sets.
    #[arg(long, value_name = "DIR")]
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
    /// Recipe to train resulting networks by instead of the definition's: `fast` is shorter than the paper's.
    #[arg(long, value_parser = ["paper", "fast"])]
    recipe: Option<String>,
    /// Train resulting networks with bfloat16 products, on a GPU.
    #[arg(long)]
    bfloat16: bool,
    /// Number of seeds to run instead of the definition's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
    /// Number of units to run at a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Device to compute on: `cpu`, `cuda` or `cuda:<index>`.
    #[arg(long, default_value = "cpu", value_parser = process::parse_device)]
    device: String,
    /// Folder of the results, or s3://BUCKET/PREFIX [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Only list the units of work and whether they are done.
    #[arg(long)]
    plan: bool,
    /// Print the numbers of architectures and root seeds that give Kendall's tau the narrowest confidence interval in this time,
    /// such as 30m; run nothing.
    #[arg(long, value_name = "TIME")]
    budget: Option<String>,
    /// Draw the figure as PNG too.
    #[arg(long)]
    png: bool,
    /// Engine that runs the units: this program on this machine, Snakemake, or Slurm; arguments after `--` are for the latter two
    #[arg(long, default_value = "local", value_parser = ["local", "snakemake", "slurm"], conflicts_with_all = ["all", "plan", "budget"])]
    engine: String,
    /// Write the units to a folder as a workflow for Snakemake and Slurm, and run nothing.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all", "plan", "budget", "engine"])]
    export_workflow: Option<PathBuf>,
    /// Arguments for snakemake, such as `--executor slurm --jobs 100` [default: --cores all], or for each sbatch
    #[arg(last = true, value_name = "ENGINE ARGUMENTS")]
    engine_arguments: Vec<OsString>,
}

/// The artefacts; exactly one of the two is given.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Selection {
    /// Name of the artefact, as `cargo xtask list` prints it.
    artefact: Option<String>,
    /// Reproduce every artefact.
    #[arg(long)]
    all: bool,
}

/// Runs `experiments run`, then `reports figure` on the same results.
pub fn run(args: &Args) -> Result<()> {
    ensure!(
        args.engine != "local" || args.engine_arguments.is_empty(),
        "arguments after `--` are for --engine snakemake and --engine slurm"
    );
    let binaries = Binaries::build(cuda(args))?;
    let mut experiments = binaries.experiments();
    experiments.args(run_arguments(args));
    if let Some(folder) = &args.export_workflow {
        return process::run(experiments.arg("--export-workflow").arg(folder));
    }
    match &args.selection.artefact {
        Some(artefact) if args.engine != "local" => {
            let folder = process::beside(&results(args)).join("workflows").join(artefact);
            process::run(experiments.arg("--export-workflow").arg(&folder))?;
            process::run_to_be_stopped(&mut engine(&folder, args))
                .context("is Snakemake installed? `pip install snakemake` does that")?;
        }
        _ => process::run_to_be_stopped(&mut experiments)?,
    }
    if !is_plan(args) {
        process::run(binaries.reports().args(figure_arguments(args)))?;
    }
    Ok(())
}

/// The command that runs the units of a workflow.
fn engine(folder: &Path, args: &Args) -> Command {
    if args.engine == "slurm" {
        let mut command = Command::new("sh");
        command.arg(folder.join("submit.sh")).args(&args.engine_arguments);
        return command;
    }
    let mut command = Command::new("snakemake");
    command.arg("--snakefile").arg(folder.join("Snakefile"));
    // Snakemake keeps its notes in this folder.
    command.arg("--directory").arg(folder);
    // Outputs are whole or missing, and an interrupted unit resumes from its checkpoint.
    command.arg("--rerun-incomplete");
    if args.engine_arguments.is_empty() {
        command.args(["--cores", "all"]);
    }
    command.args(&args.engine_arguments);
    command
}

/// Whether to print a plan and run nothing; a budget only asks for advice.
fn is_plan(args: &Args) -> bool {
    args.plan || args.budget.is_some()
}

fn cuda(args: &Args) -> Cuda {
    if args.device == "cpu" {
        Cuda::Without
    } else {
        Cuda::With
    }
}

fn run_arguments(args: &Args) -> Vec<OsString> {
    let mut arguments = vec!["run".into()];
    push_selection(&mut arguments, args);
    arguments.extend(["--device".into(), args.device.clone().into()]);
    if let Some(dataset) = &args.dataset {
        arguments.extend(["--dataset".into(), dataset.into()]);
    }
    if let Some(source) = &args.source {
        arguments.extend(["--source".into(), source.into()]);
    }
    if let Some(folder) = &args.data_dir {
        arguments.extend(["--data-dir".into(), folder.into()]);
    }
    for setting in &args.set {
        arguments.extend(["--set".into(), setting.into()]);
    }
    if let Some(folder) = &args.benchmark {
        arguments.extend(["--benchmark".into(), folder.into()]);
    }
    if let Some(folder) = &args.pool {
        arguments.extend(["--pool".into(), folder.into()]);
    }
    if let Some(recipe) = &args.recipe {
        arguments.extend(["--recipe".into(), recipe.into()]);
    }
    if args.bfloat16 {
        arguments.push("--bfloat16".into());
    }
    if let Some(n_seeds) = args.seeds {
        arguments.extend(["--seeds".into(), n_seeds.to_string().into()]);
    }
    if let Some(n_jobs) = args.jobs {
        arguments.extend(["--jobs".into(), n_jobs.to_string().into()]);
    }
    if is_plan(args) {
        arguments.push("--plan".into());
    }
    if let Some(budget) = &args.budget {
        arguments.extend(["--budget".into(), budget.into()]);
    }
    arguments
}

fn figure_arguments(args: &Args) -> Vec<OsString> {
    let mut arguments = vec!["figure".into()];
    push_selection(&mut arguments, args);
    // The figures go beside the runs, which git ignores, so that reproducing does not touch the committed figures.
    arguments.extend(["--out".into(), process::beside(&results(args)).join("figures").into()]);
    if args.png {
        arguments.push("--png".into());
    }
    arguments
}

fn results(args: &Args) -> PathBuf {
    args.results.clone().unwrap_or_else(process::default_results)
}

/// The arguments that both binaries must share, so that a figure is drawn from the results of the run.
fn push_selection(arguments: &mut Vec<OsString>, args: &Args) {
    match &args.selection.artefact {
        Some(artefact) => arguments.push(artefact.into()),
        None => arguments.push("--all".into()),
    }
    let scale = match &args.scale {
        Some(scale) => scale,
        None if args.device == "cpu" => "laptop",
        None => "gpu",
    };
    arguments.extend(["--scale".into(), scale.into()]);
    arguments.extend(["--results".into(), results(args).into()]);
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &str) -> Result<Args, String> {
        Cli::try_parse_from(std::iter::once("reproduce").chain(line.split_whitespace()))
            .map(|cli| cli.args)
            .map_err(|error| error.to_string())
    }

    fn check(line: &str, run: &str, figure: &str) {
        let args = parse(line).unwrap();
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(run_arguments(&args), words(run));
        assert_eq!(figure_arguments(&args), words(figure));
    }

    #[test]
    fn both_binaries_get_the_same_artefact_scale_and_results() {
        check(
            "fig4 --results r",
            "run fig4 --scale laptop --results r --device cpu",
            "figure fig4 --scale laptop --results r --out r/figures",
        );
        check(
            "--all --results r --device cuda:1 --png",
            "run --all --scale gpu --results r --device cuda:1",
            "figure --all --scale gpu --results r --out r/figures --png",
        );
    }

    #[test]
    fn overrides_are_passed_to_the_run() {
        check(
            "t1 --scale smoke --dataset cifar10 --source cifar100 --data-dir d --set a.b=1 --set c=2 --benchmark b --pool p \
             --recipe fast --seeds 3 --jobs 2 --results r --plan",
            "run t1 --scale smoke --results r --device cpu --dataset cifar10 --source cifar100 --data-dir d --set a.b=1 --set c=2 --benchmark b --pool p \
             --recipe fast --seeds 3 --jobs 2 --plan",
            "figure t1 --scale smoke --results r --out r/figures",
        );
    }

    #[test]
    fn what_is_drawn_from_an_object_store_comes_here() {
        let args = parse("fig4 --results s3://bucket/r").unwrap();
        let out = figure_arguments(&args).pop().unwrap();
        assert_eq!(Path::new(&out), process::default_results().join("figures"));
        assert!(run_arguments(&args).contains(&"s3://bucket/r".into()));
    }

    #[test]
    fn a_budget_runs_nothing() {
        check(
            "fig4 --results r --budget 30m",
            "run fig4 --scale laptop --results r --device cpu --plan --budget 30m",
            "figure fig4 --scale laptop --results r --out r/figures",
        );
        assert!(is_plan(&parse("fig4 --budget 30m").unwrap()) && !is_plan(&parse("fig4").unwrap()));
    }

    #[test]
    fn an_engine_gets_what_follows_two_hyphens() {
        let args = parse("fig4 --results r --engine slurm -- --partition=long").unwrap();
        let words = |command: Command| {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words
                .map(|word| word.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(words(engine(Path::new("w"), &args)), "sh w/submit.sh --partition=long");
        let args = parse("fig4 --engine snakemake").unwrap();
        assert_eq!(
            words(engine(Path::new("w"), &args)),
            "snakemake --snakefile w/Snakefile --directory w --rerun-incomplete --cores all"
        );
    }

    #[test]
    fn results_default_to_an_absolute_folder_of_the_repository() {
        let arguments = run_arguments(&parse("fig4").unwrap());
        let folder = PathBuf::from(&arguments[5]);
        assert_eq!(arguments[4], "--results");
        assert!(folder.is_absolute() && folder.ends_with("results/runs"), "{folder:?}");
    }

    #[test]
    fn only_a_cuda_device_needs_the_cuda_backend() {
        assert_eq!(cuda(&parse("fig4 --device cpu").unwrap()), Cuda::Without);
        assert_eq!(cuda(&parse("fig4 --device cuda:1").unwrap()), Cuda::With);
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        for (line, expected) in [
            ("", "<ARTEFACT|--all>"),
            ("fig4 --all", "cannot be used with"),
            ("fig4 --scale huge", "smoke, laptop, gpu, paper"),
            ("fig4 --recipe slow", "paper, fast"),
            ("fig4 --seeds 0", "0 is not in 1.."),
            ("fig4 --jobs 0", "0 is not in 1.."),
            ("fig4 --engine condor", "local, snakemake, slurm"),
            ("--all --engine slurm", "cannot be used with"),
            ("fig4 --plan --export-workflow d", "cannot be used with"),
            ("fig4 --device gpu", "expected `cpu`, `cuda` or `cuda:<index>`"),
            ("fig4 --device cuda:", "expected `cpu`, `cuda` or `cuda:<index>`"),
            ("fig4 --device cpu:0", "expected `cpu`, `cuda` or `cuda:<index>`"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("`{line}` was accepted"));
            assert!(error.contains(expected), "`{line}` gave: {error}");
        }
    }
}
