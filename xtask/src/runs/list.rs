//! `cargo xtask list`: the artefacts that can be reproduced.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::outln;
use crate::process::root;

/// Prints name, title and place in the paper of every definition.
pub fn run() -> Result<()> {
    for path in crate::checks::tables::files_below(&root().join("experiments/definitions"), &[])? {
        outln!("{}", line(&root().join("experiments/definitions").join(path))?);
    }
    Ok(())
}

fn line(path: &Path) -> Result<String> {
    let place = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(place)?;
    let definition: toml::Table = text.parse().with_context(place)?;
    let word = |key: &str| {
        let value = definition.get(key).and_then(toml::Value::as_str);
        value.with_context(|| format!("{}: no `{key}`", place()))
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(match word("paper")? {
        "-" => format!("{name:<22}{}", word("title")?),
        paper => format!("{name:<22}{}  (paper, {paper})", word("title")?),
    })
}
