//! The corruption study: does the HyperNet use the encoding (paper, section 4.2)?
//!
//! Architectures run with weights that were generated from their own encoding, and from corrupted encodings.

use std::ops::Range;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::store::identity::StoredFile;
use results::tables::write_table;
use results::{CorruptionRow, Status};
use smash::corruption::{Corruption, corrupt};
use smash::scoring::{score_noise, score_with};
use smash::{Architecture, Encoding, Stream};

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather};
use crate::settings::studies::CorruptionStudy;
use crate::tasks::scores::{Scored, shards};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::SmashRun;

/// Name of the correct encoding in the table.
const CORRECT: &str = "none";

/// One seed of a corruption study.
pub struct CorruptionRun<'a, B: AutodiffBackend> {
    study: &'a CorruptionStudy,
    setup: Setup<'a, B>,
    architectures: Vec<Architecture>,
}

impl<'a, B: AutodiffBackend> CorruptionRun<'a, B> {
    /// Samples the architectures.
    pub fn new(study: &'a CorruptionStudy, setup: Setup<'a, B>) -> Self {
        Self { study, architectures: setup.sample(&study.space, study.scored), setup }
    }

    fn smash(&self) -> SmashRun<'_, B> {
        let study = self.study;
        SmashRun::only(&self.setup, &study.space, &study.hypernet, &study.smash)
    }

    fn shard_file(&self, shard: usize) -> StoredFile {
        self.setup.dir.unit::<CorruptionRow>(&format!("corruptions-{shard:04}"))
    }

    fn scoring_units(&self) -> Vec<Unit<'_>> {
        let unit = |(shard, range): (usize, Range<usize>)| Unit {
            kind: Kind::Score,
            name: format!("seed {}, corrupted scores, shard {shard}", self.setup.seed.0),
            output: self.shard_file(shard),
            beside: None,
            supplied: None,
            steps: range.len(),
            work: Box::new(move |done| {
                let rows = self.score(range.clone(), done)?;
                Ok(write_table(&self.shard_file(shard), &rows)?)
            }),
        };
        let shards = shards(self.study.scored, self.study.shard);
        shards.enumerate().map(unit).collect()
    }

    /// The encodings that weights of an architecture are generated from, with their names. An encoding is `None` if the
    /// architecture's cannot be corrupted in this way.
    fn encodings(&self, index: usize) -> Vec<(&'static str, Option<Encoding>)> {
        let (space, architecture) = (&self.study.space, &self.architectures[index]);
        let corrupted = |(number, corruption): (usize, Corruption)| {
            let key = [index as u64, number as u64];
            let mut rng = self.setup.seed.rng(Stream::Corruption, &key);
            (corruption.name(), corrupt(space, architecture, corruption, &mut rng))
        };
        let correct = (CORRECT, Some(Encoding::new(space, architecture)));
        let corruptions = Corruption::KINDS.into_iter().enumerate().map(corrupted);
        [correct].into_iter().chain(corruptions).collect()
    }

    fn score(&self, range: Range<usize>, done: Done<'_>) -> Result<Vec<CorruptionRow>> {
        let net = self.smash().network()?;
        let Setup { seed, .. } = self.setup;
        let mut rows = Vec::new();
        for index in range {
            for (name, encoding) in self.encodings(index) {
                for draw in 0..self.study.noise_draws {
                    let noise = score_noise(seed, draw);
                    let scored = match &encoding {
                        Some(encoding) => {
                            let weights = net.generate_from(encoding, &noise);
                            let architecture = &self.architectures[index];
                            Scored::of(score_with(&net, architecture, &weights, self.setup.validation()).ok())
                        }
                        None => Scored { error: None, loss: None, status: Status::Skipped },
                    };
                    rows.push(CorruptionRow {
                        seed: seed.0,
                        architecture: index as u32,
                        corruption: name.into(),
                        draw: draw as u32,
                        error: scored.error,
                        loss: scored.loss,
                        status: scored.status,
                    });
                }
            }
            done(1)?;
        }
        Ok(rows)
    }
}

impl<B: AutodiffBackend> Study for CorruptionRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::Score]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match stage {
            0 => vec![self.smash().unit()],
            _ => self.scoring_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&self.smash().epochs()?)?;
        dir.write(&gather::<CorruptionRow>(&self.scoring_units())?)?;
        Ok(())
    }
}
