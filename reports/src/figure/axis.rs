//! The axes of a figure: their ranges, and the numbers on them.

use std::ops::Range;

use plotters::coord::ranged1d::{
    BoldPoints, KeyPointHint, KeyPointWeight, NoDefaultFormatting, Ranged, ValueFormatter,
};
use plotters::coord::types::RangedCoordf64;

/// Numbers on an axis: their places and texts.
pub(super) type Numbers = Vec<(f64, String)>;

/// Format of the numbers on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ticks {
    /// In percent.
    Percent,
    /// In the unit of the drawn values.
    Plain,
    /// In signed percentage points or other signed numbers.
    Signed,
    /// In whole numbers.
    Whole,
    /// In whole numbers from 1 on.
    Ranks,
    /// In powers of ten: the drawn values are logarithms to the base 10.
    PowersOfTen,
}

/// One axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub range: Range<f64>,
    pub ticks: Ticks,
}

impl Axis {
    /// Places and texts of the numbers on the axis, at most `most` of them, and the first rank.
    pub fn numbers(&self, most: usize) -> Numbers {
        let (range, most) = (&self.range, most.max(2));
        if self.ticks == Ticks::PowersOfTen {
            return powers(range, most);
        }
        let mut values = RangedCoordf64::from(range.clone()).key_points(BoldPoints(most));
        let step = values.windows(2).map(|pair| pair[1] - pair[0]).fold(range.end - range.start, f64::min);
        // Key points carry errors of rounding.
        values.iter_mut().filter(|value| value.abs() < 1e-9 * step).for_each(|value| *value = 0.0);
        let is_whole = matches!(self.ticks, Ticks::Whole | Ticks::Ranks);
        if is_whole {
            values.retain(|value| (value - value.round()).abs() < 1e-6);
        }
        if self.ticks == Ticks::Ranks && values.first().is_none_or(|&first| first > 1.5) {
            values.insert(0, 1.0);
        }
        // The digits after the point that a multiple of the step has.
        let digits = if is_whole { 0 } else { (-(step * (1.0 + 1e-9)).log10().floor()).max(0.0) as usize };
        let text = |value: f64| match self.ticks {
            Ticks::Percent => format!("{value:.digits$} %"),
            Ticks::Signed if value == 0.0 => "0".to_owned(),
            Ticks::Signed => format!("{value:+.digits$}"),
            _ => format!("{value:.digits$}"),
        };
        values.into_iter().map(|value| (value, text(value))).collect()
    }
}

/// Powers of ten within the range of an exponent, and their multiples by 2 and 5 if there is room.
fn powers(range: &Range<f64>, most: usize) -> Numbers {
    let [first, last] = [range.start.floor() as i32, range.end.ceil() as i32];
    let with = |factors: &[f64]| -> Numbers {
        let powers = (first..=last).map(|exponent| 10_f64.powi(exponent));
        let values = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
        let within = values.filter(|value| range.contains(&value.log10()));
        within.map(|value| (value.log10(), format!("{value}"))).collect()
    };
    let many = with(&[1.0, 2.0, 5.0]);
    if many.len() <= most { many } else { with(&[1.0]) }
}

/// A range of values as a coordinate of plotters, which draws the grid at its numbers.
pub(super) struct Scale {
    values: RangedCoordf64,
    numbers: Numbers,
}

impl Scale {
    pub fn new(range: Range<f64>, numbers: Numbers) -> Self {
        Self { values: range.into(), numbers }
    }

    /// A range without numbers and grid.
    pub fn bare(range: Range<f64>) -> Self {
        Self::new(range, Vec::new())
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.values.map(value, limit)
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        match hint.weight() {
            KeyPointWeight::Bold => self.numbers.iter().map(|number| number.0).collect(),
            // There is no finer grid.
            KeyPointWeight::Any => Vec::new(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.values.range()
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let found = self.numbers.iter().find(|number| number.0 == *value);
        found.map_or_else(String::new, |(_, text)| text.clone())
    }
}

/// The range of an axis in percent: the range of the errors, with some margin.
pub(super) fn percent_range(errors: impl Iterator<Item = f64>) -> Range<f64> {
    let Range { start, end } = plain_range(errors);
    100.0 * start..100.0 * end
}

/// The range of an axis: the range of the values, with some margin.
pub(super) fn plain_range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    // A constant has some room, and values that differ by very little keep their differences.
    let span = high - low;
    let air = if (f64::MIN_POSITIVE..1e-3).contains(&span) { 0.05 * span } else { (0.05 * span).max(0.002) };
    low - air..high + air
}

/// The range of tau and its changes: the same for all results, and wider only if a value asks for it.
pub(super) fn tau_range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((-0.44, 0.94), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
    let half = |value: f64| 0.5 * value;
    half((2.0 * low - 0.1).floor())..half((2.0 * high + 0.1).ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_few() {
        for (range, ticks, most, expected) in [
            (21.3..47.2, Ticks::Percent, 6, "25 %, 30 %, 35 %, 40 %, 45 %"),
            (-0.5..1.0, Ticks::Signed, 8, "-0.4, -0.2, 0, +0.2, +0.4, +0.6, +0.8, +1.0"),
            (1.0..1000.0, Ticks::Ranks, 6, "1, 200, 400, 600, 800, 1000"),
            (0.5..3.5, Ticks::Whole, 9, "1, 2, 3"),
            (1.62..1.81, Ticks::Plain, 5, "1.65, 1.70, 1.75, 1.80"),
            (24.2..27.9, Ticks::Percent, 2, "26 %"),
            (-0.1..2.2, Ticks::PowersOfTen, 9, "1, 2, 5, 10, 20, 50, 100"),
            (-0.1..5.0, Ticks::PowersOfTen, 9, "1, 10, 100, 1000, 10000"),
        ] {
            let numbers: Vec<String> = Axis { range, ticks }.numbers(most).into_iter().map(|(_, text)| text).collect();
            assert_eq!(numbers.join(", "), expected);
        }
    }

    #[test]
    fn all_results_share_the_range_of_tau_unless_a_value_asks_for_more() {
        assert_eq!(tau_range([0.1, 0.3].into_iter()), -0.5..1.0);
        assert_eq!(tau_range([-0.34, 0.65].into_iter()), -0.5..1.0);
        assert_eq!(tau_range([-1.9, 0.0].into_iter()), -2.0..1.0);
        assert_eq!(tau_range([0.0, 1.0].into_iter()), -0.5..1.5);
    }
}
