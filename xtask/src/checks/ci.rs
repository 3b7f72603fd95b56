//! `cargo xtask ci`: every check, the cheapest first, stopping at the first that fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::checks::tables::{self, Tables};
use crate::process::{self, Binaries, Gpu, cargo};
use crate::runs::report;
use crate::{out, outln};

/// How the committed baselines are treated.
#[derive(clap::Args)]
pub struct Args {
    /// Renew results/baselines once all other checks have passed.
    #[arg(long)]
    bless: bool,
}

/// A named check; on success it returns a remark for the summary, possibly empty.
type Step<'a> = (&'static str, &'a dyn Fn() -> Result<String>);

/// Runs the checks and prints a summary of steps and seconds.
pub fn run(args: &Args) -> Result<()> {
    let steps: &[Step] = &[
        ("format", &|| check("fmt --all --check")),
        ("tidy", &|| check("test --release --package xtask")),
        // This check is built with the backends of GPUs, most tests without them. All code is thus compiled, and all
        // dependencies are checked once.
        ("clippy", &|| {
            check(
                "clippy --release --workspace --all-targets --features experiments/cuda,experiments/wgpu -- -D warnings",
            )
        }),
        ("test", &|| check("test --release --workspace")),
        ("emulated CUDA", &emulated_cuda),
        ("software Vulkan", &software_vulkan),
        ("docs", &docs),
        ("smoke, twice", &smoke_twice),
        if args.bless { ("bless baselines", &bless) } else { ("drift", &drift) },
        ("published", &published),
    ];
    let mut summary = String::from("\n==> summary\n");
    let mut outcome = Ok(());
    for (name, step) in steps {
        if outcome.is_err() {
            summary += &summary_line(name, "-", "not run");
            continue;
        }
        outln!("\n==> {name}");
        let start = Instant::now();
        let result = step();
        let seconds = format!("{:.1}", start.elapsed().as_secs_f64());
        outln!("==> {name}: {seconds} s");
        summary += &match &result {
            Ok(remark) => summary_line(name, &seconds, remark),
            Err(_) => summary_line(name, &seconds, "FAILED"),
        };
        outcome = result.map(drop).with_context(|| format!("step `{name}` failed"));
    }
    out!("{summary}");
    outcome
}

fn summary_line(name: &str, seconds: &str, remark: &str) -> String {
    let line = format!("{name:<16}{seconds:>8} s  {remark}");
    format!("{}\n", line.trim_end())
}

/// Runs cargo with these words as arguments.
fn check(arguments: &str) -> Result<String> {
    process::run(cargo()?.args(arguments.split(' ')))?;
    Ok(String::new())
}

/// The call of the tests of a GPU's backend, which measure no time. The backend changes features of burn, so these crates are built again
/// in any case. They are built in the fastest way.
fn test_of_gpu(name: &str) -> Result<Command> {
    let mut test = cargo()?;
    test.args(["test", "--release", "--workspace", "--features", &format!("experiments/{name}"), "--test", name]);
    for package in ["burn-flex", "experiments", "smash"] {
        test.args(["--config", &format!("profile.release.package.{package}.opt-level=0")]);
    }
    Ok(test)
}

fn emulated_cuda() -> Result<String> {
    process::run(&mut test_of_gpu("cuda")?)?;
    Ok(String::new())
}

/// Tests wgpu where Mesa's software Vulkan is installed.
fn software_vulkan() -> Result<String> {
    let driver = Path::new("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json");
    if !driver.exists() {
        return Ok("skipped: Mesa's lavapipe is not installed (Debian: mesa-vulkan-drivers)".into());
    }
    process::run(test_of_gpu("wgpu")?.env("VK_ICD_FILENAMES", driver))?;
    Ok(String::new())
}

fn docs() -> Result<String> {
    let arguments = "doc --release --workspace --no-deps --features experiments/cuda,experiments/wgpu";
    process::run(cargo()?.args(arguments.split(' ')).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(String::new())
}

/// Checks that neither a second run nor units side by side change a bit of any table.
fn smoke_twice() -> Result<String> {
    let alone = run_smoke("1")?;
    let side_by_side = run_smoke("2")?;
    let differences = tables::differences(&alone, &side_by_side);
    ensure!(differences.is_empty(), "tables of `--jobs 1` and `--jobs 2` differ:\n{}", differences.join("\n"));
    Ok(format!("{} tables equal", alone.len()))
}

fn run_smoke(n_jobs: &str) -> Result<Tables> {
    let binaries = Binaries::build(Gpu::Without)?;
    let results = smoke_results(n_jobs);
    // A run would resume the results of an earlier run instead of making them anew.
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("{}: cannot be removed", results.display()))?;
    }
    let mut run = binaries.experiments();
    run.args(["run", "--all", "--scale", "smoke", "--device", "cpu", "--jobs", n_jobs]);
    process::run(run.arg("--results").arg(&results))?;
    tables::read_results(&results)
}

fn smoke_results(n_jobs: &str) -> PathBuf {
    process::root().join("target/ci").join(format!("jobs-{n_jobs}"))
}

/// Checks that the smoke tables are the committed ones, bit for bit, on the same class of processor.
fn drift() -> Result<String> {
    let found = tables::to_baselines(tables::read_results(&smoke_results("1"))?);
    compare_with_baselines(tables::baseline_cpu()?.as_deref(), tables::cpu_class(), &tables::read_baselines()?, &found)
}

fn compare_with_baselines(
    baseline_cpu: Option<&str>,
    this_cpu: &str,
    baselines: &Tables,
    found: &Tables,
) -> Result<String> {
    let Some(baseline_cpu) = baseline_cpu else {
        ensure!(baselines.is_empty(), "results/baselines/cpu.txt: missing beside the baselines");
        return Ok("no baselines yet: `cargo xtask ci --bless` makes them".into());
    };
    if baseline_cpu != this_cpu {
        return Ok(format!("not comparable: the baselines were made on {baseline_cpu}, this machine has {this_cpu}"));
    }
    let differences = tables::differences(baselines, found);
    if differences.is_empty() {
        return Ok(format!("{} tables equal", found.len()));
    }
    bail!(
        "tables have drifted from results/baselines:\n{}\nIf the change is intended, renew them with \
         `cargo xtask ci --bless` and say why in the commit.",
        differences.join("\n")
    )
}

fn bless() -> Result<String> {
    let found = tables::to_baselines(tables::read_results(&smoke_results("1"))?);
    tables::write_baselines(&found)?;
    Ok(format!("{} tables written on {}", found.len(), tables::cpu_class()))
}

/// Checks that the committed results give the committed report, figures and README.
fn published() -> Result<String> {
    let baselines = process::root().join("results/baselines");
    let runs =
        baselines.is_dir() && tables::files_below(&baselines, &[])?.iter().any(|path| path.ends_with("manifest.toml"));
    if !runs {
        return Ok("no run is published yet".into());
    }
    report::published(&["--check".into()])?;
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tables::TableKey;

    fn one_table(bytes: &[u8]) -> Tables {
        let key = TableKey { artefact: "fig4".into(), seed: None, table: "t.parquet".into() };
        Tables::from([(key, bytes.to_vec())])
    }

    #[test]
    fn drift_names_the_table_and_how_to_renew_it() {
        let (old, new) = (one_table(b"1"), one_table(b"2"));
        let error = compare_with_baselines(Some("avx2"), "avx2", &old, &new).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("fig4/t.parquet: differs"), "{message}");
        assert!(message.contains("cargo xtask ci --bless"), "{message}");
    }

    #[test]
    fn equal_tables_have_not_drifted() {
        let remark = compare_with_baselines(Some("avx2"), "avx2", &one_table(b"1"), &one_table(b"1"));
        assert_eq!(remark.unwrap(), "1 tables equal");
    }

    #[test]
    fn tables_of_another_class_of_processor_are_not_compared() {
        let (old, new) = (one_table(b"1"), one_table(b"2"));
        let remark = compare_with_baselines(Some("avx2"), "avx512f", &old, &new).unwrap();
        assert_eq!(remark, "not comparable: the baselines were made on avx2, this machine has avx512f");
    }

    #[test]
    fn baselines_without_their_processor_are_an_error_and_missing_baselines_are_reported() {
        let tables = one_table(b"1");
        assert!(compare_with_baselines(None, "avx2", &tables, &tables).is_err());
        let remark = compare_with_baselines(None, "avx2", &Tables::new(), &tables).unwrap();
        assert!(remark.starts_with("no baselines yet"), "{remark}");
    }
}
