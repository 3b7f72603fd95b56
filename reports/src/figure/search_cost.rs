//! Test error of the best architecture found against the cost of the search, one line for each method.

use anyhow::{Result, ensure};
use plotters::style::Color;
use results::SearchCostSummary;
use results::summaries::search_cost::Band;

use crate::picture::shapes::Point;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::Canvas;
use super::definition::FigureDefinition;
use super::ends::{entries, label_ends, line_style, room};
use super::legend::{LINE_WIDTH, Sample};
use super::marks::BAND;

/// Number of methods whose bands are drawn: random search and the first predictor. More would hide each other.
const WITH_BAND: usize = 2;

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &SearchCostSummary) -> Result<()> {
    let methods: Vec<Vec<(f64, Band)>> =
        summary.methods.iter().map(|method| known(&summary.budgets, &method.bands)).collect();
    let names: Vec<String> = summary.methods.iter().map(|method| method.name.clone()).collect();
    let with_band = || methods.iter().zip(&names).take(WITH_BAND).enumerate();
    let entry = |(index, (_, name)): (usize, (_, &String))| {
        (Sample::Band(line_style(index).0, BAND), format!("{name}: 5 % to 95 % of the searches"))
    };
    canvas.legend(&entries(canvas, &names).into_iter().chain(with_band().map(entry)).collect::<Vec<_>>());
    let medians = methods.iter().flatten().map(|(_, band)| band.median);
    let ends = with_band().flat_map(|(_, (points, _))| points.iter().flat_map(|(_, band)| [band.low, band.high]));
    let errors: Vec<f64> = medians.chain(ends).collect();
    ensure!(!errors.is_empty(), "no method has found an architecture in every draw");

    let largest = summary.budgets.iter().copied().fold(1.0, f64::max).log10();
    let air = 0.03 * largest.max(0.1);
    let x = Axis { range: -air..largest + air, ticks: Ticks::PowersOfTen };
    let y = Axis { range: percent_range(errors.iter().copied()), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, room(canvas, &names));
    let at = |budget: f64, error: f64| plot.at((budget.log10(), 100.0 * error));
    for (index, (points, _)) in with_band().filter(|(_, (points, _))| points.len() > 1) {
        let high = points.iter().map(|&(budget, band)| at(budget, band.high));
        let low = points.iter().map(|&(budget, band)| at(budget, band.low));
        canvas.band(low, high, line_style(index).0.mix(BAND));
    }
    let mut ends = Vec::new();
    for (index, (points, name)) in methods.iter().zip(&names).enumerate() {
        let (colour, dash) = line_style(index);
        let line: Vec<Point> = points.iter().map(|&(budget, band)| at(budget, band.median)).collect();
        if let Some(&last) = line.last() {
            canvas.line(&line, colour, LINE_WIDTH, dash);
            ends.push((index, last, name));
        }
    }
    label_ends(canvas, &plot, ends);
    Ok(())
}

/// The budgets at which every search of a method has a result, and the results.
fn known(budgets: &[f64], bands: &[Option<Band>]) -> Vec<(f64, Band)> {
    budgets.iter().zip(bands).filter_map(|(&budget, &band)| Some((budget, band?))).collect()
}
