//! Conditions in small panels, one for each axis: Kendall's tau of each point, and tau given the number of parameters.

use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use results::statistics::bootstrap::Interval;

use crate::picture::font::text_width;
use crate::picture::shapes::{DASHES, INK};

use super::axis::{Axis, Scale, Ticks, plain_range};
use super::canvas::{Canvas, MARGIN, TEXT_SIZE, rectangle};
use super::definition::{Panel, PanelPoint};
use super::legend::Sample;
use super::marks::{BAND, COLOURS, Mark, MarkShape};
use super::plot::Plot;

/// Most panels in a row. A label of a point then has room.
const COLUMNS: usize = 3;

/// Marks of tau, and of tau given the number of parameters.
const TAU: Mark = Mark::new(MarkShape::Circle, COLOURS[0], 4.5);
const PARTIAL: Mark = Mark::new(MarkShape::Triangle, COLOURS[1], 4.5);

/// Pixels between the middle of a point and each of its two marks.
const APART: f64 = 7.0;

/// Height in pixels of a panel, and the space around its plot: for its heading, the numbers of tau and the labels of its points.
const HEIGHT: f64 = 230.0;
const ABOVE: f64 = 30.0;
const LEFT: f64 = 52.0;
const BELOW: f64 = 34.0;
const RIGHT: f64 = 8.0;

/// Most lines of the grid.
const MOST_LINES: usize = 6;

/// Draws the legend, and the panels in rows.
pub(super) fn draw(canvas: &mut Canvas, panels: &[Panel<'_>]) {
    canvas.legend(&[
        (Sample::Upright(TAU, false), "Kendall τ, 95 % bootstrap".to_owned()),
        (Sample::Upright(PARTIAL, false), "given the number of parameters".to_owned()),
        (Sample::Band(COLOURS[2], BAND), "standard".to_owned()),
    ]);
    let points = panels.iter().flat_map(|panel| &panel.points);
    let intervals = points.flat_map(|point| [point.predictor.tau, point.predictor.partial]).flatten();
    let range = plain_range(intervals.flat_map(|interval| [interval.low, interval.high]).chain([0.0]));
    let axis = Axis { range, ticks: Ticks::Signed };
    let numbers = axis.numbers(MOST_LINES);
    let columns = if canvas.is_narrow() { 1 } else { COLUMNS };
    let width = (canvas.width() - 2.0 * MARGIN) / columns as f64;
    for row in panels.chunks(columns) {
        for (column, panel) in row.iter().enumerate() {
            let (left, top) = (MARGIN + LEFT + column as f64 * width, canvas.top + ABOVE);
            let corners = [(left, top), (left - LEFT + width - RIGHT, canvas.top + HEIGHT - BELOW)];
            canvas.text(panel.name, (left, top - 6.0), HPos::Left, VPos::Bottom);
            // Points stand side by side at equal distances, and have labels in place of numbers.
            let x = -0.5..panel.points.len() as f64 - 0.5;
            let plot = canvas.chart(corners, Scale::bare(x), Scale::new(axis.range.clone(), numbers.clone()));
            let (_, zero) = plot.at((0.0, 0.0));
            canvas.line(&[(plot.left, zero), (plot.right, zero)], INK, 1.5, DASHES[1]);
            let room = (plot.right - plot.left) / panel.points.len() as f64;
            let is_crowded = panel.points.iter().any(|point| text_width(point.label, TEXT_SIZE) > room - 8.0);
            for (place, point) in panel.points.iter().enumerate() {
                draw_point(canvas, &plot, place, point);
                // If a label is long, neighbours stand in two lines.
                let (middle, _) = plot.at((place as f64, 0.0));
                let down = if is_crowded && place % 2 == 1 { 20.0 } else { 4.0 };
                canvas.text(point.label, (middle, plot.bottom + down), HPos::Center, VPos::Top);
            }
        }
        canvas.top += HEIGHT;
    }
}

/// Draws the marks of a point with their intervals, and a band behind the standard.
fn draw_point(canvas: &Canvas, plot: &Plot, place: usize, point: &PanelPoint<'_>) {
    let (column, zero) = plot.at((place as f64, 0.0));
    if point.is_standard {
        let corners = [(column - 3.0 * APART, plot.top), (column + 3.0 * APART, plot.bottom)];
        canvas.fill(&rectangle(corners), COLOURS[2].mix(BAND));
    }
    for (interval, mark, column) in
        [(point.predictor.tau, TAU, column - APART), (point.predictor.partial, PARTIAL, column + APART)]
    {
        if let Some(Interval { estimate, low, high, .. }) = interval {
            let [estimate, low, high] = [estimate, low, high].map(|tau| (column, plot.at((0.0, tau)).1));
            canvas.error_bar(low, high, mark.colour, false);
            canvas.mark(estimate, mark);
        }
    }
    if point.predictor.tau.is_none() {
        canvas.text("n/a", (column, zero - 6.0), HPos::Center, VPos::Bottom);
    }
}
