//! The search space: the limits within which architectures are sampled, and the sizes that follow from them.

use serde::{Deserialize, Serialize};

use crate::error::SpaceError;

/// Number of blocks of the network, each at half the spatial resolution of the one before (paper, figure 2b).
pub const BLOCKS: usize = 3;

/// The space of candidate architectures (paper, section 3.1 and appendix A).
///
/// Units of output channels and banks are counted in multiples of [`SearchSpace::base_channels`], the paper's N.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SearchSpace {
    /// Reference depth: ops per block of the reference network that sets the budget.
    pub depth: usize,
    /// Reference width: widening factor of the reference network that sets the budget.
    pub width: usize,
    /// N: channels of the smallest memory bank.
    pub base_channels: usize,
    /// N_max: largest number of output channels of an op, and of a bank.
    pub max_channels: usize,
    /// D: number of N-channel read units that one slice along the encoding's length covers.
    pub depth_compression: usize,
    /// Rule for the width of the generated 1x1 convolution.
    pub bottleneck: Bottleneck,
    /// The convolutions of an op, out of four, that can be active.
    pub patterns: Patterns,
    /// Largest kernel size; odd sizes from 3 to it are sampled.
    pub max_kernel: usize,
    /// Largest dilation factor (1 is no dilation).
    pub max_dilation: usize,
    /// Whether both axes share one kernel size and one dilation, instead of one for each axis.
    pub square: bool,
    /// Largest number of convolution groups; divisors of N up to it are sampled.
    pub max_groups: usize,
    /// Bank sizes: fixed at N, or sampled for each block.
    pub bank_sizes: BankSizes,
    /// How the number of output units of an op is sampled.
    pub units: Units,
    /// Smallest and largest fraction of the reference budget that a block may get.
    pub budget: [f64; 2],
    /// How the weights W are laid out over the encoding, if not as in the paper. It changes no architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
}

/// The part of the weights W that a cell of the encoding stands for, and the outputs of the HyperNet for it.
///
/// W has `r * N_max` rows, the output channels of a 1x1 convolution, and a column for each channel that an op reads. In the
/// paper, a cell stands for `r * N` rows and `D * N` columns, and the HyperNet has an output for each of these weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compression {
    /// Rows of W: a divisor of `r * N`.
    pub rows: usize,
    /// Columns of W: a divisor of `D * N`. With one row and one column, the encoding is as large as W.
    pub columns: usize,
    /// Each output of the HyperNet is repeated over a square of W with this side, a divisor of both numbers above.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub upsampling: usize,
}

fn one() -> usize {
    1
}

fn is_one(side: &usize) -> bool {
    *side == 1
}

/// Output channels of the 1x1 convolution of an op with `n_in` input and `G` output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "rule")]
pub enum Bottleneck {
    /// Always `ratio * G` (SMASHv1).
    Fixed {
        /// The constant bottleneck ratio, 4 in the paper.
        ratio: usize,
    },
    /// `min(n_in, ratio * G)` (SMASHv2).
    Capped {
        /// The largest bottleneck ratio, 2 in the paper.
        ratio: usize,
    },
    /// The released code's rule: the multiple of `G` that fits into `n_in`, at most `ratio` times, at most
    /// `cap * N_max`. Inside the SMASH network only `N_max` columns of weights exist, and the rest is cut.
    Released {
        /// Largest ratio of 1x1 to op output units.
        ratio: usize,
        /// Largest 1x1 output in units of `N_max`.
        cap: usize,
    },
}

/// The convolutions of an op that can be active (paper, figure 2a: two parallel paths of two convolutions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Patterns {
    /// One convolution (SMASHv1).
    Single,
    /// Up to four, "giving slight preference to having all four convolutions active" (SMASHv2).
    UpToFour,
}

impl Patterns {
    /// Number of convolutions that an op can have. As many places in an op have learned convolutions to share.
    pub const fn convolutions(self) -> usize {
        match self {
            Self::Single => 1,
            Self::UpToFour => 4,
        }
    }
}

/// How bank sizes are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BankSizes {
    /// Every bank has N channels (SMASHv1).
    Fixed,
    /// Sampled for each block, in multiples of N up to N_max (SMASHv2).
    Variable,
}

/// How the number of output units of an op is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Units {
    /// Uniformly over all allowed numbers (SMASHv1).
    Uniform,
    /// With a strong preference for the number of channels read (SMASHv2, as released).
    NearReads,
}

impl Bottleneck {
    /// Rows of generated weights for each output unit of an op: the multiplier r of `r * D * N^2` HyperNet outputs.
    pub fn multiplier(self) -> usize {
        match self {
            Self::Fixed { ratio } | Self::Capped { ratio } => ratio,
            Self::Released { .. } => 1,
        }
    }

    /// Largest 1x1 output in units of `N_max`, the input size of the shared convolutions.
    pub fn largest(self) -> usize {
        match self {
            Self::Fixed { ratio } | Self::Capped { ratio } => ratio,
            Self::Released { cap, .. } => cap,
        }
    }
}

impl SearchSpace {
    /// SMASHv1 (paper, appendices A and C): N = 6, N_max = 42, D = 3, one 3x3 convolution, bottleneck ratio 4.
    ///
    /// `width` 30 gives the paper's 240 memory banks per block.
    pub fn smash_v1(depth: usize, width: usize) -> Self {
        Self {
            depth,
            width,
            base_channels: 6,
            max_channels: 42,
            depth_compression: 3,
            bottleneck: Bottleneck::Fixed { ratio: 4 },
            patterns: Patterns::Single,
            max_kernel: 3,
            max_dilation: 3,
            square: true,
            max_groups: 1,
            bank_sizes: BankSizes::Fixed,
            units: Units::Uniform,
            budget: [0.3, 1.0],
            compression: None,
        }
    }

    /// SMASHv2 (paper, appendix A): N = 8, N_max = 64, D = 2, up to four convolutions, kernels 3 to 7, groups.
    pub fn smash_v2(depth: usize, width: usize) -> Self {
        Self {
            depth,
            width,
            base_channels: 8,
            max_channels: 64,
            depth_compression: 2,
            bottleneck: Bottleneck::Capped { ratio: 2 },
            patterns: Patterns::UpToFour,
            max_kernel: 7,
            max_dilation: 3,
            square: false,
            max_groups: 8,
            bank_sizes: BankSizes::Variable,
            units: Units::NearReads,
            budget: [0.3, 1.0],
            compression: None,
        }
    }

    /// Checks that each number is within its bounds, that the numbers make sense together, and that every block can be
    /// sampled.
    ///
    /// # Errors
    /// The first setting that makes no sense, with the expected value.
    pub fn validate(&self) -> Result<(), SpaceError> {
        let error = |setting, expected: String| Err(SpaceError { setting, expected });
        // Without `..`, so that a new number cannot be left without bounds. They lie far beyond the paper's values, and
        // near enough that no size of a space overflows.
        let &Self {
            depth,
            width,
            base_channels: n,
            max_channels,
            depth_compression,
            bottleneck,
            patterns: _,
            max_kernel,
            max_dilation,
            square: _,
            max_groups,
            bank_sizes: _,
            units: _,
            budget: [low, high],
            compression,
        } = self;
        let [ratio, cap] = match bottleneck {
            Bottleneck::Fixed { ratio } | Bottleneck::Capped { ratio } => [ratio, 1],
            Bottleneck::Released { ratio, cap } => [ratio, cap],
        };
        for (setting, value, most) in [
            ("depth", depth, 100),
            ("width", width, 200),
            ("base-channels", n, 256),
            ("max-channels", max_channels, 2048),
            ("depth-compression", depth_compression, 64),
            ("bottleneck.ratio", ratio, 64),
            ("bottleneck.cap", cap, 64),
            ("max-dilation", max_dilation, 8),
            ("max-groups", max_groups, 256),
        ] {
            if !(1..=most).contains(&value) {
                return error(setting, format!("from 1 to {most}, got {value}"));
            }
        }
        if !max_channels.is_multiple_of(n) {
            return error("max-channels", format!("a multiple of base-channels ({n}), got {max_channels}"));
        }
        if max_kernel < 3 || max_kernel.is_multiple_of(2) || max_kernel > 9 {
            return error("max-kernel", format!("an odd number from 3 to 9, got {max_kernel}"));
        }
        if !n.is_multiple_of(max_groups) {
            return error("max-groups", format!("a divisor of base-channels ({n}), got {max_groups}"));
        }
        if !(low > 0.0 && low <= high && high <= 1.0) {
            return error("budget", format!("0 < smallest <= largest <= 1, got [{low}, {high}]"));
        }
        if let Some(Compression { rows, columns, upsampling }) = compression {
            for (setting, value, whole, of) in [
                ("compression.rows", rows, bottleneck.multiplier() * n, "r * N"),
                ("compression.columns", columns, depth_compression * n, "D * N"),
                ("compression.upsampling", upsampling, rows, "compression.rows"),
                ("compression.upsampling", upsampling, columns, "compression.columns"),
            ] {
                if !whole.is_multiple_of(value) {
                    return error(setting, format!("a divisor of {of} ({whole}), got {value}"));
                }
            }
        }
        for block in 0..BLOCKS {
            if self.bank_sizes(block).is_empty() {
                return error(
                    "depth-compression",
                    format!(
                        "a block input ({} channels in block {block}) that holds at least one readable set of banks: \
                         {} banks of {n} channels at N = {n}, D = {}",
                        self.block_input(block),
                        self.depth_compression,
                        self.depth_compression
                    ),
                );
            }
        }
        Ok(())
    }

    /// N_max / N: number of output units of the widest op, and height of the encoding.
    pub fn max_units(&self) -> usize {
        self.max_channels / self.base_channels
    }

    /// Channels that enter a block, from the stem or from the transition before it.
    pub fn block_input(&self, block: usize) -> usize {
        self.block_sizes()[block].0
    }

    /// Largest number of channels of all banks of a block together.
    pub fn block_width(&self, block: usize) -> usize {
        self.block_sizes()[block].1
    }

    /// Channels that the 1x1 convolutions of a block may read together: the reference budget.
    pub fn block_budget(&self, block: usize) -> usize {
        self.block_sizes()[block].2
    }

    /// (input channels, bank channels, budget) of each block, from a reference DenseNet-like network.
    fn block_sizes(&self) -> [(usize, usize, usize); BLOCKS] {
        let base = 2 * self.base_channels;
        let step = base * self.width;
        let mut sizes = [(0, 0, 0); BLOCKS];
        let mut input = step;
        for (block, size) in sizes.iter_mut().enumerate() {
            let width = if block == BLOCKS - 1 { 4 * step } else { input + 2 * step };
            *size = (input, width, input + self.depth * (step << block));
            input = width / 2 / base * base;
        }
        sizes
    }

    /// M: largest number of memory banks in a block, the same for all blocks in the encoding.
    pub fn max_banks(&self) -> usize {
        (0..BLOCKS).map(|block| self.block_width(block) / self.base_channels).max().unwrap_or(0)
    }

    /// Largest number of banks of the given size (in units of N) in a block.
    pub fn banks(&self, block: usize, bank_size: usize) -> usize {
        self.block_width(block) / (bank_size * self.base_channels)
    }

    /// Number of banks of the given size (in units of N) that the block input fills. A remainder of channels is
    /// dropped.
    pub fn input_banks(&self, block: usize, bank_size: usize) -> usize {
        self.block_input(block) / (bank_size * self.base_channels)
    }

    /// The number of reads of an op is a multiple of this number, so that reads fill whole slices of the encoding.
    pub fn read_multiple(&self, bank_size: usize) -> usize {
        if bank_size.is_multiple_of(self.depth_compression) { 1 } else { self.depth_compression }
    }

    /// Number of slices of the encoding's length that `reads` banks take.
    pub fn slices(&self, reads: usize, bank_size: usize) -> usize {
        (reads * bank_size).div_ceil(self.depth_compression)
    }

    /// Bank sizes, in units of N, that a block can have: sizes at which the block input can be read.
    pub fn bank_sizes(&self, block: usize) -> Vec<usize> {
        let largest = match self.bank_sizes {
            BankSizes::Fixed => 1,
            BankSizes::Variable => self.max_units(),
        };
        (1..=largest).filter(|&size| self.input_banks(block, size) >= self.read_multiple(size)).collect()
    }

    /// Number of slices of the encoding that a block may use at a fraction of the reference budget. It is enough for at
    /// least one op.
    pub fn slice_budget(&self, block: usize, fraction: f64, bank_size: usize) -> usize {
        let slices = fraction * self.block_budget(block) as f64 / (self.base_channels * self.depth_compression) as f64;
        (slices.floor() as usize).max(self.slices(self.read_multiple(bank_size), bank_size))
    }

    /// Kernel sizes up to `max_kernel`: odd numbers from 3.
    pub fn kernels(max_kernel: usize) -> Vec<usize> {
        (3..=max_kernel).step_by(2).collect()
    }

    /// Largest dilation of a kernel size: its extent is at most 9 in any direction (paper, appendix A).
    pub fn max_dilation_of(&self, kernel: usize) -> usize {
        self.max_dilation.min(8 / (kernel - 1))
    }

    /// Numbers of convolution groups: divisors of N up to the largest.
    pub fn group_options(&self) -> Vec<usize> {
        (1..=self.max_groups).filter(|&groups| self.base_channels.is_multiple_of(groups)).collect()
    }

    /// Patterns of active convolutions with their probabilities.
    pub fn pattern_options(&self) -> &'static [([bool; 4], f64)] {
        const T: bool = true;
        const F: bool = false;
        match self.patterns {
            Patterns::Single => &[([T, F, F, F], 1.0)],
            Patterns::UpToFour => &[
                ([T, F, F, F], 0.05),
                ([T, F, T, F], 0.10),
                ([T, T, F, F], 0.15),
                ([T, T, T, F], 0.25),
                ([T, T, T, T], 0.45),
            ],
        }
    }

    /// Output channels of the 1x1 convolution in a resulting network.
    ///
    /// `inputs` and `outputs` are the channels that the op reads and the output channels of the op.
    pub fn bottleneck_channels(&self, inputs: usize, outputs: usize) -> usize {
        match self.bottleneck {
            Bottleneck::Fixed { ratio } => ratio * outputs,
            Bottleneck::Capped { ratio } => inputs.min(ratio * outputs),
            Bottleneck::Released { ratio, cap } => {
                let fitting = (inputs / outputs).clamp(1, ratio) * outputs;
                fitting.min(inputs).min(cap * self.max_channels)
            }
        }
    }

    /// Output channels of the 1x1 convolution inside the SMASH network, where weights may be cut.
    pub fn generated_channels(&self, inputs: usize, outputs: usize) -> usize {
        self.bottleneck_channels(inputs, outputs).min(self.weight_rows())
    }

    /// Rows of the generated weight matrix: r * N_max.
    pub fn weight_rows(&self) -> usize {
        self.bottleneck.multiplier() * self.max_channels
    }

    /// The part of W that a cell of the encoding stands for.
    pub fn cell(&self) -> Compression {
        self.compression.unwrap_or(Compression {
            rows: self.bottleneck.multiplier() * self.base_channels,
            columns: self.depth_compression * self.base_channels,
            upsampling: 1,
        })
    }

    /// Rows of the encoding for each unit of output channels: 1 in the paper.
    pub fn cells_per_unit(&self) -> usize {
        self.bottleneck.multiplier() * self.base_channels / self.cell().rows
    }

    /// Cells along the encoding's length for each slice of D units of input channels: 1 in the paper.
    pub fn cells_per_slice(&self) -> usize {
        self.depth_compression * self.base_channels / self.cell().columns
    }

    /// Number of outputs of the HyperNet in each cell of the encoding: `r * D * N^2` in the paper.
    pub fn hypernet_outputs(&self) -> usize {
        let Compression { rows, columns, upsampling } = self.cell();
        rows / upsampling * (columns / upsampling)
    }

    /// Input channels of the shared convolutions in first place of a path.
    pub fn shared_inputs(&self) -> usize {
        self.bottleneck.largest() * self.max_channels
    }
}

#[cfg(test)]
mod tests;
