//! `cargo xtask draw`: draws architectures.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// The architectures to draw: a file, or the best ones of the searches of a stored artefact.
#[derive(clap::Args)]
pub struct Args {
    /// File of one architecture in its stored form (JSON).
    #[arg(required_unless_present = "artefact", conflicts_with = "artefact")]
    file: Option<PathBuf>,
    /// Channels of one unit, the paper's N, for the labels of ops of a file.
    #[arg(long, value_name = "N", requires = "file")]
    base_channels: Option<u16>,
    /// Reference width of the search space of a file, which determines how wide block inputs are.
    #[arg(long, requires = "file")]
    width: Option<u16>,
    /// Artefact with a search, such as `appendix-e`; its newest run is drawn.
    #[arg(long, value_name = "NAME")]
    artefact: Option<String>,
    /// Use only runs of this scale.
    #[arg(long)]
    scale: Option<String>,
    /// Folder of the results [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Folder for the drawings [default: `drawings` in the folder of the results]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Draw each block with all its convolutions, sums and concatenations too.
    #[arg(long)]
    expanded: bool,
    /// Draw this block alone, counted from 0, with all its convolutions, sums and concatenations.
    #[arg(long, value_name = "BLOCK", conflicts_with = "expanded")]
    block: Option<usize>,
    /// Format of the files, svg, dot or png; may be given several times [default: svg and dot]
    #[arg(long)]
    format: Vec<String>,
}

/// Runs `reports draw`.
pub fn run(args: &Args) -> Result<()> {
    let binaries = Binaries::build(Cuda::Without)?;
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| process::beside(&results).join("drawings"));
    let mut draw = binaries.reports();
    draw.arg("draw")
        .args(&args.file)
        .arg("--results")
        .arg(&results)
        .arg("--out")
        .arg(&out);
    let base_channels = args.base_channels.map(|base| base.to_string());
    let width = args.width.map(|width| width.to_string());
    let block = args.block.map(|block| block.to_string());
    draw.args(args.expanded.then_some("--expanded"));
    for (flag, value) in [
        ("--artefact", &args.artefact),
        ("--scale", &args.scale),
        ("--base-channels", &base_channels),
        ("--width", &width),
        ("--block", &block),
    ] {
        draw.args(value.iter().flat_map(|value| [flag, value.as_str()]));
    }
    draw.args(args.format.iter().flat_map(|format| ["--format", format.as_str()]));
    process::run(&mut draw)?;
    println!("drawings: {}", out.display());
    Ok(())
}
