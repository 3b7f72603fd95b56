//! The distributions of sampled architectures in small panels, one for each quantity, with a line for each space.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::{Result, ensure};
use plotters::style::text_anchor::{HPos, VPos};
use results::SamplingSummary;
use results::summaries::sampling::Distribution;

use super::axis::{Axis, Numbers, Scale, Ticks};
use super::canvas::{Canvas, MARGIN};
use super::ends::line_style;
use super::legend::{LINE_WIDTH, Sample};
use super::marks::{Mark, mark_of_many};

/// Most panels in a row.
const COLUMNS: usize = 3;

/// Height in pixels of a panel, and the space around its plot: for its heading and for the numbers below it.
const HEIGHT: f64 = 190.0;
const ABOVE: f64 = 30.0;
const LEFT: f64 = 12.0;
const BELOW: f64 = 38.0;
const RIGHT: f64 = 12.0;

/// Most numbers below a panel.
const MOST_NUMBERS: usize = 6;

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
pub(super) fn draw(canvas: &mut Canvas, summary: &SamplingSummary) -> Result<()> {
    ensure!(summary.spaces.iter().any(|space| space.draws > 0), "no architecture was drawn");
    let mark = |space: usize| Mark { radius: 3.5, ..mark_of_many(space, 1).0 };
    let entry = |(index, name): (usize, &str)| {
        let sample = Sample::Course { line: line_style(index), mark: Some(mark(index)), has_band: false };
        (sample, name.to_owned())
    };
    let names = summary.spaces.iter().map(|space| space.name.as_str());
    canvas.legend(&names.enumerate().map(entry).collect::<Vec<_>>());
    let columns = if canvas.is_narrow() { 1 } else { COLUMNS };
    let width = (canvas.width() - 2.0 * MARGIN) / columns as f64;
    for row in summary.distributions.chunks(columns) {
        for (column, distribution) in row.iter().enumerate() {
            let (left, top) = (MARGIN + column as f64 * width, canvas.top);
            let corners = [(left + LEFT, top + ABOVE), (left + width - RIGHT, top + HEIGHT - BELOW)];
            canvas.text(&distribution.name, (left + LEFT, top + ABOVE - 6.0), HPos::Left, VPos::Bottom);
            let histogram = Histogram::of(distribution);
            let (x, y) = histogram.axes(distribution.unit);
            let numbers = histogram.numbers(&x, distribution.unit);
            let plot = canvas.chart(corners, Scale::new(x.range, numbers), Scale::bare(y));
            for (space, points) in histogram.points().into_iter().enumerate() {
                let at = |(value, share): (f64, f64)| plot.at((value / distribution.unit, share));
                let points: Vec<_> = points.into_iter().map(at).collect();
                let (colour, dash) = line_style(space);
                canvas.line(&points, colour, LINE_WIDTH, dash);
                points.iter().for_each(|&at| canvas.mark(at, mark(space)));
            }
        }
        canvas.top += HEIGHT;
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

    /// The axis of values and the range of shares, both with some margin.
    fn axes(&self, unit: f64) -> (Axis, Range<f64>) {
        let [low, high] = [self.middles.first(), self.middles.last()].map(|end| end.copied().unwrap_or(0.0) / unit);
        let air = if high > low { 0.04 * (high - low) } else { 1.0 };
        let ticks = if unit > 1.0 { Ticks::Plain } else { Ticks::Whole };
        let highest = self.shares.iter().flatten().copied().reduce(f64::max).unwrap_or(1.0);
        (Axis { range: low - air..high + air, ticks }, 0.0..1.05 * highest)
    }

    /// The numbers on the axis of values: each value if there are few whole ones.
    fn numbers(&self, axis: &Axis, unit: f64) -> Numbers {
        match axis.ticks {
            Ticks::Whole if self.middles.len() <= MOST_NUMBERS => {
                self.middles.iter().map(|&value| (value / unit, (value / unit).to_string())).collect()
            }
            _ => axis.numbers(MOST_NUMBERS),
        }
    }

    /// The middle of each bin with its share, for each space. Empty bins beyond the values of a space have no point.
    fn points(&self) -> Vec<Vec<(f64, f64)>> {
        let of_space = |shares: &Vec<f64>| {
            let first = shares.iter().position(|&share| share > 0.0);
            let last = shares.iter().rposition(|&share| share > 0.0);
            let bins = first.zip(last).map(|(first, last)| first..=last);
            bins.into_iter().flatten().map(|bin| (self.middles[bin], shares[bin])).collect()
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
        assert_eq!(few.points(), [vec![(1.0, 0.75), (4.0, 0.0), (8.0, 0.25)], vec![(4.0, 1.0)]]);
        let (x, y) = few.axes(1.0);
        assert!(x.range.contains(&1.0) && x.range.contains(&8.0) && y.contains(&1.0), "{x:?}, {y:?}");
        let numbers: Vec<String> = few.numbers(&x, 1.0).into_iter().map(|(_, text)| text).collect();
        assert_eq!(numbers, ["1", "4", "8"]);
    }

    #[test]
    fn a_quantity_without_a_value_has_axes_and_no_points() {
        let none = histogram(vec![BTreeMap::new(), BTreeMap::new()]);
        assert_eq!(none.points(), [vec![], vec![]]);
        assert!(!none.axes(1.0).1.is_empty());
    }

    #[test]
    fn many_values_share_bins_of_equal_width() {
        let many = histogram(vec![(0..100).map(|value| (value, 1)).collect()]);
        assert_eq!(many.middles.len(), BINS);
        assert!((many.shares[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(many.shares[0].iter().all(|share| (0.04..0.06).contains(share)), "{:?}", many.shares[0]);
    }
}
