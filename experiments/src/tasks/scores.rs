//! Scoring architectures with generated weights, in shards of some architectures each.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::tables::write_table;
use results::{ScoreRow, Status};
use smash::scoring::{ScoreNorm, ScoreStatistics, score_noise, score_normalised_by};
use smash::{Architecture, Evaluation, Seed, SmashNet};

use crate::engine::unit::{Done, Kind, Unit};
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

/// The units that score the architectures of a run by one network.
pub struct Scoring<'a, B: AutodiffBackend> {
    /// The images.
    pub setup: &'a Setup<'a, B>,
    /// The architectures.
    pub architectures: &'a [Architecture],
    /// Number of noise draws of each architecture.
    pub draws: usize,
    /// Number of architectures that one unit scores.
    pub shard: usize,
    /// The statistics that BatchNorm normalises with.
    pub statistics: ScoreStatistics,
    /// Number of images in each batch that statistics are taken over.
    pub batch_size: usize,
}

impl<'a, B: AutodiffBackend> Scoring<'a, B> {
    /// One unit for each shard. `net` gives the trained network when a unit runs.
    pub fn units(self, net: impl Fn() -> Result<SmashNet<B::InnerBackend>> + Copy + Send + Sync + 'a) -> Vec<Unit<'a>> {
        let Self { setup, architectures, draws, shard, statistics, batch_size } = self;
        let unit = |(index, range): (usize, Range<usize>)| {
            let output = setup.dir.unit::<ScoreRow>(&format!("scores-{index:04}"));
            Unit {
                kind: Kind::Score,
                name: format!("seed {}, scores, shard {index}", setup.seed.0),
                output: output.clone(),
                beside: None,
                supplied: None,
                steps: range.len() * draws,
                work: Box::new(move |done| {
                    let net = net()?;
                    let scorer = Scorer::new(setup, &net, draws).with_statistics(statistics, batch_size);
                    Ok(write_table(&output, &scorer.score_rows(architectures, range.clone(), done)?)?)
                }),
            }
        };
        shards(architectures.len(), shard).enumerate().map(unit).collect()
    }
}

/// The architectures of a range by the mean of a value over their noise draws, the lowest first. An architecture with a failed draw
/// is left out.
pub fn ranked(
    scores: &[ScoreRow],
    architectures: Range<usize>,
    value: impl Fn(&ScoreRow) -> Option<f64>,
) -> Vec<usize> {
    let mut draws: BTreeMap<usize, Vec<Option<f64>>> = BTreeMap::new();
    for row in scores {
        draws.entry(row.architecture as usize).or_default().push(value(row));
    }
    let score =
        |(&architecture, draws): (&usize, &Vec<Option<f64>>)| Some((mean_of_all(draws.iter().copied())?, architecture));
    let mut ranking: Vec<(f64, usize)> = draws.range(architectures).filter_map(score).collect();
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
    fn architectures_of_a_range_are_ranked_by_the_mean_of_their_draws() {
        let row = |(architecture, draw, error): (u32, u32, Option<f64>)| ScoreRow {
            seed: 0,
            architecture,
            draw,
            error,
            loss: None,
            status: status_of(error.is_some()),
        };
        let errors = [
            (0, 0, Some(0.1)),
            (0, 1, Some(0.1)),
            (1, 0, Some(0.2)),
            (1, 1, None),
            (2, 0, Some(0.9)),
            (2, 1, Some(0.3)),
            (3, 0, Some(0.5)),
            (3, 1, Some(0.5)),
            (4, 0, Some(0.6)),
            (4, 1, Some(0.6)),
        ];
        let scores = errors.map(row);
        assert_eq!(ranked(&scores, 1..5, |row| row.error), [3, 2, 4]);
        assert_eq!(ranked(&scores, 0..6, |row| row.error), [0, 3, 2, 4]);
    }

    #[test]
    fn a_mean_needs_all_evaluations() {
        let evaluation = |error| Scored::of(Some(Evaluation { error, top5_error: 0.0, loss: 1.0 }));
        assert_eq!(mean_error(&[evaluation(0.25), evaluation(0.75)]), Some(0.5));
        assert_eq!(mean_error(&[evaluation(0.25), Scored::of(None)]), None);
        assert_eq!(mean_error(&[]), None);
    }
}
