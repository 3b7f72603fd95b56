//! The test error of every system of a comparison, with the standard deviation over its trainings.
//!
//! Quoted numbers are not drawn, because they come from other trainings.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::ComparisonSummary;
use results::summaries::comparison::SystemSummary;

use super::axis::{Axis, Ticks};
use super::canvas::{COLOURS, Canvas, Hatch, INK, Sample, widest};
use super::definition::FigureDefinition;

/// The roles and the fill of their bars; any other role is drawn like the first.
const ROLES: [(&str, RGBColor, Hatch); 3] = [
    ("hand-designed", RGBColor(0x77, 0x77, 0x77), Hatch::None),
    ("SMASH", COLOURS[0], Hatch::Rising),
    ("trained search", COLOURS[1], Hatch::Falling),
];

/// Draws legend and plot. `labels` holds the label of each system.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &ComparisonSummary,
    labels: &[String],
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.measured() > 0, "no system has a test error");
    let has_role = |role: &str| summary.systems.iter().any(|system| system.role.as_deref() == Some(role));
    let roles = ROLES.iter().filter(|(role, ..)| has_role(role));
    let entry = |&(role, colour, hatch): &(&str, RGBColor, Hatch)| (Sample::Fill(colour, hatch), role.to_owned());
    canvas.legend(&roles.map(entry).collect::<Vec<_>>())?;

    let systems: Vec<&SystemSummary> = summary.systems.iter().rev().collect();
    let names: Vec<String> = labels.iter().rev().cloned().collect();
    let notes: Vec<String> = systems.iter().map(|system| note(system)).collect();
    let ends = systems.iter().filter_map(|system| system.error);
    let highest = ends.map(|error| error.mean + error.deviation.unwrap_or(0.0)).fold(0.0, f64::max);
    let x = Axis { range: 0.0..105.0 * highest.max(0.01), ticks: Ticks::Percent };
    let y = Axis::rows(&names);
    let last = x.range.end;
    let plot = canvas.axes(definition, x, y, 24 + widest(&notes)?)?;
    for (place, (system, note)) in systems.iter().zip(&notes).enumerate() {
        let at = |error: f64, height: f64| plot.at((100.0 * error, place as f64 + height));
        if let Some(error) = system.error {
            let known = ROLES.iter().find(|(role, ..)| system.role.as_deref() == Some(role));
            let &(_, colour, hatch) = known.unwrap_or(&ROLES[0]);
            canvas.bar([at(0.0, 0.3), at(error.mean, -0.3)], colour, hatch)?;
            if let Some(deviation) = error.deviation {
                let low = (error.mean - deviation).max(0.0);
                canvas.error_bar(at(low, 0.0), at(error.mean + deviation, 0.0), INK)?;
            }
        }
        canvas.note(&plot, (last, place as f64), note)?;
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
