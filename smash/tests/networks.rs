//! Tests of hand-designed networks, and of the steps that only these networks have.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::backend::Autodiff;
use burn::prelude::*;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn_flex::{Flex, FlexDevice};
use datasets::{LoadOptions, load};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smash::Activation;
use smash::Precision;
use smash::baselines::Baseline;
use smash::blueprint::{ConvShape, Value};
use smash::sampling::sample;
use smash::{
    Blueprint, DeviceImages, Examples, Limits, Network, Phase, ResultingTrainer, ResultingTraining, Schedule,
    SearchSpace, Seed, Task,
};
use smash_kernels::convolution::conv_same;
use smash_kernels::pooling::every_second;

type B = Autodiff<Flex>;

/// Tests that take gradients run one at a time, because burn's autodiff has state that all threads of a process share.
fn alone() -> MutexGuard<'static, ()> {
    static GRADIENTS: Mutex<()> = Mutex::new(());
    GRADIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn voxels(edge: usize) -> Task {
    Task { image_depth: edge, ..Task::of_images(1, edge, 10) }
}

#[test]
fn every_network_learns() {
    let _alone = alone();
    let small = [
        (Baseline::WideResnet { depth: 10, widen: 1 }, "shapes"),
        (Baseline::DensenetBc { depth: 10, growth: 4 }, "shapes"),
        (Baseline::Fractalnet { columns: 2, channels: vec![8, 16], drop_path: true, dropout: Vec::new() }, "shapes"),
        (Baseline::ShakeShake { depth: 8, width: 8 }, "shapes"),
        (Baseline::VoxelResnet { depth: 8, width: 4 }, "solids"),
    ];
    let settings = ResultingTraining {
        epochs: 4,
        batch_size: 20,
        learning_rate: 0.05,
        schedule: Schedule::Cosine,
        label_smoothing: 0.0,
        precision: Precision::Float32,
        augment: false,
    };
    for (baseline, set) in small {
        let options = LoadOptions { image_size: Some(8), n_train: Some(100), n_test: Some(10), ..Default::default() };
        let data = load(set, &options).unwrap();
        let images = DeviceImages::<Flex>::new(&data.train, &data.normalisation, &FlexDevice);
        let indices: Vec<usize> = (0..data.train.len()).collect();
        let examples = Examples { images: &images, indices: &indices };
        let task =
            Task { image_depth: data.train.depth, ..Task::of_images(data.train.channels, 8, data.train.classes) };
        let blueprint = baseline.blueprint(task).unwrap();
        let mut trainer = ResultingTrainer::<B>::new(blueprint, Seed(1), [0, 0], &FlexDevice);
        for _ in 0..settings.epochs {
            let epoch = trainer.train_epoch(&settings, examples, Seed(1), &|| true);
            epoch.unwrap();
        }
        let [first, .., last] = &trainer.history[..] else { unreachable!("four epochs") };
        assert!(last.loss < first.loss, "{baseline:?}: {first:?}, {last:?}");
    }
}

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<B, D> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}

fn values<const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    tensor.into_data().into_vec().unwrap()
}

/// A network that gives the log-probabilities of the mean of one value over all pixels. Its output layer is the
/// identity.
fn network(task: Task, steps: impl Fn(&mut Blueprint, Value) -> Value) -> Network<B> {
    let (mut blueprint, images) = Blueprint::new("test".into(), task);
    let output = steps(&mut blueprint, images);
    let blueprint = blueprint.classify(output);
    let mut net = Network::new(blueprint, &mut ChaCha8Rng::seed_from_u64(3), &FlexDevice);
    let [classes, channels] = net.weights.output_weight.dims();
    assert_eq!(classes, channels);
    net.weights.output_weight = net.weights.output_weight.map(|_| Tensor::eye(classes, &FlexDevice));
    net
}

fn log_softmax(features: &[f32]) -> Vec<f32> {
    let total: f32 = features.iter().map(|value| value.exp()).sum();
    features.iter().map(|value| value - total.ln()).collect()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-5, "{found} is not {expected}");
    }
}

/// `input` `[channels, depth, height, width]`, `weight` `[outputs, channels / groups, 3, 3, 3]`; means over all voxels.
fn naive_means(
    input: &[f32],
    edge: usize,
    weight: &[f32],
    [outputs, inputs]: [usize; 2],
    groups: usize,
    dilation: isize,
) -> Vec<f32> {
    let channels = inputs * groups;
    let at = |channel: usize, place: [isize; 3]| {
        let inside = place.iter().all(|&x| (0..edge as isize).contains(&x));
        let [d, h, w] = place.map(|x| x as usize);
        if inside { input[((channel * edge + d) * edge + h) * edge + w] } else { 0.0 }
    };
    assert_eq!(input.len(), channels * edge * edge * edge);
    let places = || {
        (0..edge as isize)
            .flat_map(move |d| (0..edge as isize).flat_map(move |h| (0..edge as isize).map(move |w| [d, h, w])))
    };
    let mean = |output: usize| {
        let group = output / (outputs / groups);
        let mut sum = 0.0;
        for place in places() {
            for channel in 0..inputs {
                for tap in 0..27 {
                    let offset = [tap / 9, tap / 3 % 3, tap % 3].map(|x| (x as isize - 1) * dilation);
                    let seen = [0, 1, 2].map(|axis: usize| place[axis] + offset[axis]);
                    sum += weight[(output * inputs + channel) * 27 + tap] * at(group * inputs + channel, seen);
                }
            }
        }
        sum / (edge * edge * edge) as f32
    };
    (0..outputs).map(mean).collect()
}

/// Our weight `[outputs, 3 inputs, 3, 3]`, channels by slice first, as `[outputs, inputs, 3, 3, 3]`.
fn with_depth(weight: &[f32], [outputs, inputs]: [usize; 2]) -> Vec<f32> {
    let mut result = vec![0.0; weight.len()];
    for output in 0..outputs {
        for slice in 0..3 {
            for channel in 0..inputs {
                for tap in 0..9 {
                    let ours = ((output * 3 + slice) * inputs + channel) * 9 + tap;
                    result[((output * inputs + channel) * 3 + slice) * 9 + tap] = weight[ours];
                }
            }
        }
    }
    result
}

#[test]
fn a_convolution_of_volumes_is_the_sum_over_three_axes() {
    let edge = 5;
    for (groups, dilation) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let task = Task { classes: 4, ..voxels(edge) };
        let net = network(task, |blueprint, images| {
            let wide = blueprint.conv(&[images], Activation::Identity, 2, ConvShape::square(1));
            let shape = ConvShape { dilation: [dilation; 2], groups, ..ConvShape::square(3) };
            blueprint.conv(&[wide], Activation::Identity, 4, shape)
        });
        // Two volumes, so that none leaks into the next.
        let volumes = random([2, edge, edge, edge], 7);
        let [first, second] = [0, 1].map(|index: usize| values(net.weights.convs[index].val()));
        let sizes = [4, 2 / groups];
        let mut expected = Vec::new();
        for volume in values(volumes.clone()).chunks(edge * edge * edge) {
            let input: Vec<f32> = first.iter().flat_map(|w| volume.iter().map(move |v| v * w)).collect();
            let means = naive_means(&input, edge, &with_depth(&second, sizes), sizes, groups, dilation as isize);
            expected.extend(log_softmax(&means));
        }
        let (output, _) = net.forward(volumes, Phase::Evaluate);
        assert_close(&values(output), &expected);
    }
}

/// The gradient along a random direction agrees with differences of the loss.
#[test]
fn gradients_of_volumes_agree_with_finite_differences() {
    let _alone = alone();
    let task = Task { classes: 4, ..voxels(4) };
    let net = network(task, |blueprint, images| {
        let shape = ConvShape::square(3);
        let wide = blueprint.conv(&[images], Activation::Identity, 4, shape);
        let halved = blueprint.halve(wide);
        let grouped = ConvShape { groups: 2, ..shape };
        blueprint.conv(&[halved], Activation::Relu, 4, grouped)
    });
    let (volumes, direction) = (random([3, 4, 4, 4], 1), random([3, 4, 4, 4], 2));
    let loss = |volumes: Tensor<B, 4>| net.forward(volumes, Phase::Evaluate).0.narrow(1, 1, 1).sum();
    let tracked = volumes.clone().require_grad();
    let gradients = loss(tracked.clone()).backward();
    let gradient = Tensor::<B, 4>::from_inner(tracked.grad(&gradients).unwrap());
    let slope: f32 = (gradient * direction.clone()).sum().into_scalar();
    let step = 1e-2;
    let at = |sign: f32| -> f32 { loss(volumes.clone() + direction.clone() * (sign * step)).into_scalar() };
    let difference = (at(1.0) - at(-1.0)) / (2.0 * step);
    assert!((slope - difference).abs() < 0.02 * slope.abs().max(0.05), "{slope}, {difference}");
}

#[test]
fn shake_mixes_by_one_coefficient_and_learns_by_another() {
    let _alone = alone();
    let task = Task::of_images(1, 2, 2);
    let net = network(task, |blueprint, images| {
        let branches = [(); 2].map(|()| blueprint.conv(&[images], Activation::Identity, 2, ConvShape::square(1)));
        blueprint.shake(branches)
    });
    let image = random([1, 1, 2, 2], 5);
    let mean = values(image.clone()).iter().sum::<f32>() / 4.0;
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let [forward, backward]: [f32; 2] = std::array::from_fn(|_| rng.random());
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let (output, _) = net.forward(image, Phase::Train(&mut rng));
    let [left, right] = [0, 1].map(|branch: usize| values(net.weights.convs[branch].val()));
    let mixed: Vec<f32> =
        (0..2).map(|channel| mean * (forward * left[channel] + (1.0 - forward) * right[channel])).collect();
    assert_close(&values(output.clone()), &log_softmax(&mixed));

    let gradients = output.narrow(1, 0, 1).sum().backward();
    let [left, right] = [0, 1].map(|branch: usize| {
        let gradient = net.weights.convs[branch].val().grad(&gradients).unwrap();
        gradient.into_data().into_vec::<f32>().unwrap()
    });
    // Gradients of the two branches are in the ratio of the backward coefficients.
    for (left, right) in left.into_iter().zip(right) {
        let total = left + right;
        assert!((left - backward * total).abs() < 1e-5 * total.abs().max(1.0), "{left} of {total}, {backward}");
    }
}

/// With drop-path a join is the mean of at least one of its inputs.
#[test]
fn a_join_keeps_at_least_one_input() {
    let _alone = alone();
    let task = Task::of_images(1, 2, 2);
    let net = network(task, |blueprint, images| {
        let columns = [(); 3].map(|()| blueprint.conv(&[images], Activation::Identity, 2, ConvShape::square(1)));
        blueprint.join(&columns, true)
    });
    let image = Tensor::<B, 4>::ones([1, 1, 2, 2], &FlexDevice);
    let weights: Vec<Vec<f32>> = net.weights.convs.iter().map(|conv| values(conv.val())).collect();
    let of_subset = |subset: usize| {
        let kept: Vec<&Vec<f32>> =
            (0..3).filter(|column| subset >> column & 1 == 1).map(|column| &weights[column]).collect();
        let mean = |channel: usize| kept.iter().map(|weight| weight[channel]).sum::<f32>() / kept.len() as f32;
        log_softmax(&[mean(0), mean(1)])
    };
    let mut seen = [0; 8];
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let output = values(net.forward(image.clone(), Phase::Train(&mut rng)).0);
        let subset = (1..8).find(|&subset| {
            let expected = of_subset(subset);
            output.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-5)
        });
        seen[subset.expect("a mean of some columns")] += 1;
    }
    // Half of the steps keep one column, 50 each. Among the others 0.85^3 keep all three: 92. Each pair has 16, each
    // single column 3.
    assert!((70..115).contains(&seen[0b111]), "{seen:?}");
    assert!([0b001, 0b010, 0b100].iter().all(|&one| (30..80).contains(&seen[one])), "{seen:?}");
    assert!([0b011, 0b101, 0b110].iter().all(|&two| (4..35).contains(&seen[two])), "{seen:?}");
    assert_close(&values(net.forward(image, Phase::Evaluate).0), &of_subset(0b111));
}

/// In training 40 % of the values become 0 and the others grow by 1 / 0.6. In evaluation nothing changes.
#[test]
fn dropout_keeps_the_mean_of_each_value() {
    let _alone = alone();
    let baseline = Baseline::Fractalnet { columns: 1, channels: vec![8], drop_path: false, dropout: vec![40] };
    let blueprint = baseline.blueprint(Task::of_images(3, 16, 4)).unwrap();
    let net = Network::<B>::new(blueprint, &mut ChaCha8Rng::seed_from_u64(3), &FlexDevice);
    // The values in the order of creation: images, convolution, dropout.
    let seen = |phase: Phase<'_>| {
        let mut seen = Vec::new();
        let mut see = |index: usize, value: &Tensor<B, 4>| {
            if index < 3 {
                seen.push(values(value.clone()));
            }
        };
        net.features(random([4, 3, 16, 16], 5), phase, &mut see);
        <[Vec<f32>; 2]>::try_from(seen).unwrap()
    };
    let train = |seed| seen(Phase::Train(&mut ChaCha8Rng::seed_from_u64(seed)));
    let [before, after] = train(1);
    let dropped = after.iter().filter(|value| **value == 0.0).count() as f64 / after.len() as f64;
    // 8192 values: five standard deviations are 0.027.
    assert!((dropped - 0.4).abs() < 0.027, "{dropped}");
    let grown = before.iter().zip(&after).filter(|(_, after)| **after != 0.0);
    assert!(grown.into_iter().all(|(before, after)| (before / 0.6 - after).abs() <= 1e-3 * after.abs()));
    assert_eq!(train(1), train(1));
    assert_ne!(train(1)[1], train(2)[1]);
    let [before, after] = seen(Phase::Evaluate);
    assert_eq!(before, after);
}

/// In a step of global drop-path the loss depends on one column of a block, from end to end through all joins.
#[test]
fn global_drop_path_leaves_one_whole_column() {
    let _alone = alone();
    let baseline = Baseline::Fractalnet { columns: 3, channels: vec![4], drop_path: true, dropout: Vec::new() };
    let blueprint = baseline.blueprint(Task::of_images(3, 8, 4)).unwrap();
    let net = Network::<B>::new(blueprint, &mut ChaCha8Rng::seed_from_u64(3), &FlexDevice);
    let mut seen = [false; 3];
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let is_global = rng.clone().random_bool(0.5);
        let (output, _) = net.forward(random([4, 3, 8, 8], seed), Phase::Train(&mut rng));
        let gradients = output.narrow(1, 0, 1).sum().backward();
        let is_used = |conv: &&burn::module::Param<Tensor<B, 4>>| {
            let gradient = conv.val().grad(&gradients).expect("all convolutions run");
            gradient.abs().max().into_scalar() > 0.0
        };
        let used = net.weights.convs.iter().filter(is_used).count();
        if is_global {
            let column = [4, 2, 1].iter().position(|&length| length == used);
            seen[column.unwrap_or_else(|| panic!("{used} convolutions do not form a column"))] = true;
        }
    }
    assert_eq!(seen, [true; 3], "columns that were kept");
}

/// A convolution with every second pixel kept is burn's convolution of stride 2.
#[test]
fn a_convolution_with_every_second_pixel_is_a_strided_one() {
    let task = Task { stem_stride: 2, ..Task::of_images(3, 12, 10) };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let space = SearchSpace::smash_v2(2, 1);
    let architecture = sample(&space, Limits::of(&space), &mut rng);
    let blueprint = Blueprint::of(&space, task, &architecture);
    let sizes: Vec<usize> = blueprint.sizes.iter().map(|size| size.pixels).collect();
    assert_eq!(sizes[..3], [12, 12, 6]);
    assert_eq!(sizes[sizes.len() - 1], 1, "blocks run at 6, 3 and 1 pixels");
    let net = Network::<B>::new(blueprint, &mut rng, &FlexDevice);
    let (images, weight) = (random([2, 3, 12, 12], 4), net.weights.convs[0].val());
    let options = ConvOptions::new([2, 2], [3, 3], [1, 1], 1);
    let strided = conv2d(images.clone(), weight.clone(), None, options);
    let ours = every_second(conv_same(images, Activation::Identity, weight, [1, 1], 1), 0);
    assert_close(&values(ours), &values(strided));
}
