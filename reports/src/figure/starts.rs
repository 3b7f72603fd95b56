//! The mean validation error after each epoch, from standard and from generated initial weights, with both normalisations.

use anyhow::{Result, ensure};
use results::InitialisationSummary;
use results::summaries::initialisation::{Comparison, Outcome, SAMPLED, Start};

use crate::picture::shapes::{INK, Point};

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::Canvas;
use super::definition::FigureDefinition;
use super::ends::{entries, label_ends, line_style, room};
use super::legend::{LINE_WIDTH, Sample};
use super::marks::{Mark, MarkShape, mark_of_many};

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &InitialisationSummary) -> Result<()> {
    let is_shown = |of: &&Comparison| of.group == SAMPLED && !of.epochs.is_empty();
    let shown: Vec<&Comparison> = summary.comparisons.iter().filter(is_shown).collect();
    ensure!(!shown.is_empty(), "no sampled architecture was trained from both starts");
    let lines: Vec<(&[Outcome], Start)> =
        shown.iter().flat_map(|of| Start::ALL.map(|start| (of.epochs.as_slice(), start))).collect();
    let name = |of: &Comparison, start: Start| format!("{}, {}", of.form.name(), start.name());
    let names: Vec<String> = shown.iter().flat_map(|of| Start::ALL.map(|start| name(of, start))).collect();
    let mean = Sample::Upright(Mark::new(MarkShape::Circle, INK, 5.0), false);
    let mut legend = entries(canvas, &names);
    legend.push((mean, "mean, 95 % bootstrap".to_owned()));
    canvas.legend(&legend);
    let epochs = shown.iter().map(|of| of.epochs.len()).max().unwrap_or(1) as f64;
    let heights = shown.iter().flat_map(|of| &of.epochs).flat_map(|outcome| {
        let ends = outcome.intervals.iter().flatten().flat_map(|interval| [interval.low, interval.high]);
        outcome.errors.into_iter().chain(ends)
    });
    let air = 0.04 * epochs;
    let x = Axis { range: 1.0 - air..epochs + air, ticks: Ticks::Whole };
    let y = Axis { range: percent_range(heights), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, room(canvas, &names));
    let mut ends = Vec::new();
    for (index, ((outcomes, start), name)) in lines.into_iter().zip(&names).enumerate() {
        let (colour, dash) = line_style(index);
        let (mark, _) = mark_of_many(index, 1);
        let at = |epoch: usize, error: f64| plot.at((epoch as f64 + 1.0, 100.0 * error));
        for (epoch, outcome) in outcomes.iter().enumerate() {
            if let Some(interval) = outcome.intervals[start as usize] {
                canvas.error_bar(at(epoch, interval.low), at(epoch, interval.high), colour, false);
            }
        }
        let errors = outcomes.iter().enumerate();
        let line: Vec<Point> = errors.map(|(epoch, outcome)| at(epoch, outcome.errors[start as usize])).collect();
        canvas.line(&line, colour, LINE_WIDTH, dash);
        line.iter().for_each(|&point| canvas.mark(point, mark));
        ends.extend(line.last().map(|&last| (index, last, name)));
    }
    label_ends(canvas, &plot, ends);
    Ok(())
}
