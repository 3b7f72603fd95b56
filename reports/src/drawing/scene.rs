//! A drawing as a list of shapes, which can stand beside others and is written as SVG or PNG.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use results::store::files::write_by;

use crate::figure::canvas::{DASHES, FONT, INK, Pixel, register_font, strokes, text_style};

/// Largest number of pixels of a PNG image: 400 MB in memory.
const MOST_PIXELS: u64 = 1 << 27;
/// Pixels around the whole drawing.
const MARGIN: i32 = 24;
/// Sizes of titles and of all other text, in pixels.
const TITLE_SIZE: f64 = 30.0;
const TEXT_SIZE: f64 = 17.0;
/// Pixels from one line of a label to the next.
pub(super) const LINE: i32 = 22;
/// Length and half the width of an arrow's head, in pixels.
const HEAD: (f64, f64) = (11.0, 5.0);

/// Fill of an op, light enough for text.
pub(super) const SHADE: RGBColor = RGBColor(0xEA, 0xEA, 0xEA);

/// A drawing.
#[derive(Clone, Default)]
pub struct Scene {
    /// Width and height in pixels.
    size: Pixel,
    shapes: Vec<Shape>,
}

#[derive(Clone)]
enum Shape {
    /// A line through points, with a width in pixels.
    Line(Vec<Pixel>, u32),
    /// A filled outline.
    Fill(Vec<Pixel>, RGBColor),
    Text(String, Pixel, HPos, VPos, f64),
}

impl Scene {
    /// The drawing as an SVG document.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn svg(&self) -> Result<Vec<u8>> {
        let mut document = String::new();
        let backend = SVGBackend::with_string(&mut document, self.pixels());
        self.draw(&backend.into_drawing_area())?;
        Ok(document.into_bytes())
    }

    /// Writes the drawing as a PNG image.
    ///
    /// # Errors
    /// If it cannot be drawn, has too many pixels, or the file system refuses.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        let (width, height) = self.pixels();
        ensure!(
            u64::from(width) * u64::from(height) <= MOST_PIXELS,
            "{}: the drawing has {width} by {height} pixels, expected at most {MOST_PIXELS} in all; SVG has no such limit",
            path.display()
        );
        write_by(path, |unfinished| {
            let backend = BitMapBackend::new(unfinished, self.pixels());
            self.draw(&backend.into_drawing_area()).with_context(|| format!("{}: cannot write", path.display()))
        })
    }

    fn pixels(&self) -> (u32, u32) {
        (self.size.0.max(1).unsigned_abs(), self.size.1.max(1).unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, root: &DrawingArea<DB, Shift>) -> Result<()>
    where
        DB::ErrorType: 'static,
    {
        register_font();
        root.fill(&WHITE)?;
        for shape in &self.shapes {
            match shape {
                Shape::Line(points, width) => {
                    root.draw(&PathElement::new(points.clone(), INK.stroke_width(*width)))?;
                }
                Shape::Fill(outline, colour) => root.draw(&Polygon::new(outline.clone(), colour.filled()))?,
                Shape::Text(text, at, horizontal, vertical, size) => {
                    let style = text_style(*size, INK).pos(Pos::new(*horizontal, *vertical));
                    root.draw_text(text, &style, *at)?;
                }
            }
        }
        root.present()?;
        Ok(())
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> Pixel {
        self.size
    }

    /// Makes the drawing at least this large.
    pub(super) fn reach(&mut self, (x, y): Pixel) {
        self.size = (self.size.0.max(x), self.size.1.max(y));
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: Vec<Pixel>, width: u32) {
        for &(x, y) in &points {
            self.reach((x + 1, y + 1));
        }
        self.shapes.push(Shape::Line(points, width));
    }

    /// A line of short strokes.
    pub(super) fn dashed(&mut self, points: &[Pixel]) {
        for stroke in strokes(points, DASHES[2]) {
            self.line(stroke, 1);
        }
    }

    /// The head of an arrow that points to the second of two points.
    pub(super) fn arrow_head(&mut self, from: Pixel, to: Pixel) {
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy).max(1.0);
        let (dx, dy) = (dx / length, dy / length);
        let corner = |side: f64| {
            let x = f64::from(to.0) - HEAD.0 * dx + side * HEAD.1 * dy;
            let y = f64::from(to.1) - HEAD.0 * dy - side * HEAD.1 * dx;
            (x.round() as i32, y.round() as i32)
        };
        self.fill(vec![to, corner(1.0), corner(-1.0)], INK);
    }

    /// A filled outline.
    pub(super) fn fill(&mut self, outline: Vec<Pixel>, colour: RGBColor) {
        for &point in &outline {
            self.reach(point);
        }
        self.shapes.push(Shape::Fill(outline, colour));
    }

    /// A filled box `[left, top, width, height]` with an outline and with corners of the given radius.
    pub(super) fn frame(&mut self, rectangle: [i32; 4], radius: i32, fill: RGBColor, outline: Outline) {
        let mut points = rounded(rectangle, radius);
        self.fill(points.clone(), fill);
        points.push(points[0]);
        match outline {
            Outline::Solid(width) => self.line(points, width),
            Outline::Dashed => self.dashed(&points),
        }
    }

    /// A text of the common size.
    pub(super) fn text(&mut self, text: &str, at: Pixel, horizontal: HPos, vertical: VPos) -> Result<()> {
        self.text_of_size(text, at, horizontal, vertical, TEXT_SIZE)
    }

    fn text_of_size(&mut self, text: &str, at: Pixel, horizontal: HPos, vertical: VPos, size: f64) -> Result<()> {
        let width = text_width(text, size)?;
        let right = match horizontal {
            HPos::Left => at.0 + width,
            HPos::Center => at.0 + width / 2 + 1,
            HPos::Right => at.0,
        };
        let height = size.ceil() as i32;
        let bottom = match vertical {
            VPos::Top => at.1 + height + 4,
            VPos::Center => at.1 + height / 2 + 2,
            VPos::Bottom => at.1,
        };
        self.reach((right, bottom));
        self.shapes.push(Shape::Text(text.to_owned(), at, horizontal, vertical, size));
        Ok(())
    }

    /// The lines of a label, centred on a point.
    pub(super) fn label(&mut self, lines: &[String], (x, y): Pixel) -> Result<()> {
        let first = y - LINE * (lines.len() as i32 - 1) / 2;
        for (line, row) in lines.iter().zip(0..) {
            self.text(line, (x, first + LINE * row), HPos::Center, VPos::Center)?;
        }
        Ok(())
    }

    /// Places another drawing on this one, with its upper left corner at a point.
    pub(super) fn place(&mut self, other: Scene, (left, top): Pixel) {
        let moved = |points: Vec<Pixel>| points.into_iter().map(|(x, y)| (x + left, y + top)).collect();
        self.reach((left + other.size.0, top + other.size.1));
        self.shapes.extend(other.shapes.into_iter().map(|shape| match shape {
            Shape::Line(points, width) => Shape::Line(moved(points), width),
            Shape::Fill(outline, colour) => Shape::Fill(moved(outline), colour),
            Shape::Text(text, (x, y), horizontal, vertical, size) => {
                Shape::Text(text, (x + left, y + top), horizontal, vertical, size)
            }
        }));
    }

    /// Adds a title above the middle of the drawing, and a margin around both.
    pub(super) fn titled(self, title: &str) -> Result<Self> {
        let width = self.size.0.max(text_width(title, TITLE_SIZE)?);
        let mut whole = Self::default();
        let middle = MARGIN + width / 2;
        whole.text_of_size(title, (middle, MARGIN), HPos::Center, VPos::Top, TITLE_SIZE)?;
        let left = MARGIN + (width - self.size.0) / 2;
        whole.place(self, (left, MARGIN + 60));
        whole.reach((width + 2 * MARGIN, whole.size.1 + MARGIN));
        Ok(whole)
    }

    /// Adds facts in lines below the drawing, as wide as it is.
    ///
    /// # Errors
    /// If a fact cannot be measured.
    pub fn captioned(mut self, facts: &[String]) -> Result<Self> {
        let mut lines: Vec<String> = Vec::new();
        for fact in facts {
            let longer = lines.last().map(|line| format!("{line} · {fact}"));
            match longer {
                Some(longer) if width_of(&longer)? <= self.size.0 - 2 * MARGIN => {
                    lines.pop();
                    lines.push(longer);
                }
                _ => lines.push(fact.clone()),
            }
        }
        for line in lines {
            let top = self.size.1;
            self.text(&line, (MARGIN, top), HPos::Left, VPos::Top)?;
        }
        self.reach((0, self.size.1 + MARGIN));
        Ok(self)
    }

    /// The texts with their boxes, `[left, top, width, height]`.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<(String, [i32; 4])> {
        let of = |shape: &Shape| {
            let Shape::Text(text, (x, y), horizontal, vertical, size) = shape else {
                return None;
            };
            let (width, height) = (text_width(text, *size).unwrap(), *size as i32);
            let left = match horizontal {
                HPos::Left => *x,
                HPos::Center => x - width / 2,
                HPos::Right => x - width,
            };
            let top = match vertical {
                VPos::Top => *y,
                VPos::Center => y - height / 2,
                VPos::Bottom => y - height,
            };
            Some((text.clone(), [left, top, width, height]))
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
    Solid(u32),
    /// Short strokes.
    Dashed,
}

/// Width in pixels of a text of the common size.
pub(super) fn width_of(text: &str) -> Result<i32> {
    text_width(text, TEXT_SIZE)
}

fn text_width(text: &str, size: f64) -> Result<i32> {
    register_font();
    let ((left, _), (right, _)) = (FONT, size).into_font().layout_box(text)?;
    Ok(right - left)
}

/// The outline of a box with round corners.
fn rounded([left, top, width, height]: [i32; 4], radius: i32) -> Vec<Pixel> {
    let radius = radius.min(width / 2).min(height / 2);
    let (right, bottom) = (left + width, top + height);
    // Centres of the corners, and the start of their quarter circles in degrees, clockwise from the right.
    let corners = [
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
        (right - radius, top + radius, 270),
    ];
    let mut points: Vec<Pixel> = corners
        .iter()
        .flat_map(|&(x, y, start)| {
            let steps = if radius == 0 { 0..=0 } else { 0..=6 };
            steps.map(move |step| {
                let angle = f64::from(start + 15 * step).to_radians();
                let at = |centre: i32, part: f64| centre + (f64::from(radius) * part).round() as i32;
                (at(x, angle.cos()), at(y, angle.sin()))
            })
        })
        .collect();
    points.dedup();
    points
}

/// A circle as an outline.
pub(super) fn circle((x, y): Pixel, radius: i32) -> Vec<Pixel> {
    rounded([x - radius, y - radius, 2 * radius, 2 * radius], radius)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_put_onto_another_makes_room_for_itself() {
        let mut part = Scene::default();
        part.line(vec![(0, 0), (9, 19)], 1);
        let mut whole = Scene::default();
        whole.place(part, (100, 50));
        assert_eq!(whole.size(), (110, 70));
        let titled = whole.titled("A title").unwrap();
        assert!(titled.size().0 >= 110 + 2 * MARGIN && titled.size().1 >= 70 + 2 * MARGIN);
        titled.assert_legible();
    }

    #[test]
    fn an_image_of_too_many_pixels_is_refused() {
        let mut scene = Scene::default();
        scene.reach((20_000, 20_000));
        let error = scene.write_png(Path::new("never.png")).unwrap_err().to_string();
        assert!(error.starts_with("never.png: the drawing has 20000 by 20000 pixels, expected at most "), "{error}");
    }

    #[test]
    fn equal_drawings_are_equal_bytes() {
        let drawn = || {
            let mut scene = Scene::default();
            scene.frame([5, 5, 60, 30], 8, WHITE, Outline::Dashed);
            scene.arrow_head((0, 0), (10, 40));
            scene.text("3x3 & <more>", (20, 20), HPos::Left, VPos::Top).unwrap();
            scene.svg().unwrap()
        };
        assert_eq!(drawn(), drawn());
        let text = String::from_utf8(drawn()).unwrap();
        assert!(text.contains("3x3 &amp; &lt;more&gt;"), "{text}");
    }
}
