//! Conditions in small panels, one for each axis: Kendall's tau of each point, and tau given the number of parameters.

use std::ops::Range;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use results::statistics::bootstrap::Interval;

use super::axis::plain_range;
use super::canvas::{COLOURS, Canvas, DASHES, GRID, HEADER, INK, MARGIN, Mark, Pixel, SOLID, Sample, Shape};
use super::definition::{Panel, PanelPoint};

/// Most panels in a row. A label of a point then has room at the width of a page.
const COLUMNS: i32 = 3;

/// Marks of tau, and of tau given the number of parameters.
const TAU: Mark = Mark { shape: Shape::Circle, colour: COLOURS[0], radius: 6 };
const PARTIAL: Mark = Mark { shape: Shape::Triangle, colour: COLOURS[1], radius: 6 };

/// Colour of the band behind the standard.
const STANDARD: RGBColor = COLOURS[2];

/// Pixels between the middle of a point and each of its two marks.
const APART: i32 = 8;

/// Pixels around the plot of a panel, for its heading, the numbers of tau and the labels of its points.
const ABOVE: i32 = 34;
const LEFT: i32 = 64;
const BELOW: i32 = 40;
const RIGHT: i32 = 14;

/// Possible distances of two lines of the grid.
const STEPS: [f64; 4] = [0.05, 0.1, 0.2, 0.5];

/// Most lines of the grid.
const MOST_LINES: f64 = 6.0;

/// The plot of one panel, in pixels. All panels have the same range of tau.
struct Frame<'a> {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    range: &'a Range<f64>,
    /// Number of points, which stand side by side at equal distances.
    points: usize,
}

/// Draws the legend, and the panels in rows.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<DB>, panels: &[Panel<'_>]) -> Result<()>
where
    DB::ErrorType: 'static,
{
    canvas.legend(&[
        (Sample::Bar(TAU), "Kendall τ, 95 % bootstrap".to_owned()),
        (Sample::Bar(PARTIAL), "given the number of parameters".to_owned()),
        (Sample::Band(STANDARD), "standard".to_owned()),
    ])?;
    let points = panels.iter().flat_map(|panel| &panel.points);
    let intervals = points.flat_map(|point| [point.predictor.tau, point.predictor.partial]).flatten();
    let range = plain_range(intervals.flat_map(|interval| [interval.low, interval.high]).chain([0.0]));
    let rows = (panels.len() as i32 + COLUMNS - 1) / COLUMNS;
    let (width, height) = (canvas.plot_size.0 as i32 / COLUMNS, canvas.plot_size.1 as i32 / rows);
    for (index, panel) in (0..).zip(panels) {
        let (left, top) = (MARGIN + index % COLUMNS * width, HEADER + index / COLUMNS * height);
        let frame = Frame {
            left: left + LEFT,
            top: top + ABOVE,
            right: left + width - RIGHT,
            bottom: top + height - BELOW,
            range: &range,
            points: panel.points.len(),
        };
        canvas.text(panel.name, (left + LEFT, top + ABOVE - 10), HPos::Left, VPos::Bottom)?;
        frame.draw_axes(canvas)?;
        for (place, point) in panel.points.iter().enumerate() {
            frame.draw_point(canvas, place, point)?;
        }
    }
    Ok(())
}

impl Frame<'_> {
    /// The pixel column of the middle of a point.
    fn column(&self, place: usize) -> i32 {
        self.left + (self.right - self.left) * (2 * place as i32 + 1) / (2 * self.points as i32)
    }

    /// The pixel row of a value of tau.
    fn row(&self, tau: f64) -> i32 {
        let share = (tau - self.range.start) / (self.range.end - self.range.start);
        self.bottom - (share * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Draws the grid with its numbers, a dashed line at 0, and the two axes.
    fn draw_axes<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<()>
    where
        DB::ErrorType: 'static,
    {
        for (tau, number) in grid(self.range) {
            let row = self.row(tau);
            canvas.line(&[(self.left, row), (self.right, row)], GRID, 1, SOLID)?;
            canvas.text(&number, (self.left - 10, row), HPos::Right, VPos::Center)?;
        }
        let zero = self.row(0.0);
        canvas.line(&[(self.left, zero), (self.right, zero)], INK, 2, DASHES[1])?;
        let corners = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)];
        canvas.line(&corners, INK, 1, SOLID)
    }

    /// Draws the marks of a point with their intervals, its label, and a band behind the standard.
    fn draw_point<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, place: usize, point: &PanelPoint<'_>) -> Result<()>
    where
        DB::ErrorType: 'static,
    {
        let column = self.column(place);
        if point.is_standard {
            let [from, to] = [column - 3 * APART, column + 3 * APART];
            let band = vec![(from, self.top), (to, self.top), (to, self.bottom), (from, self.bottom)];
            canvas.fill(band, STANDARD.mix(0.15))?;
        }
        for (interval, mark, at) in
            [(point.predictor.tau, TAU, column - APART), (point.predictor.partial, PARTIAL, column + APART)]
        {
            self.draw_interval(canvas, interval, mark, at)?;
        }
        if point.predictor.tau.is_none() {
            canvas.text("n/a", (column, self.row(0.0) - 6), HPos::Center, VPos::Bottom)?;
        }
        canvas.text(point.label, (column, self.bottom + 10), HPos::Center, VPos::Top)
    }

    fn draw_interval<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        interval: Option<Interval>,
        mark: Mark,
        column: i32,
    ) -> Result<()>
    where
        DB::ErrorType: 'static,
    {
        let Some(Interval { estimate, low, high, .. }) = interval else {
            return Ok(());
        };
        let at = |tau: f64| -> Pixel { (column, self.row(tau)) };
        canvas.error_bar(at(low), at(high), mark.colour)?;
        canvas.mark(at(estimate), mark)
    }
}

/// The lines of the grid within a range: the value of each, and its number in words.
fn grid(range: &Range<f64>) -> Vec<(f64, String)> {
    let span = range.end - range.start;
    let step = STEPS.into_iter().find(|step| span / step <= MOST_LINES).unwrap_or(STEPS[3]);
    let digits = if step < 0.1 { 2 } else { 1 };
    let [first, last] = [(range.start / step).ceil() as i32, (range.end / step).floor() as i32];
    let line = |index: i32| match (index, f64::from(index) * step) {
        (0, tau) => (tau, "0".to_owned()),
        (_, tau) => (tau, format!("{tau:+.digits$}")),
    };
    (first..=last).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_few_lines_and_one_at_zero() {
        for (range, expected) in [
            (-0.12..0.34, "-0.1 0 +0.1 +0.2 +0.3"),
            (-1.0..1.0, "-1.0 -0.5 0 +0.5 +1.0"),
            (-0.03..0.11, "0 +0.05 +0.10"),
        ] {
            let numbers: Vec<String> = grid(&range).into_iter().map(|(_, number)| number).collect();
            assert_eq!(numbers.join(" "), expected, "{range:?}");
        }
    }
}
