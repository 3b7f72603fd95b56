//! The distributions of sampled architectures in small panels, one for each quantity, with a line for each space.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use results::SamplingSummary;
use results::summaries::sampling::Distribution;

use super::canvas::{COLOURS, Canvas, DASHES, HEADER, INK, MARGIN, Mark, Pixel, SOLID, Sample, series_mark};

/// Panels in a row.
const COLUMNS: i32 = 3;

/// Pixels around the plot of a panel, for its heading and for the numbers below it.
const ABOVE: i32 = 34;
const LEFT: i32 = 20;
const BELOW: i32 = 40;
const RIGHT: i32 = 20;

/// Most bins of a panel. A quantity with fewer values has a bin for each.
const BINS: usize = 24;

/// The share of each bin of a quantity, for each space.
struct Histogram {
    /// Middle of each bin, in stored values.
    middles: Vec<f64>,
    /// Shares of all counts by space and bin.
    shares: Vec<Vec<f64>>,
}

/// Draws the legend, and the panels in rows.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<DB>, summary: &SamplingSummary) -> Result<()>
where
    DB::ErrorType: 'static,
{
    ensure!(summary.spaces.iter().any(|space| space.draws > 0), "no architecture was drawn");
    let series = |space: usize| (Mark { radius: 4, ..series_mark(space) }, COLOURS[space % COLOURS.len()]);
    let entry = |(index, name): (usize, &str)| (Sample::Mark(series(index).0), name.to_owned());
    let names = summary.spaces.iter().map(|space| space.name.as_str());
    canvas.legend(&names.enumerate().map(entry).collect::<Vec<_>>())?;
    let rows = (summary.distributions.len() as i32 + COLUMNS - 1) / COLUMNS;
    let (width, height) = (canvas.plot_size.0 as i32 / COLUMNS, canvas.plot_size.1 as i32 / rows);
    for (index, distribution) in (0..).zip(&summary.distributions) {
        let (left, top) = (MARGIN + index % COLUMNS * width, HEADER + index / COLUMNS * height);
        let corners = [(left + LEFT, top + ABOVE), (left + width - RIGHT, top + height - BELOW)];
        canvas.text(&distribution.name, (left + LEFT, top + ABOVE - 6), HPos::Left, VPos::Bottom)?;
        let histogram = Histogram::of(distribution);
        let points = histogram.points(corners);
        for (space, points) in points.iter().enumerate() {
            let (mark, colour) = series(space);
            canvas.line(points, colour, 2, DASHES[space % DASHES.len()])?;
            points.iter().try_for_each(|&at| canvas.mark(at, mark))?;
        }
        let [(left, top), (right, bottom)] = corners;
        canvas.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1, SOLID)?;
        let ends = [histogram.middles.first(), histogram.middles.last()];
        for (end, (at, anchor)) in ends.into_iter().zip([(left, HPos::Left), (right, HPos::Right)]) {
            let value = end.map_or(0.0, |end| end / distribution.unit);
            let digits = if distribution.unit > 1.0 { 1 } else { 0 };
            canvas.text(&format!("{value:.digits$}"), (at, bottom + 10), anchor, VPos::Top)?;
        }
    }
    Ok(())
}

impl Histogram {
    fn of(distribution: &Distribution) -> Self {
        let values: BTreeSet<u64> = distribution.counts.iter().flat_map(|counts| counts.keys().copied()).collect();
        let low = values.first().map_or(0.0, |&value| value as f64);
        let high = values.last().map_or(0.0, |&value| value as f64);
        let is_few = values.len() <= BINS;
        let width = (high - low) / BINS as f64;
        let middles: Vec<f64> = match is_few {
            true => values.iter().map(|&value| value as f64).collect(),
            false => (0..BINS).map(|bin| low + (bin as f64 + 0.5) * width).collect(),
        };
        let bin = |value: u64| match is_few {
            true => values.range(..value).count(),
            false => (((value as f64 - low) / width) as usize).min(BINS - 1),
        };
        let shares = distribution.counts.iter().map(|counts| {
            let all = counts.values().sum::<u64>().max(1) as f64;
            let mut shares = vec![0.0; middles.len()];
            counts.iter().for_each(|(&value, &count)| shares[bin(value)] += count as f64 / all);
            shares
        });
        Self { shares: shares.collect(), middles }
    }

    /// The middle of each bin at the height of its share, in pixels between two corners, for each space. Empty bins
    /// beyond the values of a space have no point.
    fn points(&self, [(left, top), (right, bottom)]: [Pixel; 2]) -> Vec<Vec<Pixel>> {
        let (low, high) = (self.middles.first().copied(), self.middles.last().copied());
        let (low, span) = (low.unwrap_or(0.0), high.unwrap_or(0.0) - low.unwrap_or(0.0));
        let highest = self.shares.iter().flatten().copied().fold(0.0, f64::max);
        let of_space = |shares: &Vec<f64>| {
            let first = shares.iter().position(|&share| share > 0.0).unwrap_or(shares.len());
            let last = shares.iter().rposition(|&share| share > 0.0).unwrap_or(0);
            let at = |bin: usize| {
                let across = if span > 0.0 { (self.middles[bin] - low) / span } else { 0.5 };
                let up = shares[bin] / highest;
                let x = left + (across * f64::from(right - left)).round() as i32;
                (x, bottom - (up * f64::from(bottom - top)).round() as i32)
            };
            (first..=last).map(at).collect()
        };
        self.shares.iter().map(of_space).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn histogram(counts: Vec<BTreeMap<u64, u64>>) -> Histogram {
        Histogram::of(&Distribution { name: "groups".into(), unit: 1.0, counts })
    }

    #[test]
    fn few_values_have_a_bin_each_and_shares_add_up_to_1_in_each_space() {
        let few = histogram(vec![BTreeMap::from([(1, 3), (8, 1)]), BTreeMap::from([(4, 5)])]);
        assert_eq!(few.middles, [1.0, 4.0, 8.0]);
        assert_eq!(few.shares, [vec![0.75, 0.0, 0.25], vec![0.0, 1.0, 0.0]]);
        // 4 lies at 3/7 of the way from 1 to 8. The highest share is 1.
        let points = few.points([(0, 0), (70, 100)]);
        assert_eq!(points, [vec![(0, 25), (30, 100), (70, 75)], vec![(30, 0)]]);
    }

    #[test]
    fn many_values_share_bins_of_equal_width() {
        let many = histogram(vec![(0..100).map(|value| (value, 1)).collect()]);
        assert_eq!(many.middles.len(), BINS);
        assert!((many.shares[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(many.shares[0].iter().all(|share| (0.04..0.06).contains(share)), "{:?}", many.shares[0]);
    }
}
