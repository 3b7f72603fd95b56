//! How a correlation study with another SMASH network differs from figure 4's (section 4.1 of the paper).
//!
//! It compares the level of the scores, their correlation with true errors, and the ratio of learned to generated weights.

use std::fmt;

use crate::statistics::bootstrap::{Interval, Units, bootstrap, bootstrap_difference, mean_difference, mean_interval};
use crate::statistics::sample::{Point, mean};
use crate::statistics::tau::kendall_tau_b;
use crate::summaries::correlation::{CorrelationSummary, Measure, score_values};
use crate::summaries::join::{by_seed, complete_mean, keep_common};
use crate::summaries::text::{error_text, interval_text, points_text};
use crate::tables::rows::{ScoreRow, WeightsRow};

/// The data of one study that a contrast uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// SMASH score, in [0, 1], of every architecture whose draws all ended ok, trained or not, by root seed.
    pub scores: Vec<Vec<f64>>,
    /// Score and true error of the trained architectures, by root seed.
    pub points: Vec<Vec<Point>>,
    /// Whether the root seeds have the same architectures.
    pub units: Units,
    /// Ratio of learned to generated weights, the mean over architectures and root seeds; `None` if they were not counted.
    pub weights_ratio: Option<f64>,
}

/// A study beside the study it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The study itself.
    pub own: Measures,
    /// The study it is compared with.
    pub reference: Measures,
    /// Mean score of the reference minus that of the study itself; the two are independent samples.
    pub level_drop: Option<Interval>,
    /// Kendall's tau of the reference minus that of the study itself.
    pub tau_drop: Option<Interval>,
}

/// The measures of a study that are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Number of root seeds, each with a SMASH network of its own.
    pub seeds: usize,
    /// Ratio of learned to generated weights.
    pub weights_ratio: Option<f64>,
    /// Number of architectures with a score.
    pub scored: usize,
    /// The mean SMASH score, in [0, 1].
    pub level: Option<Interval>,
    /// Kendall's tau between score and true error.
    pub tau: Option<Interval>,
}

impl Side {
    /// Gathers the data of one study; `weights` is `None` if its runs did not count them.
    pub fn new(summary: &CorrelationSummary, scores: &[ScoreRow], weights: Option<&[WeightsRow]>) -> Self {
        let scores = score_values(scores, Measure::Error).into_iter();
        let scores = scores.map(|((seed, index), draws)| (seed, complete_mean(draws).map(|score| (index, score))));
        let mut scores = by_seed(scores);
        keep_common(&mut scores, summary.units, |&(index, _)| index);
        let ratio = |row: &WeightsRow| (row.seed, Some(row.learned as f64 / row.generated as f64));
        let ratios = by_seed(weights.unwrap_or_default().iter().map(ratio));
        let ratios: Vec<f64> = ratios.values().map(|ratios| mean(ratios)).collect();
        Self {
            scores: scores.into_values().map(|scores| scores.into_iter().map(|(_, score)| score).collect()).collect(),
            points: summary.seeds.iter().map(|seed| seed.points.clone()).collect(),
            units: summary.units,
            weights_ratio: (!ratios.is_empty()).then(|| mean(&ratios)),
        }
    }

    /// The measures of the study that are compared.
    pub fn measures(&self) -> Measures {
        Measures {
            seeds: self.scores.len(),
            weights_ratio: self.weights_ratio,
            scored: self.units.count(self.scores.iter().map(Vec::len)),
            level: mean_interval(&self.scores, self.units),
            tau: bootstrap(&self.points, self.units, kendall_tau_b),
        }
    }
}

/// Compares a study with a reference.
pub fn contrast(own: &Side, reference: &Side) -> Contrast {
    Contrast {
        own: own.measures(),
        reference: reference.measures(),
        level_drop: mean_difference((&reference.scores, reference.units), (&own.scores, own.units)),
        tau_drop: bootstrap_difference((&reference.points, reference.units), (&own.points, own.units), kendall_tau_b),
    }
}

/// Writes one line.
impl fmt::Display for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.weights_ratio.map_or_else(|| "not counted".to_owned(), |ratio| format!("{ratio:.2}"));
        write!(
            f,
            "root seeds {}, learned / generated weights {ratio}, mean score {} (n = {}), Kendall τ {}",
            self.seeds,
            error_text(self.level),
            self.scored,
            interval_text(self.tau)
        )
    }
}

/// A few lines for a terminal.
impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "here:      {}", self.own)?;
        writeln!(f, "reference: {}", self.reference)?;
        write!(
            f,
            "reference - here: mean score {}, Kendall τ {}",
            points_text(self.level_drop),
            interval_text(self.tau_drop)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summaries::correlation::{Predictor, summary};
    use crate::summaries::made_up::score;

    fn side(level: f64, rising: bool) -> Side {
        let points = (0..20).map(|n| (f64::from(n), if rising { f64::from(n) } else { -f64::from(n) }));
        Side {
            units: Units::Own,
            scores: vec![(0..20).map(|n| level + f64::from(n) / 1000.0).collect()],
            points: vec![points.collect()],
            weights_ratio: None,
        }
    }

    #[test]
    fn level_and_tau_fall_from_the_reference_to_the_study() {
        let contrast = contrast(&side(0.3, false), &side(0.5, true));
        let level = contrast.level_drop.unwrap();
        assert!((level.estimate - 0.2).abs() < 1e-12 && level.low > 0.19 && level.high < 0.21, "{level:?}");
        assert_eq!(contrast.tau_drop.unwrap().estimate, 2.0);
        let same = super::contrast(&side(0.3, true), &side(0.3, true)).level_drop.unwrap();
        assert!(same.low < 0.0 && same.high > 0.0 && same.estimate.abs() < 1e-12, "{same:?}");
        assert!(contrast.to_string().contains("learned / generated weights not counted"));
    }

    #[test]
    fn scores_are_averaged_over_draws_and_ratios_over_architectures_and_seeds() {
        let scores =
            [score(0, 0, 0, Some(0.25)), score(0, 0, 1, Some(0.75)), score(0, 1, 0, None), score(0, 2, 0, Some(0.5))];
        let weights = |seed, architecture, learned| WeightsRow { seed, architecture, generated: 100, learned };
        let weights = [weights(0, 0, 100), weights(0, 1, 300), weights(1, 0, 400)];
        let summary = summary(&[], &Predictor::score(&scores, Measure::Error), &[], 10).unwrap();
        let side = Side::new(&summary, &scores, Some(&weights));
        assert_eq!(side.scores, [vec![0.5, 0.5]]);
        assert_eq!(side.weights_ratio, Some(3.0));
        assert_eq!(side.measures().scored, 2);
    }
}
