//! Scoring architectures with generated weights, in shards of some architectures each.

use std::ops::Range;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::{ScoreRow, Status};
use smash::scoring::{ScoreNorm, ScoreStatistics, score_noise, score_normalised_by};
use smash::{Architecture, Evaluation, Seed, SmashNet};

use crate::engine::unit::Done;
use crate::tasks::setup::Setup;

/// The architectures of each shard.
pub fn shards(architectures: usize, shard: usize) -> impl Iterator<Item = Range<usize>> {
    let first = (0..architectures).step_by(shard);
    first.map(move |first| first..(first + shard).min(architectures))
}

/// One evaluation as tables hold it. An architecture whose score is not finite has failed, and the others continue.
pub struct Scored {
    /// Validation error.
    pub error: Option<f64>,
    /// Validation loss.
    pub loss: Option<f64>,
    /// Whether the evaluation is finite.
    pub status: Status,
}

impl Scored {
    /// From an evaluation, if there is one.
    pub fn of(outcome: Option<Evaluation>) -> Self {
        Self {
            error: outcome.map(|evaluation| evaluation.error),
            loss: outcome.map(|evaluation| evaluation.loss),
            status: status_of(outcome.is_some()),
        }
    }
}

/// The status of work that gave a value, or failed.
pub fn status_of(is_ok: bool) -> Status {
    if is_ok { Status::Ok } else { Status::Failed }
}

/// A SMASH network, and the way in which it scores.
pub struct Scorer<'a, B: AutodiffBackend> {
    setup: &'a Setup<'a, B>,
    net: &'a SmashNet<B::InnerBackend>,
    draws: usize,
    /// Root of the list of noise draws.
    noise_of: Seed,
    norm: ScoreNorm<B::InnerBackend>,
}

impl<'a, B: AutodiffBackend> Scorer<'a, B> {
    /// Scores as in the paper, over the first `draws` of the run's list of noise draws.
    pub fn new(setup: &'a Setup<'a, B>, net: &'a SmashNet<B::InnerBackend>, draws: usize) -> Self {
        Self { setup, net, draws, noise_of: setup.seed, norm: ScoreNorm::Running }
    }

    /// Scores with the noise draws of another root seed.
    pub fn with_noise_of(self, seed: Seed) -> Self {
        Self { noise_of: seed, ..self }
    }

    /// Scores with other statistics in BatchNorm. Statistics of training images are taken over batches of the given size.
    pub fn with_statistics(self, statistics: ScoreStatistics, batch_size: usize) -> Self {
        let norm = statistics.prepare(self.setup.training(), batch_size, self.setup.seed);
        Self { norm, ..self }
    }

    /// The evaluations of an architecture, one for each draw.
    pub fn scores(&self, architecture: &Architecture) -> Vec<Scored> {
        let Self { setup, net, norm, noise_of, .. } = self;
        let score = |draw| {
            let noise = score_noise(*noise_of, draw);
            score_normalised_by(norm, net, architecture, &noise, setup.validation())
        };
        (0..self.draws).map(|draw| Scored::of(score(draw).ok())).collect()
    }

    /// The rows of all evaluations of some of a run's architectures. `row` gets the index of the architecture, the index of the
    /// draw, and the evaluation; `done` counts evaluations.
    ///
    /// # Errors
    /// [`Stopped`](crate::engine::stop::Stopped).
    pub fn rows<R>(
        &self,
        architectures: &[Architecture],
        range: Range<usize>,
        done: Done<'_>,
        row: impl Fn(u32, u32, Scored) -> R,
    ) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        for index in range {
            let scored = self.scores(&architectures[index]);
            rows.extend((0..).zip(scored).map(|(draw, scored)| row(index as u32, draw, scored)));
            done(self.draws)?;
        }
        Ok(rows)
    }

    /// As [`Self::rows`], for the table `scores`.
    ///
    /// # Errors
    /// [`Stopped`](crate::engine::stop::Stopped).
    pub fn score_rows(
        &self,
        architectures: &[Architecture],
        range: Range<usize>,
        done: Done<'_>,
    ) -> Result<Vec<ScoreRow>> {
        let seed = self.setup.seed.0;
        self.rows(architectures, range, done, |architecture, draw, Scored { error, loss, status }| ScoreRow {
            seed,
            architecture,
            draw,
            error,
            loss,
            status,
        })
    }
}

/// The architectures of a range by the mean of a value over their noise draws, the lowest first. An architecture with a failed draw
/// is left out.
pub fn ranked(
    scores: &[ScoreRow],
    architectures: Range<usize>,
    value: impl Fn(&ScoreRow) -> Option<f64>,
) -> Vec<usize> {
    let mut ranking: Vec<(f64, usize)> = Vec::new();
    for architecture in architectures {
        let draws = scores.iter().filter(|row| row.architecture as usize == architecture);
        ranking.extend(mean_of_all(draws.map(&value)).map(|score| (score, architecture)));
    }
    ranking.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    ranking.into_iter().map(|(_, architecture)| architecture).collect()
}

/// The mean error of some evaluations; `None` if one of them failed.
pub fn mean_error(scored: &[Scored]) -> Option<f64> {
    mean_of_all(scored.iter().map(|scored| scored.error))
}

/// The mean of some values; `None` if there are no values or one is missing.
pub fn mean_of_all(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_all_architectures_once() {
        assert_eq!(shards(7, 3).flatten().collect::<Vec<_>>(), (0..7).collect::<Vec<_>>());
        assert_eq!(shards(7, 3).last(), Some(6..7));
        assert_eq!(shards(6, 3).count(), 2);
    }

    #[test]
    fn a_mean_needs_all_evaluations() {
        let evaluation = |error| Scored::of(Some(Evaluation { error, top5_error: 0.0, loss: 1.0 }));
        assert_eq!(mean_error(&[evaluation(0.25), evaluation(0.75)]), Some(0.5));
        assert_eq!(mean_error(&[evaluation(0.25), Scored::of(None)]), None);
        assert_eq!(mean_error(&[]), None);
    }
}
