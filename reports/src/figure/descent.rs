//! The lowest error so far by step, along the gradient by proxy and by random steps.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use results::ProxySummary;
use results::summaries::proxy::Descent;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, DASHES, INK, MARGIN, Mark, Sample, Shape};
use super::definition::FigureDefinition;

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &ProxySummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.n() > 0, "no starting point has equal steps by both methods");
    let mark = |index: usize, shape| Mark { shape, colour: COLOURS[index], radius: 7 };
    let methods = [
        (&summary.gradient, mark(0, Shape::Circle), DASHES[0], "gradient"),
        (&summary.random, mark(1, Shape::Square), DASHES[1], "random steps"),
    ];
    let mut entries = Vec::new();
    for (_, mark, dash, name) in methods {
        entries.push((Sample::Line(mark.colour, dash), format!("{name}, mean")));
        entries.push((Sample::Band(mark.colour), "95 % bootstrap".to_owned()));
    }
    canvas.legend(&entries)?;
    let paths = methods.map(|(descent, ..)| path(descent));
    let heights = paths.iter().flatten().flat_map(|&(_, mean, (low, high))| [mean, low, high]);
    let steps = summary.steps().max(1) as f64;
    let x = Axis { range: -0.04 * steps..1.04 * steps, ticks: Ticks::Whole };
    let y = Axis { range: percent_range(heights), ticks: Ticks::Percent };
    let right = x.range.end;
    let plot = canvas.axes(definition, x, y, MARGIN)?;
    let at = |step: f64, error: f64| plot.at((step, 100.0 * error));
    let start = paths[0][0].1;
    canvas.line(&[at(-0.04 * steps, start), at(right, start)], INK, 2, DASHES[2])?;
    let (edge, height) = at(right, start);
    canvas.text("start", (edge - 8, height - 6), HPos::Right, VPos::Bottom)?;
    for (path, (_, mark, ..)) in paths.iter().zip(&methods) {
        let upper = path.iter().map(|&(step, _, (_, high))| at(step, high));
        let lower = path.iter().rev().map(|&(step, _, (low, _))| at(step, low));
        canvas.fill(upper.chain(lower).collect(), mark.colour.mix(0.15))?;
    }
    for (path, (_, mark, dash, _)) in paths.iter().zip(methods) {
        let points: Vec<_> = path.iter().map(|&(step, mean, _)| at(step, mean)).collect();
        canvas.line(&points, mark.colour, 3, dash)?;
        for &point in &points {
            canvas.mark(point, mark)?;
        }
    }
    Ok(())
}

/// Step, mean of the lowest error, and its interval. With too few starting points, the mean is both ends of the interval.
fn path(descent: &Descent) -> Vec<(f64, f64, (f64, f64))> {
    let at = |step: usize| {
        let mean = descent.mean_at(step)?;
        let interval = descent.interval_at(step);
        let ends = interval.map_or((mean, mean), |interval| (interval.low, interval.high));
        Some((step as f64, mean, ends))
    };
    (0..descent.lowest.len()).filter_map(at).collect()
}
