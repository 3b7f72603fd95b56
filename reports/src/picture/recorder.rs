//! A drawing backend of plotters that records what plotters draws as the shapes of a picture.
//!
//! Coordinates of plotters are whole numbers. Here they count hundredths of a pixel, so no rounding can be seen.

use std::convert::Infallible;

use plotters::element::{Drawable, PointCollection};
use plotters::style::{FontTransform, RGBAColor, ShapeStyle};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use super::font::text_width;
use super::shapes::{Dash, Point, SOLID, Shape, Text};

/// Units of plotters in a pixel.
const UNITS: f64 = 100.0;

/// Steps of a circle that is not filled.
const STEPS: u32 = 72;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// A length in pixels, in units of plotters.
pub(crate) fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

/// A place in pixels, in units of plotters.
pub(crate) fn to_units((x, y): Point) -> BackendCoord {
    (units(x), units(y))
}

/// A place in units of plotters, in pixels.
pub(crate) fn to_pixels((x, y): BackendCoord) -> Point {
    (f64::from(x) / UNITS, f64::from(y) / UNITS)
}

/// The shapes drawn so far, in their order.
pub(crate) struct Recorder {
    /// Width and height in units.
    size: (u32, u32),
    pub shapes: Vec<Shape>,
}

impl Recorder {
    pub fn new((width, height): Point) -> Self {
        Self { size: (units(width).unsigned_abs(), units(height).unsigned_abs()), shapes: Vec::new() }
    }

    fn line(&mut self, points: impl IntoIterator<Item = BackendCoord>, style: &impl BackendStyle, dash: Dash) {
        let points = points.into_iter().map(to_pixels).collect();
        let width = f64::from(style.stroke_width()) / UNITS;
        self.shapes.push(Shape::Line(points, colour(style.color()), width, dash));
    }
}

impl DrawingBackend for Recorder {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        match fill {
            true => self.fill_polygon(corners, style),
            false => self.draw_path(corners.into_iter().chain([corners[0]]), style),
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.line(path, style, SOLID);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let at = to_pixels((x, y));
        if fill {
            self.shapes.push(Shape::Circle(at, f64::from(radius) / UNITS, colour(style.color())));
            return Ok(());
        }
        let on_circle = |step: u32| {
            let angle = std::f64::consts::TAU * f64::from(step) / f64::from(STEPS);
            let [right, down] = [angle.cos(), angle.sin()].map(|part| (f64::from(radius) * part).round() as i32);
            (x + right, y + down)
        };
        self.draw_path((0..=STEPS).map(on_circle), style)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, vert: I, style: &S) -> Drawn {
        let outline = vert.into_iter().map(to_pixels).collect();
        self.shapes.push(Shape::Area(outline, colour(style.color())));
        Ok(())
    }

    /// Records a text, which may run upwards. Every text has the same font and colour.
    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let anchor = style.anchor();
        self.shapes.push(Shape::Text(Text {
            text: text.to_owned(),
            at: to_pixels(at),
            side: anchor.h_pos,
            level: anchor.v_pos,
            size: style.size() / UNITS,
            is_turned: matches!(style.transform(), FontTransform::Rotate270),
        }));
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((text_width(text, style.size()).ceil() as u32, style.size().ceil() as u32))
    }
}

fn colour(BackendColor { alpha, rgb: (red, green, blue) }: BackendColor) -> RGBAColor {
    RGBAColor(red, green, blue, alpha)
}

/// An element of plotters: a line of strokes, which the formats of pictures know themselves.
pub(crate) struct Dashed {
    pub points: Vec<BackendCoord>,
    pub style: ShapeStyle,
    pub dash: Dash,
}

impl<'a> PointCollection<'a, BackendCoord> for &'a Dashed {
    type Point = &'a BackendCoord;
    type IntoIter = &'a [BackendCoord];

    fn point_iter(self) -> Self::IntoIter {
        &self.points
    }
}

impl Drawable<Recorder> for Dashed {
    fn draw<I: Iterator<Item = BackendCoord>>(&self, points: I, backend: &mut Recorder, _: (u32, u32)) -> Drawn {
        backend.line(points, &self.style, self.dash);
        Ok(())
    }
}
