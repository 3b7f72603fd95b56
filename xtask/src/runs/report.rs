//! `cargo xtask report`: redraws from stored results.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// What to redraw, and from where.
#[derive(clap::Args)]
pub struct Args {
    /// Name of one artefact; all artefacts without it.
    #[arg(conflicts_with = "published")]
    artefact: Option<String>,
    /// Folder of the results, also for report and figures, or s3://BUCKET/PREFIX [default: results/runs of this repository]
    #[arg(long, value_name = "DIR", conflicts_with = "published")]
    results: Option<PathBuf>,
    /// Redraw the committed files: reports/ and README.md from results/baselines.
    #[arg(long)]
    published: bool,
    /// Write nothing; fail if a committed file would change.
    #[arg(long, requires = "published")]
    check: bool,
}

/// Runs `reports report`.
pub fn run(args: &Args) -> Result<()> {
    let binaries = Binaries::build(Cuda::Without)?;
    if args.published {
        return published(&binaries, args.check);
    }
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let mut report = binaries.reports();
    report.arg("report").args(&args.artefact).arg("--results").arg(&results);
    process::run(report.arg("--out").arg(process::beside(&results)))
}

/// Writes, or only checks, `reports/` and the results in README.md.
pub fn published(binaries: &Binaries, check: bool) -> Result<()> {
    let root = process::root();
    let mut report = binaries.reports();
    report
        .arg("report")
        .arg("--results")
        .arg(root.join("results/baselines"));
    report.arg("--out").arg(root.join("reports")).arg("--readme");
    process::run(report.arg(root.join("README.md")).args(check.then_some("--check")))
}
