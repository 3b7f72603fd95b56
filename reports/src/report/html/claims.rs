//! The ledger of the paper's claims as a section of the page.

use super::marks::{anchor, badge};
use super::text::{escape, inline, markdown, row, table};
use crate::report::claims::{COLUMNS, EXPLANATION, Ledger, Row, TITLE, VERDICT};

/// Column of the artefact's name.
const ARTEFACT: usize = 2;

/// The section. Each result links to its own section.
pub(super) fn section(ledger: &Ledger) -> String {
    let cells = |Row { artefact, verdict, cells }: Row<'_>| {
        let mut cells = cells.map(|cell| escape(&cell));
        if let Some(verdict) = verdict {
            cells[VERDICT] = badge(verdict);
        }
        if let Some(artefact) = artefact {
            cells[ARTEFACT] = format!("<a href=\"#{}\">{}</a>", anchor(artefact), cells[ARTEFACT]);
        }
        row(&cells, "")
    };
    let rows: Vec<String> = ledger.rows().into_iter().map(cells).collect();
    let departures =
        ledger.departures().map_or_else(String::new, |table| format!("<h3>Conditions</h3>\n{}", markdown(&table)));
    format!(
        "<section aria-labelledby=\"claims\">\n<h2 id=\"claims\">{TITLE}</h2>\n<p>{}</p>\n<p>{}</p>\n{}{departures}</section>\n",
        escape(&ledger.summary()),
        inline(EXPLANATION),
        table(&COLUMNS.map(str::to_owned), &rows)
    )
}
