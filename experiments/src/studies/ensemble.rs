//! The ensemble study: SMASH networks of different seeds score the same architectures (paper, figure 5b).

use std::ops::Range;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::MemberScoreRow;
use results::store::identity::StoredFile;
use results::tables::write_table;
use smash::Architecture;

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather};
use crate::settings::studies::EnsembleStudy;
use crate::tasks::scores::{Scored, Scorer, shards};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::{SmashRun, epochs_of};

/// One seed of an ensemble study.
pub struct EnsembleRun<'a, B: AutodiffBackend> {
    study: &'a EnsembleStudy,
    setup: Setup<'a, B>,
    architectures: Vec<Architecture>,
}

impl<'a, B: AutodiffBackend> EnsembleRun<'a, B> {
    /// Samples the list of architectures that all members score.
    pub fn new(study: &'a EnsembleStudy, setup: Setup<'a, B>) -> Self {
        Self { study, architectures: setup.sample(&study.space, study.scored), setup }
    }

    fn member(&self, member: usize) -> SmashRun<'_, B> {
        SmashRun {
            setup: &self.setup,
            space: &self.study.space,
            hypernet: Some(&self.study.hypernet),
            settings: &self.study.smash,
            seed: self.setup.seed.of_member(member as u64),
            kept: &[],
            stem: format!("smash-{member}"),
        }
    }

    fn networks(&self) -> impl Iterator<Item = SmashRun<'_, B>> {
        (0..self.study.members).map(|member| self.member(member))
    }

    fn scoring_units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for member in 0..self.study.members {
            for (shard, range) in shards(self.study.scored, self.study.shard).enumerate() {
                units.push(Unit {
                    kind: Kind::Score,
                    name: format!("seed {}, scores of member {member}, shard {shard}", self.setup.seed.0),
                    output: self.shard_file(member, shard),
                    beside: None,
                    supplied: None,
                    steps: range.len() * self.study.noise_draws,
                    work: Box::new(move |done| {
                        let rows = self.score(member, range.clone(), done)?;
                        Ok(write_table(&self.shard_file(member, shard), &rows)?)
                    }),
                });
            }
        }
        units
    }

    fn shard_file(&self, member: usize, shard: usize) -> StoredFile {
        self.setup.dir.unit::<MemberScoreRow>(&format!("member-scores-{member}-{shard:04}"))
    }

    fn score(&self, member: usize, range: Range<usize>, done: Done<'_>) -> Result<Vec<MemberScoreRow>> {
        let net = self.member(member).network()?;
        let row = |architecture, draw, Scored { error, loss, status }| MemberScoreRow {
            seed: self.setup.seed.0,
            member: member as u32,
            architecture,
            draw,
            error,
            loss,
            status,
        };
        // All members use the run's noise, so that they differ only in their weights.
        let scorer = Scorer::new(&self.setup, &net, self.study.noise_draws);
        scorer.rows(&self.architectures, range, done, row)
    }
}

impl<B: AutodiffBackend> Study for EnsembleRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::Score]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match stage {
            0 => self.networks().map(SmashRun::unit).collect(),
            _ => self.scoring_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&epochs_of(self.networks())?)?;
        dir.write(&gather::<MemberScoreRow>(&self.scoring_units())?)?;
        Ok(())
    }
}
