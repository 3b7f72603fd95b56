//! `cargo xtask package`: the programs in a folder for machines without Rust and this repository.
//!
//! The folder can be carried there. It also holds recipes for container images of the programs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use experiments_label::Label;

use crate::process::{self, Binaries, Cuda};

const RECIPES: [(&str, &str); 2] =
    [("Dockerfile", include_str!("../../recipes/Dockerfile")), ("smash.def", include_str!("../../recipes/smash.def"))];

#[derive(clap::Args)]
pub struct Args {
    /// Build with the CUDA backend.
    #[arg(long)]
    cuda: bool,
    /// Folder to write the folder of the package into [default: target/package].
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let Label { name: commit, problem, .. } = experiments_label::of(process::repository()?)?;
    if let Some(problem) = problem {
        bail!("a package is built from a commit, and git names none: {problem}");
    }
    ensure!(
        !commit.contains('-'),
        "a package is built from a commit, but the sources differ from it; see `git status`"
    );
    let (cuda, kind) = match args.cuda {
        true => (Cuda::With, "cuda"),
        false => (Cuda::Without, "cpu"),
    };
    let binaries = Binaries::build_named(cuda, &commit)?;
    let below = args.to.clone().unwrap_or_else(|| process::root().join("target/package"));
    let folder = below.join(format!("{commit}-{kind}"));
    fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    for program in [binaries.experiments(), binaries.reports()] {
        let file = PathBuf::from(program.get_program());
        let copy = folder.join(file.file_name().expect("a program has a name"));
        fs::copy(&file, &copy).with_context(|| format!("{}: cannot be written", copy.display()))?;
    }
    for (name, text) in RECIPES {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    println!("{}", folder.display());
    process::run(binaries.experiments().arg("--version"))
}
