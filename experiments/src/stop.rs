//! Being told to stop: a training that is told so writes a checkpoint after its step, and the process ends.
//!
//! Told by SIGTERM or SIGINT, which a second time end the process at once; a worker also by the end of its input, so that it ends
//! when its starter is gone, however that ended.

use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, 0 before.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Whether a signal has come, once more for the next one to look at.
static HAS_COME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Why a unit has ended without its output.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped; the same command goes on with it")
    }
}

impl std::error::Error for Stopped {}

/// Listens for signals from now on.
///
/// # Errors
/// If the system refuses.
pub fn listen() -> Result<()> {
    for signal in [SIGTERM, SIGINT] {
        // What is registered is done in order: the first signal finds that none has come.
        flag::register_conditional_default(signal, Arc::clone(&HAS_COME))?;
        flag::register(signal, Arc::clone(&HAS_COME))?;
        flag::register_usize(signal, Arc::clone(&SIGNAL), signal as usize)?;
    }
    Ok(())
}

/// As if SIGTERM had come.
pub fn ask() {
    SIGNAL.store(SIGTERM as usize, Ordering::Relaxed);
}

/// Whether to stop.
pub fn is_asked() -> bool {
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// # Errors
/// [`Stopped`], if that was asked for.
pub fn check() -> Result<()> {
    if is_asked() {
        bail!(Stopped);
    }
    Ok(())
}

/// Of a process that was stopped: what a shell has for one that the signal ended.
pub fn exit_code() -> ExitCode {
    ExitCode::from(128 + SIGNAL.load(Ordering::Relaxed) as u8)
}
