//! `cargo xtask fuzz`: hostile input for every reader of files, made from seeds by cargo-fuzz.
//!
//! A run copies the seeds and writes its findings below the target folder, so it changes nothing in the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::checks::tables::files_below;
use crate::process::{self, nightly, nightly_host, repository, root};
use crate::{err, outln};

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub struct Args {
    /// Targets to run; all, if none is named
    #[arg(value_parser = TARGETS.map(|target| target.name))]
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

/// A program that feeds a reader.
struct Target {
    name: &'static str,
    /// The member whose folder `fuzz` holds it.
    member: &'static str,
    /// Further seeds among the files of this repository: a folder, and the end of their names.
    seeds: Option<(&'static str, &'static str)>,
}

const fn target(name: &'static str, member: &'static str) -> Target {
    Target { name, member, seeds: None }
}

const fn seeded(name: &'static str, member: &'static str, folder: &'static str, end: &'static str) -> Target {
    Target { name, member, seeds: Some((folder, end)) }
}

/// All targets, the cheapest to build first.
const TARGETS: [Target; 17] = [
    target("archive", "xtask"),
    target("cifar", "datasets"),
    target("stl10", "datasets"),
    target("mesh", "datasets"),
    target("voxels", "datasets"),
    target("npz", "datasets"),
    target("pickle", "datasets"),
    target("picture", "datasets"),
    target("architecture", "experiments"),
    target("checkpoint", "experiments"),
    seeded("definition", "experiments", "experiments/definitions", ".toml"),
    target("setting", "experiments"),
    target("columns", "experiments"),
    seeded("table", "experiments", "results/baselines", ".parquet"),
    seeded("manifest", "experiments", "results/baselines", "manifest.toml"),
    seeded("peer", "experiments", "results/baselines", "peer.toml"),
    seeded("drawing", "experiments", "experiments/fuzz/seeds/architecture", ""),
];

/// Size of the largest file that is a seed. With small seeds, more variants are tried in the same time.
const MAX_SEED_BYTES: u64 = 8192;

/// Memory that a target may hold, and request at once, in MiB. A reader that trusts the claims of a file requests more.
const MEMORY: [&str; 2] = ["-rss_limit_mb=2048", "-malloc_limit_mb=1024"];

/// A folder in memory, on Linux.
const MEMORY_FOLDER: &str = "/dev/shm";

/// Runs the targets in turn, up to the first that fails.
pub fn run(args: &Args) -> Result<()> {
    let host = check_tools()?;
    let work = process::built()?.join("../fuzz");
    fs::create_dir_all(&work).with_context(|| format!("{}: cannot be made", work.display()))?;
    // The path has no `..`, because the paths of crashes are shown.
    let work = work.canonicalize()?;
    let is_chosen = |target: &&Target| args.targets.is_empty() || args.targets.iter().any(|name| name == target.name);
    let mut built = None;
    for target in TARGETS.iter().filter(is_chosen) {
        let target_folder = work.join("build").join(target.member);
        if built != Some(target.member) {
            build(target.member, &target_folder)?;
            built = Some(target.member);
        }
        let program = target_folder.join(&host).join("release").join(target.name);
        fuzz(target, &program, &work, args.seconds)?;
    }
    Ok(())
}

/// Checks the tools and returns the platform that is built for.
///
/// # Errors
/// A tool that is missing; the error says how to install it.
fn check_tools() -> Result<String> {
    let host = nightly_host()?;
    let cargo_fuzz = nightly("cargo").args(["fuzz", "--version"]).output();
    ensure!(
        cargo_fuzz.is_ok_and(|output| output.status.success()),
        "fuzzing needs cargo-fuzz, and a C++ compiler: `cargo install cargo-fuzz --locked` installs it"
    );
    Ok(host)
}

/// Builds all targets of a member.
fn build(member: &str, target_folder: &Path) -> Result<()> {
    let crate_folder = repository()?.join(member).join("fuzz");
    take_lock(&root().join("Cargo.lock"), &crate_folder.join("Cargo.lock"))?;
    let mut build = nightly("cargo");
    build.args(["fuzz", "build", "--fuzz-dir"]).arg(&crate_folder);
    build.arg("--target-dir").arg(target_folder);
    // With the address sanitizer, burn and polars take twice as long to build.
    build.args(["--sanitizer", if member == "experiments" { "none" } else { "address" }]);
    process::run(build.current_dir(root()))
}

/// Copies this repository's lock file, so that the targets have the dependencies of the real programs. Cargo adds the
/// dependencies that only targets need to the copy.
fn take_lock(from: &Path, to: &Path) -> Result<()> {
    let age = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let from_age = age(from).with_context(|| format!("{}: cannot be read", from.display()))?;
    if age(to).is_ok_and(|to_age| to_age >= from_age) {
        return Ok(());
    }
    let text = fs::read(from).with_context(|| format!("{}: cannot be read", from.display()))?;
    fs::write(to, text).with_context(|| format!("{}: cannot be written", to.display()))
}

/// Runs a target from its seeds and from the inputs that earlier runs derived from them.
fn fuzz(target: &Target, program: &Path, work: &Path, seconds: u32) -> Result<()> {
    let name = target.name;
    let corpus = work.join("corpus").join(name);
    let crashes = work.join("crashes");
    for folder in [&corpus, &crashes] {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    }
    for seed in seeds(target)? {
        let copy = corpus.join(seed.display().to_string().replace('/', "-"));
        fs::copy(root().join(&seed), copy).with_context(|| format!("{}: cannot be copied", seed.display()))?;
    }
    let crash = crashes.join(name);
    let mut run = Command::new(program);
    run.arg(format!("-exact_artifact_path={}", crash.display()));
    run.arg(format!("-max_total_time={seconds}"));
    run.args(MEMORY).args(["-timeout=10", "-verbosity=0", "-print_final_stats=1"]);
    // Targets write thousands of files a second. They write to memory if the system has such a folder.
    if Path::new(MEMORY_FOLDER).is_dir() {
        run.env("TMPDIR", MEMORY_FOLDER);
    }
    // cargo-fuzz sets the same option: crates that are linked in twice are no fault.
    run.env("ASAN_OPTIONS", "detect_odr_violation=0");
    let output = run.arg(&corpus).output();
    let output = output.with_context(|| format!("{}: cannot be started", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        err!("{said}");
        bail!(
            "target `{name}` failed; the input is kept, and `{} {}` runs it again",
            program.display(),
            crash.display()
        );
    }
    let inputs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    outln!("{name}: {} inputs in {seconds} s", inputs.map_or("unknown", str::trim));
    Ok(())
}

/// The files that a target starts from, below the folder of this repository.
fn seeds(target: &Target) -> Result<Vec<PathBuf>> {
    let own = format!("{}/fuzz/seeds/{}", target.member, target.name);
    let mut seeds = Vec::new();
    for (folder, end) in [Some((own.as_str(), "")), target.seeds].into_iter().flatten() {
        if !root().join(folder).is_dir() {
            continue;
        }
        let files = files_below(&root().join(folder), &[])?;
        seeds.extend(files.iter().map(|file| Path::new(folder).join(file)).filter(|path| {
            let size = fs::metadata(root().join(path)).map_or(0, |metadata| metadata.len());
            path.display().to_string().ends_with(end) && (1..=MAX_SEED_BYTES).contains(&size)
        }));
    }
    ensure!(!seeds.is_empty(), "target `{}`: expected seeds in {own}", target.name);
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_known_and_has_seeds() {
        for member in ["datasets", "experiments", "xtask"] {
            let manifest = fs::read_to_string(root().join(member).join("fuzz/Cargo.toml")).unwrap();
            let manifest: toml::Table = manifest.parse().unwrap();
            let programs = manifest["bin"].as_array().unwrap().iter();
            let mut names: Vec<_> = programs.map(|program| program["name"].as_str().unwrap()).collect();
            let of_member = TARGETS.iter().filter(|target| target.member == member);
            let mut known: Vec<_> = of_member.map(|target| target.name).collect();
            names.sort_unstable();
            known.sort_unstable();
            assert_eq!(names, known, "{member}");
        }
        for target in &TARGETS {
            seeds(target).unwrap();
        }
    }

    #[test]
    fn the_lock_file_is_copied_when_it_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "1").unwrap();
        take_lock(&from, &to).unwrap();
        fs::write(&to, "1 and more").unwrap();
        take_lock(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "1 and more");
        let later = fs::metadata(&to).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
        fs::File::options().append(true).open(&from).unwrap().set_modified(later).unwrap();
        take_lock(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "1");
    }
}
