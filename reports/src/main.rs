//! The binary: draws figures and writes tables from stored results.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod commands;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use commands::form::Form;
use commands::stored::{Readme, Stored};
use commands::{claims, compare, deviations, draw, rank, stats, status, summary};
use reports::artefact::{Artefact, Judged};
use reports::figure::Look;
use reports::ledger::statements;
use reports::output::{self, Output};
use reports::report::claims::Ledger;
use reports::report::history::histories;
use reports::report::{html, json};
use reports::{figure, report};
use results::store::files::create_folder;
use results::{errln, outln, terminal, threads};

/// Figures, tables and the report, drawn from stored results.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the statistics of a result and draw its figure, if it has one.
    Figure {
        /// Name of the artefact, such as `fig4`: its newest result.
        #[arg(required_unless_present_any = ["all", "run"])]
        artefact: Option<String>,
        /// Draw all figures: the newest of every artefact, scale and data set.
        #[arg(long, conflicts_with = "artefact")]
        all: bool,
        /// Draw exactly the run in this folder; repeat the option for several seeds or artefacts.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["artefact", "all", "scale"])]
        run: Vec<PathBuf>,
        #[command(flatten)]
        stored: Stored,
        /// Folder for the figure.
        #[arg(long, default_value = "reports/figures")]
        out: PathBuf,
        #[command(flatten)]
        form: Form,
        /// Draw nothing; print the findings as JSON, in the form of `report --json`.
        #[arg(long, conflicts_with_all = ["pdf", "png"])]
        json: bool,
    },
    /// Write REPORT.md with its figures, and report.html, one file that holds the figures and more.
    Report {
        /// Report this artefact only.
        #[arg(conflicts_with = "readme")]
        artefact: Option<String>,
        #[command(flatten)]
        stored: Stored,
        /// Folder for REPORT.md, report.html and the folder `figures`.
        #[arg(long, default_value = "reports")]
        out: PathBuf,
        #[command(flatten)]
        form: Form,
        /// Also splice the table of results, and of speed if it was measured, into this README.
        #[arg(long, value_name = "FILE")]
        readme: Option<PathBuf>,
        /// Write nothing; fail if a file would change.
        #[arg(long)]
        check: bool,
        /// Write nothing; print claims, verdicts and statistics of all results as JSON.
        #[arg(long, conflicts_with_all = ["check", "readme", "pdf", "png"])]
        json: bool,
    },
    /// Print the ledger of the paper's claims: every statement, with the verdict of each stored result.
    Claims(claims::Claims),
    /// Draw architectures as graphs: the whole network simplified, or blocks with every convolution.
    Draw(draw::Draw),
    /// Print the statistics of a ranking in any Parquet or CSV table, or in a stored result.
    Stats(stats::Stats),
    /// Print the state of every stored run: complete, running, interrupted, failed or damaged. Exit code 1: one is damaged.
    Status(status::Status),
    /// Write one row for each architecture of a stored result: its size, its SMASH score and its true error.
    Summary(summary::Summary),
    /// Compare predictors of your own with the SMASH score, on the architectures of a stored result.
    Rank(rank::Rank),
    /// Print how far the numbers of one device lie from those of another.
    Deviations(deviations::Deviations),
    /// Compare the results of two versions of the code. Exit code 1: regressed; 2: an error; 3: not comparable.
    Compare(compare::Compare),
}

fn main() -> ExitCode {
    let command = Options::parse().command;
    // For `compare`, 1 means that the head regressed.
    let failure = match command {
        Command::Compare(_) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    };
    let outcome = run(command).and_then(|code| {
        terminal::check()?;
        Ok(code)
    });
    outcome.unwrap_or_else(|error| {
        errln!("error: {error:#}");
        failure
    })
}

fn run(command: Command) -> Result<ExitCode> {
    threads::bound(true)?;
    match command {
        Command::Figure { artefact, all: _, run, stored, out, form, json } => {
            let selected = match artefact {
                Some(name) => stored.newest(&name)?,
                None if run.is_empty() => stored.all(None)?,
                None => stored.of_runs(&run)?,
            };
            if json {
                outln!("{:#}", json::results(&selected.artefacts));
                return Ok(selected.finish());
            }
            for artefact in &selected.artefacts {
                show(artefact, &out, &form)?;
            }
            Ok(selected.finish())
        }
        Command::Draw(options) => {
            draw::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Stats(options) => {
            stats::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Summary(options) => {
            summary::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Rank(options) => {
            rank::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Deviations(options) => {
            deviations::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Claims(options) => claims::run(&options),
        Command::Status(options) => status::run(&options),
        Command::Compare(options) => compare::run(&options),
        Command::Report { artefact, stored, out, form, readme, check, json } => {
            let readme = readme.map(|file| Readme::read(file, &out)).transpose()?;
            let mut selected = stored.all(artefact.as_deref())?;
            report::sort(&mut selected.artefacts);
            let artefacts = &selected.artefacts;
            if json {
                outln!("{:#}", json::results(artefacts));
                return Ok(selected.finish());
            }
            // The ledger of one artefact would call all others not run.
            let statements = statements()?;
            let ledger = artefact.is_none().then(|| Ledger::new(&statements, artefacts));
            let text = report::markdown(artefacts, &selected.faulty, ledger.as_ref());
            let mut outputs = vec![Output { path: out.join("REPORT.md"), bytes: text.into_bytes() }];
            let drawn = figure::drawn(artefacts, Look::default())?;
            let histories = histories(stored.runs(artefact.as_deref())?.runs);
            outputs.push(Output {
                path: out.join("report.html"),
                bytes: html::page(artefacts, &drawn, &selected.faulty, ledger.as_ref(), &histories)?.into_bytes(),
            });
            let drawn = match form.look() == Look::default() {
                true => drawn,
                false => figure::drawn(artefacts, form.look())?,
            };
            for (name, bytes) in report::figures(artefacts, &drawn, &form.formats())? {
                let path = out.join("figures").join(name);
                outputs.push(Output { path, bytes });
            }
            if let Some(file) = readme {
                let bytes = stored.spliced(artefacts, &file)?.into_bytes();
                outputs.push(Output { path: file.path, bytes });
            }
            let is_current = finish(&outputs, check)?;
            let read = selected.finish();
            Ok(if is_current { read } else { ExitCode::FAILURE })
        }
    }
}

fn show(artefact: &Artefact, out: &Path, form: &Form) -> Result<()> {
    let findings = artefact.findings.to_string();
    if !findings.is_empty() {
        outln!("{findings}");
    }
    for Judged { words, verdict, .. } in artefact.judged() {
        outln!("claim {words}: {verdict}");
    }
    if artefact.figure.is_none() {
        return Ok(());
    }
    let look = form.look();
    if !look.with_caption {
        outln!("caption: {}", figure::caption(artefact)?.join(" · "));
    }
    let picture = figure::picture(artefact, look)?;
    create_folder(out)?;
    for format in form.formats() {
        let path = out.join(format!("{}.{}", artefact.name(), format.extension()));
        picture.write(&path, format)?;
        outln!("{}", path.display());
    }
    Ok(())
}

/// Writes the files, or with `check` only names those that differ. Returns whether all are current now.
fn finish(outputs: &[Output], check: bool) -> Result<bool> {
    if !check {
        output::write(outputs)?;
        return Ok(true);
    }
    let differing = output::differing(outputs);
    for path in &differing {
        errln!("{}: differs from the output for the stored results", path.display());
    }
    Ok(differing.is_empty())
}
