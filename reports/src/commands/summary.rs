//! `reports summary`: one row for each architecture of a stored result.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use results::store::Group;
use results::store::identity::Identity;
use results::summaries::architectures::{SummaryRow, summary_rows};
use results::tables::{csv, table_file, write_table};
use results::{ArchitectureRow, Row, ScoreRow, TruthRow, errln, outln};

use super::stored::{Stored, architectures_of};

/// The stored result, and the file to write.
#[derive(Args)]
pub struct Summary {
    /// Artefact whose newest result is summarised, such as fig4.
    #[arg(required_unless_present = "run")]
    artefact: Option<String>,
    /// Summarise exactly the run in this folder; repeat the option for several root seeds of one result.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["artefact", "scale", "dataset"])]
    run: Vec<PathBuf>,
    #[command(flatten)]
    stored: Stored,
    /// File to write, FILE.parquet or FILE.csv.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Writes the rows.
pub fn run(options: &Summary) -> Result<()> {
    let Summary { artefact, run, stored, to } = options;
    let is_csv = match to.extension().and_then(OsStr::to_str) {
        Some("csv") => true,
        Some("parquet") => false,
        _ => bail!("--to {}: expected a name that ends in .parquet or .csv", to.display()),
    };
    let group = group_of(artefact.as_deref(), run, stored)?;
    let rows = rows_of(&group)?;
    match is_csv {
        true => csv::write_table(to, &rows)?,
        false => {
            let identity = Identity::default().with("artefact", &group.manifest().artefact);
            write_table(&table_file::<SummaryRow>(to.clone(), identity), &rows)?;
        }
    }
    let seeds: Vec<String> = group.runs.iter().map(|run| run.manifest.seed.to_string()).collect();
    outln!("{}: {} rows, root seeds {}", to.display(), rows.len(), seeds.join(", "));
    Ok(())
}

/// The runs in these folders, or without folders the newest result of the artefact.
pub(super) fn group_of(artefact: Option<&str>, run: &[PathBuf], stored: &Stored) -> Result<Group> {
    let Some(artefact) = artefact else { return Stored::group_of_runs(run) };
    let (group, faulty) = stored.newest_group(artefact)?;
    faulty.iter().for_each(|fault| errln!("warning: {fault}"));
    Ok(group)
}

/// A row for each architecture and root seed of a result that has true errors. Some kinds of study have no scores.
pub(super) fn rows_of(group: &Group) -> Result<Vec<SummaryRow>> {
    let lacks = |table: &str| {
        let (place, [artefact, ..]) = (group.folder().display(), group.subject());
        format!("{place}: `{artefact}` has no table `{table}`, expected architectures with true errors")
    };
    let architectures = architectures_of(group)?.with_context(|| lacks(ArchitectureRow::NAME))?;
    let trainings = group.read_if_there::<TruthRow>()?.with_context(|| lacks(TruthRow::NAME))?;
    let scores = group.read_if_there::<ScoreRow>()?.unwrap_or_default();
    Ok(summary_rows(&architectures, &scores, &trainings)?)
}
