//! `reports rank`: predictors of one's own beside the SMASH score, on the architectures of a stored run.

mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use reports::artefact::Artefact;
use reports::figure;
use reports::picture::Picture;
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::store::files::create_folder;
use results::store::identity::Identity;
use results::summaries::predictors::PredictorSummary;
use results::summaries::ranked::{RankedRow, RunTables, SCORE};
use results::summaries::text::{SIGN, first_of, interval_text, left_out_text};
use results::tables::{table_file, write_table};
use results::terminal::escaped;
use results::{Measure, PredictionRow, PredictorsSummary, ScoreRow, TruthRow, errln, outln};
use serde_json::{Value, json};

use super::form::Form;
use super::stored::{Stored, architectures_of};
use table::{MOST_NAMES, OwnTable, Wanted};

/// The table of predictors, the stored result, and the form of the answer.
#[derive(Args)]
pub struct Rank {
    /// Table with a row for each architecture, Parquet or CSV: a column of architectures, as hashes or as JSON, and a column of
    /// numbers for each predictor.
    file: PathBuf,
    /// Artefact whose newest result has the true errors, such as fig4.
    #[arg(long)]
    artefact: String,
    #[command(flatten)]
    stored: Stored,
    /// Column of the architectures, if the table has several.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    key: Option<String>,
    /// Column of a predictor; may be given several times. By default all other columns of numbers.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    column: Vec<String>,
    /// Predictor in which higher is better; may be given several times. The default suits errors and losses: lower is better.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    higher_is_better: Vec<String>,
    /// Print JSON. A statistic that is undefined is null.
    #[arg(long)]
    json: bool,
    /// Folder for a figure of each predictor of your own, and for the joined rows, as Parquet.
    #[arg(long, value_name = "DIR", required_if_eq_any([("pdf", "true"), ("png", "true"), ("no_title", "true"), ("no_caption", "true")]))]
    out: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

/// Compares the predictors, and prints or writes the answer.
pub fn run(options: &Rank) -> Result<()> {
    let (group, faulty) = options.stored.newest_group(&options.artefact)?;
    faulty.iter().for_each(|fault| errln!("warning: {fault}"));
    let tables = tables_of(&group)?;
    let by = Measure::of_group(&group)?;
    let Rank { key, column, higher_is_better, .. } = options;
    let wanted = Wanted { key: key.as_deref(), columns: column, higher_is_better };
    let own = table::read(&options.file, &wanted, &tables.architectures)?;
    // A folder that cannot be used is an error before the statistics, which take time.
    let paths = options.out.as_ref().map(|folder| figure_paths(folder, &group, &own.columns)).transpose()?;
    let knows_canonical = tables.architectures.iter().all(|row| row.canonical.is_some());
    let tables = tables.with_values_of(&own.predictors);
    let (summary, rows) = tables.ranked(&own.predictors, by)?;
    ensure!(
        summary.n() > 0,
        "{}: no architecture has a value of each predictor, a SMASH score and a true error",
        options.file.display()
    );
    let answer = Answer { options, group: &group, own: &own, summary: &summary, knows_canonical };
    match options.json {
        true => outln!("{:#}", answer.to_json()),
        false => answer.print(),
    }
    match paths {
        Some(paths) => write(&paths, &answer, &tables, &rows),
        None => Ok(()),
    }
}

/// The files of the figures in a folder, one for each column. The folder is made.
fn figure_paths(folder: &Path, group: &Group, columns: &[String]) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for column in columns {
        let path = folder.join(format!("{}-by-{}.svg", group.name(), file_name(column)));
        ensure!(
            !paths.contains(&path),
            "{}: the figures of two columns would have this name; choose one column by --column",
            path.display()
        );
        paths.push(path);
    }
    create_folder(folder)?;
    Ok(paths)
}

/// The tables of a group that has scores and true errors.
fn tables_of(group: &Group) -> Result<RunTables> {
    let lacks = |table: &str| {
        let [artefact, ..] = group.subject();
        format!(
            "{}: `{artefact}` has no table `{table}`, expected SMASH scores and true errors",
            group.folder().display()
        )
    };
    Ok(RunTables {
        architectures: architectures_of(group)?.with_context(|| lacks("architectures"))?,
        scores: group.read_if_there::<ScoreRow>()?.with_context(|| lacks("scores"))?,
        true_errors: group.read_if_there::<TruthRow>()?.with_context(|| lacks("truths"))?,
        predictions: group.read_if_there::<PredictionRow>()?.unwrap_or_default(),
    })
}

/// The comparison, with its origin.
struct Answer<'a> {
    options: &'a Rank,
    group: &'a Group,
    own: &'a OwnTable,
    summary: &'a PredictorsSummary,
    /// Whether the canonical hash of each architecture of the run is known.
    knows_canonical: bool,
}

impl Answer<'_> {
    fn print(&self) {
        let (own, summary) = (self.own, self.summary);
        let manifest = self.group.manifest();
        let seeds: Vec<String> = self.group.runs.iter().map(|run| run.manifest.seed.to_string()).collect();
        outln!(
            "{} by `{}`, against the true errors of {} at {} scale on {}, root seeds {}, commit {}",
            self.options.file.display(),
            escaped(&own.key),
            manifest.artefact,
            manifest.scale,
            manifest.dataset.name,
            seeds.join(", "),
            manifest.commit,
        );
        outln!("{} of {} rows name an architecture of the run", own.matched, own.rows);
        if !own.left_out.is_empty() {
            outln!("columns that are no predictors: {}", first_of(&own.left_out, MOST_NAMES));
        }
        if !own.unmatched.is_empty() {
            let hint =
                if self.knows_canonical { "" } else { "; without the search space, only plain hashes are known" };
            outln!("not in the run: {}{hint}", first_of(&own.unmatched, MOST_NAMES));
        }
        let without: Vec<String> =
            own.columns.iter().map(|column| format!("without a finite `{}`", escaped(column))).collect();
        let mut left_out = vec![(own.without_key, "without an architecture")];
        left_out.extend(own.without_value.iter().zip(&without).map(|(&count, text)| (count, text.as_str())));
        match left_out_text(&left_out) {
            none if none.is_empty() => {}
            some => outln!("rows left out: {some}"),
        }
        for column in &self.options.higher_is_better {
            outln!("higher is better in `{column}`: its sign is changed");
        }
        let longest = summary.predictors.iter().map(|predictor| predictor.shown.chars().count()).max();
        let width = longest.map_or(0, |longest| longest + 2);
        let line = |[name, n, cells @ ..]: [&str; 6]| {
            let [tau, difference, with_score, partial] = cells;
            let line = format!("{name:width$}{n:>5}  {tau:24}{difference:26}{with_score:24}{partial}");
            outln!("{}", line.trim_end());
        };
        line(["predictor", "n", "Kendall τ", "difference to the score", "τ with the score", "τ given parameters"]);
        for predictor in &summary.predictors {
            let PredictorSummary { name, shown, n, tau, change, with_first, partial, .. } = predictor;
            let is_score = name == SCORE;
            let beside_score = |interval| if is_score { String::new() } else { interval_text(interval) };
            let texts =
                [interval_text(*tau), beside_score(*change), beside_score(*with_first), interval_text(*partial)];
            line([shown, &n.to_string(), &texts[0], &texts[1], &texts[2], &texts[3]]);
        }
        outln!("{SIGN}");
        outln!(
            "[ ]: 95 % percentile bootstrap over {} root seeds and their architectures; differences are paired",
            summary.seeds
        );
    }

    fn to_json(&self) -> Value {
        let own = self.own;
        let manifest = self.group.manifest();
        let columns = || own.columns.iter().zip(&own.predictors);
        let predictor = |predictor: &PredictorSummary| {
            let column = columns().find(|(_, own)| own.name == predictor.name).map(|(column, _)| column);
            let is_higher_better = column.is_some_and(|column| self.options.higher_is_better.contains(column));
            json!({
                "predictor": predictor.name,
                "column": column,
                "higher_is_better": is_higher_better,
                "n": predictor.n,
                "missing": predictor.missing,
                "tau": interval_json(predictor.tau),
                "difference_to_score": interval_json(predictor.change),
                "tau_with_score": interval_json(predictor.with_first),
                "tau_given_parameters": interval_json(predictor.partial),
            })
        };
        let without_value: serde_json::Map<String, Value> =
            own.columns.iter().cloned().zip(own.without_value.iter().map(|&count| count.into())).collect();
        json!({
            "artefact": manifest.artefact,
            "scale": manifest.scale,
            "dataset": manifest.dataset.name,
            "commit": manifest.commit,
            "seeds": self.group.runs.iter().map(|run| run.manifest.seed).collect::<Vec<_>>(),
            "key": own.key,
            "columns_left_out": own.left_out,
            "rows": own.rows,
            "matched_rows": own.matched,
            "unmatched_rows": own.unmatched.len(),
            "first_unmatched": own.unmatched.iter().take(MOST_NAMES).collect::<Vec<_>>(),
            "left_out": { "without an architecture": own.without_key, "without a finite value": without_value },
            "predictors": self.summary.predictors.iter().map(predictor).collect::<Vec<_>>(),
        })
    }
}

fn interval_json(interval: Option<Interval>) -> Value {
    let json = |interval: Interval| {
        let Interval { estimate, low, high, undefined } = interval;
        json!({ "value": estimate, "low": low, "high": high, "undefined_resamples": undefined })
    };
    interval.map_or(Value::Null, json)
}

/// Writes a figure of each predictor of one's own, and the joined rows. Standard output may hold JSON, so the paths go to
/// standard error.
fn write(paths: &[PathBuf], answer: &Answer<'_>, tables: &RunTables, rows: &[RankedRow]) -> Result<()> {
    let mut figures: Vec<(&PathBuf, Artefact)> = Vec::new();
    for ((column, predictor), path) in answer.own.columns.iter().zip(&answer.own.predictors).zip(paths) {
        let rows: Vec<RankedRow> = rows.iter().filter(|row| row.predictor == predictor.name).cloned().collect();
        let is_higher_better = answer.options.higher_is_better.contains(column);
        let label = if is_higher_better { format!("{}, sign changed", predictor.name) } else { predictor.name.clone() };
        figures.push((path, Artefact::of_own_predictor(answer.group.clone(), tables, &rows, label)?));
    }
    let form = &answer.options.form;
    let draw = |(_, artefact): &(_, Artefact)| figure::picture(artefact, form.look());
    let drawn: Vec<Picture> = figures.iter().map(draw).collect::<Result<_>>()?;
    for ((path, artefact), picture) in figures.iter().zip(drawn) {
        if !form.look().with_caption {
            errln!("caption: {}", figure::caption(artefact)?.join(" · "));
        }
        for format in form.formats() {
            let path = path.with_extension(format.extension());
            picture.write(&path, format)?;
            errln!("{}", path.display());
        }
    }
    let path = paths[0].with_file_name(format!("{}-ranked.parquet", answer.group.name()));
    let identity = Identity::default().with("artefact", &answer.group.manifest().artefact);
    write_table(&table_file::<RankedRow>(path.clone(), identity), rows)?;
    errln!("{}", path.display());
    Ok(())
}

/// A column's name without letters that do not suit the name of a file.
fn file_name(column: &str) -> String {
    column.chars().take(60).map(|c| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' }).collect()
}
