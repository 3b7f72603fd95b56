//! The cost of each system's search and of one training of its network, on a logarithmic axis.

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::CostSummary;
use results::summaries::cost::SystemCost;
use results::summaries::text::cost_text;

use super::axis::{Axis, Ticks, plain_range};
use super::canvas::{COLOURS, Canvas, Mark, Sample, Shape, widest};
use super::definition::FigureDefinition;

const SEARCH: Mark = Mark { shape: Shape::Circle, colour: COLOURS[0], radius: 8 };
const QUOTED: Mark = Mark { shape: Shape::Diamond, colour: COLOURS[1], radius: 8 };
const TRAINING: Mark = Mark { shape: Shape::Triangle, colour: COLOURS[2], radius: 8 };

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &CostSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    canvas.legend(&[
        (Sample::Mark(SEARCH), "search, counted".to_owned()),
        (Sample::Mark(QUOTED), "search, quoted".to_owned()),
        (Sample::Mark(TRAINING), "one training, counted".to_owned()),
    ])?;
    let systems: Vec<&SystemCost> = summary.systems.iter().rev().collect();
    let costs: Vec<f64> =
        systems.iter().flat_map(|system| marks(system).into_iter().map(|(_, cost)| cost.log10())).collect();
    ensure!(!costs.is_empty(), "no system has a cost");
    let names: Vec<String> = systems.iter().map(|system| system.name.clone()).collect();
    let notes: Vec<String> = systems.iter().map(|system| note(system)).collect();
    let range = plain_range(costs.into_iter());
    // Whole powers of ten at both ends.
    let x = Axis { range: range.start.floor()..range.end.ceil(), ticks: Ticks::Whole };
    let y = Axis::rows(&names);
    let last = x.range.end;
    let plot = canvas.axes(definition, x, y, 24 + widest(&notes)?)?;
    for (place, (system, note)) in systems.iter().zip(&notes).enumerate() {
        for (mark, cost) in marks(system) {
            canvas.mark(plot.at((cost.log10(), place as f64)), mark)?;
        }
        canvas.note(&plot, (last, place as f64), note)?;
    }
    Ok(())
}

/// The costs of a system that are known, with their marks.
fn marks(system: &SystemCost) -> Vec<(Mark, f64)> {
    let of_search = if system.quoted.is_some() { QUOTED } else { SEARCH };
    let all = [(of_search, system.search), (TRAINING, system.training)];
    all.into_iter().filter_map(|(mark, cost)| Some((mark, cost?.estimate))).collect()
}

/// The costs in words.
fn note(system: &SystemCost) -> String {
    let words = [("search", system.search), ("training", system.training)];
    let words = words.into_iter().filter_map(|(what, cost)| Some(format!("{what} {}", cost_text(cost?.estimate))));
    words.collect::<Vec<_>>().join(", ")
}
