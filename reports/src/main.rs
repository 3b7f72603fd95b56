//! The binary: draws figures and writes tables from stored results.

#![forbid(unsafe_code)]

mod compare;
mod draw;
mod stats;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use reports::artefact::Artefact;
use reports::history::histories;
use reports::output::{self, Output};
use reports::{figure, html, readme, report};
use results::store::{DEFAULT_ROOT, find_runs, latest_group, latest_groups};

/// Figures, tables and the report, drawn from stored results.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the statistics of an artefact's newest result and draw its figure, if it has one.
    Figure {
        /// Name of the artefact, such as `fig4`.
        #[arg(required_unless_present = "all")]
        artefact: Option<String>,
        /// Draw all figures: the newest of every artefact, scale and data set.
        #[arg(long, conflicts_with = "artefact")]
        all: bool,
        #[command(flatten)]
        stored: Stored,
        /// Folder for the figure.
        #[arg(long, default_value = "reports/figures")]
        out: PathBuf,
        /// Draw a PNG image too.
        #[arg(long)]
        png: bool,
    },
    /// Write REPORT.md with all its figures, and report.html, which holds them and more in one file.
    Report {
        /// Report this artefact only.
        #[arg(conflicts_with = "readme")]
        artefact: Option<String>,
        #[command(flatten)]
        stored: Stored,
        /// Folder for REPORT.md, report.html and the folder `figures`.
        #[arg(long, default_value = "reports")]
        out: PathBuf,
        /// Also splice the table of results, and of speed if it was measured, into this README.
        #[arg(long, value_name = "FILE")]
        readme: Option<PathBuf>,
        /// Write nothing; fail if a file would change.
        #[arg(long)]
        check: bool,
    },
    /// Draw architectures as graphs: the whole network simplified, or blocks with every convolution.
    Draw(draw::Draw),
    /// Print the statistics of a ranking in any Parquet or CSV table.
    Stats(stats::Stats),
    /// Compare the results of two versions of the code. Exit code 1: regressed; 2: an error; 3: not comparable.
    Compare(compare::Compare),
}

/// Options that select stored results.
#[derive(Args)]
struct Stored {
    /// Folder of the stored runs, or s3://BUCKET/PREFIX.
    #[arg(long, default_value = DEFAULT_ROOT)]
    results: PathBuf,
    /// Only this scale; may be given several times.
    #[arg(long)]
    scale: Vec<String>,
}

fn main() -> ExitCode {
    let command = Options::parse().command;
    // For `compare`, 1 means that the head regressed.
    let failure = match command {
        Command::Compare(_) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    };
    run(command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        failure
    })
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Figure {
            artefact,
            all: _,
            stored,
            out,
            png,
        } => {
            let artefacts = match artefact {
                Some(name) => vec![stored.newest(&name)?],
                None => stored.all(None)?,
            };
            for artefact in &artefacts {
                show(artefact, &out, png)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Draw(options) => {
            draw::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Stats(options) => {
            stats::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Compare(options) => compare::run(&options),
        Command::Report {
            artefact,
            stored,
            out,
            readme,
            check,
        } => {
            let artefacts = stored.all(artefact.as_deref())?;
            let mut outputs = vec![Output {
                path: out.join("REPORT.md"),
                bytes: report::markdown(&artefacts).into_bytes(),
            }];
            let histories = histories(stored.runs(artefact.as_deref())?);
            outputs.push(Output {
                path: out.join("report.html"),
                bytes: html::page(&artefacts, &histories)?.into_bytes(),
            });
            for (name, bytes) in report::figures(&artefacts)? {
                let path = out.join("figures").join(name);
                outputs.push(Output { path, bytes });
            }
            if let Some(file) = readme {
                let bytes = stored.spliced(&artefacts, &file, &out)?.into_bytes();
                outputs.push(Output { path: file, bytes });
            }
            finish(&outputs, check)
        }
    }
}

fn show(artefact: &Artefact, out: &Path, png: bool) -> Result<()> {
    print!("{}", artefact.findings);
    if let Some((claim, verdict)) = artefact.verdict() {
        println!("claim {claim}: {verdict}");
    }
    if artefact.figure.is_none() {
        return Ok(());
    }
    let path = out.join(format!("{}.svg", artefact.name()));
    let bytes = figure::svg(artefact)?;
    let png_path = path.with_extension("png");
    output::write(&[Output { path, bytes }])?;
    if png {
        figure::write_png(artefact, &png_path)?;
        println!("{}", png_path.display());
    }
    Ok(())
}

fn finish(outputs: &[Output], check: bool) -> Result<ExitCode> {
    if !check {
        output::write(outputs)?;
        return Ok(ExitCode::SUCCESS);
    }
    let differing = output::differing(outputs);
    for path in &differing {
        eprintln!("{}: differs from what the stored results give", path.display());
    }
    Ok(match differing.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

impl Stored {
    /// The newest result for every artefact, scale and data set.
    fn all(&self, artefact: Option<&str>) -> Result<Vec<Artefact>> {
        let groups = latest_groups(self.runs(artefact)?);
        let what = artefact.map_or("any artefact".to_owned(), |name| format!("`{name}`"));
        ensure!(!groups.is_empty(), "{}", self.nothing(&what));
        let load = |group| Artefact::load(group, &self.results);
        // The intervals take nearly all the time. The first of several errors is reported, whichever was found first.
        let loaded: Vec<Result<Artefact>> = groups.into_par_iter().with_max_len(1).map(load).collect();
        loaded.into_iter().collect()
    }

    /// The README with the stored results and speed. It shows the figure of figure 4 with the most architectures.
    fn spliced(&self, artefacts: &[Artefact], file: &Path, out: &Path) -> Result<String> {
        let place = || file.display().to_string();
        let of_name = artefacts
            .iter()
            .filter(|artefact| artefact.group.manifest().artefact == "fig4");
        let shown = of_name
            .max_by_key(|artefact| artefact.findings.n().map_or(0, |(n, _)| n))
            .with_context(|| self.nothing("`fig4`"))?;
        let folder = file.parent().and_then(|folder| out.strip_prefix(folder).ok());
        let folder =
            folder.with_context(|| format!("{}: expected to be below the folder of {}", out.display(), place()))?;
        let text = std::fs::read_to_string(file).with_context(place)?;
        let block = readme::block(artefacts, shown, &format!("{}/figures", folder.display()));
        let text = readme::splice(&text, "results", &block).with_context(place)?;
        match results::summaries::peer::read(&self.results)? {
            Some(table) => readme::splice(&text, "speed", &readme::speed_block(&table)).with_context(place),
            None => Ok(text),
        }
    }

    /// The newest result of an artefact.
    fn newest(&self, artefact: &str) -> Result<Artefact> {
        let group = latest_group(self.runs(Some(artefact))?);
        let group = group.with_context(|| self.nothing(&format!("`{artefact}`")))?;
        Artefact::load(group, &self.results)
    }

    fn runs(&self, artefact: Option<&str>) -> Result<Vec<results::store::StoredRun>> {
        let mut runs = find_runs(&self.results, artefact)?;
        runs.retain(|run| self.scale.is_empty() || self.scale.contains(&run.manifest.scale));
        Ok(runs)
    }

    fn nothing(&self, what: &str) -> String {
        let scale = match self.scale.is_empty() {
            true => String::new(),
            false => format!(" at scale {}", self.scale.join(" or ")),
        };
        format!("{}: no complete run of {what}{scale}", self.results.display())
    }
}
