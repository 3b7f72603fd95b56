//! Laws of the canonical hash.
//!
//! It is equal for architectures that differ only in how they are written down, and different for all others.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use smash_space::sampling::sample;
use smash_space::{Architecture, Block, Counts, Limits, Op, SearchSpace, Task};

const TASK: Task = Task::of_images(3, 16, 10);

fn spaces() -> impl Strategy<Value = SearchSpace> {
    prop_oneof![
        (1..=6usize, 2..=4usize).prop_map(|(depth, width)| SearchSpace::smash_v1(depth, width)),
        (1..=6usize, 1..=4usize).prop_map(|(depth, width)| SearchSpace::smash_v2(depth, width)),
    ]
}

fn drawn(space: &SearchSpace, seed: u64) -> Architecture {
    sample(space, Limits::of(space), &mut ChaCha8Rng::seed_from_u64(seed))
}

/// The banks that receive each slice of an op's output.
fn slices(block: &Block, op: &Op) -> Vec<Vec<usize>> {
    let count = op.output_slices(block.bank_size);
    let of_slice = |slice| op.writes.iter().copied().skip(slice).step_by(count).collect();
    (0..count).map(of_slice).collect()
}

/// The block with other numbers for its banks; `None` if slices of outputs would then go to other banks.
fn renumbered(block: &Block, number: &[usize]) -> Option<Block> {
    let mut other = block.clone();
    for (index, op) in block.ops.iter().enumerate() {
        let new = &mut other.ops[index];
        for banks in [&mut new.reads, &mut new.writes] {
            banks.iter_mut().for_each(|bank| *bank = number[*bank]);
            banks.sort_unstable();
        }
        let moved = slices(block, op).into_iter().map(|banks| {
            let mut banks: Vec<usize> = banks.into_iter().map(|bank| number[bank]).collect();
            banks.sort_unstable();
            banks
        });
        if !moved.eq(slices(&other, &other.ops[index])) {
            return None;
        }
    }
    Some(other)
}

fn is_free_of(op: &Op, other: &Op) -> bool {
    !op.reads.iter().any(|bank| other.writes.contains(bank))
}

/// All orders of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    match n {
        0 => vec![vec![]],
        _ => orders(n - 1)
            .into_iter()
            .flat_map(|order| {
                (0..n).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, n - 1);
                    order
                })
            })
            .collect(),
    }
}

/// Describes the computation of each op and the output of the block, with given names of its ops and input banks. The
/// names of other banks do not appear. Every op must have one output slice.
fn described(block: &Block, input_banks: usize, ops: &[usize], inputs: &[usize]) -> String {
    let mut banks: Vec<Vec<String>> = (0..block.banks_used(input_banks))
        .map(|bank| inputs.get(bank).map(|name| format!("in {name}")).into_iter().collect())
        .collect();
    let held = |banks: &[Vec<String>], bank: usize| {
        let mut parts = banks[bank].clone();
        parts.sort();
        parts
    };
    let mut lines = BTreeMap::new();
    for (index, op) in block.ops.iter().enumerate() {
        let mut reads: Vec<Vec<String>> = op.reads.iter().map(|&bank| held(&banks, bank)).collect();
        reads.sort();
        let mut paths = [&op.convs[..2], &op.convs[2..]].map(|path| format!("{path:?}"));
        paths.sort();
        lines.insert(ops[index], format!("{} {paths:?} {reads:?}", op.units));
        op.writes.iter().for_each(|&bank| banks[bank].push(format!("op {}", ops[index])));
    }
    let mut output: Vec<Vec<String>> = (0..banks.len()).map(|bank| held(&banks, bank)).collect();
    output.sort();
    format!("{lines:?} {output:?}")
}

fn are_isomorphic(left: &Block, right: &Block, input_banks: usize) -> bool {
    if left.ops.len() != right.ops.len() {
        return false;
    }
    let as_it_is: Vec<usize> = (0..left.ops.len()).collect();
    let inputs: Vec<usize> = (0..input_banks).collect();
    let wanted = described(left, input_banks, &as_it_is, &inputs);
    orders(right.ops.len())
        .iter()
        .any(|ops| orders(input_banks).iter().any(|inputs| described(right, input_banks, ops, inputs) == wanted))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn numbers_of_banks_order_of_free_ops_and_of_paths_do_not_matter(space in spaces(), seed: u64, shuffle: u64) {
        use rand::seq::SliceRandom;
        let architecture = drawn(&space, seed);
        let expected = architecture.canonical_hash(&space);
        let mut rng = ChaCha8Rng::seed_from_u64(shuffle);
        let mut other = architecture;
        for (index, block) in other.blocks.iter_mut().enumerate() {
            let inputs = space.input_banks(index, block.bank_size);
            // The banks of the input change places among themselves, and so do the others.
            let mut number: Vec<usize> = (0..block.banks_used(inputs)).collect();
            number[..inputs].shuffle(&mut rng);
            number[inputs..].shuffle(&mut rng);
            if let Some(renumbered) = renumbered(block, &number) {
                *block = renumbered;
            }
            for first in 1..block.ops.len() {
                let [left, right] = [&block.ops[first - 1], &block.ops[first]];
                if is_free_of(left, right) && is_free_of(right, left) {
                    block.ops.swap(first - 1, first);
                }
            }
            for op in &mut block.ops {
                if op.convs[2].is_some() {
                    op.convs.rotate_left(2);
                }
            }
        }
        prop_assert_eq!(other.canonical_hash(&space), expected);
    }

    #[test]
    fn another_convolution_changes_it(space in spaces(), seed: u64) {
        let architecture = drawn(&space, seed);
        let mut other = architecture.clone();
        let conv = other.blocks[1].ops[0].convs[0].as_mut().unwrap();
        conv.dilation[0] += 1;
        prop_assert_ne!(other.canonical_hash(&space), architecture.canonical_hash(&space));
    }

    #[test]
    fn every_bank_of_a_sample_is_written_and_handed_on(space in spaces(), seed: u64) {
        // So no op is dead, and none could be left out.
        for (index, block) in drawn(&space, seed).blocks.iter().enumerate() {
            for op in &block.ops {
                prop_assert!(slices(block, op).iter().all(|banks| !banks.is_empty()), "block {}: {:?}", index, op);
            }
        }
    }
}

/// Compares many small architectures one by one: two of them have equal hashes exactly if they are isomorphic.
#[test]
fn it_is_equal_exactly_for_isomorphic_architectures() {
    let mut space = SearchSpace::smash_v1(2, 2);
    space.max_channels = space.base_channels;
    space.max_dilation = 1;
    let mut found: Vec<(Block, String)> = Vec::new();
    let mut written_otherwise = 0;
    for seed in 0..60 {
        let mut architecture = drawn(&space, seed);
        architecture.blocks.truncate(1);
        let hash = architecture.canonical_hash(&space);
        let block = architecture.blocks.remove(0);
        let inputs = space.input_banks(0, block.bank_size);
        assert!(block.ops.iter().all(|op| op.output_slices(block.bank_size) == 1));
        assert!(inputs <= 4 && block.ops.len() <= 5, "{inputs} inputs, {} ops", block.ops.len());
        for (other, of_other) in &found {
            let is_isomorphic = are_isomorphic(other, &block, inputs);
            assert_eq!(is_isomorphic, *of_other == hash, "{other:?}\n{block:?}");
            written_otherwise += usize::from(is_isomorphic && *other != block);
        }
        found.push((block, hash));
    }
    assert!(written_otherwise > 0, "no two of the samples are isomorphic");
}

#[test]
fn equal_hashes_have_equal_sizes() {
    let space = SearchSpace::smash_v1(1, 2);
    let mut sizes: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for seed in 0..300 {
        let architecture = drawn(&space, seed);
        let counts = Counts::of(&space, TASK, &architecture);
        let size = [counts.parameters, counts.multiply_adds];
        assert_eq!(*sizes.entry(architecture.canonical_hash(&space)).or_insert(size), size);
    }
}
