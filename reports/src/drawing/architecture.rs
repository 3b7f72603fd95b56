//! The stored form of an architecture, as far as a drawing needs it: JSON of format version 1.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Version of the form that is read here.
const VERSION: u32 = 1;

/// An architecture as it is stored.
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
}

/// One op.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// Banks read, ascending.
    pub reads: Vec<usize>,
    /// Banks written, ascending.
    pub writes: Vec<usize>,
    /// Output channels, in units of N.
    pub units: usize,
    /// The convolutions: 0 then 1 form path A, 2 then 3 path B; `None` is inactive.
    pub convs: [Option<Conv>; 4],
}

/// One convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Kernel size `[height, width]`.
    pub kernel: [usize; 2],
    /// Dilation factor `[height, width]`.
    pub dilation: [usize; 2],
    /// Convolution groups.
    pub groups: usize,
}

impl Architecture {
    /// Reads the stored form and checks what a drawing relies on.
    ///
    /// # Errors
    /// Text that is no JSON of this form, or banks that cannot be drawn, by block and op.
    pub fn from_json(text: &str) -> Result<Self> {
        let architecture: Self = serde_json::from_str(text).context("not an architecture in its stored form")?;
        ensure!(
            architecture.version == VERSION,
            "format version {}; expected {VERSION}",
            architecture.version
        );
        ensure!(
            !architecture.blocks.is_empty(),
            "expected at least one block, found none"
        );
        for (index, block) in architecture.blocks.iter().enumerate() {
            block.check().with_context(|| format!("block {index}"))?;
        }
        Ok(architecture)
    }
}

impl Block {
    fn check(&self) -> Result<()> {
        ensure!(self.bank_size > 0, "bank_size: expected at least 1, found 0");
        ensure!(!self.ops.is_empty(), "ops: expected at least one, found none");
        for (index, op) in self.ops.iter().enumerate() {
            op.check(self.bank_size).with_context(|| format!("op {index}"))?;
        }
        Ok(())
    }

    /// Banks that hold the input of the block: those that are read before an op has written them.
    pub fn input_banks(&self) -> usize {
        let mut written: Vec<usize> = Vec::new();
        let mut inputs = 0;
        for op in &self.ops {
            let unwritten = op.reads.iter().filter(|bank| !written.contains(bank));
            inputs = unwritten.map(|bank| bank + 1).max().unwrap_or(0).max(inputs);
            written.extend(&op.writes);
        }
        inputs
    }

    /// Banks that are read or written.
    pub fn banks(&self) -> usize {
        let used = self.ops.iter().flat_map(|op| op.reads.iter().chain(&op.writes));
        used.map(|bank| bank + 1).max().unwrap_or(0)
    }
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
        ensure!(self.convs[0].is_some(), "convs: expected the first to be active");
        for second in [1, 3] {
            ensure!(
                self.convs[second].is_none() || self.convs[second - 1].is_some(),
                "convs: number {second} is active without the one before it"
            );
        }
        Ok(())
    }

    /// Output channels, in units of N or, where N is known, as a number.
    pub fn outputs(&self, base_channels: Option<usize>) -> String {
        match base_channels {
            Some(base) => format!("N = {}", self.units * base),
            None if self.units == 1 => "1 unit".to_owned(),
            None => format!("{} units", self.units),
        }
    }
}

/// More banks than a drawing can show, and than any search space has.
const MOST_BANKS: usize = 10_000;

impl Conv {
    /// As in `3x3, d 2, g 4`: kernel, dilation and groups, the last two where they are not 1.
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
pub(crate) mod tests {
    use super::*;

    /// Two ops: the first adds to bank 0, the second reads both banks and writes a third one.
    pub(crate) const SMALL: &str = r#"{"version":1,"blocks":[{"bank_size":1,"ops":[
        {"reads":[0],"writes":[0,1],"units":1,"convs":[{"kernel":[3,3],"dilation":[2,2],"groups":1},null,null,null]},
        {"reads":[0,1],"writes":[2],"units":1,"convs":[{"kernel":[3,5],"dilation":[1,2],"groups":2},null,
            {"kernel":[3,3],"dilation":[1,1],"groups":1},null]}]}]}"#;

    #[test]
    fn the_stored_form_is_read() {
        let block = &Architecture::from_json(SMALL).unwrap().blocks[0];
        assert_eq!((block.input_banks(), block.banks()), (1, 3));
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
            let message = format!("{:#}", Architecture::from_json(&text).unwrap_err());
            assert!(message.contains(expected), "{message}");
        };
        check("\"version\":1", "\"version\":2", "format version 2; expected 1");
        check("\"units\":1", "\"units\":0", "block 0: op 0: units");
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
        check("\"bank_size\":1", "\"bank_sise\":1", "bank_sise");
        check("\"blocks\":[", "\"blocks\":[{]", "stored form");
    }
}
