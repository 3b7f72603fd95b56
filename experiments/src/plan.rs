//! What a run would do, how long it would take, and how much it would be able to say.

use std::path::Path;

use anyhow::{Context, Result, bail};
use results::correlation::Predictor;
use results::manifest::RunStatus;
use results::power::{Budget, between_seeds, expected_interval};
use results::statistics::Interval;
use results::store::{Group, find_runs, groups};
use results::text::interval_text;
use results::{ArchitectureRow, Manifest, ScoreRow, TruthRow};

use crate::run::RunOptions;
use crate::studies::CorrelationStudy;
use crate::study::Study;
use crate::units::{Kind, units_of_stage};

/// Results that are committed, for what no own run has measured yet.
const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/baselines");

/// Kendall's tau where no result says what to expect.
const UNKNOWN_TAU: f64 = 0.3;

/// Prints units, those done, and the time that the open ones took in the newest complete run of the same definition.
///
/// # Errors
/// Output or a stored run that cannot be read.
pub fn print_units(
    runs: &[Box<dyn Study + '_>],
    artefact: &str,
    definition_hash: &str,
    options: &RunOptions,
) -> Result<()> {
    let (jobs, earlier) = (options.jobs, earlier_run(artefact, definition_hash, options)?);
    println!("{:<28}{:>8}{:>8}  expected time", "units", "in all", "done");
    for (stage, kind) in runs[0].stages().into_iter().enumerate() {
        let units = units_of_stage(runs, stage);
        let all = units.len();
        let mut done = 0;
        for unit in &units {
            done += usize::from(unit.is_done()?);
        }
        let open = all - done;
        let seconds = seconds_of_unit(earlier.as_ref(), kind, all / runs.len())
            .map(|seconds| seconds * open as f64 / jobs.min(open.max(1)) as f64);
        let expected = match seconds {
            _ if open == 0 => "none".to_string(),
            Some(seconds) => format!("about {:.1} minutes", seconds / 60.0),
            None => "not known before a first run".to_string(),
        };
        println!("{:<28}{all:>8}{done:>8}  {expected}", kind.name());
    }
    Ok(())
}

/// Seconds that a unit took in an earlier run that had so many of its kind.
pub fn seconds_of_unit(earlier: Option<&Manifest>, kind: Kind, units: usize) -> Option<f64> {
    let seconds = earlier?.timings.get(kind.name())?;
    Some(seconds / units.max(1) as f64)
}

/// The newest complete run of the same definition on the same kind of device, for its timings.
///
/// # Errors
/// A stored run that cannot be read.
pub fn earlier_run(artefact: &str, definition_hash: &str, options: &RunOptions) -> Result<Option<Manifest>> {
    let runs = find_runs(&options.results, Some(artefact))?;
    let same = runs.into_iter().map(|run| run.manifest).filter(|manifest| {
        manifest.status == RunStatus::Complete
            && manifest.definition_hash == definition_hash
            && manifest.device_class == options.device.class()
    });
    Ok(same.max_by(|a, b| a.recency().cmp(b.recency())))
}

/// What an earlier result of any definition of the same artefact, scale, data set and device says of the next one.
struct Earlier {
    /// Which, in words.
    name: String,
    /// Kendall's tau of the score, the mean over its root seeds.
    tau: f64,
    /// See [`between_seeds`].
    between: Option<f64>,
    /// Seconds of the SMASH network of a root seed.
    smash: f64,
    /// Seconds of a score.
    score: f64,
    /// Seconds of a training.
    training: f64,
}

/// Prints the interval of Kendall's tau that a correlation study can expect, and with a budget the size that makes it narrowest.
///
/// # Errors
/// A stored result that cannot be read; with a budget, a study that ranks nothing, no result to take times from, or too little time.
pub fn print_power(artefact: &str, study: Option<&CorrelationStudy>, options: &RunOptions) -> Result<()> {
    let Some(study) = study else {
        return match options.budget {
            Some(_) => bail!("`{artefact}` ranks no architectures: --budget is for studies of kind correlation"),
            None => Ok(()),
        };
    };
    let mut earlier = None;
    for root in [options.results.as_path(), Path::new(PUBLISHED)] {
        if earlier.is_none() {
            earlier = find_earlier(artefact, &study.data.name, options, root)?;
        }
    }
    let trained = study.scored.div_ceil(study.every);
    let seeds = options.seeds as usize;
    let (tau, source) = match &earlier {
        Some(earlier) => (earlier.tau, earlier.name.clone()),
        None => (UNKNOWN_TAU, "assumed, no result is stored".to_owned()),
    };
    let between = earlier.as_ref().and_then(|earlier| earlier.between);
    let width = |interval: Interval| interval.high - interval.low;
    let expected = |architectures, seeds| expected_interval(tau, between.unwrap_or(0.0), architectures, seeds);
    match expected(trained, seeds) {
        Some(interval) => println!(
            "{trained} architectures of each of {seeds} root seeds: expected Kendall τ {}, width {:.2} (τ: {source})",
            interval_text(Some(interval)),
            width(interval)
        ),
        None => println!("{trained} architectures are too few to expect an interval"),
    }
    match between {
        Some(between) => println!("root seeds differ by a standard deviation of {between:.2}, which is in it"),
        None => println!("the chance of another SMASH network is not in it: no stored result has two root seeds"),
    }
    let Some(seconds) = options.budget else {
        return Ok(());
    };
    let earlier =
        earlier.with_context(|| format!("--budget: no result of `{artefact}` at this scale to take times from"))?;
    let jobs = options.jobs as f64;
    let of_truth = earlier.training * study.training_seeds as f64;
    let of_scores = earlier.score * (study.every * study.noise_draws) as f64;
    let budget = Budget {
        of_seed: earlier.smash,
        of_architecture: (of_truth + of_scores) / jobs,
        seconds,
    };
    let (architectures, seeds) = budget.best(tau, between.unwrap_or(0.0)).with_context(|| {
        format!(
            "--budget: a root seed with the fewest architectures takes {:.0} minutes",
            budget.time(10, 1) / 60.0
        )
    })?;
    println!(
        "narrowest in {:.0} minutes: {architectures} architectures of each of {seeds} root seeds, width {:.2}, about {:.0} minutes\n  \
         --seeds {seeds} --set study.scored={} --set study.every={}",
        seconds / 60.0,
        expected(architectures, seeds).map_or(f64::NAN, width),
        budget.time(architectures, seeds) / 60.0,
        architectures * study.every,
        study.every
    );
    if seeds == 1 {
        println!(
            "one root seed says nothing of another SMASH network: take two or more if the answer must not depend on one"
        );
    }
    println!("epochs stay as they are: what fewer would do to true errors is for `fidelity` to say");
    Ok(())
}

/// The newest result that is a correlation of scores with true errors and was not made by taking trainings from a pool, whose
/// times would be none.
fn find_earlier(artefact: &str, dataset: &str, options: &RunOptions, root: &Path) -> Result<Option<Earlier>> {
    let mut found: Option<Group> = None;
    for group in groups(find_runs(root, Some(artefact))?) {
        let manifest = group.manifest();
        let is_alike = manifest.scale == options.scale.name()
            && manifest.dataset.name == dataset
            && manifest.device_class == options.device.class()
            && !group
                .runs
                .iter()
                .any(|run| run.manifest.warnings.iter().any(|text| text.contains("of the pool")));
        if is_alike && found.as_ref().is_none_or(|known| known.recency() < group.recency()) {
            found = Some(group);
        }
    }
    let Some(group) = found else {
        return Ok(None);
    };
    let (scores, truths) = (group.read::<ScoreRow>()?, group.read::<TruthRow>()?);
    let manifest = group.manifest();
    let summary = results::correlation::summary(
        &group.read::<ArchitectureRow>()?,
        &Predictor::score(&scores),
        &truths,
        manifest.dataset.test.examples,
    )?;
    let seconds = |kind: Kind| -> f64 {
        let of_run = group
            .runs
            .iter()
            .filter_map(|run| run.manifest.timings.get(kind.name()));
        of_run.sum()
    };
    let Some(tau) = summary.score.kendall else {
        return Ok(None);
    };
    let taus: Vec<f64> = summary
        .seeds
        .iter()
        .filter_map(|seed| Some(seed.score.kendall?.estimate))
        .collect();
    let seeds = group.runs.len();
    Ok(Some(Earlier {
        name: format!("{artefact} of commit {}, {seeds} root seeds", manifest.commit),
        tau: tau.estimate.clamp(-0.95, 0.95),
        between: between_seeds(&taus, summary.n() / seeds),
        smash: seconds(Kind::TrainSmash) / seeds as f64,
        score: seconds(Kind::Score) / scores.len().max(1) as f64,
        training: seconds(Kind::TrainResulting) / truths.len().max(1) as f64,
    }))
}

/// Seconds of a text such as `90s`, `30m` or `2h`.
///
/// # Errors
/// Anything else.
pub fn parse_duration(text: &str) -> Result<f64, String> {
    let fault = || format!("expected a time such as 90s, 30m or 2h, found `{text}`");
    let unit = text.chars().last().ok_or_else(fault)?;
    let scale = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        _ => return Err(fault()),
    };
    let number: f64 = text[..text.len() - 1].parse().map_err(|_| fault())?;
    if number.is_finite() && number > 0.0 {
        Ok(scale * number)
    } else {
        Err(fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(parse_duration("90s"), Ok(90.0));
        assert_eq!(parse_duration("1.5m"), Ok(90.0));
        assert_eq!(parse_duration("2h"), Ok(7200.0));
        for faulty in ["", "30", "m", "-1m", "0h", "infm", "3 d", "5µ"] {
            assert!(parse_duration(faulty).unwrap_err().contains("30m"), "{faulty}");
        }
    }
}
