//! What a resulting network of an architecture has and costs, counted without building it.

use crate::architecture::{Architecture, Block, Op};
use crate::space::SearchSpace;

/// Data that a network is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Task {
    /// Channels of an image.
    pub image_channels: usize,
    /// Height and width of an image in pixels.
    pub image_size: usize,
    /// Number of classes.
    pub classes: usize,
}

/// Size and cost of the resulting network of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Learned parameters: convolutions, BatchNorm scales and shifts, output layer.
    pub parameters: u64,
    /// Multiply-adds of all convolutions and the output layer, for one image.
    pub multiply_adds: u64,
    /// Convolutions on the longest path from image to output, the output layer included.
    pub depth: u32,
}

/// Kernel size of the stem convolution.
pub const STEM_KERNEL: usize = 7;

impl Counts {
    /// Counts the resulting network of `architecture`, all of whose weights are free.
    pub fn of(space: &SearchSpace, task: Task, architecture: &Architecture) -> Self {
        let mut counter = Counter {
            space,
            parameters: 0,
            multiply_adds: 0,
        };
        let mut size = task.image_size;
        counter.conv(space.block_input(0), task.image_channels, [STEM_KERNEL; 2], size);
        let mut depth = 1;
        let last = architecture.blocks.len() - 1;
        for (index, block) in architecture.blocks.iter().enumerate() {
            let input_banks = space.input_banks(index, block.bank_size);
            depth = counter.block(block, input_banks, size, depth);
            let width = block.banks_used(input_banks) * block.bank_size * space.base_channels;
            counter.parameters += 2 * width as u64;
            if index < last {
                counter.conv(space.block_input(index + 1), width, [1, 1], size);
                size /= 2;
            } else {
                counter.parameters += (task.classes * (width + 1)) as u64;
                counter.multiply_adds += (task.classes * width) as u64;
            }
            depth += 1;
        }
        Self {
            parameters: counter.parameters,
            multiply_adds: counter.multiply_adds,
            depth,
        }
    }
}

struct Counter<'a> {
    space: &'a SearchSpace,
    parameters: u64,
    multiply_adds: u64,
}

impl Counter<'_> {
    /// One convolution that keeps the spatial size; `inputs` are those of one group.
    fn conv(&mut self, outputs: usize, inputs: usize, kernel: [usize; 2], size: usize) {
        let weights = (outputs * inputs * kernel[0] * kernel[1]) as u64;
        self.parameters += weights;
        self.multiply_adds += weights * (size * size) as u64;
    }

    /// Counts the ops of a block and returns the depth of its deepest bank.
    fn block(&mut self, block: &Block, input_banks: usize, size: usize, input_depth: u32) -> u32 {
        let mut bank_depth = vec![0; block.banks_used(input_banks)];
        bank_depth[..input_banks].fill(input_depth);
        for op in &block.ops {
            let read_depth = op.reads.iter().map(|&bank| bank_depth[bank]).max().unwrap_or(0);
            let op_depth = read_depth + 1 + self.op(op, block.bank_size, size);
            for &bank in &op.writes {
                bank_depth[bank] = bank_depth[bank].max(op_depth);
            }
        }
        bank_depth.into_iter().max().unwrap_or(input_depth)
    }

    /// Counts one op and returns the length of its longer path after the 1x1 convolution.
    fn op(&mut self, op: &Op, bank_size: usize, size: usize) -> u32 {
        let inputs = op.reads.len() * bank_size * self.space.base_channels;
        let outputs = op.units * self.space.base_channels;
        let bottleneck = self.space.bottleneck_channels(inputs, outputs);
        // BatchNorm before and after the 1x1 convolution.
        self.parameters += 2 * (inputs + bottleneck) as u64;
        self.conv(bottleneck, inputs, [1, 1], size);
        for (slot, conv) in op.convs.iter().enumerate() {
            if let Some(conv) = conv {
                let conv_inputs = if slot % 2 == 0 { bottleneck } else { outputs };
                self.conv(outputs, conv_inputs / conv.groups, conv.kernel, size);
            }
        }
        let length = |path: &[Option<_>]| path.iter().flatten().count() as u32;
        length(&op.convs[..2]).max(length(&op.convs[2..]))
    }
}
