//! Tests of the ways in which ops share the learned convolutions of a SMASH network.

use burn::module::{Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use smash::sampling::sample;
use smash::scoring::score_noise;
use smash::training::checkpoint::Checkpoint;
use smash::{Architecture, HyperNetConfig, LearnedConvolutions, Limits, Mode, SearchSpace, Seed, SmashNet, Task};

const TASK: Task = Task::of_images(3, 8, 10);

/// Convolutions in a set.
const SLOTS: usize = 4;

fn space() -> SearchSpace {
    SearchSpace { base_channels: 2, max_channels: 4, max_groups: 2, ..SearchSpace::smash_v2(4, 1) }
}

fn net(learned: LearnedConvolutions) -> SmashNet<Flex> {
    let hypernet = HyperNetConfig { growth: 2, layers: vec![1] };
    SmashNet::new(space(), Some(&hypernet), learned, TASK, &mut ChaCha8Rng::seed_from_u64(0), &FlexDevice)
}

/// Names of the parameters of the shared convolutions in a checkpoint.
fn names(net: &SmashNet<Flex>) -> Vec<String> {
    let mut checkpoint = Checkpoint::default();
    checkpoint.add("main", &net.main);
    let names = checkpoint.tensors.into_keys();
    names.filter(|name| name.starts_with("main.shared.")).collect()
}

fn images() -> Tensor<Flex, 4> {
    let shape: [usize; 4] = [4, 3, 8, 8];
    let values = (0..shape.iter().product::<usize>()).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0);
    Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), &FlexDevice)
}

/// Log-probabilities for an architecture and a draw of noise.
fn output(net: &SmashNet<Flex>, architecture: &Architecture, draw: usize) -> Tensor<Flex, 2> {
    let weights = net.generate(architecture, &score_noise(Seed(0), draw));
    net.forward(architecture, &weights, images(), Mode::Train).0
}

/// Whether the output for an architecture depends on the first convolution of a block's set, for one of some draws of
/// noise. With a single draw, a ReLU could hide it.
fn depends(net: &SmashNet<Flex>, architecture: &Architecture, block: usize, set: usize) -> bool {
    let mut changed = net.clone();
    let conv = &mut changed.main.shared[block][set * SLOTS];
    *conv = Param::initialized(ParamId::new(), conv.val() + 1.0);
    (0..4).any(|draw| {
        let difference = output(net, architecture, draw) - output(&changed, architecture, draw);
        let largest: f32 = difference.abs().max().into_scalar();
        largest > 1e-6
    })
}

#[test]
fn the_paper_has_one_set_for_each_block() {
    let found = net(LearnedConvolutions::default());
    let expected: Vec<String> =
        (0..3).flat_map(|block| (0..SLOTS).map(move |slot| format!("main.shared.{block}.{slot}"))).collect();
    assert_eq!(names(&found), expected);
}

/// Op number p of a block uses set p mod k. A set is therefore used if and only if the block has more ops than its number.
#[test]
fn ops_of_a_block_take_turns() {
    const SETS: usize = 3;
    let net = net(LearnedConvolutions::PerBlock(SETS));
    assert_eq!(names(&net).len(), 3 * SETS * SLOTS);
    let mut found = [false; 2];
    for seed in 0..4 {
        let architecture = sample(&space(), Limits::of(&space()), &mut ChaCha8Rng::seed_from_u64(seed));
        for (index, block) in architecture.blocks.iter().enumerate() {
            for set in 0..SETS {
                let is_used = block.ops.len() > set;
                assert_eq!(
                    depends(&net, &architecture, index, set),
                    is_used,
                    "block {index}, set {set}: {architecture:?}"
                );
                found[usize::from(is_used)] = true;
            }
        }
    }
    assert_eq!(found, [true, true], "sets with and without ops");
}

/// One set for all ops equals three equal sets, one for each block.
#[test]
fn one_set_serves_all_blocks() {
    let one = net(LearnedConvolutions::OneForAll);
    assert_eq!(names(&one).len(), SLOTS);
    let mut copied = one.clone();
    copied.main.shared = vec![one.main.shared[0].clone(); 3];
    let architecture = sample(&space(), Limits::of(&space()), &mut ChaCha8Rng::seed_from_u64(0));
    let [found, expected] = [&one, &copied].map(|net| output(net, &architecture, 0).into_data());
    assert_eq!(found, expected);
}
