//! Results for other programs: claims, statistics, verdicts and intervals as JSON.

use results::statistics::bootstrap::Interval;
use results::summaries::claim::Statistic;
use results::{Claim, Verdict};
use serde_json::{Value, json};

use crate::artefact::{Artefact, Judged};

/// A list with one object for each result. A statistic that the data leave undefined has nulls. Errors and shares are fractions.
pub fn results(artefacts: &[Artefact]) -> Value {
    artefacts.iter().map(result).collect()
}

fn result(artefact: &Artefact) -> Value {
    let (group, findings) = (&artefact.group, &artefact.findings);
    let manifest = group.manifest();
    let n = findings.n();
    let seeds: Vec<u64> = group.runs.iter().map(|run| run.manifest.seed).collect();
    let claims: Vec<Value> = artefact.judged().iter().map(judged_claim).collect();
    json!({
        "artefact": manifest.artefact,
        "scale": manifest.scale,
        "dataset": manifest.dataset.name,
        "title": artefact.title,
        "folder": group.folder().display().to_string(),
        "commit": manifest.commit,
        "dirty": manifest.dirty,
        "device_class": manifest.device_class,
        "definition": manifest.definition_hash,
        "end": group.end(),
        "seeds": seeds,
        "unfinished_seeds": group.unfinished,
        "n": n.map(|(n, _)| n),
        "n_of": n.map(|(_, what)| what),
        "left_out": findings.left_out(),
        "claims": claims,
        "statistics": statistics(artefact),
    })
}

/// A claim with its statistic and its verdict.
pub(crate) fn judged_claim(Judged { claim, words, interval, verdict, .. }: &Judged<'_>) -> Value {
    let mut value = with_interval(claim.statistic, *interval);
    value["words"] = json!(words);
    value["between"] = json!(claim.between);
    value["of"] = json!(claim.of);
    value["greater_than"] = json!(claim.greater_than);
    value["verdict"] = json!(verdict_word(*verdict));
    value
}

/// The word for a verdict.
fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::NotHeld => "not-held",
        Verdict::Undecided => "undecided",
    }
}

/// All statistics of its kind of study that a claim could be about, whether or not a claim is.
fn statistics(artefact: &Artefact) -> Vec<Value> {
    let found = Statistic::ALL.into_iter().filter_map(|statistic| {
        let claim = Claim { statistic, greater_than: 0.0, between: None, of: None };
        // The error says that the kind of study lacks this statistic.
        let interval = artefact.findings.interval(&claim).ok()?;
        Some(with_interval(statistic, interval))
    });
    found.collect()
}

fn with_interval(statistic: Statistic, interval: Option<Interval>) -> Value {
    json!({
        "statistic": statistic,
        "label": statistic.label(),
        "value": interval.map(|interval| interval.estimate),
        "low": interval.map(|interval| interval.low),
        "high": interval.map(|interval| interval.high),
        "undefined_resamples": interval.map(|interval| interval.undefined),
    })
}
