//! Several predictors in rows: Kendall's tau of each, the cheapest at the bottom, or its change against the first.

use anyhow::{Result, ensure};
use results::PredictorsSummary;
use results::statistics::bootstrap::Interval;
use results::summaries::predictors::PredictorSummary;
use results::summaries::text::cost_text;

use super::axis::{Axis, Ticks, tau_range};
use super::canvas::Canvas;
use super::definition::{FigureDefinition, FigureKind};
use super::legend::Sample;
use super::marks::{COLOURS, Mark, MarkShape};

/// Marks of the first predictor and of the others.
const FIRST: Mark = Mark::new(MarkShape::Diamond, COLOURS[1], 6.0);
const OTHERS: Mark = Mark::new(MarkShape::Circle, COLOURS[0], 5.0);

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &PredictorsSummary) -> Result<()> {
    let is_change = definition.kind == FigureKind::TauChanges;
    let value = |row: &PredictorSummary| if is_change { row.change } else { row.tau };
    let mut rows: Vec<&PredictorSummary> = summary.predictors.iter().collect();
    ensure!(!rows.is_empty(), "no predictor has values");
    let first = rows[0].shown.clone();
    if is_change {
        // The rows follow the table from the top. The first predictor has no row: the others are compared with it.
        rows.remove(0);
        rows.reverse();
        canvas.legend(&[(Sample::Across(OTHERS, false), format!("against {first}, 95 % bootstrap"))]);
    } else {
        rows.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        canvas.legend(&[
            (Sample::Across(FIRST, false), first.clone()),
            (Sample::Across(OTHERS, false), "others, 95 % bootstrap".to_owned()),
        ]);
    }
    canvas.heading("multiply-adds");
    let names: Vec<String> = rows.iter().map(|row| row.shown.clone()).collect();
    let note = |row: &&PredictorSummary| match value(row) {
        Some(_) => cost_text(row.cost),
        None => format!("{}, τ undefined", cost_text(row.cost)),
    };
    let notes: Vec<String> = rows.iter().map(note).collect();
    let ends = |interval: Interval| [interval.low, interval.high];
    let bounds = rows.iter().filter_map(|row| value(row)).flat_map(ends);
    let x = Axis { range: tau_range(bounds), ticks: Ticks::Signed };
    let plot = canvas.rows(definition, x, &names, &notes);
    canvas.zero_line(&plot);
    canvas.row_texts(&plot, &names, &notes);
    for (place, row) in rows.iter().enumerate() {
        let at = |tau: f64| plot.in_row(tau, place, 0.0);
        if let Some(interval) = value(row) {
            let mark = if row.shown == first { FIRST } else { OTHERS };
            canvas.error_bar(at(interval.low), at(interval.high), mark.colour, false);
            canvas.mark(at(interval.estimate), mark);
        }
    }
    Ok(())
}
