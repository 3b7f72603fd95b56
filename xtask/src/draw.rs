//! `cargo xtask draw`: draws architectures.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// What to draw: a file, or the best of the searches of a stored artefact.
#[derive(clap::Args)]
pub struct Args {
    /// File of one architecture in its stored form (JSON).
    #[arg(required_unless_present = "artefact", conflicts_with = "artefact")]
    file: Option<PathBuf>,
    /// Channels of one unit, the paper's N, to label ops of a file with.
    #[arg(long, value_name = "N", requires = "file")]
    base_channels: Option<u16>,
    /// Artefact with a search, as `appendix-e`: its newest run.
    #[arg(long, value_name = "NAME")]
    artefact: Option<String>,
    /// Only runs of this scale.
    #[arg(long)]
    scale: Option<String>,
    /// Folder of the results [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Folder for the drawings [default: `drawings` in the folder of the results]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Draw PNG images too.
    #[arg(long)]
    png: bool,
}

/// Runs `reports draw`.
pub fn run(args: &Args) -> Result<()> {
    let binaries = Binaries::build(Cuda::Without)?;
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let out = args.out.clone().unwrap_or_else(|| results.join("drawings"));
    let mut draw = binaries.reports();
    draw.arg("draw")
        .args(&args.file)
        .arg("--results")
        .arg(&results)
        .arg("--out")
        .arg(&out);
    if let Some(base) = args.base_channels {
        draw.args(["--base-channels", &base.to_string()]);
    }
    for (flag, value) in [("--artefact", &args.artefact), ("--scale", &args.scale)] {
        draw.args(value.iter().flat_map(|value| [flag, value.as_str()]));
    }
    process::run(draw.args(args.png.then_some("--png")))?;
    println!("drawings: {}", out.display());
    Ok(())
}
