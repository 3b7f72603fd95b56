//! A predictor, such as the SMASH score, against true error, with least-squares lines.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::statistics::bootstrap::{BOOTSTRAP_SEED, RESAMPLES, regression_band};
use results::statistics::sample::Point;
use results::summaries::correlation::SeedSummary;
use results::{CorrelationSummary, Measure};

use super::axis::{Axis, Ticks, percent_range, plain_range};
use super::canvas::{COLOURS, Canvas, DASHES, Dash, INK, MARGIN, RED_LINE, SOLID, Sample, mark_of_many, series_mark};
use super::definition::FigureDefinition;

/// Draws legend and plot, with error bars of one standard deviation if `bars`.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &CorrelationSummary,
    bars: bool,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.n() > 0, "no architecture has both a score and a true error");
    canvas.legend(&legend(summary, bars))?;
    let fits = Fit::of_seeds(&summary.seeds);
    let spans = |axis: usize| {
        let of_seed = move |seed: &'_ SeedSummary| spans(seed, axis, bars);
        summary.seeds.iter().flat_map(of_seed)
    };
    let band_heights = fits.iter().flat_map(|fit| &fit.band).flat_map(|&(_, low, high)| [low, high]);
    let (range, ticks) = match summary.by {
        Measure::Error => (percent_range(spans(0)), Ticks::Percent),
        Measure::Loss => (plain_range(spans(0)), Ticks::Plain),
    };
    let x = Axis { range, ticks };
    let x_scale = summary.by.of(100.0, 1.0);
    let y = Axis { range: percent_range(spans(1).chain(band_heights)), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, MARGIN)?;
    let at = |(x, y): Point| plot.at((x_scale * x, 100.0 * y));
    for fit in &fits {
        let upper = fit.band.iter().map(|&(x, _, high)| (x, high));
        let lower = fit.band.iter().rev().map(|&(x, low, _)| (x, low));
        if !fit.band.is_empty() {
            canvas.fill(upper.chain(lower).map(at).collect(), fit.colour.mix(0.15))?;
        }
        canvas.line(&fit.ends.map(at), fit.colour, 3, fit.dash)?;
    }
    for (index, seed) in summary.seeds.iter().enumerate() {
        let (mark, is_crowd) = mark_of_many(index, seed.points.len());
        let error_bar = |from, to| canvas.architecture_bar(at(from), at(to), mark.colour, is_crowd);
        let points = seed.points.iter().zip(&seed.deviations).zip(&seed.architectures);
        for ((&(x, y), [of_x, of_y]), &architecture) in points {
            if let Some(half) = of_x.filter(|half| bars && *half > 0.0) {
                error_bar((x - half, y), (x + half, y))?;
            }
            if let Some(half) = of_y.filter(|half| bars && *half > 0.0) {
                error_bar((x, y - half), (x, y + half))?;
            }
            canvas.architecture((seed.seed, architecture), at((x, y)), mark)?;
        }
    }
    Ok(())
}

/// The ends of a seed's points, or of their error bars, along x (0) or y (1).
fn spans(seed: &SeedSummary, axis: usize, bars: bool) -> Vec<f64> {
    let span = |(point, deviations): (&Point, &[Option<f64>; 2])| {
        let middle = [point.0, point.1][axis];
        let half = deviations[axis].filter(|_| bars).unwrap_or(0.0);
        [middle - half, middle + half]
    };
    seed.points.iter().zip(&seed.deviations).flat_map(span).collect()
}

/// A seed's least-squares line over the range of its scores.
struct Fit {
    colour: RGBColor,
    dash: Dash,
    ends: [Point; 2],
    /// Score, and the low and the high end of the bootstrap band.
    band: Vec<(f64, f64, f64)>,
}

impl Fit {
    /// The line of each root seed for which it is defined, with a band if there is one root seed.
    fn of_seeds(seeds: &[SeedSummary]) -> Vec<Self> {
        if let [seed] = seeds {
            return Self::line_with_band(seed).into_iter().collect();
        }
        let line = |(index, seed)| Self::line(seed, COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()]);
        seeds.iter().enumerate().filter_map(line).collect()
    }

    /// The line without a band: the bands of several seeds would cover each other.
    fn line(seed: &SeedSummary, colour: RGBColor, dash: Dash) -> Option<Self> {
        let line = seed.line?;
        let scores = || seed.points.iter().map(|point| point.0);
        let left = scores().fold(f64::MAX, f64::min);
        let right = scores().fold(f64::MIN, f64::max);
        Some(Self { colour, dash, ends: [left, right].map(|x| (x, line.at(x))), band: Vec::new() })
    }

    fn line_with_band(seed: &SeedSummary) -> Option<Self> {
        let mut fit = Self::line(seed, RED_LINE, SOLID)?;
        let [(left, _), (right, _)] = fit.ends;
        let steps = 40;
        let x = |step| left + (right - left) * f64::from(step) / f64::from(steps);
        let xs: Vec<f64> = (0..=steps).map(x).collect();
        let heights = regression_band(&seed.points, &xs, RESAMPLES, BOOTSTRAP_SEED)?;
        let edge = |(x, (low, high))| (x, low, high);
        fit.band = xs.into_iter().zip(heights).map(edge).collect();
        Some(fit)
    }
}

fn legend(summary: &CorrelationSummary, bars: bool) -> Vec<(Sample, String)> {
    let names: Vec<String> = match &summary.seeds[..] {
        [_] if bars => vec!["architecture ± 1 standard deviation".to_owned()],
        [_] => vec!["architecture".to_owned()],
        // Colours repeat, so they identify no seed.
        seeds if seeds.len() > COLOURS.len() => Vec::new(),
        seeds => seeds.iter().map(|seed| format!("seed {}", seed.seed)).collect(),
    };
    let sample = |index| match bars {
        true => Sample::Bar(series_mark(index)),
        false => Sample::Mark(series_mark(index)),
    };
    let of_seeds = names.into_iter().enumerate().map(|(index, name)| (sample(index), name));
    let lines = match summary.seeds.len() {
        1 => vec![
            (Sample::Line(RED_LINE, SOLID), "least squares".to_owned()),
            (Sample::Band(RED_LINE), "95 % bootstrap band".to_owned()),
        ],
        _ => vec![(Sample::Line(INK, SOLID), "least squares by seed".to_owned())],
    };
    of_seeds.chain(lines).collect()
}
