//! The increase of the error by each corruption of the encoding: the mean with its interval, and every architecture.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::CorruptionSummary;
use results::summaries::corruption::Corrupted;
use results::summaries::text::share_text;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, INK, Mark, Sample, Shape, widest};
use super::definition::FigureDefinition;

/// Number of lanes of a row that the points are spread over, so that equal increases lie side by side.
const LANES: usize = 7;

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &CorruptionSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.n() > 0, "no architecture has errors by the correct and by a corrupted encoding");
    let architecture = Mark { shape: Shape::Circle, colour: COLOURS[0], radius: 4 };
    let mean = Mark { shape: Shape::Diamond, colour: INK, radius: 8 };
    canvas.legend(&[
        (Sample::Bar(mean), "mean increase, 95 % bootstrap".to_owned()),
        (Sample::Mark(architecture), "architecture".to_owned()),
    ])?;
    canvas.heading("correct encoding is better")?;
    // From the bottom: all corruptions together, then each corruption from the last to the first.
    let mut rows: Vec<&Corrupted> = summary.lines().collect();
    rows.reverse();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let notes: Vec<String> = rows.iter().map(|row| note(row)).collect();
    let increases = rows.iter().flat_map(|row| row.increases.iter().flatten().copied());
    let bounds = rows.iter().filter_map(|row| row.increase).flat_map(|increase| [increase.low, increase.high]);
    let x = Axis { range: percent_range(increases.chain(bounds).chain([0.0])), ticks: Ticks::Points };
    let y = Axis::rows(&names);
    let last = x.range.end;
    let plot = canvas.axes(definition, x, y, 24 + widest(&notes)?)?;
    canvas.zero_line(&plot, rows.len())?;
    for (place, (row, note)) in rows.iter().zip(&notes).enumerate() {
        let at = |increase: f64, height: f64| plot.at((100.0 * increase, place as f64 + height));
        for (index, &increase) in row.increases.iter().flatten().enumerate() {
            let lane = (index * 3 % LANES) as f64 / (LANES - 1) as f64;
            canvas.mark(at(increase, 0.06 + 0.3 * lane), architecture)?;
        }
        if let Some(increase) = row.increase {
            canvas.error_bar(at(increase.low, -0.15), at(increase.high, -0.15), INK)?;
            canvas.mark(at(increase.estimate, -0.15), mean)?;
        }
        canvas.note(&plot, (last, place as f64), note)?;
    }
    Ok(())
}

/// The share of architectures for which the correct encoding is better.
fn note(row: &Corrupted) -> String {
    format!("{}, n = {}", share_text(row.signs.share()), row.signs.n())
}
