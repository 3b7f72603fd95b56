//! Numbers that describe an architecture, for distances between architectures and for guides of the sampling. They are
//! known without any training.

use crate::architecture::{Architecture, Block, Conv, Op};
use crate::space::BLOCKS;

/// Number of features of a block.
const OF_BLOCK: usize = 9;

/// Number of features of an architecture.
pub const FEATURES: usize = OF_BLOCK * BLOCKS;

/// The features of an architecture with their names, such as `block 1: mean reads`, in an order that is the same for all
/// architectures of a space.
///
/// Each block has its number of ops and the size of its banks in units of N. It also has means over its ops: banks read,
/// banks written, output units, active convolutions. Kernel size, dilation and groups are means over its convolutions
/// and, for the first two, over both axes.
pub fn features(architecture: &Architecture) -> Vec<(String, f64)> {
    let of_block = |(number, block): (usize, &Block)| {
        let named = block_features(block).into_iter();
        named.map(move |(name, value)| (format!("block {number}: {name}"), value)).collect::<Vec<_>>()
    };
    (1..).zip(&architecture.blocks).flat_map(of_block).collect()
}

fn block_features(block: &Block) -> [(&'static str, f64); OF_BLOCK] {
    let of_ops = |count: fn(&Op) -> usize| mean(block.ops.iter().map(count));
    let convs = || block.ops.iter().flat_map(|op| op.convs.iter().flatten());
    let of_axes = |pair: fn(&Conv) -> [usize; 2]| mean(convs().flat_map(pair));
    [
        ("ops", block.ops.len() as f64),
        ("bank size", block.bank_size as f64),
        ("mean reads", of_ops(|op| op.reads.len())),
        ("mean writes", of_ops(|op| op.writes.len())),
        ("mean units", of_ops(|op| op.units)),
        ("mean convolutions", of_ops(|op| op.convs.iter().flatten().count())),
        ("mean kernel", of_axes(|conv| conv.kernel)),
        ("mean dilation", of_axes(|conv| conv.dilation)),
        ("mean groups", mean(convs().map(|conv| conv.groups))),
    ]
}

/// The mean of some counts; 0 if there are none.
fn mean(counts: impl Iterator<Item = usize>) -> f64 {
    let (number, sum) = counts.fold((0_usize, 0_usize), |(number, sum), count| (number + 1, sum + count));
    sum as f64 / number.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_counts_and_means_of_each_block() {
        let conv = |kernel, dilation| Some(Conv { kernel, dilation, groups: 1 });
        let op = |reads: &[usize], units, convs| Op { reads: reads.to_vec(), writes: vec![2], units, convs };
        let blocks = vec![
            Block {
                bank_size: 1,
                ops: vec![
                    op(&[0], 1, [conv([3, 3], [1, 1]), None, None, None]),
                    op(&[0, 1], 4, [conv([3, 5], [2, 4]), conv([3, 3], [1, 1]), None, None]),
                ],
            },
            Block { bank_size: 2, ops: vec![op(&[0], 2, [conv([7, 7], [3, 3]), None, None, None])] },
        ];
        let found = features(&Architecture { blocks });
        let value = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        assert_eq!(found.len(), 2 * 9);
        for (name, expected) in [
            ("block 1: ops", 2.0),
            ("block 1: mean reads", 1.5),
            ("block 1: mean writes", 1.0),
            ("block 1: mean units", 2.5),
            ("block 1: mean convolutions", 1.5),
            ("block 1: mean kernel", 20.0 / 6.0),
            ("block 1: mean dilation", 10.0 / 6.0),
            ("block 2: bank size", 2.0),
            ("block 2: mean kernel", 7.0),
            ("block 2: mean groups", 1.0),
        ] {
            assert_eq!(value(name), Some(expected), "{name}");
        }
    }
}
