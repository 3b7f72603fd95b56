//! `cargo xtask claims`: the ledger of the paper's claims.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::runs::forward::{self, flag};
use crate::runs::report::PUBLISHED;

/// The results that judge the claims.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the results, or s3://BUCKET/PREFIX [default: results/runs of this repository]
    #[arg(long, value_name = "DIR", conflicts_with = "published")]
    results: Option<PathBuf>,
    /// Judge by the published results, results/baselines.
    #[arg(long)]
    published: bool,
}

/// Runs `reports claims`.
pub fn run(args: &Args, forwarded: &[OsString]) -> Result<()> {
    let results = match args.published {
        true => process::root().join(PUBLISHED),
        false => args.results.clone().unwrap_or_else(process::default_results),
    };
    forward::run("claims", &[&[flag("--results", results)], forwarded].concat())
}
