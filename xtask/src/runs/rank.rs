//! `cargo xtask rank`: compares predictors of one's own with the SMASH score.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::runs::forward::{self, flag};

/// The place of the results.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the results [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// Runs `reports rank`.
pub fn run(args: &Args, forwarded: &[OsString]) -> Result<()> {
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let words = std::iter::once(flag("--results", results)).chain(forwarded.to_vec());
    forward::run("rank", &words.collect::<Vec<_>>())
}
