//! `reports stats`: the statistics of a ranking in any table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use results::statistics::bootstrap::{RESAMPLES, Units};
use results::statistics::ranking::{Ranking, measure};
use results::statistics::sample::Point;
use results::tables::columns::{Columns, read_columns};

/// The file and the columns to use.
#[derive(Args)]
pub struct Stats {
    /// Table with a row for each ranked item: Parquet, or CSV with a line of names.
    file: PathBuf,
    /// Column of the predictor, such as a score.
    #[arg(long, value_name = "COLUMN")]
    x: String,
    /// Column of the truth, such as an error.
    #[arg(long, value_name = "COLUMN")]
    y: String,
    /// Column that groups the rows, such as a seed. Rankings are made within a group, and statistics are means over the groups.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Column in which higher is better, x or y; may be given twice. The default suits errors and losses: lower is better.
    #[arg(long, value_name = "COLUMN")]
    higher_is_better: Vec<String>,
    /// Number of the predictor's best that a search would train.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
}

/// Prints the statistics.
pub fn run(options: &Stats) -> Result<()> {
    let Stats { file, x, y, by, .. } = options;
    for name in &options.higher_is_better {
        ensure!(name == x || name == y, "--higher-is-better {name}: expected {x} or {y}");
    }
    let Columns { numbers, group } = read_columns(file, &[x, y], by.as_deref())?;
    let sign = |name: &str| match options.higher_is_better.iter().any(|higher| higher == name) {
        true => -1.0,
        false => 1.0,
    };
    let signs = [sign(x), sign(y)];
    let mut groups: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    let mut left_out = 0;
    for (row, (&x, &y)) in numbers[0].iter().zip(&numbers[1]).enumerate() {
        let name = group.as_ref().map_or("", |group| group[row].as_str());
        match (x, y) {
            (Some(x), Some(y)) => groups.entry(name).or_default().push((signs[0] * x, signs[1] * y)),
            _ => left_out += 1,
        }
    }
    let groups: Vec<Vec<Point>> = groups.into_values().collect();
    let n: usize = groups.iter().map(Vec::len).sum();
    ensure!(n > 0, "{}: no row has both `{x}` and `{y}`", file.display());
    let in_groups = by.as_ref().map_or_else(String::new, |by| format!(" in {} groups of `{by}`", groups.len()));
    let without = match left_out {
        0 => String::new(),
        left_out => format!(" (left out: {left_out} without both values)"),
    };
    println!("`{y}` by `{x}`, n = {n}{in_groups}{without}");
    for measured in measure(&groups, Units::Own, &Ranking::all(options.k.into())) {
        println!("{measured}");
    }
    let levels = if groups.len() > 1 { "groups and their rows" } else { "rows" };
    println!("[ ]: 95 % percentile bootstrap over {levels}; p: permutations of `{x}`; {RESAMPLES} of each");
    Ok(())
}
