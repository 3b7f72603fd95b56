//! The report: one section per artefact with its figure, its statistics, the verdict on its claim,
//! and where the numbers come from.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use results::correlation::interval_text;
use results::statistics::Coefficient;
use results::throughput::StepSummary;
use results::{CorrelationSummary, Manifest};

use crate::artefact::Artefact;

/// The report in Markdown; figures are linked in the folder `figures` beside it.
pub fn markdown(artefacts: &[Artefact]) -> String {
    let mut text =
        String::from("# Results\n\n<!-- Written by `reports report` from stored results; do not edit. -->\n");
    for artefact in artefacts {
        text.push('\n');
        text.push_str(&section(artefact));
    }
    text
}

/// Headline, figure, statistics, claim, prose, provenance.
fn section(artefact: &Artefact) -> String {
    let manifest = artefact.group.manifest();
    let Manifest { title, scale, .. } = manifest;
    let mut paragraphs = vec![format!("## {title}: {scale} scale, {}", manifest.dataset.name)];
    if artefact.figure.is_some() {
        let name = artefact.name();
        paragraphs.push(format!("![{title}](figures/{name}.svg)"));
    }
    if let Some(summary) = &artefact.summary {
        paragraphs.push(statistics_table(summary));
        paragraphs.push(notes(summary));
    }
    if !artefact.throughput.is_empty() {
        paragraphs.push(throughput_table(&artefact.throughput));
    }
    if let Some((claim, verdict)) = artefact.verdict() {
        paragraphs.push(format!("Claim: {claim}. Verdict: **{verdict}**."));
    }
    if !artefact.analysis.trim().is_empty() {
        paragraphs.push(artefact.analysis.trim().to_owned());
    }
    paragraphs.push(provenance(artefact));
    paragraphs.join("\n\n") + "\n"
}

fn statistics_table(summary: &CorrelationSummary) -> String {
    let mut table = String::from("| true error against |");
    for coefficient in Coefficient::ALL {
        write!(table, " {} |", coefficient.label()).expect("a string takes everything");
    }
    table.push_str("\n| --- | --- | --- | --- |");
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
        write!(table, "\n| {name} | {} |", cells.join(" | ")).expect("a string takes everything");
    }
    table
}

fn throughput_table(steps: &[StepSummary]) -> String {
    let mut table = String::from(
        "| step | images per second | seconds: 10 %, median, 90 % | steps | beyond the median |\n| --- | --- | --- | --- | --- |",
    );
    for step in steps {
        let [low, median, high] = step.seconds;
        write!(
            table,
            "\n| {} | {:.0} | {low:.4}, {median:.4}, {high:.4} | {} | {:.1} of {:.1} s |",
            step.step, step.images_per_second, step.steps, step.excess, step.total
        )
        .expect("a string takes everything");
    }
    table
}

fn notes(summary: &CorrelationSummary) -> String {
    let spread = summary.spread.map(|spread| format!("Test error: {spread}."));
    let left_out = match summary.left_out() {
        words if words.is_empty() => None,
        words => Some(format!("Left out: {words}.")),
    };
    let intervals = format!(
        "Brackets hold 95 % intervals of the percentile bootstrap over architectures, {} resamples.",
        results::correlation::RESAMPLES,
    );
    let sentences: Vec<String> = [spread, left_out, Some(intervals)].into_iter().flatten().collect();
    sentences.join(" ")
}

fn provenance(artefact: &Artefact) -> String {
    let manifest = artefact.group.manifest();
    let runs = || artefact.group.runs.iter().map(|run| &run.manifest);
    // An empty sum of floats is -0.0, which would be printed with its sign.
    let work = runs()
        .map(Manifest::work_seconds)
        .fold(0.0, |sum, seconds| sum + seconds);
    let mut of_kinds: BTreeMap<&str, f64> = BTreeMap::new();
    for (kind, seconds) in runs().flat_map(|manifest| &manifest.timings) {
        *of_kinds.entry(kind).or_default() += seconds;
    }
    let kinds: Vec<String> = of_kinds
        .into_iter()
        .map(|(kind, seconds)| format!("{kind}: {}", duration(seconds)))
        .collect();
    let dataset = &manifest.dataset;
    let mut rows = vec![("paper", manifest.paper.clone()), ("scale", manifest.scale.clone())];
    if let Some(summary) = &artefact.summary {
        rows.push(("architectures", format!("n = {}", summary.n())));
    }
    rows.extend([
        ("seeds", artefact.seeds()),
        ("commit", artefact.commit()),
        ("definition", manifest.definition_hash.clone()),
        ("device", manifest.device.clone()),
        (
            "machine",
            format!("{}, {} threads", manifest.host.cpu, manifest.host.threads),
        ),
        (
            "data set",
            format!(
                "{}, {} training and {} test examples",
                dataset.name, dataset.train.examples, dataset.test.examples
            ),
        ),
        ("work time", format!("{} ({})", duration(work), kinds.join(", "))),
        ("burn", manifest.burn_version.clone()),
    ]);
    for manifest in runs() {
        rows.extend(manifest.warnings.iter().map(|warning| ("warning", warning.clone())));
    }
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(name, value)| format!("| {name} | {value} |"))
        .collect();
    format!("| provenance | |\n| --- | --- |\n{}", rows.join("\n"))
}

/// Hours, minutes and seconds; the largest that is not zero comes first.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// The figures of all artefacts that have one, by the name of their file.
///
/// # Errors
/// If one cannot be drawn.
pub fn figures(artefacts: &[Artefact]) -> Result<Vec<(String, Vec<u8>)>> {
    let with_figure = artefacts.iter().filter(|artefact| artefact.figure.is_some());
    with_figure
        .map(|artefact| Ok((format!("{}.svg", artefact.name()), crate::figure::svg(artefact)?)))
        .collect()
}
