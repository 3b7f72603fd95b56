//! `cargo xtask benchmark`: trained architectures as tables, to be published and looked up.

use std::ffi::OsString;

use anyhow::Result;

use crate::process;
use crate::runs::forward::{self, default_flag};

/// Runs `experiments benchmark`. By default, `add` reads the runs of this repository.
pub fn run(forwarded: &[OsString]) -> Result<()> {
    let adds = forwarded.first().is_some_and(|word| word == "add");
    let results = default_flag("--results", process::default_results(), forwarded).filter(|_| adds);
    forward::run("benchmark", &[forwarded, results.as_slice()].concat())
}
