//! The samples of a legend. Each has the shape, size, dash and colour that the plot has.

use crate::picture::font::text_width;
use crate::picture::shapes::{Colour, Dash, Point, Shape};

use super::marks::{BAND, Hatch, Mark, Outline, bar_shapes, error_bar_shapes, mark_shape};

/// Width in pixels of lines and bands of a plot.
pub(super) const LINE_WIDTH: f64 = 2.5;

/// Size of the text beside a sample, as of all common text.
const TEXT_SIZE: f64 = 16.0;
/// Pixels between a sample and its name, and between two entries.
const GAPS: f64 = 8.0 + 24.0;

/// The sample before a name in the legend.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    Mark(Mark),
    /// A mark with its error bar in a row, faint in a crowd.
    Across(Mark, bool),
    /// A mark with its error bar in a column, faint in a crowd.
    Upright(Mark, bool),
    /// A line, perhaps with marks on it and a band around it.
    Course {
        line: (Colour, Dash),
        mark: Option<Mark>,
        has_band: bool,
    },
    /// A band, with an opacity.
    Band(Colour, f64),
    Fill(Colour, Hatch),
}

impl Sample {
    /// A line without marks or a band.
    pub fn line(colour: Colour, dash: Dash) -> Self {
        Self::Course { line: (colour, dash), mark: None, has_band: false }
    }

    /// Width in pixels.
    pub fn width(&self) -> f64 {
        match self {
            Self::Mark(_) | Self::Upright(..) => 14.0,
            Self::Across(..) | Self::Fill(..) => 32.0,
            // Two periods of every dash.
            Self::Course { .. } | Self::Band(..) => 58.0,
        }
    }

    /// The shapes, to the right of a point.
    pub fn shapes(&self, (x, y): Point) -> Vec<Shape> {
        let (middle, right) = (x + self.width() / 2.0, x + self.width());
        let area = |colour: Colour, opacity| {
            let outline = vec![(x, y - 8.0), (right, y - 8.0), (right, y + 8.0), (x, y + 8.0)];
            Shape::Area(outline, colour.with(opacity))
        };
        match *self {
            Self::Mark(mark) => vec![mark_shape((middle, y), mark)],
            Self::Across(mark, is_crowd) => {
                let mut shapes = error_bar_shapes((x, y), (right, y), mark.colour, is_crowd);
                shapes.push(mark_shape((middle, y), mark));
                shapes
            }
            Self::Upright(mark, is_crowd) => {
                let mut shapes = error_bar_shapes((middle, y - 10.0), (middle, y + 10.0), mark.colour, is_crowd);
                shapes.push(mark_shape((middle, y), mark));
                shapes
            }
            Self::Course { line: (colour, dash), mark, has_band } => {
                let mut shapes: Vec<Shape> = has_band.then(|| area(colour, BAND)).into_iter().collect();
                shapes.push(Shape::Line(vec![(x, y), (right, y)], colour.into(), LINE_WIDTH, dash));
                shapes.extend(mark.map(|mark| mark_shape((middle, y), mark)));
                shapes
            }
            Self::Band(colour, opacity) => vec![area(colour, opacity)],
            Self::Fill(colour, hatch) => bar_shapes([(x, y - 8.0), (right, y + 8.0)], Outline { colour, hatch }),
        }
    }
}

/// The entries in rows of at most this width, each with its distance from the left.
pub(super) fn legend_rows(entries: &[(Sample, String)], width: f64) -> Vec<Vec<(f64, &(Sample, String))>> {
    let mut rows: Vec<Vec<(f64, &(Sample, String))>> = Vec::new();
    let mut right = f64::INFINITY;
    for entry in entries {
        let of_entry = entry.0.width() + GAPS + text_width(&entry.1, TEXT_SIZE);
        // The gap after the last entry of a row may be cut off.
        if right + of_entry - 24.0 > width {
            rows.push(Vec::new());
            right = 0.0;
        }
        rows.last_mut().expect("a row was begun").push((right, entry));
        right += of_entry;
    }
    rows
}
