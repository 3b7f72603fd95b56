//! The statistics of an artefact as paragraphs and tables in Markdown.

use std::fmt::Write;

use results::CorrelationSummary;
use results::statistics::bootstrap::RESAMPLES;
use results::statistics::coefficients::Coefficient;
use results::statistics::ranking::Measured;
use results::summaries::contrast::Measures;
use results::summaries::predictors::PredictorSummary;
use results::summaries::regime::{MARK, MARKED_FACTOR, MARKED_SHARE, Regime, Regimes};
use results::summaries::text::{cost_text, error_text, interval_text, p_text, percent, points_text, share_text};
use results::summaries::throughput::StepSummary;
use results::{ComparisonSummary, CorruptionSummary, EnsembleSummary, PredictorsSummary, ProxySummary, SearchSummary};

use crate::findings::{Against, ComparisonFindings, Findings, RegimeFindings, SystemDefinition};

/// The paragraphs; empty if there are no statistics.
pub fn paragraphs(findings: &Findings) -> Vec<String> {
    let left_out = match findings.left_out() {
        words if words.is_empty() => String::new(),
        words => format!("Left out: {words}. "),
    };
    let bootstrap = |over: &str| {
        format!(
            "{left_out}Brackets hold 95 % intervals of the percentile bootstrap over root seeds and their {over}, {RESAMPLES} resamples."
        )
    };
    match findings {
        Findings::Correlation(found) => {
            let spread = found.summary.spread.map(|spread| format!("Test error: {spread}. "));
            let ceiling = found.summary.ceiling.map(|ceiling| {
                format!(
                    "Noise ceiling: with these trainings the expected error itself would reach a Kendall τ of {}. ",
                    interval_text(Some(ceiling))
                )
            });
            let notes = format!(
                "{}{}{}",
                spread.unwrap_or_default(),
                ceiling.unwrap_or_default(),
                bootstrap("architectures")
            );
            let against = found.against.iter().flat_map(against_paragraphs);
            let predictors = found.predictors.iter().map(predictors_table);
            let regime = found
                .regime
                .iter()
                .flat_map(|regime| regime_paragraphs(regime, &found.summary));
            [
                coefficients_table(&found.summary),
                notes,
                ranking_table(found.ranking()),
            ]
            .into_iter()
            .chain(predictors)
            .chain(against)
            .chain(regime)
            .collect()
        }
        Findings::Throughput(steps) => vec![throughput_table(steps)],
        Findings::Ensemble(summary) => vec![ensemble_paragraph(summary), bootstrap("architectures")],
        Findings::Corruption(summary) => vec![
            corruption_table(summary),
            format!(
                "The correct encoding has the lowest error of all in {} of {} architectures. Shares have Wilson's interval.",
                share_text(summary.correct_is_best),
                summary.n()
            ),
            bootstrap("architectures"),
        ],
        Findings::Proxy(summary) => vec![proxy_table(summary), bootstrap("starting points")],
        Findings::Search(summary) => search_paragraphs(summary)
            .into_iter()
            .chain([format!(
                "{left_out}Brackets hold 95 % intervals by Student's t over searches."
            )])
            .collect(),
        Findings::Comparison(found) => {
            let mut paragraphs = vec![comparison_table(found)];
            paragraphs.push(format!(
                "{left_out}Measured errors are means over trainings (folds and seeds) ± their standard deviation. Quoted numbers \
                 are the paper's, at its scale; they are not measured here."
            ));
            paragraphs.extend(trials_paragraph(&found.summary));
            if !found.searches.searches.is_empty() {
                paragraphs.extend(search_paragraphs(&found.searches));
            }
            paragraphs
        }
        Findings::Drawing { .. } | Findings::Nothing => Vec::new(),
    }
}

/// A table. The first line holds the names of the columns.
fn table(lines: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (index, cells) in lines.iter().enumerate() {
        let line = cells.join(" | ");
        write!(text, "{}| {line} |", if index == 0 { "" } else { "\n" }).expect("a string takes everything");
        if index == 0 {
            write!(text, "\n|{}", " --- |".repeat(cells.len())).expect("a string takes everything");
        }
    }
    text
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn coefficients_table(summary: &CorrelationSummary) -> String {
    let labels = Coefficient::ALL.map(|c| c.label().to_owned());
    let mut lines = vec![["true error against".to_owned()].into_iter().chain(labels).collect()];
    let predictors = summary.predictors().into_iter();
    let mut predictors = predictors.map(|(name, coefficients)| (name.to_owned(), coefficients));
    let score = predictors.next();
    let of_seeds = summary.seeds.iter().map(|seed| {
        let name = format!("{}, seed {} (n = {})", summary.predictor, seed.seed, seed.points.len());
        (name, seed.score)
    });
    let of_seeds = of_seeds.filter(|_| summary.seeds.len() > 1);
    for (name, coefficients) in score.into_iter().chain(of_seeds).chain(predictors) {
        let cells = Coefficient::ALL.map(|c| interval_text(coefficients.get(c)));
        lines.push([name].into_iter().chain(cells).collect());
    }
    table(&lines)
}

fn ranking_table(measured: &[Measured]) -> String {
    let names = ["picking by the predictor", "value, errors as fractions", "by chance"];
    let line = |measured: &Measured| vec![measured.statistic.label(), measured.value_text(), p_text(measured.p)];
    let lines = measured.iter().map(line);
    table(&[header(&names)].into_iter().chain(lines).collect::<Vec<_>>())
}

fn predictors_table(summary: &PredictorsSummary) -> String {
    let names = [
        "predictor",
        "n",
        "Kendall τ",
        "change against the first",
        "τ given parameters",
        "multiply-adds for one",
        "once for all",
    ];
    let line = |predictor: &PredictorSummary| {
        let change = predictor
            .change
            .map_or_else(String::new, |change| interval_text(Some(change)));
        vec![
            predictor.name.clone(),
            predictor.n.to_string(),
            interval_text(predictor.tau),
            change,
            interval_text(predictor.partial),
            cost_text(predictor.cost),
            cost_text(predictor.shared_cost),
        ]
    };
    let lines = summary.predictors.iter().map(line);
    table(&[header(&names)].into_iter().chain(lines).collect::<Vec<_>>())
}

fn regime_paragraphs(found: &RegimeFindings, summary: &CorrelationSummary) -> [String; 2] {
    let Regimes { here, paper } = &found.counted;
    let counted = Regime::LINES.into_iter().zip(here.cells(paper)).zip(paper.cells(paper));
    let error = |error: Option<f64>| error.map_or_else(|| "not measured".to_owned(), percent);
    let ratio = summary.spread.and_then(|spread| spread.ratio());
    let measured = [
        (
            "training error of the SMASH network, last epoch",
            error(found.smash_error),
        ),
        (
            "training error of the trained networks, last epoch",
            error(found.trained_error),
        ),
        (
            "spread over noise of the true errors",
            ratio.map_or_else(|| "not measured".to_owned(), |ratio| format!("{ratio:.1}")),
        ),
    ];
    let counted = counted.map(|((name, here), paper)| vec![name.to_owned(), here, paper]);
    let measured = measured.map(|(name, here)| vec![name.to_owned(), here, "not given".to_owned()]);
    let lines = [header(&["regime", "here", "paper"])]
        .into_iter()
        .chain(counted)
        .chain(measured);
    [
        table(&lines.collect::<Vec<_>>()),
        format!(
            "The column `paper` is counted by the paper's settings, means are over sampled architectures. {MARK} marks a value that is \
             more than {MARKED_FACTOR} times as large as the paper's, or as small, and shares of blocks that differ by more than {:.0} points.",
            100.0 * MARKED_SHARE
        ),
    ]
}

fn throughput_table(steps: &[StepSummary]) -> String {
    let names = [
        "step",
        "images per second",
        "seconds: 10 %, median, 90 %",
        "steps",
        "beyond the median",
    ];
    let line = |step: &StepSummary| {
        let [low, median, high] = step.seconds;
        vec![
            step.step.clone(),
            format!("{:.0}", step.images_per_second),
            format!("{low:.4}, {median:.4}, {high:.4}"),
            step.steps.to_string(),
            format!("{:.1} of {:.1} s", step.excess, step.total),
        ]
    };
    table(
        &[header(&names)]
            .into_iter()
            .chain(steps.iter().map(line))
            .collect::<Vec<_>>(),
    )
}

fn against_paragraphs(against: &Against) -> Vec<String> {
    let Against { artefact, found } = against;
    let Some((contrast, run)) = found else {
        return vec![format!(
            "No result of `{artefact}` at this scale and on this data set is stored, so that there is nothing to compare with."
        )];
    };
    let line = |name: &str, measures: &Measures| {
        let ratio = measures.weights_ratio.map(|ratio| format!("{ratio:.2}"));
        vec![
            name.to_owned(),
            measures.seeds.to_string(),
            ratio.unwrap_or_else(|| "not counted".to_owned()),
            error_text(measures.level),
            measures.scored.to_string(),
            interval_text(measures.tau),
        ]
    };
    let difference = vec![
        format!("{artefact} - here"),
        String::new(),
        String::new(),
        points_text(contrast.level_drop),
        String::new(),
        interval_text(contrast.tau_drop),
    ];
    let names = [
        "",
        "root seeds",
        "learned / generated weights",
        "mean score",
        "scored",
        "Kendall τ",
    ];
    let lines = [
        header(&names),
        line("here", &contrast.own),
        line(artefact, &contrast.reference),
        difference,
    ];
    let one_network = match contrast.own.seeds.min(contrast.reference.seeds) {
        1 => " Of a side with one root seed no interval holds the chance of another SMASH network.",
        _ => "",
    };
    vec![
        format!("Compared with {run}:"),
        table(&lines),
        format!("The two are independent samples, and every resample of a difference draws from both.{one_network}"),
    ]
}

fn ensemble_paragraph(summary: &EnsembleSummary) -> String {
    let shares = match summary.shares {
        Some(shares) => format!("Of the variance of scores, {shares}."),
        None => "The variance of scores cannot be divided.".to_owned(),
    };
    format!(
        "Mean Kendall τ between two of {} HyperNets, on {} architectures: {}. {shares}",
        summary.members,
        summary.n(),
        interval_text(summary.agreement)
    )
}

fn corruption_table(summary: &CorruptionSummary) -> String {
    let names = [
        "corrupted",
        "n",
        "correct encoding is better",
        "mean increase of error",
        "Wilcoxon",
        "left out",
    ];
    let line = |line: &results::summaries::corruption::Corrupted| {
        vec![
            line.name.clone(),
            line.signs.n().to_string(),
            share_text(line.signs.share()),
            points_text(line.increase),
            p_text(line.wilcoxon),
            line.left_out(),
        ]
    };
    table(
        &[header(&names)]
            .into_iter()
            .chain(summary.lines().map(line))
            .collect::<Vec<_>>(),
    )
}

fn proxy_table(summary: &ProxySummary) -> String {
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    table(&[
        header(&[
            "lowest validation error",
            &format!("n = {}, {} steps", summary.n(), summary.steps()),
        ]),
        line("change from the start, gradient", points_text(summary.gradient.change)),
        line(
            "change from the start, random steps",
            points_text(summary.random.change),
        ),
        line("random steps - gradient", points_text(summary.gain)),
        line("the gradient, by starting point", summary.record()),
    ])
}

fn search_paragraphs(summary: &SearchSummary) -> Vec<String> {
    let mut stages: Vec<&str> = Vec::new();
    for stage in summary.searches.iter().flat_map(|search| &search.stages) {
        if !stages.contains(&stage.name.as_str()) {
            stages.push(&stage.name);
        }
    }
    let stage_names = stages.iter().map(|stage| format!("{stage}: lowest score"));
    let mut first = header(&["search", "scored"]);
    first.extend(stage_names);
    first.extend(header(&["best architecture", "parameters", "met in"]));
    let mut lines = vec![first];
    for search in &summary.searches {
        let mut line = vec![search.label(summary.seeds()), search.scored().to_string()];
        line.extend(stages.iter().map(|name| {
            let stage = search.stages.iter().find(|stage| stage.name == *name);
            stage.map_or_else(|| "not run".to_owned(), ToString::to_string)
        }));
        line.extend(match &search.best {
            Some(best) => [
                format!("`{}`", best.hash),
                best.parameters.to_string(),
                best.stage.clone(),
            ],
            None => ["none".to_owned(), String::new(), String::new()],
        });
        lines.push(line);
    }
    vec![
        table(&lines),
        format!(
            "In brackets: improvement over the lowest score of the random stage. Mean over searches: {}.",
            points_text(summary.gain)
        ),
    ]
}

fn comparison_table(found: &ComparisonFindings) -> String {
    let mut first = header(&["system", "parameters", "depth", "test error"]);
    if found.top5 {
        first.push("top-5 test error".to_owned());
    }
    first.extend(header(&["left out", "paper, quoted"]));
    let mut lines = vec![first];
    for system in &found.summary.systems {
        let unmeasured = if system.was_run() {
            "no training ended ok"
        } else {
            "not run"
        };
        let missing = || unmeasured.to_owned();
        let mut line = vec![
            found.label(&system.name),
            system
                .parameters
                .map_or_else(missing, |[least, most]| range(least, most)),
            system.depth.map_or_else(missing, |[least, most]| range(least, most)),
            system.error.map_or_else(missing, |error| error.to_string()),
        ];
        if found.top5 {
            line.push(system.top5_error.map_or_else(missing, |error| error.to_string()));
        }
        let is_this = |definition: &&SystemDefinition| definition.name == system.name;
        let quoted = found
            .systems
            .iter()
            .find(is_this)
            .and_then(|definition| definition.paper);
        line.extend([
            system.left_out(),
            quoted.map_or_else(String::new, |quoted| quoted.to_string()),
        ]);
        lines.push(line);
    }
    table(&lines)
}

fn range<T: std::fmt::Display + PartialEq>(least: T, most: T) -> String {
    match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    }
}

/// The full trainings of search methods; `None` if there were none.
fn trials_paragraph(summary: &ComparisonSummary) -> Option<String> {
    let of_system =
        |system: &results::summaries::comparison::SystemSummary| Some(format!("{}: {}", system.name, system.trials?));
    let words: Vec<String> = summary.systems.iter().filter_map(of_system).collect();
    (!words.is_empty()).then(|| format!("Full trainings spent by search methods: {}.", words.join("; ")))
}
