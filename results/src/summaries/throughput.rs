//! The speed of steps, from the table of timed steps.

use std::fmt;

use crate::summaries::text::in_order;
use crate::tables::rows::ThroughputRow;

/// Summary of the steps with one name.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSummary {
    /// Name of the step.
    pub step: String,
    /// Number of timed steps.
    pub steps: usize,
    /// Images per second at the median time of the later half of the steps.
    pub images_per_second: f64,
    /// Seconds at the 10th, 50th and 90th percentile of the later half of the steps.
    pub seconds: [f64; 3],
    /// Seconds of all steps beyond their median: compilation and tuning of kernels, where there is any, and noise.
    pub excess: f64,
    /// Seconds of all steps.
    pub total: f64,
}

/// One line for a terminal.
impl fmt::Display for StepSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, median, _] = self.seconds;
        write!(
            f,
            "{:<32}{:>9.0} images/s  median {:>8.2} ms; slower steps lost {:.1} of {:.1} s",
            self.step,
            self.images_per_second,
            1e3 * median,
            self.excess,
            self.total
        )
    }
}

/// Summarises the steps of each name, in the order in which the names first appear.
pub fn summary(rows: &[ThroughputRow]) -> Vec<StepSummary> {
    let names = in_order(rows.iter().map(|row| &row.step));
    let of_name = |name: &str| {
        let rows: Vec<&ThroughputRow> = rows.iter().filter(|row| row.step == name).collect();
        let later = &rows[rows.len() / 2..];
        let mut times: Vec<f64> = later.iter().map(|row| row.seconds / f64::from(row.images)).collect();
        times.sort_by(f64::total_cmp);
        let images = later.iter().map(|row| f64::from(row.images)).sum::<f64>() / later.len() as f64;
        let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
        let median = at(0.5);
        let beyond = |row: &&ThroughputRow| (row.seconds - median * f64::from(row.images)).max(0.0);
        StepSummary {
            step: name.to_owned(),
            steps: rows.len(),
            images_per_second: 1.0 / median,
            seconds: [0.1, 0.5, 0.9].map(|part| at(part) * images),
            excess: rows.iter().map(beyond).sum(),
            total: rows.iter().map(|row| row.seconds).sum(),
        }
    };
    names.into_iter().map(of_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_count_as_excess_and_not_as_speed() {
        let row = |step: &str, index, seconds| ThroughputRow { seed: 0, step: step.into(), index, images: 50, seconds };
        let rows = [row("a", 0, 10.0), row("a", 1, 2.0), row("b", 0, 1.0), row("a", 2, 0.5), row("a", 3, 0.5)];
        let [a, b] = &summary(&rows)[..] else { panic!("two names") };
        assert_eq!((a.step.as_str(), a.steps, a.images_per_second), ("a", 4, 100.0));
        assert_eq!(a.seconds, [0.5; 3]);
        assert_eq!((a.excess, a.total), (9.5 + 1.5, 13.0));
        assert_eq!((b.step.as_str(), b.images_per_second, b.excess), ("b", 50.0, 0.0));
    }
}
