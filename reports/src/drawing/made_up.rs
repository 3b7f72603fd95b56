//! Made-up architectures for tests of drawings.

use proptest::prelude::*;
use smash_space::architecture::{Conv, Op};

use super::architecture::{Block, least_input_banks};

/// Two ops. The first adds to bank 0 and fills bank 1; the second reads both and fills bank 2.
pub(super) const SMALL: &str = r#"{"version":1,"blocks":[{"bank_size":1,"ops":[
    {"reads":[0],"writes":[0,1],"units":1,"convs":[{"kernel":[3,3],"dilation":[2,2],"groups":1},null,null,null]},
    {"reads":[0,1],"writes":[2],"units":1,"convs":[{"kernel":[3,5],"dilation":[1,2],"groups":2},null,
        {"kernel":[3,3],"dilation":[1,1],"groups":1},null]}]}]}"#;

/// A ResNet: one bank that every op reads and adds to.
pub(super) const RESNET: &str = r#"{"version":1,"blocks":[{"bank_size":2,"ops":[
    {"reads":[0],"writes":[0],"units":2,"convs":[{"kernel":[3,3],"dilation":[1,1],"groups":1},null,null,null]},
    {"reads":[0],"writes":[0],"units":2,"convs":[{"kernel":[3,3],"dilation":[1,1],"groups":1},null,null,null]}]}]}"#;

/// An op of one unit and one plain convolution.
pub(super) fn op(reads: &[usize], writes: &[usize]) -> Op {
    Op { reads: reads.to_vec(), writes: writes.to_vec(), units: 1, convs: [Some(conv(3)), None, None, None] }
}

fn conv(kernel: usize) -> Conv {
    Conv { kernel: [kernel, kernel], dilation: [1, 1], groups: 1 }
}

/// Blocks of up to 13 ops with every pattern of convolutions. They read banks that hold something and fill banks in order.
pub(super) fn blocks() -> impl Strategy<Value = Block> {
    // For each op: bits of the reads, bits of the writes, new banks, slices and pattern.
    let choices = (any::<u32>(), any::<u32>(), 0..3_usize, 1..3_usize, 0..5_usize);
    (1..4_usize, 1..4_usize, prop::collection::vec(choices, 1..14)).prop_map(|(bank_size, inputs, choices)| {
        let mut written = inputs;
        let mut ops = Vec::new();
        for (reads, writes, new, slices, pattern) in choices {
            let of_bits = |bits: u32, count| (0..count).filter(move |bank| bits >> (bank % 32) & 1 == 1);
            let mut reads: Vec<usize> = of_bits(reads, written).collect();
            if reads.is_empty() {
                reads.push(written - 1);
            }
            // Few of the old banks, as in the sampler.
            let mut writes: Vec<usize> = of_bits(writes & (writes >> 7), written).collect();
            writes.extend(written..written + new.max(slices.saturating_sub(writes.len())));
            written = written.max(writes.last().map_or(0, |bank| bank + 1));
            let active = [[1, 0, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]][pattern];
            ops.push(Op {
                reads,
                writes,
                units: slices * bank_size,
                convs: active.map(|active| (active == 1).then(|| conv(3 + 2 * (pattern % 3)))),
            });
        }
        Block { bank_size, input_banks: least_input_banks(&ops), ops }
    })
}
