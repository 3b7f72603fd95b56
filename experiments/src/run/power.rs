//! The precision that a run can expect, and the size of run that is most precise in a given time.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use results::outln;
use results::statistics::bootstrap::Interval;
use results::statistics::power::{Budget, FEWEST_ARCHITECTURES, StandIn, between_seeds, expected_interval};
use results::store::{Group, find_runs, groups};
use results::summaries::correlation::Predictor;
use results::summaries::text::interval_text;
use results::{ArchitectureRow, CorrelationSummary, FastTruthRow, Manifest, Measure, ScoreRow, TruthRow};

use crate::engine::unit::Kind;
use crate::run::options::RunOptions;
use crate::settings::studies::{CorrelationStudy, Recipe, Study};

/// The committed results, used for anything that the user's own runs have not measured yet.
const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/baselines");

/// Kendall's tau that is assumed if no result gives one.
const UNKNOWN_TAU: f64 = 0.3;

/// Estimates for the next run. They come from an earlier result of the same artefact, scale, data set, device and recipe,
/// whatever its definition.
struct Earlier {
    /// Description of that result, in words.
    name: String,
    /// Kendall's tau of the score, the mean over its root seeds.
    tau: f64,
    /// See [`between_seeds`].
    between: Option<f64>,
    /// Seconds to train the SMASH network of one root seed.
    smash: f64,
    /// Seconds of one score.
    score: f64,
    /// Seconds of one training.
    training: f64,
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
struct Choice {
    architectures: usize,
    seeds: usize,
    /// Expected time in seconds.
    time: f64,
    /// Width of the confidence interval of Kendall's tau between score and true error by the paper's recipe.
    width: f64,
    recipe: Recipe,
}

/// Prints the confidence interval of Kendall's tau that a correlation study can expect. With a budget, it also prints the size of
/// run that makes the interval narrowest.
///
/// `trainings` is the number of trainings of all root seeds together.
///
/// # Errors
/// A stored result that cannot be read. With a budget, also a study that ranks nothing or trains nothing, no result to take times
/// from, or too little time.
pub fn print(artefact: &str, study: &Study, trainings: usize, options: &RunOptions) -> Result<()> {
    let Study::Correlation(study) = study else {
        return match options.budget {
            Some(_) => bail!("`{artefact}` ranks no architectures: --budget is for studies of kind correlation"),
            None => Ok(()),
        };
    };
    ensure!(
        options.budget.is_none() || study.benchmark.is_none(),
        "--budget: `{artefact}` takes its true errors from a benchmark; --fresh trains here instead"
    );
    let earlier = of_own_or_published(options, |root| earlier(artefact, study, options, root))?;
    let seeds = options.seeds as usize;
    let trained = trainings / (seeds * study.training_seeds);
    let (tau, source) = match &earlier {
        Some(earlier) => (earlier.tau, earlier.name.clone()),
        None => (UNKNOWN_TAU, "assumed, because no result is stored".to_owned()),
    };
    let between = earlier.as_ref().and_then(|earlier| earlier.between);
    match expected_interval(tau, between.unwrap_or(0.0), trained, seeds) {
        Some(interval) => outln!(
            "{seeds} root seeds with {trained} architectures each: expected Kendall τ {}, width {:.2} (τ: {source})",
            interval_text(Some(interval)),
            width(interval)
        ),
        None => outln!("{trained} architectures are too few for an interval"),
    }
    match between {
        Some(between) => outln!("the interval includes a standard deviation of {between:.2} between root seeds"),
        None => outln!(
            "the interval excludes the variation between SMASH networks, because no stored result has two root seeds"
        ),
    }
    let Some(seconds) = options.budget else {
        return Ok(());
    };
    let earlier =
        earlier.with_context(|| format!("--budget: no result of `{artefact}` at this scale to take times from"))?;
    print_choices(study, &earlier, seconds, options)
}

fn width(interval: Interval) -> f64 {
    interval.high - interval.low
}

/// Prints the choice with the narrowest interval, by the study's recipe. It considers the fast recipe too if a stored result
/// shows how fewer epochs change the ranking.
fn print_choices(study: &CorrelationStudy, earlier: &Earlier, seconds: f64, options: &RunOptions) -> Result<()> {
    let fidelity = match study.recipe {
        Recipe::Paper => of_own_or_published(options, |root| fidelity(study, options, root))?,
        // The user asked for the fast recipe, and it is the shorter one.
        Recipe::Fast => None,
    };
    let mut choices = Vec::new();
    let mut least = f64::INFINITY;
    for fast in std::iter::once(None).chain(fidelity.as_ref().map(Some)) {
        let budget = budget(study, earlier, seconds, options, fast);
        choices.extend(choice(study, earlier, &budget, fast));
        least = least.min(budget.time(FEWEST_ARCHITECTURES, 1));
    }
    let best = choices.iter().min_by(|a, b| a.width.total_cmp(&b.width));
    let best = best.with_context(|| {
        let minutes = least / 60.0;
        format!("--budget: a root seed with the fewest architectures takes {minutes:.0} minutes")
    })?;
    let recipe = match (best.recipe, study.recipe) {
        (Recipe::Fast, Recipe::Paper) => " --recipe fast",
        _ => "",
    };
    outln!(
        "narrowest in {:.0} minutes: {} root seeds with {} architectures each, width {:.2}, about {:.0} minutes\n  \
         --seeds {} --set study.scored={} --set study.every={}{recipe}",
        seconds / 60.0,
        best.seeds,
        best.architectures,
        best.width,
        best.time / 60.0,
        best.seeds,
        best.architectures * study.every,
        study.every,
    );
    if best.seeds == 1 {
        outln!(
            "one root seed does not show the variation between SMASH networks: take more if the answer must not depend on one network"
        );
    }
    let by_recipe = |choice: &Choice| format!("width {:.2} by the recipe `{}`", choice.width, choice.recipe.name());
    let widths = choices.iter().map(by_recipe).collect::<Vec<_>>().join(", ");
    match (&fidelity, study.recipe) {
        (Some(Fidelity { name, tau, .. }), _) => {
            outln!("epochs of resulting networks: {widths}; the errors of both recipes agree with τ {tau:+.2} ({name})")
        }
        (None, Recipe::Fast) => outln!("epochs of resulting networks: {widths}, as requested"),
        (None, Recipe::Paper) => outln!(
            "epochs of resulting networks: {widths}; no stored result of `fidelity` shows how fewer epochs change the ranking"
        ),
    }
    Ok(())
}

/// Cost of a run; by the fast recipe if `fast` gives its time.
fn budget(
    study: &CorrelationStudy,
    earlier: &Earlier,
    seconds: f64,
    options: &RunOptions,
    fast: Option<&Fidelity>,
) -> Budget {
    let of_trainings = earlier.training * fast.map_or(1.0, |fast| fast.time) * study.training_seeds as f64;
    let of_scores = earlier.score * (study.every * study.noise_draws) as f64;
    Budget { of_seed: earlier.smash, of_architecture: (of_trainings + of_scores) / options.jobs() as f64, seconds }
}

/// The numbers of architectures and seeds that make the interval narrowest, if there is time for any.
fn choice(study: &CorrelationStudy, earlier: &Earlier, budget: &Budget, fast: Option<&Fidelity>) -> Option<Choice> {
    let between = earlier.between.unwrap_or(0.0);
    // A stand-in for the errors shows a smaller tau, and smaller differences between root seeds.
    let (tau, slope) = match fast {
        Some(Fidelity { stand_in, .. }) => (stand_in.seen(earlier.tau), stand_in.slope(earlier.tau)),
        None => (earlier.tau, 1.0),
    };
    let (architectures, seeds) = budget.best(tau, slope * between)?;
    let interval = expected_interval(tau, slope * between, architectures, seeds)?;
    Some(Choice {
        architectures,
        seeds,
        time: budget.time(architectures, seeds),
        width: width(interval) / slope,
        recipe: if fast.is_some() { Recipe::Fast } else { study.recipe },
    })
}

/// Applies `find` to the user's own results, and to the published ones if it finds nothing there.
fn of_own_or_published<T>(options: &RunOptions, find: impl Fn(&Path) -> Result<Option<T>>) -> Result<Option<T>> {
    match find(&options.results)? {
        None => find(Path::new(PUBLISHED)),
        own => Ok(own),
    }
}

/// Whether a run knows how long its units of these kinds took. It does not if a pool or a benchmark supplied some.
fn has_times(manifest: &Manifest, kinds: &[Kind]) -> bool {
    kinds.iter().all(|kind| manifest.timings.contains_key(kind.name()))
}

/// The newest result at this scale on these data and this class of device that has the times of these kinds of unit.
fn newest(
    artefact: &str,
    study: &CorrelationStudy,
    options: &RunOptions,
    root: &Path,
    kinds: &[Kind],
    is_wanted: impl Fn(&Manifest) -> bool,
) -> Result<Option<Group>> {
    let alike = groups(find_runs(root, Some(artefact))?.runs).into_iter().filter(|group| {
        let manifest = group.manifest();
        manifest.scale == options.scale.name()
            && manifest.dataset.name == study.data.name
            && manifest.device_class == options.device.class()
            && group.runs.iter().all(|run| has_times(&run.manifest, kinds))
            && is_wanted(manifest)
    });
    Ok(results::store::newest(alike))
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

fn earlier(artefact: &str, study: &CorrelationStudy, options: &RunOptions, root: &Path) -> Result<Option<Earlier>> {
    let is_by_recipe = |manifest: &Manifest| {
        let recipe = manifest.definition.get("study").and_then(|study| study.get("recipe"));
        // Definitions older than the fast recipe name no recipe.
        recipe.map_or(Some(Recipe::Paper.name()), |recipe| recipe.as_str()) == Some(study.recipe.name())
    };
    let Some(group) = newest(artefact, study, options, root, &[Kind::TrainSmash, Kind::TrainResulting], is_by_recipe)?
    else {
        return Ok(None);
    };
    let (scores, true_errors) = (group.read::<ScoreRow>()?, group.read::<TruthRow>()?);
    let summary = summary(&group, &Predictor::score(&scores, Measure::of_group(&group)?), &true_errors)?;
    let Some(tau) = summary.score.kendall else {
        return Ok(None);
    };
    let taus: Vec<f64> = summary.seeds.iter().filter_map(|seed| Some(seed.score.kendall?.estimate)).collect();
    let seeds = group.runs.len();
    Ok(Some(Earlier {
        name: format!("{artefact} of commit {}, {seeds} root seeds", group.manifest().commit),
        tau: tau.estimate.clamp(-0.95, 0.95),
        between: between_seeds(&taus, summary.n() / seeds),
        smash: seconds_of(&group, Kind::TrainSmash) / seeds as f64,
        score: seconds_of(&group, Kind::Score) / scores.len().max(1) as f64,
        training: seconds_of(&group, Kind::TrainResulting) / true_errors.len().max(1) as f64,
    }))
}

fn fidelity(study: &CorrelationStudy, options: &RunOptions, root: &Path) -> Result<Option<Fidelity>> {
    const ARTEFACT: &str = "fidelity";
    let Some(group) = newest(ARTEFACT, study, options, root, &[Kind::TrainResulting, Kind::TrainFast], |_| true)?
    else {
        return Ok(None);
    };
    let (fast, true_errors) = (group.read::<FastTruthRow>()?, group.read::<TruthRow>()?);
    let tau = summary(&group, &Predictor::fast_recipe(&fast), &true_errors)?.score.kendall;
    let tau = tau.map_or(0.0, |tau| tau.estimate.min(0.99));
    let each = |kind, count: usize| seconds_of(&group, kind) / count.max(1) as f64;
    Ok(StandIn::of(tau).map(|stand_in| Fidelity {
        name: format!("{ARTEFACT} of commit {}", group.manifest().commit),
        tau,
        stand_in,
        time: each(Kind::TrainFast, fast.len()) / each(Kind::TrainResulting, true_errors.len()),
    }))
}
