//! One row for each architecture of a stored run: its size, its SMASH score and its true error.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::statistics::sample::{mean, standard_deviation};
use crate::summaries::join::{Key, join};
use crate::summaries::predictor::{Measure, score_values};
use crate::tables::rows::{ArchitectureRow, ScoreRow, TruthRow};
use crate::tables::{Status, declare};

declare! {
    /// One architecture of one root seed of a stored run. Root seeds that share their architectures have a row each.
    pub struct SummaryRow in "summary" {
        /// Root seed of the run.
        pub seed: u64,
        /// The architecture: its index in the table `architectures`.
        pub architecture: u32,
        /// Hash of the architecture.
        pub hash: String,
        /// Canonical hash, which isomorphic architectures share. Missing if this program cannot read the search space of the run.
        pub canonical: Option<String>,
        /// Number of free parameters of the resulting network.
        pub parameters: u64 as "count",
        /// Cost of one forward pass.
        pub multiply_adds: u64 as "multiply-adds per example",
        /// Number of convolutions on the longest path from input to output.
        pub depth: u32 as "count",
        /// SMASH score: the mean validation error over the noise draws. Missing if a draw failed, or without a score.
        pub score_error: Option<f64> as "fraction in [0, 1]",
        /// Standard deviation of the validation error over the noise draws, with n - 1. Missing below two draws.
        pub score_error_deviation: Option<f64> as "fraction in [0, 1]",
        /// SMASH score by loss: the mean validation loss over the noise draws. Also missing if a loss is not finite.
        pub score_loss: Option<f64> as "nats",
        /// Standard deviation of the validation loss over the noise draws, with n - 1.
        pub score_loss_deviation: Option<f64> as "nats",
        /// True error: the mean test error over the trainings that ended ok. Missing without any.
        pub true_error: Option<f64> as "fraction in [0, 1]",
        /// Standard deviation of the test error over these trainings, with n - 1. Missing below two trainings.
        pub true_error_deviation: Option<f64> as "fraction in [0, 1]",
        /// Number of trainings that ended ok.
        pub trainings: u32 as "count",
        /// Number of trainings that failed.
        pub failed_trainings: u32 as "count",
    }
}

/// Joins the tables of a run to one row for each architecture, in the order of root seed and index.
///
/// # Errors
/// If a training names an architecture that `architectures` lacks.
pub fn summary_rows(
    architectures: &[ArchitectureRow],
    scores: &[ScoreRow],
    trainings: &[TruthRow],
) -> Result<Vec<SummaryRow>> {
    let joined = |by| join(architectures, &score_values(scores, by), trainings);
    let (by_error, by_loss) = (joined(Measure::Error)?, joined(Measure::Loss)?);
    let mut failed: BTreeMap<Key, u32> = BTreeMap::new();
    for row in trainings.iter().filter(|row| row.status == Status::Failed) {
        *failed.entry((row.seed, row.architecture)).or_default() += 1;
    }
    let rows = by_error.iter().zip(&by_loss).map(|(by_error, by_loss)| {
        let row = by_error.row;
        let score_errors = by_error.values.as_deref();
        let losses = by_loss.values.as_deref().filter(|losses| losses.iter().all(|loss| loss.is_finite()));
        let test_errors = by_error.errors.as_deref().unwrap_or_default();
        SummaryRow {
            seed: row.seed,
            architecture: row.architecture,
            hash: row.hash.clone(),
            canonical: row.canonical.clone(),
            parameters: row.parameters,
            multiply_adds: row.multiply_adds,
            depth: row.depth,
            score_error: score_errors.map(mean),
            score_error_deviation: score_errors.and_then(standard_deviation),
            score_loss: losses.map(mean),
            score_loss_deviation: losses.and_then(standard_deviation),
            true_error: by_error.true_error(),
            true_error_deviation: standard_deviation(test_errors),
            trainings: test_errors.len() as u32,
            failed_trainings: failed.get(&(row.seed, row.architecture)).copied().unwrap_or(0),
        }
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summaries::made_up::{architecture, score, truth};

    fn scored(architecture: u32, draw: u32, error: f64, loss: f64) -> ScoreRow {
        ScoreRow { loss: Some(loss), ..score(0, architecture, draw, Some(error)) }
    }

    #[test]
    fn an_architecture_has_one_row_whatever_the_number_of_draws_and_trainings() {
        let canonical = |seed| ArchitectureRow { canonical: Some("c".to_owned()), ..architecture(seed, 0) };
        let architectures = [canonical(0), architecture(0, 1), canonical(1)];
        let scores = [scored(0, 0, 0.5, 1.0), scored(0, 1, 0.75, 3.0), scored(1, 0, 0.5, f64::INFINITY)];
        let trainings = [(0, 0, Some(0.25)), (0, 1, None), (0, 2, Some(0.5)), (1, 0, Some(0.125))];
        let mut trainings = trainings.map(|(index, seed, error)| truth(0, index, seed, error)).to_vec();
        trainings.push(TruthRow { status: Status::Skipped, ..truth(1, 0, 0, None) });
        let rows = summary_rows(&architectures, &scores, &trainings).unwrap();
        let expected = SummaryRow {
            seed: 0,
            architecture: 0,
            hash: architectures[0].hash.clone(),
            canonical: Some("c".to_owned()),
            parameters: 1,
            multiply_adds: 1,
            depth: 1,
            score_error: Some(0.625),
            score_error_deviation: Some(0.03125_f64.sqrt()),
            score_loss: Some(2.0),
            score_loss_deviation: Some(2.0_f64.sqrt()),
            true_error: Some(0.375),
            true_error_deviation: Some(0.03125_f64.sqrt()),
            trainings: 2,
            failed_trainings: 1,
        };
        assert_eq!(rows[0], expected);
        // One draw and one training have no deviation. A loss that is not finite is missing.
        let single = SummaryRow {
            architecture: 1,
            hash: architectures[1].hash.clone(),
            canonical: None,
            score_error: Some(0.5),
            score_error_deviation: None,
            score_loss: None,
            score_loss_deviation: None,
            true_error: Some(0.125),
            true_error_deviation: None,
            trainings: 1,
            failed_trainings: 0,
            ..expected
        };
        assert_eq!(rows[1], single);
        // Neither scored nor trained: missing, never zero.
        let nothing = &rows[2];
        assert_eq!((nothing.seed, nothing.score_error, nothing.score_loss, nothing.true_error), (1, None, None, None));
        assert_eq!((nothing.trainings, nothing.failed_trainings), (0, 0));
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn a_failed_draw_leaves_no_score() {
        let scores = [score(0, 0, 0, Some(0.5)), score(0, 0, 1, None)];
        let rows = summary_rows(&[architecture(0, 0)], &scores, &[]).unwrap();
        assert_eq!((rows[0].score_error, rows[0].score_error_deviation), (None, None));
    }

    #[test]
    fn a_training_of_an_unknown_architecture_is_an_error() {
        let error = summary_rows(&[architecture(0, 0)], &[], &[truth(0, 1, 0, Some(0.5))]).unwrap_err();
        assert!(error.to_string().contains('1'), "{error}");
    }
}
