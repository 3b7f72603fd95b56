//! The increase of the error by each corruption of the encoding: the mean with its interval, and every architecture.

use anyhow::{Result, ensure};
use results::CorruptionSummary;
use results::summaries::corruption::Corrupted;
use results::summaries::text::share_text;

use crate::picture::shapes::INK;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::Canvas;
use super::definition::FigureDefinition;
use super::legend::Sample;
use super::marks::{Mark, MarkShape, mark_of_many};

/// Number of lanes of a row that the points are spread over, so that equal increases lie side by side.
const LANES: usize = 7;

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &CorruptionSummary) -> Result<()> {
    ensure!(summary.n() > 0, "no architecture has errors by the correct and by a corrupted encoding");
    let (architecture, _) = mark_of_many(0, summary.n());
    let architecture = Mark { radius: 3.0, ..architecture };
    let mean = Mark::new(MarkShape::Diamond, INK, 6.0);
    canvas.legend(&[
        (Sample::Across(mean, false), "mean increase, 95 % bootstrap".to_owned()),
        (Sample::Mark(architecture), "architecture".to_owned()),
    ]);
    canvas.heading("correct encoding is better");
    // From the bottom: all corruptions together, then each corruption from the last to the first.
    let mut rows: Vec<&Corrupted> = summary.lines().collect();
    rows.reverse();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let notes: Vec<String> = rows.iter().map(|row| note(row)).collect();
    let increases = rows.iter().flat_map(|row| row.increases.iter().flatten().copied());
    let bounds = rows.iter().filter_map(|row| row.increase).flat_map(|increase| [increase.low, increase.high]);
    let x = Axis { range: percent_range(increases.chain(bounds).chain([0.0])), ticks: Ticks::Signed };
    let plot = canvas.rows(definition, x, &names, &notes);
    canvas.zero_line(&plot);
    canvas.row_texts(&plot, &names, &notes);
    for (place, row) in rows.iter().enumerate() {
        let at = |increase: f64, up: f64| plot.in_row(100.0 * increase, place, up);
        for (index, &increase) in row.increases.iter().flatten().enumerate() {
            let lane = (index * 3 % LANES) as f64 / (LANES - 1) as f64;
            canvas.mark(at(increase, 0.3 * lane - 0.02), architecture);
        }
        if let Some(increase) = row.increase {
            canvas.error_bar(at(increase.low, -0.22), at(increase.high, -0.22), INK, false);
            canvas.mark(at(increase.estimate, -0.22), mean);
        }
    }
    Ok(())
}

/// The share of architectures for which the correct encoding is better.
fn note(row: &Corrupted) -> String {
    format!("{}, n = {}", share_text(row.signs.share()), row.signs.n())
}
