//! Scores averaged over the HyperNets of an ensemble, against their rank (figure 5b of the paper).

use anyhow::{Result, ensure};
use results::EnsembleSummary;
use results::summaries::ensemble::EnsembleSeed;

use super::axis::{Axis, Ticks, percent_range};
use super::canvas::Canvas;
use super::definition::FigureDefinition;
use super::legend::Sample;
use super::marks::{COLOURS, mark_of_many};

/// Draws legend and plot.
pub(super) fn draw(canvas: &mut Canvas, definition: &FigureDefinition, summary: &EnsembleSummary) -> Result<()> {
    ensure!(summary.n() > 0, "no architecture has a score by every HyperNet");
    let seeds = summary.seeds.iter().take(COLOURS.len()).enumerate();
    let entry = |(index, seed): (usize, &EnsembleSeed)| {
        let name = match summary.seeds.len() {
            1 => format!("mean of {} HyperNets ± 1 standard deviation", summary.members),
            _ => format!("seed {}", seed.seed),
        };
        let (mark, is_crowd) = mark_of_many(index, seed.ranked.len());
        (Sample::Upright(mark, is_crowd), name)
    };
    canvas.legend(&seeds.map(entry).collect::<Vec<_>>());
    let ranked = || summary.seeds.iter().flat_map(|seed| &seed.ranked);
    let ends = ranked().flat_map(|ranked| {
        let half = ranked.deviation.unwrap_or(0.0);
        [ranked.mean - half, ranked.mean + half]
    });
    let longest = summary.seeds.iter().map(|seed| seed.ranked.len()).max().unwrap_or(0);
    let x = Axis { range: 1.0..longest.max(2) as f64, ticks: Ticks::Ranks };
    let y = Axis { range: percent_range(ends), ticks: Ticks::Percent };
    let plot = canvas.axes(definition, x, y, 8.0);
    for (index, seed) in summary.seeds.iter().enumerate() {
        let (mark, is_crowd) = mark_of_many(index, seed.ranked.len());
        for (rank, ranked) in seed.ranked.iter().enumerate() {
            let at = |score: f64| plot.at((rank as f64 + 1.0, 100.0 * score));
            if let Some(half) = ranked.deviation {
                canvas.error_bar(at(ranked.mean - half), at(ranked.mean + half), mark.colour, is_crowd);
            }
            canvas.architecture((seed.seed, ranked.architecture), at(ranked.mean), mark);
        }
    }
    Ok(())
}
