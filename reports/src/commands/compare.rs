//! `reports compare`: compares two stored results of one definition, by two versions of the code.

mod render;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use results::Manifest;
use results::commits::comparable::{Cost, peak_memory, reasons, times, warnings};
use results::commits::compare::{Change, Paired, Statistic, Tables, Verdict, changes, pair};
use results::statistics::bootstrap::RESAMPLES;
use results::store::baseline::save;
use results::store::files::is_folder;
use results::store::{Group, find_runs_below, groups};
use results::{errln, out};

/// Which results to compare, and the format of the answer.
#[derive(Args)]
pub struct Compare {
    /// Folder of stored runs to compare with: a whole store, or a part of it down to the runs of one commit.
    base: PathBuf,
    /// Folder with the runs in question; may be the same folder.
    head: PathBuf,
    /// Only this artefact.
    #[arg(long)]
    artefact: Option<String>,
    /// Only this scale.
    #[arg(long)]
    scale: Option<String>,
    /// Only this data set.
    #[arg(long)]
    dataset: Option<String>,
    /// Only runs of this commit as base [default: the newest with the definition of the head]
    #[arg(long, value_name = "COMMIT")]
    base_commit: Option<String>,
    /// Only runs of this commit as head [default: the newest]
    #[arg(long, value_name = "COMMIT")]
    head_commit: Option<String>,
    /// Statistic that decides the verdict.
    #[arg(long, default_value = "kendall", value_parser = statistics())]
    statistic: Statistic,
    /// Format of the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Store of baselines that receives a copy of the head's runs, unless they regressed. The copy replaces older
    /// baselines of the same artefact, scale, device class and data set.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

/// Parses the name of a statistic; the help lists all names.
fn statistics() -> impl TypedValueParser<Value = Statistic> {
    PossibleValuesParser::new(Statistic::ALL.map(|(name, _)| name)).try_map(|name| name.parse::<Statistic>())
}

/// Format of the answer.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// For a program.
    Json,
    /// For a pull request.
    Markdown,
}

/// The whole answer.
struct Comparison {
    /// Base and head.
    sides: [Group; 2],
    /// Measurements, if the two are comparable.
    measured: Option<Measured>,
    /// Notes to the reader.
    notes: Vec<String>,
    /// The statistic that decides the verdict.
    statistic: Statistic,
    verdict: Verdict,
}

/// Statistics and costs of the data that both sides have.
struct Measured {
    paired: Paired,
    changes: Vec<Change>,
    /// Seconds for each kind of unit.
    times: Vec<Cost>,
    /// Peak memory in bytes.
    peak_memory: Cost,
}

/// Compares the results, prints the answer, and saves the head's runs if requested. The exit code is 1 if the head
/// regressed, 3 if the two are not comparable, else 0.
pub fn run(options: &Compare) -> Result<ExitCode> {
    let comparison = compare(options)?;
    out!(
        "{}",
        match options.format {
            Format::Text => render::text(&comparison),
            Format::Json => render::json(&comparison),
            Format::Markdown => render::markdown(&comparison),
        }
    );
    if let Some(root) = &options.save {
        match comparison.verdict {
            Verdict::Regressed => errln!("not saved as a baseline: regressed"),
            _ => errln!("saved as a baseline: {}", save(&comparison.sides[1], root)?.display()),
        }
    }
    Ok(match comparison.verdict {
        Verdict::Regressed => ExitCode::from(1),
        Verdict::NotComparable(_) => ExitCode::from(3),
        Verdict::Improved | Verdict::NoDifference => ExitCode::SUCCESS,
    })
}

fn compare(options: &Compare) -> Result<Comparison> {
    let head = head(options)?;
    let base = base(options, &head)?;
    if let Some(root) = &options.save {
        let (head, root) = (place(&head), root.canonicalize().unwrap_or_default());
        ensure!(
            root == Path::new("") || !head.starts_with(&root),
            "{}: `--save` would overwrite the store that holds the head",
            root.display()
        );
    }
    if options.save.is_some() {
        ensure!(
            !head.manifest().dirty,
            "{}: `--save` needs runs of a commit; these come from a changed working tree",
            head.folder().display()
        );
    }
    for side in [&base, &head] {
        let study = side.manifest().definition.get("study");
        let kind = study.and_then(|study| study.get("kind")?.as_str()).unwrap_or("none");
        ensure!(
            kind == "correlation",
            "{}: a study of kind `{kind}`; only studies of kind `correlation` can be compared",
            side.runs[0].dir.manifest_path().display()
        );
    }
    let mut comparison = Comparison {
        notes: warnings(base.manifest(), head.manifest()),
        statistic: options.statistic,
        measured: None,
        verdict: Verdict::NoDifference,
        sides: [base, head],
    };
    let reasons = reasons(comparison.sides[0].manifest(), comparison.sides[1].manifest());
    if reasons.is_empty() {
        measure(&mut comparison)?;
    } else {
        comparison.verdict = Verdict::NotComparable(reasons);
    }
    Ok(comparison)
}

/// Compares the statistics and costs of both sides, if they can be paired.
fn measure(comparison: &mut Comparison) -> Result<()> {
    let [base, head] = &comparison.sides;
    let paired = match pair(&Tables::read(base)?, &Tables::read(head)?) {
        Ok(paired) => paired,
        Err(reason) => {
            comparison.verdict = Verdict::NotComparable(vec![reason]);
            return Ok(());
        }
    };
    let seeds: Vec<u64> = paired.seeds.keys().copied().collect();
    let common = |group: &Group| {
        let runs = group.runs.iter().filter(|run| seeds.contains(&run.manifest.seed));
        runs.map(|run| run.manifest.clone()).collect::<Vec<_>>()
    };
    let manifests = [common(base), common(head)];
    let sides: [Vec<&Manifest>; 2] = [0, 1].map(|side| manifests[side].iter().collect());
    let sides = [sides[0].as_slice(), sides[1].as_slice()];
    for (name, group) in [("base", base), ("head", head)] {
        let others = group.runs.iter().map(|run| run.manifest.seed);
        let others: Vec<String> = others.filter(|seed| !seeds.contains(seed)).map(|seed| seed.to_string()).collect();
        if !others.is_empty() {
            let others = others.join(", ");
            comparison.notes.push(format!("left out, because only {name} has them: root seeds {others}"));
        }
        if !group.unfinished.is_empty() {
            let unfinished: Vec<String> = group.unfinished.iter().map(u64::to_string).collect();
            comparison.notes.push(format!("{name} has unfinished root seeds: {}", unfinished.join(", ")));
        }
    }
    if let [seed] = seeds[..] {
        comparison.notes.push(format!(
            "one root seed, {seed}: the intervals include the variation between architectures, not between SMASH networks"
        ));
    }
    if paired.shared_errors {
        let text = "all trainings in common have the same error, so true errors of either side count for both";
        comparison.notes.push(text.to_owned());
    }
    let changes = changes(&paired, &Statistic::ALL.map(|(_, statistic)| statistic), RESAMPLES);
    let judged = changes.iter().find(|change| change.statistic == comparison.statistic);
    comparison.verdict = judged.expect("all statistics are measured").judge();
    comparison.measured = Some(Measured { changes, times: times(sides), peak_memory: peak_memory(sides), paired });
    Ok(())
}

/// The newest result that the options admit in the head's folder.
fn head(options: &Compare) -> Result<Group> {
    let admitted = candidates(&options.head, options.head_commit.as_deref(), options)?;
    let subject = admitted[0].subject();
    if admitted.iter().any(|group| group.subject() != subject) {
        bail!("{}", several(&options.head, &admitted));
    }
    Ok(newest(admitted))
}

/// The result that the head is compared with. It has the head's subject if possible, then its definition and device
/// class. The newest such result is taken.
fn base(options: &Compare, head: &Group) -> Result<Group> {
    let mut admitted = candidates(&options.base, options.base_commit.as_deref(), options)?;
    admitted.retain(|group| place(group) != place(head));
    ensure!(!admitted.is_empty(), "{}: base and head are the same runs", options.base.display());
    prefer(&mut admitted, |group| group.subject() == head.subject());
    let subject = admitted[0].subject();
    if admitted.iter().any(|group| group.subject() != subject) {
        bail!("{}", several(&options.base, &admitted));
    }
    let of_head = head.manifest();
    prefer(&mut admitted, |group| {
        let manifest = group.manifest();
        manifest.definition == of_head.definition && manifest.device_class == of_head.device_class
    });
    Ok(newest(admitted))
}

/// The folder of a result in the one form that two paths to it share. The path of an object has only one form.
fn place(group: &Group) -> PathBuf {
    let folder = group.folder();
    folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf())
}

/// Keeps the groups that fit, if any do.
fn prefer(groups: &mut Vec<Group>, fits: impl Fn(&Group) -> bool) {
    if groups.iter().any(&fits) {
        groups.retain(fits);
    }
}

fn newest(groups: Vec<Group>) -> Group {
    results::store::newest(groups).expect("there is a candidate")
}

/// The complete results below a folder that the options admit; at least one.
fn candidates(folder: &Path, commit: Option<&str>, options: &Compare) -> Result<Vec<Group>> {
    ensure!(is_folder(folder)?, "{}: expected a folder of stored runs", folder.display());
    let wanted = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    let mut runs = find_runs_below(folder)?.all()?;
    runs.retain(|run| {
        let manifest = &run.manifest;
        // Runs of a changed tree have a digest after the commit. They count only if the option names that digest.
        let is_commit = |commit: &str| {
            manifest.commit.starts_with(commit)
                && (!manifest.dirty || commit.contains('-') || manifest.commit == commit)
        };
        wanted(&options.artefact, &manifest.artefact)
            && wanted(&options.scale, &manifest.scale)
            && wanted(&options.dataset, &manifest.dataset.name)
            && commit.is_none_or(is_commit)
    });
    let admitted = groups(runs);
    let conditions = [
        ("artefact", options.artefact.as_deref()),
        ("scale", options.scale.as_deref()),
        ("data set", options.dataset.as_deref()),
        ("commit", commit),
    ];
    let conditions = conditions.iter().filter_map(|(name, value)| value.map(|value| format!(", {name} {value}")));
    ensure!(!admitted.is_empty(), "{}: no complete run{}", folder.display(), conditions.collect::<String>());
    Ok(admitted)
}

fn several(folder: &Path, groups: &[Group]) -> String {
    let mut subjects: Vec<String> = groups.iter().map(|group| group.subject().join(" ")).collect();
    subjects.sort();
    subjects.dedup();
    format!(
        "{}: several results, choose by --artefact, --scale or --dataset: {}",
        folder.display(),
        subjects.join("; ")
    )
}
