//! The scatter plot of SMASH score against true error, with its least-squares lines and a caption
//! of conditions and statistics. The same drawing goes to SVG and to PNG.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Once;

use anyhow::{Context, Result, bail, ensure};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use results::CorrelationSummary;
use results::correlation::{BOOTSTRAP_SEED, RESAMPLES, SeedSummary, interval_text};
use results::statistics::{Coefficient, Point, regression_band};

use crate::artefact::{Artefact, FigureDefinition};

/// Width and height in pixels. Large, because coordinates in the SVG are whole numbers.
const SIZE: (u32, u32) = (1200, 1000);
const MARGIN: i32 = 24;
const HEADER: i32 = 104;
/// Height of the strip between the axis label and the caption.
const CAPTION_GAP: i32 = 24;
const CAPTION_LINE: i32 = 26;
const CAPTION_SIZE: f64 = 20.0;
const LABEL_SIZE: f64 = 24.0;

/// The family as the SVG names it; measured, and drawn in a PNG, with the embedded DejaVu Sans.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);
const RED_LINE: RGBColor = RGBColor(0xC8, 0x10, 0x2E);

/// Okabe and Ito's colours, which stay apart for the colour-blind; without the yellow, which is too
/// light on white.
const SEED_COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x00, 0x00, 0x00),
];

/// The figure as an SVG document.
///
/// # Errors
/// If the artefact has no figure, or no architecture with both a score and a true error.
pub fn svg(artefact: &Artefact) -> Result<Vec<u8>> {
    let mut document = String::new();
    let backend = SVGBackend::with_string(&mut document, SIZE);
    draw(backend.into_drawing_area(), artefact)?;
    Ok(document.into_bytes())
}

/// Writes the figure as a PNG image.
///
/// # Errors
/// As for [`svg`], and if the file system refuses.
pub fn write_png(artefact: &Artefact, path: &Path) -> Result<()> {
    let unfinished = path.with_extension("writing.png");
    draw(BitMapBackend::new(&unfinished, SIZE).into_drawing_area(), artefact)?;
    fs::rename(&unfinished, path).with_context(|| format!("{}: cannot write", path.display()))
}

fn draw<DB: DrawingBackend>(root: DrawingArea<DB, Shift>, artefact: &Artefact) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let name = artefact.name();
    let (Some(definition), Some(summary)) = (&artefact.figure, &artefact.summary) else {
        bail!("{name}: its definition has no `[figure]`");
    };
    ensure!(
        summary.n() > 0,
        "{name}: no architecture has both a score and a true error"
    );
    register_font();
    root.fill(&WHITE)?;
    let (width, height) = (SIZE.0 as i32, SIZE.1 as i32);
    let title = text_style(32.0, INK).pos(Pos::new(HPos::Center, VPos::Top));
    root.draw_text(&definition.title, &title, (width / 2, MARGIN))?;
    draw_legend(&root, summary)?;

    let caption = caption(artefact, summary)?;
    let caption_top = height - MARGIN / 2 - CAPTION_LINE * caption.len() as i32;
    for (line, y) in caption.iter().zip((caption_top..).step_by(CAPTION_LINE as usize)) {
        root.draw_text(line, &text_style(CAPTION_SIZE, INK), (MARGIN, y))?;
    }

    let plot_size = (SIZE.0 - 2 * MARGIN as u32, (caption_top - CAPTION_GAP - HEADER) as u32);
    draw_plot(&root.clone().shrink((MARGIN, HEADER), plot_size), definition, summary)?;
    root.present()?;
    Ok(())
}

fn draw_plot<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    definition: &FigureDefinition,
    summary: &CorrelationSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let fits: Vec<Fit> = match &summary.seeds[..] {
        [seed] => Fit::line_with_band(seed).into_iter().collect(),
        seeds => {
            let colours = (0..).map(seed_colour);
            let line = |(seed, colour)| Fit::line(seed, colour);
            seeds.iter().zip(colours).filter_map(line).collect()
        }
    };
    let points = || summary.seeds.iter().flat_map(|seed| &seed.points);
    let band_heights = || {
        fits.iter()
            .flat_map(|fit| &fit.band)
            .flat_map(|&(_, low, high)| [low, high])
    };
    let x_range = percent_range(points().map(|point| point.0));
    let y_range = percent_range(points().map(|point| point.1).chain(band_heights()));
    let (x_digits, y_digits) = (tick_digits(&x_range), tick_digits(&y_range));
    let mut chart = ChartBuilder::on(area)
        .margin_right(MARGIN)
        .x_label_area_size(76)
        .y_label_area_size(104)
        .build_cartesian_2d(x_range, y_range)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .max_light_lines(1)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_labels(9)
        .y_labels(9)
        .x_label_formatter(&|x| format!("{x:.x_digits$} %"))
        .y_label_formatter(&|y| format!("{y:.y_digits$} %"))
        .label_style(text_style(LABEL_SIZE, INK))
        .x_desc(&definition.x_label)
        .y_desc(&definition.y_label)
        .axis_desc_style(text_style(LABEL_SIZE, INK))
        .draw()?;
    for fit in &fits {
        let upper = fit.band.iter().map(|&(x, _, high)| (x, high));
        let lower = fit.band.iter().rev().map(|&(x, low, _)| (x, low));
        let outline: Vec<_> = upper.chain(lower).map(percent).collect();
        chart.draw_series([Polygon::new(outline, fit.colour.mix(0.15).filled())])?;
        let ends = fit.ends.map(percent);
        chart.draw_series([PathElement::new(ends, fit.colour.stroke_width(3))])?;
    }
    for (index, seed) in summary.seeds.iter().enumerate() {
        let points = seed.points.iter().copied().map(percent);
        let style = seed_colour(index).mix(0.8).filled();
        chart.draw_series(points.map(|point| Circle::new(point, 7, style)))?;
    }
    Ok(())
}

/// A seed's least-squares line over the range of its scores.
struct Fit {
    colour: RGBColor,
    ends: [Point; 2],
    /// Score, low and high end of the bootstrap band.
    band: Vec<(f64, f64, f64)>,
}

impl Fit {
    /// The line by itself: the bands of several seeds would cover each other.
    fn line(seed: &SeedSummary, colour: RGBColor) -> Option<Self> {
        let line = seed.line?;
        let scores = || seed.points.iter().map(|point| point.0);
        let left = scores().fold(f64::MAX, f64::min);
        let right = scores().fold(f64::MIN, f64::max);
        Some(Self {
            colour,
            ends: [left, right].map(|x| (x, line.at(x))),
            band: Vec::new(),
        })
    }

    fn line_with_band(seed: &SeedSummary) -> Option<Self> {
        let mut fit = Self::line(seed, RED_LINE)?;
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

/// One row below the title, outside the plot, so that it never covers a point.
fn draw_legend<DB: DrawingBackend>(root: &DrawingArea<DB, Shift>, summary: &CorrelationSummary) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let style = text_style(CAPTION_SIZE, INK).pos(Pos::new(HPos::Left, VPos::Center));
    let y = HEADER - 20;
    let names: Vec<String> = match &summary.seeds[..] {
        [_] => vec!["architecture".to_owned()],
        // Colours repeat, so they name no seed.
        seeds if seeds.len() > SEED_COLOURS.len() => Vec::new(),
        seeds => seeds.iter().map(|seed| format!("seed {}", seed.seed)).collect(),
    };
    let mut x = 128;
    for (index, name) in names.iter().enumerate() {
        root.draw(&Circle::new((x, y), 7, seed_colour(index).mix(0.8).filled()))?;
        root.draw_text(name, &style, (x + 16, y))?;
        x += 48 + text_width(name)?;
    }
    let stroke = |x, colour: RGBColor| PathElement::new([(x, y), (x + 36, y)], colour.stroke_width(3));
    let one_seed = summary.seeds.len() == 1;
    root.draw(&stroke(x, if one_seed { RED_LINE } else { INK }))?;
    let name = if one_seed {
        "least squares"
    } else {
        "least squares by seed"
    };
    root.draw_text(name, &style, (x + 46, y))?;
    x += 90 + text_width(name)?;
    if one_seed {
        let corners = [(x, y - 9), (x + 36, y + 9)];
        root.draw(&Rectangle::new(corners, RED_LINE.mix(0.15).filled()))?;
        root.draw_text("95 % bootstrap band", &style, (x + 46, y))?;
    }
    Ok(())
}

/// The lines under the plot: the conditions, then the statistics.
fn caption(artefact: &Artefact, summary: &CorrelationSummary) -> Result<Vec<String>> {
    let of_coefficient = |c: Coefficient| format!("{} {}", c.label(), interval_text(summary.score.get(c)));
    let mut statistics: Vec<String> = Coefficient::ALL.map(of_coefficient).into();
    statistics.push("[ ]: 95 % bootstrap".to_owned());
    let mut lines = wrap(artefact.conditions())?;
    lines.extend(wrap(statistics)?);
    Ok(lines)
}

/// Joins facts to lines that fit into the figure.
fn wrap(facts: Vec<String>) -> Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        let longer = lines.last().map(|line| format!("{line} · {fact}"));
        match longer {
            Some(longer) if text_width(&longer)? <= SIZE.0 as i32 - 2 * MARGIN => {
                lines.pop();
                lines.push(longer);
            }
            _ => lines.push(fact),
        }
    }
    Ok(lines)
}

/// The colour of a seed's points and line; the statistics of each seed are in the report.
fn seed_colour(index: usize) -> RGBColor {
    SEED_COLOURS[index % SEED_COLOURS.len()]
}

fn text_style(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(&colour)
}

/// Width in pixels of a text of the caption's size.
fn text_width(text: &str) -> Result<i32> {
    let ((left, _), (right, _)) = (FONT, CAPTION_SIZE).into_font().layout_box(text)?;
    Ok(right - left)
}

/// Registers the embedded font, so that no figure depends on the fonts of a machine.
fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registered = plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        assert!(registered.is_ok(), "the embedded font does not parse");
    });
}

fn percent((x, y): Point) -> Point {
    (100.0 * x, 100.0 * y)
}

/// The range of an axis in percent: that of the errors, with some air.
fn percent_range(errors: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = errors.fold((f64::MAX, f64::MIN), |(low, high), e| (low.min(e), high.max(e)));
    let air = 100.0 * (0.05 * (high - low)).max(0.002);
    100.0 * low - air..100.0 * high + air
}

/// Digits behind the point that tell the ticks of an axis apart.
fn tick_digits(range: &Range<f64>) -> usize {
    match range.end - range.start {
        span if span >= 8.0 => 0,
        span if span >= 0.8 => 1,
        _ => 2,
    }
}
