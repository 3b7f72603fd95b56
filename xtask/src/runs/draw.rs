//! `cargo xtask draw`: draws architectures.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::runs::forward::{self, default_flag, flag};

/// The place of the results.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the results [default: results/runs of this repository]; by default, the drawings go to `drawings` in it
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// Runs `reports draw`.
pub fn run(args: &Args, forwarded: &[OsString]) -> Result<()> {
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let out = default_flag("--out", process::beside(&results).join("drawings"), forwarded);
    let own = [Some(flag("--results", &results)), out].into_iter().flatten();
    forward::run("draw", &own.chain(forwarded.to_vec()).collect::<Vec<_>>())
}
