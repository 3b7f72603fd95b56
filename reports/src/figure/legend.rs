//! The samples of a legend. Each has the shape, size, dash and colour that the plot has.

use plotters::style::{Color, RGBColor};

use crate::picture::font::text_width;
use crate::picture::shapes::{Dash, Point};
use crate::picture::sheet::Sheet;

use super::marks::{BAND, Hatch, Mark, draw_bar, draw_error_bar, draw_mark};

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
        line: (RGBColor, Dash),
        mark: Option<Mark>,
        has_band: bool,
    },
    /// A band, with an opacity.
    Band(RGBColor, f64),
    Fill(RGBColor, Hatch),
}

impl Sample {
    /// A line without marks or a band.
    pub fn line(colour: RGBColor, dash: Dash) -> Self {
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

    /// Draws the sample to the right of a point.
    pub fn draw(&self, sheet: &Sheet, (x, y): Point) {
        let (middle, right) = (x + self.width() / 2.0, x + self.width());
        let area = |colour: RGBColor, opacity| {
            let outline = [(x, y - 8.0), (right, y - 8.0), (right, y + 8.0), (x, y + 8.0)];
            sheet.fill(&outline, colour.mix(opacity));
        };
        match *self {
            Self::Mark(mark) => draw_mark(sheet, (middle, y), mark),
            Self::Across(mark, is_crowd) => {
                draw_error_bar(sheet, (x, y), (right, y), mark.colour, is_crowd);
                draw_mark(sheet, (middle, y), mark);
            }
            Self::Upright(mark, is_crowd) => {
                draw_error_bar(sheet, (middle, y - 10.0), (middle, y + 10.0), mark.colour, is_crowd);
                draw_mark(sheet, (middle, y), mark);
            }
            Self::Course { line: (colour, dash), mark, has_band } => {
                if has_band {
                    area(colour, BAND);
                }
                sheet.line(&[(x, y), (right, y)], colour, LINE_WIDTH, dash);
                mark.into_iter().for_each(|mark| draw_mark(sheet, (middle, y), mark));
            }
            Self::Band(colour, opacity) => area(colour, opacity),
            Self::Fill(colour, hatch) => draw_bar(sheet, [(x, y - 8.0), (right, y + 8.0)], colour, hatch),
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
