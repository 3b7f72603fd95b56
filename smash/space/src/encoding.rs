//! The encoding tensor c: an architecture laid out so that a convolutional HyperNet can read it (paper, appendix B).
//!
//! The shape is `[1, channels, units, slices]`. Row h stands for output channels `h * N ..` of an op. Slice l stands
//! for input channels `l * D * N ..` of the concatenated reads of all ops in order. Cells that apply are +1, all others
//! -1. With another [`Compression`](crate::space::Compression) than the paper's, a unit has several rows and a slice
//! several cells.

use std::ops::Range;

use crate::architecture::{Architecture, Op};
use crate::space::{BLOCKS, SearchSpace};

/// Meaning of each channel of the encoding. It depends on the space alone, so it never changes during training.
///
/// Parts that are the same for every architecture of a space are left out. These are the kernel size where only 3x3
/// exists, and the groups where there is only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodingLayout {
    /// First of the M channels for the bank that is read.
    pub reads: usize,
    /// First of the M channels for the banks that are written.
    pub writes: usize,
    /// First of the 3 channels for the block.
    pub block: usize,
    /// First of the N_max / N channels for the number of output units.
    pub units: usize,
    /// First channel for dilation factors: convolution, then axis, then factor.
    pub dilation: usize,
    /// First channel for kernel sizes: convolution, then axis, then size.
    pub kernel: usize,
    /// First of the 4 channels for active convolutions, if the space varies them.
    pub pattern: usize,
    /// First channel for groups: convolution, then position in the list of divisors.
    pub groups: usize,
    /// Number of channels.
    pub channels: usize,
    convs: usize,
    axes: usize,
    kernels: Vec<usize>,
    group_options: Vec<usize>,
    max_dilation: usize,
}

impl EncodingLayout {
    /// The layout of a search space.
    pub fn new(space: &SearchSpace) -> Self {
        let convs = space.patterns.convolutions();
        let axes = if space.square { 1 } else { 2 };
        let kernels = SearchSpace::kernels(space.max_kernel);
        let group_options = space.group_options();
        let several = |options: usize| if options > 1 { options } else { 0 };
        let mut next = 0;
        let mut part = |size: usize| {
            next += size;
            next - size
        };
        let reads = part(space.max_banks());
        let writes = part(space.max_banks());
        let block = part(BLOCKS);
        let units = part(space.max_units());
        let dilation = part(convs * axes * space.max_dilation);
        let kernel = part(convs * axes * several(kernels.len()));
        let pattern = part(several(convs));
        let groups = part(convs * several(group_options.len()));
        let channels = part(0);
        let max_dilation = space.max_dilation;
        Self {
            reads,
            writes,
            block,
            units,
            dilation,
            kernel,
            pattern,
            groups,
            channels,
            convs,
            axes,
            kernels,
            group_options,
            max_dilation,
        }
    }

    /// Channels that are hot over the whole op, except for its reads.
    fn op_channels(&self, block: usize, op: &Op) -> Vec<usize> {
        let mut hot: Vec<usize> = op.writes.iter().map(|bank| self.writes + bank).collect();
        hot.push(self.block + block);
        hot.push(self.units + op.units - 1);
        for (slot, conv) in op.convs.iter().enumerate() {
            let Some(conv) = conv else { continue };
            assert!(slot < self.convs, "convolution {slot} is active in a space of {} convolutions", self.convs);
            for axis in 0..self.axes {
                let entry = slot * self.axes + axis;
                hot.push(self.dilation + entry * self.max_dilation + conv.dilation[axis] - 1);
                if self.kernels.len() > 1 {
                    hot.push(self.kernel + entry * self.kernels.len() + conv.kernel[axis] / 2 - 1);
                }
            }
            if self.convs > 1 {
                hot.push(self.pattern + slot);
            }
            if self.group_options.len() > 1 {
                let position = self.group_options.iter().position(|&groups| groups == conv.groups);
                let position = position.unwrap_or_else(|| panic!("{} groups are not in the space", conv.groups));
                hot.push(self.groups + slot * self.group_options.len() + position);
            }
        }
        hot
    }

    /// The channels and cells along the length that an op marks in each row of its units. `start` is its first cell.
    pub fn marks(
        &self,
        space: &SearchSpace,
        block: usize,
        bank_size: usize,
        op: &Op,
        start: usize,
    ) -> Vec<(usize, Range<usize>)> {
        let whole = start..start + space.slices(op.reads.len(), bank_size) * space.cells_per_slice();
        let (columns, of_bank) = (space.cell().columns, bank_size * space.base_channels);
        let of_op = self.op_channels(block, op).into_iter();
        let of_reads = op.reads.iter().enumerate().map(|(position, &bank)| {
            let first = position * of_bank;
            let last = (first + of_bank).div_ceil(columns);
            (self.reads + bank, start + first / columns..start + last)
        });
        of_op.map(|channel| (channel, whole.clone())).chain(of_reads).collect()
    }
}

/// The encoding of one architecture, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    /// `[channels, rows, cells]`: the paper's compression has one row for each unit and one cell for each slice.
    pub shape: [usize; 3],
    /// Values in row-major order, +1 or -1.
    pub values: Vec<f32>,
}

impl Encoding {
    /// Encodes an architecture of the space.
    pub fn new(space: &SearchSpace, architecture: &Architecture) -> Self {
        let layout = EncodingLayout::new(space);
        let slices: usize = architecture.blocks.iter().map(|block| block.slices(space)).sum();
        let height = space.max_units() * space.cells_per_unit();
        let shape = [layout.channels, height, slices * space.cells_per_slice()];
        let mut encoding = Self { shape, values: vec![-1.0; shape.iter().product()] };
        let mut start = 0;
        for (block_index, block) in architecture.blocks.iter().enumerate() {
            for op in &block.ops {
                for (channel, cells) in layout.marks(space, block_index, block.bank_size, op, start) {
                    encoding.mark(channel, op.units * space.cells_per_unit(), cells);
                }
                start += space.slices(op.reads.len(), block.bank_size) * space.cells_per_slice();
            }
        }
        encoding
    }

    /// Value at a channel, a row and a cell of the row.
    pub fn at(&self, channel: usize, row: usize, cell: usize) -> f32 {
        let [_, height, length] = self.shape;
        self.values[(channel * height + row) * length + cell]
    }

    pub(crate) fn mark(&mut self, channel: usize, rows: usize, cells: Range<usize>) {
        let [_, height, length] = self.shape;
        for row in 0..rows {
            let first = (channel * height + row) * length;
            self.values[first + cells.start..first + cells.end].fill(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::architecture::{Block, Conv};
    use crate::sampling::{Limits, sample};
    use crate::space::Compression;

    fn conv() -> Option<Conv> {
        Some(Conv { kernel: [3, 3], dilation: [2, 2], groups: 1 })
    }

    fn one_op_blocks(op: Op, bank_size: usize) -> Architecture {
        Architecture { blocks: vec![Block { bank_size, ops: vec![op] }; 3] }
    }

    /// Hot channels of one cell.
    fn hot(encoding: &Encoding, unit: usize, slice: usize) -> Vec<usize> {
        (0..encoding.shape[0]).filter(|&channel| encoding.at(channel, unit, slice) == 1.0).collect()
    }

    #[test]
    fn cells_of_an_op_name_its_banks_block_units_and_dilation() {
        let space = SearchSpace::smash_v1(4, 2);
        let op = Op { reads: vec![0, 1, 2, 3, 4, 5], writes: vec![1, 4], units: 2, convs: [conv(), None, None, None] };
        let encoding = Encoding::new(&space, &one_op_blocks(op, 1));
        let layout = EncodingLayout::new(&space);
        assert_eq!(encoding.shape, [16 + 16 + 3 + 7 + 3, 7, 6]);
        let rest = |block| {
            vec![layout.writes + 1, layout.writes + 4, layout.block + block, layout.units + 1, layout.dilation + 1]
        };
        // D = 3 banks share a slice; only the banks that own the slice are hot.
        assert_eq!(hot(&encoding, 0, 0), [vec![0, 1, 2], rest(0)].concat());
        assert_eq!(hot(&encoding, 1, 1), [vec![3, 4, 5], rest(0)].concat());
        assert_eq!(hot(&encoding, 1, 5), [vec![3, 4, 5], rest(2)].concat());
        // Rows beyond the op's units are empty.
        assert_eq!(hot(&encoding, 2, 0), Vec::<usize>::new());
    }

    #[test]
    fn with_a_depth_compression_of_1_each_cell_names_one_bank() {
        let cell = Compression { rows: 6, columns: 6, upsampling: 1 };
        let space = SearchSpace { compression: Some(cell), ..SearchSpace::smash_v1(4, 2) };
        let op = Op { reads: vec![0, 2, 3, 4, 6, 7], writes: vec![1], units: 2, convs: [conv(), None, None, None] };
        let encoding = Encoding::new(&space, &one_op_blocks(op, 1));
        let layout = EncodingLayout::new(&space);
        // Bottleneck ratio 4: a unit has 24 rows of W, and here four rows of cells.
        assert_eq!(encoding.shape, [layout.channels, 28, 18]);
        let read = |cell| hot(&encoding, 7, cell).into_iter().filter(|&c| c < layout.writes).collect::<Vec<_>>();
        assert_eq!([0, 1, 5, 6].map(read), [vec![0], vec![2], vec![7], vec![0]]);
        assert_eq!(hot(&encoding, 8, 0), Vec::<usize>::new());
    }

    /// The paper keeps "the representational power of the HyperNet proportional to that of the main networks".
    #[test]
    fn the_hypernet_has_an_output_for_each_weight_unless_it_upsamples() {
        let [v1, v2] = [SearchSpace::smash_v1(4, 2), SearchSpace::smash_v2(12, 4)];
        let with = |space: &SearchSpace, [rows, columns, upsampling]: [usize; 3]| SearchSpace {
            compression: Some(Compression { rows, columns, upsampling }),
            ..space.clone()
        };
        let spaces = [
            (v1.clone(), 1),
            (v2.clone(), 1),
            (with(&v1, [1, 1, 1]), 1),
            (with(&v1, [12, 9, 1]), 1),
            (with(&v2, [4, 16, 1]), 1),
            (with(&v1, [24, 18, 2]), 4),
            (with(&v1, [6, 6, 3]), 9),
        ];
        for (space, weights_of_output) in spaces {
            space.validate().unwrap();
            for seed in 0..20 {
                let architecture = sample(&space, Limits::of(&space), &mut ChaCha8Rng::seed_from_u64(seed));
                let [_, height, length] = Encoding::new(&space, &architecture).shape;
                let slices: usize = architecture.blocks.iter().map(|block| block.slices(&space)).sum();
                let weights = space.weight_rows() * slices * space.depth_compression * space.base_channels;
                assert_eq!(height * length * space.hypernet_outputs() * weights_of_output, weights, "{space:?}");
            }
        }
        for (cell, expected) in [
            ([5, 18, 1], "compression.rows"),
            ([24, 0, 1], "compression.columns"),
            ([24, 18, 4], "compression.upsampling"),
        ] {
            assert_eq!(with(&v1, cell).validate().unwrap_err().setting, expected);
        }
    }

    #[test]
    fn a_bank_that_is_wider_than_a_slice_spans_several() {
        let space = SearchSpace::smash_v2(12, 4);
        let mut convs = [conv(), None, None, None];
        convs[0].as_mut().unwrap().kernel = [5, 7];
        convs[0].as_mut().unwrap().dilation = [2, 1];
        convs[0].as_mut().unwrap().groups = 4;
        let op = Op { reads: vec![1, 2], writes: vec![2], units: 3, convs };
        let encoding = Encoding::new(&space, &one_op_blocks(op, 3));
        let layout = EncodingLayout::new(&space);
        // 2 banks of 3 N are 6 N: 3 slices at D = 2. The middle slice belongs to both banks.
        let read = |slice| hot(&encoding, 2, slice).into_iter().filter(|&c| c < layout.writes).collect::<Vec<_>>();
        assert_eq!([0, 1, 2].map(read), [vec![1], vec![1, 2], vec![2]]);
        let op_marks = hot(&encoding, 0, 0).into_iter().filter(|&c| c >= layout.dilation).collect::<Vec<_>>();
        // Dilation [2, 1], kernel [5, 7], convolution 0 active, third divisor.
        let expected = vec![
            layout.dilation + 1,
            layout.dilation + 3,
            layout.kernel + 1,
            layout.kernel + 5,
            layout.pattern,
            layout.groups + 2,
        ];
        assert_eq!(op_marks, expected);
        // The 2 M + 3 + N_max / N channels of banks, block and units, then 4 convolutions' marks (released code: 143).
        assert_eq!(layout.channels, 143);
    }
}
