//! `cargo xtask deny`: checks licences, sources and known faults of the workspace's dependencies, by cargo-deny.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::outln;
use crate::process::{self, cargo, root};

/// Checks everything that needs no network, and known faults if their database can be fetched.
pub fn run() -> Result<()> {
    let version = cargo()?.args(["deny", "--version"]).output();
    ensure!(
        version.is_ok_and(|output| output.status.success()),
        "this needs cargo-deny: `cargo install cargo-deny --locked` installs it"
    );
    process::run(deny()?.args(["check", "licenses", "bans", "sources"]))?;
    if process::run(deny()?.args(["fetch", "db"])).is_err() {
        outln!("advisories not checked: their database cannot be fetched");
        return Ok(());
    }
    process::run(deny()?.args(["check", "--disable-fetch", "advisories"]))
}

/// A call of cargo-deny for the whole workspace, without a command yet.
fn deny() -> Result<Command> {
    let mut deny = cargo()?;
    deny.arg("deny").arg("--manifest-path").arg(root().join("Cargo.toml"));
    deny.arg("--workspace").arg("--config").arg(root().join(".cargo/deny.toml"));
    Ok(deny)
}
