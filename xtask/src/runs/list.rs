//! `cargo xtask list`: the artefacts that can be reproduced.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::outln;
use crate::process::root;

/// The definitions to list.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of definitions, NAME.toml, beside the built-in ones [default: SMASH_DEFINITIONS].
    #[arg(long, value_name = "DIR")]
    definitions: Option<PathBuf>,
    /// Print JSON. The paper is null for an artefact that the paper does not have.
    #[arg(long)]
    json: bool,
}

/// One artefact of the list.
struct Listed {
    name: String,
    title: String,
    /// Place in the paper, if the paper has the artefact.
    paper: Option<String>,
}

/// Prints name, title and place in the paper of every definition.
pub fn run(args: &Args) -> Result<()> {
    let all = all(args)?;
    if args.json {
        let all: Vec<Value> = all
            .iter()
            .map(|Listed { name, title, paper }| json!({ "artefact": name, "title": title, "paper": paper }))
            .collect();
        outln!("{:#}", Value::from(all));
        return Ok(());
    }
    for Listed { name, title, paper } in all {
        let paper = paper.map_or_else(String::new, |paper| format!("  (paper, {paper})"));
        outln!("{name:<22}{title}{paper}");
    }
    Ok(())
}

/// The names of the artefacts, as [`run`] prints them without arguments.
pub fn names() -> Result<Vec<String>> {
    let all = all(&Args { definitions: None, json: false })?;
    Ok(all.into_iter().map(|listed| listed.name).collect())
}

/// The built-in artefacts, then the artefacts of the user's folder.
fn all(args: &Args) -> Result<Vec<Listed>> {
    let built_in = root().join("experiments/definitions");
    let mut all = Vec::new();
    for file in definitions(&built_in)? {
        all.push(listed(&built_in.join(file))?);
    }
    let own = args
        .definitions
        .clone()
        .or_else(|| env::var_os("SMASH_DEFINITIONS").filter(|value| !value.is_empty()).map(PathBuf::from));
    let Some(own) = own else { return Ok(all) };
    for file in definitions(&own)? {
        let (known, own) = (built_in.join(&file), own.join(&file));
        if !known.is_file() {
            all.push(listed(&own)?);
            continue;
        }
        let is_same = fs::read(&own).ok() == fs::read(&known).ok();
        ensure!(is_same, "{}: a built-in artefact has this name; give the file another name", own.display());
    }
    Ok(all)
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

fn listed(path: &Path) -> Result<Listed> {
    let place = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(place)?;
    let definition: toml::Table = text.parse().with_context(place)?;
    let word = |key: &str| {
        let value = definition.get(key).and_then(toml::Value::as_str);
        value.map(str::to_owned).with_context(|| format!("{}: no `{key}`", place()))
    };
    Ok(Listed {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        title: word("title")?,
        paper: Some(word("paper")?).filter(|paper| paper != "-"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_artefacts_of_a_folder_follow_the_built_in_ones() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args { definitions: Some(folder.path().to_path_buf()), json: false };
        assert!(all(&args).err().unwrap().to_string().ends_with("expected at least one definition, NAME.toml"));
        fs::write(folder.path().join("mine.toml"), "title = 'Mine'\npaper = '-'").unwrap();
        let listed = all(&args).unwrap();
        let find = |name: &str| listed.iter().find(|listed| listed.name == name).unwrap();
        assert_eq!(find("fig4").paper.as_deref(), Some("section 4.1, figure 4"));
        assert_eq!((find("mine").title.as_str(), &find("mine").paper), ("Mine", &None));
        assert_eq!(listed.last().unwrap().name, "mine");
        fs::write(folder.path().join("mine.toml"), "title = 'Mine'").unwrap();
        assert!(all(&args).err().unwrap().to_string().ends_with("mine.toml: no `paper`"));
    }
}
