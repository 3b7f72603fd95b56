//! Several predictors in rows: Kendall's tau of each, the cheapest at the bottom, or its change against the first.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::PredictorsSummary;
use results::statistics::bootstrap::Interval;
use results::summaries::predictors::PredictorSummary;
use results::summaries::text::cost_text;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, Mark, Sample, Shape, widest};
use super::definition::{FigureDefinition, FigureKind};

/// Marks of the first predictor and of the others.
const FIRST: Mark = Mark { shape: Shape::Diamond, colour: COLOURS[1], radius: 8 };
const OTHERS: Mark = Mark { shape: Shape::Circle, colour: COLOURS[0], radius: 7 };

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &PredictorsSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let is_change = definition.kind == FigureKind::TauChanges;
    let value = |row: &PredictorSummary| if is_change { row.change } else { row.tau };
    let mut rows: Vec<&PredictorSummary> = summary.predictors.iter().collect();
    ensure!(!rows.is_empty(), "no predictor has values");
    let first = rows[0].shown.clone();
    if is_change {
        // The rows follow the table from the top. The first predictor has no row: the others are compared with it.
        rows.remove(0);
        rows.reverse();
        canvas.legend(&[(Sample::Bar(OTHERS), format!("against {first}, 95 % bootstrap"))])?;
    } else {
        rows.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        canvas.legend(&[
            (Sample::Bar(FIRST), first.clone()),
            (Sample::Bar(OTHERS), "others, 95 % bootstrap".to_owned()),
        ])?;
    }
    canvas.heading("multiply-adds")?;
    let names: Vec<String> = rows.iter().map(|row| row.shown.clone()).collect();
    let note = |row: &&PredictorSummary| match value(row) {
        Some(_) => cost_text(row.cost),
        None => format!("{}, τ undefined", cost_text(row.cost)),
    };
    let notes: Vec<String> = rows.iter().map(note).collect();
    let ends = |interval: Interval| [interval.low, interval.high];
    let bounds = rows.iter().filter_map(|row| value(row)).flat_map(ends);
    let x = Axis {
        // `percent_range` multiplies by 100, and tau is no percentage.
        range: percent_range(bounds.chain([0.0]).map(|tau| tau / 100.0)),
        ticks: Ticks::Points,
    };
    let y = Axis::rows(&names);
    let last = x.range.end;
    let plot = canvas.axes(definition, x, y, 24 + widest(&notes)?)?;
    canvas.zero_line(&plot, rows.len())?;
    for (place, (row, note)) in rows.iter().zip(&notes).enumerate() {
        let at = |tau: f64| plot.at((tau, place as f64));
        if let Some(interval) = value(row) {
            let mark = if row.shown == first { FIRST } else { OTHERS };
            canvas.error_bar(at(interval.low), at(interval.high), mark.colour)?;
            canvas.mark(at(interval.estimate), mark)?;
        }
        canvas.note(&plot, (last, place as f64), note)?;
    }
    Ok(())
}
