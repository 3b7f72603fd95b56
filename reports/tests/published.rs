//! Tests that README.md, METHODOLOGY.md and docs/results.md state the numbers of the published results.
//!
//! If a stored result changes, the test names each sentence that is out of date. A person then reads it again, with
//! the words around its numbers.

#[path = "published/document.rs"]
mod document;
#[path = "published/findings.rs"]
mod findings;
#[path = "published/stored.rs"]
mod stored;

use std::collections::BTreeMap;

use document::{Document, check};
use reports::findings::Findings;
use results::EpochRow;
use results::summaries::text::{interval_text, share_text};
use stored::{
    Published, chance_of_the_correct_encoding, claimed_points, correlation, n, networks, range, setting,
    thousands_of_parameters, trainings, verdict, word,
};

/// Numbers of docs/results.md that no stored table gives, each with the reason.
const OTHERS: &[(&str, &str)] = &[
    ("95 %", "level of all intervals"),
    ("CIFAR-100", "name"),
    ("WRN-28-10 (here WRN-10-2)", "names"),
    ("3x3", "size of a kernel"),
    ("table 2", "of the paper"),
    ("above 0", "bound"),
    ("contains 0", "bound"),
    ("precision at 10 %", "name of a statistic"),
    ("(commit 2a5850e", "commit of a run that is not published"),
    ("agree within 1.4 %", "needs that run"),
    (
        "| scores by the two networks | 120 | +0.39 [+0.26, +0.50] |",
        "needs that run",
    ),
    (
        "| score and true error, second network | 30 | -0.06 [-0.31, +0.19] |",
        "needs that run",
    ),
    (
        "(root seed 0, n = 40, one network, three trainings of each)",
        "a run by the fast recipe that is not published",
    ),
    ("It took 13 minutes on two cores.", "that run"),
    (
        "noise of one training was 4.4 points, and the spread was 3.0 times the noise.",
        "that run",
    ),
    ("`fig4` of root seed 0", "name"),
];

#[test]
fn the_documents_state_the_published_results() {
    let published = Published::load();
    let mut results = Document::read("docs/results.md", "## How to read the findings", "## Files of a run");
    findings::score(&mut results, &published);
    findings::rivals(&mut results, &published);
    findings::reproducibility(&mut results, &published);
    findings::ladder(&mut results, &published);
    findings::combination(&mut results, &published);
    findings::other_experiments(&mut results, &published);
    findings::fast_recipe(&mut results, &published);
    let mut readme = Document::read("README.md", "## What we found", "<!-- BEGIN: results");
    overview(&mut readme, &published);
    let mut methodology = Document::read(
        "METHODOLOGY.md",
        "## The paper's regime at laptop scale",
        "## The fast recipe",
    );
    regime(&mut methodology, &published);
    check(&[&results, &readme, &methodology]);
    for (fragment, _) in OTHERS {
        results.states(fragment);
    }
    for fragment in ["95 %", "CIFAR-100"] {
        readme.states(fragment);
    }
    check(&[&results, &readme]);
    results.states_no_other_number();
    readme.states_no_other_number();
}

fn overview(document: &mut Document, published: &Published) {
    let fig4 = published.at("fig4-laptop-shapes");
    let ([fewest, most], size) = (thousands_of_parameters(fig4), setting(fig4, "study.data.image-size"));
    document.states(format!(
        "networks of {fewest} to {most} parameters on {size}x{size} images."
    ));
    document.states(format!(
        "**It is {} whether the score ranks architectures.** Kendall's τ between score and true error is {} (`fig4`, {} \
         architectures, {} SMASH networks).",
        verdict(fig4),
        published.tau("fig4-laptop-shapes"),
        n(fig4),
        networks(fig4)
    ));
    document.states(format!(
        "One SMASH network ranks {} trained architectures with τ = {}.",
        n(published.at("paper-regime-laptop-shapes")),
        published.tau("paper-regime-laptop-shapes")
    ));
    let name = "rivals-laptop-shapes";
    let score = published.predictor(name, "SMASH score");
    document.states(format!(
        "In `rivals` ({} architectures, {} SMASH networks) the number of parameters reaches τ = {}. The score reaches {}, \
         and {} given the number of parameters. Noise in the true errors caps any predictor at τ ≈ {:.2}.",
        n(published.at(name)),
        networks(published.at(name)),
        interval_text(published.predictor(name, "parameters").tau),
        interval_text(score.tau),
        interval_text(score.partial),
        published.correlation(name).summary.ceiling.unwrap().estimate
    ));
    let ladder = |predictor| published.predictor("ladder-laptop-shapes", predictor);
    assert_eq!(ladder("combined").shared_cost, ladder("plain").shared_cost);
    document.states(format!(
        "**A preset improves the score at the same training cost.** `fig4-combined` reaches {}, and {} on CIFAR-100, \
         where the plain score has {}. Its scores cost {:.0} times the multiply-adds.",
        published.tau("fig4-combined-laptop-shapes"),
        published.tau("fig4-combined-laptop-cifar100"),
        published.tau("fig4-laptop-cifar100"),
        ladder("combined").cost / ladder("plain").cost
    ));
    let artefact = published.at("encoding-corruption-laptop-shapes");
    let Findings::Corruption(summary) = &artefact.findings else {
        panic!("corrupted encodings")
    };
    document.states(format!(
        "The correct encoding beats all corrupted ones for {} of the architectures; chance gives {}.",
        share_text(summary.correct_is_best),
        chance_of_the_correct_encoding(artefact)
    ));
    document.states(format!(
        "Scores fall by {}, as the paper says. They predict the true error with τ = {}, which the paper denies.",
        claimed_points(published.at("high-budget-laptop-shapes")),
        published.tau("high-budget-laptop-shapes")
    ));
}

fn regime(document: &mut Document, published: &Published) {
    let fig4 = published.at("fig4-laptop-shapes");
    let artefact = published.at("paper-regime-laptop-shapes");
    let found = correlation(artefact);
    let [spread, fig4_spread] = [found, correlation(fig4)].map(|found| found.summary.spread.unwrap());
    document.states(format!(
        "On the {} architectures of the benchmark, the spread is {:.2} points and the noise of one training {:.2} points. \
         Spread over noise is {:.1},",
        n(artefact),
        100.0 * spread.spread,
        100.0 * spread.training.unwrap(),
        spread.ratio().unwrap()
    ));
    let errors = found.regime.as_ref().unwrap();
    let [smash, trained] = [errors.smash_error, errors.trained_error].map(Option::unwrap);
    document.states(format!(
        "its SMASH network ends at {smash:.2} and the trained networks at {trained:.2}"
    ));
    let mut last: BTreeMap<u64, f64> = BTreeMap::new();
    last.extend(
        fig4.group
            .read::<EpochRow>()
            .unwrap()
            .iter()
            .map(|row| (row.seed, row.train_error)),
    );
    let [lowest, highest] = range(last.into_values());
    document.states(format!(
        "| training error of the SMASH network, % | - | {lowest} to {highest} | {:.0} |",
        100.0 * smash
    ));
    // The published run of `fig4` stored no training errors of its resulting networks.
    document.states(format!(
        "| training error of the trained networks, % | - | 17 to 20 | {:.0} |",
        100.0 * trained
    ));
    document.states(format!(
        "| spread over noise of the true errors | - | {:.1} ({} trainings) | {:.1} ({} trainings, {} architectures) |",
        fig4_spread.ratio().unwrap(),
        word(trainings(fig4)),
        spread.ratio().unwrap(),
        word(trainings(artefact)),
        n(artefact)
    ));
}
