//! The lowest SMASH score so far against the number of architectures scored, one line for each search.

use anyhow::{Result, ensure};
use plotters::style::RGBColor;
use results::SearchSummary;

use crate::picture::shapes::{INK, Point};

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::Canvas;
use super::chance;
use super::definition::FigureDefinition;
use super::ends::{entries, label_ends, line_style, room};
use super::legend::{LINE_WIDTH, Sample};
use super::marks::{MARK_SHAPES, Mark};

/// Draws legend and plot, with the error by chance if it is known.
pub(super) fn draw(
    canvas: &mut Canvas,
    definition: &FigureDefinition,
    summary: &SearchSummary,
    by_chance: Option<f64>,
) -> Result<()> {
    ensure!(summary.scored() > 0, "no search has scored an architecture");
    let stages = summary.stages();
    let labels: Vec<String> = summary.searches.iter().map(|search| search.label(summary.seeds())).collect();
    let entry = |stage: &&str| (Sample::Mark(stage_mark(&stages, stage, INK)), format!("{stage} begins"));
    let lowest = || summary.searches.iter().map(|search| &search.lowest);
    let scores = || lowest().flatten().flatten().copied();
    let by_chance = by_chance.filter(|&error| chance::is_near(error, scores().fold(0.0, f64::max)));
    let of_stages = stages.iter().map(entry).chain(by_chance.map(|_| chance::entry()));
    canvas.legend(&entries(canvas, &labels).into_iter().chain(of_stages).collect::<Vec<_>>());

    let longest = lowest().map(Vec::len).max().unwrap_or(1).max(2) as f64;
    let x = Axis { range: 1.0..longest, ticks: Ticks::Ranks };
    let y = Axis { range: percent_range(scores().chain(by_chance)), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, room(canvas, &labels));
    if let Some(error) = by_chance {
        let (_, height) = plot.at((1.0, 100.0 * error));
        chance::line(canvas, (plot.left, height), (plot.right, height));
    }
    let mut ends = Vec::new();
    for (index, (search, label)) in summary.searches.iter().zip(&labels).enumerate() {
        let (colour, dash) = line_style(index);
        let at = |position: usize, score: f64| plot.at((position as f64 + 1.0, 100.0 * score));
        let steps = steps(&search.lowest);
        let points: Vec<Point> = steps.into_iter().map(|(position, score)| at(position, score)).collect();
        canvas.line(&points, colour, LINE_WIDTH, dash);
        for stage in &search.stages {
            // A stage that begins before the first score is marked at that score.
            let mut scores = search.lowest.iter().enumerate().skip(stage.begin);
            if let Some((position, score)) = scores.find_map(|(position, score)| Some((position, (*score)?))) {
                canvas.mark(at(position, score), stage_mark(&stages, &stage.name, colour));
            }
        }
        ends.extend(points.last().map(|&end| (index, end, label)));
    }
    label_ends(canvas, &plot, ends);
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

fn stage_mark(stages: &[&str], stage: &str, colour: RGBColor) -> Mark {
    let index = stages.iter().position(|name| *name == stage).unwrap_or(0);
    Mark::new(MARK_SHAPES[index % MARK_SHAPES.len()], colour, 6.0)
}
