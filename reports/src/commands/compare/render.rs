//! The answer of a comparison as text, Markdown and JSON.

use std::fmt::Write;

use results::commits::comparable::{Cost, Reason};
use results::commits::compare::{Change, Verdict};
use results::statistics::bootstrap::{Interval, RESAMPLES};
use results::store::Group;
use serde_json::{Value, json};

use super::{Comparison, Measured};

const SIDES: [&str; 2] = ["base", "head"];

/// Lines about the compared results.
fn facts(comparison: &Comparison) -> Vec<String> {
    let head = comparison.sides[1].manifest();
    let mut facts =
        vec![format!("{}, {} scale, data set {}, {}", head.artefact, head.scale, head.dataset.name, head.device_class)];
    for (index, (name, side)) in SIDES.into_iter().zip(&comparison.sides).enumerate() {
        let manifest = side.manifest();
        let of_side = comparison.measured.as_ref().map(|measured| measured.paired.counts()[index]);
        let n = of_side.map_or_else(String::new, |n| format!(", n = {n} architectures with score and true error"));
        let dirty = if manifest.dirty { " (dirty)" } else { "" };
        facts.push(format!(
            "{name}: commit {}{dirty}, definition {:.8}, root seeds {}{n}",
            manifest.commit,
            manifest.definition_hash,
            list(&seeds(side)),
        ));
    }
    if let Some(Measured { paired, .. }) = &comparison.measured {
        let scored: usize = paired.seeds.values().map(Vec::len).sum();
        let [.., both] = paired.counts();
        let seeds: Vec<u64> = paired.seeds.keys().copied().collect();
        facts.push(format!(
            "in common: root seeds {}, {scored} sampled architectures, {both} of them with score and true error on both sides",
            list(&seeds)
        ));
    }
    facts
}

fn seeds(side: &Group) -> Vec<u64> {
    side.runs.iter().map(|run| run.manifest.seed).collect()
}

fn list(numbers: &[u64]) -> String {
    let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
    words.join(", ")
}

/// Header and rows of the statistics.
fn statistics(changes: &[Change]) -> Vec<[String; 5]> {
    let mut rows = vec![["statistic", "base", "head", "change", "detectable"].map(String::from)];
    for change in changes {
        let is_fraction = change.statistic.is_fraction();
        let value = |value: f64| match is_fraction {
            true if change.statistic.is_difference() => format!("{:.2} points", 100.0 * value),
            true => format!("{:.2} %", 100.0 * value),
            false => format!("{value:+.3}"),
        };
        let [base, head] = change.values.map(|side| side.map_or("undefined".to_owned(), value));
        rows.push([
            change.statistic.label(),
            base,
            head,
            change.interval.map_or("undefined".to_owned(), |interval| changed(interval, is_fraction)),
            match (change.detectable, is_fraction) {
                (Some(detectable), true) => format!("{:.2} points", 100.0 * detectable),
                (Some(detectable), false) => format!("{detectable:.3}"),
                (None, _) => "undefined".to_owned(),
            },
        ]);
    }
    rows
}

fn changed(interval: Interval, is_fraction: bool) -> String {
    let Interval { estimate, low, high, undefined } = interval;
    let number = match is_fraction {
        true => |value: f64| format!("{:+.2}", 100.0 * value),
        false => |value: f64| format!("{value:+.3}"),
    };
    let unit = if is_fraction { " points" } else { "" };
    let left_out = match undefined {
        0 => String::new(),
        undefined => format!(" ({undefined} resamples undefined)"),
    };
    let [estimate, low, high] = [estimate, low, high].map(number);
    format!("{estimate} [{low}, {high}]{unit}{left_out}")
}

/// Header and rows of times and memory.
fn costs(measured: &Measured) -> Vec<[String; 4]> {
    let mut rows = vec![["cost", "base", "head", "head / base"].map(String::from)];
    let row = |cost: &Cost, scale: f64, unit: &str| {
        let value = |value: f64| format!("{:.1} {unit}", value / scale);
        let [base, head] = cost.values.map(|side| side.map_or("not measured".to_owned(), value));
        let ratio = cost.ratio().map_or("not measured".to_owned(), |ratio| format!("{ratio:.2}"));
        [cost.what.clone(), base, head, ratio]
    };
    rows.extend(measured.times.iter().map(|cost| row(cost, 1.0, "s")));
    rows.push(row(&measured.peak_memory, f64::from(1 << 20), "MiB"));
    rows
}

fn legend() -> String {
    format!(
        "change: head - base [95 % paired bootstrap over root seeds and architectures, {RESAMPLES} resamples]; detectable: the \
         smallest change that four of five such comparisons would find; costs do not affect the verdict"
    )
}

/// The verdict; with the reasons if the two are not comparable.
fn verdict(comparison: &Comparison) -> (String, &[Reason]) {
    let name = comparison.verdict.name();
    match &comparison.verdict {
        Verdict::NotComparable(reasons) => (name.to_owned(), reasons),
        _ => (format!("{name}, by {}", comparison.statistic.label()), &[]),
    }
}

/// The answer as text for a terminal.
pub fn text(comparison: &Comparison) -> String {
    let mut text = facts(comparison).join("\n") + "\n";
    if let Some(measured) = &comparison.measured {
        text += &aligned(&statistics(&measured.changes));
        text += &aligned(&costs(measured));
        let _ = writeln!(text, "\n{}", legend());
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let (first, reasons) = verdict(comparison);
    let _ = writeln!(text, "verdict: {first}");
    for reason in reasons {
        let _ = writeln!(text, "  {reason}");
    }
    text
}

/// An empty line, then the rows in aligned columns.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::from("\n");
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let cells = rows.iter().map(|row| row[column].chars().count());
            let width = cells.max().unwrap_or(0);
            let _ = write!(line, "{cell:width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The answer as Markdown for a pull request.
pub fn markdown(comparison: &Comparison) -> String {
    let (first, reasons) = verdict(comparison);
    let mut text = format!("**{first}**\n\n");
    for reason in reasons {
        let _ = writeln!(text, "- {reason}");
    }
    for fact in facts(comparison) {
        let _ = writeln!(text, "- {fact}");
    }
    if let Some(measured) = &comparison.measured {
        text += &table(&statistics(&measured.changes));
        text += &table(&costs(measured));
        let _ = writeln!(text, "\n{}", legend());
    }
    if !comparison.notes.is_empty() {
        text.push('\n');
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "- note: {note}");
    }
    text
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut text = String::from("\n");
    for (index, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if index == 0 {
            let _ = writeln!(text, "|{}", " --- |".repeat(N));
        }
    }
    text
}

/// The answer as JSON for a program. A value that is undefined or was not measured is null.
pub fn json(comparison: &Comparison) -> String {
    let measured = comparison.measured.as_ref();
    let common = measured.map(|measured| {
        json!({
            "seeds": measured.paired.seeds.keys().collect::<Vec<_>>(),
            "sampled": measured.paired.seeds.values().map(Vec::len).sum::<usize>(),
            "n": measured.paired.counts()[2],
            "shared_errors": measured.paired.shared_errors,
        })
    });
    let changes: Option<Vec<Value>> = measured.map(|measured| measured.changes.iter().map(change_json).collect());
    let costs: Option<Vec<Value>> = measured.map(|measured| {
        let times = measured.times.iter().map(|time| cost_json(time, "s"));
        times.chain([cost_json(&measured.peak_memory, "bytes")]).collect()
    });
    let (_, reasons) = verdict(comparison);
    let reasons: Vec<Value> =
        reasons.iter().map(|reason| json!({ "aspect": reason.aspect.name(), "detail": reason.detail })).collect();
    let whole = json!({
        "verdict": comparison.verdict.name(),
        "statistic": comparison.statistic.name(),
        "reasons": reasons,
        "base": side_json(comparison, 0),
        "head": side_json(comparison, 1),
        "common": common,
        "changes": changes,
        "costs": costs,
        "notes": comparison.notes,
    });
    format!("{whole:#}\n")
}

fn side_json(comparison: &Comparison, index: usize) -> Value {
    let side = &comparison.sides[index];
    let manifest = side.manifest();
    json!({
        "artefact": manifest.artefact,
        "scale": manifest.scale,
        "dataset": manifest.dataset.name,
        "device_class": manifest.device_class,
        "device": manifest.device,
        "commit": manifest.commit,
        "dirty": manifest.dirty,
        "definition_hash": manifest.definition_hash,
        "seeds": seeds(side),
        "n": comparison.measured.as_ref().map(|measured| measured.paired.counts()[index]),
    })
}

fn change_json(change: &Change) -> Value {
    let [base, head] = change.values;
    let interval = change.interval;
    json!({
        "statistic": change.statistic.name(),
        "base": base,
        "head": head,
        "change": interval.map(|interval| interval.estimate),
        "low": interval.map(|interval| interval.low),
        "high": interval.map(|interval| interval.high),
        "undefined_resamples": interval.map(|interval| interval.undefined),
        "detectable": change.detectable,
    })
}

fn cost_json(cost: &Cost, unit: &str) -> Value {
    let [base, head] = cost.values;
    json!({ "cost": cost.what, "unit": unit, "base": base, "head": head, "ratio": cost.ratio() })
}
