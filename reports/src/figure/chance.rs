//! The error by chance, as a dashed line across a plot.

use results::summaries::text::percent;

use crate::picture::shapes::{DASHES, INK, Point};

use super::canvas::Canvas;
use super::legend::Sample;

/// The expected error if each class is guessed equally often, in [0, 1].
pub(super) fn error_by_chance(classes: u32) -> f64 {
    1.0 - 1.0 / f64::from(classes)
}

/// Whether its line belongs into a plot whose largest error is this one. A line far away would take the plot from the errors.
pub(super) fn is_near(error: f64, largest: f64) -> bool {
    error <= 2.0 * largest
}

/// A fact for the caption, if it is known.
pub(super) fn fact(error: Option<f64>) -> Option<String> {
    error.map(|error| format!("error by chance {}", percent(error)))
}

/// The entry of its line in the legend.
pub(super) fn entry() -> (Sample, String) {
    (Sample::line(INK, DASHES[1]), "chance".to_owned())
}

/// Draws the line between two points at the error by chance.
pub(super) fn line(canvas: &mut Canvas, from: Point, to: Point) {
    canvas.line(&[from, to], INK, 1.5, DASHES[1]);
}
