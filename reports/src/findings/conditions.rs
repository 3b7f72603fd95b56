//! The table of a study of conditions: statistics of the score at each point of each axis.

use results::statistics::ranking::BEST;
use results::summaries::text::{interval_text, share_text};

use super::markdown::table;
use crate::figure::definition::{Panel, PanelPoint};

/// A line for each point, grouped by axis.
pub(super) fn conditions_table(panels: &[Panel<'_>]) -> String {
    let precision = format!("precision at {:.0} %", 100.0 * BEST);
    let names = ["axis", "point", "n", "Kendall τ", "τ given parameters", precision.as_str()];
    let lines = panels.iter().flat_map(|panel| panel.points.iter().map(move |point| line(panel.name, point)));
    table(&names, lines)
}

fn line(axis: &str, point: &PanelPoint<'_>) -> Vec<String> {
    let PanelPoint { label, predictor, is_standard } = point;
    let mark = if *is_standard { " (standard)" } else { "" };
    vec![
        axis.to_owned(),
        format!("{label}{mark}"),
        predictor.n.to_string(),
        interval_text(predictor.tau),
        interval_text(predictor.partial),
        share_text(predictor.precision()),
    ]
}
