//! Test error of the best architecture found against the cost of the search, one line for each method.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::SearchCostSummary;
use results::summaries::search_cost::Band;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, DASHES, Pixel, Sample, widest};
use super::definition::FigureDefinition;
use super::ends::{End, label_ends};

/// Number of methods whose bands are drawn: random search and the first predictor. More would hide each other.
const WITH_BAND: usize = 2;

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &SearchCostSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let methods: Vec<(&str, Vec<(f64, Band)>)> =
        summary.methods.iter().map(|method| (method.name.as_str(), known(&summary.budgets, &method.bands))).collect();
    let with_band = || methods.iter().take(WITH_BAND).enumerate();
    let entry = |(index, (name, _)): (usize, &(&str, _))| {
        (Sample::Band(COLOURS[index]), format!("{name}: 5 % to 95 % of the searches"))
    };
    canvas.legend(&with_band().map(entry).collect::<Vec<_>>())?;
    let medians = methods.iter().flat_map(|(_, points)| points.iter().map(|(_, band)| band.median));
    let ends = with_band().flat_map(|(_, (_, points))| points.iter().flat_map(|(_, band)| [band.low, band.high]));
    let errors: Vec<f64> = medians.chain(ends).collect();
    ensure!(!errors.is_empty(), "no method has found an architecture in every draw");

    let largest = summary.budgets.iter().copied().fold(1.0, f64::max).log10();
    let air = 0.03 * largest.max(0.1);
    let x = Axis { range: -air..largest + air, ticks: Ticks::PowersOfTen };
    let y = Axis { range: percent_range(errors.iter().copied()), ticks: Ticks::Percent };
    let (right, low) = (x.range.end, y.range.start);
    let names: Vec<String> = methods.iter().map(|(name, _)| (*name).to_owned()).collect();
    let plot = canvas.axes(definition, x, y, 48 + widest(&names)?)?;
    let at = |budget: f64, error: f64| plot.at((budget.log10(), 100.0 * error));
    for (index, (_, points)) in with_band().filter(|(_, (_, points))| points.len() > 1) {
        let upper = points.iter().map(|&(budget, band)| at(budget, band.high));
        let lower = points.iter().rev().map(|&(budget, band)| at(budget, band.low));
        canvas.fill(upper.chain(lower).collect(), COLOURS[index].mix(0.15))?;
    }
    let mut ends = Vec::new();
    for (index, (label, points)) in methods.iter().enumerate() {
        let (colour, dash) = (COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()]);
        let line: Vec<Pixel> = points.iter().map(|&(budget, band)| at(budget, band.median)).collect();
        if let Some(&last) = line.last() {
            canvas.line(&line, colour, 3, dash)?;
            ends.push(End { at: last, label, colour });
        }
    }
    label_ends(canvas, plot.at((right, low)), ends)
}

/// The budgets at which every search of a method has a result, and the results.
fn known(budgets: &[f64], bands: &[Option<Band>]) -> Vec<(f64, Band)> {
    budgets.iter().zip(bands).filter_map(|(&budget, &band)| Some((budget, band?))).collect()
}
