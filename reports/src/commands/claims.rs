//! `reports claims`: the ledger of the paper's claims.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use reports::ledger::{Check, statements};
use reports::report::claims::Ledger;
use results::outln;

use super::stored::Stored;

/// The results that judge the claims, and the form of the answer.
#[derive(Args)]
pub struct Claims {
    #[command(flatten)]
    stored: Stored,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints all statements. Without a stored result, a statement is not run.
pub fn run(options: &Claims) -> Result<ExitCode> {
    let statements = statements()?;
    let tested = statements.iter().filter_map(|statement| match &statement.check {
        Check::Claim { artefact, .. } => Some(artefact.as_str()),
        _ => None,
    });
    let selected = options.stored.of_artefacts(&tested.collect::<BTreeSet<_>>())?;
    let ledger = Ledger::new(&statements, &selected.artefacts);
    match options.json {
        true => outln!("{:#}", ledger.json()),
        false => outln!("{ledger}"),
    }
    Ok(selected.finish())
}
