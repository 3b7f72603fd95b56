//! `cargo xtask completions`: a script by which a shell completes the commands and flags of this program.

use anyhow::Result;
use clap_complete::{Shell, generate};

use crate::out;

/// The shell.
#[derive(clap::Args)]
pub struct Args {
    /// Shell that reads the script.
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

/// Prints the script for a command line, which is called by the command or the alias `xtask`. It knows no forwarded flags.
pub fn run(args: &Args, cli: clap::Command) -> Result<()> {
    let shell: Shell = args.shell.parse().map_err(anyhow::Error::msg)?;
    let mut script = Vec::new();
    generate(shell, &mut cli.name("xtask"), "xtask", &mut script);
    out!("{}", String::from_utf8(script)?);
    Ok(())
}
