//! ResNet, DenseNet and FractalNet blocks as memory-bank architectures (paper, figure 1).
//!
//! Each architecture has its pattern three times, once for each block. Every op is a 1x1 convolution and one 3x3
//! convolution. Each convolution follows BatchNorm and ReLU, or ReLU alone, as in a resulting network.

use crate::architecture::{Architecture, Block, Conv, Op};
use crate::space::{BLOCKS, BankSizes, Bottleneck, Patterns, SearchSpace, Units};

/// The space of all three architectures: 2 N channels enter each block, and an op reads any number of banks.
pub fn space() -> SearchSpace {
    SearchSpace {
        depth: 4,
        width: 1,
        base_channels: 8,
        max_channels: 16,
        depth_compression: 1,
        bottleneck: Bottleneck::Fixed { ratio: 4 },
        patterns: Patterns::Single,
        max_kernel: 3,
        max_dilation: 1,
        square: true,
        max_groups: 1,
        bank_sizes: BankSizes::Variable,
        units: Units::Uniform,
        budget: [0.3, 1.0],
        compression: None,
    }
}

/// A ResNet: it has one bank, which every op reads and adds to, `x + f(x)`.
pub fn resnet() -> Architecture {
    repeated(2, vec![op(&[0], 2, &[0]); 3])
}

/// A DenseNet: every op reads all banks written before it and writes an empty one, `[x, f(x), g([x, f(x)]), ...]`.
pub fn densenet() -> Architecture {
    repeated(1, vec![op(&[0, 1], 1, &[2]), op(&[0, 1, 2], 1, &[3]), op(&[0, 1, 2, 3], 1, &[4])])
}

/// A FractalNet block of three columns: `f_1(z)` is an op, and `f_{c+1}(z)` joins `f_c(f_c(z))` and another op of z.
///
/// The block input is banks 0 and 1. In the column with four ops, banks 2 and 4 hold the values between the joins.
/// Banks 3 and 5 are the joins, and bank 5 is `f_3(z)`.
///
/// A FractalNet joins by the mean, but memory adds. So a join is the sum here, and the weights of its ops have to
/// absorb the factor. All banks leave the block, as always in this scheme. The transition's weights decide that bank 5
/// alone goes on.
pub fn fractalnet() -> Architecture {
    repeated(
        1,
        vec![
            op(&[0, 1], 1, &[2]),
            op(&[2], 1, &[3]),
            op(&[0, 1], 1, &[3]),
            op(&[3], 1, &[4]),
            op(&[4], 1, &[5]),
            op(&[3], 1, &[5]),
            op(&[0, 1], 1, &[5]),
        ],
    )
}

/// An architecture with the same ops in each block.
fn repeated(bank_size: usize, ops: Vec<Op>) -> Architecture {
    Architecture { blocks: vec![Block { bank_size, ops }; BLOCKS] }
}

/// An op with one plain 3x3 convolution.
fn op(reads: &[usize], units: usize, writes: &[usize]) -> Op {
    let conv = Conv { kernel: [3, 3], dilation: [1, 1], groups: 1 };
    Op { reads: reads.to_vec(), writes: writes.to_vec(), units, convs: [Some(conv), None, None, None] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_valid_in_their_space() {
        assert_eq!(space().validate(), Ok(()));
        for architecture in [resnet(), densenet(), fractalnet()] {
            assert_eq!(architecture.validate(&space()), Ok(()));
        }
    }
}
