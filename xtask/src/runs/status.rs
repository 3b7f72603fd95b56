//! `cargo xtask status`: the state of every stored run.

use std::ffi::OsString;

use anyhow::Result;

use crate::process;
use crate::runs::forward::{self, default_flag};

/// Runs `reports status`, by default on the results of this repository.
pub fn run(forwarded: &[OsString]) -> Result<()> {
    let results = default_flag("--results", process::default_results(), forwarded);
    forward::run("status", &[results.as_slice(), forwarded].concat())
}
