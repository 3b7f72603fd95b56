//! The sampling study: how architectures of the paper's spaces are distributed (appendices A and C). Nothing is trained.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::tables::write_table;
use results::{OpValueRow, SampleRow};
use smash::{Architecture, Counts, SearchSpace, Task};

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather, gather_beside};
use crate::settings::untrained::{SampledSpace, SamplingStudy};
use crate::tasks::scores::shards;
use crate::tasks::setup::{Setup, sampled_architecture};

/// One seed of a sampling study.
pub struct SamplingRun<'a, B: AutodiffBackend> {
    study: &'a SamplingStudy,
    setup: Setup<'a, B>,
}

/// How often each value of each quantity occurs among ops.
type OpValues = BTreeMap<(&'static str, usize), u64>;

impl<'a, B: AutodiffBackend> SamplingRun<'a, B> {
    /// Draws from the spaces of the study.
    pub fn new(study: &'a SamplingStudy, setup: Setup<'a, B>) -> Self {
        Self { study, setup }
    }

    /// The unit of some draws from one space. Each architecture is counted and dropped before the next is drawn.
    fn unit<'s>(&'s self, number: usize, sampled: &'s SampledSpace, shard: usize, range: Range<usize>) -> Unit<'s> {
        let dir = self.setup.dir;
        let output = dir.unit::<SampleRow>(&format!("samples-{number}-{shard:04}"));
        let beside = dir.unit::<OpValueRow>(&format!("op-values-{number}-{shard:04}"));
        let files = (output.clone(), beside.clone());
        Unit {
            kind: Kind::Sample,
            name: format!("seed {}, {}, shard {shard}", self.setup.seed.0, sampled.name),
            output,
            beside: Some(beside),
            supplied: None,
            steps: range.len(),
            work: Box::new(move |done| {
                let (samples, values) = self.draw(sampled, range.clone(), done)?;
                write_table(&files.1, &values)?;
                Ok(write_table(&files.0, &samples)?)
            }),
        }
    }

    fn draw(
        &self,
        sampled: &SampledSpace,
        range: Range<usize>,
        done: Done<'_>,
    ) -> Result<(Vec<SampleRow>, Vec<OpValueRow>)> {
        let (mut samples, mut values) = (Vec::new(), OpValues::new());
        for draw in range {
            let architecture = sampled_architecture(&sampled.space, self.setup.seed, draw as u64);
            samples.push(self.sample_row(sampled, draw, &architecture));
            count_ops(&sampled.space, &architecture, &mut values);
            done(1)?;
        }
        let row = |((quantity, value), count): ((&str, usize), u64)| OpValueRow {
            seed: self.setup.seed.0,
            space: sampled.name.clone(),
            quantity: quantity.into(),
            value: value as u32,
            count,
        };
        Ok((samples, values.into_iter().map(row).collect()))
    }

    fn sample_row(&self, sampled: &SampledSpace, draw: usize, architecture: &Architecture) -> SampleRow {
        let space = &sampled.space;
        let counts = Counts::of(space, Task::CIFAR_100, architecture);
        let ops = |block: usize| architecture.blocks[block].ops.len() as u32;
        let banks = |index: usize| {
            let block = &architecture.blocks[index];
            block.banks_used(space.input_banks(index, block.bank_size)) as u32
        };
        SampleRow {
            seed: self.setup.seed.0,
            space: sampled.name.clone(),
            draw: draw as u32,
            canonical: architecture.canonical_hash(space),
            parameters: counts.parameters,
            multiply_adds: counts.multiply_adds,
            depth: counts.depth,
            ops_block_1: ops(0),
            ops_block_2: ops(1),
            ops_block_3: ops(2),
            banks_block_1: banks(0),
            banks_block_2: banks(1),
            banks_block_3: banks(2),
        }
    }
}

/// Counts the values of all ops of an architecture, and of their convolutions.
fn count_ops(space: &SearchSpace, architecture: &Architecture, values: &mut OpValues) {
    let mut count = |quantity, value| *values.entry((quantity, value)).or_default() += 1;
    for op in architecture.blocks.iter().flat_map(|block| &block.ops) {
        count("banks read", op.reads.len());
        count("banks written", op.writes.len());
        count("output channels", op.units * space.base_channels);
        count("convolutions", op.convs.iter().flatten().count());
        for conv in op.convs.iter().flatten() {
            count("groups", conv.groups);
            for axis in 0..2 {
                count("kernel size", conv.kernel[axis]);
                count("dilation", conv.dilation[axis]);
            }
        }
    }
}

/// Adds up the counts of all units, in the order in which spaces and quantities first appear.
fn added_up(rows: Vec<OpValueRow>) -> Vec<OpValueRow> {
    let mut sums: Vec<OpValueRow> = Vec::new();
    let mut places: BTreeMap<(String, String, u32), usize> = BTreeMap::new();
    for row in rows {
        let place = places.entry((row.space.clone(), row.quantity.clone(), row.value)).or_insert(sums.len());
        match sums.get_mut(*place) {
            Some(sum) => sum.count += row.count,
            None => sums.push(row),
        }
    }
    sums
}

impl<B: AutodiffBackend> Study for SamplingRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::Sample]
    }

    fn units(&self, _stage: usize) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for (number, sampled) in self.study.spaces.iter().enumerate() {
            let shards = shards(self.study.draws, self.study.shard).enumerate();
            units.extend(shards.map(|(shard, range)| self.unit(number, sampled, shard, range)));
        }
        units
    }

    fn write_tables(&self) -> Result<()> {
        let (dir, units) = (self.setup.dir, self.units(0));
        dir.write(&gather::<SampleRow>(&units)?)?;
        Ok(dir.write(&added_up(gather_beside(&units)?))?)
    }
}

#[cfg(test)]
mod tests {
    use smash::{Limits, Seed, Stream};

    use super::*;

    #[test]
    fn every_op_is_counted_once() {
        let space = SearchSpace::smash_v2(2, 2);
        let mut rng = Seed(1).rng(Stream::Drawing, &[]);
        let architecture = smash::sampling::sample(&space, Limits::of(&space), &mut rng);
        let mut values = OpValues::new();
        count_ops(&space, &architecture, &mut values);
        let total = |wanted: &str| -> u64 {
            let of_quantity = values.iter().filter(|((quantity, _), _)| *quantity == wanted);
            of_quantity.map(|(_, count)| count).sum()
        };
        let sum = |wanted: &str| -> u64 {
            let of_quantity = values.iter().filter(|((quantity, _), _)| *quantity == wanted);
            of_quantity.map(|((_, value), count)| *value as u64 * count).sum()
        };
        assert_eq!(total("banks read"), architecture.op_count() as u64);
        // Each active convolution has one number of groups, and two sizes of its kernel.
        assert_eq!(total("groups"), sum("convolutions"));
        assert_eq!(total("kernel size"), 2 * sum("convolutions"));
    }

    #[test]
    fn counts_of_shards_add_up() {
        let row = |space: &str, value, count| OpValueRow {
            seed: 0,
            space: space.into(),
            quantity: "groups".into(),
            value,
            count,
        };
        let rows = vec![row("A", 1, 2), row("A", 8, 1), row("A", 1, 3), row("B", 1, 5)];
        assert_eq!(added_up(rows), [row("A", 1, 5), row("A", 8, 1), row("B", 1, 5)]);
    }
}
