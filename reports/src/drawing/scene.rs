//! A drawing of architectures as shapes on whole pixels, which can stand beside others and becomes a picture.

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBColor, WHITE};

use crate::picture::font::{joined_facts, text_width, wrapped};
use crate::picture::shapes::{DASHES, Dash, INK, Picture, Point, SOLID, Shape, Text, Width};
use crate::picture::sheet::Sheet;

/// A place from the upper left corner, in whole pixels.
pub(super) type Pixel = (i32, i32);

/// Pixels around the whole drawing.
const MARGIN: i32 = 20;
/// Sizes of titles and of all other text, in pixels.
const TITLE_SIZE: f64 = 24.0;
const TEXT_SIZE: f64 = 14.0;
/// Pixels from one line of a label to the next.
pub(super) const LINE: i32 = 22;
/// Length and half the width of an arrow's head, in pixels.
const HEAD: (f64, f64) = (11.0, 5.0);
/// Pixels between columns; half as many lie between the panels of a column.
const BETWEEN: i32 = 56;
/// A column may be this much higher than the highest panel.
const MOST_COLUMN: f64 = 1.25;
/// Columns may be this much wider than the paper, and are then made smaller.
const MOST_WIDTH: f64 = 1.2;

/// Fill of an op, light enough for text.
pub(super) const SHADE: RGBColor = RGBColor(0xEA, 0xEA, 0xEA);

/// A drawing.
#[derive(Clone, Default)]
pub struct Scene {
    /// Width and height in pixels.
    size: Pixel,
    shapes: Vec<Shape>,
}

impl Scene {
    /// The drawing as a picture of its own size.
    pub fn picture(self) -> Picture {
        let (width, height) = point(self.size);
        let sheet = Sheet::new(width);
        for shape in &self.shapes {
            sheet.shape(shape);
        }
        Picture::new((width, height), sheet.shapes())
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> Pixel {
        self.size
    }

    /// Makes the drawing at least this large.
    pub(super) fn reach(&mut self, (x, y): Pixel) {
        self.size = (self.size.0.max(x), self.size.1.max(y));
    }

    fn reach_point(&mut self, (x, y): Point) {
        self.reach((x.ceil() as i32, y.ceil() as i32));
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: &[Pixel], width: f64) {
        self.stroke(points.iter().copied().map(point).collect(), width, SOLID);
    }

    /// A line of short strokes.
    pub(super) fn dashed(&mut self, points: &[Pixel]) {
        self.stroke(points.iter().copied().map(point).collect(), 1.0, DASHES[2]);
    }

    fn stroke(&mut self, points: Vec<Point>, width: f64, dash: Dash) {
        for &(x, y) in &points {
            self.reach_point((x + 1.0, y + 1.0));
        }
        self.shapes.push(Shape::Line(points, INK.into(), width, dash));
    }

    /// The head of an arrow that points to the second of two points.
    pub(super) fn arrow_head(&mut self, from: Pixel, to: Pixel) {
        let (from, to) = (point(from), point(to));
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy).max(1.0);
        let (dx, dy) = (dx / length, dy / length);
        let corner = |side: f64| (to.0 - HEAD.0 * dx + side * HEAD.1 * dy, to.1 - HEAD.0 * dy - side * HEAD.1 * dx);
        self.area(vec![to, corner(1.0), corner(-1.0)], INK);
    }

    /// A filled box between two opposite corners.
    pub(super) fn fill(&mut self, (left, top): Pixel, (right, bottom): Pixel, colour: RGBColor) {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        self.area(corners.map(point).to_vec(), colour);
    }

    fn area(&mut self, outline: Vec<Point>, colour: RGBColor) {
        for &corner in &outline {
            self.reach_point(corner);
        }
        self.shapes.push(Shape::Area(outline, colour.into()));
    }

    /// A filled circle.
    pub(super) fn disc(&mut self, (x, y): Pixel, radius: f64, colour: RGBColor) {
        self.reach_point((f64::from(x) + radius, f64::from(y) + radius));
        self.shapes.push(Shape::Circle(point((x, y)), radius, colour.into()));
    }

    /// A filled box `[left, top, width, height]` with an outline and with corners of the given radius.
    pub(super) fn frame(&mut self, rectangle: [i32; 4], radius: i32, fill: RGBColor, outline: Outline) {
        let mut points = rounded(rectangle, radius);
        self.area(points.clone(), fill);
        points.push(points[0]);
        match outline {
            Outline::Solid(width) => self.stroke(points, width, SOLID),
            Outline::Dashed => self.stroke(points, 1.0, DASHES[2]),
        }
    }

    /// A text of the common size.
    pub(super) fn text(&mut self, text: &str, at: Pixel, side: HPos, level: VPos) {
        self.text_of_size(text, at, side, level, TEXT_SIZE);
    }

    fn text_of_size(&mut self, text: &str, at: Pixel, side: HPos, level: VPos, size: f64) {
        let width = text_width(text, size);
        let text = Text { text: text.to_owned(), at: point(at), side, level, size, is_turned: false };
        let right = match side {
            HPos::Left => width,
            HPos::Center => width / 2.0,
            HPos::Right => 0.0,
        };
        let (x, base) = text.base();
        self.reach_point((x + right + 1.0, base + 0.3 * size));
        self.shapes.push(Shape::Text(text));
    }

    /// The lines of a label, centred on a point.
    pub(super) fn label(&mut self, lines: &[String], (x, y): Pixel) {
        let first = y - LINE * (lines.len() as i32 - 1) / 2;
        for (line, row) in lines.iter().zip(0..) {
            self.text(line, (x, first + LINE * row), HPos::Center, VPos::Center);
        }
    }

    /// Places another drawing on this one, with its upper left corner at a point.
    pub(super) fn place(&mut self, other: Scene, (left, top): Pixel) {
        self.reach((left + other.size.0, top + other.size.1));
        self.shapes.extend(other.shapes.into_iter().map(|shape| shape.moved(point((left, top)))));
    }

    /// Panels in columns, each filled from its top. Panels that are too wide side by side stand one below the other.
    pub(super) fn in_columns(panels: Vec<Scene>, paper: Width) -> Self {
        let highest = panels.iter().map(|panel| panel.size.1).max().unwrap_or(0);
        let side_by_side = Self::columns(panels.clone(), (MOST_COLUMN * f64::from(highest)) as i32);
        match f64::from(side_by_side.size.0 + 2 * MARGIN) <= MOST_WIDTH * paper.pixels() {
            true => side_by_side,
            false => Self::columns(panels, i32::MAX),
        }
    }

    fn columns(panels: Vec<Scene>, most_height: i32) -> Self {
        let mut whole = Self::default();
        let (mut left, mut column) = (0, Self::default());
        for panel in panels {
            let top = if column.size.1 == 0 { 0 } else { column.size.1 + BETWEEN / 2 };
            if top > 0 && top.saturating_add(panel.size.1) > most_height {
                whole.place(std::mem::take(&mut column), (left, 0));
                left = whole.size.0 + BETWEEN;
                column.place(panel, (0, 0));
            } else {
                column.place(panel, (0, top));
            }
        }
        whole.place(column, (left, 0));
        whole
    }

    /// Adds a title above the middle of the drawing, if there is one, and a margin around both.
    pub(super) fn titled(self, title: Option<&str>) -> Self {
        // A drawing narrower than a column leaves the title the column.
        let room = f64::from(self.size.0).max(Width::Column.pixels() - f64::from(2 * MARGIN));
        let lines = title.map_or_else(Vec::new, |title| wrapped(title, TITLE_SIZE, room));
        let widths = lines.iter().map(|line| text_width(line, TITLE_SIZE).ceil() as i32);
        let width = widths.fold(self.size.0, i32::max);
        let mut whole = Self::default();
        let mut top = MARGIN;
        for line in lines {
            whole.text_of_size(&line, (MARGIN + width / 2, top), HPos::Center, VPos::Top, TITLE_SIZE);
            top += 30;
        }
        let top = if top > MARGIN { top + 14 } else { top };
        let left = MARGIN + (width - self.size.0) / 2;
        whole.place(self, (left, top));
        whole.reach((width + 2 * MARGIN, whole.size.1 + MARGIN));
        whole
    }

    /// Adds facts in lines below the drawing, as wide as it is.
    pub(crate) fn captioned(mut self, facts: &[String]) -> Self {
        for line in joined_facts(facts, TEXT_SIZE, f64::from(self.size.0 - 2 * MARGIN)) {
            let top = self.size.1;
            self.text(&line, (MARGIN, top), HPos::Left, VPos::Top);
            self.reach((0, top + LINE));
        }
        self.reach((0, self.size.1 + MARGIN));
        self
    }

    /// The texts with their boxes, `[left, top, width, height]`.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<(String, [i32; 4])> {
        let of = |shape: &Shape| {
            let Shape::Text(text) = shape else {
                return None;
            };
            let (at, size) = (text.base(), text.size);
            let width = text_width(&text.text, size);
            let left = match text.side {
                HPos::Left => at.0,
                HPos::Center => at.0 - width / 2.0,
                HPos::Right => at.0 - width,
            };
            Some((text.text.clone(), [left as i32, (at.1 - 0.76 * size) as i32, width as i32, size as i32]))
        };
        self.shapes.iter().filter_map(of).collect()
    }

    /// Fails if texts overlap or leave the drawing.
    #[cfg(test)]
    pub(super) fn assert_legible(&self) {
        let texts = self.texts();
        for (index, (text, [left, top, width, height])) in texts.iter().enumerate() {
            let inside = *left >= 0 && *top >= 0 && left + width <= self.size.0 && top + height <= self.size.1;
            assert!(inside, "`{text}` leaves the drawing of {:?}", self.size);
            for (other, [l, t, w, h]) in &texts[index + 1..] {
                let apart = left + width <= *l || l + w <= *left || top + height <= *t || t + h <= *top;
                assert!(apart, "`{text}` and `{other}` cover each other");
            }
        }
    }
}

/// Style of the edge of a box.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outline {
    /// A line with a width in pixels.
    Solid(f64),
    /// Short strokes.
    Dashed,
}

/// Width in pixels of a text of the common size.
pub(super) fn width_of(text: &str) -> i32 {
    text_width(text, TEXT_SIZE).ceil() as i32
}

/// A circle with an outline.
pub(super) fn ring(scene: &mut Scene, at: Pixel, radius: f64) {
    scene.disc(at, radius + 1.0, INK);
    scene.disc(at, radius - 1.0, WHITE);
}

fn point((x, y): Pixel) -> Point {
    (f64::from(x), f64::from(y))
}

/// The outline of a box with round corners.
fn rounded([left, top, width, height]: [i32; 4], radius: i32) -> Vec<Point> {
    let radius = f64::from(radius.min(width / 2).min(height / 2));
    let ((left, top), (right, bottom)) = (point((left, top)), point((left + width, top + height)));
    // Centres of the corners, and the start of their quarter circles in degrees, clockwise from the right.
    let corners = [
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
        (right - radius, top + radius, 270),
    ];
    let corner = |&(x, y, start): &(f64, f64, i32)| {
        let steps = if radius == 0.0 { 0..=0 } else { 0..=9 };
        steps.map(move |step| {
            let angle = f64::from(start + 10 * step).to_radians();
            (x + radius * angle.cos(), y + radius * angle.sin())
        })
    };
    corners.iter().flat_map(corner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_put_onto_another_makes_room_for_itself() {
        let mut part = Scene::default();
        part.line(&[(0, 0), (9, 19)], 1.0);
        let mut whole = Scene::default();
        whole.place(part, (100, 50));
        assert_eq!(whole.size(), (110, 70));
        let titled = whole.titled(Some("A title"));
        assert!(titled.size().0 >= 110 + 2 * MARGIN && titled.size().1 >= 70 + 2 * MARGIN);
        titled.assert_legible();
    }

    #[test]
    fn panels_fill_columns_and_stand_below_each_other_in_a_narrow_paper() {
        let panels = || {
            let panel = |size| {
                let mut panel = Scene::default();
                panel.reach(size);
                panel
            };
            vec![panel((300, 100)), panel((300, 100)), panel((300, 250))]
        };
        assert_eq!(Scene::in_columns(panels(), Width::Page).size(), (300 + BETWEEN + 300, 250));
        assert_eq!(Scene::in_columns(panels(), Width::Column).size(), (300, 450 + BETWEEN));
    }
}
