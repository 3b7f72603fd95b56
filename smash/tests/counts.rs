//! Tests of the counts of parameters and multiply-adds, against the released code and against networks that are built.

use std::path::Path;

use burn::module::Module;
use burn_flex::Flex;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use smash::counts::learned_weights;
use smash::networks::layers::BatchNorm;
use smash::sampling::sample;
use smash::{
    Architecture, Blueprint, Counts, HyperNetConfig, LearnedConvolutions, Limits, Memory, Network, OpNormalisation,
    Read, SearchSpace, SmashNet, Stem, Task,
};

const CIFAR_100: Task = Task { image_channels: 3, image_size: 32, classes: 100, image_depth: 1, stem_stride: 1 };

#[derive(Deserialize)]
struct File {
    meta: Meta,
    archs: Vec<Counted>,
}

#[derive(Deserialize)]
struct Meta {
    config: smash::golden::format::Config,
}

/// An architecture with the counts of its resulting network.
#[derive(Deserialize)]
struct Counted {
    #[serde(flatten)]
    architecture: smash::golden::format::GoldenArchitecture,
    main_params: u64,
    main_macs_per_image: MultiplyAdds,
}

#[derive(Deserialize)]
struct MultiplyAdds {
    total: u64,
}

fn read(name: &str) -> File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(file.meta.config.nClasses, CIFAR_100.classes, "{name}");
    assert_eq!(file.archs.len(), 10, "{name}");
    file
}

fn assert_counts_agree(name: &str) {
    let file = read(name);
    let space = file.meta.config.space();
    for (index, counted) in file.archs.iter().enumerate() {
        let architecture = counted.architecture.to_architecture();
        let counts = Counts::of(&space, CIFAR_100, &architecture);
        assert_eq!(
            (counts.parameters, counts.multiply_adds),
            (counted.main_params, counted.main_macs_per_image.total),
            "(parameters, multiply-adds) of architecture {index} of {name}"
        );
    }
}

#[test]
fn counts_agree_with_the_released_code_for_small_networks() {
    assert_counts_agree("archs-small.json");
}

#[test]
fn counts_agree_with_the_released_code_for_one_convolution() {
    assert_counts_agree("archs-v1.json");
}

#[test]
fn counts_agree_with_the_released_code_for_up_to_four_convolutions() {
    assert_counts_agree("archs-v2.json");
}

/// Number of learned parameters of a network: everything except the running statistics.
fn learned_parameters(net: &Network<Flex>) -> usize {
    let running = |norm: &BatchNorm<Flex>| norm.running_mean.val().dims()[0] + norm.running_variance.val().dims()[0];
    let statistics: usize = net.weights.norms.iter().map(running).sum();
    net.weights.num_params() - statistics
}

fn assert_built_as_counted(space: &SearchSpace, architecture: &Architecture) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let net = Network::<Flex>::new(Blueprint::of(space, CIFAR_100, architecture), &mut rng, &Default::default());
    assert_eq!(
        learned_parameters(&net) as u64,
        Counts::of(space, CIFAR_100, architecture).parameters,
        "{architecture:?}"
    );
}

#[test]
fn networks_of_the_released_code_are_built_as_counted() {
    let file = read("archs-small.json");
    let space = file.meta.config.space();
    for counted in &file.archs[..3] {
        assert_built_as_counted(&space, &counted.architecture.to_architecture());
    }
}

#[test]
fn sampled_networks_are_built_as_counted() {
    for space in [SearchSpace::smash_v1(2, 2), SearchSpace::smash_v2(2, 1)] {
        for seed in 0..2 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let architecture = sample(&space, Limits::of(&space), &mut rng);
            assert_built_as_counted(&space, &architecture);
        }
    }
}

/// Weights of the HyperNet at the paper's size, and weights that are learned freely beside it. The paper places "the majority of
/// the network's capacity in the HyperNet" (section 3.1).
fn trained_weights(space: &SearchSpace) -> [u64; 2] {
    let learned = learned_weights(
        space,
        LearnedConvolutions::default(),
        OpNormalisation::default(),
        Stem::Learned,
        Memory::default(),
        CIFAR_100,
    );
    [HyperNetConfig::default().weights(space), learned]
}

#[test]
fn the_hypernet_of_smashv1_has_most_of_the_trained_weights() {
    let [hypernet, learned] = trained_weights(&SearchSpace::smash_v1(12, 30));
    assert!(hypernet > learned, "{hypernet} in the HyperNet, {learned} beside it");
}

#[test]
fn most_trained_weights_of_smashv2_are_learned_beside_the_hypernet() {
    let [hypernet, learned] = trained_weights(&SearchSpace::smash_v2(12, 4));
    assert!(learned > hypernet, "{hypernet} in the HyperNet, {learned} beside it");
}

#[test]
fn weights_of_the_smash_network_are_counted_as_they_are_built() {
    let small = SearchSpace { base_channels: 2, max_channels: 6, ..SearchSpace::smash_v1(8, 3) };
    let hypernet = HyperNetConfig { growth: 3, layers: vec![4, 5, 2] };
    for space in [small, SearchSpace::smash_v1(2, 2), SearchSpace::smash_v2(2, 1)] {
        for learned in
            [LearnedConvolutions::OneForAll, LearnedConvolutions::default(), LearnedConvolutions::PerBlock(3)]
        {
            let (mut rng, device) = (ChaCha8Rng::seed_from_u64(1), Default::default());
            let net = SmashNet::<Flex>::new(space.clone(), Some(&hypernet), learned, CIFAR_100, &mut rng, &device);
            let counted = |norm, stem, memory| learned_weights(&space, learned, norm, stem, memory, CIFAR_100);
            for norm in [OpNormalisation::WeightNorm, OpNormalisation::LayerNorm, OpNormalisation::default()] {
                let normalised = net.clone().with_op_normalisation(norm);
                assert_eq!(counted(norm, Stem::Learned, Memory::default()), normalised.learned_weights(), "{norm:?}");
            }
            let memory = Memory { read: Read::Attention, persistence: 0.5, ..Memory::default() };
            let formed = net.clone().with_forms(Stem::Gabor, memory, CIFAR_100);
            assert_eq!(counted(OpNormalisation::default(), Stem::Gabor, memory), formed.learned_weights());
            assert_eq!(hypernet.weights(&space), net.hypernet().num_params() as u64);
        }
    }
}
