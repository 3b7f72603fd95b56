//! The lowest SMASH score so far against the number of architectures scored, one line for each search.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::SearchSummary;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, DASHES, INK, Mark, Pixel, Sample, Shape, widest};
use super::definition::FigureDefinition;
use super::ends::{End, label_ends};

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &SearchSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.scored() > 0, "no search has scored an architecture");
    let stages = summary.stages();
    let entry = |stage: &&str| (Sample::Mark(stage_mark(&stages, stage, INK)), format!("{stage} begins"));
    canvas.legend(&stages.iter().map(entry).collect::<Vec<_>>())?;

    let labels: Vec<String> = summary.searches.iter().map(|search| search.label(summary.seeds())).collect();
    let lowest = || summary.searches.iter().map(|search| &search.lowest);
    let scores = lowest().flatten().flatten().copied();
    let longest = lowest().map(Vec::len).max().unwrap_or(1) as f64;
    let x = Axis { range: 1.0 - longest / 40.0..longest * 41.0 / 40.0, ticks: Ticks::Whole };
    let y = Axis { range: percent_range(scores), ticks: Ticks::Percent };
    let (right, low) = (x.range.end, y.range.start);
    let plot = canvas.axes(definition, x, y, 48 + widest(&labels)?)?;
    let mut ends = Vec::new();
    for (index, (search, label)) in summary.searches.iter().zip(&labels).enumerate() {
        let (colour, dash) = (COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()]);
        let at = |position: usize, score: f64| plot.at((position as f64 + 1.0, 100.0 * score));
        let steps = steps(&search.lowest);
        let points: Vec<Pixel> = steps.into_iter().map(|(position, score)| at(position, score)).collect();
        canvas.line(&points, colour, 3, dash)?;
        for stage in &search.stages {
            // A stage that begins before the first score is marked at that score.
            let mut scores = search.lowest.iter().enumerate().skip(stage.begin);
            if let Some((position, score)) = scores.find_map(|(position, score)| Some((position, (*score)?))) {
                canvas.mark(at(position, score), stage_mark(&stages, &stage.name, colour))?;
            }
        }
        ends.extend(points.last().map(|&at| End { at, label, colour }));
    }
    label_ends(canvas, plot.at((right, low)), ends)
}

/// Corners of the line of lowest scores: positions and scores. A score stays the same until another candidate is better.
fn steps(lowest: &[Option<f64>]) -> Vec<(usize, f64)> {
    let mut corners = Vec::new();
    let mut before = None;
    for (position, score) in lowest.iter().enumerate() {
        let Some(score) = *score else { continue };
        corners.extend(before.map(|before| (position, before)));
        corners.push((position, score));
        before = Some(score);
    }
    corners
}

fn stage_mark(stages: &[&str], stage: &str, colour: RGBColor) -> Mark {
    let shapes = [Shape::Circle, Shape::Triangle, Shape::Square, Shape::Diamond];
    let index = stages.iter().position(|name| *name == stage).unwrap_or(0);
    Mark { shape: shapes[index % shapes.len()], colour, radius: 8 }
}
