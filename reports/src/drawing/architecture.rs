//! The stored form of an architecture, as far as a drawing needs it: JSON of format version 1.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Version of the form that this module reads.
const VERSION: u32 = 1;

/// Limit on banks: more than a drawing can show, and more than any search space has.
const MOST_BANKS: usize = 1_000;

/// An architecture in its stored form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    version: u32,
    /// The blocks, from the highest resolution to the lowest.
    pub blocks: Vec<Block>,
}

/// The ops of one resolution.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Channels of each bank, in units of N.
    pub bank_size: usize,
    /// The ops in order of execution.
    pub ops: Vec<Op>,
    /// Banks that hold the input of the block. The stored form does not contain their number.
    #[serde(skip)]
    pub input_banks: usize,
}

/// One op (paper, figure 2a).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// Banks read, ascending.
    pub reads: Vec<usize>,
    /// Banks written, ascending.
    pub writes: Vec<usize>,
    /// Output channels, in units of N.
    pub units: usize,
    /// The convolutions: 0 then 1 form path A, 2 then 3 form path B; `None` is inactive.
    pub convs: [Option<Conv>; 4],
}

/// One convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Kernel size `[height, width]`.
    pub kernel: [usize; 2],
    /// Dilation factor `[height, width]`, 1 for none.
    pub dilation: [usize; 2],
    /// Convolution groups.
    pub groups: usize,
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
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let fault = "not an architecture in its stored form";
        let Version { version } = serde_json::from_str(text).context(fault)?;
        ensure!(version == VERSION, "format version {version}; expected {VERSION}");
        let mut architecture: Self = serde_json::from_str(text).context(fault)?;
        ensure!(
            !architecture.blocks.is_empty(),
            "blocks: expected at least one, found none"
        );
        let inputs = width.map(block_inputs);
        for (index, block) in architecture.blocks.iter_mut().enumerate() {
            let input = inputs.as_ref().map(|inputs| {
                let found = inputs.get(index).copied();
                found.with_context(|| format!("blocks: expected at most {}, for a width is given", inputs.len()))
            });
            block
                .complete(input.transpose()?)
                .with_context(|| format!("block {index}"))?;
        }
        Ok(architecture)
    }
}

/// Channels that enter each of the three blocks at a reference width, in units of N. The stem gives twice the width.
/// Each block adds twice the stem's channels; a transition then halves the sum, to an even number.
fn block_inputs(width: usize) -> [usize; 3] {
    let stem = width.saturating_mul(2);
    let next = |input: usize| input.saturating_add(stem.saturating_mul(2)) / 4 * 2;
    [stem, next(stem), next(next(stem))]
}

impl Block {
    /// Checks the ops and sets the number of banks that hold the block's input. That input has `input` units, if known.
    fn complete(&mut self, input: Option<usize>) -> Result<()> {
        ensure!(self.bank_size > 0, "bank_size: expected at least 1, found 0");
        ensure!(!self.ops.is_empty(), "ops: expected at least one, found none");
        for (index, op) in self.ops.iter().enumerate() {
            op.check(self.bank_size).with_context(|| format!("op {index}"))?;
        }
        let least = least_input_banks(&self.ops);
        self.input_banks = match input {
            None => least,
            Some(units) => {
                let banks = units / self.bank_size;
                ensure!(
                    (least..=MOST_BANKS).contains(&banks),
                    "expected {least} to {MOST_BANKS} banks of input for these ops, found {banks} at this width"
                );
                banks
            }
        };
        Ok(())
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

impl Op {
    fn check(&self, bank_size: usize) -> Result<()> {
        for (name, banks) in [("reads", &self.reads), ("writes", &self.writes)] {
            ensure!(
                !banks.is_empty() && banks.windows(2).all(|pair| pair[0] < pair[1]),
                "{name}: expected ascending banks, found {banks:?}"
            );
            ensure!(
                banks.iter().all(|&bank| bank < MOST_BANKS),
                "{name}: expected banks below {MOST_BANKS}, found {banks:?}"
            );
        }
        ensure!(
            self.units > 0 && self.units.is_multiple_of(bank_size),
            "units: expected a multiple of the bank size {bank_size}, found {}",
            self.units
        );
        ensure!(
            self.writes.len() >= self.slices(bank_size),
            "writes: expected at least {} banks for {} units, found {:?}",
            self.slices(bank_size),
            self.units,
            self.writes
        );
        ensure!(self.convs[0].is_some(), "convs: expected number 0 to be active");
        for second in [1, 3] {
            ensure!(
                self.convs[second].is_none() || self.convs[second - 1].is_some(),
                "convs: number {second} is active without the one before it"
            );
        }
        for (slot, conv) in self.convs.iter().enumerate() {
            let numbers = conv
                .iter()
                .flat_map(|conv| [conv.kernel, conv.dilation, [conv.groups; 2]]);
            ensure!(
                numbers.flatten().all(|number| number > 0),
                "convs: number {slot}: expected kernel, dilation and groups of at least 1"
            );
        }
        Ok(())
    }

    /// Number of slices that the output is cut into, each as wide as a bank. The j-th written bank gets slice j modulo it.
    pub fn slices(&self, bank_size: usize) -> usize {
        self.units / bank_size
    }

    /// The convolutions of each active path, in order.
    pub fn paths(&self) -> impl Iterator<Item = Vec<Conv>> {
        let paths = self
            .convs
            .chunks(2)
            .map(|path| path.iter().flatten().copied().collect());
        paths.filter(|path: &Vec<Conv>| !path.is_empty())
    }

    /// Each active path in words, such as `3x3, d 2 → 5x5`.
    pub fn path_labels(&self) -> impl Iterator<Item = String> {
        self.paths().map(|path| {
            let labels: Vec<String> = path.iter().map(Conv::label).collect();
            labels.join(" → ")
        })
    }

    /// Output channels: a number if N is known, otherwise units of N.
    pub fn outputs(&self, base_channels: Option<usize>) -> String {
        match base_channels {
            Some(base) => format!("N = {}", self.units.saturating_mul(base)),
            None if self.units == 1 => "1 unit".to_owned(),
            None => format!("{} units", self.units),
        }
    }
}

impl Conv {
    /// Text such as `3x3, d 2, g 4`: kernel, dilation and groups; the last two only if they are not 1.
    pub fn label(&self) -> String {
        let pair = |[height, width]: [usize; 2]| match height == width {
            true => height.to_string(),
            false => format!("{height}x{width}"),
        };
        let mut label = format!("{}x{}", self.kernel[0], self.kernel[1]);
        if self.dilation != [1, 1] {
            label += &format!(", d {}", pair(self.dilation));
        }
        if self.groups != 1 {
            label += &format!(", g {}", self.groups);
        }
        label
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
        let labels = block.ops[1].convs.map(|conv| conv.map(|conv| conv.label()));
        assert_eq!(labels[0].as_deref(), Some("3x5, d 1x2, g 2"));
        assert_eq!(labels[2].as_deref(), Some("3x3"));
        assert_eq!(block.ops[0].outputs(Some(6)), "N = 6");
        assert_eq!(block.ops[0].outputs(None), "1 unit");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_by_place() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = SMALL.replacen(from, to, 1);
            assert_ne!(text, SMALL);
            let message = format!("{:#}", Architecture::from_json(&text, None).unwrap_err());
            assert!(message.contains(expected), "{message}");
        };
        check("\"version\":1", "\"version\":2", "format version 2; expected 1");
        check(
            "\"units\":1",
            "\"units\":0",
            "block 0: op 0: units: expected a multiple",
        );
        check(
            "\"units\":1",
            "\"units\":3",
            "block 0: op 0: writes: expected at least 3 banks",
        );
        check(
            "\"reads\":[0,1]",
            "\"reads\":[1,0]",
            "block 0: op 1: reads: expected ascending",
        );
        check(
            "\"writes\":[2]",
            "\"writes\":[99999]",
            "block 0: op 1: writes: expected banks below",
        );
        check("[2,2]", "[2,0]", "block 0: op 0: convs: number 0: expected kernel");
        check(
            "{\"kernel\":[3,3],\"dilation\":[2,2],\"groups\":1}",
            "null",
            "expected number 0 to be active",
        );
        check(
            "null,null,null",
            "null,null,{\"kernel\":[3,3],\"dilation\":[1,1],\"groups\":1}",
            "number 3 is active without",
        );
        check("\"bank_size\":1", "\"bank_sise\":1", "bank_sise");
        check("\"blocks\":[", "\"blocks\":[{]", "stored form");
    }

    #[test]
    fn the_input_has_as_many_banks_as_reads_and_the_order_of_filling_ask_for() {
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
    fn a_width_tells_the_banks_of_block_inputs() {
        // A space of width 4, as in figure 4, has block inputs of 8, 12 and 14 N.
        assert_eq!(block_inputs(4), [8, 12, 14]);
        assert_eq!(block_inputs(1), [2, 2, 2]);
        let block = |width| Architecture::from_json(SMALL, Some(width)).map(|found| found.blocks[0].clone());
        let found = block(1).unwrap();
        assert_eq!((found.input_banks, found.banks()), (2, 3));
        for (width, banks) in [(0, "0"), (600, "1200"), (usize::MAX, "18446744073709551615")] {
            let message = format!("{:#}", block(width).unwrap_err());
            let expected =
                format!("block 0: expected 1 to 1000 banks of input for these ops, found {banks} at this width");
            assert_eq!(message, expected);
        }
    }
}
