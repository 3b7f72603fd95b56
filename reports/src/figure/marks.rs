//! Marks, error bars and bars. Plots and legends draw the same ones.

use plotters::style::{Color, RGBAColor, RGBColor};

use crate::picture::shapes::{Point, SOLID};
use crate::picture::sheet::Sheet;

pub(super) const RED_LINE: RGBColor = RGBColor(0xC8, 0x10, 0x2E);

/// Okabe and Ito's colours, which colour-blind people can distinguish. The yellow is left out: it is too light on white.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x00, 0x00, 0x00),
];

/// Opacity of bands.
pub(super) const BAND: f64 = 0.18;

/// The outline of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkShape {
    Circle,
    Triangle,
    Square,
    Diamond,
}

pub(super) const MARK_SHAPES: [MarkShape; 4] =
    [MarkShape::Circle, MarkShape::Triangle, MarkShape::Square, MarkShape::Diamond];

/// How a point is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub shape: MarkShape,
    pub paint: RGBAColor,
    pub colour: RGBColor,
    /// Half its width in pixels.
    pub radius: f64,
}

impl Mark {
    pub const fn new(shape: MarkShape, colour: RGBColor, radius: f64) -> Self {
        Self { shape, paint: RGBAColor(colour.0, colour.1, colour.2, 0.85), colour, radius }
    }
}

/// The mark of the series with this index. Shapes and colours repeat with different periods.
fn series_mark(index: usize) -> Mark {
    Mark::new(MARK_SHAPES[index % MARK_SHAPES.len()], COLOURS[index % COLOURS.len()], 5.0)
}

/// Number of architectures of a root seed from which points are small and faint, and error bars faint.
const CROWD: usize = 150;

/// The mark of a series of points, small and faint if there are many, and whether there are many.
pub(super) fn mark_of_many(index: usize, points: usize) -> (Mark, bool) {
    let is_crowd = points >= CROWD;
    let mark = series_mark(index);
    match is_crowd {
        true => (Mark { radius: 3.0, paint: mark.colour.mix(0.5), ..mark }, true),
        false => (mark, false),
    }
}

/// Draws a mark at a point.
pub(super) fn draw_mark(sheet: &Sheet, (x, y): Point, Mark { shape, paint, radius, .. }: Mark) {
    // All shapes have about the same area.
    let outline = match shape {
        MarkShape::Circle => return sheet.circle((x, y), radius, paint),
        MarkShape::Triangle => {
            let far = 1.2 * radius;
            vec![(x, y - far), (x + far, y + 0.85 * far), (x - far, y + 0.85 * far)]
        }
        MarkShape::Square => {
            let far = 0.9 * radius;
            vec![(x - far, y - far), (x + far, y - far), (x + far, y + far), (x - far, y + far)]
        }
        MarkShape::Diamond => {
            let far = 1.3 * radius;
            vec![(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
        }
    };
    sheet.fill(&outline, paint);
}

/// Draws an error bar with caps, or a faint line in a crowd.
pub(super) fn draw_error_bar(sheet: &Sheet, from: Point, to: Point, colour: RGBColor, is_crowd: bool) {
    if is_crowd {
        return sheet.line(&[from, to], colour.mix(0.25), 1.0, SOLID);
    }
    sheet.line(&[from, to], colour, 1.75, SOLID);
    let cap = if from.0 == to.0 { (5.0, 0.0) } else { (0.0, 5.0) };
    for (x, y) in [from, to] {
        sheet.line(&[(x - cap.0, y - cap.1), (x + cap.0, y + cap.1)], colour, 1.75, SOLID);
    }
}

/// The slanted lines that fill a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hatch {
    None,
    Rising,
    Falling,
}

/// Draws a bar between two corners, with its outline.
pub(super) fn draw_bar(sheet: &Sheet, corners: [Point; 2], colour: RGBColor, hatch: Hatch) {
    let [left, right] = [corners[0].0.min(corners[1].0), corners[0].0.max(corners[1].0)];
    let [top, bottom] = [corners[0].1.min(corners[1].1), corners[0].1.max(corners[1].1)];
    let outline = [(left, top), (right, top), (right, bottom), (left, bottom)];
    sheet.fill(&outline, colour.mix(0.25));
    let height = bottom - top;
    let mut start = if hatch == Hatch::None { right } else { left - height };
    while start < right {
        // The lines go right and up, or right and down, at 45 degrees, and are cut off at both sides.
        let ends = [start.max(left), (start + height).min(right)].map(|x| match hatch {
            Hatch::Falling => (x, top + (x - start)),
            _ => (x, bottom - (x - start)),
        });
        sheet.line(&ends, colour, 1.0, SOLID);
        start += 9.0;
    }
    let around: Vec<Point> = outline.iter().chain(&outline[..1]).copied().collect();
    sheet.line(&around, colour, 1.75, SOLID);
}
