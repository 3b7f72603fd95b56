//! `cargo xtask pool`: true errors as one file, to be published and used again.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// The direction, the file and the pool.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(clap::Subcommand)]
enum Direction {
    /// Write all trainings of a pool to a Parquet file.
    Export(Files),
    /// Add the trainings of such a file to a pool.
    Import(Files),
}

#[derive(clap::Args)]
struct Files {
    /// The Parquet file.
    file: PathBuf,
    /// Folder of the pool, as given to `reproduce`.
    #[arg(long, value_name = "DIR")]
    pool: PathBuf,
}

/// Runs `experiments pool`.
pub fn run(args: &Args) -> Result<()> {
    let (direction, files) = match &args.direction {
        Direction::Export(files) => ("export", files),
        Direction::Import(files) => ("import", files),
    };
    let mut command = Binaries::build(Cuda::Without)?.experiments();
    command.args(["pool", direction]).arg(&files.file);
    process::run(command.arg("--pool").arg(&files.pool))
}
