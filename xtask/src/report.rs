//! `cargo xtask report`: redraws from stored results.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// What to redraw, and from where.
#[derive(clap::Args)]
pub struct Args {
    /// Name of one artefact; all without it.
    artefact: Option<String>,
    /// Folder of the results [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Splice the tables into README.md too.
    #[arg(long)]
    readme: bool,
}

/// Runs `reports report` and, if asked, `reports readme`.
pub fn run(args: &Args) -> Result<()> {
    let binaries = Binaries::build(Cuda::Without)?;
    let results = args.results.clone().unwrap_or_else(process::default_results);
    process::run(
        binaries
            .reports()
            .arg("report")
            .args(&args.artefact)
            .arg("--results")
            .arg(results),
    )?;
    if args.readme {
        process::run(binaries.reports().arg("readme"))?;
    }
    Ok(())
}
