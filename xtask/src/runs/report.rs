//! `cargo xtask report`: redraws from stored results.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::runs::forward::{self, default_flag, flag};

/// Folder of the published results.
pub const PUBLISHED: &str = "results/baselines";

/// The results to redraw.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the results, or s3://BUCKET/PREFIX [default: results/runs of this repository]; by default, the report goes there
    /// too
    #[arg(long, value_name = "DIR", conflicts_with = "published")]
    results: Option<PathBuf>,
    /// Redraw the committed files: reports/ and README.md from results/baselines.
    #[arg(long)]
    published: bool,
}

/// Runs `reports report`.
pub fn run(args: &Args, forwarded: &[OsString]) -> Result<()> {
    if args.published {
        return published(forwarded);
    }
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let out = default_flag("--out", process::beside(&results), forwarded);
    let own = [Some(flag("--results", &results)), out].into_iter().flatten();
    forward::run("report", &own.chain(forwarded.to_vec()).collect::<Vec<_>>())
}

/// Writes `reports/` and the results in README.md; with `--check`, it only compares them.
pub fn published(forwarded: &[OsString]) -> Result<()> {
    let places = [("--results", PUBLISHED), ("--out", "reports"), ("--readme", "README.md")];
    let own = places.map(|(name, place)| flag(name, process::root().join(place)));
    forward::run("report", &[&own, forwarded].concat())
}
