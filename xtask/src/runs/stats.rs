//! `cargo xtask stats`: the statistics of a ranking.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// The file, and its columns.
#[derive(clap::Args)]
pub struct Args {
    /// Table with one row for each ranked item: Parquet, or CSV with a header line.
    file: PathBuf,
    /// Column of the predictor, such as a score.
    #[arg(long, value_name = "COLUMN")]
    x: String,
    /// Column of the truth, such as an error.
    #[arg(long, value_name = "COLUMN")]
    y: String,
    /// Column that groups the rows, such as a seed.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Column in which higher is better, x or y; may be given twice. In errors and losses, lower is better.
    #[arg(long, value_name = "COLUMN")]
    higher_is_better: Vec<String>,
    /// Number of the predictor's best that a search would train.
    #[arg(long, default_value_t = 5)]
    k: u16,
}

/// Runs `reports stats`.
pub fn run(args: &Args) -> Result<()> {
    let mut stats = Binaries::build(Cuda::Without)?.reports();
    stats.arg("stats").arg(&args.file);
    stats.args(["--x", &args.x, "--y", &args.y, "--k", &args.k.to_string()]);
    stats.args(args.by.iter().flat_map(|by| ["--by", by]));
    let higher = args.higher_is_better.iter();
    stats.args(higher.flat_map(|column| ["--higher-is-better", column]));
    process::run(&mut stats)
}
