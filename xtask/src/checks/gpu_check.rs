//! `cargo xtask gpu-check`: all checks that need a GPU, in one go, or those that an emulator can do.
//!
//! Each step has its own time limit and a file with its output, so that nothing is lost when the time on a machine ends. For a
//! machine without Rust and without a network, copy this folder and the three programs `xtask`, `experiments` and `reports` of
//! `target/release`. Then run `target/release/xtask gpu-check --prebuilt` there.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use smash_emulator::Emulator;

use crate::checks::{bench, kernel_times, tables};
use crate::outln;
use crate::process::{self, Binaries, Gpu};

/// What to check, and where.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// Device to check: `cuda`, `cuda:INDEX` or `wgpu`
    #[arg(long, default_value = "cuda", value_parser = process::parse_device)]
    device: String,
    /// Check on the emulator of CUDA, which needs g++ and no GPU; steps that measure time are left out
    #[arg(long, conflicts_with = "device")]
    emulated: bool,
    /// With --emulated: give every kernel to the NVRTC of this folder too, which has lib/libnvrtc.so.* and include
    #[arg(long, value_name = "DIR", requires = "emulated")]
    nvrtc: Option<PathBuf>,
    /// With --nvrtc: architectures to compile for
    #[arg(long, value_name = "NAMES", default_value = "sm_80,sm_90a", requires = "nvrtc")]
    architectures: String,
    /// Build nothing: use the programs beside this one
    #[arg(long)]
    prebuilt: bool,
    /// Folder with further golden files, such as v1.safetensors and v1.json
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,
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

/// Figure 4 with a SMASH training of a few small steps, which spread rounding only a little.
const SHORT: [&str; 5] = ["fig4", "--set", "study.smash.epochs=2", "--set", "study.smash.learning-rate=0.001"];

/// Largest deviation from the CPU that the short fig4 may have.
const DEVIATION: &str = "1e-4";

/// Minutes that a step may take, unless it says otherwise.
const LIMIT: u64 = 10;

/// Everything that a step needs.
struct Check<'a> {
    args: &'a Args,
    binaries: Binaries,
    emulator: Option<Emulator>,
    /// The library of the real NVRTC that must take every kernel too.
    nvrtc: Option<PathBuf>,
    failed: Vec<String>,
}

/// Runs the checks one after the other. It continues after a check that fails.
pub fn run(args: &Args) -> Result<()> {
    // Some steps work in a folder of their own.
    let args = &Args { results: std::path::absolute(&args.results)?, ..args.clone() };
    let gpu = if args.emulated { Gpu::Cuda } else { Gpu::needed_for(&args.device)? };
    ensure!(gpu != Gpu::Without, "--device cpu: a CPU has its own checks, `cargo xtask ci`");
    let nvrtc = args.nvrtc.as_deref().map(library_of_nvrtc).transpose()?;
    for (flag, folder) in [("--golden", &args.golden), ("--data-dir", &args.data_dir)] {
        if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
            bail!("{flag} {}: no such folder", folder.display());
        }
    }
    let emulator = match args.emulated {
        true => Some(Emulator::build(&args.results.join("emulator")).map_err(anyhow::Error::msg)?),
        false => None,
    };
    let binaries = if args.prebuilt { Binaries::prebuilt()? } else { Binaries::build(gpu)? };
    fs::create_dir_all(&args.results).with_context(|| args.results.display().to_string())?;
    let mut check = Check { args, binaries, emulator, nvrtc, failed: Vec::new() };
    check.golden_values();
    check.smoke();
    check.memory();
    check.kernel_times();
    if args.emulated {
        outln!("\n==> times of an emulator say nothing about a card");
        outln!("==> left out on it: throughput, PyTorch, and a part of fig4 on CIFAR-100");
    } else {
        check.speed();
        check.real_data();
    }
    if let Some(emulator) = &check.emulator {
        outln!("\n{}", kernels(emulator, args)?);
    }
    ensure!(check.failed.is_empty(), "failed: {}", check.failed.join(", "));
    Ok(())
}

impl Check<'_> {
    fn golden_values(&mut self) {
        let mut kernels = self.binaries.experiments();
        kernels.arg("kernels");
        self.command("kernels against the CPU's", LIMIT, &mut self.on_device(kernels));
        let own = process::root().join("smash/tests/golden");
        let others = self.args.golden.iter().flat_map(|folder| ["v1", "v2"].map(|name| (folder.clone(), name)));
        for (folder, name) in [(own, "small")].into_iter().chain(others) {
            let files = ["safetensors", "json"].map(|kind| folder.join(format!("{name}.{kind}")));
            let mut compare = self.binaries.experiments();
            compare.arg("golden").args(files);
            self.command(&format!("golden {name}"), LIMIT, &mut self.on_device(compare));
        }
    }

    /// Every artefact at smoke scale here and on the CPU; then a short fig4 on the CPU, and twice here.
    fn smoke(&mut self) {
        let deviations = |results: [&Path; 2]| {
            let mut deviations = self.binaries.reports();
            deviations.arg("deviations").args(results);
            deviations
        };
        let at = |name: &str| self.args.results.join(name);
        let [all_cpu, all, cpu, device, again] = ["smoke-cpu", "smoke", "short-cpu", "short", "short-again"].map(at);
        let mut all_on_cpu = self.smoke_run(&["--all"], &all_cpu);
        let mut all_here = self.on_device(self.smoke_run(&["--all"], &all));
        let mut of_all = deviations([&all_cpu, &all]);
        let mut on_cpu = self.smoke_run(&SHORT, &cpu);
        let mut here = self.on_device(self.smoke_run(&SHORT, &device));
        let mut once_more = self.on_device(self.smoke_run(&SHORT, &again));
        let mut of_short = deviations([&cpu, &device]);
        of_short.args(["--at-most", DEVIATION]);
        self.command("all artefacts on the CPU", LIMIT, &mut all_on_cpu);
        // On an emulator, most of this time goes into compiling kernels.
        self.command("all artefacts on the device", 60, &mut all_here);
        self.command("largest deviations from the CPU", LIMIT, &mut of_all);
        self.command("a short fig4 on the CPU", LIMIT, &mut on_cpu);
        self.command("a short fig4 on the device", LIMIT, &mut here);
        self.command("a short fig4 on the device again", LIMIT, &mut once_more);
        self.command("the short fig4 within the largest deviation allowed", LIMIT, &mut of_short);
        self.step("the same seed twice", |_| {
            let first = tables::read_results(&device)?;
            let differences =
                tables::read_results(&again)?.into_iter().filter(|(key, bytes)| first.get(key) != Some(bytes));
            let differences: Vec<String> = differences.map(|(key, _)| key.to_string()).collect();
            ensure!(differences.is_empty(), "tables differ: {}", differences.join(", "));
            Ok("equal tables".into())
        });
    }

    /// Memory on the device while ever new architectures are scored.
    fn memory(&mut self) {
        for architectures in ["100", "500"] {
            let name = format!("memory over {architectures} new architectures");
            let results = self.args.results.join(format!("memory-{architectures}"));
            let mut run = self.on_device(self.smoke_run(&SHORT, &results));
            run.arg("--set").arg(format!("study.scored={architectures}"));
            let log = self.args.results.join(format!("memory-{architectures}.json"));
            run.env("EMULATED_CUDA_LOG", &log);
            self.step(&name, |output| {
                // The log is appended to.
                let _ = fs::remove_file(&log);
                let usage = Usage::start("memory.used");
                end_within(&mut run, 2 * LIMIT, output)?;
                Ok(match fs::read_to_string(&log) {
                    Ok(counts) => counts,
                    Err(_) => format!("largest use of memory on the card: {} MiB", usage.largest()),
                })
            });
        }
    }

    /// A short fig4 that compiles its kernels, another one that finds them compiled, and one that logs the time of each launch.
    fn kernel_times(&mut self) {
        let run = |folder: &Path, name: &str| {
            let mut run = self.on_device(self.smoke_run(&SHORT, &folder.join(name)));
            run.current_dir(folder);
            run
        };
        let [kept, logged] = ["kept-kernels", "logged-launches"].map(|name| self.args.results.join(name));
        let [mut compiles, mut compiled] = ["compiles", "compiled"].map(|name| run(&kept, name));
        let mut logs = run(&logged, "results");
        self.step("a short fig4 that compiles its kernels", |output| {
            new_folder(&kept, kernel_times::KEPT_KERNELS)?;
            end_within(&mut compiles, LIMIT, output).map(|()| String::new())
        });
        self.command("a short fig4 with compiled kernels", LIMIT, &mut compiled);
        self.step("time by kind of kernel", |output| {
            new_folder(&logged, kernel_times::LOGGED_LAUNCHES)?;
            end_within(&mut logs, LIMIT, output)?;
            let log = logged.join("launches.log");
            let launches = fs::read_to_string(&log).with_context(|| log.display().to_string())?;
            Ok(format!("each launch waits for the one before\n{}", kernel_times::by_kind(&launches)))
        });
    }

    fn speed(&mut self) {
        let mut run = self.binaries.experiments();
        run.args(["run", "throughput", "--scale", "gpu", "--dataset", "shapes", "--results"]);
        let mut run = self.on_device(run);
        run.arg(self.args.results.join("throughput"));
        self.step("throughput", |output| {
            let usage = Usage::start("utilization.gpu");
            end_within(&mut run, LIMIT, output)?;
            Ok(format!("use of the GPU: {} % on average", usage.mean()))
        });
        let mut figure = self.binaries.reports();
        figure.args(["figure", "throughput", "--results"]).arg(self.args.results.join("throughput"));
        figure.arg("--out").arg(&self.args.results);
        self.command("figure of throughput", LIMIT, &mut figure);
        match &self.args.python {
            Some(python) => {
                let (binaries, device, python) = (self.binaries.clone(), self.args.device.clone(), python.clone());
                self.step("the same steps in PyTorch", |_| {
                    bench::on_device(&binaries, &device, &python).map(|()| String::new())
                });
            }
            None => outln!("\n==> the same steps in PyTorch: left out; --python names a Python that has PyTorch"),
        }
    }

    fn real_data(&mut self) {
        let Some(folder) = &self.args.data_dir else {
            return outln!("\n==> a part of fig4 on CIFAR-100: left out; --data-dir names a folder that has the set");
        };
        let run = || {
            let mut run = self.binaries.experiments();
            run.args(["run", "fig4", "--scale", "gpu", "--dataset", "cifar100", "--data-dir"]).arg(folder);
            run.arg("--results").arg(self.args.results.join("gpu"));
            self.on_device(run)
        };
        let (mut part, mut plan) = (run(), run());
        let minutes = self.args.minutes;
        self.step("a part of fig4 on CIFAR-100", |output| {
            let usage = Usage::start("utilization.gpu");
            let ended = within(&mut part, Duration::from_secs(60 * minutes), output)?;
            let end = if ended { "complete" } else { "stopped; the next call resumes it" };
            Ok(format!("{end}; use of the GPU: {} % on average", usage.mean()))
        });
        self.command("what is left of it", LIMIT, plan.arg("--plan"));
    }

    /// A run at smoke scale of an artefact with settings, or of all.
    fn smoke_run(&self, what: &[&str], results: &Path) -> Command {
        let mut run = self.binaries.experiments();
        run.arg("run").args(what).args(["--scale", "smoke", "--results"]).arg(results);
        run
    }

    /// The command on the device that is checked.
    fn on_device(&self, mut command: Command) -> Command {
        command.args(["--device", &self.args.device]);
        if let Some(emulator) = &self.emulator {
            command.envs(emulator.environment());
            if let (Some(folder), Some(nvrtc)) = (&self.args.nvrtc, &self.nvrtc) {
                let include = folder.join("include").display().to_string();
                command.env("EMULATED_CUDA_REAL_NVRTC", nvrtc);
                command.env("EMULATED_CUDA_REAL_INCLUDE", format!("{include}:{include}/cccl"));
                command.env("EMULATED_CUDA_REAL_ARCHITECTURES", &self.args.architectures);
                command.env("EMULATED_CUDA_REAL_REFUSALS", self.args.results.join("refused.txt"));
            }
        }
        command
    }

    /// A step that is one command.
    fn command(&mut self, name: &str, minutes: u64, command: &mut Command) {
        self.step(name, |output| end_within(command, minutes, output).map(|()| String::new()));
    }

    /// Does a step, whose commands write to a file, and prints the end of that file with the step's own result.
    fn step(&mut self, name: &str, step: impl FnOnce(&Path) -> Result<String>) {
        outln!("\n==> {name}");
        let output = self.args.results.join(format!("{}.txt", name.replace(' ', "-")));
        let start = Instant::now();
        let outcome = fs::write(&output, "").map_err(anyhow::Error::from).and_then(|()| step(&output));
        let written = fs::read_to_string(&output).unwrap_or_default();
        let lines: Vec<&str> = written.lines().collect();
        for line in &lines[lines.len().saturating_sub(30)..] {
            outln!("{line}");
        }
        let result = match outcome {
            Ok(result) => result.trim_end().to_owned(),
            Err(error) => {
                self.failed.push(name.to_owned());
                format!("FAILED: {error:#}")
            }
        };
        let end = format!("==> {name}: {:.1} s  {result}", start.elapsed().as_secs_f64());
        outln!("{}", end.trim_end());
        if let Err(error) = fs::write(&output, format!("{written}{end}\n")) {
            outln!("{}: cannot be written: {error}", output.display());
        }
    }
}

/// The library of NVRTC in a folder of CUDA.
fn library_of_nvrtc(folder: &Path) -> Result<PathBuf> {
    let lib = folder.join("lib");
    let files =
        fs::read_dir(&lib).with_context(|| lib.display().to_string())?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_nvrtc =
        |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libnvrtc.so"));
    files.into_iter().find(is_nvrtc).with_context(|| format!("{}: no libnvrtc.so there", lib.display()))
}

/// The numbers of kernels that the emulator has compiled, and that the real NVRTC refused.
fn kernels(emulator: &Emulator, args: &Args) -> Result<String> {
    let compiled = emulator.kernels()?;
    if args.nvrtc.is_none() {
        return Ok(format!("{compiled} kernels compiled"));
    }
    let refusals = fs::read_to_string(args.results.join("refused.txt")).unwrap_or_default();
    ensure!(refusals.is_empty(), "NVRTC refuses kernels:\n{refusals}");
    Ok(format!("{compiled} kernels compiled; NVRTC takes all of them for {}", args.architectures))
}

/// Makes an empty folder that holds nothing but settings of CubeCL.
fn new_folder(folder: &Path, settings: &str) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("cubecl.toml"), settings).with_context(|| folder.display().to_string())
}

/// Runs a program to its end with its output in a file. After these minutes it is killed.
fn end_within(command: &mut Command, minutes: u64, output: &Path) -> Result<()> {
    match within(command, Duration::from_secs(60 * minutes), output)? {
        true => Ok(()),
        false => bail!("stopped after {minutes} minutes"),
    }
}

/// Runs a program to its end and returns true, or kills it after some time and returns false. Its output goes to a file.
fn within(command: &mut Command, limit: Duration, output: &Path) -> Result<bool> {
    let file = File::options().append(true).create(true).open(output).with_context(|| output.display().to_string())?;
    command.stdout(file.try_clone()?).stderr(file);
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

/// A property of the GPU as nvidia-smi reports it, once a second.
struct Usage(Option<Child>);

impl Usage {
    fn start(property: &str) -> Self {
        let mut command = Command::new("nvidia-smi");
        command.args([&format!("--query-gpu={property}"), "--format=csv,noheader,nounits", "--loop=1"]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok())
    }

    fn mean(self) -> String {
        let values = self.values();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        if values.is_empty() { "unknown".into() } else { format!("{mean:.0}") }
    }

    fn largest(self) -> String {
        self.values().into_iter().reduce(f64::max).map_or("unknown".into(), |largest| format!("{largest:.0}"))
    }

    /// The values so far; none without nvidia-smi.
    fn values(self) -> Vec<f64> {
        let Some(mut child) = self.0 else { return Vec::new() };
        // The program ends by itself only on an error, which leaves no values.
        let _ = child.kill();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let values = lines.map_while(Result::ok).filter_map(|line| line.trim().parse().ok()).collect();
        let _ = child.wait();
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::cargo;

    #[test]
    fn a_program_that_takes_too_long_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output.txt");
        assert!(within(cargo().unwrap().arg("--version"), Duration::from_secs(60), &output).unwrap());
        assert!(fs::read_to_string(&output).unwrap().contains("cargo"));
        let mut sleep = Command::new("sleep");
        assert!(!within(sleep.arg("60"), Duration::from_millis(300), &output).unwrap());
        let error = within(cargo().unwrap().arg("--no-such-flag"), Duration::from_secs(60), &output).unwrap_err();
        assert!(error.to_string().contains("ended with"), "{error}");
    }
}
