//! Plots within axes, and plots of named rows.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use crate::picture::font::{text_width, widest, wrapped};
use crate::picture::recorder::{Recorder, to_pixels, units};
use crate::picture::shapes::{INK, Point, SOLID};
use crate::picture::sheet::{RECORDED, text_style};

use super::axis::{Axis, Numbers, Scale};
use super::canvas::{Canvas, LABEL_SIZE, LINE, MARGIN, TEXT_SIZE};
use super::definition::FigureDefinition;

const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);

/// Pixels between an axis and its numbers.
const TO_NUMBERS: f64 = 8.0;
/// Height of a plot as a share of the figure's width.
const HEIGHT: f64 = 0.56;
const NARROW_HEIGHT: f64 = 0.8;
/// Height in pixels of a row, without texts above its marks.
const ROW: f64 = 44.0;
/// Most numbers below a plot.
const MOST_NUMBERS: usize = 9;
/// Pixels from one line of a name beside a plot to the next.
const NAME_LINE: f64 = 20.0;
/// Least width in pixels that names and notes leave to a plot.
const LEAST_PLOT: f64 = 420.0;

/// The area within the axes, in pixels.
pub(super) struct Plot {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    chart: ChartContext<'static, Recorder, Cartesian2d<Scale, Scale>>,
    /// Whether the names of rows stand above their marks.
    is_stacked: bool,
}

impl Plot {
    /// Converts a point in the coordinates of the axes to pixels.
    pub fn at(&self, point: (f64, f64)) -> Point {
        to_pixels(self.chart.backend_coord(&point))
    }

    /// A point of a row: its x, and its height above the middle of the row in heights of a row without texts.
    pub fn in_row(&self, x: f64, row: usize, up: f64) -> Point {
        let (x, middle) = self.at((x, row as f64));
        (x, middle - ROW * up)
    }
}

/// Name and note of a row in lines of this width, at the left and at the right. The note stands beside the last line of the
/// name that leaves it room, or below.
fn text_lines(name: &str, note: &str, width: f64) -> Vec<(String, String)> {
    let wrapped = name.lines().flat_map(|line| wrapped(line, TEXT_SIZE, width - 8.0));
    let mut lines: Vec<(String, String)> = wrapped.map(|line| (line, String::new())).collect();
    let has_room = |line: &str| text_width(line, TEXT_SIZE) + text_width(note, TEXT_SIZE) + 24.0 <= width;
    match lines.iter_mut().rev().find(|(line, _)| has_room(line)) {
        Some((_, beside)) => *beside = note.to_owned(),
        None => lines.push((String::new(), note.to_owned())),
    }
    lines
}

/// The texts of the numbers on an axis.
fn texts(numbers: &Numbers) -> Vec<String> {
    numbers.iter().map(|(_, text)| text.clone()).collect()
}

impl Canvas {
    /// Draws two axes with their numbers and the grid, between two corners.
    pub fn chart(&self, [(left, top), (right, bottom)]: [Point; 2], x: Scale, y: Scale) -> Plot {
        // Numbers may be wider than the areas for them.
        let area = self.sheet.part([(left - TO_NUMBERS, top), (right, bottom + TO_NUMBERS)]);
        let labels = units(TO_NUMBERS);
        let mut builder = ChartBuilder::on(&area);
        builder.x_label_area_size(labels).y_label_area_size(labels);
        let mut chart = builder.build_cartesian_2d(x, y).expect(RECORDED);
        let line = units(1.0).unsigned_abs();
        chart
            .configure_mesh()
            .bold_line_style(GRID.stroke_width(line))
            .axis_style(INK.stroke_width(line))
            // Numbers are twice as far from an axis.
            .set_all_tick_mark_size(labels / 2)
            .label_style(text_style(TEXT_SIZE))
            .draw()
            .expect(RECORDED);
        Plot { left, top, right, bottom, chart, is_stacked: false }
    }

    /// Draws the axes with their labels. `right` pixels beside the plot stay free for notes.
    pub fn axes(&mut self, definition: &FigureDefinition, x: Axis, y: Axis, right: f64) -> Plot {
        let height = self.width() * if self.is_narrow() { NARROW_HEIGHT } else { HEIGHT };
        let numbers = y.numbers((height / 60.0) as usize);
        let left = self.label_y(&definition.y_label, height) + widest(&texts(&numbers), TEXT_SIZE) + 2.0 * TO_NUMBERS;
        let corners = [(left, self.top + 4.0), (self.right_of(&x, right), self.top + height)];
        let below = numbers_below(&x, corners);
        let plot = self.chart(corners, Scale::new(x.range, below), Scale::new(y.range, numbers));
        self.label_x(definition, &plot);
        plot
    }

    /// Draws a plot with a row for each name, the first at the bottom. A note stands at the end of each row. If they leave the plot
    /// too little room, name and note stand above the marks of their row.
    pub fn rows(&mut self, definition: &FigureDefinition, x: Axis, names: &[String], notes: &[String]) -> Plot {
        let beside = [widest(names, TEXT_SIZE) + 2.0 * TO_NUMBERS, widest(notes, TEXT_SIZE) + TO_NUMBERS];
        let is_stacked = self.width() - beside[0] - beside[1] < LEAST_PLOT;
        let [before, after] = if is_stacked { [TO_NUMBERS, 0.0] } else { beside };
        let right = self.right_of(&x, after);
        // The label of the rows is short, and takes one line.
        let room = right - MARGIN - LINE - before;
        let most_lines = names.iter().zip(notes).map(|(name, note)| text_lines(name, note, room).len()).max();
        let text = if is_stacked { LINE * most_lines.unwrap_or(0) as f64 } else { 0.0 };
        let pitch = ROW + text;
        let y = -0.6 * ROW / pitch..names.len() as f64 - 1.0 + (0.6 * ROW + text) / pitch;
        let height = pitch * (y.end - y.start);
        let left = self.label_y(&definition.y_label, height) + before;
        let corners = [(left, self.top + 4.0), (right, self.top + 4.0 + height)];
        let below = numbers_below(&x, corners);
        let plot = self.chart(corners, Scale::new(x.range, below), Scale::bare(y));
        self.label_x(definition, &plot);
        Plot { is_stacked, ..plot }
    }

    /// The right edge of a plot: `notes` pixels beside it stay free, and the last number below it stays within the figure.
    fn right_of(&self, x: &Axis, notes: f64) -> f64 {
        let beyond = widest(&texts(&x.numbers(MOST_NUMBERS)), TEXT_SIZE) / 2.0 + 2.0;
        self.width() - beyond.max(MARGIN + notes)
    }

    /// Writes the names and notes of rows, on top of the lines that cross them.
    pub fn row_texts(&self, plot: &Plot, names: &[String], notes: &[String]) {
        for (place, (name, note)) in names.iter().zip(notes).enumerate() {
            if plot.is_stacked {
                let (_, bottom) = plot.in_row(0.0, place, 0.4);
                let lines = text_lines(name, note, plot.right - plot.left);
                for ((left, right), up) in lines.iter().rev().zip(0..) {
                    let y = bottom - LINE * (f64::from(up) + 0.5);
                    self.text_on_white(left, (plot.left + 4.0, y), HPos::Left);
                    self.text_on_white(right, (plot.right, y), HPos::Right);
                }
            } else {
                let (_, y) = plot.in_row(0.0, place, 0.0);
                // A name may have several lines.
                let lines: Vec<&str> = name.lines().collect();
                let first = y - NAME_LINE * (lines.len() as f64 - 1.0) / 2.0;
                for (line, index) in lines.into_iter().zip(0..) {
                    let at = (plot.left - TO_NUMBERS, first + NAME_LINE * f64::from(index));
                    self.text(line, at, HPos::Right, VPos::Center);
                }
                self.text(note, (plot.right + TO_NUMBERS, y), HPos::Left, VPos::Center);
            }
        }
    }

    /// A line at x = 0, from the top to the bottom of a plot.
    pub fn zero_line(&self, plot: &Plot) {
        let (x, _) = plot.at((0.0, 0.0));
        self.line(&[(x, plot.top), (x, plot.bottom)], INK, 1.5, SOLID);
    }

    /// Draws the label of the vertical axis, in lines that run upwards. Returns their right edge.
    fn label_y(&self, label: &str, height: f64) -> f64 {
        let lines = wrapped(label, LABEL_SIZE, height);
        for (index, line) in lines.iter().enumerate() {
            self.sheet.turned(line, (MARGIN + LINE * index as f64, self.top + height / 2.0), LABEL_SIZE);
        }
        MARGIN + LINE * lines.len() as f64
    }

    /// Draws the label of the horizontal axis below its numbers.
    fn label_x(&mut self, definition: &FigureDefinition, plot: &Plot) {
        self.top = plot.bottom + TO_NUMBERS + LINE + 4.0;
        // A label may be wider than the plot, but not than the figure.
        let room = self.width() - 2.0 * MARGIN;
        for line in wrapped(&definition.x_label, LABEL_SIZE, room) {
            let half = text_width(&line, LABEL_SIZE) / 2.0;
            let middle = ((plot.left + plot.right) / 2.0).min(self.width() - MARGIN - half).max(MARGIN + half);
            self.sheet.text(&line, (middle, self.top), HPos::Center, VPos::Top, LABEL_SIZE);
            self.top += LINE + 2.0;
        }
    }
}

/// The numbers of a horizontal axis: as many as have room beside each other.
fn numbers_below(x: &Axis, [(left, _), (right, _)]: [Point; 2]) -> Numbers {
    let fits = |numbers: &Numbers| {
        let room: f64 = numbers.iter().map(|(_, text)| text_width(text, TEXT_SIZE) + 26.0).sum();
        room <= right - left
    };
    (2..=MOST_NUMBERS).rev().map(|most| x.numbers(most)).find(fits).unwrap_or_else(|| x.numbers(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_stands_beside_a_short_name_and_below_a_long_one() {
        let line = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        assert_eq!(text_lines("SMASHv2", "13.30 %", 300.0), [line("SMASHv2", "13.30 %")]);
        assert_eq!(text_lines("SMASHv2\nours", "13.30 %", 300.0), [line("SMASHv2", ""), line("ours", "13.30 %")]);
        let long = text_lines("a network with a long name of two lines", "13.30 %", 200.0);
        assert_eq!(long, [line("a network with a long", ""), line("name of two lines", ""), line("", "13.30 %")]);
    }
}
