//! The mean validation error after each epoch, from standard and from generated initial weights, with both normalisations.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::InitialisationSummary;
use results::summaries::initialisation::{Comparison, SAMPLED, Start};

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, DASHES, INK, Mark, Sample, Shape, widest};
use super::definition::FigureDefinition;
use super::ends::{End, label_ends};

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &InitialisationSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let is_shown = |of: &&Comparison| of.group == SAMPLED && !of.epochs.is_empty();
    let shown: Vec<&Comparison> = summary.comparisons.iter().filter(is_shown).collect();
    ensure!(!shown.is_empty(), "no sampled architecture was trained from both starts");
    // A colour for each network, and a dash and a shape for each start.
    let mark = |network: usize, start: Start| Mark {
        shape: if start == Start::Standard { Shape::Square } else { Shape::Circle },
        colour: COLOURS[network],
        radius: 7,
    };
    let mean = Mark { colour: INK, ..mark(0, Start::Standard) };
    canvas.legend(&[(Sample::Bar(mean), "mean, 95 % bootstrap".to_owned())])?;
    let name = |of: &Comparison, start: Start| format!("{}, {}", of.form.name(), start.name());
    let names: Vec<String> = shown.iter().flat_map(|of| Start::ALL.map(|start| name(of, start))).collect();
    let epochs = shown.iter().map(|of| of.epochs.len()).max().unwrap_or(1) as f64;
    let heights = shown.iter().flat_map(|of| &of.epochs).flat_map(|outcome| {
        let ends = outcome.intervals.iter().flatten().flat_map(|interval| [interval.low, interval.high]);
        outcome.errors.into_iter().chain(ends)
    });
    let air = 0.04 * epochs;
    let x = Axis { range: 1.0 - air..epochs + air, ticks: Ticks::Whole };
    let y = Axis { range: percent_range(heights), ticks: Ticks::Percent };
    let (right, low) = (x.range.end, y.range.start);
    let plot = canvas.axes(definition, x, y, 48 + widest(&names)?)?;
    let mut ends = Vec::new();
    for (network, of) in shown.iter().enumerate() {
        for start in Start::ALL {
            let Mark { colour, .. } = mark(network, start);
            let at = |epoch: usize, error: f64| plot.at((epoch as f64 + 1.0, 100.0 * error));
            for (epoch, outcome) in of.epochs.iter().enumerate() {
                if let Some(interval) = outcome.intervals[start as usize] {
                    canvas.error_bar(at(epoch, interval.low), at(epoch, interval.high), colour)?;
                }
            }
            let errors = of.epochs.iter().enumerate();
            let line: Vec<_> = errors.map(|(epoch, outcome)| at(epoch, outcome.errors[start as usize])).collect();
            canvas.line(&line, colour, 3, DASHES[start as usize])?;
            for &point in &line {
                canvas.mark(point, mark(network, start))?;
            }
            let label = &names[network * Start::ALL.len() + start as usize];
            ends.extend(line.last().map(|&at| End { at, label, colour }));
        }
    }
    label_ends(canvas, plot.at((right, low)), ends)
}
