//! Boxes, lines and text at places in pixels, drawn to SVG or PNG like all figures.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::layout::Point;
use crate::figure::canvas::{FONT, INK, register_font};

/// Size of text in pixels.
pub const TEXT: f64 = 18.0;
/// Height of a line of text.
pub const LINE: i32 = 23;
/// Size of titles.
pub const TITLE: f64 = 24.0;
const MARGIN: i32 = 24;
/// Fills of boxes; they differ in lightness, so that a print tells them apart.
pub const WHITE_FILL: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
/// The second lightest.
pub const LIGHT_FILL: RGBColor = RGBColor(0xE3, 0xEC, 0xF4);

/// What is drawn.
#[derive(Clone)]
enum Item {
    Box {
        corners: [Point; 2],
        fill: RGBColor,
        outlined: bool,
    },
    Line {
        points: Vec<Point>,
        colour: RGBColor,
        width: u32,
    },
    Polygon {
        points: Vec<Point>,
        fill: RGBColor,
    },
    Text {
        text: String,
        at: Point,
        size: f64,
        anchor: HPos,
    },
}

/// A drawing.
#[derive(Clone, Default)]
pub struct Scene {
    items: Vec<Item>,
    /// Lower right corner of all that is drawn.
    reach: Point,
}

/// Width of a text of the usual size, in pixels.
pub fn text_width(text: &str) -> i32 {
    register_font();
    let measured = (FONT, TEXT).into_font().layout_box(text);
    // The embedded font measures every text.
    measured.map_or(0, |((left, _), (right, _))| right - left)
}

impl Scene {
    fn reach(&mut self, (x, y): Point) {
        self.reach = (self.reach.0.max(x), self.reach.1.max(y));
    }

    /// Width and height of all that is drawn, from the origin.
    pub fn extent(&self) -> Point {
        self.reach
    }

    /// A filled box with or without an outline.
    pub fn rectangle(&mut self, corners: [Point; 2], fill: RGBColor, outlined: bool) {
        self.reach(corners[1]);
        self.items.push(Item::Box {
            corners,
            fill,
            outlined,
        });
    }

    /// A line through some points.
    pub fn line(&mut self, points: Vec<Point>, colour: RGBColor, width: u32) {
        points.iter().for_each(|&point| self.reach(point));
        self.items.push(Item::Line { points, colour, width });
    }

    /// A line with an arrow head at its end.
    pub fn arrow(&mut self, points: Vec<Point>) {
        if let [.., before, end] = points[..] {
            let (dx, dy) = (f64::from(end.0 - before.0), f64::from(end.1 - before.1));
            let length = dx.hypot(dy).max(1.0);
            let (dx, dy) = (dx / length, dy / length);
            let at = |along: f64, across: f64| {
                let x = f64::from(end.0) - along * dx - across * dy;
                let y = f64::from(end.1) - along * dy + across * dx;
                (x.round() as i32, y.round() as i32)
            };
            let fill = INK;
            let points = vec![end, at(10.0, 4.5), at(10.0, -4.5)];
            self.items.push(Item::Polygon { points, fill });
        }
        self.line(points, INK, 1);
    }

    /// A filled shape.
    pub fn polygon(&mut self, points: Vec<Point>, fill: RGBColor) {
        points.iter().for_each(|&point| self.reach(point));
        self.items.push(Item::Polygon { points, fill });
    }

    /// Text whose anchor is half-way up.
    pub fn text(&mut self, text: &str, at: Point, anchor: HPos) {
        let width = text_width(text);
        let right = match anchor {
            HPos::Left => width,
            HPos::Center => width / 2,
            HPos::Right => 0,
        };
        self.reach((at.0 + right, at.1 + LINE / 2));
        self.items.push(Item::Text {
            text: text.to_owned(),
            at,
            size: TEXT,
            anchor,
        });
    }

    /// A title; its anchor is half-way up its left side.
    pub fn title(&mut self, text: &str, at: Point) {
        let width = (f64::from(text_width(text)) * TITLE / TEXT).ceil() as i32;
        self.reach((at.0 + width, at.1 + LINE / 2));
        self.items.push(Item::Text {
            text: text.to_owned(),
            at,
            size: TITLE,
            anchor: HPos::Left,
        });
    }

    /// Puts another drawing in, moved.
    pub fn place(&mut self, other: Scene, (dx, dy): Point) {
        let moved = |(x, y): Point| (x + dx, y + dy);
        self.reach(moved(other.reach));
        let all = |points: Vec<Point>| points.into_iter().map(moved).collect();
        self.items.extend(other.items.into_iter().map(|item| match item {
            Item::Box {
                corners,
                fill,
                outlined,
            } => Item::Box {
                corners: corners.map(moved),
                fill,
                outlined,
            },
            Item::Line { points, colour, width } => Item::Line {
                points: all(points),
                colour,
                width,
            },
            Item::Polygon { points, fill } => Item::Polygon {
                points: all(points),
                fill,
            },
            Item::Text { text, at, size, anchor } => Item::Text {
                text,
                at: moved(at),
                size,
                anchor,
            },
        }));
    }

    /// A line of text under all that is drawn.
    pub fn caption(&mut self, text: &str) {
        let y = self.reach.1 + 3 * LINE / 2;
        self.text(text, (0, y), HPos::Left);
    }

    fn size(&self) -> (u32, u32) {
        let side = |reach: i32| (reach + 2 * MARGIN).max(1) as u32;
        (side(self.reach.0), side(self.reach.1))
    }

    /// As an SVG document.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn svg(&self) -> Result<Vec<u8>> {
        let mut document = String::new();
        self.draw(SVGBackend::with_string(&mut document, self.size()).into_drawing_area())?;
        Ok(document.into_bytes())
    }

    /// Writes a PNG image.
    ///
    /// # Errors
    /// If it cannot be drawn, or the file system refuses.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        let unfinished = path.with_extension("writing.png");
        self.draw(BitMapBackend::new(&unfinished, self.size()).into_drawing_area())?;
        fs::rename(&unfinished, path).with_context(|| format!("{}: cannot write", path.display()))
    }

    fn draw<DB: DrawingBackend>(&self, root: DrawingArea<DB, Shift>) -> Result<()>
    where
        DB::ErrorType: 'static,
    {
        register_font();
        root.fill(&WHITE)?;
        let moved = |(x, y): Point| (x + MARGIN, y + MARGIN);
        let all = |points: &[Point]| points.iter().copied().map(moved).collect::<Vec<Point>>();
        for item in &self.items {
            match item {
                Item::Box {
                    corners,
                    fill,
                    outlined,
                } => {
                    let corners = corners.map(moved);
                    root.draw(&Rectangle::new(corners, fill.filled()))?;
                    if *outlined {
                        root.draw(&Rectangle::new(corners, INK.stroke_width(1)))?;
                    }
                }
                Item::Line { points, colour, width } => {
                    root.draw(&PathElement::new(all(points), colour.stroke_width(*width)))?;
                }
                Item::Polygon { points, fill } => root.draw(&Polygon::new(all(points), fill.filled()))?,
                Item::Text { text, at, size, anchor } => {
                    let style = (FONT, *size)
                        .into_font()
                        .color(&INK)
                        .pos(Pos::new(*anchor, VPos::Center));
                    root.draw_text(text, &style, moved(*at))?;
                }
            }
        }
        root.present()?;
        Ok(())
    }
}
