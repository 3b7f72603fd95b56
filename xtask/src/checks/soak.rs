//! `cargo xtask soak`: kills a run, or one of its workers in turn, harms its files, and starts it again, for hours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::checks::tables;
use crate::outln;
use crate::process::{self, Binaries, Gpu};

/// Time between two looks at a run.
const LOOK: Duration = Duration::from_millis(200);

/// Factor by which memory and open files may be higher in the last quarter than in the first. Kills hit other units there.
const GROWTH: f64 = 1.25;

/// What to run, and for how long.
#[derive(clap::Args)]
pub struct Args {
    /// Artefact to run
    #[arg(default_value = "fig4")]
    artefact: String,
    /// Scale of the run
    #[arg(long, default_value = "laptop")]
    scale: String,
    /// Minutes after which no process is killed any more
    #[arg(long, default_value_t = 120.0)]
    minutes: f64,
    /// Seconds between two kills, on average
    #[arg(long, default_value_t = 60.0)]
    between: f64,
    /// Seed of the times between kills
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// A way to disturb a run: the process that is hit, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    KillRun,
    StopRun,
    KillWorker,
}

const BLOWS: [Blow; 3] = [Blow::KillRun, Blow::StopRun, Blow::KillWorker];

/// A way to harm the files of a run that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    /// A file is gone.
    Delete,
    /// Two files of one kind have each other's names.
    Swap,
    /// One bit differs.
    FlipBit,
    /// The end is missing.
    Cut,
}

const HARMS: [Harm; 4] = [Harm::Delete, Harm::Swap, Harm::FlipBit, Harm::Cut];

/// The resources that the processes of a run use together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Usage {
    mebibytes: f64,
    files: f64,
}

/// Runs the artefact once undisturbed, then again and again with blows, and compares the tables each time.
pub fn run(args: &Args) -> Result<()> {
    let binaries = Binaries::build(Gpu::Without)?;
    let work = process::built()?.join("../soak");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("{}: cannot be removed", work.display()))?;
    }
    fs::create_dir_all(&work).with_context(|| format!("{}: cannot be made", work.display()))?;
    // A build during these hours replaces the program. A run belongs to one program.
    let program = work.join("experiments");
    fs::copy(binaries.experiments().get_program(), &program)
        .with_context(|| format!("{}: cannot be written", program.display()))?;
    let start = |folder: &Path| -> Result<Child> {
        let mut command = Command::new(&program);
        // Files of two root seeds can take each other's places.
        command.args(["run", &args.artefact, "--scale", &args.scale, "--seeds", "2", "--results"]);
        process::spawn(command.arg(folder).stdout(Stdio::null()))
    };
    let whole = work.join("whole");
    outln!("running once without kills, for the reference tables");
    let status = start(&whole)?.wait()?;
    ensure!(status.success(), "the undisturbed run ended with {status}");
    let expected = tables::read_results(&whole)?;

    let (began, until) = (Instant::now(), Duration::from_secs_f64(60.0 * args.minutes));
    let mut random = fastrand::Rng::with_seed(args.seed);
    let mut blows: Vec<Blow> = Vec::new();
    let mut usage: Vec<Usage> = Vec::new();
    let mut harmed = 0;
    let mut rounds = 0;
    while began.elapsed() < until {
        let folder = work.join(format!("round-{rounds}"));
        loop {
            let mut process = start(&folder)?;
            let is_done = disturb(
                &mut process,
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
        }
        let differences = tables::differences(&expected, &tables::read_results(&folder)?);
        ensure!(differences.is_empty(), "round {rounds}, in {}: {}", folder.display(), differences.join(", "));
        rounds += 1;
        let count = |blow| blows.iter().filter(|&&other| other == blow).count();
        outln!(
            "{:.0} min: {rounds} rounds with the same tables; runs killed {}, asked to stop {}, workers killed {}, files harmed \
             {harmed}",
            began.elapsed().as_secs_f64() / 60.0,
            count(Blow::KillRun),
            count(Blow::StopRun),
            count(Blow::KillWorker)
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
    ensure!(!blows.is_empty(), "nothing was killed; --minutes must be longer than --between");
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
                (Blow::KillRun, _) => signal("-KILL", process.id())?,
                (Blow::StopRun, _) => signal("-TERM", process.id())?,
                (Blow::KillWorker, Some(&worker)) => signal("-KILL", worker)?,
                // No worker runs between two stages, or while a unit runs alone.
                (Blow::KillWorker, None) => signal("-KILL", process.id())?,
            }
            blows.push(blow);
            if blow != Blow::KillWorker || workers.is_empty() {
                process.wait()?;
                return Ok(false);
            }
            lost_worker = true;
            next = pause().map(|pause| Instant::now() + pause);
        }
        std::thread::sleep(LOOK);
    }
}

/// Harms a file of a run and says which; `None` if it has too few. The next start of the run has to notice it.
fn harm(folder: &Path, harm: Harm, random: &mut fastrand::Rng) -> Result<Option<String>> {
    // Nobody reads a lock, the time of a unit, or a file that was set aside.
    let is_read = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("json" | "parquet" | "safetensors" | "toml"))
    };
    if !folder.exists() {
        return Ok(None);
    }
    let files: Vec<PathBuf> = tables::files_below(folder, &[])?.into_iter().filter(is_read).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let chosen = files[random.usize(..files.len())].clone();
    let path = folder.join(&chosen);
    let mut bytes = fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let words = match harm {
        Harm::Delete => {
            fs::remove_file(&path)?;
            format!("deleted {}", chosen.display())
        }
        Harm::Swap => {
            let alike: Vec<&PathBuf> =
                files.iter().filter(|other| **other != chosen && other.extension() == chosen.extension()).collect();
            if alike.is_empty() {
                return Ok(None);
            }
            let other = alike[random.usize(..alike.len())];
            fs::write(&path, fs::read(folder.join(other))?)?;
            fs::write(folder.join(other), bytes)?;
            format!("swapped {} and {}", chosen.display(), other.display())
        }
        Harm::FlipBit => {
            let bit = random.usize(..8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes)?;
            format!("flipped bit {bit} of {}", chosen.display())
        }
        Harm::Cut => {
            bytes.truncate(random.usize(..bytes.len()));
            fs::write(&path, &bytes)?;
            format!("cut {} to {} bytes", chosen.display(), bytes.len())
        }
    };
    Ok(Some(words))
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
    fn quarters_are_the_first_and_the_last() {
        let usage: Vec<Usage> =
            [9.0, 1.0, 50.0, 50.0, 50.0, 50.0, 2.0, 7.0].map(|mebibytes| Usage { mebibytes, files: 1.0 }).to_vec();
        let (first, last) = quarters(&usage);
        assert_eq!((first.mebibytes, last.mebibytes, last.files), (9.0, 7.0, 1.0));
    }

    #[test]
    fn each_harm_changes_files_that_a_run_reads() {
        let folder = tempfile::tempdir().unwrap();
        let mut random = fastrand::Rng::with_seed(0);
        assert_eq!(harm(&folder.path().join("none"), Harm::Delete, &mut random).unwrap(), None);
        fs::write(folder.path().join("lock"), "lock").unwrap();
        assert_eq!(harm(folder.path(), Harm::Delete, &mut random).unwrap(), None);
        let state = || ["a.toml", "b.toml"].map(|name| fs::read_to_string(folder.path().join(name)).ok());
        for each in HARMS {
            fs::write(folder.path().join("a.toml"), "first").unwrap();
            fs::write(folder.path().join("b.toml"), "other one").unwrap();
            let before = state();
            let words = harm(folder.path(), each, &mut random).unwrap().unwrap();
            assert!(words.contains(".toml"), "{words}");
            assert_ne!(state(), before, "{words}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_ends_by_itself_differs_from_one_that_a_blow_has_ended() {
        let mut seen = (Vec::new(), Vec::new());
        let mut after = |script: &str, pause: Option<Duration>| {
            let mut process = Command::new("sh").args(["-c", script]).spawn().unwrap();
            disturb(&mut process, || pause, &mut seen.0, &mut seen.1)
        };
        assert!(after("true", None).unwrap());
        assert!(after("exit 3", None).unwrap_err().to_string().contains("exit status: 3"));
        assert!(!after("exec sleep 60", Some(Duration::ZERO)).unwrap());
        assert_eq!(seen.0, [Blow::KillRun]);
        // The sleeping process had at least its three standard streams open.
        let last = seen.1.last().unwrap();
        assert!(last.files >= 3.0 && last.mebibytes > 0.0, "{last:?}");
    }
}
