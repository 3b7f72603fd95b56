//! An architecture as a drawing needs it: the stored form, with the banks that hold the input of each block.

use anyhow::{Context, Result, ensure};
use smash_space::architecture::{self, Conv, Op};
use smash_space::space::{BLOCKS, SearchSpace};

/// Limits on ops of an architecture, and on the banks that they read and write together: several times those of the paper's
/// largest space.
const MOST_OPS: usize = 1_000;
const MOST_READS_AND_WRITES: usize = 1 << 16;

/// Limit on banks: more than a drawing can show, and more than any search space has.
const MOST_BANKS: usize = 1_000;

/// An architecture that can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// The blocks, from the highest resolution to the lowest.
    pub blocks: Vec<Block>,
}

/// The ops of one resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Channels of each bank, in units of N.
    pub bank_size: usize,
    /// The ops in order of execution.
    pub ops: Vec<Op>,
    /// Banks that hold the input of the block. The stored form does not contain their number.
    pub input_banks: usize,
}

impl Architecture {
    /// Reads the stored form and checks everything that a drawing relies on.
    ///
    /// The reference width of the search space determines how many banks hold the input of each block. Without it, each
    /// block has as few of them as its ops allow.
    ///
    /// # Errors
    /// If the text is not JSON of this form, or if ops cannot be drawn. The error names block and op, counted from 0.
    /// Also if block inputs of this width are too narrow for the ops.
    pub fn from_json(text: &str, width: Option<usize>) -> Result<Self> {
        let blocks = architecture::Architecture::from_json(text)?.blocks;
        ensure!(!blocks.is_empty(), "blocks: expected at least one, found none");
        ensure!(width.is_none() || blocks.len() <= BLOCKS, "blocks: expected at most {BLOCKS}, for a width is given");
        let ops = || blocks.iter().flat_map(|block| &block.ops);
        let banks: usize = ops().map(|op| op.reads.len() + op.writes.len()).sum();
        ensure!(ops().count() <= MOST_OPS, "expected at most {MOST_OPS} ops, found {}", ops().count());
        ensure!(
            banks <= MOST_READS_AND_WRITES,
            "expected at most {MOST_READS_AND_WRITES} reads and writes of all ops, found {banks}"
        );
        let blocks = blocks.into_iter().enumerate().map(|(index, block)| {
            let input = width.map(|width| block_input(width, index));
            Block::complete(block, input).with_context(|| format!("block {index}"))
        });
        Ok(Self { blocks: blocks.collect::<Result<_>>()? })
    }
}

/// Channels that enter a block at a reference width, in units of N. No drawing shows the banks of a width beyond the limit.
fn block_input(width: usize, block: usize) -> usize {
    let space = SearchSpace { base_channels: 1, ..SearchSpace::smash_v2(1, width.min(2 * MOST_BANKS)) };
    space.block_input(block)
}

impl Block {
    /// Checks the ops and sets the number of banks that hold the block's input. That input has `input` units, if known.
    fn complete(block: architecture::Block, input: Option<usize>) -> Result<Self> {
        let architecture::Block { bank_size, ops } = block;
        ensure!(bank_size > 0, "bank_size: expected at least 1, found 0");
        ensure!(!ops.is_empty(), "ops: expected at least one, found none");
        for (index, op) in ops.iter().enumerate() {
            let place = || format!("op {index}");
            op.validate_in_any_space(bank_size).map_err(anyhow::Error::msg).with_context(place)?;
            let last = op.reads.iter().chain(&op.writes).max();
            ensure!(
                last < Some(&MOST_BANKS),
                "op {index}: expected banks below {MOST_BANKS}, found reads {:?} and writes {:?}",
                op.reads,
                op.writes
            );
        }
        let least = least_input_banks(&ops);
        let input_banks = input.map_or(least, |units| units / bank_size);
        ensure!(
            (least..=MOST_BANKS).contains(&input_banks),
            "expected {least} to {MOST_BANKS} banks of input for these ops, found {input_banks} at this width"
        );
        Ok(Self { bank_size, ops, input_banks })
    }

    /// Number of banks that hold something at the end.
    pub fn banks(&self) -> usize {
        let written = self.ops.iter().filter_map(|op| op.writes.last());
        written.map(|bank| bank + 1).max().unwrap_or(0).max(self.input_banks)
    }
}

/// The smallest number of input banks that the ops of a block allow. Ops only read banks that hold something, and they
/// fill empty banks in order.
pub(super) fn least_input_banks(ops: &[Op]) -> usize {
    let needed = |inputs: usize| {
        let mut written = inputs;
        for op in ops {
            if let Some(&unwritten) = op.reads.iter().find(|&&bank| bank >= written) {
                return Some(inputs + 1 + unwritten - written);
            }
            for &bank in &op.writes {
                if bank > written {
                    return Some(inputs + bank - written);
                }
                written = written.max(bank + 1);
            }
        }
        None
    };
    let mut inputs = 0;
    while let Some(more) = needed(inputs) {
        inputs = more;
    }
    inputs
}

/// Each active path of an op in words, such as `3x3, d 2 → 5x5`.
pub(super) fn path_labels(op: &Op) -> impl Iterator<Item = String> {
    op.paths().map(|path| {
        let labels: Vec<String> = path.iter().map(Conv::to_string).collect();
        labels.join(" → ")
    })
}

/// Output channels of an op: a number if N is known, otherwise units of N.
pub(super) fn outputs(op: &Op, base_channels: Option<usize>) -> String {
    match base_channels {
        Some(base) => format!("N = {}", op.units.saturating_mul(base)),
        None if op.units == 1 => "1 unit".to_owned(),
        None => format!("{} units", op.units),
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{SMALL, op};
    use super::*;

    #[test]
    fn the_stored_form_is_read() {
        let block = &Architecture::from_json(SMALL, None).unwrap().blocks[0];
        assert_eq!((block.input_banks, block.banks()), (1, 3));
        let labels = block.ops[1].convs.map(|conv| conv.map(|conv| conv.to_string()));
        assert_eq!(labels[0].as_deref(), Some("3x5, d 1x2, g 2"));
        assert_eq!(labels[2].as_deref(), Some("3x3"));
        assert_eq!(outputs(&block.ops[0], Some(6)), "N = 6");
        assert_eq!(outputs(&block.ops[0], None), "1 unit");
    }

    #[test]
    fn faulty_architectures_are_refused_by_place() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = SMALL.replacen(from, to, 1);
            assert_ne!(text, SMALL);
            let message = format!("{:#}", Architecture::from_json(&text, None).unwrap_err());
            assert!(message.contains(expected), "{message}");
        };
        check("\"version\":1", "\"version\":2", "format version 2 is not supported");
        check("\"units\":1", "\"units\":0", "block 0: op 0: units must be a multiple");
        check("\"units\":1", "\"units\":3", "block 0: op 0: writes [0, 1] cannot hold 3");
        check("\"reads\":[0,1]", "\"reads\":[1,0]", "block 0: op 1: reads must name");
        check("\"writes\":[2]", "\"writes\":[99999]", "block 0: op 1: expected banks below");
        check("[3,5]", "[4,4]", "block 0: op 1: convolution 0: kernel sizes must be odd numbers from 3, found [4, 4]");
        check("[2,2]", "[2,0]", "block 0: op 0: convolution 0: kernel");
        check("{\"kernel\":[3,3],\"dilation\":[2,2],\"groups\":1}", "null", "convolution 0 must be active");
        check(
            "null,null,null",
            "null,null,{\"kernel\":[3,3],\"dilation\":[1,1],\"groups\":1}",
            "convolution 3 must not be active without",
        );
        check("\"bank_size\":1", "\"bank_sise\":1", "bank_sise");
        check("\"blocks\":[", "\"blocks\":[{]", "not an architecture");
    }

    #[test]
    fn architectures_too_large_for_a_drawing_are_refused() {
        let message = |reads: usize, ops: usize| {
            let reads: Vec<usize> = (0..reads).collect();
            let block = architecture::Block { bank_size: 1, ops: vec![op(&reads, &[0]); ops] };
            let text = architecture::Architecture { blocks: vec![block] }.to_json();
            format!("{:#}", Architecture::from_json(&text, None).unwrap_err())
        };
        assert_eq!(message(1, 1_001), "expected at most 1000 ops, found 1001");
        assert_eq!(message(900, 100), "expected at most 65536 reads and writes of all ops, found 90100");
    }

    #[test]
    fn the_input_has_the_banks_that_reads_and_the_order_of_filling_need() {
        let inputs = |ops: &[(&[usize], &[usize])]| {
            let ops: Vec<Op> = ops.iter().map(|(reads, writes)| op(reads, writes)).collect();
            least_input_banks(&ops)
        };
        assert_eq!(inputs(&[(&[0], &[0]), (&[0], &[0])]), 1);
        assert_eq!(inputs(&[(&[0, 2], &[1]), (&[1], &[3])]), 3);
        // The ops would skip bank 1, unless it belongs to the input.
        assert_eq!(inputs(&[(&[0], &[2]), (&[2], &[3])]), 2);
        assert_eq!(inputs(&[(&[0], &[1]), (&[1], &[2]), (&[3], &[0])]), 4);
    }

    #[test]
    fn a_width_gives_the_banks_of_block_inputs() {
        // A space of width 4, as in figure 4, has block inputs of 8, 12 and 14 N.
        let inputs = |width| [0, 1, 2].map(|block| block_input(width, block));
        assert_eq!((inputs(4), inputs(1)), ([8, 12, 14], [2, 2, 2]));
        let block = |width| Architecture::from_json(SMALL, Some(width)).map(|found| found.blocks[0].clone());
        let found = block(1).unwrap();
        assert_eq!((found.input_banks, found.banks()), (2, 3));
        for (width, banks) in [(0, "0"), (600, "1200"), (usize::MAX, "4000")] {
            let message = format!("{:#}", block(width).unwrap_err());
            let expected =
                format!("block 0: expected 1 to 1000 banks of input for these ops, found {banks} at this width");
            assert_eq!(message, expected);
        }
    }
}
