//! `cargo xtask benchmark`: trained architectures as tables, to be published and looked up.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{self, Binaries, Cuda};

/// Arguments that are passed on to `experiments benchmark`, which has the options.
#[derive(clap::Args)]
pub struct Args {
    /// `add FOLDER`, `export FOLDER TO` or `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Runs `experiments benchmark`; it reads the runs of this repository unless an argument names others.
pub fn run(args: &Args) -> Result<()> {
    let mut command = Binaries::build(Cuda::Without)?.experiments();
    command.arg("benchmark").args(&args.arguments);
    let names_results = |word: &OsString| word.to_string_lossy().starts_with("--results");
    let adds = args.arguments.first().is_some_and(|word| word == "add");
    if adds && !args.arguments.iter().any(names_results) {
        command.arg("--results").arg(process::default_results());
    }
    process::run(&mut command)
}
