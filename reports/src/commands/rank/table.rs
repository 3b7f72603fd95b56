//! A table of predictors of one's own: its column of architectures, its columns of numbers, and its rows by architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use results::ArchitectureRow;
use results::summaries::ranked::OwnPredictor;
use results::summaries::text::first_of;
use results::tables::columns::{AnyColumn, read_all_columns, read_columns};
use results::terminal::escaped;
use smash_space::Architecture;

/// Most columns that are predictors unless they are named.
const MOST_PREDICTORS: usize = 20;

/// Most names that a message lists.
pub(super) const MOST_NAMES: usize = 5;

/// Longest start of a name that a message shows, in letters.
const MOST_LETTERS: usize = 60;

/// The columns to use.
pub(super) struct Wanted<'a> {
    /// The column of architectures; found by its content if not given.
    pub key: Option<&'a str>,
    /// The columns of predictors; all other columns of numbers if empty.
    pub columns: &'a [String],
    /// The columns in which higher is better.
    pub higher_is_better: &'a [String],
}

/// Predictors of one's own, joined to the architectures of a run.
pub(super) struct OwnTable {
    /// The column of architectures.
    pub key: String,
    /// The columns of the predictors.
    pub columns: Vec<String>,
    /// The columns without numbers, which are no predictors.
    pub left_out: Vec<String>,
    /// The predictors, in the order of the columns.
    pub predictors: Vec<OwnPredictor>,
    /// Number of rows.
    pub rows: usize,
    /// Number of rows whose architecture the run has.
    pub matched: usize,
    /// The architectures that the run lacks, as the table names them.
    pub unmatched: Vec<String>,
    /// Number of rows without an architecture.
    pub without_key: usize,
    /// Number of matched rows without a finite value, for each column.
    pub without_value: Vec<usize>,
}

/// The architectures of a run, by both of their hashes.
struct Known<'a> {
    /// Hashes of the stored forms.
    plain: BTreeSet<&'a str>,
    /// The plain hashes for each canonical hash.
    canonical: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Known<'a> {
    fn of(architectures: &'a [ArchitectureRow]) -> Self {
        let by_hash: BTreeMap<&str, Option<&str>> =
            architectures.iter().map(|row| (row.hash.as_str(), row.canonical.as_deref())).collect();
        let mut canonical: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (&hash, of_all) in &by_hash {
            if let Some(of_all) = of_all {
                canonical.entry(of_all).or_default().push(hash);
            }
        }
        Self { plain: by_hash.into_keys().collect(), canonical }
    }

    /// The plain hashes of the architectures that a hash stands for; empty if the run has none.
    fn find(&self, hash: &str) -> Vec<&'a str> {
        match self.plain.get(hash) {
            Some(plain) => vec![plain],
            None => self.canonical.get(hash).cloned().unwrap_or_default(),
        }
    }
}

/// Reads a table and joins it to the architectures of a run.
pub(super) fn read(file: &Path, wanted: &Wanted<'_>, architectures: &[ArchitectureRow]) -> Result<OwnTable> {
    let all = read_all_columns(file)?;
    let known = Known::of(architectures);
    let key = key_column(file, wanted.key, &all, &known)?;
    let columns = predictor_columns(file, wanted, &all, key)?;
    let is_left_out = |column: &&AnyColumn| {
        wanted.columns.is_empty() && column.name != key.name && !columns.iter().any(|used| used.name == column.name)
    };
    let left_out = all.iter().filter(is_left_out).map(|column| shown(&column.name)).collect();
    for name in wanted.higher_is_better {
        let names: Vec<String> = columns.iter().map(|column| shown(&column.name)).collect();
        let is_column = columns.iter().any(|column| column.name == *name);
        ensure!(is_column, "--higher-is-better {name}: expected one of {}", first_of(&names, MOST_PREDICTORS));
    }
    let cells = key.texts.as_deref().unwrap_or_default();
    let mut table = OwnTable {
        key: key.name.clone(),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        left_out,
        predictors: columns.iter().map(|column| own_predictor(&column.name)).collect(),
        rows: cells.len(),
        matched: 0,
        unmatched: Vec::new(),
        without_key: 0,
        without_value: vec![0; columns.len()],
    };
    // The row that gave each value, for the message about another one.
    let mut rows_of: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for (row, cell) in cells.iter().enumerate() {
        let Some(cell) = cell else {
            table.without_key += 1;
            continue;
        };
        let found = if is_json(cell) { known.find(&hash_of(file, key, row, cell)?) } else { known.find(cell) };
        if found.is_empty() {
            table.unmatched.push(shown(cell));
            continue;
        }
        table.matched += 1;
        for (index, column) in columns.iter().enumerate() {
            let value = column.numbers.as_ref().and_then(|numbers| numbers[row]).filter(|value| value.is_finite());
            let Some(value) = value else {
                table.without_value[index] += 1;
                continue;
            };
            let sign = if wanted.higher_is_better.contains(&column.name) { -1.0 } else { 1.0 };
            for &hash in &found {
                let before = table.predictors[index].values.insert(hash.to_owned(), sign * value);
                let first = *rows_of.entry((index, hash)).or_insert(row);
                ensure!(
                    before.is_none_or(|before| before == sign * value),
                    "{}: column `{}`: rows {first} and {row} (counted from 0) have different values for the architecture {hash}",
                    file.display(),
                    shown(&column.name),
                );
            }
        }
    }
    ensure!(
        table.matched > 0,
        "{}: column `{}`: no architecture of the run; first: {}",
        file.display(),
        shown(&key.name),
        first_of(&table.unmatched, MOST_NAMES)
    );
    Ok(table)
}

fn own_predictor(column: &str) -> OwnPredictor {
    OwnPredictor { name: format!("{} (own)", escaped(column)), values: BTreeMap::new() }
}

/// The start of a text of the table, fit for a line of a terminal.
fn shown(text: &str) -> String {
    escaped(&text.chars().take(MOST_LETTERS).collect::<String>())
}

fn is_json(cell: &str) -> bool {
    cell.starts_with('{')
}

/// The hash of an architecture in its stored form.
fn hash_of(file: &Path, key: &AnyColumn, row: usize, cell: &str) -> Result<String> {
    let place = || format!("{}: column `{}`: row {row}", file.display(), shown(&key.name));
    Ok(Architecture::from_json(cell).with_context(place)?.hash())
}

/// The column of architectures: the one with a hash of the run, else with a canonical hash, else the one of JSON.
fn key_column<'a>(file: &Path, wanted: Option<&str>, all: &'a [AnyColumn], known: &Known<'_>) -> Result<&'a AnyColumn> {
    let place = file.display();
    let names = |columns: &[&AnyColumn]| {
        let names: Vec<String> = columns.iter().map(|column| format!("`{}`", shown(&column.name))).collect();
        first_of(&names, MOST_PREDICTORS)
    };
    let texts: Vec<&AnyColumn> = all.iter().filter(|column| column.texts.is_some()).collect();
    if let Some(name) = wanted {
        let named = texts.iter().find(|column| column.name == name).copied();
        return named.with_context(|| format!("{place}: no column of text `{name}`; found {}", names(&texts)));
    }
    let with = |test: &dyn Fn(&str) -> bool| -> Vec<&'a AnyColumn> {
        let is_it = |column: &&AnyColumn| column.texts.iter().flatten().flatten().any(|cell| test(cell));
        texts.iter().copied().filter(is_it).collect()
    };
    // Tables of this project have both hashes.
    let of_plain = with(&|cell| known.plain.contains(cell));
    let of_hashes = if of_plain.len() == 1 { of_plain } else { with(&|cell| !known.find(cell).is_empty()) };
    let of_json = with(&is_json);
    match (&of_hashes[..], &of_json[..]) {
        ([column], _) | ([], [column]) => Ok(*column),
        ([], []) => bail!(
            "{place}: no column holds an architecture of the run, as hash of 16 digits or as JSON; columns of text: {}",
            names(&texts)
        ),
        (several, _) if several.len() > 1 => {
            bail!(
                "{place}: the columns {} hold hashes of architectures, expected one; choose it by --key",
                names(several)
            )
        }
        (_, several) => {
            bail!("{place}: the columns {} hold architectures, expected one; choose it by --key", names(several))
        }
    }
}

/// The columns of predictors.
fn predictor_columns<'a>(
    file: &Path,
    wanted: &Wanted<'_>,
    all: &'a [AnyColumn],
    key: &AnyColumn,
) -> Result<Vec<&'a AnyColumn>> {
    let place = file.display();
    if wanted.columns.is_empty() {
        for column in all.iter().filter(|column| column.numbers.is_none() && column.name != key.name) {
            if is_mostly_numbers(column) {
                // This error names the row of the first cell that is no number.
                read_columns(file, &[&column.name], None)?;
            }
        }
        // An index without a name, as pandas writes it, is no predictor.
        let is_predictor =
            |column: &&AnyColumn| column.numbers.is_some() && column.name != key.name && !column.name.is_empty();
        let columns: Vec<&AnyColumn> = all.iter().filter(is_predictor).collect();
        ensure!(!columns.is_empty(), "{place}: no column of numbers beside `{}`", shown(&key.name));
        ensure!(
            columns.len() <= MOST_PREDICTORS,
            "{place}: {} columns of numbers, expected at most {MOST_PREDICTORS}; choose some by --column",
            columns.len()
        );
        return Ok(columns);
    }
    let mut columns: Vec<&AnyColumn> = Vec::new();
    for name in wanted.columns {
        let column = all.iter().find(|column| column.name == *name && column.numbers.is_some());
        if column.is_none() {
            // This error names the row of the first cell that is no number.
            read_columns(file, &[name], None)?;
        }
        let column =
            column.with_context(|| format!("{place}: column `{}`: expected numbers, found none", shown(name)))?;
        ensure!(!columns.iter().any(|known| known.name == *name), "--column {name}: given twice");
        columns.push(column);
    }
    Ok(columns)
}

/// Whether most cells of a column of text are numbers, so that the others are probably mistakes.
fn is_mostly_numbers(column: &AnyColumn) -> bool {
    let cells: Vec<&String> = column.texts.iter().flatten().flatten().collect();
    2 * cells.iter().filter(|cell| cell.trim().parse::<f64>().is_ok()).count() > cells.len()
}
