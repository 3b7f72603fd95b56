//! The lowest SMASH score so far against the number of architectures scored, one line for each search.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use results::SearchSummary;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, DASHES, INK, Mark, Pixel, Sample, Shape, widest};
use super::definition::FigureDefinition;

/// Height in pixels of a label at the end of a line.
const LABEL: i32 = 26;

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
        if let Some(&end) = points.last() {
            ends.push((end, label, colour));
        }
    }
    ends.sort_by_key(|(end, ..): &(Pixel, &String, RGBColor)| end.1);
    let (edge, bottom) = plot.at((right, low));
    let heights = spread(&ends.iter().map(|(end, ..)| end.1).collect::<Vec<_>>(), bottom);
    for ((end, label, colour), height) in ends.into_iter().zip(heights) {
        canvas.line(&[end, (edge, height)], colour, 1, &[3.0, 6.0])?;
        canvas.text(label, (edge + 8, height), HPos::Left, VPos::Center)?;
    }
    Ok(())
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

/// Heights of labels, from the top. The labels do not overlap and, if there is room, stay above `bottom`. Each is
/// pushed down by the label above it, then up by the label below it.
fn spread(heights: &[i32], bottom: i32) -> Vec<i32> {
    let mut above = i32::MIN;
    let down = heights.iter().map(|&height| {
        above = height.max(above.saturating_add(LABEL));
        above
    });
    let mut spread: Vec<i32> = down.collect();
    let mut below = bottom + LABEL;
    for height in spread.iter_mut().rev() {
        below = (*height).min(below - LABEL);
        *height = below;
    }
    spread
}

fn stage_mark(stages: &[&str], stage: &str, colour: RGBColor) -> Mark {
    let shapes = [Shape::Circle, Shape::Triangle, Shape::Square, Shape::Diamond];
    let index = stages.iter().position(|name| *name == stage).unwrap_or(0);
    Mark { shape: shapes[index % shapes.len()], colour, radius: 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_clear_of_each_other_and_of_the_axis() {
        assert_eq!(spread(&[10, 100, 101, 300], 400), [10, 100, 126, 300]);
        assert_eq!(spread(&[390, 395, 399], 400), [348, 374, 400]);
        assert_eq!(spread(&[], 400), Vec::<i32>::new());
    }
}
