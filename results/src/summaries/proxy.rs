//! The question of the paper's section 4.2: does dE/dc find better architectures than random steps of equal size?

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};
use crate::statistics::bootstrap::{Interval, Units, mean_interval};
use crate::statistics::paired::{Signs, rounded_difference};
use crate::statistics::sample::mean;
use crate::summaries::text::{counted, disagreement, left_out_text, p_text, points_text};
use crate::tables::rows::ProxyRow;

/// The value of the gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxySummary {
    /// Steps along the gradient.
    pub gradient: Descent,
    /// Random steps of equal size from the same starting points.
    pub random: Descent,
    /// Lowest error of the random steps minus that of the steps along the gradient, by root seed and starting point.
    pub gains: Vec<Vec<f64>>,
    /// The mean gain over the starting points and the root seeds.
    pub gain: Option<Interval>,
    /// Number of starting points for which the gradient found the lower error (positive), or the same.
    pub signs: Signs,
    /// Starting points left out because their own error is missing, or because the two methods made unequal numbers of steps.
    pub incomplete: usize,
    /// Proposals without an error. Each spends an evaluation and leaves the lowest error unchanged.
    pub failed: usize,
}

/// The path of one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent {
    /// Lowest error so far, by step, root seed and starting point. Step 0 is the start.
    pub lowest: Vec<Vec<Vec<f64>>>,
    /// Lowest error after the last step minus that of the start, the mean over starting points and root seeds.
    pub change: Option<Interval>,
}

impl Descent {
    /// The mean of the lowest error up to a step, over starting points and root seeds; `None` without any.
    pub fn mean_at(&self, step: usize) -> Option<f64> {
        let seeds = &self.lowest[step];
        let means = seeds.iter().map(|starts| mean(starts)).collect::<Vec<_>>();
        (!means.is_empty()).then(|| mean(&means))
    }

    /// The interval of that mean; `None` for too few starting points.
    pub fn interval_at(&self, step: usize) -> Option<Interval> {
        mean_interval(&self.lowest[step], Units::Own)
    }
}

/// Errors of one method from one start, by step; `None` where the proposal has none.
type Steps = BTreeMap<u32, Option<f64>>;

/// Pairs the two methods by starting point and summarises the gain of the gradient.
///
/// # Errors
/// If a row names a method that is neither `gradient` nor `random`.
pub fn summary(rows: &[ProxyRow]) -> Result<ProxySummary> {
    // By root seed and start: first the steps along the gradient, then the random ones.
    let mut starts: BTreeMap<u64, BTreeMap<u32, [Steps; 2]>> = BTreeMap::new();
    for row in rows {
        let method = match &row.method[..] {
            "gradient" => 0,
            "random" => 1,
            other => {
                return Err(Error::Unexpected {
                    table: "proxy-steps",
                    problem: format!("method `{other}`, expected `gradient` or `random`"),
                });
            }
        };
        let methods = starts.entry(row.seed).or_default().entry(row.start).or_default();
        methods[method].insert(row.step, row.error);
    }
    let mut paths: [Vec<Vec<Vec<f64>>>; 2] = Default::default();
    let (mut incomplete, mut failed) = (0, 0);
    for starts in starts.values() {
        let mut of_seed: [Vec<Vec<f64>>; 2] = Default::default();
        for [gradient, random] in starts.values() {
            let complete = gradient.keys().eq(random.keys());
            let lowest = (lowest_so_far(gradient), lowest_so_far(random));
            let (true, (Some(by_gradient), Some(by_random))) = (complete, lowest) else {
                incomplete += 1;
                continue;
            };
            let errors = gradient.values().chain(random.values());
            failed += errors.filter(|error| error.is_none()).count();
            of_seed[0].push(by_gradient);
            of_seed[1].push(by_random);
        }
        if !of_seed[0].is_empty() {
            let [by_gradient, by_random] = of_seed;
            paths[0].push(by_gradient);
            paths[1].push(by_random);
        }
    }
    let last = |path: &Vec<f64>| *path.last().expect("a path begins with its start");
    let gain = |(gradient, random): (&Vec<f64>, &Vec<f64>)| rounded_difference(last(random), last(gradient));
    let gains: Vec<Vec<f64>> = paths[0]
        .iter()
        .zip(&paths[1])
        .map(|(gradient, random)| gradient.iter().zip(random).map(gain).collect())
        .collect();
    let [gradient, random] = paths.map(|paths| descent(&paths));
    Ok(ProxySummary {
        gradient,
        random,
        gain: mean_interval(&gains, Units::Own),
        signs: Signs::of(gains.iter().flatten().copied()),
        gains,
        incomplete,
        failed,
    })
}

/// The lowest error up to each step; `None` if the start has none.
fn lowest_so_far(steps: &Steps) -> Option<Vec<f64>> {
    let mut lowest = steps.get(&0).copied().flatten()?;
    let mut so_far = |error: &Option<f64>| {
        lowest = error.map_or(lowest, |error| lowest.min(error));
        lowest
    };
    Some(steps.values().map(&mut so_far).collect())
}

/// `paths[s][p]` is the path from starting point p of root seed s. Longer paths are cut to the length of the shortest.
fn descent(paths: &[Vec<Vec<f64>>]) -> Descent {
    let steps = paths.iter().flatten().map(Vec::len).min().unwrap_or(0);
    let at = |step: usize| -> Vec<Vec<f64>> {
        let of_seed = |starts: &Vec<Vec<f64>>| starts.iter().map(|path| path[step]).collect();
        paths.iter().map(of_seed).collect()
    };
    let change = |path: &Vec<f64>| rounded_difference(path[path.len() - 1], path[0]);
    let changes: Vec<Vec<f64>> = paths.iter().map(|starts| starts.iter().map(change).collect()).collect();
    Descent { lowest: (0..steps).map(at).collect(), change: mean_interval(&changes, Units::Own) }
}

impl ProxySummary {
    /// Number of starting points from which both methods went, over all root seeds.
    pub fn n(&self) -> usize {
        self.signs.n()
    }

    /// Number of steps after the start.
    pub fn steps(&self) -> usize {
        self.gradient.lowest.len().saturating_sub(1)
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        left_out_text(&[
            counted(
                self.incomplete,
                [
                    "starting point without equal steps by both methods",
                    "starting points without equal steps by both methods",
                ],
            ),
            counted(self.failed, ["proposal without an error", "proposals without an error"]),
        ])
    }

    /// Describes how often the gradient won, with the sign test.
    pub fn record(&self) -> String {
        let Signs { positive, zero, negative } = self.signs;
        let p = p_text(self.signs.p_value());
        format!("{positive} won, {zero} tied, {negative} lost, sign test {p}")
    }

    /// Explains a sign test that disagrees with the interval of the mean gain; `None` if they agree.
    pub fn disagreement(&self) -> Option<String> {
        let reason = "the sign test counts the starting points that won, and the interval is of their mean gain";
        disagreement(self.gain, self.signs.p_value(), reason)
    }
}

/// A few lines for a terminal.
impl fmt::Display for ProxySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "n = {} starting points, {} steps by each method", self.n(), self.steps())?;
        if !self.left_out().is_empty() {
            writeln!(f, "left out: {}", self.left_out())?;
        }
        writeln!(f, "change of the lowest error by the gradient {}", points_text(self.gradient.change))?;
        writeln!(f, "change of the lowest error by random steps {}", points_text(self.random.change))?;
        write!(f, "gain of the gradient {} ({})", points_text(self.gain), self.record())?;
        self.disagreement().map_or(Ok(()), |note| write!(f, "\n{note}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tables::Status;

    fn row(start: u32, method: &str, step: u32, error: Option<f64>) -> ProxyRow {
        ProxyRow {
            seed: 2,
            start,
            method: method.to_owned(),
            step,
            hash: String::new(),
            canonical: None,
            changes: 1,
            error,
            loss: None,
            status: if error.is_some() { Status::Ok } else { Status::Failed },
        }
    }

    fn three_starts() -> Vec<ProxyRow> {
        let errors =
            [(0.5, [0.4, 0.45], [0.5, 0.48]), (0.6, [0.7, 0.5], [0.65, 0.5]), (0.4, [0.41, 0.42], [0.39, 0.5])];
        let mut rows = Vec::new();
        for (start, (first, gradient, random)) in (0..).zip(errors) {
            for (method, errors) in [("gradient", gradient), ("random", random)] {
                rows.push(row(start, method, 0, Some(first)));
                rows.push(row(start, method, 1, Some(errors[0])));
                rows.push(row(start, method, 2, Some(errors[1])));
            }
        }
        rows
    }

    #[test]
    fn the_lowest_errors_are_compared_by_starting_point() {
        let summary = summary(&three_starts()).unwrap();
        assert_eq!((summary.n(), summary.steps()), (3, 2));
        assert_eq!(summary.gains, [vec![0.08, 0.0, -0.01]]);
        assert_eq!(summary.record(), "1 won, 1 tied, 1 lost, sign test p = 1.0000");
        assert_eq!(summary.gradient.lowest[1], [vec![0.4, 0.6, 0.4]]);
        assert_eq!(summary.random.lowest[2], [vec![0.48, 0.5, 0.39]]);
        assert!((summary.gradient.mean_at(2).unwrap() - 1.3 / 3.0).abs() < 1e-12);
        assert!((summary.gradient.change.unwrap().estimate + 0.2 / 3.0).abs() < 1e-12);
        assert!((summary.random.change.unwrap().estimate + 0.13 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_failed_proposal_is_no_error_and_a_start_without_a_pair_is_left_out() {
        let mut rows = three_starts();
        rows[1] = row(0, "gradient", 1, None);
        rows.push(row(3, "gradient", 0, Some(0.1)));
        rows.extend([row(4, "gradient", 0, None), row(4, "random", 0, None)]);
        let summary = summary(&rows).unwrap();
        assert_eq!(summary.gains[0][0], 0.03);
        assert_eq!(
            summary.left_out(),
            "2 starting points without equal steps by both methods, 1 proposal without an error"
        );
    }

    #[test]
    fn an_unknown_method_is_an_error() {
        let message = summary(&[row(0, "luck", 0, None)]).unwrap_err().to_string();
        assert_eq!(message, "table `proxy-steps`: method `luck`, expected `gradient` or `random`");
        assert_eq!(summary(&[]).unwrap().n(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn the_order_of_rows_changes_nothing(shuffled in Just(three_starts()).prop_shuffle()) {
            prop_assert_eq!(summary(&shuffled).unwrap(), summary(&three_starts()).unwrap());
        }
    }
}
