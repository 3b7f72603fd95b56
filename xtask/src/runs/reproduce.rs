//! `cargo xtask reproduce`: runs the units of an artefact, then draws its figure.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::process::{self, Binaries, Gpu};
use crate::runs::forward::{SCALES, default_flag, flag};

/// What to reproduce, and the options that decide more than the run itself.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Scale of the run [default: laptop, or gpu on a GPU]
    #[arg(long, value_parser = SCALES)]
    scale: Option<String>,
    /// Device to compute on: `cpu`, `cuda`, `cuda:INDEX` or `wgpu`.
    #[arg(long, default_value = "cpu", value_parser = process::parse_device)]
    device: String,
    /// Folder of the results, or s3://BUCKET/PREFIX [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Print the units of work and which of them are done, and run nothing.
    #[arg(long)]
    plan: bool,
    /// Print the numbers of architectures and root seeds that give Kendall's tau the narrowest confidence interval in this time,
    /// such as 30m; run nothing.
    #[arg(long, value_name = "TIME")]
    budget: Option<String>,
    /// Draw the figure as PDF too.
    #[arg(long)]
    pdf: bool,
    /// Draw the figure as PNG too.
    #[arg(long)]
    png: bool,
    /// Width of the figure in a paper: a column (3.3 inches) or a page (6.9 inches) [default: page]
    #[arg(long, value_parser = ["column", "page"])]
    width: Option<String>,
    /// Draw the figure without its title.
    #[arg(long)]
    no_title: bool,
    /// Draw the figure without its caption, which is printed instead.
    #[arg(long)]
    no_caption: bool,
    /// Engine that runs the units: this program on this machine, Snakemake, or Slurm.
    #[arg(long, default_value = "local", value_parser = ["local", "snakemake", "slurm"], conflicts_with_all = ["all", "plan", "budget"])]
    engine: String,
    /// Write the units to a folder as a workflow for Snakemake and Slurm, and run nothing.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all", "plan", "budget", "engine"])]
    export_workflow: Option<PathBuf>,
    /// Arguments for snakemake, such as `--executor slurm --jobs 100` [default: --cores all], or for each sbatch
    #[arg(last = true, value_name = "ENGINE ARGUMENTS")]
    engine_arguments: Vec<OsString>,
}

/// The artefacts; exactly one of the three is given.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Selection {
    /// Name of the artefact, as `cargo xtask list` prints it; before flags that are forwarded
    artefact: Option<String>,
    /// Reproduce every artefact.
    #[arg(long)]
    all: bool,
    /// Reproduce the artefact NAME of a file with its definition, NAME.toml.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
}

impl Selection {
    /// Name of the artefact; `None` stands for every artefact.
    fn name(&self) -> Option<OsString> {
        let stem = |file: &PathBuf| file.file_stem().unwrap_or_default().to_owned();
        self.artefact.as_ref().map(OsString::from).or(self.definition.as_ref().map(stem))
    }
}

/// Runs `experiments run`, then `reports figure` on exactly the runs that it names.
pub fn run(args: &Args, forwarded: &[OsString]) -> Result<()> {
    ensure!(
        args.engine != "local" || args.engine_arguments.is_empty(),
        "arguments after `--` are for --engine snakemake and --engine slurm"
    );
    if let Some(file) = args.selection.definition.as_ref().filter(|file| file.is_dir()) {
        let place = file.display();
        bail!("{place}: a folder; `NAME --definitions {place}` runs its artefact NAME");
    }
    check_engine(&args.engine, is_installed)?;
    // A plan only counts. An exported workflow starts this program on the device.
    let gpu = match computes_here(args) {
        _ if is_plan(args) => Gpu::Without,
        true => Gpu::needed_for(&args.device)?,
        false => Gpu::of(&args.device),
    };
    let binaries = Binaries::build(gpu)?;
    let mut experiments = binaries.experiments();
    experiments.args(run_arguments(args, forwarded));
    experiments.args(default_flag("--benchmarks", process::root().join("results/benchmarks"), forwarded));
    if let Some(folder) = &args.export_workflow {
        return process::run(experiments.arg(flag("--export-workflow", folder)));
    }
    let said = match args.selection.name() {
        Some(artefact) if args.engine != "local" => {
            let folder = process::beside(&results(args)).join("workflows").join(artefact);
            let said = process::lines_to_be_stopped(experiments.arg(flag("--export-workflow", &folder)))?;
            process::run_to_be_stopped(&mut engine(&folder, args))?;
            said
        }
        _ => process::lines_to_be_stopped(&mut experiments)?,
    };
    if !is_plan(args) {
        process::run(binaries.reports().args(figure_arguments(args, &said)))?;
    }
    Ok(())
}

/// Checks that an engine is there, before minutes of building.
///
/// # Errors
/// Its program is missing.
fn check_engine(engine: &str, is_installed: impl Fn(&str) -> bool) -> Result<()> {
    let (program, advice) = match engine {
        "snakemake" => ("snakemake", "`pip install snakemake` installs it"),
        "slurm" => ("sbatch", "call this where Slurm's programs are"),
        _ => return Ok(()),
    };
    ensure!(is_installed(program), "--engine {engine}: no program `{program}` in PATH; {advice}");
    Ok(())
}

/// Whether a shell would find a program of this name.
fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
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

/// Whether units run on this machine. A plan or an export runs none. Slurm runs them on its nodes, and Snakemake where its arguments
/// say, by default here.
fn computes_here(args: &Args) -> bool {
    let is_elsewhere = args.engine == "slurm" || !args.engine_arguments.is_empty();
    !is_plan(args) && args.export_workflow.is_none() && !is_elsewhere
}

/// Whether to print a plan and run nothing; a budget only asks for advice.
fn is_plan(args: &Args) -> bool {
    args.plan || args.budget.is_some()
}

fn run_arguments(args: &Args, forwarded: &[OsString]) -> Vec<OsString> {
    let artefact = match &args.selection.definition {
        Some(file) => flag("--definition", file),
        None => args.selection.name().unwrap_or("--all".into()),
    };
    let default = if args.device == "cpu" { "laptop" } else { "gpu" };
    let scale = flag("--scale", args.scale.as_deref().unwrap_or(default));
    let mut arguments = vec!["run".into(), artefact, scale, flag("--results", results(args))];
    arguments.push(flag("--device", &args.device));
    arguments.extend(is_plan(args).then(|| "--plan".into()));
    arguments.extend(args.budget.iter().map(|budget| flag("--budget", budget)));
    arguments.extend_from_slice(forwarded);
    arguments
}

/// The arguments of the figure, after the run has said these lines. Each line `tables: DIR` names one run.
fn figure_arguments(args: &Args, said: &[String]) -> Vec<OsString> {
    let mut arguments = vec!["figure".into(), flag("--results", results(args))];
    arguments.extend(said.iter().filter_map(|line| Some(flag("--run", line.strip_prefix("tables: ")?))));
    // The figures go beside the runs, which git ignores, so that reproducing does not touch the committed figures.
    arguments.push(flag("--out", process::beside(&results(args)).join("figures")));
    arguments.extend(args.width.iter().map(|width| flag("--width", width)));
    let Args { no_title, no_caption, pdf, png, .. } = *args;
    let form = [(no_title, "--no-title"), (no_caption, "--no-caption"), (pdf, "--pdf"), (png, "--png")];
    arguments.extend(form.into_iter().filter(|(is_given, _)| *is_given).map(|(_, name)| name.into()));
    arguments
}

fn results(args: &Args) -> PathBuf {
    args.results.clone().unwrap_or_else(process::default_results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verb;

    fn parse(line: &str) -> Result<(Args, Vec<OsString>), String> {
        let words = ["xtask", "reproduce"].into_iter().chain(line.split_whitespace());
        match crate::parse(words.map(OsString::from)) {
            Ok((Verb::Reproduce(args), forwarded)) => Ok((args, forwarded)),
            Ok(_) => panic!("`{line}` is another command"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn check(line: &str, run: &str, figure: &str) {
        let (args, forwarded) = parse(line).unwrap();
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(run_arguments(&args, &forwarded), words(run));
        let said = ["12 units", "tables: r/fig4/a b/seed-0", "tables: r/fig4/a b/seed-1"].map(str::to_owned);
        let figure = [words(figure), ["--run=r/fig4/a b/seed-0", "--run=r/fig4/a b/seed-1"].map(OsString::from).into()];
        let mut found = figure_arguments(&args, &said);
        let runs = found.drain(2..4).collect();
        assert_eq!([found, runs], figure);
    }

    #[test]
    fn the_figure_shows_the_runs_that_the_run_names() {
        check(
            "fig4 --results r",
            "run fig4 --scale=laptop --results=r --device=cpu",
            "figure --results=r --out=r/figures",
        );
        check(
            "--all --results r --device cuda:1 --png",
            "run --all --scale=gpu --results=r --device=cuda:1",
            "figure --results=r --out=r/figures --png",
        );
    }

    #[test]
    fn the_form_of_the_figure_is_no_matter_of_the_run() {
        check(
            "fig4 --results r --pdf --width column --seeds 2 --no-title --no-caption",
            "run fig4 --scale=laptop --results=r --device=cpu --seeds 2",
            "figure --results=r --out=r/figures --width=column --no-title --no-caption --pdf",
        );
    }

    #[test]
    fn a_definition_runs_by_its_file_or_by_its_name() {
        check(
            "--definition d/mine.toml --scale smoke --results r",
            "run --definition=d/mine.toml --scale=smoke --results=r --device=cpu",
            "figure --results=r --out=r/figures",
        );
        check(
            "mine --definitions d --results r",
            "run mine --scale=laptop --results=r --device=cpu --definitions d",
            "figure --results=r --out=r/figures",
        );
    }

    #[test]
    fn all_other_arguments_are_passed_to_the_run_unchanged() {
        check(
            "t1 --scale smoke --dataset cifar10 --set a.b=1 --set=--x --bfloat16 --seeds 3 --plan --results r --no-such-flag",
            "run t1 --scale=smoke --results=r --device=cpu --plan --dataset cifar10 --set a.b=1 --set=--x --bfloat16 --seeds 3 \
             --no-such-flag",
            "figure --results=r --out=r/figures",
        );
    }

    #[test]
    fn figures_of_results_in_an_object_store_come_here() {
        let (args, _) = parse("fig4 --results s3://bucket/r").unwrap();
        let out = figure_arguments(&args, &[]).pop().unwrap();
        assert_eq!(out, flag("--out", process::default_results().join("figures")));
        assert!(run_arguments(&args, &[]).contains(&"--results=s3://bucket/r".into()));
    }

    #[test]
    fn a_budget_runs_nothing() {
        check(
            "fig4 --results r --budget 30m",
            "run fig4 --scale=laptop --results=r --device=cpu --plan --budget=30m",
            "figure --results=r --out=r/figures",
        );
        assert!(is_plan(&parse("fig4 --budget 30m").unwrap().0) && !is_plan(&parse("fig4").unwrap().0));
    }

    #[test]
    fn an_engine_gets_the_arguments_after_two_hyphens() {
        let (args, _) = parse("fig4 --results r --engine slurm -- --partition=long").unwrap();
        let words = |command: Command| {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words.map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(engine(Path::new("w"), &args)), "sh w/submit.sh --partition=long");
        let (args, _) = parse("fig4 --engine snakemake").unwrap();
        assert_eq!(
            words(engine(Path::new("w"), &args)),
            "snakemake --snakefile w/Snakefile --directory w --rerun-incomplete --cores all"
        );
    }

    #[test]
    fn an_engine_that_is_missing_is_named() {
        assert!(check_engine("local", |_| false).is_ok());
        assert!(check_engine("slurm", |program| program == "sbatch").is_ok());
        for (engine, program) in [("snakemake", "`snakemake`"), ("slurm", "`sbatch`")] {
            let error = check_engine(engine, |_| false).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--engine {engine}: no program {program} in PATH")), "{error}");
        }
        assert!(is_installed("cargo") && !is_installed("no-such-program"));
    }

    #[test]
    fn the_device_is_needed_only_where_units_run() {
        for (line, is_here) in [
            ("fig4 --device cuda", true),
            ("fig4 --device cuda --engine snakemake", true),
            ("fig4 --device cuda --engine snakemake -- --executor slurm", false),
            ("fig4 --device cuda --engine slurm", false),
            ("fig4 --device cuda --export-workflow d", false),
            ("fig4 --device cuda --plan", false),
            ("--all --device cuda --budget 30m", false),
        ] {
            assert_eq!(computes_here(&parse(line).unwrap().0), is_here, "{line}");
        }
    }

    #[test]
    fn results_default_to_an_absolute_folder_of_the_repository() {
        let folder = results(&parse("fig4").unwrap().0);
        assert!(folder.is_absolute() && folder.ends_with("results/runs"), "{folder:?}");
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        for (line, expected) in [
            ("", "<ARTEFACT|--all"),
            ("fig4 --all", "cannot be used with"),
            ("fig4 --definition a.toml", "cannot be used with"),
            ("fig4 --scale huge", "smoke, laptop, gpu, paper"),
            ("fig4 --engine condor", "local, snakemake, slurm"),
            ("--all --engine slurm", "cannot be used with"),
            ("fig4 --plan --export-workflow d", "cannot be used with"),
            ("fig4 --width slide", "column, page"),
            ("fig4 --device gpu", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("fig4 --device cuda:", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("fig4 --device cpu:0", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("fig4 --scale huge", "smoke, laptop, gpu, paper"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("`{line}` was accepted"));
            assert!(error.contains(expected), "`{line}` gave: {error}");
        }
    }
}
