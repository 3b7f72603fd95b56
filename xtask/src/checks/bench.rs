//! `cargo xtask bench`: the criterion benches, or our steps against the same steps in PyTorch.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::builder::RangedU64ValueParser;

use crate::checks::tables::write_atomically;
use crate::outln;
use crate::process::{self, Binaries, Gpu, cargo};

/// The measurement to make.
#[derive(clap::Args)]
pub struct Args {
    /// Measure against PyTorch, which comes from PyPI into a virtual environment below the target folder
    #[arg(long)]
    peer: bool,
    /// Sizes of the networks to measure, as in the golden files
    #[arg(long, requires = "peer", value_delimiter = ',', default_value = "small,v1,v2", value_parser = SIZES)]
    sizes: Vec<String>,
    /// Number of measurements of each row on each side, in turn
    #[arg(long, requires = "peer", default_value_t = 10, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    rounds: usize,
    /// Store the table in this file; the README uses results/baselines/peer.toml
    #[arg(long, requires = "peer", value_name = "FILE")]
    save: Option<PathBuf>,
    /// Device of both sides: `cpu`, `cuda`, `cuda:INDEX` or `wgpu`
    #[arg(long, requires = "peer", default_value = "cpu", value_parser = process::parse_device)]
    device: String,
    /// Build nothing: use the programs beside this one
    #[arg(long, requires = "peer")]
    prebuilt: bool,
    /// A Python that has PyTorch, safetensors and NumPy, to use instead of the virtual environment
    #[arg(long, requires = "peer")]
    python: Option<PathBuf>,
}

const SIZES: [&str; 3] = ["small", "v1", "v2"];

const ROWS: [&str; 4] =
    ["SMASH training step", "resulting-net training step", "scoring", "HyperNet, forward and backward"];

/// Largest difference between two losses that count as the same: on a CPU, and on a GPU, whose products may be TF32.
const LOSS_TOLERANCES: [f64; 2] = [1e-4, 1e-2];
/// Number of rounds that are not counted.
const WARM_UP: usize = 2;

/// Runs the benches and prints the results.
pub fn run(args: &Args) -> Result<()> {
    if !args.peer {
        return process::run(cargo()?.args(["bench", "--workspace", "--benches"]));
    }
    let binaries = match args.prebuilt {
        true => Binaries::prebuilt()?,
        false => Binaries::build(Gpu::needed_for(&args.device)?)?,
    };
    peer(args, &binaries)
}

/// Compares with PyTorch on a device, by programs that are already built.
pub fn on_device(binaries: &Binaries, device: &str, python: &Path) -> Result<()> {
    let args = Args {
        peer: true,
        sizes: SIZES.map(str::to_owned).into(),
        rounds: 20,
        save: None,
        device: device.to_owned(),
        prebuilt: true,
        python: Some(python.to_owned()),
    };
    peer(&args, binaries)
}

fn peer(args: &Args, binaries: &Binaries) -> Result<()> {
    let work = process::built()?.join("../peer");
    fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
    let python = match &args.python {
        Some(python) => python.clone(),
        None => virtual_environment(&work)?,
    };
    let golden = process::root().join("smash/tests/golden");
    let networks: Vec<_> = args.sizes.iter().map(|size| (size, golden.join(format!("archs-{size}.json")))).collect();
    let tolerance = LOSS_TOLERANCES[usize::from(args.device != "cpu")];
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let commit = binaries.label()?;
    let (mut head, mut stored) = (String::new(), String::new());
    outln!("batches of 50, {threads} threads, milliseconds, minimum and median of {} rounds", args.rounds);
    outln!("ratio: PyTorch's time divided by ours; above 1, ours is faster");
    outln!("{:<8}{:<32}{:>18}{:>18}{:>16}", "size", "row", "ours", "PyTorch", "ratio");
    for (size, architectures) in networks {
        let folder = work.join(size);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let mut ours = binaries.experiments();
        ours.arg("peer").arg(&architectures).arg(&folder);
        let mut ours = Side::start(ours.args(["--device", &args.device]))?;
        let script = process::root().join("experiments/peer/peer.py");
        let mut peer = Command::new(&python);
        peer.arg(script).arg(&folder).args([&threads.to_string(), &args.device]);
        let mut peer = Side::start(&mut peer)?;
        for loss in ["smash", "resulting"] {
            let [a, b] = [&ours, &peer].map(|side| side.about[loss].as_f64().unwrap_or(f64::NAN));
            ensure!(
                (a - b).abs() < tolerance,
                "{size}: the {loss} loss is {a} here and {b} in PyTorch, so the two sides compute different things"
            );
        }
        for row in ROWS {
            let mut times = [Vec::new(), Vec::new()];
            for round in 0..WARM_UP + args.rounds {
                for (times, side) in times.iter_mut().zip([&mut ours, &mut peer]) {
                    let time = side.ask(row)?;
                    if round >= WARM_UP {
                        times.push(time);
                    }
                }
            }
            let [ours, peer] = times.map(Summary::of);
            store_row(&mut stored, size, row, [&ours, &peer]);
            outln!(
                "{size:<8}{row:<32}{ours:>18}{peer:>18}{:>8.2}{:>8.2}",
                peer.minimum / ours.minimum,
                peer.median / ours.median
            );
        }
        head = format!(
            "commit = \"{}\"\ncpu = {}\nthreads = {threads}\ntorch = {}\nrounds = {}\n",
            commit, ours.about["cpu"], peer.about["torch"], args.rounds
        );
        let [ours, peer] = [ours.ask("memory")?, peer.ask("memory")?];
        let of_memory = [ours, peer].map(|value| Summary::of(vec![value]));
        store_row(&mut stored, size, "peak memory", [&of_memory[0], &of_memory[1]]);
        outln!("{size:<8}{:<32}{ours:>18.0}{peer:>18.0}{:>16.2}", "peak memory, MiB", peer / ours);
    }
    if let Some(file) = &args.save {
        write_atomically(file, (head + &stored).as_bytes())?;
    }
    Ok(())
}

/// Adds a row to the stored table.
fn store_row(stored: &mut String, size: &str, name: &str, [ours, peer]: [&Summary; 2]) {
    let values = |summary: &Summary| format!("[{:?}, {:?}]", summary.minimum, summary.median);
    let (ours, peer) = (values(ours), values(peer));
    stored.push_str(&format!("\n[[rows]]\nsize = \"{size}\"\nname = \"{name}\"\nours = {ours}\npeer = {peer}\n"));
}

/// A Python with the packages that the script needs, created on first use.
fn virtual_environment(work: &Path) -> Result<PathBuf> {
    let folder = work.join("venv");
    let python = folder.join("bin/python");
    let requirements = process::root().join("experiments/peer/requirements.txt");
    let done = folder.join("requirements.txt");
    if fs::read(&done).ok() != Some(fs::read(&requirements)?) {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut install = Command::new(&python);
        process::run(install.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
        fs::copy(&requirements, &done)?;
    }
    Ok(python)
}

/// Minimum and median of some times.
struct Summary {
    minimum: f64,
    median: f64,
}

impl Summary {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let (below, above) = (times[(times.len() - 1) / 2], times[times.len() / 2]);
        Self { minimum: times[0], median: (below + above) / 2.0 }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.1} {:.1}", self.minimum, self.median))
    }
}

/// One side of the comparison: a program that answers each line with a number.
struct Side {
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Losses, and the side's description of itself.
    about: serde_json::Value,
}

impl Side {
    fn start(command: &mut Command) -> Result<Self> {
        let mut program = process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let input = program.stdin.take().expect("piped");
        let mut output = BufReader::new(program.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let about = serde_json::from_str(&line);
        let about = about.with_context(|| format!("{}: expected a line of losses", command.get_program().display()))?;
        Ok(Self { program, input, output, about })
    }

    fn ask(&mut self, row: &str) -> Result<f64> {
        writeln!(self.input, "{row}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim().parse().with_context(|| format!("`{row}` was answered with `{}`", line.trim()))
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // The program ends by itself when its input ends. Killing it loses nothing.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_times_is_the_mean_of_the_middle_two() {
        for (times, median) in [(vec![4.0, 1.0, 3.0], 3.0), (vec![8.0, 1.0, 2.0, 4.0], 3.0), (vec![5.0], 5.0)] {
            let found = Summary::of(times);
            assert_eq!((found.minimum, found.median), (if found.median == 5.0 { 5.0 } else { 1.0 }, median));
        }
    }

    #[test]
    fn at_least_one_round_is_measured() {
        let refused = |rounds: &str| {
            let words = ["xtask", "bench", "--peer", "--rounds", rounds];
            crate::Cli::command().try_get_matches_from(words).err().map(|error| error.to_string())
        };
        assert!(refused("0").is_some_and(|error| error.contains("--rounds")));
        assert_eq!(refused("1"), None);
    }
}
