//! The commands of this repository, one file each; `cargo xtask --help` lists them.
//!
//! This program starts other programs and links none of them, so that it builds in seconds.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod checks;
mod completions;
mod driver;
mod fetch;
mod process;
mod runs;
#[path = "../../results/src/terminal.rs"]
#[allow(dead_code, reason = "the other programs use the rest")]
mod terminal;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use checks::{bench, ci, deny, fuzz, gpu_check, sanitize, soak};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use runs::{architecture, benchmark, claims, combinations, compare, draw, forward, list, package, report, reproduce};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Reproduce, report and check.", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List the artefacts of the paper that can be reproduced.
    List(list::Args),
    /// Run the units of an artefact, then draw its figure.
    Reproduce(reproduce::Args),
    /// Print the state of every stored run: complete, running, interrupted, failed or damaged.
    #[command(disable_help_flag = true)]
    Status,
    /// Redraw figures, tables and the report from stored results, running nothing again.
    Report(report::Args),
    /// Print the ledger of the paper's claims: every statement, with the verdict of each stored result.
    Claims(claims::Args),
    /// Draw architectures, from a file or from the best of a stored search.
    Draw(draw::Args),
    /// Validate, score, train, draw or build architectures of your own.
    #[command(disable_help_flag = true)]
    Architecture,
    /// Print how well one column of a table ranks another, also in a stored result.
    #[command(disable_help_flag = true)]
    Stats,
    /// Write one row for each architecture of a stored result: its size, its SMASH score and its true error.
    #[command(disable_help_flag = true)]
    Summary,
    /// Compare predictors of your own with the SMASH score, on the architectures of a stored result.
    #[command(disable_help_flag = true)]
    Rank,
    /// Write the images of an artefact to an `.npz` file, for other programs.
    #[command(disable_help_flag = true)]
    Images,
    /// Export the trainings of a pool to a file, or import such a file.
    #[command(disable_help_flag = true)]
    Pool,
    /// Add trainings to the benchmark of trained architectures, or write it as CSV.
    #[command(disable_help_flag = true)]
    Benchmark,
    /// Compare two commits, or stored results, by how well the score predicts. Exit code 1: regressed; 2: an error; 3: not
    /// comparable.
    Compare(compare::Args),
    /// Download a data set.
    Fetch(fetch::Args),
    /// Run the benches, or measure against PyTorch.
    Bench(bench::Args),
    /// Give hostile input to every reader of files.
    Fuzz(fuzz::Args),
    /// Run the tests of the kernels under the address sanitizer.
    Sanitize,
    /// Check licences, sources and known faults of dependencies.
    Deny,
    /// Run every check, the cheapest first.
    Ci(ci::Args),
    /// Kill a run again and again for hours, and compare its tables with the tables of an undisturbed run.
    Soak(soak::Args),
    /// Write the programs to a folder, for machines without Rust and this repository.
    Package(package::Args),
    /// Print a script by which a shell completes these commands.
    Completions(completions::Args),
    /// Check and measure everything that needs a GPU.
    GpuCheck(gpu_check::Args),
}

/// The command of a command line, and the arguments that it forwards.
fn parse(words: impl IntoIterator<Item = OsString>) -> Result<(Verb, Vec<OsString>), clap::Error> {
    let (own, forwarded) = forward::split(Cli::command(), words);
    Ok((Cli::try_parse_from(own)?.verb, forwarded))
}

fn main() -> ExitCode {
    let (verb, forwarded) = match parse(env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            crate::out!("{}", error.render());
            return exit_code(forward::help(env::args_os().nth(1).as_deref()));
        }
        Err(error) => error.exit(),
    };
    let words: Vec<OsString> = env::args_os().collect();
    if let Err(error) = combinations::check(&words) {
        let code = process::exit_code(&error);
        // For `compare`, 1 means that the head regressed.
        return if matches!(verb, Verb::Compare(_)) { ExitCode::from(2) } else { code };
    }
    exit_code(match verb {
        Verb::List(args) => list::run(&args),
        Verb::Reproduce(args) => reproduce::run(&args, &forwarded),
        Verb::Status => forward::run_on_results("status", &forwarded),
        Verb::Report(args) => report::run(&args, &forwarded),
        Verb::Claims(args) => claims::run(&args, &forwarded),
        Verb::Draw(args) => draw::run(&args, &forwarded),
        Verb::Architecture => architecture::run(&forwarded),
        Verb::Stats => forward::run_on_results("stats", &forwarded),
        Verb::Summary => forward::run_on_results("summary", &forwarded),
        Verb::Rank => forward::run_on_results("rank", &forwarded),
        Verb::Images => forward::run("images", &forwarded),
        Verb::Pool => forward::run("pool", &forwarded),
        Verb::Benchmark => benchmark::run(&forwarded),
        Verb::Compare(args) => return compare::run(&args, &forwarded),
        Verb::Fetch(args) => fetch::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Fuzz(args) => fuzz::run(&args),
        Verb::Sanitize => sanitize::run(),
        Verb::Deny => deny::run(),
        Verb::Ci(args) => ci::run(&args),
        Verb::Soak(args) => soak::run(&args),
        Verb::Package(args) => package::run(&args),
        Verb::Completions(args) => completions::run(&args, Cli::command()),
        Verb::GpuCheck(args) => gpu_check::run(&args),
    })
}

fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome.and_then(|()| Ok(terminal::check()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => process::exit_code(&error),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
