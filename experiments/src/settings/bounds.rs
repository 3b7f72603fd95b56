//! The bounds of every number in a study's settings.
//!
//! A number without bounds here is an error, so a new setting cannot be forgotten. `SearchSpace::validate` has the bounds of a
//! search space.

use anyhow::{Result, ensure};
use serde::Serialize;
use smash::SearchSpace;
use smash::space::BLOCKS;

/// The values that a number may have.
struct Bounds {
    /// The last keys of its path, such as `folds.size`. If several end a path, the longest applies.
    key: &'static str,
    least: f64,
    most: f64,
    is_whole: bool,
}

/// A whole number.
const fn count(key: &'static str, least: u64, most: u64) -> Bounds {
    Bounds { key, least: least as f64, most: most as f64, is_whole: true }
}

/// Any number from `least` to `most`.
const fn number(key: &'static str, least: f64, most: f64) -> Bounds {
    Bounds { key, least, most, is_whole: false }
}

/// Any number above 0, up to `most`.
const fn above_0(key: &'static str, most: f64) -> Bounds {
    number(key, f64::MIN_POSITIVE, most)
}

/// All numbers. A lower bound of 0 has its meaning beside it.
const BOUNDS: &[Bounds] = &[
    // Images.
    count("data.image-size", 4, 512),
    count("data.train", 1, 10_000_000),
    count("data.validation", 1, 10_000_000),
    count("data.test", 1, 10_000_000),
    count("folds.count", 1, 1_000),
    count("folds.size", 1, 10_000_000),
    // Architectures, scores and units of work.
    count("scored", 1, 100_000),
    count("every", 1, 100_000),
    count("noise-draws", 1, 10_000),
    count("shard", 1, 100_000),
    count("training-seeds", 1, 1_000),
    count("smash-seeds", 1, 1_000),
    // 0: nothing is trained again.
    count("benchmark.verified", 0, 1_000),
    count("architectures", 1, 100_000),
    count("candidates", 1, 100_000),
    count("best", 1, 100_000),
    // 0: the first architecture of the list.
    count("first", 0, 100_000),
    count("members", 1, 1_000),
    count("starts", 1, 10_000),
    count("steps", 1, 100_000),
    count("changes", 1, 1_000),
    count("search-cost.draws", 1, 10_000),
    // Studies that train nothing.
    count("draws", 1, 1_000_000),
    count("training-images", 1, 10_000_000),
    count("validation-images", 1, 10_000_000),
    // Numbers that the paper and others publish; parameters are in millions.
    count("paper.banks", 1, 100_000),
    above_0("paper.budget", 1e6),
    above_0("paper.rarely-above", 1e6),
    above_0("paper.parameters", 1e6),
    count("paper.depth", 1, 100_000),
    above_0("quoted.flops", 1e30),
    above_0("quoted.gpu-days", 1e9),
    above_0("quoted.peak-flops", 1e20),
    // Trainings.
    count("epochs", 1, 100_000),
    count("batch-size", 1, 65_536),
    above_0("learning-rate", 10.0),
    above_0("learning-rates", 10.0),
    // 0: the label's class has all probability.
    number("label-smoothing", 0.0, 1.0),
    count("architectures-per-step", 1, 1_000),
    count("average-last", 1, 100_000),
    count("learned-convolutions.per-block", 1, 1_000),
    // 0: memory banks start at zero.
    number("memory.persistence", 0.0, 1.0),
    count("statistics.recalibrated.batches", 1, 10_000),
    // SMASH networks.
    count("growth", 1, 1_000),
    count("layers", 1, 100),
    // 0: the random numbers of the plain network.
    count("network.member", 0, 1_000_000),
    above_0("max-budget", 1.0),
    count("bottleneck.ratio", 1, 64),
    count("bottleneck.cap", 1, 64),
    count("compression.rows", 1, 16_384),
    count("compression.columns", 1, 16_384),
    count("compression.upsampling", 1, 16_384),
    // Predictors.
    count("method.draws", 1, 10_000),
    count("method.after-epochs", 1, 100_000),
    count("method.images", 1, 10_000),
    // Searches by score; 0 perturbations or steps of the chain: the search ends before them.
    count("plan.random", 1, 100_000),
    count("plan.perturbations", 0, 100_000),
    count("plan.chain", 0, 100_000),
    above_0("probability", 1.0),
    // Searches by training.
    count("trials", 1, 100_000),
    count("population", 1, 100_000),
    count("tournament", 1, 100_000),
    count("offspring", 1, 100_000),
    // 0: each trial is learned from once.
    count("replays", 0, 10_000),
    // 0: each trial is compared with the last one alone.
    number("decay", 0.0, 1.0),
    above_0("method.learning-rate", 1_000.0),
    // Hand-designed networks.
    count("baseline.depth", 1, 2_000),
    count("baseline.widen", 1, 100),
    count("baseline.columns", 1, 8),
    count("baseline.channels", 1, 8_192),
    count("baseline.width", 1, 8_192),
    // 0: a block without dropout.
    count("baseline.dropout", 0, 99),
];

/// Settings that other rules cover: search spaces have their own, and overrides of `smash` are checked once they are merged.
const COVERED_ELSEWHERE: [&str; 2] = ["space", "network.smash"];

/// Numbers that a report shows, and that nothing is computed with.
const QUOTED: [&str; 2] = ["system.paper", "system.paper-on"];

/// Largest number of entries in a list, and in a list of numbers.
const MOST_ENTRIES: usize = 256;
const MOST_NUMBERS: usize = 32;

/// Checks every number of some settings. `place` is their path within a definition.
///
/// # Errors
/// The first number outside its bounds, with both; a number without bounds, or a list with too many entries.
pub fn check(place: &str, settings: &impl Serialize) -> Result<()> {
    let settings = toml::Value::try_from(settings).expect("settings are plain data");
    check_value(place, &settings, true)
}

/// Checks settings that are not parsed yet, so that a negative count is refused by its name. Numbers without bounds pass if they
/// are not negative.
///
/// # Errors
/// As [`check`], but for numbers without bounds.
pub fn check_unparsed(place: &str, settings: &toml::Value) -> Result<()> {
    check_value(place, settings, false)
}

fn check_value(path: &str, value: &toml::Value, is_parsed: bool) -> Result<()> {
    let ends_path = |key: &&str| path.strip_suffix(key).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if QUOTED.iter().any(ends_path) || (is_parsed && COVERED_ELSEWHERE.iter().any(ends_path)) {
        return Ok(());
    }
    let bounds = BOUNDS.iter().filter(|bounds| ends_path(&bounds.key)).max_by_key(|bounds| bounds.key.len());
    let found = match value {
        toml::Value::Table(table) => {
            let mut entries = table.iter();
            return entries.try_for_each(|(key, inner)| check_value(&format!("{path}.{key}"), inner, is_parsed));
        }
        toml::Value::Array(list) => {
            let [least, most] = if bounds.is_some() { [1, MOST_NUMBERS] } else { [0, MOST_ENTRIES] };
            let entries = list.len();
            ensure!((least..=most).contains(&entries), "`{path}` has {entries} entries, expected {least} to {most}");
            return list.iter().try_for_each(|inner| check_value(path, inner, is_parsed));
        }
        toml::Value::Integer(number) => *number as f64,
        toml::Value::Float(number) => *number,
        toml::Value::String(_) | toml::Value::Boolean(_) | toml::Value::Datetime(_) => return Ok(()),
    };
    let Some(Bounds { least, most, is_whole, .. }) = bounds else {
        ensure!(!is_parsed, "`{path}` has no bounds in {}", file!());
        ensure!(found >= 0.0, "`{path}` must not be negative, got {value}");
        return Ok(());
    };
    let expected = match is_whole {
        true => format!("a whole number from {least} to {most}"),
        false if *least > 0.0 => format!("above 0 and at most {most}"),
        false => format!("from {least} to {most}"),
    };
    let is_kind = !is_whole || value.is_integer();
    ensure!(is_kind && (*least..=*most).contains(&found), "`{path}` must be {expected}, got {value}");
    Ok(())
}

/// Checks a search space, and that every block can spend the largest budget.
///
/// # Errors
/// The first setting that makes no sense.
pub fn check_space(space: &SearchSpace) -> Result<()> {
    space.validate()?;
    let [_, high] = space.budget;
    for block in 0..BLOCKS {
        let smallest = |size: usize| space.slices(space.read_multiple(size), size) * space.depth_compression;
        let least = space.bank_sizes(block).into_iter().map(smallest).min().unwrap_or(0) * space.base_channels;
        let all = space.block_budget(block);
        ensure!(
            high * all as f64 >= least as f64,
            "search space: `budget` up to {high} of {all} channels allows no op in block {block}, which reads at least {least}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
