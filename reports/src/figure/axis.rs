//! The axes of a figure: their ranges, and the numbers or names on them.

use std::ops::Range;

/// Format of the numbers on an axis.
pub(super) enum Ticks<'a> {
    /// In percent.
    Percent,
    /// In the unit of the drawn values.
    Plain,
    /// In signed percentage points.
    Points,
    /// In whole numbers.
    Whole,
    /// In powers of ten: the drawn values are logarithms to the base 10.
    PowersOfTen,
    /// Names at 0, 1, ..., from the bottom.
    Names(&'a [String]),
}

/// One axis.
pub(super) struct Axis<'a> {
    pub range: Range<f64>,
    pub ticks: Ticks<'a>,
}

impl<'a> Axis<'a> {
    /// One row for each name, the first at the bottom.
    pub fn rows(names: &'a [String]) -> Self {
        Self { range: -0.6..names.len() as f64 - 0.4, ticks: Ticks::Names(names) }
    }

    /// Writes a number of the axis.
    pub fn format(&self) -> Box<dyn Fn(&f64) -> String> {
        let digits = tick_digits(&self.range);
        match self.ticks {
            Ticks::Percent => Box::new(move |x| format!("{x:.digits$} %")),
            Ticks::Plain => Box::new(move |x| format!("{x:.digits$}")),
            Ticks::Points => Box::new(move |x| match x.abs() < 1e-9 {
                true => "0".to_owned(),
                false => format!("{x:+.digits$}"),
            }),
            Ticks::Whole => Box::new(|x| match (x - x.round()).abs() < 1e-6 {
                true => format!("{x:.0}"),
                false => String::new(),
            }),
            Ticks::PowersOfTen => Box::new(|x| power_text(*x)),
            Ticks::Names(_) => Box::new(|_| String::new()),
        }
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

/// Number of digits after the point that distinguish the ticks of an axis.
fn tick_digits(range: &Range<f64>) -> usize {
    match range.end - range.start {
        span if span >= 8.0 => 0,
        span if span >= 0.8 => 1,
        span if span >= 0.08 => 2,
        span if span >= 1e-3 => 3,
        span => (2.0 - span.log10()).clamp(3.0, 15.0) as usize,
    }
}

/// Ten to a power, with a digit after the point below 10 unless it is whole.
fn power_text(exponent: f64) -> String {
    let power = 10_f64.powf(exponent);
    let is_whole = (power - power.round()).abs() < 1e-6;
    let digits = if power < 10.0 && !is_whole { 1 } else { 0 };
    format!("{power:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_short_numbers() {
        let numbers = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0].map(power_text);
        assert_eq!(numbers, ["1", "3.2", "10", "32", "100", "1000"]);
    }
}
