//! Names of lines beside a plot, at their right ends, or in the legend of a narrow figure.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use crate::picture::font::{text_width, widest};
use crate::picture::shapes::{DASHES, Dash, Point};

use super::canvas::{Canvas, MARGIN, TEXT_SIZE};
use super::legend::Sample;
use super::marks::COLOURS;
use super::plot::Plot;

/// Height in pixels of a label.
const LABEL: f64 = 21.0;
/// Pixels between a plot and the labels beside it.
const TO_LABELS: f64 = 40.0;

/// Colour and dash of the line with this index.
pub(super) fn line_style(index: usize) -> (RGBColor, Dash) {
    (COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()])
}

/// Entries of the legend that name the lines, if there is no room for names beside the plot.
pub(super) fn entries(canvas: &Canvas, names: &[String]) -> Vec<(Sample, String)> {
    let entry = |(index, name): (usize, &String)| {
        let (colour, dash) = line_style(index);
        (Sample::line(colour, dash), name.clone())
    };
    match canvas.is_narrow() {
        true => names.iter().enumerate().map(entry).collect(),
        false => Vec::new(),
    }
}

/// Pixels that names beside the plot need.
pub(super) fn room(canvas: &Canvas, names: &[String]) -> f64 {
    if canvas.is_narrow() { 0.0 } else { TO_LABELS + widest(names, TEXT_SIZE) }
}

/// Writes the names of some lines to the right of a plot, each with a dotted line from the end of its line. `ends` holds the
/// index, the end and the name of each line.
pub(super) fn label_ends(canvas: &mut Canvas, plot: &Plot, mut ends: Vec<(usize, Point, &String)>) {
    if canvas.is_narrow() {
        return;
    }
    ends.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let heights = spread(&ends.iter().map(|end| end.1.1).collect::<Vec<_>>(), plot.bottom);
    for ((index, end, name), height) in ends.into_iter().zip(heights) {
        let left = canvas.width() - MARGIN - text_width(name, TEXT_SIZE);
        let left = left.min(plot.right + TO_LABELS);
        canvas.line(&[end, (left - 6.0, height)], line_style(index).0, 1.0, DASHES[2]);
        canvas.text(name, (left, height), HPos::Left, VPos::Center);
    }
}

/// Heights of labels, from the top. The labels do not overlap and, if there is room, stay above `bottom`. Each is
/// pushed down by the label above it, then up by the label below it.
fn spread(heights: &[f64], bottom: f64) -> Vec<f64> {
    let mut above = f64::MIN;
    let down = heights.iter().map(|&height| {
        above = height.max(above + LABEL);
        above
    });
    let mut spread: Vec<f64> = down.collect();
    let mut below = bottom + LABEL;
    for height in spread.iter_mut().rev() {
        below = height.min(below - LABEL);
        *height = below;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_clear_of_each_other_and_of_the_axis() {
        assert_eq!(spread(&[10.0, 100.0, 101.0, 300.0], 400.0), [10.0, 100.0, 121.0, 300.0]);
        assert_eq!(spread(&[390.0, 395.0, 399.0], 400.0), [358.0, 379.0, 400.0]);
        assert_eq!(spread(&[], 400.0), Vec::<f64>::new());
    }
}
