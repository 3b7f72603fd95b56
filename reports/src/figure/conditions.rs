//! Conditions in small panels, one for each axis: Kendall's tau of each point, and tau given the number of parameters.

use results::statistics::bootstrap::Interval;

use crate::picture::font::text_width;
use crate::picture::shapes::{DASHES, INK, Level, Point, SOLID, Side};

use super::axis::{Axis, Ticks, plain_range};
use super::canvas::{Canvas, MARGIN, TEXT_SIZE, rectangle};
use super::definition::{Panel, PanelPoint};
use super::legend::Sample;
use super::marks::{BAND, COLOURS, Mark, MarkShape};

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

/// The plot of one panel, in pixels. All panels have the same axis of tau.
struct Frame<'a> {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    axis: &'a Axis,
    /// Number of points, which stand side by side at equal distances.
    points: usize,
}

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
    let columns = if canvas.is_narrow() { 1 } else { COLUMNS };
    let width = (canvas.width() - 2.0 * MARGIN) / columns as f64;
    for row in panels.chunks(columns) {
        for (column, panel) in row.iter().enumerate() {
            let (left, top) = (MARGIN + column as f64 * width, canvas.top);
            let frame = Frame {
                left: left + LEFT,
                top: top + ABOVE,
                right: left + width - RIGHT,
                bottom: top + HEIGHT - BELOW,
                axis: &axis,
                points: panel.points.len(),
            };
            canvas.text(panel.name, (left + LEFT, top + ABOVE - 6.0), Side::Left, Level::Bottom);
            frame.draw_axes(canvas);
            for (place, point) in panel.points.iter().enumerate() {
                frame.draw_point(canvas, place, point);
            }
        }
        canvas.top += HEIGHT;
    }
}

impl Frame<'_> {
    /// The pixel column of the middle of a point.
    fn column(&self, place: usize) -> f64 {
        self.left + (self.right - self.left) * (place as f64 + 0.5) / self.points as f64
    }

    /// The pixel row of a value of tau.
    fn row(&self, tau: f64) -> f64 {
        let range = &self.axis.range;
        self.bottom - (tau - range.start) / (range.end - range.start) * (self.bottom - self.top)
    }

    /// Draws the grid with its numbers, a dashed line at 0, and the two axes.
    fn draw_axes(&self, canvas: &mut Canvas) {
        for (tau, number) in self.axis.numbers(MOST_LINES) {
            let row = self.row(tau);
            canvas.grid((self.left, row), (self.right, row));
            canvas.text(&number, (self.left - 8.0, row), Side::Right, Level::Middle);
        }
        let zero = self.row(0.0);
        canvas.line(&[(self.left, zero), (self.right, zero)], INK, 1.5, DASHES[1]);
        let corners = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)];
        canvas.line(&corners, INK, 1.0, SOLID);
    }

    /// Draws the marks of a point with their intervals, its label, and a band behind the standard.
    fn draw_point(&self, canvas: &mut Canvas, place: usize, point: &PanelPoint<'_>) {
        let column = self.column(place);
        if point.is_standard {
            let corners = [(column - 3.0 * APART, self.top), (column + 3.0 * APART, self.bottom)];
            canvas.fill(rectangle(corners), COLOURS[2].with(BAND));
        }
        for (interval, mark, at) in
            [(point.predictor.tau, TAU, column - APART), (point.predictor.partial, PARTIAL, column + APART)]
        {
            self.draw_interval(canvas, interval, mark, at);
        }
        if point.predictor.tau.is_none() {
            canvas.text("n/a", (column, self.row(0.0) - 6.0), Side::Middle, Level::Bottom);
        }
        // The labels of neighbours that are long stand in two lines.
        let room = (self.right - self.left) / self.points as f64;
        let is_long = place % 2 == 1 && text_width(point.label, TEXT_SIZE) > room - 8.0;
        let down = if is_long { 16.0 } else { 0.0 };
        canvas.text(point.label, (column, self.bottom + 4.0 + down), Side::Middle, Level::Top);
    }

    fn draw_interval(&self, canvas: &mut Canvas, interval: Option<Interval>, mark: Mark, column: f64) {
        let Some(Interval { estimate, low, high, .. }) = interval else {
            return;
        };
        let at = |tau: f64| -> Point { (column, self.row(tau)) };
        canvas.error_bar(at(low), at(high), mark.colour, false);
        canvas.mark(at(estimate), mark);
    }
}
