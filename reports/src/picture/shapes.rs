//! The shapes that pictures consist of, in pixels. Coordinates keep their fractions.

use clap::ValueEnum;

/// Points (1/72 inch) of a pixel, unless a picture is scaled to a width. A text of 16 pixels then has 7.6 points.
const POINTS: f64 = 0.475;

/// A place from the upper left corner, in pixels.
pub(crate) type Point = (f64, f64);

/// A colour: red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub u8, pub u8, pub u8);

pub(crate) const INK: Colour = Colour(0x22, 0x22, 0x22);
pub(crate) const WHITE: Colour = Colour(0xFF, 0xFF, 0xFF);

impl Colour {
    /// The colour with an opacity in [0, 1].
    pub const fn with(self, opacity: f64) -> Paint {
        Paint { colour: self, opacity }
    }
}

/// A colour with an opacity in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paint {
    pub(super) colour: Colour,
    pub(super) opacity: f64,
}

impl From<Colour> for Paint {
    fn from(colour: Colour) -> Self {
        colour.with(1.0)
    }
}

/// Lengths in pixels of the strokes and gaps of a line; empty for a solid line.
pub(crate) type Dash = &'static [f64];

pub(crate) const SOLID: Dash = &[];
pub(crate) const DASHES: [Dash; 4] = [SOLID, &[14.0, 8.0], &[3.0, 6.0], &[16.0, 6.0, 3.0, 6.0]];

/// Horizontal place of a text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The text begins at the point.
    Left,
    Middle,
    /// The text ends at the point.
    Right,
}

/// Vertical place of a text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The text is below the point.
    Top,
    Middle,
    /// The text is above the point.
    Bottom,
}

/// A text in one line.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub text: String,
    /// Place of the side, on the base line.
    pub at: Point,
    pub side: Side,
    /// Size of the font in pixels.
    pub size: f64,
    /// Whether the text runs upwards.
    pub is_turned: bool,
}

impl Text {
    /// A text beside a point.
    pub fn new(text: &str, (x, y): Point, side: Side, level: Level, size: f64) -> Self {
        // Capital letters are centred, and a line has room for letters that reach below it.
        let down = match level {
            Level::Top => 0.93,
            Level::Middle => 0.36,
            Level::Bottom => -0.24,
        };
        Self { text: text.to_owned(), at: (x, y + down * size), side, size, is_turned: false }
    }

    /// A text that runs upwards; `x` is the left edge of its letters.
    pub fn turned(text: &str, (x, y): Point, size: f64) -> Self {
        let at = (x + 0.93 * size, y);
        Self { text: text.to_owned(), at, side: Side::Middle, size, is_turned: true }
    }
}

/// A part of a picture.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A line through points with a width in pixels.
    Line(Vec<Point>, Paint, f64, Dash),
    /// A filled outline.
    Area(Vec<Point>, Paint),
    /// A filled circle with a radius in pixels.
    Circle(Point, f64, Paint),
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
#[derive(Clone, Debug)]
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
