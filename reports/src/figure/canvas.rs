//! Drawing tools of all figures: axes, marks, lines, error bars and the legend, in pixels on one area.
//!
//! Series differ in shape or dash as well as in colour, so that a figure can be read without colours.

use std::cell::RefCell;
use std::sync::Once;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, Ticks};
use super::definition::FigureDefinition;

/// Width and height in pixels. They are large because coordinates in the SVG are whole numbers.
pub(crate) const SIZE: (u32, u32) = (1200, 1000);
pub(super) const MARGIN: i32 = 24;
pub(super) const HEADER: i32 = 104;
pub(super) const CAPTION_SIZE: f64 = 20.0;
const LABEL_SIZE: f64 = 24.0;

/// Height of a line of a name on an axis.
const NAME_LINE: i32 = 22;
/// Pixels that a number on an axis needs, including some distance to the next.
const LABEL_ROOM: usize = 80;

/// Font family in the SVG. The embedded DejaVu Sans measures texts, and draws them in a PNG.
pub(crate) const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);
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

/// A place on the figure, from its upper left corner.
pub(crate) type Pixel = (i32, i32);

/// The outline of a mark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Triangle,
    Square,
    Diamond,
}

/// How a point is drawn.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub shape: Shape,
    pub colour: RGBColor,
    /// Half its width in pixels.
    pub radius: i32,
}

/// Lengths in pixels of the strokes and gaps of a line; empty for a solid line.
pub(crate) type Dash = &'static [f64];

pub(super) const SOLID: Dash = &[];
pub(crate) const DASHES: [Dash; 4] = [SOLID, &[14.0, 8.0], &[3.0, 6.0], &[16.0, 6.0, 3.0, 6.0]];

/// The slanted lines that fill a bar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hatch {
    None,
    Rising,
    Falling,
}

/// The sample before a name in the legend.
pub(super) enum Sample {
    Mark(Mark),
    /// A mark with its error bar along an axis.
    Bar(Mark),
    Line(RGBColor, Dash),
    Band(RGBColor),
    Fill(RGBColor, Hatch),
}

/// The area within the axes.
pub(super) struct Plot<DB: DrawingBackend> {
    area: DrawingArea<DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
}

impl<DB: DrawingBackend> Plot<DB> {
    /// Converts a point in the coordinates of the axes to a pixel.
    pub fn at(&self, point: (f64, f64)) -> Pixel {
        self.area.map_coordinate(&point)
    }
}

/// The figure that is being drawn.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    pub root: &'a DrawingArea<DB, Shift>,
    /// Width and height for axes, labels and plot, in pixels.
    pub plot_size: (u32, u32),
    /// The marks that stand for one architecture each, in the order of drawing.
    pub placed: RefCell<Vec<Placed>>,
}

/// The place of an architecture in a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub seed: u64,
    pub architecture: u32,
    pub at: Pixel,
}

impl<DB: DrawingBackend> Canvas<'_, DB>
where
    DB::ErrorType: 'static,
{
    /// Draws the axes. `right` pixels beside the plot stay free for notes.
    pub fn axes(&self, definition: &FigureDefinition, x: Axis, y: Axis, right: i32) -> Result<Plot<DB>> {
        let left = match y.ticks {
            Ticks::Names(names) => 60 + widest(names)?,
            _ => 104,
        };
        let area = self.root.clone().shrink((MARGIN, HEADER), self.plot_size);
        // Long names leave little room.
        let x_labels = (self.plot_size.0 as i32 - left - right).max(0) as usize / LABEL_ROOM;
        let (x_format, y_format) = (x.format(), y.format());
        let mut chart = ChartBuilder::on(&area)
            .margin_right(right)
            .x_label_area_size(76)
            .y_label_area_size(left)
            .build_cartesian_2d(x.range, y.range)?;
        let mut mesh = chart.configure_mesh();
        if let Ticks::Names(_) = y.ticks {
            mesh.disable_y_mesh().set_tick_mark_size(LabelAreaPosition::Left, 0);
        }
        mesh.bold_line_style(GRID)
            .max_light_lines(1)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .x_labels(x_labels.clamp(3, 9))
            .y_labels(9)
            .x_label_formatter(&x_format)
            .y_label_formatter(&y_format)
            .label_style(text_style(LABEL_SIZE, INK))
            .x_desc(&definition.x_label)
            .y_desc(&definition.y_label)
            .axis_desc_style(text_style(LABEL_SIZE, INK))
            .draw()?;
        let plot = Plot { area: chart.plotting_area().clone() };
        if let Ticks::Names(names) = y.ticks {
            let (edge, _) = plot.area.get_pixel_range();
            for (place, name) in names.iter().enumerate() {
                let (_, height) = plot.at((0.0, place as f64));
                let last = name.lines().count() as i32 - 1;
                for (line, text) in (0..).zip(name.lines()) {
                    let height = height + (2 * line - last) * NAME_LINE / 2;
                    self.text(text, (edge.start - 12, height), HPos::Right, VPos::Center)?;
                }
            }
        }
        Ok(plot)
    }

    /// A text of the caption's size.
    pub fn text(&self, text: &str, at: Pixel, horizontal: HPos, vertical: VPos) -> Result<()> {
        let style = text_style(CAPTION_SIZE, INK).pos(Pos::new(horizontal, vertical));
        Ok(self.root.draw_text(text, &style, at)?)
    }

    /// A heading above the notes at the right.
    pub fn heading(&self, text: &str) -> Result<()> {
        self.text(text, (SIZE.0 as i32 - MARGIN, HEADER - 20), HPos::Right, VPos::Center)
    }

    /// A note beside the plot, at the right end of a row: `end` holds the end of the x axis and the place of the row.
    pub fn note(&self, plot: &Plot<DB>, end: (f64, f64), text: &str) -> Result<()> {
        let (edge, height) = plot.at(end);
        self.text(text, (edge + 12, height), HPos::Left, VPos::Center)
    }

    /// A line at x = 0, across some rows.
    pub fn zero_line(&self, plot: &Plot<DB>, rows: usize) -> Result<()> {
        let ends = [plot.at((0.0, -0.6)), plot.at((0.0, rows as f64 - 0.4))];
        self.line(&ends, INK, 2, SOLID)
    }

    /// The title, in the middle at the top.
    pub fn title(&self, title: &str) -> Result<()> {
        let style = text_style(32.0, INK).pos(Pos::new(HPos::Center, VPos::Top));
        Ok(self.root.draw_text(title, &style, (SIZE.0 as i32 / 2, MARGIN))?)
    }

    /// A filled area.
    pub fn fill(&self, outline: Vec<Pixel>, colour: RGBAColor) -> Result<()> {
        Ok(self.root.draw(&Polygon::new(outline, colour.filled()))?)
    }

    /// A line through the points.
    pub fn line(&self, points: &[Pixel], colour: RGBColor, width: u32, dash: Dash) -> Result<()> {
        let style = colour.stroke_width(width);
        for stroke in strokes(points, dash) {
            self.root.draw(&PathElement::new(stroke, style))?;
        }
        Ok(())
    }

    /// A point that stands for an architecture of a root seed.
    pub fn architecture(&self, (seed, architecture): (u64, u32), at: Pixel, mark: Mark) -> Result<()> {
        self.placed.borrow_mut().push(Placed { seed, architecture, at });
        self.mark(at, mark)
    }

    /// A point.
    pub fn mark(&self, (x, y): Pixel, mark: Mark) -> Result<()> {
        let Mark { shape, colour, radius } = mark;
        let style = colour.mix(0.8);
        let outline = match shape {
            Shape::Circle => return Ok(self.root.draw(&Circle::new((x, y), radius, style.filled()))?),
            Shape::Triangle => vec![(x, y - radius - 1), (x + radius + 1, y + radius), (x - radius - 1, y + radius)],
            Shape::Square => vec![
                (x - radius, y - radius),
                (x + radius, y - radius),
                (x + radius, y + radius),
                (x - radius, y + radius),
            ],
            Shape::Diamond => {
                let far = radius + 2;
                vec![(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
            }
        };
        self.fill(outline, style)
    }

    /// An error bar with caps, between two points in one column or row.
    pub fn error_bar(&self, from: Pixel, to: Pixel, colour: RGBColor) -> Result<()> {
        self.line(&[from, to], colour, 2, SOLID)?;
        let cap = if from.0 == to.0 { (6, 0) } else { (0, 6) };
        for (x, y) in [from, to] {
            self.line(&[(x - cap.0, y - cap.1), (x + cap.0, y + cap.1)], colour, 2, SOLID)?;
        }
        Ok(())
    }

    /// The error bar of an architecture. In a crowd it is a faint line without ends.
    pub fn architecture_bar(&self, from: Pixel, to: Pixel, colour: RGBColor, is_crowd: bool) -> Result<()> {
        if !is_crowd {
            return self.error_bar(from, to, colour);
        }
        Ok(self.root.draw(&PathElement::new(vec![from, to], colour.mix(0.2).stroke_width(1)))?)
    }

    /// A bar between two corners, with its outline.
    pub fn bar(&self, corners: [Pixel; 2], colour: RGBColor, hatch: Hatch) -> Result<()> {
        let [left, right] = [corners[0].0.min(corners[1].0), corners[0].0.max(corners[1].0)];
        let [top, bottom] = [corners[0].1.min(corners[1].1), corners[0].1.max(corners[1].1)];
        let corners = [(left, top), (right, bottom)];
        self.root.draw(&Rectangle::new(corners, colour.mix(0.25).filled()))?;
        let height = bottom - top;
        let starts = if hatch == Hatch::None { right..right } else { left - height..right };
        for start in starts.step_by(10) {
            // The lines go right and up, or right and down, at 45 degrees, and are cut off at both sides.
            let ends = [start.max(left), (start + height).min(right)].map(|x| match hatch {
                Hatch::Falling => (x, top + (x - start)),
                _ => (x, bottom - (x - start)),
            });
            self.line(&ends, colour, 1, SOLID)?;
        }
        Ok(self.root.draw(&Rectangle::new(corners, colour.stroke_width(2)))?)
    }

    /// One row below the title, outside the plot, so that it never covers a point.
    pub fn legend(&self, entries: &[(Sample, String)]) -> Result<()> {
        let y = HEADER - 20;
        let mut x = 128;
        for (sample, name) in entries {
            let (text, step) = match sample {
                Sample::Mark(_) => (16, 48),
                Sample::Bar(_) => (30, 74),
                _ => (46, 90),
            };
            match *sample {
                Sample::Mark(mark) => self.mark((x, y), mark)?,
                Sample::Bar(mark) => {
                    self.error_bar((x - 18, y), (x + 18, y), mark.colour)?;
                    self.mark((x, y), mark)?;
                }
                Sample::Line(colour, dash) => self.line(&[(x, y), (x + 36, y)], colour, 3, dash)?,
                Sample::Band(colour) => {
                    let corners = [(x, y - 9), (x + 36, y + 9)];
                    self.root.draw(&Rectangle::new(corners, colour.mix(0.15).filled()))?;
                }
                Sample::Fill(colour, hatch) => self.bar([(x, y - 9), (x + 36, y + 9)], colour, hatch)?,
            }
            self.text(name, (x + text, y), HPos::Left, VPos::Center)?;
            x += step + text_width(name)?;
        }
        Ok(())
    }
}

/// The mark of the series with this index. Shapes and colours repeat with different periods.
pub(super) fn series_mark(index: usize) -> Mark {
    let shapes = [Shape::Circle, Shape::Triangle, Shape::Square, Shape::Diamond];
    Mark { shape: shapes[index % shapes.len()], colour: COLOURS[index % COLOURS.len()], radius: 7 }
}

/// Number of architectures of a root seed from which points are small and error bars faint.
const CROWD: usize = 150;

/// The mark of a series of points, small if there are many, and whether there are many.
pub(super) fn mark_of_many(index: usize, points: usize) -> (Mark, bool) {
    let is_crowd = points >= CROWD;
    let mark = series_mark(index);
    (Mark { radius: if is_crowd { 4 } else { mark.radius }, ..mark }, is_crowd)
}

/// Cuts a polyline into the strokes of a dash.
pub(crate) fn strokes(points: &[Pixel], dash: Dash) -> Vec<Vec<Pixel>> {
    if dash.is_empty() {
        return vec![points.to_vec()];
    }
    let round = |(x, y): (f64, f64)| (x.round() as i32, y.round() as i32);
    let mut strokes: Vec<Vec<Pixel>> = Vec::new();
    let (mut part, mut left) = (0, dash[0]);
    for (from, to) in points.iter().zip(points.iter().skip(1)) {
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while done < length {
            let step = left.min(length - done);
            let at = |way: f64| round((f64::from(from.0) + dx * way / length, f64::from(from.1) + dy * way / length));
            if part % 2 == 0 {
                strokes.push(vec![at(done), at(done + step)]);
            }
            done += step;
            left -= step;
            if left <= 0.0 {
                part = (part + 1) % dash.len();
                left = dash[part];
            }
        }
    }
    strokes
}

pub(crate) fn text_style(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(&colour)
}

/// Width in pixels of a text of the caption's size.
pub(super) fn text_width(text: &str) -> Result<i32> {
    let ((left, _), (right, _)) = (FONT, CAPTION_SIZE).into_font().layout_box(text)?;
    Ok(right - left)
}

/// Width in pixels of the longest line of some texts.
pub(super) fn widest(texts: &[String]) -> Result<i32> {
    let widths: Vec<i32> = texts.iter().flat_map(|text| text.lines()).map(text_width).collect::<Result<_>>()?;
    Ok(widths.into_iter().max().unwrap_or(0))
}

/// Registers the embedded font, so that no figure depends on the fonts of a machine.
pub(crate) fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registered = plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        assert!(registered.is_ok(), "the embedded font does not parse");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_carried_over_corners_and_a_solid_line_is_one_stroke() {
        let corner = [(0, 0), (10, 0), (10, 10)];
        assert_eq!(strokes(&corner, SOLID), [corner.to_vec()]);
        let dashed = strokes(&corner, &[4.0, 4.0]);
        assert_eq!(dashed, [[(0, 0), (4, 0)], [(8, 0), (10, 0)], [(10, 0), (10, 2)], [(10, 6), (10, 10)]]);
        assert_eq!(strokes(&[(3, 3), (3, 3)], &[4.0, 4.0]), Vec::<Vec<Pixel>>::new());
    }
}
