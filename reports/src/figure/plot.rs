//! Plots within axes, and plots of named rows.

use crate::picture::font::{text_width, widest, wrapped};
use crate::picture::shapes::{INK, Level, Point, SOLID, Shape, Side, Text};

use super::axis::Axis;
use super::canvas::{Canvas, LABEL_SIZE, LINE, MARGIN, TEXT_SIZE};
use super::definition::FigureDefinition;

/// Pixels between an axis and its numbers.
const TO_NUMBERS: f64 = 8.0;
/// Height of a plot as a share of the figure's width.
const HEIGHT: f64 = 0.56;
const NARROW_HEIGHT: f64 = 0.8;
/// Pixels of a row: with its name at the side, and with its name above its marks.
const ROW: f64 = 44.0;
const STACKED_ROW: f64 = 76.0;
/// Height of the names of stacked rows, above the middles of their marks.
const NAME_ABOVE: f64 = 0.5;

/// The area within the axes, in pixels.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    x: Axis,
    y: std::ops::Range<f64>,
}

impl Plot {
    /// Converts a point in the coordinates of the axes to pixels.
    pub fn at(&self, (x, y): (f64, f64)) -> Point {
        let share = |value: f64, range: &std::ops::Range<f64>| (value - range.start) / (range.end - range.start);
        (
            self.left + (self.right - self.left) * share(x, &self.x.range),
            self.bottom - (self.bottom - self.top) * share(y, &self.y),
        )
    }
}

impl Canvas {
    /// Draws the axes. `right` pixels beside the plot stay free for notes.
    pub fn axes(&mut self, definition: &FigureDefinition, x: Axis, y: Axis, right: f64) -> Plot {
        let height = self.width() * if self.is_narrow() { NARROW_HEIGHT } else { HEIGHT };
        let numbers = y.numbers((height / 60.0) as usize);
        let texts: Vec<String> = numbers.iter().map(|(_, text)| text.clone()).collect();
        let left = self.label_y(&definition.y_label, height) + widest(&texts, TEXT_SIZE) + 2.0 * TO_NUMBERS;
        let plot = Plot {
            left,
            top: self.top + 4.0,
            right: self.width() - MARGIN - right,
            bottom: self.top + height,
            x,
            y: y.range,
        };
        for (value, text) in numbers {
            let (_, at) = plot.at((plot.x.range.start, value));
            self.grid((plot.left, at), (plot.right, at));
            self.text(&text, (plot.left - TO_NUMBERS, at), Side::Right, Level::Middle);
        }
        self.axis_x(definition, &plot);
        plot
    }

    /// Draws a plot with a row for each name, the first at the bottom. A note stands at the end of each row. In a narrow figure,
    /// name and note stand above the marks of their row.
    pub fn rows(&mut self, definition: &FigureDefinition, x: Axis, names: &[String], notes: &[String]) -> Plot {
        let is_stacked = self.is_narrow();
        let pitch = if is_stacked { STACKED_ROW } else { ROW };
        let y = -0.6..names.len() as f64 - if is_stacked { 0.2 } else { 0.4 };
        let height = pitch * (y.end - y.start);
        let label = self.label_y(&definition.y_label, height);
        let [before, after] = match is_stacked {
            true => [TO_NUMBERS, 0.0],
            false => [widest(names, TEXT_SIZE) + 2.0 * TO_NUMBERS, widest(notes, TEXT_SIZE) + TO_NUMBERS],
        };
        let top = self.top + 4.0;
        let right = self.width() - MARGIN - after;
        let plot = Plot { left: label + before, top, right, bottom: top + height, x, y };
        self.axis_x(definition, &plot);
        plot
    }

    /// Writes the names and notes of rows, on top of the lines that cross them.
    pub fn row_texts(&mut self, plot: &Plot, names: &[String], notes: &[String]) {
        for (place, (name, note)) in names.iter().zip(notes).enumerate() {
            let place = place as f64;
            if self.is_narrow() {
                let (_, y) = plot.at((0.0, place + NAME_ABOVE));
                self.text_on_white(name, (plot.left + 4.0, y), Side::Left);
                self.text_on_white(note, (plot.right, y), Side::Right);
            } else {
                let (_, y) = plot.at((0.0, place));
                self.text(name, (plot.left - TO_NUMBERS, y), Side::Right, Level::Middle);
                self.text(note, (plot.right + TO_NUMBERS, y), Side::Left, Level::Middle);
            }
        }
    }

    /// A line at x = 0, from the top to the bottom of a plot.
    pub fn zero_line(&mut self, plot: &Plot) {
        let (x, _) = plot.at((0.0, 0.0));
        self.line(&[(x, plot.top), (x, plot.bottom)], INK, 1.5, SOLID);
    }

    /// Draws the label of the vertical axis, in lines that run upwards. Returns their right edge.
    fn label_y(&mut self, label: &str, height: f64) -> f64 {
        let lines = wrapped(label, LABEL_SIZE, height);
        for (index, line) in lines.iter().enumerate() {
            let at = (MARGIN + LINE * index as f64, self.top + height / 2.0);
            self.push(Shape::Text(Text::turned(line, at, LABEL_SIZE)));
        }
        MARGIN + LINE * lines.len() as f64
    }

    /// Draws the grid of the horizontal axis, both axes, and the numbers and the label below.
    fn axis_x(&mut self, definition: &FigureDefinition, plot: &Plot) {
        // As many numbers as have room beside each other.
        let width = plot.right - plot.left;
        let fits = |most: &usize| {
            let numbers = plot.x.numbers(*most);
            let room: f64 = numbers.iter().map(|(_, text)| text_width(text, TEXT_SIZE) + 26.0).sum();
            room <= width
        };
        let most = (2..=9).rev().find(fits).unwrap_or(2);
        for (value, text) in plot.x.numbers(most) {
            let (at, _) = plot.at((value, plot.y.start));
            self.grid((at, plot.top), (at, plot.bottom));
            self.text(&text, (at, plot.bottom + TO_NUMBERS), Side::Middle, Level::Top);
        }
        self.line(&[(plot.left, plot.top), (plot.left, plot.bottom), (plot.right, plot.bottom)], INK, 1.0, SOLID);
        self.top = plot.bottom + TO_NUMBERS + LINE + 4.0;
        // A label may be wider than the plot, but not than the figure.
        let room = self.width() - 2.0 * MARGIN;
        for line in wrapped(&definition.x_label, LABEL_SIZE, room) {
            let half = text_width(&line, LABEL_SIZE) / 2.0;
            let middle = ((plot.left + plot.right) / 2.0).min(self.width() - MARGIN - half).max(MARGIN + half);
            self.push(Shape::Text(Text::new(&line, (middle, self.top), Side::Middle, Level::Top, LABEL_SIZE)));
            self.top += LINE + 2.0;
        }
    }
}
