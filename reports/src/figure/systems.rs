//! The test error of every system of a comparison, with the standard deviation over its trainings. The best is at the top.
//!
//! Quoted numbers are not drawn, because they come from other trainings.

use anyhow::{Result, ensure};
use plotters::style::RGBColor;
use results::ComparisonSummary;
use results::summaries::comparison::SystemSummary;

use crate::picture::shapes::INK;

use super::axis::{Axis, Ticks};
use super::canvas::Canvas;
use super::chance;
use super::definition::FigureDefinition;
use super::legend::Sample;
use super::marks::{COLOURS, Hatch};

/// The roles and the fill of their bars; any other role is drawn like the first.
const ROLES: [(&str, RGBColor, Hatch); 3] = [
    ("hand-designed", RGBColor(0x77, 0x77, 0x77), Hatch::None),
    ("SMASH", COLOURS[0], Hatch::Rising),
    ("trained search", COLOURS[1], Hatch::Falling),
];

/// Draws legend and plot. `labels` holds the label of each system, and `by_chance` the error by chance if it is known.
pub(super) fn draw(
    canvas: &mut Canvas,
    definition: &FigureDefinition,
    summary: &ComparisonSummary,
    labels: &[String],
    by_chance: Option<f64>,
) -> Result<()> {
    ensure!(summary.measured() > 0, "no system has a test error");
    let ends = summary.systems.iter().filter_map(|system| system.error);
    let largest = ends.map(|error| error.mean + error.deviation.unwrap_or(0.0)).fold(0.01, f64::max);
    let by_chance = by_chance.filter(|&error| chance::is_near(error, largest));
    let has_role = |role: &str| summary.systems.iter().any(|system| system.role.as_deref() == Some(role));
    let roles = ROLES.iter().filter(|(role, ..)| has_role(role));
    let entry = |&(role, colour, hatch): &(&str, RGBColor, Hatch)| (Sample::Fill(colour, hatch), role.to_owned());
    canvas.legend(&roles.map(entry).chain(by_chance.map(|_| chance::entry())).collect::<Vec<_>>());

    // From the bottom: the systems without an error in the order of the definition, then the others from the worst on.
    let mut rows: Vec<(&SystemSummary, &String)> = summary.systems.iter().zip(labels).rev().collect();
    let error = |row: &(&SystemSummary, &String)| row.0.error.map_or(f64::INFINITY, |error| error.mean);
    rows.sort_by(|a, b| error(b).total_cmp(&error(a)));
    let names: Vec<String> = rows.iter().map(|(_, label)| (*label).clone()).collect();
    let notes: Vec<String> = rows.iter().map(|(system, _)| note(system)).collect();
    let x = Axis { range: 0.0..104.0 * by_chance.unwrap_or(0.0).max(largest), ticks: Ticks::Percent };
    let plot = canvas.rows(definition, x, &names, &notes);
    if let Some(error) = by_chance {
        let (x, _) = plot.at((100.0 * error, 0.0));
        chance::line(canvas, (x, plot.top), (x, plot.bottom));
    }
    canvas.row_texts(&plot, &names, &notes);
    for (place, (system, _)) in rows.iter().enumerate() {
        let at = |error: f64, up: f64| plot.in_row(100.0 * error, place, up);
        if let Some(error) = system.error {
            let known = ROLES.iter().find(|(role, ..)| system.role.as_deref() == Some(role));
            let &(_, colour, hatch) = known.unwrap_or(&ROLES[0]);
            canvas.bar([at(0.0, 0.26), at(error.mean, -0.26)], colour, hatch);
            if let Some(deviation) = error.deviation {
                let low = (error.mean - deviation).max(0.0);
                canvas.error_bar(at(low, 0.0), at(error.mean + deviation, 0.0), INK, false);
            }
        }
    }
    Ok(())
}

/// The error in words, with the trainings that it leaves out.
fn note(system: &SystemSummary) -> String {
    let error = match system.error {
        Some(error) => error.to_string(),
        None if system.was_run() => "no training ended ok".to_owned(),
        None => "not run".to_owned(),
    };
    match system.left_out() {
        words if words.is_empty() => error,
        words => format!("{error}, {words}"),
    }
}
