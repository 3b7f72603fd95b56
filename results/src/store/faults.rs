//! Injects faults on request, for tests of the state that a crash leaves behind.
//!
//! Such tests cannot wait for a crash at each place of a run. The environment variable `SMASH_FAULT` requests one of
//! two kinds of fault. Writing a file passes three points: half of its bytes are written; all are on disk; the file has its name.
//!
//! - `kill@N` kills the process at the N-th point that it reaches, counted from 1, as `kill -9` does. `kill@NAME` kills
//!   it at the first point of a file whose name contains NAME.
//! - `full@N` leaves no room for the N-th file and all later ones.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

enum Fault {
    KillAt(usize),
    KillIn(String),
    Full(usize),
}

/// The requested fault. An unknown request panics: its test would test nothing.
fn requested() -> Option<&'static Fault> {
    static REQUESTED: OnceLock<Option<Fault>> = OnceLock::new();
    let parse = || {
        let text = std::env::var("SMASH_FAULT").ok()?;
        let (kind, place) = text.split_once('@').unwrap_or_default();
        let fault = match (kind, place.parse()) {
            ("kill", Ok(point)) => Fault::KillAt(point),
            ("kill", Err(_)) => Fault::KillIn(place.to_owned()),
            ("full", Ok(file)) => Fault::Full(file),
            _ => panic!("SMASH_FAULT={text}: expected kill@N, kill@NAME or full@N"),
        };
        Some(fault)
    };
    REQUESTED.get_or_init(parse).as_ref()
}

/// Marks a point in writing a file.
pub fn point(path: &Path) {
    static POINTS: AtomicUsize = AtomicUsize::new(0);
    let Some(fault) = requested() else { return };
    let number = POINTS.fetch_add(1, Ordering::Relaxed) + 1;
    let is_here = match fault {
        Fault::KillAt(point) => number == *point,
        Fault::KillIn(name) => path.to_string_lossy().contains(name),
        Fault::Full(_) => false,
    };
    if is_here {
        let id = std::process::id().to_string();
        let killed = Command::new("kill").args(["-KILL", &id]).status();
        unreachable!("SMASH_FAULT: alive after {killed:?}");
    }
}

/// Checks whether the disk has room for another file.
///
/// # Errors
/// The error of a full disk.
pub fn room() -> io::Result<()> {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    match requested() {
        Some(Fault::Full(file)) if FILES.fetch_add(1, Ordering::Relaxed) + 1 >= *file => {
            Err(io::ErrorKind::StorageFull.into())
        }
        _ => Ok(()),
    }
}
