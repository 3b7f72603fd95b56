//! The precision that a run can expect, and the size of run that is most precise in a given time.

use std::cmp::Reverse;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use results::outln;
use results::statistics::bootstrap::Interval;
use results::statistics::power::{Budget, FEWEST_ARCHITECTURES, StandIn, between_seeds, expected_interval};
use results::store::{Group, find_runs, groups};
use results::summaries::correlation::Predictor;
use results::summaries::text::interval_text;
use results::{ArchitectureRow, CorrelationSummary, FastTruthRow, Manifest, Measure, ScoreRow, TruthRow};
use serde::Serialize;

use crate::engine::unit::Kind;
use crate::run::options::RunOptions;
use crate::run::times::PUBLISHED;
use crate::settings::definition::Definition;
use crate::settings::studies::{CorrelationStudy, Recipe, Study};

/// Kendall's tau that is assumed if no result gives one.
const UNKNOWN_TAU: f64 = 0.3;

/// The confidence interval of Kendall's tau that a correlation study can expect. The JSON of a plan has these fields.
#[derive(Serialize)]
pub struct Precision {
    /// Number of root seeds.
    seeds: usize,
    /// Number of architectures with a true error, for each root seed.
    architectures: usize,
    /// Expected tau.
    tau: f64,
    /// Origin of this tau, in words.
    tau_source: String,
    /// Ends and width of the expected 95 % interval; none for too few architectures.
    low: Option<f64>,
    high: Option<f64>,
    width: Option<f64>,
    /// See [`between_seeds`].
    between_seeds: Option<f64>,
    /// Why it is not known.
    between_seeds_unknown: Option<&'static str>,
    /// The best use of a budget, if there is one.
    budget: Option<Advice>,
}

/// The use of a budget with the narrowest interval.
#[derive(Serialize)]
struct Advice {
    /// The budget.
    seconds: f64,
    /// The narrowest choice.
    best: Choice,
    /// Arguments that make the run of this choice.
    arguments: String,
    /// The choice by each recipe that was considered.
    choices: Vec<Choice>,
    /// Kendall's tau between the true errors of both recipes, if a stored result gives it, and that result in words.
    recipes_agree: Option<f64>,
    recipes_source: Option<String>,
}

/// Estimates of the ranking for the next run.
struct Ranking {
    /// Description of the result that they come from, in words.
    name: String,
    /// Kendall's tau of the score, the mean over its root seeds.
    tau: Option<f64>,
    /// See [`between_seeds`]; or why it is not known.
    between: Result<f64, &'static str>,
}

/// Times of an earlier result.
struct Seconds {
    /// Seconds to train the SMASH network of one root seed.
    smash: f64,
    /// Seconds of one score.
    score: f64,
    /// Seconds of one training.
    training: f64,
}

/// Estimates that choices are made by.
struct Estimates {
    tau: f64,
    /// See [`between_seeds`]; 0 if it is not known.
    between: f64,
    times: Seconds,
}

/// Estimates for the fast recipe from an earlier result of `fidelity`.
struct Fidelity {
    /// Description of that result, in words.
    name: String,
    /// Kendall's tau between the true errors of both recipes.
    tau: f64,
    /// The model that follows from this tau.
    stand_in: StandIn,
    /// Time of a training, as a fraction of its time by the paper's recipe.
    time: f64,
}

/// A way to spend a budget.
#[derive(Clone, Serialize)]
struct Choice {
    /// For each root seed.
    architectures: usize,
    seeds: usize,
    /// Expected time in seconds.
    seconds: f64,
    /// Width of the confidence interval of Kendall's tau between score and true error by the paper's recipe.
    width: f64,
    /// Name of the recipe.
    recipe: &'static str,
}

/// The confidence interval of Kendall's tau that a correlation study can expect; `None` for another kind of study. With a budget,
/// it has the size of run that makes the interval narrowest too.
///
/// `trainings` is the number of trainings of all root seeds together.
///
/// # Errors
/// A stored result that cannot be read. With a budget, also a study that ranks nothing or trains nothing, no result to take times
/// from, or too little time.
pub fn precision(
    artefact: &str,
    definition: &Definition,
    trainings: usize,
    options: &RunOptions,
) -> Result<Option<Precision>> {
    let Study::Correlation(study) = &definition.study else {
        ensure!(
            options.budget.is_none(),
            "`{artefact}` ranks no architectures: --budget is for studies of kind correlation"
        );
        return Ok(None);
    };
    ensure!(
        options.budget.is_none() || study.benchmark.is_none(),
        "--budget: `{artefact}` takes its true errors from a benchmark; --fresh trains here instead"
    );
    let candidates = candidates(artefact, definition, study, options)?;
    let ranking = candidates.first().map(|group| ranking(group, definition)).transpose()?;
    let seeds = options.seeds as usize;
    let architectures = trainings / (seeds * study.training_seeds);
    let (tau, tau_source) = match &ranking {
        Some(Ranking { tau: Some(tau), name, .. }) => (*tau, name.clone()),
        Some(Ranking { name, .. }) => (UNKNOWN_TAU, format!("assumed, because τ of {name} is undefined")),
        None => (UNKNOWN_TAU, "assumed, because no result is stored".to_owned()),
    };
    let between = ranking.map_or(Err("no result is stored"), |ranking| ranking.between);
    let interval = expected_interval(tau, between.unwrap_or(0.0), architectures, seeds);
    let advise = |seconds| {
        let timed = candidates.iter().find(|group| {
            group.runs.iter().all(|run| has_times(&run.manifest, &[Kind::TrainSmash, Kind::TrainResulting]))
        });
        let timed =
            timed.with_context(|| format!("--budget: no result of `{artefact}` at this scale to take times from"))?;
        let estimates = Estimates { tau, between: between.unwrap_or(0.0), times: times(timed)? };
        advice(study, &estimates, seconds, options)
    };
    Ok(Some(Precision {
        seeds,
        architectures,
        tau,
        tau_source,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        width: interval.map(width),
        between_seeds: between.ok(),
        between_seeds_unknown: between.err(),
        budget: options.budget.map(advise).transpose()?,
    }))
}

impl Precision {
    /// Prints it for people.
    pub fn print(&self) {
        let Self { seeds, architectures, tau, tau_source, .. } = self;
        match (self.low, self.high) {
            (Some(low), Some(high)) => {
                let interval = Interval { estimate: *tau, low, high, undefined: 0 };
                outln!(
                    "{seeds} root seeds with {architectures} architectures each: expected Kendall τ {}, width {:.2} (τ: \
                     {tau_source})",
                    interval_text(Some(interval)),
                    width(interval)
                );
            }
            _ => outln!("{architectures} architectures are too few for an interval"),
        }
        match (self.between_seeds, self.between_seeds_unknown) {
            (Some(between), _) => {
                outln!("the interval includes a standard deviation of {between:.2} between root seeds");
            }
            (None, reason) => outln!(
                "the interval excludes the variation between SMASH networks, because {}",
                reason.unwrap_or_default()
            ),
        }
        if let Some(advice) = &self.budget {
            advice.print();
        }
    }
}

impl Advice {
    fn print(&self) {
        let best = &self.best;
        outln!(
            "narrowest in {:.0} minutes: {} root seeds with {} architectures each, width {:.2}, about {:.0} minutes\n  {}",
            self.seconds / 60.0,
            best.seeds,
            best.architectures,
            best.width,
            best.seconds / 60.0,
            self.arguments
        );
        if best.seeds == 1 {
            outln!(
                "one root seed does not show the variation between SMASH networks: take more if the answer must not depend on one network"
            );
        }
        let by_recipe = |choice: &Choice| format!("width {:.2} by the recipe `{}`", choice.width, choice.recipe);
        let widths = self.choices.iter().map(by_recipe).collect::<Vec<_>>().join(", ");
        match (self.recipes_agree, &self.recipes_source, best.recipe == Recipe::Fast.name()) {
            (Some(tau), Some(source), _) => outln!(
                "epochs of resulting networks: {widths}; the errors of both recipes agree with τ {tau:+.2} ({source})"
            ),
            // Without such a result, only the recipe that was asked for is considered.
            (_, _, true) => outln!("epochs of resulting networks: {widths}, as requested"),
            (_, _, false) => outln!(
                "epochs of resulting networks: {widths}; no stored result of `fidelity` shows how fewer epochs change the ranking"
            ),
        }
    }
}

fn width(interval: Interval) -> f64 {
    interval.high - interval.low
}

/// The choice with the narrowest interval, by the study's recipe. It considers the fast recipe too if a stored result shows how
/// fewer epochs change the ranking.
fn advice(study: &CorrelationStudy, estimates: &Estimates, seconds: f64, options: &RunOptions) -> Result<Advice> {
    let fidelity = match study.recipe {
        Recipe::Paper => fidelity(study, options)?,
        // The user asked for the fast recipe, and it is the shorter one.
        Recipe::Fast => None,
    };
    let mut choices = Vec::new();
    let mut least = f64::INFINITY;
    for fast in std::iter::once(None).chain(fidelity.as_ref().map(Some)) {
        let budget = budget(study, &estimates.times, seconds, options, fast);
        choices.extend(choice(study, estimates, &budget, fast));
        least = least.min(budget.time(FEWEST_ARCHITECTURES, 1));
    }
    let best = choices.iter().min_by(|a, b| a.width.total_cmp(&b.width)).cloned();
    let Some(best) = best else {
        bail!("--budget: a root seed with the fewest architectures takes {:.0} minutes", least / 60.0);
    };
    let recipe = if best.recipe == study.recipe.name() { "" } else { " --recipe fast" };
    let (seeds, scored, every) = (best.seeds, best.architectures * study.every, study.every);
    Ok(Advice {
        seconds,
        arguments: format!("--seeds {seeds} --set study.scored={scored} --set study.every={every}{recipe}"),
        best,
        choices,
        recipes_agree: fidelity.as_ref().map(|fidelity| fidelity.tau),
        recipes_source: fidelity.map(|fidelity| fidelity.name),
    })
}

/// Cost of a run; by the fast recipe if `fast` gives its time.
fn budget(
    study: &CorrelationStudy,
    times: &Seconds,
    seconds: f64,
    options: &RunOptions,
    fast: Option<&Fidelity>,
) -> Budget {
    let of_trainings = times.training * fast.map_or(1.0, |fast| fast.time) * study.training_seeds as f64;
    let of_scores = times.score * (study.every * study.noise_draws) as f64;
    Budget { of_seed: times.smash, of_architecture: (of_trainings + of_scores) / options.jobs() as f64, seconds }
}

/// The numbers of architectures and seeds that make the interval narrowest, if there is time for any.
fn choice(study: &CorrelationStudy, estimates: &Estimates, budget: &Budget, fast: Option<&Fidelity>) -> Option<Choice> {
    let Estimates { tau, between, .. } = *estimates;
    // A stand-in for the errors shows a smaller tau, and smaller differences between root seeds.
    let (tau, slope) = match fast {
        Some(Fidelity { stand_in, .. }) => (stand_in.seen(tau), stand_in.slope(tau)),
        None => (tau, 1.0),
    };
    let (architectures, seeds) = budget.best(tau, slope * between)?;
    let interval = expected_interval(tau, slope * between, architectures, seeds)?;
    Some(Choice {
        architectures,
        seeds,
        seconds: budget.time(architectures, seeds),
        width: width(interval) / slope,
        recipe: if fast.is_some() { Recipe::Fast.name() } else { study.recipe.name() },
    })
}

/// Whether a run knows how long its units of these kinds took. It does not if a pool or a benchmark supplied some. Older programs
/// counted such units with no time; a warning in their manifests shows it.
fn has_times(manifest: &Manifest, kinds: &[Kind]) -> bool {
    kinds.iter().all(|kind| manifest.timings.contains_key(kind.name()))
        && !manifest.warnings.iter().any(|warning| warning.contains("trainings are of the pool"))
}

/// The results of an artefact at this scale, on these data and this class of device: the user's own and the published ones. The
/// most similar definition comes first, then the user's own result, then the newest.
fn results_of(
    artefact: &str,
    data_set: &str,
    options: &RunOptions,
    similarity: impl Fn(&Manifest) -> u8,
) -> Result<Vec<Group>> {
    let mut all = Vec::new();
    for (is_own, root) in [(true, options.results.as_path()), (false, Path::new(PUBLISHED))] {
        all.extend(groups(find_runs(root, Some(artefact))?.runs).into_iter().map(|group| (is_own, group)));
    }
    all.retain(|(_, group)| {
        let manifest = group.manifest();
        manifest.scale == options.scale.name()
            && manifest.dataset.name == data_set
            && manifest.device_class == options.device.class()
    });
    all.sort_by(|(is_own, a), (is_own_too, b)| {
        let order = |is_own: bool, group: &Group| Reverse((similarity(group.manifest()), is_own));
        order(*is_own, a).cmp(&order(*is_own_too, b)).then(b.age().cmp(&a.age()))
    });
    Ok(all.into_iter().map(|(_, group)| group).collect())
}

/// The stored results of the study's own artefact with its recipe. A result of the same definition comes first, then one whose
/// data, space and SMASH network are set alike.
fn candidates(
    artefact: &str,
    definition: &Definition,
    study: &CorrelationStudy,
    options: &RunOptions,
) -> Result<Vec<Group>> {
    let (hash, own) = (definition.hash(), definition.to_table());
    let part = |definition: &toml::Table, key: &str| definition.get("study").and_then(|study| study.get(key)).cloned();
    let similarity = |manifest: &Manifest| {
        let is_alike = |key: &&str| part(&manifest.definition, key) == part(&own, key);
        match manifest.definition_hash == hash {
            true => 2,
            false => u8::from(["data", "space", "smash", "hypernet"].iter().all(is_alike)),
        }
    };
    let mut found = results_of(artefact, &study.data.name, options, similarity)?;
    found.retain(|group| {
        let recipe = part(&group.manifest().definition, "recipe");
        // Definitions older than the fast recipe name no recipe.
        recipe.as_ref().map_or(Some(Recipe::Paper.name()), toml::Value::as_str) == Some(study.recipe.name())
    });
    Ok(found)
}

/// Seconds that units of a kind took in all runs of a result.
fn seconds_of(group: &Group, kind: Kind) -> f64 {
    let of_run = group.runs.iter().filter_map(|run| run.manifest.timings.get(kind.name()));
    of_run.sum()
}

fn summary(group: &Group, predictor: &Predictor, true_errors: &[TruthRow]) -> Result<CorrelationSummary> {
    let test_examples = group.manifest().dataset.test.examples;
    let architectures = group.read::<ArchitectureRow>()?;
    Ok(results::summaries::correlation::summary(&architectures, predictor, true_errors, test_examples)?)
}

/// Kendall's tau in a stored result.
fn ranking(group: &Group, definition: &Definition) -> Result<Ranking> {
    let (scores, true_errors) = (group.read::<ScoreRow>()?, group.read::<TruthRow>()?);
    let summary = summary(group, &Predictor::score(&scores, Measure::of_group(group)?), &true_errors)?;
    let taus: Vec<f64> = summary.score_of_seeds.iter().filter_map(|score| Some(score.kendall?.estimate)).collect();
    let (manifest, seeds) = (group.manifest(), group.runs.len());
    let between = match between_seeds(&taus, summary.n() / seeds) {
        Some(between) => Ok(between),
        None if seeds < 2 => Err("the stored result has one root seed"),
        None if taus.len() < 2 => {
            Err("Kendall's τ of the stored result is undefined for all root seeds but one, or for all")
        }
        None => Err("the stored result has too few architectures for each root seed"),
    };
    let other = if manifest.definition_hash == definition.hash() { "" } else { ", by another definition" };
    Ok(Ranking {
        name: format!("{} of commit {}, {seeds} root seeds{other}", manifest.artefact, manifest.commit),
        tau: summary.score.kendall.map(|tau| tau.estimate.clamp(-0.95, 0.95)),
        between,
    })
}

fn times(group: &Group) -> Result<Seconds> {
    let each = |kind, count: usize| seconds_of(group, kind) / count.max(1) as f64;
    Ok(Seconds {
        smash: each(Kind::TrainSmash, group.runs.len()),
        score: each(Kind::Score, group.read::<ScoreRow>()?.len()),
        training: each(Kind::TrainResulting, group.read::<TruthRow>()?.len()),
    })
}

fn fidelity(study: &CorrelationStudy, options: &RunOptions) -> Result<Option<Fidelity>> {
    const ARTEFACT: &str = "fidelity";
    let kinds = [Kind::TrainResulting, Kind::TrainFast];
    let found = results_of(ARTEFACT, &study.data.name, options, |_| 0)?;
    let Some(group) = found.iter().find(|group| group.runs.iter().all(|run| has_times(&run.manifest, &kinds))) else {
        return Ok(None);
    };
    let (fast, true_errors) = (group.read::<FastTruthRow>()?, group.read::<TruthRow>()?);
    let tau = summary(group, &Predictor::fast_recipe(&fast), &true_errors)?.score.kendall;
    let tau = tau.map_or(0.0, |tau| tau.estimate.min(0.99));
    let each = |kind, count: usize| seconds_of(group, kind) / count.max(1) as f64;
    Ok(StandIn::of(tau).map(|stand_in| Fidelity {
        name: format!("{ARTEFACT} of commit {}", group.manifest().commit),
        tau,
        stand_in,
        time: each(Kind::TrainFast, fast.len()) / each(Kind::TrainResulting, true_errors.len()),
    }))
}
