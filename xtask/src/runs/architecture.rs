//! `cargo xtask architecture`: architectures of a user's own.

use std::ffi::OsString;
use std::process::Stdio;

use anyhow::{Context, Result};

use crate::process::{self, Binaries, Gpu};
use crate::runs::forward::default_flag;

/// Flags of `draw` that choose the search space, each with a value. All its other words are for the drawing.
const OF_SPACE: [&str; 6] = ["--artefact", "--search", "--scale", "--dataset", "--set", "--definitions"];

/// Runs `experiments architecture`; for `draw`, it runs `architecture validate` and then `reports draw`.
pub fn run(forwarded: &[OsString]) -> Result<()> {
    let binaries = Binaries::build(Gpu::needed_for(&device(forwarded))?)?;
    let results = process::default_results();
    let verb = forwarded.first().and_then(|word| word.to_str()).unwrap_or_default();
    let own = match verb {
        "draw" => return draw(&binaries, &forwarded[1..]),
        "canonical" => default_flag("--benchmarks", process::root().join("results/benchmarks"), forwarded),
        "score" | "train" => default_flag("--results", results, forwarded),
        _ => None,
    };
    process::run_to_be_stopped(binaries.experiments().arg("architecture").args(forwarded).args(own))
}

/// The device that some words name.
pub fn device(words: &[OsString]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let place = words.iter().position(|word| word == "--device").and_then(|place| words.get(place + 1));
    let joined = words.iter().find_map(|word| word.strip_prefix("--device="));
    joined.or(place.map(AsRef::as_ref)).unwrap_or("cpu").to_owned()
}

/// Draws an architecture that is valid in its search space, with the banks and channels of that space.
fn draw(binaries: &Binaries, words: &[OsString]) -> Result<()> {
    let mut draw = binaries.reports();
    draw.arg("draw");
    if words.iter().any(|word| word == "--help" || word == "-h") {
        return process::run(draw.arg("--help"));
    }
    let file = words.first().filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
    let file = file.context("draw: expected FILE.json as the first word")?;
    let (of_space, drawing) = split(words);
    let mut validate = binaries.experiments();
    validate.args(["architecture", "validate", "--json"]).args(of_space).arg(file).stderr(Stdio::inherit());
    let output = validate.output().context("experiments: cannot be started")?;
    process::outcome(&validate, Ok(output.status))?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).context("experiments: expected JSON")?;
    let results = process::default_results();
    let defaults = [
        ("--width", answer[0]["width"].to_string().into()),
        ("--base-channels", answer[0]["base_channels"].to_string().into()),
        ("--out", results.join("drawings").into_os_string()),
    ];
    let own = defaults.into_iter().filter_map(|(name, value)| default_flag(name, value, &drawing));
    process::run(draw.args(own).args(&drawing))
}

/// The words that choose the search space, and all others.
fn split(words: &[OsString]) -> (Vec<OsString>, Vec<OsString>) {
    let (mut of_space, mut drawing) = (Vec::new(), Vec::new());
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        let is_of_space = OF_SPACE.contains(&text.split('=').next().unwrap_or_default());
        let side = if is_of_space { &mut of_space } else { &mut drawing };
        side.push(word);
        if is_of_space && !text.contains('=') {
            side.extend(words.next());
        }
    }
    (of_space, drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_drawing_and_its_search_space_get_their_own_words() {
        let line = "f.json --scale smoke --expanded --set=a.b=1 --out d --artefact fig5a";
        let (of_space, drawing) = split(&words(line));
        assert_eq!(of_space, words("--scale smoke --set=a.b=1 --artefact fig5a"));
        assert_eq!(drawing, words("f.json --expanded --out d"));
    }

    #[test]
    fn the_device_is_the_one_that_the_words_name() {
        assert_eq!(device(&words("train f --device cuda:1")), "cuda:1");
        assert_eq!(device(&words("train f --device=cuda")), "cuda");
        assert_eq!(device(&words("train f --seed 1")), "cpu");
    }
}
