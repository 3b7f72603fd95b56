//! The report as one HTML file that needs nothing else: it holds figures, styles and a small script.
//!
//! Its content is that of REPORT.md. It adds the values behind points, drawings of architectures, full provenance, and
//! the history over commits.

mod architectures;
mod claims;
mod figure;
mod history;
mod marks;
mod text;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use results::Manifest;

use crate::artefact::{Artefact, Judged};
use crate::figure::{Drawn, Placed};
use crate::findings::markdown::not_read;
use crate::report;
use crate::report::claims::Ledger;
use crate::report::history::History;
use architectures::{Drawings, best_of_searches, row_id, values_table, words};
use marks::{NO_CLAIM, anchor, badge};
use text::{escape, facts, inline};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Makes the page with the drawn figures of the artefacts; see [`drawn`](crate::figure::drawn). It has a section with the ledger of the paper's claims if that is given.
///
/// # Errors
/// If a figure cannot be written, or an architecture cannot be drawn.
pub fn page(
    artefacts: &[Artefact],
    figures: &[Option<Drawn>],
    faulty: &[String],
    ledger: Option<&Ledger>,
    histories: &[History],
) -> Result<String> {
    let mut drawings = Drawings::default();
    let mut colours = BTreeSet::new();
    let mut sections = String::new();
    for (artefact, figure) in artefacts.iter().zip(figures) {
        let section = section(artefact, figure.as_ref(), &mut drawings, &mut colours);
        sections += &section.with_context(|| artefact.name())?;
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta \
         http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src \
         'unsafe-inline'\">\n<title>SMASH: results</title>\n<style>\n{STYLE}{dark}</style>\n</head>\n<body>\n{side}<main>\n\
         <h1>SMASH: results</h1>\n{INTRODUCTION}{left_out}{contents}{claims}{sections}{history}</main>\n<div id=\"popup\" aria-hidden=\"true\" \
         hidden></div>\n{symbols}<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        dark = figure::dark_rules(&colours),
        left_out = not_read(faulty).map_or_else(String::new, |words| format!("<p>{}</p>\n", inline(&words))),
        side = side(artefacts),
        contents = contents(artefacts, ledger.is_some()),
        claims = ledger.map_or_else(String::new, claims::section),
        history = history::section(histories),
        symbols = drawings.symbols(),
    ))
}

const INTRODUCTION: &str = "<p>One-shot architecture search by HyperNetworks: the claims of each experiment, and the verdicts of its \
    stored results. Brackets hold 95 % intervals. A claim has <em>held</em> if its whole interval lies on the claimed side, \
    <em>not held</em> if it lies on the other, and is <em>undecided</em> otherwise. Headings of tables sort them; points of \
    scatter plots show the architecture that they stand for.</p>\n";

/// A list of the sections, each with its statistics and verdicts.
fn contents(artefacts: &[Artefact], has_ledger: bool) -> String {
    let item = |artefact: &Artefact| {
        let manifest = artefact.group.manifest();
        format!(
            "<li><span class=\"title\"><a href=\"#{}\">{}</a> <small>{} · {}</small></span>{}</li>\n",
            anchor(artefact),
            escape(&artefact.title),
            escape(&manifest.scale),
            escape(&manifest.dataset.name),
            found(artefact),
        )
    };
    let items: String = artefacts.iter().map(item).collect();
    let claims = if has_ledger { "<p><a href=\"#claims\">Claims of the paper</a></p>\n" } else { "" };
    format!(
        "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">Contents</h2>\n{claims}<ul class=\"contents\">\n{items}</ul>\n<p><a \
         href=\"#history\">History over commits</a></p>\n</nav>\n"
    )
}

/// A short list of the sections, which stays in view.
fn side(artefacts: &[Artefact]) -> String {
    let item = |artefact: &Artefact| {
        let Manifest { artefact: name, scale, dataset, .. } = artefact.group.manifest();
        let place = format!("{scale}, {}", dataset.name);
        format!("<li><a href=\"#{}\">{} <small>{}</small></a></li>\n", anchor(artefact), escape(name), escape(&place))
    };
    let items: String = artefacts.iter().map(item).collect();
    format!(
        "<nav class=\"side\" aria-label=\"Sections\">\n<ul>\n{items}<li><a href=\"#history\">history</a></li>\n</ul>\n</nav>\n"
    )
}

/// The verdict on each claim, as a word in a coloured box, beside the statistic; the headline if there is no claim.
fn found(artefact: &Artefact) -> String {
    let row = |badge: &str, words: &str| format!("{badge}<span>{}</span>", escape(words));
    let judged = artefact.judged();
    match judged.is_empty() {
        true => row(NO_CLAIM, &artefact.headline()),
        false => judged.iter().map(|judged| row(&badge(judged.verdict), &judged.found)).collect(),
    }
}

/// A line for each claim, or a single line without a claim.
fn verdicts(artefact: &Artefact) -> String {
    let line = |Judged { words, found, verdict, .. }: Judged<'_>| {
        format!("<p>{} Claim: {}. Found: {}.</p>\n", badge(verdict), escape(&words), escape(&found))
    };
    let lines: String = artefact.judged().into_iter().map(line).collect();
    match lines.is_empty() {
        true => format!("<p>{NO_CLAIM} {}</p>\n", escape(&artefact.headline())),
        false => lines,
    }
}

fn section(
    artefact: &Artefact,
    figure: Option<&Drawn>,
    drawings: &mut Drawings,
    colours: &mut BTreeSet<String>,
) -> Result<String> {
    let manifest = artefact.group.manifest();
    let id = anchor(artefact);
    let title = format!("{}: {} scale, {}", artefact.title, manifest.scale, manifest.dataset.name);
    let mut html = format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n", escape(&title));
    html += &verdicts(artefact);
    if !artefact.statement.trim().is_empty() {
        html += &format!("<p class=\"paper\"><strong>The paper:</strong> {}</p>\n", inline(artefact.statement.trim()));
    }
    let values = artefact.findings.values();
    if let Some(figure) = figure {
        let target = |place: &Placed| {
            let key = (place.seed, place.architecture);
            let values = values.as_ref().context("a figure with points of architectures that have no values")?;
            Ok((row_id(&id, key), words(values, key)))
        };
        let drawn = figure::figure(artefact, figure, target)?;
        html += &drawn.html;
        colours.extend(drawn.colours);
    }
    let statistics = artefact.findings.paragraphs().join("\n\n");
    if !statistics.is_empty() {
        html += &format!("<h3>Statistics</h3>\n{}", text::markdown(&statistics));
    }
    if let Some(values) = values {
        html += &values_table(&values, artefact, &id, drawings)?;
    }
    html += &best_of_searches(artefact, drawings)?;
    html += &deviations(artefact);
    html += &provenance(artefact);
    html += "</section>\n";
    Ok(html)
}

/// The definition's prose, after a sentence about the scale.
fn deviations(artefact: &Artefact) -> String {
    let scale = match artefact.group.manifest().scale.as_str() {
        "paper" => String::new(),
        _ if !artefact.findings.needs_training() => String::new(),
        scale => format!(
            "Run at {scale} scale: networks, data and training are smaller than the paper's, so the numbers are not the \
             paper's.\n\n"
        ),
    };
    match text::markdown(&format!("{scale}{}", artefact.analysis)) {
        words if words.is_empty() => words,
        words => format!("<h3>Method and deviations from the paper</h3>\n{words}"),
    }
}

/// The command that made the result, and the origin of its numbers.
fn provenance(artefact: &Artefact) -> String {
    let manifest = artefact.group.manifest();
    let definition = toml::to_string(&manifest.definition).expect("a table that was read can be written");
    let mut rows = report::provenance(artefact);
    rows.extend(report::digests(artefact));
    format!(
        "<h3>How it was made</h3>\n<pre tabindex=\"0\"><code>{}</code></pre>\n<p>The definition as it was run \
         includes settings that were changed by hand. Equal settings have equal definition hashes.</p>\n\
         <details><summary>Provenance</summary>\n{}\
         </details>\n<details><summary>Definition as it was run</summary>\n<pre tabindex=\"0\"><code>{}</code></pre>\n\
         </details>\n",
        escape(&report::command(artefact)),
        facts(&rows),
        escape(&definition),
    )
}
