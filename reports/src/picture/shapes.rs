//! The shapes that pictures consist of, in pixels. Coordinates keep their fractions.

use clap::ValueEnum;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBAColor, RGBColor};

/// Points (1/72 inch) of a pixel, unless a picture is scaled to a width. A text of 16 pixels then has 7.6 points.
const POINTS: f64 = 0.475;

/// A place from the upper left corner, in pixels.
pub(crate) type Point = (f64, f64);

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);

/// Lengths in pixels of the strokes and gaps of a line; empty for a solid line.
pub(crate) type Dash = &'static [f64];

pub(crate) const SOLID: Dash = &[];
pub(crate) const DASHES: [Dash; 4] = [SOLID, &[14.0, 8.0], &[3.0, 6.0], &[16.0, 6.0, 3.0, 6.0]];

/// A text in one line, beside a point.
#[derive(Clone)]
pub(crate) struct Text {
    pub text: String,
    pub at: Point,
    /// Where the point is: at the left end, in the middle or at the right end.
    pub side: HPos,
    /// Where the point is: above, in the middle or below.
    pub level: VPos,
    /// Size of the font in pixels.
    pub size: f64,
    /// Whether the text runs upwards. The point is then at the left of its letters, or in the middle or at their right.
    pub is_turned: bool,
}

impl Text {
    /// The place of the side on the base line.
    pub fn base(&self) -> Point {
        // Capital letters are centred, and a line has room for letters that reach below it.
        let down = self.size
            * match self.level {
                VPos::Top => 0.93,
                VPos::Center => 0.36,
                VPos::Bottom => -0.24,
            };
        let (x, y) = self.at;
        if self.is_turned { (x + down, y) } else { (x, y + down) }
    }
}

/// A part of a picture.
#[derive(Clone)]
pub(crate) enum Shape {
    /// A line through points with a width in pixels.
    Line(Vec<Point>, RGBAColor, f64, Dash),
    /// A filled outline.
    Area(Vec<Point>, RGBAColor),
    /// A filled circle with a radius in pixels.
    Circle(Point, f64, RGBAColor),
    Text(Text),
}

impl Shape {
    /// The shape moved to the right and down.
    pub fn moved(self, (right, down): Point) -> Self {
        let to = |(x, y): Point| (x + right, y + down);
        let all = |points: Vec<Point>| points.into_iter().map(to).collect();
        match self {
            Self::Line(points, paint, width, dash) => Self::Line(all(points), paint, width, dash),
            Self::Area(outline, paint) => Self::Area(all(outline), paint),
            Self::Circle(centre, radius, paint) => Self::Circle(to(centre), radius, paint),
            Self::Text(text) => Self::Text(Text { at: to(text.at), ..text }),
        }
    }
}

/// A step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Move(Point),
    Line(Point),
    /// A cubic curve: two control points and the end.
    Curve(Point, Point, Point),
    Close,
}

/// A drawn figure.
#[derive(Clone)]
pub struct Picture {
    /// Width and height in pixels.
    pub(super) size: Point,
    /// Points of a pixel.
    pub(super) scale: f64,
    pub(super) shapes: Vec<Shape>,
}

/// The width of a picture in a paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Width {
    /// A column of a paper with two: 3.3 inches.
    Column,
    /// A whole page: 6.9 inches.
    #[default]
    Page,
}

impl Width {
    /// The width in points.
    fn points(self) -> f64 {
        match self {
            Self::Column => 237.6,
            Self::Page => 496.8,
        }
    }

    /// The width in whole pixels of [`POINTS`] points.
    pub(crate) fn pixels(self) -> f64 {
        (self.points() / POINTS).floor()
    }
}

impl Picture {
    /// A picture of this size in pixels.
    pub(crate) fn new(size: Point, shapes: Vec<Shape>) -> Self {
        let size = (size.0.max(1.0).ceil(), size.1.max(1.0).ceil());
        Self { size, scale: POINTS, shapes }
    }

    /// The picture as wide as a column or page if it is about that wide or wider.
    pub(crate) fn fitted(mut self, width: Width) -> Self {
        if self.size.0 >= width.pixels() {
            self.scale = width.points() / self.size.0;
        }
        self
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> Point {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_as_wide_as_the_paper_asks_and_never_enlarged() {
        let wide = |pixels: f64, width| {
            let picture = Picture::new((pixels, 10.0), Vec::new()).fitted(width);
            picture.size.0 * picture.scale
        };
        for (width, points) in [(Width::Column, 237.6), (Width::Page, 496.8)] {
            for pixels in [width.pixels(), 3000.0] {
                assert!((wide(pixels, width) - points).abs() < 1e-9);
            }
            assert!(wide(300.0, width) < points);
        }
    }
}
