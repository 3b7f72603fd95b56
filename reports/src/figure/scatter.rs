//! A predictor, such as the SMASH score, against true error, with least-squares lines and their bands.

use anyhow::{Result, ensure};
use plotters::style::{Color, RGBColor, WHITE};
use results::statistics::bootstrap::{BOOTSTRAP_SEED, RESAMPLES, regression_band};
use results::statistics::sample::Point as Measured;
use results::summaries::correlation::SeedPoints;
use results::{Measure, Points};

use crate::picture::shapes::{Dash, SOLID};

use super::axis::{Axis, Ticks, percent_range, plain_range};
use super::canvas::Canvas;
use super::definition::{FigureDefinition, Scatter};
use super::ends::line_style;
use super::legend::{LINE_WIDTH, Sample};
use super::marks::{BAND, COLOURS, Mark, MarkShape, RED_LINE, mark_of_many};

/// Most points with error bars. The bars of more would hide the points.
const MOST_BARS: usize = 300;

/// Colour of the points and lines of another artefact, which lie behind the others.
const REFERENCE: RGBColor = RGBColor(0x94, 0x94, 0x94);

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, data: &Scatter<'_>) -> Result<()> {
    let own = data.points;
    ensure!(own.n() > 0, "no architecture has both a score and a true error");
    let bars = data.bars && points(own) <= MOST_BARS;
    // Scores by error and by loss have no common axis.
    let reference = data.reference.filter(|(_, reference)| reference.by == own.by);
    let behind = reference.map_or(&[][..], |(_, reference)| &reference.seeds);
    canvas.legend(&legend(own, bars, reference.map(|(name, _)| name)));
    let fits = Fit::of_seeds(&own.seeds);
    let along = |axis: usize| {
        let of_seeds = own.seeds.iter().flat_map(move |seed| spans(seed, axis, bars));
        of_seeds.chain(behind.iter().flat_map(move |seed| spans(seed, axis, false)))
    };
    let band_heights = fits.iter().flat_map(|fit| &fit.band).flat_map(|&(_, low, high)| [low, high]);
    let (range, ticks) = match own.by {
        Measure::Error => (percent_range(along(0)), Ticks::Percent),
        Measure::Loss => (plain_range(along(0)), Ticks::Plain),
    };
    let x = Axis { range, ticks };
    let x_scale = own.by.of(100.0, 1.0);
    let y = Axis { range: percent_range(along(1).chain(band_heights)), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, 0.0);
    let at = |(x, y): Measured| plot.at((x_scale * x, 100.0 * y));
    for seed in behind {
        for &point in &seed.points {
            canvas.mark(at(point), reference_mark());
        }
    }
    for (index, seed) in own.seeds.iter().enumerate() {
        let (mark, is_crowd) = mark_of_many(index, seed.points.len());
        let points = seed.points.iter().zip(&seed.deviations).zip(&seed.architectures);
        for ((&(x, y), [of_x, of_y]), &architecture) in points {
            if let Some(half) = of_x.filter(|half| bars && *half > 0.0) {
                canvas.error_bar(at((x - half, y)), at((x + half, y)), mark.colour, is_crowd);
            }
            if let Some(half) = of_y.filter(|half| bars && *half > 0.0) {
                canvas.error_bar(at((x, y - half)), at((x, y + half)), mark.colour, is_crowd);
            }
            canvas.architecture((seed.seed, architecture), at((x, y)), mark);
        }
    }
    // Bands and lines lie on the points, which would hide them.
    for fit in &fits {
        let high = fit.band.iter().map(|&(x, _, high)| at((x, high)));
        let low = fit.band.iter().map(|&(x, low, _)| at((x, low)));
        canvas.band(low, high, fit.colour.mix(BAND));
    }
    for ends in behind.iter().filter_map(line_of) {
        canvas.line(&ends.map(at), REFERENCE, LINE_WIDTH, SOLID);
    }
    for fit in &fits {
        canvas.line(&fit.ends.map(at), WHITE, LINE_WIDTH + 2.0, SOLID);
        canvas.line(&fit.ends.map(at), fit.colour, LINE_WIDTH, fit.dash);
    }
    Ok(())
}

/// Facts for the caption: what the legend does not explain, and error bars that the definition asks for and are left out.
pub(super) fn notes(data: &Scatter<'_>) -> Vec<String> {
    let is_crowd = points(data.points) > MOST_BARS;
    let mut notes = Vec::new();
    if data.points.seeds.len() > 1 {
        notes.push("lines: least squares by seed, with 95 % bootstrap bands".to_owned());
        notes.extend((data.bars && !is_crowd).then(|| "error bars: ± 1 standard deviation".to_owned()));
    }
    notes.extend((data.bars && is_crowd).then(|| format!("no error bars for more than {MOST_BARS} points")));
    notes
}

/// Number of points of all root seeds.
fn points(of: &Points) -> usize {
    of.seeds.iter().map(|seed| seed.points.len()).sum()
}

/// The ends of a seed's points, or of their error bars, along x (0) or y (1).
fn spans(seed: &SeedPoints, axis: usize, bars: bool) -> Vec<f64> {
    let span = |(point, deviations): (&Measured, &[Option<f64>; 2])| {
        let middle = [point.0, point.1][axis];
        let half = deviations[axis].filter(|_| bars).unwrap_or(0.0);
        [middle - half, middle + half]
    };
    seed.points.iter().zip(&seed.deviations).flat_map(span).collect()
}

/// The ends of a seed's least-squares line over the range of its scores; `None` if the line is undefined.
fn line_of(seed: &SeedPoints) -> Option<[Measured; 2]> {
    let line = seed.line?;
    let scores = || seed.points.iter().map(|point| point.0);
    let [left, right] = [scores().fold(f64::MAX, f64::min), scores().fold(f64::MIN, f64::max)];
    Some([left, right].map(|x| (x, line.at(x))))
}

/// A seed's least-squares line with its band.
struct Fit {
    colour: RGBColor,
    dash: Dash,
    ends: [Measured; 2],
    /// Score, and the low and the high end of the bootstrap band.
    band: Vec<(f64, f64, f64)>,
}

impl Fit {
    /// The line of each root seed for which it is defined.
    fn of_seeds(seeds: &[SeedPoints]) -> Vec<Self> {
        let styled = |(index, seed)| {
            let (colour, dash) = style(index, seeds.len());
            Self::of(seed, colour, dash)
        };
        seeds.iter().enumerate().filter_map(styled).collect()
    }

    fn of(seed: &SeedPoints, colour: RGBColor, dash: Dash) -> Option<Self> {
        let ends = line_of(seed)?;
        let [(left, _), (right, _)] = ends;
        let steps = 40;
        let x = |step| left + (right - left) * f64::from(step) / f64::from(steps);
        let xs: Vec<f64> = (0..=steps).map(x).collect();
        let heights = regression_band(&seed.points, &xs, RESAMPLES, BOOTSTRAP_SEED)?;
        let edge = |(x, (low, high))| (x, low, high);
        Some(Self { colour, dash, ends, band: xs.into_iter().zip(heights).map(edge).collect() })
    }
}

/// Colour and dash of the line of a root seed. A single line is red, so that it differs from its points.
fn style(index: usize, seeds: usize) -> (RGBColor, Dash) {
    if seeds == 1 { (RED_LINE, SOLID) } else { line_style(index) }
}

fn reference_mark() -> Mark {
    let mark = Mark::new(MarkShape::Circle, REFERENCE, 2.5);
    Mark { paint: REFERENCE.mix(0.35), ..mark }
}

fn legend(own: &Points, bars: bool, reference: Option<&str>) -> Vec<(Sample, String)> {
    let mut entries = Vec::new();
    let course = |line, mark| Sample::Course { line, mark, has_band: true };
    match &own.seeds[..] {
        [seed] => {
            let (mark, is_crowd) = mark_of_many(0, seed.points.len());
            entries.push(match bars {
                true => (Sample::Across(mark, is_crowd), "architecture ± 1 standard deviation".to_owned()),
                false => (Sample::Mark(mark), "architecture".to_owned()),
            });
            entries.push((course(style(0, 1), None), "least squares, 95 % bootstrap band".to_owned()));
        }
        // Colours repeat, so they identify no seed among many.
        seeds if seeds.len() > COLOURS.len() => {}
        seeds => entries.extend(seeds.iter().enumerate().map(|(index, seed)| {
            let (mark, _) = mark_of_many(index, seed.points.len());
            (course(style(index, seeds.len()), Some(mark)), format!("seed {}", seed.seed))
        })),
    }
    entries.extend(reference.map(|name| {
        let sample = Sample::Course { line: (REFERENCE, SOLID), mark: Some(reference_mark()), has_band: false };
        (sample, format!("{name}, for comparison"))
    }));
    entries
}
