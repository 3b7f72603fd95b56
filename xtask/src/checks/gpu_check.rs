//! `cargo xtask gpu-check`: all checks that need a GPU, in one go.
//!
//! For a machine without Rust and without a network, copy this folder and the three programs `xtask`, `experiments` and `reports`
//! of `target/release`. Then run `target/release/xtask gpu-check --prebuilt` there.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::checks::bench;
use crate::outln;
use crate::process::{self, Binaries, Cuda};

/// What to check, and where.
#[derive(clap::Args)]
pub struct Args {
    /// Device to check: `cuda` or `cuda:INDEX`
    #[arg(long, default_value = "cuda", value_parser = process::parse_device)]
    device: String,
    /// Build nothing: use the programs beside this one
    #[arg(long)]
    prebuilt: bool,
    /// A Python that has PyTorch for CUDA, safetensors and NumPy; without it, the comparison with PyTorch is left out
    #[arg(long)]
    python: Option<PathBuf>,
    /// Folder with CIFAR-100; without it, the part of fig4 on real data is left out
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Minutes after which the part of fig4 on real data is stopped; the next call resumes it
    #[arg(long, default_value_t = 20)]
    minutes: u64,
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "target/gpu-check")]
    results: PathBuf,
}

/// Levels of tuning that are compared: each kernel's first choice, and burn's default.
const TUNING: [&str; 2] = ["minimal", "balanced"];

/// Runs the checks one after the other and prints the result of each. It continues after a check that fails.
pub fn run(args: &Args) -> Result<()> {
    let binaries =
        if args.prebuilt { Binaries::prebuilt()? } else { Binaries::build(Cuda::needed_for(&args.device)?)? };
    let golden = process::root().join("smash/tests/golden");
    let mut failed = Vec::new();
    let mut check = |name: &str, check: &dyn Fn() -> Result<()>| {
        outln!("\n==> {name}");
        let start = Instant::now();
        let outcome = check();
        outln!("==> {name}: {:.1} s", start.elapsed().as_secs_f64());
        if let Err(error) = outcome {
            outln!("==> {name} FAILED: {error:#}");
            failed.push(name.to_owned());
        }
    };
    for device in ["cpu", &args.device] {
        check(&format!("golden values on {device}"), &|| {
            let mut compare = binaries.experiments();
            compare.arg("golden").args(["small.safetensors", "small.json"].map(|file| golden.join(file)));
            process::run(compare.args(["--device", device]))
        });
    }
    check("fig4 at smoke scale", &|| {
        process::run(&mut experiment(args, &binaries, "fig4", "smoke", "smoke"))?;
        let mut figure = binaries.reports();
        let results = args.results.join("smoke");
        figure.args(["figure", "fig4", "--results"]).arg(&results).arg("--out").arg(&results);
        process::run(&mut figure)
    });
    for level in TUNING {
        check(&format!("throughput, tuning {level}"), &|| {
            let usage = Usage::start();
            let mut run = experiment(args, &binaries, "throughput", "gpu", level);
            process::run(run.env("CUBECL_AUTOTUNE_LEVEL", level).args(["--dataset", "shapes"]))?;
            let mut figure = binaries.reports();
            figure.args(["figure", "throughput", "--results"]).arg(args.results.join(level));
            process::run(&mut figure)?;
            outln!("{}", usage.mean());
            Ok(())
        });
    }
    match &args.python {
        Some(python) => check("the same steps in PyTorch", &|| bench::on_device(&binaries, &args.device, python)),
        None => outln!("\n==> the same steps in PyTorch: left out; --python names a Python that has PyTorch"),
    }
    match &args.data_dir {
        Some(folder) => check("a part of fig4 on CIFAR-100", &|| {
            let usage = Usage::start();
            let mut run = experiment(args, &binaries, "fig4", "gpu", "gpu");
            run.args(["--dataset", "cifar100", "--data-dir"]).arg(folder);
            let ended = within(&mut run, Duration::from_secs(60 * args.minutes))?;
            let end = if ended { "complete" } else { "stopped; the next call resumes it" };
            outln!("{end}; {}", usage.mean());
            let mut plan = experiment(args, &binaries, "fig4", "gpu", "gpu");
            process::run(plan.args(["--plan", "--dataset", "cifar100", "--data-dir"]).arg(folder))
        }),
        None => outln!("\n==> a part of fig4 on CIFAR-100: left out; --data-dir names a folder that has the set"),
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn experiment(args: &Args, binaries: &Binaries, artefact: &str, scale: &str, folder: &str) -> Command {
    let mut run = binaries.experiments();
    run.args(["run", artefact, "--scale", scale, "--device", &args.device, "--results"]);
    run.arg(args.results.join(folder));
    run
}

/// Runs a program to its end and returns true, or kills it after some time and returns false.
fn within(command: &mut Command, limit: Duration) -> Result<bool> {
    let mut child = process::spawn(command)?;
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return process::outcome(command, Ok(status)).map(|()| true);
        }
        thread::sleep(Duration::from_millis(200));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}

/// Use of the GPU as nvidia-smi reports it, once a second.
struct Usage(Option<Child>);

impl Usage {
    fn start() -> Self {
        let mut command = Command::new("nvidia-smi");
        command.args(["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop=1"]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok())
    }

    fn mean(self) -> String {
        let Some(mut child) = self.0 else {
            return "use of the GPU: not known, because nvidia-smi cannot be started".into();
        };
        // The program ends by itself only on an error, which leaves no values.
        let _ = child.kill();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let values: Vec<f64> = lines.map_while(Result::ok).filter_map(|line| line.trim().parse().ok()).collect();
        let _ = child.wait();
        match values.len() {
            0 => "use of the GPU: not known, because nvidia-smi printed no values".into(),
            count => {
                format!("use of the GPU: {:.0} % on average over {count} s", values.iter().sum::<f64>() / count as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::cargo;

    #[test]
    fn a_program_that_takes_too_long_is_stopped() {
        assert!(within(cargo().unwrap().arg("--version"), Duration::from_secs(60)).unwrap());
        let mut sleep = Command::new("sleep");
        assert!(!within(sleep.arg("60"), Duration::from_millis(300)).unwrap());
        let error = within(cargo().unwrap().arg("--no-such-flag"), Duration::from_secs(60)).unwrap_err();
        assert!(error.to_string().contains("ended with"), "{error}");
    }
}
