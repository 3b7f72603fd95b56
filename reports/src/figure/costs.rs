//! The cost of each system's search and of one training of its network, on a logarithmic axis.

use anyhow::{Result, ensure};
use results::CostSummary;
use results::summaries::cost::SystemCost;
use results::summaries::text::cost_text;

use super::axis::{Axis, Ticks, plain_range};
use super::canvas::Canvas;
use super::definition::FigureDefinition;
use super::legend::Sample;
use super::marks::{COLOURS, Mark, MarkShape};

const SEARCH: Mark = Mark::new(MarkShape::Circle, COLOURS[0], 6.0);
const QUOTED: Mark = Mark::new(MarkShape::Diamond, COLOURS[1], 6.0);
const TRAINING: Mark = Mark::new(MarkShape::Triangle, COLOURS[2], 6.0);

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &CostSummary) -> Result<()> {
    canvas.legend(&[
        (Sample::Mark(SEARCH), "search, counted".to_owned()),
        (Sample::Mark(QUOTED), "search, quoted".to_owned()),
        (Sample::Mark(TRAINING), "one training, counted".to_owned()),
    ]);
    let systems: Vec<&SystemCost> = summary.systems.iter().rev().collect();
    let costs: Vec<f64> =
        systems.iter().flat_map(|system| marks(system).into_iter().map(|(_, cost)| cost.log10())).collect();
    ensure!(!costs.is_empty(), "no system has a cost");
    let names: Vec<String> = systems.iter().map(|system| system.name.clone()).collect();
    let notes: Vec<String> = systems.iter().map(|system| note(system)).collect();
    let range = plain_range(costs.into_iter());
    // Whole powers of ten at both ends.
    let x = Axis { range: range.start.floor()..range.end.ceil(), ticks: Ticks::Whole };
    let plot = canvas.rows(definition, x, &names, &notes);
    canvas.row_texts(&plot, &names, &notes);
    for (place, system) in systems.iter().enumerate() {
        for (mark, cost) in marks(system) {
            canvas.mark(plot.in_row(cost.log10(), place, 0.0), mark);
        }
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
