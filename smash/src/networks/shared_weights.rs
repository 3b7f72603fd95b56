//! Weights of the 1x1 convolutions that all architectures share, in place of generated ones.
//!
//! This is plain one-shot: the same space and the same network without a HyperNet. For each block and each place that
//! an op can have in it, there is one learned matrix, `[r * N_max outputs, channels of the block's banks]`. An op takes
//! as many leading rows as it has outputs. It takes the columns of the channels that it reads, at any size of banks. So
//! two architectures share a weight where ops in the same place of the same block read the same channels. Afterwards
//! the weights are used like generated ones, divided by their Euclidean norm.
//!
//! A block has at most as many ops as its budget has room for, if each reads as little as it may. At the paper's sizes
//! this takes 10.7 million weights for SMASHv2 (depth 12, width 4). They take 43 MB, and three times that with Adam's
//! moments. For SMASHv1 (width 30) it takes 396 million weights, 1.6 GB and 4.8 GB. A step has gradients only of the
//! matrices that it uses.

use burn::module::Param;
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;
use smash_space::architecture::{Architecture, Block, Op};
use smash_space::space::{BLOCKS, SearchSpace};

use crate::networks::generated_weights::GeneratedWeights;
use crate::networks::layers::orthogonal;

/// Orthogonal initial matrices drawn from `rng`, for each block and place of an op in it.
pub fn initial<B: Backend>(
    space: &SearchSpace,
    rng: &mut ChaCha8Rng,
    device: &B::Device,
) -> Vec<Vec<Param<Tensor<B, 2>>>> {
    let mut blocks = Vec::with_capacity(BLOCKS);
    for block in 0..BLOCKS {
        let shape = [space.weight_rows(), space.block_width(block)];
        let matrices = (0..most_ops(space, block)).map(|_| orthogonal(shape, rng, device));
        blocks.push(matrices.collect());
    }
    blocks
}

/// Largest number of ops that a block of a valid architecture can have.
pub fn most_ops(space: &SearchSpace, block: usize) -> usize {
    let at_size = |bank_size: usize| {
        let smallest = space.slices(space.read_multiple(bank_size), bank_size);
        space.slice_budget(block, space.budget[1], bank_size) / smallest
    };
    let sizes = space.bank_sizes(block);
    sizes.into_iter().map(at_size).max().expect("a valid space has bank sizes")
}

/// The weights of an architecture, laid out like generated ones: the columns of the ops one after the other.
pub fn of<B: Backend>(
    pointwise: &[Vec<Param<Tensor<B, 2>>>],
    space: &SearchSpace,
    architecture: &Architecture,
) -> GeneratedWeights<B> {
    let of_op = |(block, op, matrix): (&Block, &Op, &Param<Tensor<B, 2>>)| {
        let matrix = matrix.val();
        let channels = channels_read(space, block.bank_size, op);
        let count = channels.len();
        let channels = Tensor::from_data(TensorData::new(channels, [count]), &matrix.device());
        matrix.select(1, channels)
    };
    let blocks = architecture.blocks.iter().zip(pointwise);
    let ops = blocks.flat_map(|(block, matrices)| {
        assert!(block.ops.len() <= matrices.len(), "{} ops in a block", block.ops.len());
        let ops = block.ops.iter().zip(matrices);
        ops.map(move |(op, matrix)| (block, op, matrix))
    });
    GeneratedWeights::from_matrix(Tensor::cat(ops.map(of_op).collect(), 1))
}

/// The channels, counted over all banks of the block, that an op reads.
fn channels_read(space: &SearchSpace, bank_size: usize, op: &Op) -> Vec<i32> {
    let channels = bank_size * space.base_channels;
    let of_bank = |&bank: &usize| (bank * channels..(bank + 1) * channels).map(|channel| channel as i32);
    op.reads.iter().flat_map(of_bank).collect()
}
