//! The report: one section for each artefact, with its figure, statistics, verdicts on its claims, and provenance.

pub mod claims;
pub mod history;
pub mod html;
pub mod json;
pub mod readme;

use std::collections::BTreeMap;

use anyhow::Result;
use results::store::manifest::{DatasetRecord, SplitRecord};
use results::summaries::text::quoted;

use crate::artefact::{Artefact, Judged};
use crate::figure::Drawn;
use crate::findings::markdown::not_read;
use crate::picture::Format;
use crate::report::claims::Ledger;

/// The artefacts in the order of the paper: its figures and sections, then its appendices, then our own additions.
const ORDER: [&str; 29] = [
    "fig1",
    "fig3",
    "normalisation",
    "weight-compression",
    "fig4",
    "fig5a",
    "high-budget",
    "fig5b",
    "encoding-corruption",
    "gradient-by-proxy",
    "transfer-stl10",
    "transfer-modelnet10",
    "table1",
    "table2",
    "table3",
    "cost",
    "sampling",
    "appendix-d",
    "appendix-e",
    "guided-sampling",
    "warm-init",
    "rivals",
    "ladder",
    "fig4-combined",
    "conditions",
    "search-cost",
    "benchmark",
    "fidelity",
    "throughput",
];

/// Puts artefacts into the order of the report. Those of one's own come last.
pub fn sort(artefacts: &mut [Artefact]) {
    artefacts.sort_by_key(|artefact| {
        let name = &artefact.group.manifest().artefact;
        ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len())
    });
}

/// The report in Markdown; figures are linked in the folder `figures` beside it. It names the results that cannot be read, and
/// begins with the ledger of the paper's claims if it is given.
pub fn markdown(artefacts: &[Artefact], faulty: &[String], ledger: Option<&Ledger>) -> String {
    let mut text =
        String::from("# Results\n\n<!-- Written by `reports report` from stored results; do not edit. -->\n");
    if let Some(words) = not_read(faulty) {
        text.push_str(&format!("\n{words}\n"));
    }
    if let Some(ledger) = ledger {
        text.push_str(&format!("\n{}", ledger.markdown()));
    }
    for artefact in artefacts {
        text.push('\n');
        text.push_str(&section(artefact));
    }
    text
}

/// Headline, figure, the paper's statement, statistics, claims, prose, provenance.
fn section(artefact: &Artefact) -> String {
    let manifest = artefact.group.manifest();
    let (title, scale) = (&artefact.title, &manifest.scale);
    let mut paragraphs = vec![format!("## {title}: {scale} scale, {}", manifest.dataset.name)];
    if artefact.figure.is_some() {
        let name = artefact.name();
        paragraphs.push(format!("![{title}](figures/{name}.svg)"));
    }
    if !artefact.statement.trim().is_empty() {
        paragraphs.push(format!("The paper: {}", artefact.statement.trim()));
    }
    paragraphs.extend(artefact.findings.paragraphs());
    for Judged { words, verdict, .. } in artefact.judged() {
        paragraphs.push(format!("Claim: {words}. Verdict: **{verdict}**."));
    }
    if !artefact.analysis.trim().is_empty() {
        paragraphs.push(artefact.analysis.trim().to_owned());
    }
    let rows: Vec<String> =
        provenance(artefact).into_iter().map(|(name, value)| format!("| {name} | {value} |")).collect();
    paragraphs.push(format!("| provenance | |\n| --- | --- |\n{}", rows.join("\n")));
    paragraphs.join("\n\n") + "\n"
}

/// The origin of the numbers, as names and values.
pub(crate) fn provenance(artefact: &Artefact) -> Vec<(&'static str, String)> {
    let manifest = artefact.group.manifest();
    let runs = || artefact.group.runs.iter().map(|run| &run.manifest);
    let mut of_kinds: BTreeMap<&str, f64> = BTreeMap::new();
    for (kind, seconds) in runs().flat_map(|manifest| &manifest.timings) {
        *of_kinds.entry(kind).or_default() += seconds;
    }
    // An empty sum of floats is -0.0, which would be printed with its sign.
    let work = of_kinds.values().fold(0.0, |sum, seconds| sum + seconds);
    let kinds: Vec<String> =
        of_kinds.into_iter().map(|(kind, seconds)| format!("{kind}: {}", duration(seconds))).collect();
    let examples = |set: &DatasetRecord| {
        let classes = set.classes.map_or_else(String::new, |classes| format!(", {classes} classes"));
        // Images have depth 1, which their sizes leave out.
        let sizes = set.shape.map_or_else(String::new, |[channels, depth, height, width]| match depth {
            1 => format!(", {channels} x {height} x {width}"),
            _ => format!(", {channels} x {depth} x {height} x {width}"),
        });
        format!("{}{classes}{sizes}, {} training and {} test examples", set.name, set.train.examples, set.test.examples)
    };
    let mut rows = vec![("paper", manifest.paper.clone()), ("scale", manifest.scale.clone())];
    if let Some((n, what)) = artefact.findings.n() {
        rows.push((what, format!("n = {n}")));
    }
    rows.extend([
        ("seeds", artefact.seeds()),
        ("commit", artefact.commit()),
        ("definition", manifest.definition_hash.clone()),
        ("device", manifest.device.clone()),
        ("machine", format!("{}, {} threads", manifest.host.cpu, manifest.host.threads)),
        ("data set", examples(&manifest.dataset)),
    ]);
    rows.extend(manifest.other_datasets.iter().map(|set| ("data set of searches", examples(set))));
    rows.extend([
        ("work time", format!("{} ({})", duration(work), kinds.join(", "))),
        ("burn", manifest.burn_version.clone()),
    ]);
    for warning in runs().flat_map(|manifest| &manifest.warnings) {
        // Runs of several seeds share some warnings.
        let row = ("warning", warning.clone());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// Further records of the manifests: digests of data, lock file, memory and times.
pub(crate) fn digests(artefact: &Artefact) -> Vec<(&'static str, String)> {
    let runs = || artefact.group.runs.iter().map(|run| &run.manifest);
    let mut rows = Vec::new();
    // Runs of several seeds share most of these.
    let mut push = |name: &'static str, value: String| {
        if !rows.contains(&(name, value.clone())) {
            rows.push((name, value));
        }
    };
    for manifest in runs() {
        push("Cargo.lock, SHA-256", manifest.lock_hash.clone());
        for set in [&manifest.dataset].into_iter().chain(&manifest.other_datasets) {
            for (name, split) in [("training", &set.train), ("test", &set.test)] {
                let SplitRecord { examples, sha256 } = split;
                push("data, SHA-256", format!("{}, {name} ({examples} examples): {sha256}", set.name));
            }
            for source in &set.sources {
                push("file, SHA-256", format!("{} ({} records): {}", source.path, source.records, source.sha256));
            }
        }
    }
    for manifest in runs() {
        let memory = manifest.peak_memory_bytes.map(|bytes| format!(", {} MiB at the peak", bytes >> 20));
        let (seed, start, end) = (manifest.seed, &manifest.start, manifest.recency());
        push("run", format!("seed {seed}: {start} to {end}{}", memory.unwrap_or_default()));
    }
    rows
}

/// The kind and the name on disk of a data set of one's own; `None` for any other set.
fn own_data_set(set: &DatasetRecord) -> Option<(&str, &str)> {
    let (kind, path) = set.sources.first()?.path.split_once(':')?;
    matches!(kind, "folder" | "npz").then_some((kind, path.split('/').next()?))
}

/// The word for a data set on the command line. The folder that holds a set of one's own is not known.
fn data_set_word(set: &DatasetRecord) -> String {
    match own_data_set(set) {
        Some((kind, name)) => shell_word(&format!("{kind}:DIR/{name}")),
        None => set.name.clone(),
    }
}

/// The commands that make such a result.
pub(crate) fn command(artefact: &Artefact) -> String {
    let manifest = artefact.group.manifest();
    let seeds = artefact.group.runs.iter().map(|run| run.manifest.seed + 1).max();
    let dirty = if manifest.dirty { " # and the changes that were not committed" } else { "" };
    let checkout = match manifest.commit.split('-').next() {
        Some("unknown") | None => "# the sources with this label, for which git named no commit".to_owned(),
        Some(commit) => format!("git checkout {commit:.12}{dirty}"),
    };
    let mut words = vec![format!(
        "{checkout}\ncargo xtask reproduce {} --scale {} --dataset {} --seeds {}",
        manifest.artefact,
        manifest.scale,
        data_set_word(&manifest.dataset),
        seeds.expect("a group has a run"),
    )];
    words.extend(manifest.other_datasets.first().map(|set| format!("--source {}", data_set_word(set))));
    let mut sets = [&manifest.dataset].into_iter().chain(&manifest.other_datasets);
    if sets.any(|set| !set.sources.is_empty() && own_data_set(set).is_none()) {
        words.push("--data-dir DIR".to_owned());
    }
    if manifest.device_class != "cpu" {
        words.push(format!("--device {}", manifest.device_class));
    }
    words.extend(manifest.options.iter().map(|word| shell_word(word)));
    words.join(" ")
}

/// A word in the form that a shell reads, quoted if necessary.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,/".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => quoted(word),
    }
}

/// Writes hours, minutes and seconds, from the largest that is not zero.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// The drawn figures of artefacts in these formats, with the names of their files.
///
/// # Errors
/// If one cannot be written.
pub fn figures(
    artefacts: &[Artefact],
    figures: &[Option<Drawn>],
    formats: &[Format],
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let drawn = artefacts.iter().zip(figures).filter_map(|(artefact, figure)| Some((artefact, figure.as_ref()?)));
    for (artefact, figure) in drawn {
        for format in formats {
            files.push((format!("{}.{}", artefact.name(), format.extension()), figure.picture.bytes(*format)?));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_it() {
        assert_eq!(shell_word("study.scored=34"), "study.scored=34");
        assert_eq!(shell_word("title='a b'"), r"'title='\''a b'\'''");
    }
}
