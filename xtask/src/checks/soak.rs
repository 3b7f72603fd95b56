//! `cargo xtask soak`: disturbs a run again and again for hours, and compares its tables with those of an undisturbed run.
//!
//! It kills and stops the run and its workers, and replaces the program, at random times. Between two starts, it harms files of
//! the run, which the run must make again. It also edits files of the checkout that the run reads; the run must refuse them.

mod harms;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::harms::{HARMS, harm, is_refused};
use crate::checks::tables;
use crate::outln;
use crate::process::{self, Binaries, Gpu};
use crate::runs::forward::SCALES;

/// Time between two looks at a run.
const LOOK: Duration = Duration::from_millis(200);

/// Bound of the numbers of minutes and seconds.
const MOST: f64 = 1e6;

/// Factor by which memory and open files may be higher in the last quarter than in the first. Kills hit other units there.
const GROWTH: f64 = 1.25;

/// What to run, and for how long.
#[derive(clap::Args)]
pub struct Args {
    /// Artefact to run
    #[arg(default_value = "fig4")]
    artefact: String,
    /// Scale of the run
    #[arg(long, default_value = "laptop", value_parser = SCALES)]
    scale: String,
    /// Minutes after which the run is left alone
    #[arg(long, default_value_t = 120.0, value_parser = positive)]
    minutes: f64,
    /// Seconds between two blows, on average
    #[arg(long, default_value_t = 60.0, value_parser = positive)]
    between: f64,
    /// Seed of the times between blows, and of the choice of files
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number > 0.0 && number < MOST);
    number.ok_or_else(|| format!("expected a number above 0 and below {MOST}"))
}

/// A way to disturb a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    KillRun,
    StopRun,
    KillWorker,
    /// The program gets another content, as by a build. The run must go on.
    ReplaceProgram,
}

const BLOWS: [Blow; 4] = [Blow::KillRun, Blow::ReplaceProgram, Blow::StopRun, Blow::KillWorker];

/// The resources that the processes of a run use together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Usage {
    mebibytes: f64,
    files: f64,
}

/// The program and the files of the checkout that the runs use. Builds and edits meanwhile must not end them, so they are copies.
struct Checkout {
    /// The program, which a blow may replace.
    program: PathBuf,
    /// The same program under another name.
    kept: PathBuf,
    /// Folder of the definition.
    definitions: PathBuf,
    /// Folder of the benchmarks.
    benchmarks: PathBuf,
}

impl Checkout {
    /// Copies the files into a folder.
    fn make(folder: &Path, artefact: &str, program: &Path) -> Result<Self> {
        let at = |name: &str| folder.join(name);
        let own = Self {
            program: at("experiments"),
            kept: at("experiments.kept"),
            definitions: at("definitions"),
            benchmarks: at("benchmarks"),
        };
        copy(program, &own.kept)?;
        copy(&definition(artefact), &own.definitions.join(format!("{artefact}.toml")))?;
        let benchmarks = process::root().join("results/benchmarks");
        for file in tables::files_below(&benchmarks, &[])? {
            copy(&benchmarks.join(&file), &own.benchmarks.join(&file))?;
        }
        Ok(own)
    }

    /// The files that somebody may edit while a run is interrupted.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in [&self.definitions, &self.benchmarks] {
            files.extend(tables::files_below(folder, &[])?.into_iter().map(|file| folder.join(file)));
        }
        Ok(files)
    }

    /// The command that runs the artefact, with the right program in its place.
    fn command(&self, args: &Args, results: &Path) -> Result<Command> {
        let _ = fs::remove_file(&self.program);
        let place = || format!("{}: cannot be made", self.program.display());
        fs::hard_link(&self.kept, &self.program).with_context(place)?;
        let mut command = Command::new(&self.program);
        // Files of two root seeds can take each other's places.
        command.args(["run", &args.artefact, "--scale", &args.scale, "--seeds", "2", "--definitions"]);
        command.arg(&self.definitions).arg("--benchmarks").arg(&self.benchmarks).arg("--results").arg(results);
        Ok(command)
    }
}

/// The definition of an artefact in this repository.
fn definition(artefact: &str) -> PathBuf {
    process::root().join(format!("experiments/definitions/{artefact}.toml"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().expect("a copy lies in a folder")).with_context(|| to.display().to_string())?;
    fs::copy(from, to).with_context(|| format!("{}: cannot be copied to {}", from.display(), to.display()))?;
    Ok(())
}

/// Runs the artefact once undisturbed, then again and again with blows, and compares the tables each time.
pub fn run(args: &Args) -> Result<()> {
    ensure!(60.0 * args.minutes > args.between, "--minutes must be longer than --between, or nothing is disturbed");
    ensure!(
        definition(&args.artefact).is_file(),
        "unknown artefact `{}`; `cargo xtask list` lists them",
        args.artefact
    );
    let binaries = Binaries::build(Gpu::Without)?;
    let work = process::built()?.join("../soak");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("{}: cannot be removed", work.display()))?;
    }
    let program = PathBuf::from(binaries.experiments().get_program());
    let checkout = Checkout::make(&work.join("checkout"), &args.artefact, &program)?;
    let start = |folder: &Path| process::spawn(checkout.command(args, folder)?.stdout(Stdio::null()));
    let whole = work.join("whole");
    outln!("running once undisturbed, for the reference tables");
    let status = start(&whole)?.wait()?;
    ensure!(status.success(), "the undisturbed run ended with {status}");
    let expected = tables::read_results(&whole)?;

    let (began, until) = (Instant::now(), Duration::from_secs_f64(60.0 * args.minutes));
    let mut random = fastrand::Rng::with_seed(args.seed);
    let mut blows: Vec<Blow> = Vec::new();
    let mut usage: Vec<Usage> = Vec::new();
    let [mut harmed, mut edited, mut rounds] = [0; 3];
    let files = checkout.files()?;
    while began.elapsed() < until {
        let folder = work.join(format!("round-{rounds}"));
        loop {
            let mut process = start(&folder)?;
            let is_done = disturb(
                &mut process,
                &checkout.program,
                || (began.elapsed() < until).then(|| Duration::from_secs_f64(args.between * 2.0 * random.f64())),
                &mut blows,
                &mut usage,
            )?;
            if is_done {
                break;
            }
            if let Some(words) = harm(&folder, HARMS[harmed % HARMS.len()], &mut random)? {
                harmed += 1;
                outln!("{words}");
            }
            let file = &files[random.usize(..files.len())];
            let command = || checkout.command(args, &folder);
            if is_refused(command, file)? {
                edited += 1;
                outln!("edited {}: refused, and mended", file.strip_prefix(&work).unwrap_or(file).display());
            }
        }
        let differences = tables::differences(&expected, &tables::read_results(&folder)?);
        ensure!(differences.is_empty(), "round {rounds}, in {}: {}", folder.display(), differences.join(", "));
        rounds += 1;
        let count = |blow| blows.iter().filter(|&&other| other == blow).count();
        outln!(
            "{:.0} min: {rounds} rounds with the same tables; runs killed {}, asked to stop {}, workers killed {}, programs replaced \
             {}, files harmed {harmed}, files of the checkout edited {edited}",
            began.elapsed().as_secs_f64() / 60.0,
            count(Blow::KillRun),
            count(Blow::StopRun),
            count(Blow::KillWorker),
            count(Blow::ReplaceProgram)
        );
        fs::remove_dir_all(&folder).with_context(|| format!("{}: cannot be removed", folder.display()))?;
    }
    let (first, last) = quarters(&usage);
    outln!(
        "peak in the first and in the last quarter: {:.0} and {:.0} MiB of memory, {} and {} open files",
        first.mebibytes,
        last.mebibytes,
        first.files,
        last.files
    );
    ensure!(!blows.is_empty(), "nothing was disturbed: the run ended before the first blow; --between must be shorter");
    ensure!(
        first.mebibytes > 0.0 && first.files > 0.0,
        "this system does not report the memory and the open files of processes"
    );
    ensure!(
        last.mebibytes <= GROWTH * first.mebibytes && last.files <= GROWTH * first.files,
        "the peak in the last quarter is more than {GROWTH} times the peak in the first"
    );
    Ok(())
}

/// Lets a process run until it is done (true) or a blow has ended it (false). Blows fall after the times that `pause` returns,
/// until it returns none.
fn disturb(
    process: &mut Child,
    program: &Path,
    mut pause: impl FnMut() -> Option<Duration>,
    blows: &mut Vec<Blow>,
    usage: &mut Vec<Usage>,
) -> Result<bool> {
    let mut lost_worker = false;
    let mut next = pause().map(|pause| Instant::now() + pause);
    loop {
        if let Some(status) = process.try_wait()? {
            return match status.success() {
                true => Ok(true),
                false if lost_worker => Ok(false),
                false => bail!("the run ended by itself, with {status}"),
            };
        }
        let workers = workers(process.id());
        usage.push(usage_of(&[&[process.id()], &workers[..]].concat()));
        if next.is_some_and(|next| Instant::now() >= next) {
            let blow = BLOWS[blows.len() % BLOWS.len()];
            match (blow, workers.first()) {
                (Blow::ReplaceProgram, _) => replace(program)?,
                (Blow::KillRun, _) => signal("-KILL", process.id())?,
                (Blow::StopRun, _) => signal("-TERM", process.id())?,
                (Blow::KillWorker, Some(&worker)) => signal("-KILL", worker)?,
                // No worker runs between two stages, or while a unit runs alone.
                (Blow::KillWorker, None) => signal("-KILL", process.id())?,
            }
            blows.push(blow);
            let goes_on = match blow {
                Blow::ReplaceProgram => true,
                Blow::KillWorker => !workers.is_empty(),
                Blow::KillRun | Blow::StopRun => false,
            };
            if !goes_on {
                process.wait()?;
                return Ok(false);
            }
            lost_worker |= blow == Blow::KillWorker;
            next = pause().map(|pause| Instant::now() + pause);
        }
        std::thread::sleep(LOOK);
    }
}

/// Gives the file of a program another content. A process that runs keeps the old one.
fn replace(program: &Path) -> Result<()> {
    let place = || format!("{}: cannot be replaced", program.display());
    fs::remove_file(program).with_context(place)?;
    fs::write(program, "another program").with_context(place)
}

fn signal(signal: &str, process: u32) -> Result<()> {
    // A failure of `kill` is ignored, because the process may just have ended.
    let status = Command::new("kill").args([signal, &process.to_string()]).stderr(Stdio::null()).status();
    status.map(drop).context("kill: cannot be started")
}

/// The processes that a process has started, if the system reports them.
fn workers(process: u32) -> Vec<u32> {
    let file = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn usage_of(processes: &[u32]) -> Usage {
    let mut usage = Usage::default();
    for process in processes {
        let folder = PathBuf::from(format!("/proc/{process}"));
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = kibibytes.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        usage.mebibytes += kibibytes.unwrap_or(0.0) / 1024.0;
        usage.files += fs::read_dir(folder.join("fd")).map_or(0, Iterator::count) as f64;
    }
    usage
}

/// The peak use in the first and in the last quarter of the time.
fn quarters(usage: &[Usage]) -> (Usage, Usage) {
    let most = |part: &[Usage]| Usage {
        mebibytes: part.iter().map(|usage| usage.mebibytes).fold(0.0, f64::max),
        files: part.iter().map(|usage| usage.files).fold(0.0, f64::max),
    };
    let quarter = usage.len() / 4;
    (most(&usage[..quarter]), most(&usage[usage.len() - quarter..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_above_0() {
        assert_eq!(["120", "0.5"].map(positive), [Ok(120.0), Ok(0.5)]);
        assert!(["0", "-1", "nan", "inf", "1e300", "x"].map(positive).iter().all(Result::is_err));
    }

    #[test]
    fn quarters_are_the_first_and_the_last() {
        let usage: Vec<Usage> =
            [9.0, 1.0, 50.0, 50.0, 50.0, 50.0, 2.0, 7.0].map(|mebibytes| Usage { mebibytes, files: 1.0 }).to_vec();
        let (first, last) = quarters(&usage);
        assert_eq!((first.mebibytes, last.mebibytes, last.files), (9.0, 7.0, 1.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_ends_by_itself_differs_from_one_that_a_blow_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "program").unwrap();
        let mut seen = (Vec::new(), Vec::new());
        let mut after = |script: &str, mut pauses: Vec<Duration>| {
            let mut process = Command::new("sh").args(["-c", script]).spawn().unwrap();
            disturb(&mut process, &program, || pauses.pop(), &mut seen.0, &mut seen.1)
        };
        assert!(after("true", vec![]).unwrap());
        assert!(after("exit 3", vec![]).unwrap_err().to_string().contains("exit status: 3"));
        assert!(!after("exec sleep 60", vec![Duration::ZERO]).unwrap());
        // The next blow replaces the program, and the process goes on until the blow after it.
        assert!(!after("exec sleep 60", vec![Duration::ZERO; 2]).unwrap());
        assert_eq!(seen.0, [Blow::KillRun, Blow::ReplaceProgram, Blow::StopRun]);
        assert_eq!(fs::read_to_string(&program).unwrap(), "another program");
        // The sleeping process had at least its three standard streams open.
        let last = seen.1.last().unwrap();
        assert!(last.files >= 3.0 && last.mebibytes > 0.0, "{last:?}");
    }
}
