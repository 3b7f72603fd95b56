//! Drawing tools of all figures: title, legend, axes, marks, lines, error bars and the caption, from the top down.
//!
//! Series differ in shape or dash as well as in colour, so that a figure can be read without colours.

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBAColor, RGBColor, WHITE};

use crate::picture::font::{joined_facts, text_width, wrapped};
use crate::picture::shapes::{Dash, Picture, Point, Width};
use crate::picture::sheet::Sheet;

use super::legend::{Sample, legend_rows};
use super::marks::{Hatch, Mark, draw_bar, draw_error_bar, draw_mark};

/// Sizes in pixels of the title, of labels of axes, and of all other text.
const TITLE_SIZE: f64 = 24.0;
pub(super) const LABEL_SIZE: f64 = 18.0;
pub(super) const TEXT_SIZE: f64 = 16.0;
/// Pixels from one line of text to the next.
pub(super) const LINE: f64 = 22.0;
/// Pixels around the figure.
pub(super) const MARGIN: f64 = 16.0;

/// The figure that is being drawn.
pub(super) struct Canvas {
    width: Width,
    /// Height that is used up so far.
    pub top: f64,
    pub sheet: Sheet,
    placed: Vec<Placed>,
}

/// The place of an architecture in a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub seed: u64,
    pub architecture: u32,
    pub at: Point,
}

impl Canvas {
    pub fn new(width: Width) -> Self {
        Self { width, top: MARGIN, sheet: Sheet::new(width.pixels()), placed: Vec::new() }
    }

    /// Width in pixels.
    pub fn width(&self) -> f64 {
        self.width.pixels()
    }

    /// Whether names beside a plot would leave it too little room.
    pub fn is_narrow(&self) -> bool {
        self.width == Width::Column
    }

    /// The picture with a margin below, and the places of single architectures.
    pub fn finish(self) -> (Picture, Vec<Placed>) {
        let size = (self.width(), self.top + MARGIN);
        (Picture::new(size, self.sheet.shapes()).fitted(self.width), self.placed)
    }

    /// The title, in the middle.
    pub fn title(&mut self, title: &str) {
        let middle = self.width() / 2.0;
        for line in wrapped(title, TITLE_SIZE, self.width() - 2.0 * MARGIN) {
            self.sheet.text(&line, (middle, self.top), HPos::Center, VPos::Top, TITLE_SIZE);
            self.top += 1.25 * TITLE_SIZE;
        }
        self.top += 8.0;
    }

    /// Samples with their names, in as many rows as necessary.
    pub fn legend(&mut self, entries: &[(Sample, String)]) {
        for row in legend_rows(entries, self.width() - 2.0 * MARGIN) {
            let y = self.top + LINE / 2.0;
            for (x, (sample, name)) in row {
                let from = MARGIN + x;
                sample.draw(&self.sheet, (from, y));
                self.text(name, (from + sample.width() + 8.0, y), HPos::Left, VPos::Center);
            }
            self.top += LINE + 4.0;
        }
    }

    /// A heading above the notes at the right.
    pub fn heading(&mut self, text: &str) {
        self.text(text, (self.width() - MARGIN, self.top), HPos::Right, VPos::Top);
        self.top += LINE;
    }

    /// Facts below the plot, in lines.
    pub fn caption(&mut self, facts: &[String]) {
        self.top += 4.0;
        for line in joined_facts(facts, TEXT_SIZE, self.width() - 2.0 * MARGIN) {
            self.text(&line, (MARGIN, self.top), HPos::Left, VPos::Top);
            self.top += LINE;
        }
    }

    /// A text of the common size.
    pub fn text(&self, text: &str, at: Point, side: HPos, level: VPos) {
        self.sheet.text(text, at, side, level, TEXT_SIZE);
    }

    /// A text of the common size on white, so that lines do not cross it.
    pub fn text_on_white(&self, text: &str, at: Point, side: HPos) {
        if text.is_empty() {
            return;
        }
        let width = text_width(text, TEXT_SIZE);
        let left = if matches!(side, HPos::Right) { at.0 - width } else { at.0 };
        let corners = [(left - 3.0, at.1 - LINE / 2.0), (left + width + 3.0, at.1 + LINE / 2.0)];
        self.fill(&rectangle(corners), WHITE);
        self.text(text, at, side, VPos::Center);
    }

    /// A filled area.
    pub fn fill(&self, outline: &[Point], paint: impl Into<RGBAColor>) {
        self.sheet.fill(outline, paint);
    }

    /// A band between the lower and the upper ends at each point from left to right.
    pub fn band(
        &self,
        low: impl DoubleEndedIterator<Item = Point>,
        high: impl Iterator<Item = Point>,
        paint: RGBAColor,
    ) {
        self.fill(&high.chain(low.rev()).collect::<Vec<_>>(), paint);
    }

    /// A line through the points.
    pub fn line(&self, points: &[Point], paint: impl Into<RGBAColor>, width: f64, dash: Dash) {
        self.sheet.line(points, paint, width, dash);
    }

    /// A point that stands for an architecture of a root seed.
    pub fn architecture(&mut self, (seed, architecture): (u64, u32), at: Point, mark: Mark) {
        self.placed.push(Placed { seed, architecture, at });
        self.mark(at, mark);
    }

    /// A point.
    pub fn mark(&self, at: Point, mark: Mark) {
        draw_mark(&self.sheet, at, mark);
    }

    /// An error bar between two points in one column or row. In a crowd it is a faint line without ends.
    pub fn error_bar(&self, from: Point, to: Point, colour: RGBColor, is_crowd: bool) {
        draw_error_bar(&self.sheet, from, to, colour, is_crowd);
    }

    /// A bar between two corners, with its outline.
    pub fn bar(&self, corners: [Point; 2], colour: RGBColor, hatch: Hatch) {
        draw_bar(&self.sheet, corners, colour, hatch);
    }
}

/// The outline of a box between two opposite corners.
pub(super) fn rectangle([(left, top), (right, bottom)]: [Point; 2]) -> Vec<Point> {
    vec![(left, top), (right, top), (right, bottom), (left, bottom)]
}
