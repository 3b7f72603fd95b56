//! The numbers of docs/results.md, section by section.

use std::collections::BTreeMap;

use reports::artefact::Artefact;
use reports::findings::Findings;
use results::statistics::bootstrap::Interval;
use results::statistics::noise::spread_and_noise;
use results::statistics::ranking::Ranking;
use results::statistics::sample::standard_deviation;
use results::statistics::tau::kendall_tau_b;
use results::summaries::predictors;
use results::summaries::text::{interval_text, percent, points_text, share_text};
use results::{FastTruthRow, PredictionRow, ScoreRow, TruthRow};

use super::document::Document;
use super::stored::{
    Published, artefact, chance_of_the_correct_encoding, claimed_points, correlation, earlier, mean, n, negated,
    networks, points, range, setting, thousands_of_parameters, trainings, verdict, word,
};

pub fn score(document: &mut Document, published: &Published) {
    let [fig4, rivals, natural] =
        ["fig4-laptop-shapes", "rivals-laptop-shapes", "fig4-laptop-cifar100"].map(|name| published.at(name));
    for (names, set, artefact) in [
        ("`fig4`", "shapes", fig4),
        ("`rivals`", "shapes", rivals),
        ("`fig4` and `rivals`", "CIFAR-100", natural),
    ] {
        let summary = &correlation(artefact).summary;
        let [tau, ceiling] = [summary.score.kendall, summary.ceiling].map(interval_text);
        let (n, seeds, trainings) = (n(artefact), artefact.group.runs.len(), trainings(artefact));
        document.states(format!(
            "| {names} | {set} | {n} | {seeds} | {trainings} | {tau} | {ceiling} |"
        ));
    }
    let draws = word(setting(fig4, "study.noise-draws"));
    document.states(format!("Each score is a mean over {draws} noise draws."));

    let summary = &correlation(fig4).summary;
    let seeds: Vec<Interval> = summary.seeds.iter().filter_map(|seed| seed.score.kendall).collect();
    let [first, second, third, last] = [0, 1, 2, 3].map(|seed| format!("{:+.2}", seeds[seed].estimate));
    document.states(format!(
        "It leaves the paper's claim that the score correlates {}. Its {} networks have τ = {first}, {second}, {third} \
         and {last}.",
        verdict(fig4),
        networks(fig4)
    ));
    let above = |artefact: &Artefact, part: fn(&Interval) -> f64| {
        let seeds = correlation(artefact).summary.seeds.iter();
        let intervals: Vec<Interval> = seeds.filter_map(|seed| seed.score.kendall).collect();
        intervals.iter().filter(|interval| part(interval) > 0.0).count()
    };
    assert_eq!(above(rivals, |interval| interval.estimate), rivals.group.runs.len());
    document.states(format!(
        "τ is above 0 for each of the {} networks. The interval lies above 0 for {} of them.",
        networks(rivals),
        word(above(rivals, |interval| interval.low))
    ));
    let earlier = earlier(fig4);
    document.states(format!(
        "An earlier version of `fig4` sampled other architectures. It had τ = {} (n = {}, {} networks).",
        interval_text(correlation(&earlier).summary.score.kendall),
        n(&earlier),
        networks(&earlier)
    ));
    // The 95 % interval of a normal distribution has 3.92 standard deviations.
    let errors = seeds.iter().map(|interval| (interval.high - interval.low) / 3.92);
    let [least, most] = [errors.clone().reduce(f64::min), errors.reduce(f64::max)].map(Option::unwrap);
    let taus: Vec<f64> = seeds.iter().map(|interval| interval.estimate).collect();
    document.states(format!(
        "standard error of one network's τ is {least:.2} to {most:.2}. The {} networks of `fig4` have {} architectures \
         each, and a standard deviation of τ of {:.2}.",
        networks(fig4),
        summary.seeds[0].points.len(),
        standard_deviation(&taus).unwrap()
    ));
    let spread = summary.spread.unwrap();
    document.states(format!(
        "The true errors of `fig4` have a standard deviation of {} points. The noise is {} points for one training and \
         {} points for a true error. The spread is {:.1} times the noise of a true error.",
        points(spread.spread),
        points(spread.training.unwrap()),
        points(spread.noise),
        spread.ratio().unwrap()
    ));
    let ([fewest, most], size) = (thousands_of_parameters(fig4), setting(fig4, "study.data.image-size"));
    document.states(format!(
        "networks of {fewest} to {most} parameters and drawings of {size}x{size} pixels."
    ));

    assert_eq!(above(natural, |interval| interval.low), 0);
    document.states("No network has an interval above 0.");
    let errors = natural.group.read::<TruthRow>().unwrap();
    let errors: Vec<f64> = errors.iter().filter_map(|row| row.error).collect();
    let [lowest, highest] = range(errors.iter().copied());
    document.states(format!(
        "Their mean error is {:.0} %, and the errors lie between {lowest} and {highest} %. The true errors spread {:.1} \
         times as far as their noise.",
        100.0 * mean(&errors),
        correlation(natural).summary.spread.unwrap().ratio().unwrap()
    ));

    let artefact = published.at("paper-regime-laptop-shapes");
    let summary = &correlation(artefact).summary;
    let spread = summary.spread.unwrap();
    assert_eq!([artefact.group.runs.len(), trainings(artefact)], [1, 2]);
    document.states(format!(
        "One SMASH network scored the {} architectures of the benchmark `laptop-shapes`, each trained twice. Its score \
         has τ = {}, so the claim is {}.",
        n(artefact),
        interval_text(summary.score.kendall),
        verdict(artefact)
    ));
    document.states(format!(
        "The number of parameters has τ = {}: more parameters, less error. Noise caps any predictor at τ = {}. The \
         spread of true errors is {:.2} points, {:.1} times their noise.",
        interval_text(negated(summary.parameters.kendall)),
        interval_text(summary.ceiling),
        100.0 * spread.spread,
        spread.ratio().unwrap()
    ));
}

/// Checks the lines of a table with one line for each predictor, on `shapes` and on CIFAR-100.
fn predictors_table(document: &mut Document, published: &Published, artefact: &str) {
    let [drawn, natural] = ["shapes", "cifar100"].map(|set| published.predictors(&format!("{artefact}-laptop-{set}")));
    assert_eq!(drawn.len(), natural.len());
    for (drawn, natural) in drawn.iter().zip(natural) {
        assert_eq!(drawn.name, natural.name);
        let name = match drawn.name.as_str() {
            "shared weights" => "weights shared without a HyperNet",
            name => name,
        };
        let cells = [drawn, natural].map(|summary| {
            let change = summary.change.map(|change| interval_text(Some(change)));
            format!("{} | {}", interval_text(summary.tau), change.unwrap_or_default())
        });
        document.states(format!("| {name} | {} |", cells.join(" | ")));
    }
}

pub fn rivals(document: &mut Document, published: &Published) {
    let [drawn, natural] = ["rivals-laptop-shapes", "rivals-laptop-cifar100"];
    let artefact = published.at(drawn);
    document.states(format!(
        "(n = {}, {} networks, {} trainings of each)",
        n(artefact),
        networks(artefact),
        word(trainings(artefact))
    ));
    predictors_table(document, published, "rivals");
    let given = |name| interval_text(published.predictor(name, "SMASH score").partial);
    document.states(format!(
        "The score has τ = {} on `shapes` given the number of parameters. It has {} on CIFAR-100.",
        given(drawn),
        given(natural)
    ));
    let advantage = negated(published.predictor(drawn, "shared weights").change);
    document.states(format!("its advantage on `shapes` is {}.", interval_text(advantage)));
    let fig4 = published.at("fig4-laptop-shapes");
    document.states(format!(
        "the number of parameters has τ = {} there (n = {}, {} networks).",
        interval_text(negated(correlation(fig4).summary.parameters.kendall)),
        n(fig4),
        networks(fig4)
    ));
}

pub fn reproducibility(document: &mut Document, published: &Published) {
    let fig4 = published.at("fig4-laptop-shapes");
    let mut first = fig4.group.clone();
    first.runs.truncate(1);
    let mut draws: BTreeMap<u32, [f64; 2]> = BTreeMap::new();
    for row in first.read::<ScoreRow>().unwrap() {
        draws.entry(row.architecture).or_default()[row.draw as usize] = row.error.unwrap();
    }
    let pairs: Vec<(f64, f64)> = draws.values().map(|&[one, other]| (one, other)).collect();
    document.states(format!(
        "| scores by two noise draws, first network | {} | {:+.2} |",
        pairs.len(),
        kendall_tau_b(&pairs).unwrap()
    ));
    let first = artefact(first);
    let summary = &correlation(&first).summary;
    document.states(format!("instead of {})", &first.commit()[..7]));
    for (line, coefficients) in [
        (
            "true errors, by halves of the trainings, first network",
            summary.halves.unwrap(),
        ),
        ("score and true error, first network", summary.score),
    ] {
        document.states(format!(
            "| {line} | {} | {} |",
            summary.n(),
            interval_text(coefficients.kendall)
        ));
    }

    let artefact = published.at("fig5b-laptop-shapes");
    let Findings::Ensemble(summary) = &artefact.findings else {
        panic!("fig5b measures an ensemble")
    };
    document.states(format!(
        "scores one list by {} networks that differ in their seed alone (n = {}, {} root seed).",
        word(summary.members),
        summary.n(),
        networks(artefact)
    ));
    document.states(format!(
        "Two networks agree with τ = {}.",
        interval_text(summary.agreement)
    ));
    let shares = summary.shares.unwrap();
    document.states(format!(
        "The variance of scores has three parts: {} between architectures, {} between networks, and {} disagreement.",
        percent(shares.architectures),
        percent(shares.members),
        percent(shares.rest)
    ));
    // The mean squares of a two-way table, up to a common factor.
    let members = summary.members as f64;
    let (between, within) = (shares.architectures, shares.rest / (members - 1.0));
    let one = (between - within) / (between + (members - 1.0) * within);
    document.states(format!(
        "It is {one:.2} for one network's score. It is {:.2} for the mean of four networks' scores.",
        4.0 * one / (1.0 + 3.0 * one)
    ));
}

pub fn ladder(document: &mut Document, published: &Published) {
    let names @ [drawn, natural] = ["ladder-laptop-shapes", "ladder-laptop-cifar100"];
    let artefact = published.at(drawn);
    document.states(format!(
        "`ladder` changes one switch at a time (n = {}, {} networks).",
        n(artefact),
        networks(artefact)
    ));
    let epochs = |name| setting(published.at(name), "study.smash.epochs");
    document.states(format!(
        "SMASH networks train for {} epochs instead of {}.",
        epochs(drawn),
        epochs("rivals-laptop-shapes")
    ));
    predictors_table(document, published, "ladder");
    let changes = artefact.group.runs.iter().map(|run| {
        let mut predictions = run.dir.read::<PredictionRow>().unwrap();
        predictions.retain(|row| ["plain", "batch statistics"].contains(&row.predictor.as_str()));
        let summary = predictors::summary(&run.dir.read().unwrap(), &predictions, &run.dir.read().unwrap());
        format!("{:+.2}", summary.predictors[1].change.unwrap().estimate)
    });
    let changes: Vec<String> = changes.collect();
    document.states(format!(
        "Batch statistics changed τ by {}, {} and {}.",
        changes[0], changes[1], changes[2]
    ));
    let [given_drawn, given_natural] = names.map(|name| interval_text(published.predictor(name, "combined").partial));
    document.states(format!(
        "The combination has τ = {given_drawn} given the number of parameters."
    ));
    document.states(format!("It has τ = {given_natural} given the number of parameters."));
    let ceiling = published.correlation(natural).summary.ceiling;
    let tau = published.predictor(natural, "combined").tau;
    assert!(tau.unwrap().estimate < 0.5 * ceiling.unwrap().estimate);
    document.states(format!(
        "less than half of the τ that the noise ceiling allows ({}).",
        interval_text(ceiling)
    ));
}

pub fn combination(document: &mut Document, published: &Published) {
    let artefact = published.at("fig4-combined-laptop-shapes");
    let plain = |set: &str| match set {
        "shapes" => published.tau("rivals-laptop-shapes"),
        _ => published.tau("fig4-laptop-cifar100"),
    };
    document.states(format!(
        "Its SMASH networks train for {} epochs, as those of `fig4` do (n = {}, {} networks):",
        setting(artefact, "study.smash.epochs"),
        n(artefact),
        networks(artefact)
    ));
    let above = correlation(artefact)
        .summary
        .seeds
        .iter()
        .filter_map(|seed| seed.score.kendall);
    assert!(above.clone().all(|tau| tau.estimate > 0.0) && above.count() == 3);
    document.states("The preset's τ on `shapes` is above 0 for each of the three networks.");
    document.states(format!(
        "tells bad architectures from the rest (n = {}, {} networks):",
        n(artefact),
        networks(artefact)
    ));
    for (label, set) in [("shapes", "shapes"), ("CIFAR-100", "cifar100")] {
        let name = format!("fig4-combined-laptop-{set}");
        document.states(format!("| {label} | {} | {} |", published.tau(&name), plain(set)));
        let ranking = published.correlation(&name).ranking();
        let measured = |statistic| ranking.iter().find(|measured| measured.statistic == statistic).unwrap();
        document.states(format!(
            "| {label} | {} | p = {:.2} |",
            interval_text(measured(Ranking::BetterHalfTau).interval),
            measured(Ranking::Precision(0.1)).p.unwrap()
        ));
    }
}

pub fn other_experiments(document: &mut Document, published: &Published) {
    let mut line = |artefact: &Artefact, more: &str, result: &str, verdict: &str| {
        let name = &artefact.group.manifest().artefact;
        document.states(format!("| `{name}` | {}{more} | {result} | {verdict} |", n(artefact)));
    };
    let artefact = published.at("encoding-corruption-laptop-shapes");
    let Findings::Corruption(summary) = &artefact.findings else {
        panic!("corrupted encodings")
    };
    let mean_increase = format!("{}, mean over the corruptions", points_text(summary.together.increase));
    line(artefact, "", &mean_increase, "no claim");
    let best = format!(
        "for {} of the architectures; chance gives {}",
        share_text(summary.correct_is_best),
        chance_of_the_correct_encoding(artefact)
    );
    line(artefact, "", &best, &verdict(artefact));
    let artefact = published.at("fig5b-laptop-shapes");
    let Findings::Ensemble(summary) = &artefact.findings else {
        panic!("fig5b measures an ensemble")
    };
    let agreement = format!("τ between two of them {}", interval_text(summary.agreement));
    let members = format!("; {} networks", word(summary.members));
    line(artefact, &members, &agreement, &verdict(artefact));
    let artefact = published.at("fig5a-laptop-shapes");
    let drop = artefact.findings.interval(artefact.claim.as_ref().unwrap()).unwrap();
    line(
        artefact,
        "",
        &format!("τ falls by {}", interval_text(drop)),
        &verdict(artefact),
    );
    let artefact = published.at("high-budget-laptop-shapes");
    let fall = format!("the mean score falls by {}", claimed_points(artefact));
    line(artefact, "", &fall, &verdict(artefact));
    let tau = format!("τ = {}", published.tau("high-budget-laptop-shapes"));
    line(artefact, "", &tau, "no claim");
    let artefact = published.at("appendix-e-laptop-shapes");
    let Findings::Search(summary) = &artefact.findings else {
        panic!("appendix E searches")
    };
    let more = format!(
        "; {} root seeds, {} networks",
        networks(artefact),
        word(summary.searches.len())
    );
    line(artefact, &more, &claimed_points(artefact), &verdict(artefact));
    for (name, more) in [
        ("gradient-by-proxy-laptop-shapes", " starting points"),
        ("table1-laptop-shapes", " trainings"),
        ("table2-laptop-shapes", " trainings"),
        ("table3-laptop-shapes", " trainings"),
        ("transfer-modelnet10-laptop-solids", " trainings, set `solids`"),
        ("transfer-stl10-laptop-shapes", " trainings"),
    ] {
        let artefact = published.at(name);
        line(artefact, more, &claimed_points(artefact), &verdict(artefact));
    }
}

pub fn fast_recipe(document: &mut Document, published: &Published) {
    let artefact = published.at("fidelity-laptop-shapes");
    let summary = &correlation(artefact).summary;
    let epochs = |recipe: &str| word(setting(artefact, &format!("study.{recipe}.epochs")));
    document.states(format!(
        "The fast recipe has {} epochs instead of {}. Each recipe trains each architecture twice (n = {}, no SMASH \
         network).",
        epochs("fast"),
        epochs("resulting"),
        n(artefact)
    ));
    let mut errors: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for row in artefact.group.read::<FastTruthRow>().unwrap() {
        errors.entry(row.architecture).or_default().extend(row.error);
    }
    let examples = artefact.group.manifest().dataset.test.examples;
    let fast = [errors.into_values().collect()];
    let fast_spread = spread_and_noise(&fast, examples).unwrap();
    let truths = artefact.group.read::<TruthRow>().unwrap();
    let truths: Vec<f64> = truths.iter().filter_map(|row| row.error).collect();
    let spread = summary.spread.unwrap();
    let mean_error = |errors: &[f64]| format!("{:.0}", 100.0 * mean(errors));
    for (quantity, unit, long, fast) in [
        ("mean error", "%", mean_error(&truths), mean_error(&fast[0].concat())),
        (
            "spread of true errors",
            "points",
            points(spread.spread),
            points(fast_spread.spread),
        ),
        (
            "noise of one training",
            "points",
            points(spread.training.unwrap()),
            points(fast_spread.training.unwrap()),
        ),
    ] {
        document.states(format!("| {quantity} | {long} {unit} | {fast} {unit} |"));
    }
    let claim = artefact.claim.as_ref().unwrap();
    document.states(format!(
        "The two rankings agree with τ = {}. The claim τ > {} {}.",
        interval_text(summary.score.kendall),
        claim.greater_than,
        verdict(artefact)
    ));
    document.states(format!(
        "The paper's recipe agrees with itself with τ = {}, one training against another.",
        interval_text(summary.halves.unwrap().kendall)
    ));
    let timings = &artefact.group.manifest().timings;
    document.states(format!(
        "The fast recipe takes {:.1} times less time for a training.",
        timings["train resulting networks"] / timings["train by the fast recipe"]
    ));
}
