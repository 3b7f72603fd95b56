//! Tests of short trainings from random weights and from the weights of a SMASH network.

use burn::Tensor;
use burn::module::Param;
use burn_flex::{Flex, FlexDevice};
use proptest::prelude::*;
use smash::blueprint::Step;
use smash::predictors::{
    ShortTraining, initial_network, warm_network, warm_resulting_network, warm_simple_weight_norm_network,
};
use smash::scoring::{score, score_noise};
use smash::space::Bottleneck;
use smash::{LearnedConvolutions, Mode, Network, Phase, SearchSpace, Seed, SmashNet, Task};

use super::{B, TASK, architecture, hypernet, random, random_norm, recipe, rng, space, with_examples};

/// Small spaces of both kinds and all rules of width.
fn spaces() -> impl Strategy<Value = SearchSpace> {
    let kinds = prop_oneof![
        (1..=4usize).prop_map(|depth| SearchSpace {
            base_channels: 3,
            max_channels: 12,
            ..SearchSpace::smash_v1(depth, 2)
        }),
        (1..=4usize, 1..=2usize).prop_map(|(depth, width)| SearchSpace {
            base_channels: 4,
            max_channels: 16,
            max_groups: 4,
            ..SearchSpace::smash_v2(depth, width)
        }),
    ];
    (kinds, any::<bool>()).prop_map(|(space, is_released)| match is_released {
        true => SearchSpace { bottleneck: Bottleneck::Released { ratio: 4, cap: 2 }, ..space },
        false => space,
    })
}

/// All ways to share learned convolutions.
fn ways_to_share() -> impl Strategy<Value = LearnedConvolutions> {
    prop_oneof![Just(LearnedConvolutions::OneForAll), (1..=3usize).prop_map(LearnedConvolutions::PerBlock)]
}

/// A SMASH network as after a training: no BatchNorm has its initial values.
fn smash_net(
    space: &SearchSpace,
    learned: LearnedConvolutions,
    task: Task,
    has_hypernet: bool,
    seed: u64,
) -> SmashNet<Flex> {
    let rng = &mut rng(seed);
    let hypernet = has_hypernet.then(hypernet);
    let mut net = SmashNet::new(space.clone(), hypernet.as_ref(), learned, task, rng, &FlexDevice);
    let transitions = net.main.transitions.iter_mut().map(|transition| &mut transition.norm);
    for norm in transitions.chain([&mut net.main.norm]) {
        let [channels] = norm.weight.dims();
        *norm = random_norm(channels, rng);
    }
    net
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    /// Log-probabilities of both networks differ at most by rounding, with running statistics and with statistics of
    /// the batch.
    #[test]
    fn a_warm_network_starts_as_the_smash_network(
        space in spaces(),
        learned in ways_to_share(),
        has_hypernet: bool,
        stem_stride in 1..=2usize,
        seed: u64,
    ) {
        let task = Task { stem_stride, image_size: 8 * stem_stride, ..TASK };
        let net = smash_net(&space, learned, task, has_hypernet, seed);
        let architecture = architecture(&space, seed);
        let weights = net.generate(&architecture, &score_noise(Seed(seed), 0));
        let warm: Network<B> = warm_network(&net, task, &architecture, &weights);
        // Weights of another length have the same direction, which is all that counts with WeightNorm.
        let mut normed: Network<B> = warm_simple_weight_norm_network(&net, task, &architecture, &weights);
        double_normed_weights(&mut normed);
        let images = random([3, 3, task.image_size, task.image_size], -1.0..1.0, &mut rng(seed));
        for (mode, phase) in [(Mode::Evaluate, Phase::Evaluate), (Mode::Train, Phase::Measure)] {
            let (expected, statistics) = net.forward(&architecture, &weights, images.clone(), mode);
            let (found, of_warm) = warm.forward(Tensor::from_inner(images.clone()), phase);
            let off: f32 = (found.inner() - expected.clone()).abs().max().into_scalar();
            prop_assert!(off < 1e-5, "{mode:?}: off by {off}");
            if mode == Mode::Evaluate {
                let (found, _) = normed.forward(Tensor::from_inner(images.clone()), Phase::Evaluate);
                let off: f32 = (found.inner() - expected.clone()).abs().max().into_scalar();
                prop_assert!(off < 1e-5, "with WeightNorm: off by {off}");
            }
            prop_assert_eq!(statistics.norms.len(), of_warm.len());
            let spread: f32 = (expected.clone() - expected.mean_dim(0)).abs().max().into_scalar();
            prop_assert!(spread > 1e-4, "{spread}");
        }
    }
}

/// Doubles the weights of the convolutions with WeightNorm; there is one for each op.
fn double_normed_weights(net: &mut Network<B>) {
    let is_normed = |step: &Step| match step {
        Step::Conv { simple_weight_norm, .. } => Some(*simple_weight_norm),
        _ => None,
    };
    let normed: Vec<bool> = net.blueprint.steps.iter().filter_map(is_normed).collect();
    assert!(normed.contains(&true), "no convolution has WeightNorm");
    for (conv, _) in net.weights.convs.iter_mut().zip(normed).filter(|(_, is_normed)| *is_normed) {
        *conv = Param::from_tensor(Tensor::from_inner(conv.val().inner() * 2.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_warm_resulting_network_has_all_weights_that_the_smash_network_has(
        space in spaces(),
        learned in ways_to_share(),
        seed: u64,
    ) {
        let net = smash_net(&space, learned, TASK, true, seed);
        let architecture = architecture(&space, seed);
        let weights = net.generate(&architecture, &score_noise(Seed(seed), 0));
        let initial: Network<B> = initial_network(&space, TASK, &architecture, Seed(seed), [0, 0], &FlexDevice);
        let warm = warm_resulting_network(&net, TASK, &architecture, &weights, initial.clone());
        let in_smash: Network<B> = warm_network(&net, TASK, &architecture, &weights);
        prop_assert_eq!(&warm.blueprint, &initial.blueprint);
        for (found, expected) in warm.weights.convs.iter().zip(&in_smash.weights.convs) {
            let part = found.val().slice(expected.dims().map(|size| 0..size));
            prop_assert_eq!(part.into_data(), expected.val().into_data());
        }
        // The BatchNorms at the ends of blocks; those around 1x1 convolutions are as in the network with standard weights.
        let mut ends = in_smash.weights.norms.iter();
        for (found, initial) in warm.weights.norms.iter().zip(&initial.weights.norms) {
            let [found, untouched] = [found, initial].map(|norm| norm.running_mean.val().into_data());
            if found != untouched {
                prop_assert_eq!(Some(found), ends.next().map(|end| end.running_mean.val().into_data()));
            }
        }
        prop_assert!(ends.next().is_none());
        let output = [&warm, &in_smash].map(|net| net.weights.output_weight.val().into_data());
        prop_assert_eq!(&output[0], &output[1]);
    }
}

#[test]
fn the_warm_score_of_no_step_is_the_score() {
    let space = space();
    let architecture = architecture(&space, 3);
    with_examples(|training, validation| {
        for has_hypernet in [true, false] {
            let net = smash_net(&space, LearnedConvolutions::default(), TASK, has_hypernet, 3);
            let noise = score_noise(Seed(3), 0);
            let expected = score(&net, &architecture, &noise, validation).unwrap();
            let weights = net.generate(&architecture, &noise);
            let training_of = |steps| {
                let warm = warm_network::<B>(&net, TASK, &architecture, &weights);
                let short = ShortTraining { steps, recipe: &recipe(), seed: Seed(3), key: [0, 0] };
                short.error_after(warm, training, validation).unwrap()
            };
            let found = training_of(0);
            assert_eq!((found.error, found.top5_error), (expected.error, expected.top5_error));
            assert!((found.loss - expected.loss).abs() < 1e-6, "{found:?}, {expected:?}");
            let trained = training_of(30);
            assert!(trained.loss < expected.loss - 0.1, "{trained:?}, {expected:?}");
        }
    });
}

/// More steps than an epoch has, so that orders follow one another.
#[test]
fn steps_repeat_by_key_and_lower_the_loss() {
    let space = space();
    let architecture = architecture(&space, 4);
    with_examples(|training, _| {
        let after = |steps, key| {
            let net = initial_network(&space, TASK, &architecture, Seed(1), [0, 0], &FlexDevice);
            let short = ShortTraining { steps, recipe: &recipe(), seed: Seed(1), key };
            short.error_after::<B>(net, training, training).unwrap()
        };
        let (none, some) = (after(0, [0, 0]), after(20, [0, 0]));
        assert!(some.loss < none.loss - 0.05, "{none:?}, {some:?}");
        assert_eq!(some, after(20, [0, 0]));
        assert_ne!(some, after(20, [0, 1]), "other batches");
        assert_ne!(some, after(19, [0, 0]), "another step");
    });
}

#[test]
fn steps_that_diverge_name_step_and_architecture() {
    let space = space();
    let architecture = architecture(&space, 4);
    with_examples(|training, validation| {
        let net = initial_network(&space, TASK, &architecture, Seed(1), [0, 0], &FlexDevice);
        let recipe = smash::ResultingTraining { learning_rate: f64::INFINITY, ..recipe() };
        let short = ShortTraining { steps: 3, recipe: &recipe, seed: Seed(1), key: [0, 0] };
        let diverged = short.error_after::<B>(net, training, validation).unwrap_err();
        assert_eq!((diverged.step, diverged.architecture), (Some(1), architecture.hash()));
    });
}
