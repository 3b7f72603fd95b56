//! Size and cost of an architecture's resulting network, counted without building it.

use crate::architecture::Architecture;
use crate::forms::{Memory, Read, Stem};
use crate::learned_convolutions::LearnedConvolutions;
use crate::op_normalisation::OpNormalisation;
use crate::space::{BLOCKS, SearchSpace};
use crate::task::Task;

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

/// Number of freely learned weights of the main network inside SMASH, counted without building it. All architectures
/// share them, so a set of convolutions also counts where no op uses it. The shared 1x1 matrices of a network without a
/// HyperNet do not count.
pub fn learned_weights(
    space: &SearchSpace,
    learned: LearnedConvolutions,
    normalisation: OpNormalisation,
    stem: Stem,
    memory: Memory,
    task: Task,
) -> u64 {
    let stem = match stem {
        Stem::Learned => space.block_input(0) * task.image_channels * STEM_KERNEL * STEM_KERNEL,
        Stem::Gabor => 0,
    };
    let queries = match memory.read {
        Read::Even => 0,
        Read::Attention => BLOCKS * space.max_channels,
    };
    // Each block has gains, shifts or both, for as many channels as an op can have inside the SMASH network.
    let norms = normalisation.learned().into_iter().filter(|is_learned| *is_learned).count();
    let norms = norms * BLOCKS * space.weight_rows();
    // The second convolution of a path reads the outputs of the first.
    let inputs = |place: usize| match place % 2 {
        0 => space.shared_inputs(),
        _ => space.max_channels,
    };
    let inputs: usize = (0..space.patterns.convolutions()).map(inputs).sum();
    let sets: usize = learned.sets().iter().product();
    let shared = sets * space.max_channels * inputs * space.max_kernel * space.max_kernel;
    // BatchNorm has a scale and a shift for each channel.
    let transition = |block| space.block_width(block) * (2 + space.block_input(block + 1));
    let transitions: usize = (0..BLOCKS - 1).map(transition).sum();
    let output = space.block_width(BLOCKS - 1) * (2 + task.classes) + task.classes;
    (stem + shared + norms + queries + transitions + output) as u64
}

/// Number of weights in the 1x1 convolutions of an architecture, which a HyperNet generates.
pub fn generated_weights(space: &SearchSpace, architecture: &Architecture) -> u64 {
    let blocks = architecture.blocks.iter();
    let ops = blocks.flat_map(|block| block.ops.iter().map(|op| (block.bank_size, op)));
    let of_op = |(bank_size, op): (usize, &crate::architecture::Op)| {
        let inputs = op.reads.len() * bank_size * space.base_channels;
        let outputs = op.units * space.base_channels;
        (inputs * space.generated_channels(inputs, outputs)) as u64
    };
    ops.map(of_op).sum()
}
