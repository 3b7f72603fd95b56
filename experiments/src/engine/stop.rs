//! Requests to stop: a training then writes a checkpoint after its current step, and the process ends.
//!
//! SIGTERM or SIGINT requests a stop; a second one kills the process. SIGHUP requests one too, any number of times: the end of a
//! terminal and the program that passes signals on may both send it. For a worker, the end of its input is such a request, too.
//! The worker thus ends when its starter is gone, however the starter ended.

use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Result, bail};
use results::terminal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that has arrived; 0 before any has.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Whether a signal has arrived; the handlers of the next signal look at this flag.
static HAS_COME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Error of a unit that has ended without its output, because a stop was requested.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped; the same command resumes the run")
    }
}

impl std::error::Error for Stopped {}

/// Listens for signals from now on.
///
/// # Errors
/// If the system refuses.
pub fn listen() -> Result<()> {
    for signal in [SIGTERM, SIGINT] {
        // The handlers run in the order of their registration, so the first signal finds that none has arrived before.
        flag::register_conditional_default(signal, Arc::clone(&HAS_COME))?;
        flag::register(signal, Arc::clone(&HAS_COME))?;
        flag::register_usize(signal, Arc::clone(&SIGNAL), signal as usize)?;
    }
    if terminal::ends_with_terminal() {
        flag::register_usize(SIGHUP, Arc::clone(&SIGNAL), SIGHUP as usize)?;
    }
    Ok(())
}

/// Requests a stop, as SIGTERM does.
pub fn ask() {
    SIGNAL.store(SIGTERM as usize, Ordering::Relaxed);
}

/// Whether a stop was requested.
pub fn is_asked() -> bool {
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// Checks for a request to stop.
///
/// # Errors
/// [`Stopped`], if a stop was requested.
pub fn check() -> Result<()> {
    if is_asked() {
        bail!(Stopped);
    }
    Ok(())
}

/// Exit code of a stopped process: the code that a shell gives to a process killed by the signal.
pub fn exit_code() -> ExitCode {
    ExitCode::from(128 + SIGNAL.load(Ordering::Relaxed) as u8)
}
