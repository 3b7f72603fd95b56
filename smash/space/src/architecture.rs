//! An architecture as plain data: blocks of ops that read from and write to memory banks (paper, section 3.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ArchitectureError;
use crate::space::{BLOCKS, SearchSpace};

/// Version of the stored JSON form.
const VERSION: u32 = 1;

/// One point of a search space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// The three blocks, from the highest resolution to the lowest.
    pub blocks: Vec<Block>,
}

/// The ops of one spatial resolution and the size of its memory banks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Channels of each bank, in units of N.
    pub bank_size: usize,
    /// The ops in order of execution.
    pub ops: Vec<Op>,
}

/// One op: a generated 1x1 convolution on the banks read, then up to two paths of up to two convolutions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// Banks read, ascending. They are concatenated along the channels.
    pub reads: Vec<usize>,
    /// Banks written, ascending. The j-th gets slice `j mod (units / bank_size)` of the output, added to its contents.
    pub writes: Vec<usize>,
    /// Number of output channels, in units of N.
    pub units: usize,
    /// The convolutions: 0 then 1 form path A, 2 then 3 form path B; `None` is inactive.
    pub convs: [Option<Conv>; 4],
}

/// One convolution of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Kernel size `[height, width]`.
    pub kernel: [usize; 2],
    /// Dilation factor `[height, width]`, 1 for none.
    pub dilation: [usize; 2],
    /// Convolution groups.
    pub groups: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    blocks: Vec<Block>,
}

impl Architecture {
    /// The stored form: one line of JSON with a format version.
    pub fn to_json(&self) -> String {
        let stored = Stored { version: VERSION, blocks: self.blocks.clone() };
        serde_json::to_string(&stored).expect("plain data always serialises")
    }

    /// Reads the stored form. [`Architecture::validate`] checks whether it fits a search space.
    ///
    /// # Errors
    /// Text that is not JSON, has unknown or missing fields, or another format version.
    pub fn from_json(text: &str) -> Result<Self, ArchitectureError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let json = |error: serde_json::Error| ArchitectureError::Json(error.to_string());
        let Version { version } = serde_json::from_str(text).map_err(json)?;
        if version != VERSION {
            return Err(ArchitectureError::Version { found: version, known: VERSION });
        }
        let stored: Stored = serde_json::from_str(text).map_err(json)?;
        Ok(Self { blocks: stored.blocks })
    }

    /// Name of the architecture: the first 16 hexadecimal digits of the SHA-256 of its JSON.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_json().as_bytes());
        hex::encode(&digest[..8])
    }

    /// Number of ops of all blocks together.
    pub fn op_count(&self) -> usize {
        self.blocks.iter().map(|block| block.ops.len()).sum()
    }

    /// The variant of the paper's table 2. Each op keeps only its first convolution, with a 3x3 kernel, one group, and
    /// the same dilation for both axes.
    pub fn single_3x3(&self) -> Self {
        let mut variant = self.clone();
        for op in variant.blocks.iter_mut().flat_map(|block| &mut block.ops) {
            let first = op.convs[0].map(|conv| Conv { kernel: [3, 3], dilation: [conv.dilation[0]; 2], groups: 1 });
            op.convs = [first, None, None, None];
        }
        variant
    }

    /// Checks every rule of a search space at its full budget.
    ///
    /// # Errors
    /// The first broken rule, with its place and the values.
    pub fn validate(&self, space: &SearchSpace) -> Result<(), ArchitectureError> {
        if self.blocks.len() != BLOCKS {
            let expected = format!("expected {BLOCKS} blocks, found {}", self.blocks.len());
            return Err(ArchitectureError::Block { block: self.blocks.len(), expected });
        }
        for (index, block) in self.blocks.iter().enumerate() {
            block.validate(space, index)?;
        }
        Ok(())
    }
}

impl Block {
    /// Number of banks in use: banks of the block input and banks that ops write to.
    pub fn banks_used(&self, input_banks: usize) -> usize {
        let written = self.ops.iter().flat_map(|op| &op.writes).map(|bank| bank + 1).max().unwrap_or(0);
        written.max(input_banks)
    }

    /// Slices of the encoding that the ops take together.
    pub fn slices(&self, space: &SearchSpace) -> usize {
        self.ops.iter().map(|op| space.slices(op.reads.len(), self.bank_size)).sum()
    }

    /// Checks every rule of a search space for the block at an index.
    pub fn validate(&self, space: &SearchSpace, block: usize) -> Result<(), ArchitectureError> {
        let fail = |expected: String| Err(ArchitectureError::Block { block, expected });
        let sizes = space.bank_sizes(block);
        if !sizes.contains(&self.bank_size) {
            return fail(format!("bank_size must be one of {sizes:?} (units of N), found {}", self.bank_size));
        }
        if self.ops.is_empty() {
            return fail("at least one op is needed".into());
        }
        let budget = space.slice_budget(block, space.budget[1], self.bank_size);
        if self.slices(space) > budget {
            return fail(format!("{} slices are read, more than the budget of {budget}", self.slices(space)));
        }
        let mut written = space.input_banks(block, self.bank_size);
        for (index, op) in self.ops.iter().enumerate() {
            op.validate(space, self.bank_size, space.banks(block, self.bank_size), written)
                .map_err(|expected| ArchitectureError::Op { block, op: index, expected })?;
            written = written.max(op.writes.last().map_or(0, |bank| bank + 1));
        }
        Ok(())
    }
}

impl Op {
    /// Number of slices, each as wide as a bank, that the output is cut into.
    pub fn output_slices(&self, bank_size: usize) -> usize {
        self.units / bank_size
    }

    /// The convolutions of each active path, in order.
    pub fn paths(&self) -> impl Iterator<Item = Vec<Conv>> {
        let paths = self.convs.chunks(2).map(|path| path.iter().flatten().copied().collect());
        paths.filter(|path: &Vec<Conv>| !path.is_empty())
    }

    /// Which convolutions are active.
    pub fn pattern(&self) -> [bool; 4] {
        self.convs.map(|conv| conv.is_some())
    }

    /// The rules that an op keeps in any space, with banks of a size of at least one unit.
    ///
    /// # Errors
    /// The first broken rule, with the values.
    pub fn validate_in_any_space(&self, bank_size: usize) -> Result<(), String> {
        let Self { reads, writes, units, convs } = self;
        for (name, banks) in [("reads", reads), ("writes", writes)] {
            if banks.is_empty() || !banks.windows(2).all(|pair| pair[0] < pair[1]) {
                return Err(format!("{name} must name at least one bank and ascend, found {banks:?}"));
            }
        }
        if *units == 0 || !units.is_multiple_of(bank_size) {
            return Err(format!("units must be a multiple of the bank size {bank_size}, found {units}"));
        }
        if writes.len() < self.output_slices(bank_size) {
            return Err(format!("writes {writes:?} cannot hold {} output slices", self.output_slices(bank_size)));
        }
        if convs[0].is_none() {
            return Err("convolution 0 must be active".into());
        }
        for second in [1, 3] {
            if convs[second].is_some() && convs[second - 1].is_none() {
                return Err(format!("convolution {second} must not be active without the one before it"));
            }
        }
        for (slot, conv) in convs.iter().enumerate() {
            let numbers = conv.iter().flat_map(|conv| [conv.kernel, conv.dilation, [conv.groups; 2]]);
            if numbers.flatten().any(|number| number == 0) {
                return Err(format!("convolution {slot}: kernel, dilation and groups must be at least 1"));
            }
            if let Some(Conv { kernel, .. }) = conv
                && kernel.iter().any(|&size| size < 3 || size.is_multiple_of(2))
            {
                return Err(format!("convolution {slot}: kernel sizes must be odd numbers from 3, found {kernel:?}"));
            }
        }
        Ok(())
    }

    /// The rules of one op, given that banks `0..written` hold something when it runs.
    fn validate(&self, space: &SearchSpace, bank_size: usize, banks: usize, written: usize) -> Result<(), String> {
        self.validate_in_any_space(bank_size)?;
        let Self { reads, writes, units, convs } = self;
        let multiple = space.read_multiple(bank_size);
        if !reads.len().is_multiple_of(multiple) {
            return Err(format!("the number of reads must be a multiple of {multiple}, found {}", reads.len()));
        }
        if reads.iter().any(|&bank| bank >= written) {
            return Err(format!("reads must name written banks (0..{written}), found {reads:?}"));
        }
        if *units > space.max_units() {
            return Err(format!("units must be at most {}, found {units}", space.max_units()));
        }
        if writes.iter().any(|&bank| bank >= banks) {
            return Err(format!("writes must name banks 0..{banks}, found {writes:?}"));
        }
        let new = writes.iter().filter(|&&bank| bank >= written);
        if new.enumerate().any(|(offset, &bank)| bank != written + offset) {
            return Err(format!("empty banks must be filled in order from {written}, found writes {writes:?}"));
        }
        if !space.pattern_options().iter().any(|(pattern, _)| *pattern == self.pattern()) {
            return Err(format!("the pattern of active convolutions {:?} is not in the space", self.pattern()));
        }
        for (slot, conv) in convs.iter().enumerate() {
            if let Some(conv) = conv {
                conv.validate(space).map_err(|expected| format!("convolution {slot}: {expected}"))?;
            }
        }
        Ok(())
    }
}

/// Kernel, dilation and groups, such as `3x3, d 2, g 4`; the last two only if they are not 1.
impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel: [height, width], dilation, groups } = self;
        write!(f, "{height}x{width}")?;
        match dilation {
            [1, 1] => {}
            [height, width] if height == width => write!(f, ", d {height}")?,
            [height, width] => write!(f, ", d {height}x{width}")?,
        }
        match groups {
            1 => Ok(()),
            groups => write!(f, ", g {groups}"),
        }
    }
}

impl Conv {
    fn validate(&self, space: &SearchSpace) -> Result<(), String> {
        let Self { kernel, dilation, groups } = self;
        let kernels = SearchSpace::kernels(space.max_kernel);
        for axis in 0..2 {
            if !kernels.contains(&kernel[axis]) {
                return Err(format!("kernel sizes must be in {kernels:?}, found {kernel:?}"));
            }
            let largest = space.max_dilation_of(kernel[axis]);
            if !(1..=largest).contains(&dilation[axis]) {
                return Err(format!("dilation of a kernel of {kernel:?} must be 1 to {largest}, found {dilation:?}"));
            }
        }
        if space.square && (kernel[0] != kernel[1] || dilation[0] != dilation[1]) {
            return Err(format!(
                "kernel and dilation must be the same for both axes, found {kernel:?} and {dilation:?}"
            ));
        }
        if !space.group_options().contains(groups) {
            return Err(format!("groups must be one of {:?}, found {groups}", space.group_options()));
        }
        Ok(())
    }
}
