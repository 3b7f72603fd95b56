//! Names of lines beside a plot, at their right ends.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Canvas, Pixel};

/// Height in pixels of a label.
const LABEL: i32 = 26;

/// The right end of a line.
pub(super) struct End<'a> {
    /// Its place.
    pub at: Pixel,
    /// Name of the line.
    pub label: &'a str,
    /// Colour of the line.
    pub colour: RGBColor,
}

/// Writes the names of some lines to the right of a plot, each with a dotted line to it. `corner` is the lower right corner
/// of the plot.
pub(super) fn label_ends<DB: DrawingBackend>(canvas: &Canvas<DB>, corner: Pixel, mut ends: Vec<End<'_>>) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ends.sort_by_key(|end| end.at.1);
    let (edge, bottom) = corner;
    let heights = spread(&ends.iter().map(|end| end.at.1).collect::<Vec<_>>(), bottom);
    for (End { at, label, colour }, height) in ends.into_iter().zip(heights) {
        canvas.line(&[at, (edge, height)], colour, 1, &[3.0, 6.0])?;
        canvas.text(label, (edge + 8, height), HPos::Left, VPos::Center)?;
    }
    Ok(())
}

/// Heights of labels, from the top. The labels do not overlap and, if there is room, stay above `bottom`. Each is
/// pushed down by the label above it, then up by the label below it.
fn spread(heights: &[i32], bottom: i32) -> Vec<i32> {
    let mut above = i32::MIN;
    let down = heights.iter().map(|&height| {
        above = height.max(above.saturating_add(LABEL));
        above
    });
    let mut spread: Vec<i32> = down.collect();
    let mut below = bottom + LABEL;
    for height in spread.iter_mut().rev() {
        below = (*height).min(below - LABEL);
        *height = below;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_clear_of_each_other_and_of_the_axis() {
        assert_eq!(spread(&[10, 100, 101, 300], 400), [10, 100, 126, 300]);
        assert_eq!(spread(&[390, 395, 399], 400), [348, 374, 400]);
        assert_eq!(spread(&[], 400), Vec::<i32>::new());
    }
}
