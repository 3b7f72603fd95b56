//! `reports stats`: the statistics of a ranking in any table, or in a stored result.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use results::statistics::ranking::ordered::values_of;
use results::statistics::ranking::resampling::{measure_where_defined, resamples_for};
use results::statistics::ranking::{Measured, Ranking, disagreements};
use results::statistics::sample::Point;
use results::store::files;
use results::summaries::text::{first_of, left_out_text};
use results::tables::columns::{Columns, columns_in};
use results::tables::csv;
use results::terminal::escaped;
use results::{errln, out, outln};
use serde_json::{Value, json};

use super::stored::Stored;
use super::summary::{group_of, rows_of};

/// Most names of groups that a line lists.
const MOST_NAMES: usize = 5;

/// Columns of a stored result in which more predicts a lower error.
const COUNTS: [&str; 3] = ["parameters", "multiply_adds", "depth"];

/// Columns of a stored result that are errors, fractions in [0, 1].
const ERRORS: [&str; 2] = ["true_error", "score_error"];

/// The table and the columns to use.
#[derive(Args)]
pub struct Stats {
    #[command(flatten)]
    table: Table,
    #[command(flatten)]
    stored: Stored,
    /// Column of the predictor, such as a score.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    x: String,
    /// Column of the truth, such as an error.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    y: String,
    /// Column that groups the rows, such as a seed. Rankings are made within a group, and statistics are means over the groups.
    /// A row without a group is left out. The default for a stored result of several root seeds is `seed`.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    by: Option<String>,
    /// Column in which higher is better, x or y; may be given twice. The default suits errors and losses: lower is better. In a
    /// stored result, higher is always better for `parameters`, `multiply_adds` and `depth`.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    higher_is_better: Vec<String>,
    /// Number of the predictor's best that a search would train.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
    /// Number of resamples of each interval and of permutations of each p-value. The default is 10000, and 1000 for more than
    /// 5000 rows.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    resamples: Option<u32>,
    /// Print JSON. A statistic that is undefined, or whose resamples all are, is null.
    #[arg(long)]
    json: bool,
}

/// The table; exactly one of the three is given.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Table {
    /// Table with a row for each ranked item: Parquet, or CSV with a line of names.
    #[arg(conflicts_with_all = ["scale", "dataset"])]
    file: Option<PathBuf>,
    /// Artefact whose newest result is the table, with the columns of `summary`.
    #[arg(long)]
    artefact: Option<String>,
    /// Folder of a run that is the table, with the columns of `summary`; repeat the option for several root seeds of one result.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["scale", "dataset"])]
    run: Vec<PathBuf>,
}

/// Prints the statistics.
pub fn run(options: &Stats) -> Result<()> {
    let Stats { table: Table { file, artefact, run }, stored, x, y, by, .. } = options;
    for name in &options.higher_is_better {
        ensure!(name == x || name == y, "--higher-is-better {name}: expected {x} or {y}");
    }
    ensure!(x != y, "--x {x} --y {y}: one column is not a correlation");
    let (place, bytes, seeds) = match file {
        Some(file) => (file.clone(), files::read(file)?, 1),
        None => {
            let group = group_of(artefact.as_deref(), run, stored)?;
            (group.folder().to_owned(), csv::to_text(&rows_of(&group)?).into_bytes(), group.runs.len())
        }
    };
    // The scores of two SMASH networks have no common scale.
    let by = &by.clone().or_else(|| (seeds > 1).then(|| "seed".to_owned()));
    let Columns { numbers, group } = columns_in(&place, bytes, &[x, y], by.as_deref())?;
    let is_stored = file.is_none();
    let is_higher_better =
        |name: &&String| options.higher_is_better.contains(name) || (is_stored && COUNTS.contains(&name.as_str()));
    let higher: Vec<&String> = [x, y].into_iter().filter(is_higher_better).collect();
    let sign = |name: &String| if higher.contains(&name) { -1.0 } else { 1.0 };
    let signs = [sign(x), sign(y)];
    let mut groups: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    let (mut without_values, mut without_group) = (0, 0);
    for (row, (&x, &y)) in numbers[0].iter().zip(&numbers[1]).enumerate() {
        let name = group.as_ref().map_or(Some(""), |group| group[row].as_deref());
        match (x, y, name) {
            (Some(x), Some(y), Some(name)) => groups.entry(name).or_default().push((signs[0] * x, signs[1] * y)),
            (Some(_), Some(_), None) => without_group += 1,
            _ => without_values += 1,
        }
    }
    let (names, groups): (Vec<&str>, Vec<Vec<Point>>) = groups.into_iter().unzip();
    let n: usize = groups.iter().map(Vec::len).sum();
    let named: Vec<String> = [Some(x), Some(y), by.as_ref()].iter().flatten().map(|name| format!("`{name}`")).collect();
    ensure!(n > 0, "{}: no row has all of {}", place.display(), named.join(", "));
    let in_groups = by.as_ref().map_or_else(String::new, |by| format!(" in {} groups of `{by}`", groups.len()));
    let no_group = by.as_ref().map_or_else(String::new, |by| format!("without `{by}`"));
    let without = match left_out_text(&[(without_values, "without both values"), (without_group, no_group.as_str())]) {
        none if none.is_empty() => none,
        some => format!(" (left out: {some})"),
    };
    let statistics = Ranking::all(options.k.into());
    let resamples = options.resamples.map_or_else(|| resamples_for(n), |resamples| resamples as usize);
    let measured = measure_where_defined(&groups, &statistics, resamples, &mut show_progress());
    if options.json {
        let statistics: Vec<Value> = measured.iter().map(json_of).collect();
        let left_out = json!({ "without both values": without_values, "without a group": without_group });
        let found = json!({
            "x": x, "y": y, "by": by, "higher_is_better": higher, "n": n, "groups": groups.len(),
            "left_out": left_out, "resamples": resamples, "statistics": statistics,
        });
        outln!("{found:#}");
        return Ok(());
    }
    outln!("`{y}` by `{x}`, n = {n}{in_groups}{without}");
    let of_errors = is_stored && ERRORS.contains(&y.as_str());
    for measured in &measured {
        outln!("{}", measured.line(of_errors));
    }
    for column in higher {
        outln!("higher is better in `{column}`: its sign is changed");
    }
    if !of_errors {
        outln!("regret and gain are in the unit of `{y}`");
    }
    if let Some(note) = disagreements(&measured) {
        outln!("{note}");
    }
    let levels = if groups.len() > 1 { "groups and their rows" } else { "rows" };
    outln!("[ ]: 95 % percentile bootstrap over {levels}; p: permutations of `{x}`; {resamples} of each");
    if by.is_some() {
        out!("{}", undefined_in(&names, &groups, &statistics));
    }
    Ok(())
}

/// A statistic with its interval and its p-value. The numbers have all their digits.
fn json_of(measured: &Measured) -> Value {
    let interval = measured.interval;
    json!({
        "statistic": measured.statistic.label(),
        "value": interval.map(|interval| interval.estimate),
        "low": interval.map(|interval| interval.low),
        "high": interval.map(|interval| interval.high),
        "undefined_resamples": interval.map(|interval| interval.undefined),
        "p": measured.p,
    })
}

/// Shows the share of the work that is done and the time left: every few seconds on a terminal, every minute elsewhere.
fn show_progress() -> impl FnMut(f64) {
    let between = Duration::from_secs(if std::io::stderr().is_terminal() { 5 } else { 60 });
    let (start, mut shown) = (Instant::now(), Instant::now());
    move |share| {
        if shown.elapsed() >= between {
            let left = start.elapsed().as_secs_f64() * (1.0 - share) / share;
            errln!("resampling: {:.0} %, {left:.0} s left", 100.0 * share);
            shown = Instant::now();
        }
    }
}

/// Names the groups that have no value of some statistics, a line for each set of such groups.
fn undefined_in(names: &[&str], groups: &[Vec<Point>], statistics: &[Ranking]) -> String {
    let mut labels: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
    let values: Vec<Vec<Option<f64>>> = groups.iter().map(|points| values_of(statistics, points)).collect();
    for (index, statistic) in statistics.iter().enumerate() {
        let is_undefined = |(_, values): &(&&str, &Vec<Option<f64>>)| values[index].is_none();
        let undefined: Vec<&str> = names.iter().zip(&values).filter(is_undefined).map(|(name, _)| *name).collect();
        if !undefined.is_empty() {
            labels.entry(undefined).or_default().push(statistic.label());
        }
    }
    let line = |(undefined, labels): (Vec<&str>, Vec<String>)| {
        let named: Vec<String> = undefined.iter().map(|name| format!("`{:.60}`", escaped(name))).collect();
        let (count, all) = (undefined.len(), groups.len());
        let named = first_of(&named, MOST_NAMES);
        format!("undefined in {count} of {all} groups, {named}, and left out there: {}\n", labels.join(", "))
    };
    labels.into_iter().map(line).collect()
}
