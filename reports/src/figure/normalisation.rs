//! Normalisations in two panels: the share of trainings that diverge by learning rate, and the cost in fixed networks.

use anyhow::{Result, ensure};
use plotters::style::text_anchor::{HPos, VPos};
use results::NormalisationSummary;
use results::summaries::normalisation::{BATCH_NORM, Fixed};

use crate::picture::font::widest;
use crate::picture::shapes::{DASHES, INK, Point};

use super::axis::{Axis, Scale, Ticks, percent_range};
use super::canvas::{Canvas, MARGIN, TEXT_SIZE};
use super::ends::line_style;
use super::legend::{LINE_WIDTH, Sample};
use super::marks::{COLOURS, Mark, MarkShape, mark_of_many};

/// Marks of the right panel.
const ARCHITECTURE: Mark = Mark::new(MarkShape::Circle, COLOURS[0], 3.0);
const MEAN: Mark = Mark::new(MarkShape::Diamond, INK, 6.0);

/// Height in pixels of a panel, and the space around its plot: for its heading, the numbers of shares and the numbers below it.
const HEIGHT: f64 = 340.0;
const ABOVE: f64 = 30.0;
const LEFT: f64 = 60.0;
const BELOW: f64 = 38.0;
const RIGHT: f64 = 20.0;

/// Pixels between the lines of two normalisations, so that equal shares do not cover each other.
const APART: f64 = 8.0;

/// Most numbers on an axis.
const MOST_NUMBERS: usize = 6;

/// Number of lanes of a row that the points are spread over, so that equal differences lie side by side.
const LANES: usize = 5;

/// Draws the legend and both panels: side by side, or one below the other in a narrow figure.
pub(super) fn draw(canvas: &mut Canvas, summary: &NormalisationSummary) -> Result<()> {
    ensure!(summary.n() > 0, "no network was trained");
    let mut legend = Vec::new();
    for (index, stability) in summary.smash.iter().enumerate() {
        let (mark, _) = mark_of_many(index, 1);
        let sample = Sample::Course { line: line_style(index), mark: Some(mark), has_band: false };
        legend.push((sample, stability.name.clone()));
    }
    legend.push((Sample::Across(MEAN, false), "mean, 95 % bootstrap".to_owned()));
    legend.push((Sample::Mark(ARCHITECTURE), "architecture".to_owned()));
    canvas.legend(&legend);
    let columns = if canvas.is_narrow() { 1.0 } else { 2.0 };
    let width = (canvas.width() - 2.0 * MARGIN) / columns;
    draw_shares(canvas, (MARGIN, width), summary);
    let mut left = MARGIN + width;
    if canvas.is_narrow() {
        left = MARGIN;
        canvas.top += HEIGHT;
    }
    draw_drops(canvas, (left, width), summary);
    canvas.top += HEIGHT;
    Ok(())
}

/// The corners of a panel's plot, with its heading above it. `room` pixels at its left stay free for numbers or names.
fn headed(canvas: &Canvas, (left, width): (f64, f64), room: f64, heading: &str) -> [Point; 2] {
    let top = canvas.top + ABOVE;
    canvas.text(heading, (left + width - RIGHT, top - 6.0), HPos::Right, VPos::Bottom);
    [(left + room, top), (left + width - RIGHT, canvas.top + HEIGHT - BELOW)]
}

/// The share of trainings that diverge at each learning rate. Rates stand at equal distances.
fn draw_shares(canvas: &Canvas, place: (f64, f64), summary: &NormalisationSummary) {
    let corners = headed(canvas, place, LEFT, "share that diverges, by learning rate");
    let rates = summary.rates.iter().enumerate().map(|(place, rate)| (place as f64, rate.to_string()));
    let x = Scale::new(-0.5..summary.rates.len() as f64 - 0.5, rates.collect());
    let y = Axis { range: 0.0..100.0, ticks: Ticks::Percent };
    let numbers = y.numbers(MOST_NUMBERS);
    let plot = canvas.chart(corners, x, Scale::new(y.range, numbers));
    for (index, stability) in summary.smash.iter().enumerate() {
        let (colour, dash) = line_style(index);
        let (mark, _) = mark_of_many(index, 1);
        let aside = APART * (index as f64 - 0.5 * (summary.smash.len() as f64 - 1.0));
        let shares = stability.by_rate.iter().enumerate().filter_map(|(place, diverged)| {
            let (x, y) = plot.at((place as f64, 100.0 * diverged.share()?.estimate));
            Some((x + aside, y))
        });
        let points: Vec<Point> = shares.collect();
        canvas.line(&points, colour, LINE_WIDTH, dash);
        points.iter().for_each(|&point| canvas.mark(point, mark));
    }
}

/// The true error of each architecture above its error with BatchNorm, in points: a row for each normalisation.
fn draw_drops(canvas: &Canvas, place: (f64, f64), summary: &NormalisationSummary) {
    // From the bottom: the last normalisation to the first.
    let rows: Vec<&Fixed> = summary.fixed.iter().rev().filter(|fixed| fixed.name != BATCH_NORM).collect();
    let names: Vec<String> = rows.iter().map(|fixed| fixed.name.clone()).collect();
    let means: Vec<_> = rows.iter().map(|fixed| fixed.drops.mean()).collect();
    let drops = rows.iter().flat_map(|fixed| fixed.drops.by_seed.iter().flatten().copied());
    let bounds = means.iter().flatten().flat_map(|mean| [mean.low, mean.high]);
    let x = Axis { range: percent_range(drops.chain(bounds).chain([0.0])), ticks: Ticks::Signed };
    let numbers = x.numbers(MOST_NUMBERS);
    let room = widest(&names, TEXT_SIZE) + 24.0;
    let corners = headed(canvas, place, room, "true error above BatchNorm, in points");
    let y = Scale::bare(-0.5..rows.len() as f64 - 0.5);
    let plot = canvas.chart(corners, Scale::new(x.range, numbers), y);
    let (zero, _) = plot.at((0.0, 0.0));
    canvas.line(&[(zero, plot.top), (zero, plot.bottom)], INK, 1.5, DASHES[1]);
    for (place, (fixed, mean)) in rows.iter().zip(means).enumerate() {
        // `up` is a part of the height of a row.
        let at = |drop: f64, up: f64| plot.at((100.0 * drop, place as f64 + up));
        let (_, middle) = at(0.0, 0.0);
        canvas.text(&fixed.name, (plot.left - 8.0, middle), HPos::Right, VPos::Center);
        for (index, &drop) in fixed.drops.by_seed.iter().flatten().enumerate() {
            let lane = (index * 2 % LANES) as f64 / (LANES - 1) as f64;
            canvas.mark(at(drop, 0.1 + 0.2 * lane), ARCHITECTURE);
        }
        match mean {
            Some(mean) => {
                canvas.error_bar(at(mean.low, -0.1), at(mean.high, -0.1), INK, false);
                canvas.mark(at(mean.estimate, -0.1), MEAN);
            }
            None => {
                let (_, low) = at(0.0, -0.1);
                canvas.text("too few pairs", (zero + 8.0, low), HPos::Left, VPos::Center);
            }
        }
    }
}
