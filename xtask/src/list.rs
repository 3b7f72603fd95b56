//! `cargo xtask list`: the artefacts that can be reproduced.

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// Prints the output of `experiments list`.
pub fn run() -> Result<()> {
    let binaries = Binaries::build(Cuda::Without)?;
    process::run(binaries.experiments().arg("list"))
}
