//! `cargo xtask report`: redraws from stored results.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process;
use crate::runs::forward::{self, default_flag, flag};

/// Folder of the published results.
pub const PUBLISHED: &str = "results/baselines";

/// The results to redraw.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the results, or s3://BUCKET/PREFIX [default: results/runs of this repository]; by default, the report goes there
    /// too
    #[arg(long, value_name = "DIR", conflicts_with = "published")]
    results: Option<PathBuf>,
    /// Redraw the committed files: reports/ and README.md from results/baselines.
    #[arg(long)]
    published: bool,
}

/// Runs `reports report`.
pub fn run(args: &Args, forwarded: &[OsString]) -> Result<()> {
    if args.published {
        return published(forwarded);
    }
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let out = default_flag("--out", process::beside(&results), forwarded);
    let own = [Some(flag("--results", &results)), out].into_iter().flatten();
    forward::run("report", &own.chain(forwarded.to_vec()).collect::<Vec<_>>())
}

/// Writes `reports/` and the results in README.md; with `--check`, it only compares them.
///
/// # Errors
/// Also if one artefact is named.
pub fn published(forwarded: &[OsString]) -> Result<()> {
    if let Some(artefact) = artefact(forwarded) {
        bail!("--published redraws all artefacts, expected no name, found `{}`", artefact.display());
    }
    let places = [("--results", PUBLISHED), ("--out", "reports"), ("--readme", "README.md")];
    // JSON is printed, and no file is written.
    let is_json = forwarded.iter().any(|word| word == "--json");
    let places = places.into_iter().filter(|(name, _)| !is_json || *name != "--readme");
    let own: Vec<OsString> = places.map(|(name, place)| flag(name, process::root().join(place))).collect();
    forward::run("report", &[&own, forwarded].concat())
}

/// The first forwarded word that is neither a flag nor the value of one.
fn artefact(forwarded: &[OsString]) -> Option<&OsString> {
    let is_flag = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let takes_value = |word: &OsString| ["--scale", "--dataset", "--width"].iter().any(|flag| word == flag);
    let before = std::iter::once(None).chain(forwarded.iter().map(Some));
    let mut words = before.zip(forwarded);
    words.find(|(before, word)| !is_flag(word) && !before.is_some_and(takes_value)).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_artefact_is_found_among_flags_and_their_values() {
        for (line, expected) in [
            ("--check --scale laptop", None),
            ("fig4 --check", Some("fig4")),
            ("--check fig4", Some("fig4")),
            ("--scale laptop --width=page fig4", Some("fig4")),
        ] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(artefact(&words).map(|word| word.to_str().unwrap()), expected, "{line}");
        }
    }
}
