//! `reports status`: the state of every stored run.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use results::outln;
use results::store::DEFAULT_ROOT;
use results::store::states::{Seen, State, look};
use serde_json::json;

/// The place of the runs, and the form of the answer.
#[derive(Args)]
pub struct Status {
    /// Folder of the stored runs, or s3://BUCKET/PREFIX.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_ROOT)]
    results: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints a line for each run. The exit code is 1 if a run is damaged.
pub fn run(options: &Status) -> Result<ExitCode> {
    let runs = look(&options.results)?;
    if options.json {
        outln!("{:#}", json!(runs));
    } else if runs.is_empty() {
        outln!("{}: no run is stored there", options.results.display());
    } else {
        print(&runs);
    }
    Ok(match runs.iter().any(|run| run.state == State::Damaged) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Prints a table whose columns are as wide as their widest text. The damaged file of a run follows its line.
fn print(runs: &[Seen]) {
    let header = ["state", "units", "changed", "artefact", "scale", "device", "commit", "definition", "seed"];
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(runs.iter().map(cells));
    let widths: [usize; 9] = std::array::from_fn(|column| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    });
    let problems = std::iter::once(&None).chain(runs.iter().map(|run| &run.problem));
    for (line, problem) in lines.iter().zip(problems) {
        let padded: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let problem = problem.as_ref().map_or_else(String::new, |problem| format!("  {problem}"));
        outln!("{}{problem}", padded.join("  ").trim_end());
    }
}

fn cells(run: &Seen) -> [String; 9] {
    let units = match (run.units_done, run.units) {
        (None, None) => "-".to_owned(),
        (None, Some(all)) => format!("- of {all}"),
        (Some(done), None) => done.to_string(),
        (Some(done), Some(all)) => format!("{done} of {all}"),
    };
    let (seed, changed) = (run.seed.trim_start_matches("seed-"), run.changed.as_deref().unwrap_or("-"));
    let texts = [changed, &run.artefact, &run.scale, &run.device_class, &run.commit, &run.definition, seed];
    let [changed, artefact, scale, device, commit, definition, seed] = texts.map(str::to_owned);
    [run.state.name().to_owned(), units, changed, artefact, scale, device, commit, definition, seed]
}
