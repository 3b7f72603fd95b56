//! The sheet of a picture, on which plotters draws. Places and lengths are in pixels.

use std::cell::RefCell;
use std::rc::Rc;

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBAColor, TextStyle};
use plotters_backend::BackendCoord;

use super::recorder::{Dashed, Recorder, to_units, units};
use super::shapes::{Dash, INK, Point, Shape, Text};

/// A recorder never fails.
pub(crate) const RECORDED: &str = "a recorder takes everything";

/// Height in pixels, which no figure needs.
const HEIGHT: f64 = 1e6;

/// A sheet as high as necessary.
pub(crate) struct Sheet {
    recorder: Rc<RefCell<Recorder>>,
    root: DrawingArea<Recorder, Shift>,
}

impl Sheet {
    pub fn new(width: f64) -> Self {
        let recorder = Rc::new(RefCell::new(Recorder::new((width, HEIGHT))));
        Self { root: DrawingArea::from(&recorder), recorder }
    }

    /// The shapes drawn, in their order.
    pub fn shapes(self) -> Vec<Shape> {
        std::mem::take(&mut self.recorder.borrow_mut().shapes)
    }

    /// The part between two corners.
    pub fn part(&self, [(left, top), (right, bottom)]: [Point; 2]) -> DrawingArea<Recorder, Shift> {
        self.root.clone().shrink(to_units((left, top)), to_units((right - left, bottom - top)))
    }

    fn draw<E: Drawable<Recorder>>(&self, element: &E)
    where
        for<'a> &'a E: PointCollection<'a, BackendCoord>,
    {
        self.root.draw(element).expect(RECORDED);
    }

    /// A line through points.
    pub fn line(&self, points: &[Point], paint: impl Into<RGBAColor>, width: f64, dash: Dash) {
        let points: Vec<BackendCoord> = points.iter().copied().map(to_units).collect();
        let paint: RGBAColor = paint.into();
        let style = paint.stroke_width(units(width).unsigned_abs());
        match dash.is_empty() {
            true => self.draw(&PathElement::new(points, style)),
            false => self.draw(&Dashed { points, style, dash }),
        }
    }

    /// A filled outline.
    pub fn fill(&self, outline: &[Point], paint: impl Into<RGBAColor>) {
        let outline: Vec<BackendCoord> = outline.iter().copied().map(to_units).collect();
        let paint: RGBAColor = paint.into();
        self.draw(&Polygon::new(outline, paint.filled()));
    }

    /// A filled circle.
    pub fn circle(&self, centre: Point, radius: f64, paint: impl Into<RGBAColor>) {
        let paint: RGBAColor = paint.into();
        self.draw(&Circle::new(to_units(centre), units(radius), paint.filled()));
    }

    /// A text beside a point.
    pub fn text(&self, text: &str, at: Point, side: HPos, level: VPos, size: f64) {
        self.styled(text, at, &text_style(size).pos(Pos::new(side, level)));
    }

    /// A text that runs upwards; `x` is the left edge of its letters, `y` its middle.
    pub fn turned(&self, text: &str, at: Point, size: f64) {
        let style = text_style(size).transform(FontTransform::Rotate270);
        self.styled(text, at, &style.pos(Pos::new(HPos::Center, VPos::Top)));
    }

    fn styled(&self, text: &str, at: Point, style: &TextStyle<'_>) {
        self.root.draw_text(text, style, to_units(at)).expect(RECORDED);
    }

    /// A shape of a drawing that was arranged before.
    pub fn shape(&self, shape: &Shape) {
        match shape {
            Shape::Line(points, paint, width, dash) => self.line(points, *paint, *width, dash),
            Shape::Area(outline, paint) => self.fill(outline, *paint),
            Shape::Circle(centre, radius, paint) => self.circle(*centre, *radius, *paint),
            Shape::Text(Text { text, at, side, level, size, .. }) => self.text(text, *at, *side, *level, *size),
        }
    }
}

/// The style of texts of this size, for plotters.
pub(crate) fn text_style(size: f64) -> TextStyle<'static> {
    ("DejaVu Sans", f64::from(units(size))).into_font().color(&INK)
}

#[cfg(test)]
mod tests {
    use plotters::element::Rectangle;

    use super::super::shapes::DASHES;
    use super::*;

    #[test]
    fn what_plotters_draws_keeps_fractions_of_pixels_circles_dashes_and_places_of_texts() {
        let sheet = Sheet::new(100.0);
        sheet.line(&[(0.25, 1.0), (9.99, 2.0)], INK, 1.75, DASHES[1]);
        sheet.circle((5.5, 6.01), 2.5, INK.mix(0.5));
        sheet.turned("up", (2.0, 50.0), 16.0);
        let part = sheet.part([(10.0, 20.0), (30.0, 40.0)]);
        part.draw(&Rectangle::new([(0, 0), (150, 200)], INK.stroke_width(100))).unwrap();
        part.draw(&Circle::new((0, 0), 100, INK)).unwrap();
        let shapes = sheet.shapes();
        let Shape::Line(points, paint, width, dash) = &shapes[0] else { panic!("no line") };
        assert_eq!((&points[..], *width, *dash), (&[(0.25, 1.0), (9.99, 2.0)][..], 1.75, DASHES[1]));
        assert_eq!(*paint, INK.mix(1.0));
        let Shape::Circle(centre, radius, paint) = &shapes[1] else { panic!("no circle") };
        assert_eq!((*centre, *radius, paint.3), ((5.5, 6.01), 2.5, 0.5));
        let Shape::Text(Text { at, size, is_turned: true, .. }) = &shapes[2] else { panic!("no turned text") };
        assert_eq!((*at, *size), ((2.0, 50.0), 16.0));
        let Shape::Line(corners, ..) = &shapes[3] else { panic!("no outline of a box") };
        assert_eq!((corners[0], corners[2], corners.len()), ((10.0, 20.0), (11.5, 22.0), 5));
        let Shape::Line(round, ..) = &shapes[4] else { panic!("no outline of a circle") };
        assert!(round.iter().all(|(x, y)| ((x - 10.0).hypot(y - 20.0) - 1.0).abs() < 0.02));
    }
}
