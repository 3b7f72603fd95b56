//! The lowest error so far by step, along the gradient by proxy and by random steps.

use anyhow::{Result, ensure};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use results::ProxySummary;
use results::summaries::proxy::Descent;

use crate::picture::shapes::{DASHES, INK};

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::Canvas;
use super::definition::FigureDefinition;
use super::legend::{LINE_WIDTH, Sample};
use super::marks::{BAND, COLOURS, Mark, MarkShape};

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &ProxySummary) -> Result<()> {
    ensure!(summary.n() > 0, "no starting point has equal steps by both methods");
    let mark = |index: usize, shape| Mark::new(shape, COLOURS[index], 5.0);
    let methods = [
        (&summary.gradient, mark(0, MarkShape::Circle), DASHES[0], "gradient"),
        (&summary.random, mark(1, MarkShape::Square), DASHES[1], "random steps"),
    ];
    let entry = |(_, mark, dash, name): &(_, Mark, _, &str)| {
        let sample = Sample::Course { line: (mark.colour, *dash), mark: Some(*mark), has_band: true };
        (sample, format!("{name}, mean and 95 % bootstrap"))
    };
    canvas.legend(&methods.iter().map(entry).collect::<Vec<_>>());
    let paths = methods.map(|(descent, ..)| path(descent));
    let heights = paths.iter().flatten().flat_map(|&(_, mean, (low, high))| [mean, low, high]);
    let steps = summary.steps().max(1) as f64;
    let x = Axis { range: -0.04 * steps..1.04 * steps, ticks: Ticks::Whole };
    let y = Axis { range: percent_range(heights), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, 0.0);
    let at = |step: f64, error: f64| plot.at((step, 100.0 * error));
    let (_, start) = at(0.0, paths[0][0].1);
    canvas.line(&[(plot.left, start), (plot.right, start)], INK, 1.5, DASHES[2]);
    canvas.text("start", (plot.right - 8.0, start - 5.0), HPos::Right, VPos::Bottom);
    for (path, (_, mark, ..)) in paths.iter().zip(&methods) {
        let high = path.iter().map(|&(step, _, (_, high))| at(step, high));
        let low = path.iter().map(|&(step, _, (low, _))| at(step, low));
        canvas.band(low, high, mark.colour.mix(BAND));
    }
    for (path, (_, mark, dash, _)) in paths.iter().zip(methods) {
        let points: Vec<_> = path.iter().map(|&(step, mean, _)| at(step, mean)).collect();
        canvas.line(&points, mark.colour, LINE_WIDTH, dash);
        for &point in &points {
            canvas.mark(point, mark);
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
