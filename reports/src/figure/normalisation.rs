//! Normalisations in two panels: the share of trainings that diverge by learning rate, and the cost in fixed networks.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use results::NormalisationSummary;
use results::summaries::normalisation::{BATCH_NORM, Fixed};

use super::axis::plain_range;
use super::canvas::{
    COLOURS, Canvas, DASHES, GRID, HEADER, INK, MARGIN, Mark, Pixel, SOLID, Sample, Shape, series_mark, widest,
};

/// Marks of the right panel.
const ARCHITECTURE: Mark = Mark { shape: Shape::Circle, colour: COLOURS[0], radius: 4 };
const MEAN: Mark = Mark { shape: Shape::Diamond, colour: INK, radius: 8 };

/// Pixels above a panel for its heading, below it for numbers, and beside it for numbers.
const ABOVE: i32 = 40;
const BELOW: i32 = 40;
const BESIDE: i32 = 74;

/// Pixels between the lines of two normalisations, so that equal shares do not cover each other.
const APART: i32 = 5;

/// Possible distances of two numbers on the axis of the right panel, in points.
const STEPS: [f64; 8] = [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];

/// Most numbers on that axis.
const MOST_NUMBERS: f64 = 6.0;

/// Number of lanes of a row that the points are spread over, so that equal differences lie side by side.
const LANES: usize = 5;

/// A panel in pixels.
struct Frame {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Frame {
    /// The pixel column at a fraction of the width.
    fn column(&self, part: f64) -> i32 {
        self.left + (part * f64::from(self.right - self.left)).round() as i32
    }

    /// The pixel row at a fraction of the height, from the bottom.
    fn row(&self, part: f64) -> i32 {
        self.bottom - (part * f64::from(self.bottom - self.top)).round() as i32
    }
}

/// Draws the legend and both panels.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<DB>, summary: &NormalisationSummary) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.n() > 0, "no network was trained");
    let legend = summary.smash.iter().enumerate().map(|(index, stability)| {
        let sample = Sample::Line(series_mark(index).colour, DASHES[index % DASHES.len()]);
        (sample, stability.name.clone())
    });
    canvas.legend(&legend.collect::<Vec<_>>())?;
    let rows: Vec<&Fixed> = summary.fixed.iter().filter(|fixed| fixed.name != BATCH_NORM).collect();
    let names: Vec<String> = rows.iter().map(|fixed| fixed.name.clone()).collect();
    let (width, height) = (canvas.plot_size.0 as i32, canvas.plot_size.1 as i32);
    let [top, bottom] = [HEADER + ABOVE, HEADER + height - BELOW];
    let middle = MARGIN + width / 2;
    let left = Frame { left: MARGIN + BESIDE, top, right: middle - MARGIN, bottom };
    let right = Frame { left: middle + MARGIN + widest(&names)?, top, right: MARGIN + width - MARGIN, bottom };
    draw_shares(canvas, &left, summary)?;
    draw_drops(canvas, &right, &rows)
}

/// The share of trainings that diverge at each learning rate. Rates stand at equal distances.
fn draw_shares<DB: DrawingBackend>(canvas: &Canvas<DB>, frame: &Frame, summary: &NormalisationSummary) -> Result<()>
where
    DB::ErrorType: 'static,
{
    canvas.text("share that diverges, by learning rate", (frame.left, frame.top - 14), HPos::Left, VPos::Bottom)?;
    for percent in (0..=100).step_by(20) {
        let row = frame.row(f64::from(percent) / 100.0);
        canvas.line(&[(frame.left, row), (frame.right, row)], GRID, 1, SOLID)?;
        canvas.text(&format!("{percent} %"), (frame.left - 10, row), HPos::Right, VPos::Center)?;
    }
    let count = summary.rates.len() as f64;
    let column = |place: usize| frame.column((place as f64 + 0.5) / count);
    for (place, rate) in summary.rates.iter().enumerate() {
        canvas.text(&rate.to_string(), (column(place), frame.bottom + 10), HPos::Center, VPos::Top)?;
    }
    draw_axes(canvas, frame)?;
    for (index, stability) in summary.smash.iter().enumerate() {
        let (mark, dash) = (series_mark(index), DASHES[index % DASHES.len()]);
        let aside = APART * (2 * index as i32 - summary.smash.len() as i32 + 1);
        let shares = stability.by_rate.iter().enumerate().filter_map(|(place, diverged)| {
            let share = diverged.share()?.estimate;
            Some((column(place) + aside, frame.row(share)))
        });
        let points: Vec<Pixel> = shares.collect();
        canvas.line(&points, mark.colour, 3, dash)?;
        for &point in &points {
            canvas.mark(point, mark)?;
        }
    }
    Ok(())
}

/// The true error of each architecture above its error with BatchNorm, in points: a row for each normalisation.
fn draw_drops<DB: DrawingBackend>(canvas: &Canvas<DB>, frame: &Frame, rows: &[&Fixed]) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let heading = "true error above BatchNorm, in points";
    canvas.text(heading, (frame.right, frame.top - 14), HPos::Right, VPos::Bottom)?;
    let drops = rows.iter().flat_map(|fixed| fixed.drops.by_seed.iter().flatten().copied());
    let means: Vec<_> = rows.iter().map(|fixed| fixed.drops.mean()).collect();
    let bounds = means.iter().flatten().flat_map(|mean| [mean.low, mean.high]);
    let range = plain_range(drops.chain(bounds).chain([0.0]));
    let column = |value: f64| frame.column((value - range.start) / (range.end - range.start));
    for (value, number) in numbers([range.start, range.end]) {
        let at = column(value);
        canvas.line(&[(at, frame.top), (at, frame.bottom)], GRID, 1, SOLID)?;
        canvas.text(&number, (at, frame.bottom + 10), HPos::Center, VPos::Top)?;
    }
    let zero = column(0.0);
    canvas.line(&[(zero, frame.top), (zero, frame.bottom)], INK, 2, DASHES[1])?;
    draw_axes(canvas, frame)?;
    for (place, (fixed, mean)) in rows.iter().zip(&means).enumerate() {
        // The first normalisation is at the top. `offset` is a part of the height of a row.
        let row = |offset: f64| frame.row(1.0 - (place as f64 + 0.5 + offset) / rows.len() as f64);
        canvas.text(&fixed.name, (frame.left - 10, row(0.0)), HPos::Right, VPos::Center)?;
        for (index, &drop) in fixed.drops.by_seed.iter().flatten().enumerate() {
            let lane = (index * 2 % LANES) as f64 / (LANES - 1) as f64;
            canvas.mark((column(drop), row(-0.1 - 0.2 * lane)), ARCHITECTURE)?;
        }
        match mean {
            Some(mean) => {
                canvas.error_bar((column(mean.low), row(0.1)), (column(mean.high), row(0.1)), INK)?;
                canvas.mark((column(mean.estimate), row(0.1)), MEAN)?;
            }
            None => canvas.text("too few pairs", (zero + 10, row(0.1)), HPos::Left, VPos::Center)?,
        }
    }
    Ok(())
}

fn draw_axes<DB: DrawingBackend>(canvas: &Canvas<DB>, frame: &Frame) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let corners = [(frame.left, frame.top), (frame.left, frame.bottom), (frame.right, frame.bottom)];
    canvas.line(&corners, INK, 1, SOLID)
}

/// The values within a range of fractions that have a number, and the number in points.
fn numbers([start, end]: [f64; 2]) -> Vec<(f64, String)> {
    let [start, end] = [100.0 * start, 100.0 * end];
    let step = STEPS.into_iter().find(|step| (end - start) / step <= MOST_NUMBERS).unwrap_or(STEPS[STEPS.len() - 1]);
    let digits = usize::from(step < 1.0);
    let number = |index: i32| match (index, f64::from(index) * step) {
        (0, points) => (points / 100.0, "0".to_owned()),
        (_, points) => (points / 100.0, format!("{points:+.digits$}")),
    };
    ((start / step).ceil() as i32..=(end / step).floor() as i32).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_few_and_one_is_zero() {
        for (range, expected) in [
            ([-0.012, 0.034], "-1 0 +1 +2 +3"),
            ([-0.002, 0.021], "0 +0.5 +1.0 +1.5 +2.0"),
            ([-0.3, 0.9], "-20 0 +20 +40 +60 +80"),
        ] {
            let found: Vec<String> = numbers(range).into_iter().map(|(_, number)| number).collect();
            assert_eq!(found.join(" "), expected, "{range:?}");
        }
    }
}
