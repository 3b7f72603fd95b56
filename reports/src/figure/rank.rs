//! Scores averaged over the HyperNets of an ensemble, against their rank (figure 5b of the paper).

use anyhow::{Result, ensure};
use plotters::prelude::*;
use results::EnsembleSummary;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::{COLOURS, Canvas, MARGIN, Sample, mark_of_many, series_mark};
use super::definition::FigureDefinition;

/// Draws legend and plot.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    definition: &FigureDefinition,
    summary: &EnsembleSummary,
) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.n() > 0, "no architecture has a score by every HyperNet");
    let words = format!("mean of {} HyperNets ± 1 standard deviation", summary.members);
    let seeds = summary.seeds.iter().take(COLOURS.len()).enumerate();
    let entry = |(index, seed): (usize, &results::summaries::ensemble::EnsembleSeed)| {
        let name = match summary.seeds.len() {
            1 => words.clone(),
            _ => format!("seed {}", seed.seed),
        };
        (Sample::Bar(series_mark(index)), name)
    };
    canvas.legend(&seeds.map(entry).collect::<Vec<_>>())?;
    let ranked = || summary.seeds.iter().flat_map(|seed| &seed.ranked);
    let ends = ranked().flat_map(|ranked| {
        let half = ranked.deviation.unwrap_or(0.0);
        [ranked.mean - half, ranked.mean + half]
    });
    let longest = summary.seeds.iter().map(|seed| seed.ranked.len()).max().unwrap_or(0);
    let air = (longest as f64 / 30.0).max(0.5);
    let x = Axis { range: 1.0 - air..longest as f64 + air, ticks: Ticks::Whole };
    let y = Axis { range: percent_range(ends), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, MARGIN)?;
    for (index, seed) in summary.seeds.iter().enumerate() {
        let (mark, is_crowd) = mark_of_many(index, seed.ranked.len());
        for (rank, ranked) in seed.ranked.iter().enumerate() {
            let at = |score: f64| plot.at((rank as f64 + 1.0, 100.0 * score));
            if let Some(half) = ranked.deviation {
                canvas.architecture_bar(at(ranked.mean - half), at(ranked.mean + half), mark.colour, is_crowd)?;
            }
            canvas.architecture((seed.seed, ranked.architecture), at(ranked.mean), mark)?;
        }
    }
    Ok(())
}
