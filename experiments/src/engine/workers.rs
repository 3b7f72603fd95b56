//! Worker processes, which run units side by side.
//!
//! Threads of one process would wait for each other. After its backward pass, burn's autodiff asks every graph of the process
//! whether it can be freed. The graph of another thread is locked while that thread's own backward pass runs.
//!
//! A worker is this program with the same arguments and `--part-of`, even after a build has replaced its file. It plans the
//! same units and reads `STAGE INDEX` from each line of standard input. It answers with lines `step N`, and at the end with
//! `done BYTES`, `stopped` or `failed MESSAGE`. BYTES is its peak memory so far. The worker stops at the end of its input, so
//! no worker outlives the process that started it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::engine::stop::{self, Stopped};
use crate::engine::study::{Study, units_of_stage};
use crate::engine::unit::Unit;
use crate::provenance;

/// The worker processes of a run, started when they are first needed.
pub struct Workers {
    command: Box<dyn Fn() -> Result<Command>>,
    running: Vec<Worker>,
}

/// One worker process.
pub struct Worker {
    command: Command,
    process: Child,
    /// `None` once the worker was asked to stop.
    requests: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    peak_memory: u64,
}

impl Workers {
    /// No worker runs yet; `command` makes the command that starts one.
    pub fn new(command: impl Fn() -> Result<Command> + 'static) -> Self {
        Self { command: Box::new(command), running: Vec::new() }
    }

    /// Returns `count` workers, and starts the missing ones.
    ///
    /// # Errors
    /// A process that cannot be started.
    pub fn take(&mut self, count: usize) -> Result<&mut [Worker]> {
        while self.running.len() < count {
            self.running.push(Worker::start((self.command)()?)?);
        }
        Ok(&mut self.running[..count])
    }

    /// Sum of the peak resident memory of all workers, in bytes, as far as they reported it.
    pub fn peak_memory(&self) -> u64 {
        self.running.iter().map(|worker| worker.peak_memory).sum()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in self.running.drain(..) {
            drop(worker.requests);
            let mut process = worker.process;
            // The worker ends by itself, because its input is closed. Its exit status no longer matters.
            let _ = process.wait();
        }
    }
}

/// Reason why a worker has not done a unit.
pub enum Failure {
    /// A signal has killed the worker.
    Killed(ExitStatus),
    /// Anything else.
    Other(anyhow::Error),
}

impl Worker {
    fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("a worker process cannot be started")?;
        let (requests, answers) = (process.stdin.take(), process.stdout.take());
        Ok(Self {
            requests: Some(requests.expect("input is piped")),
            answers: BufReader::new(answers.expect("output is piped")).lines(),
            process,
            command,
            peak_memory: 0,
        })
    }

    /// Starts the worker again after it has ended.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn restart(&mut self) -> Result<()> {
        let command = std::mem::replace(&mut self.command, Command::new(""));
        *self = Self { peak_memory: self.peak_memory, ..Self::start(command)? };
        Ok(())
    }

    /// Runs a unit in the worker; `steps` gets the numbers of steps that the worker reports.
    ///
    /// # Errors
    /// The error of the unit, or a worker that ended without an answer.
    pub fn run(&mut self, stage: usize, index: usize, steps: &dyn Fn(usize)) -> Result<(), Failure> {
        match self.answer(stage, index, steps) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let status = self.process.wait().map_err(|error| Failure::Other(error.into()))?;
                match status.code() {
                    None if !stop::is_asked() => Err(Failure::Killed(status)),
                    _ => Err(Failure::Other(anyhow!("a worker process ended before its unit was done: {status}"))),
                }
            }
            Err(error) => Err(Failure::Other(error)),
        }
    }

    /// Returns true if the unit is done; false, without an error, if the worker has ended.
    fn answer(&mut self, stage: usize, index: usize, steps: &dyn Fn(usize)) -> Result<bool> {
        let requests = self.requests.as_mut().ok_or(Stopped)?;
        if writeln!(requests, "{stage} {index}").is_err() {
            return Ok(false);
        }
        for line in self.answers.by_ref() {
            let line = line?;
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "step" => {
                    steps(rest.parse().with_context(|| format!("a worker process gave an unknown answer, `{line}`"))?)
                }
                "done" => {
                    self.peak_memory =
                        rest.parse().with_context(|| format!("a worker process gave an unknown answer, `{line}`"))?;
                    return Ok(true);
                }
                "stopped" => bail!(Stopped),
                "failed" => bail!("{rest}"),
                _ => bail!("a worker process gave an unknown answer, `{line}`"),
            }
            if stop::is_asked() {
                // The end of its input asks the worker to stop.
                self.requests = None;
            }
        }
        Ok(false)
    }
}

/// Makes the kernel kill this worker before the process that started it, if memory runs out: its unit can be run again. Systems
/// other than Linux have no such file and decide for themselves.
pub fn go_first_where_memory_is_short() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

/// Runs the units that standard input asks for, until the input ends.
///
/// # Errors
/// A request that is malformed or names no unit of the run.
pub fn serve(runs: &[Box<dyn Study + '_>], threads: usize) -> Result<()> {
    let (sender, requests) = mpsc::channel();
    // A separate thread reads the input, so that a worker whose starter is gone stops even in the middle of a unit.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                return;
            }
        }
        stop::ask();
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut planned: Option<(usize, Vec<Unit<'_>>)> = None;
    for line in requests {
        let numbers: Option<Vec<usize>> = line.split(' ').map(|text| text.parse().ok()).collect();
        let Some(&[stage, index]) = numbers.as_deref() else {
            bail!("expected `STAGE INDEX`, found `{line}`");
        };
        ensure!(stage < runs[0].stages().len(), "the run has no stage {stage}");
        if planned.as_ref().is_none_or(|(known, _)| *known != stage) {
            planned = Some((stage, units_of_stage(runs, stage)));
        }
        let units = planned.as_ref().map(|(_, units)| units);
        let unit = units.and_then(|units| units.get(index));
        let unit = unit.ok_or_else(|| anyhow!("stage {stage} has no unit {index}"))?;
        let step = |steps: usize| say(&format!("step {steps}"));
        match pool.install(|| unit.perform(&step)) {
            Ok(()) => {
                let memory = provenance::peak_memory().unwrap_or(0);
                say(&format!("done {memory}"));
            }
            Err(error) if error.is::<Stopped>() => say("stopped"),
            // The answer is one line, whatever the message.
            Err(error) => say(&format!("failed {}", format!("{error:#}").replace('\n', " "))),
        }
    }
    Ok(())
}

/// Writes an answer; nobody reads it if the starter is gone.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
