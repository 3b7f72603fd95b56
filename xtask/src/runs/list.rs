//! `cargo xtask list`: the artefacts that can be reproduced.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::outln;
use crate::process::root;

/// The definitions to list.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of definitions, NAME.toml, beside the built-in ones [default: SMASH_DEFINITIONS].
    #[arg(long, value_name = "DIR")]
    definitions: Option<PathBuf>,
}

/// Prints name, title and place in the paper of every definition.
pub fn run(args: &Args) -> Result<()> {
    let built_in = root().join("experiments/definitions");
    for file in definitions(&built_in)? {
        outln!("{}", line(&built_in.join(file))?);
    }
    let own = args
        .definitions
        .clone()
        .or_else(|| env::var_os("SMASH_DEFINITIONS").filter(|value| !value.is_empty()).map(PathBuf::from));
    let Some(own) = own else { return Ok(()) };
    for file in definitions(&own)? {
        let (known, own) = (built_in.join(&file), own.join(&file));
        if !known.is_file() {
            outln!("{}", line(&own)?);
            continue;
        }
        let is_same = fs::read(&own).ok() == fs::read(&known).ok();
        ensure!(is_same, "{}: a built-in artefact has this name; give the file another name", own.display());
    }
    Ok(())
}

/// The names of the definitions in a folder, sorted. Editors put hidden files beside them.
fn definitions(folder: &Path) -> Result<Vec<PathBuf>> {
    let place = || folder.display().to_string();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(place)? {
        let file = PathBuf::from(entry.with_context(place)?.file_name());
        let is_hidden = file.as_os_str().as_encoded_bytes().starts_with(b".");
        files.extend(Some(file).filter(|file| !is_hidden && file.extension().is_some_and(|end| end == "toml")));
    }
    ensure!(!files.is_empty(), "{}: expected at least one definition, NAME.toml", place());
    files.sort();
    Ok(files)
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
