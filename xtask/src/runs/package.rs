//! `cargo xtask package`: the programs in a folder for machines without Rust and this repository.
//!
//! The folder can be carried there. It also holds recipes for container images of the programs, and all licences.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use experiments_label::Label;

use crate::checks::tables::write_atomically;
use crate::outln;
use crate::process::{self, Binaries, Gpu};
use crate::runs::notices;

/// Recipes, and the licences of this repository.
const TEXTS: [(&str, &str); 4] = [
    ("Dockerfile", include_str!("../../recipes/Dockerfile")),
    ("smash.def", include_str!("../../recipes/smash.def")),
    ("LICENSE-APACHE", include_str!("../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../../../LICENSE-MIT")),
];

#[derive(clap::Args)]
pub struct Args {
    /// Device on which the programs can compute besides the CPU: `cuda` or `wgpu`.
    #[arg(long, default_value = "cpu", value_parser = process::parse_device)]
    device: String,
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
    let gpu = Gpu::of(&args.device);
    let kind = match gpu {
        Gpu::Without => "cpu",
        Gpu::Cuda => "cuda",
        Gpu::Wgpu => "wgpu",
    };
    let notices = notices::text(gpu)?;
    let binaries = Binaries::build_named(gpu, &commit)?;
    let below = args.to.clone().unwrap_or_else(|| process::root().join("target/package"));
    let folder = below.join(format!("{commit}-{kind}"));
    for program in [binaries.experiments(), binaries.reports()] {
        let file = PathBuf::from(program.get_program());
        let copy = folder.join(file.file_name().expect("a program has a name"));
        let place = || format!("{}: cannot be read", file.display());
        write_atomically(&copy, &fs::read(&file).with_context(place)?)?;
        fs::set_permissions(&copy, fs::metadata(&file).with_context(place)?.permissions())?;
    }
    for (name, text) in TEXTS.into_iter().chain([("THIRD-PARTY.txt", notices.as_str())]) {
        write_atomically(&folder.join(name), text.as_bytes())?;
    }
    outln!("{}", folder.display());
    process::run(binaries.experiments().arg("--version"))
}
