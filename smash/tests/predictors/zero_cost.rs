//! Tests of synaptic flow, codes of ReLUs and random weights.

use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use datasets::ImageSet;
use rand::RngExt;
use smash::Activation;
use smash::blueprint::{ConvShape, Step};
use smash::predictors::{calibrate, initial_network, naswot, random_images, random_weights, synflow};
use smash::training::checkpoint::HostTensor;
use smash::{Blueprint, Network, Phase, SearchSpace, Seed, Task};

use super::{B, TASK, architecture, fixed, random, random_norm, rng, space, with_examples, with_set};

/// The definition: the gradient of the sum of outputs with respect to absolute weights, where BatchNorm is the
/// identity.
fn flow_by_gradients(net: &Network<Flex>) -> f64 {
    let blueprint = (*net.blueprint).clone();
    let device = FlexDevice;
    let mut absolute = Network::<B>::new(blueprint, &mut rng(0), &device);
    for (target, source) in absolute.weights.convs.iter_mut().zip(&net.weights.convs) {
        *target = burn::module::Param::from_tensor(Tensor::from_inner(source.val().abs()));
    }
    for norm in &mut absolute.weights.norms {
        let [channels] = norm.running_variance.dims();
        let variance = Tensor::ones([channels], &device) - 1e-5;
        norm.running_variance = burn::module::Param::initialized(norm.running_variance.id, variance);
    }
    let output = Tensor::from_inner(net.weights.output_weight.val().abs()).require_grad();
    let size = net.blueprint.sizes[0];
    let ones = Tensor::ones([1, size.channels, size.pixels, size.pixels], &device);
    let (features, _) = absolute.features(ones, Phase::Evaluate, &mut |_, _| {});
    let gradients = features.matmul(output.clone().transpose()).sum().backward();
    let of_output = output.grad(&gradients).unwrap() * output.inner();
    let mut total: f64 = of_output.sum().into_scalar().elem();
    for conv in &absolute.weights.convs {
        let saliency = conv.val().grad(&gradients).unwrap() * conv.val().inner();
        total += saliency.sum().into_scalar().elem::<f64>();
    }
    total.ln()
}

#[test]
fn synaptic_flow_is_the_sum_of_weights_times_gradients() {
    let spaces = [space(), SearchSpace::smash_v1(2, 2), SearchSpace::smash_v2(2, 1)];
    for (seed, space) in spaces.iter().enumerate() {
        let architecture = architecture(space, seed as u64);
        let net = initial_network::<Flex>(space, TASK, &architecture, Seed(3), [0, 0], &FlexDevice);
        let (ours, expected) = (synflow(&net).unwrap(), flow_by_gradients(&net));
        assert!((ours - expected).abs() < 1e-4, "{ours} is not {expected}");
    }
}

/// A chain of 1x1 convolutions of one channel.
fn chain(length: usize, weight: f32) -> Network<Flex> {
    let (mut blueprint, mut value) = Blueprint::new("chain".into(), Task::of_images(1, 2, 2));
    for _ in 0..length {
        value = blueprint.conv(&[value], Activation::Relu, 1, ConvShape::square(1));
    }
    let mut net = Network::new(blueprint.classify(value), &mut rng(1), &FlexDevice);
    for conv in &mut net.weights.convs {
        *conv = fixed(Tensor::full([1, 1, 1, 1], weight, &FlexDevice));
    }
    net.weights.output_weight = fixed(Tensor::full([2, 1], -0.5, &FlexDevice));
    net
}

/// One path of `length` convolutions and two output weights: each of `length + 1` layers has the whole flow.
#[test]
fn synaptic_flow_of_any_depth_is_finite() {
    for (length, weight) in [(1, 3.0f32), (300, 2.0), (300, -0.125)] {
        let found = synflow(&chain(length, weight)).unwrap();
        let expected = (length as f64 + 1.0).ln() + length as f64 * f64::from(weight.abs()).ln();
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }
    let message = synflow(&chain(3, f32::NAN)).unwrap_err().to_string();
    assert_eq!(message, "synflow of architecture chain: the logarithm of the score is NaN");
    assert!(synflow(&chain(3, 0.0)).is_err(), "nothing passes");
}

/// Logarithm of the absolute determinant by elimination with pivots.
fn log_determinant(mut rows: Vec<Vec<f64>>) -> f64 {
    let mut logarithm = 0.0;
    for column in 0..rows.len() {
        let pivot = (column..rows.len()).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()));
        rows.swap(column, pivot.unwrap());
        logarithm += rows[column][column].abs().ln();
        let (above, below) = rows.split_at_mut(column + 1);
        for row in below {
            let factor = row[column] / above[column][column];
            row.iter_mut().zip(&above[column]).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    logarithm
}

/// Compared with the definition, from the codes of single images.
#[test]
fn naswot_is_the_determinant_of_agreeing_units() {
    let space = space();
    for seed in 0..3 {
        let architecture = architecture(&space, seed);
        let net = initial_network::<Flex>(&space, TASK, &architecture, Seed(seed), [0, 0], &FlexDevice);
        let images = random([7, 3, 8, 8], -1.0..1.0, &mut rng(seed));
        // In this network a ReLU reads only outputs of a BatchNorm or of a convolution of an op.
        let mut rectified: Vec<usize> = Vec::new();
        for step in &net.blueprint.steps {
            match step {
                Step::Conv { inputs, activation: Activation::Relu, .. } => rectified.push(inputs[0].index()),
                Step::Relu { input } => rectified.push(input.index()),
                _ => {}
            }
        }
        rectified.dedup();
        rectified.sort_unstable();
        rectified.dedup();
        let mut codes = vec![Vec::new(); 7];
        let _ = net.features(images.clone(), Phase::Measure, &mut |value, tensor| {
            if rectified.contains(&value) {
                let values = HostTensor::of(tensor.clone()).values;
                let of_images = values.chunks(values.len() / 7);
                codes
                    .iter_mut()
                    .zip(of_images)
                    .for_each(|(code, values)| code.extend(values.iter().map(|&value| value > 0.0)));
            }
        });
        let agreeing = |a: &Vec<bool>, b: &Vec<bool>| a.iter().zip(b).filter(|(a, b)| a == b).count() as f64;
        let kernel = codes.iter().map(|a| codes.iter().map(|b| agreeing(a, b)).collect());
        let expected = log_determinant(kernel.collect());
        let found = naswot(&net, images).unwrap();
        assert!((found - expected).abs() < 1e-8, "{found} is not {expected}");
    }
}

#[test]
fn two_images_with_one_code_have_no_score() {
    let space = space();
    let architecture = architecture(&space, 1);
    let net = initial_network::<Flex>(&space, TASK, &architecture, Seed(0), [0, 0], &FlexDevice);
    let image = random([3, 3, 8, 8], -1.0..1.0, &mut rng(1));
    let twice = Tensor::cat(vec![image.clone(), image.narrow(0, 1, 1)], 0);
    let message = naswot(&net, twice).unwrap_err().to_string();
    let hash = architecture.hash();
    assert_eq!(message, format!("naswot of architecture {hash}: the kernel of 4 images is singular"));
}

/// Noise whose spread depends on its class. A linear layer on pixels could not tell the classes apart.
fn noise_of_classes(count: usize) -> ImageSet {
    let mut rng = rng(1);
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for index in 0..count {
        let class = index % 3;
        let spread = 20 * (class as i32 + 1);
        images.extend((0..3 * 8 * 8).map(|_| (128 + rng.random_range(-spread..=spread)) as u8));
        labels.push(class as u16);
    }
    ImageSet { name: "noise".into(), images, labels, channels: 3, depth: 1, height: 8, width: 8, classes: 3 }
}

#[test]
fn random_weights_with_a_trained_last_layer_distinguish_classes() {
    let (space, task) = (space(), Task { classes: 3, ..TASK });
    let architecture = architecture(&space, 5);
    with_set(&noise_of_classes(400), 300, |training, validation| {
        let run = |key| {
            let net = initial_network::<Flex>(&space, task, &architecture, Seed(2), key, &FlexDevice);
            let untrained = validation.evaluate(|images| net.forward(images, Phase::Evaluate).0);
            let trained = random_weights(net, training, validation, Seed(2)).unwrap();
            assert!(trained.error < 0.2 && untrained.error > 0.4, "{trained:?}, {untrained:?}");
            trained
        };
        assert_eq!(run([0, 0]), run([0, 0]));
        assert_ne!(run([0, 0]).loss, run([0, 1]).loss, "other initial weights");
    });
}

/// With calibrated statistics, the calibration images give the same outputs as with their own statistics, up to the
/// bias of the variance.
#[test]
fn calibrated_statistics_equal_those_of_the_images() {
    let space = space();
    let architecture = architecture(&space, 2);
    let mut net = initial_network::<Flex>(&space, TASK, &architecture, Seed(2), [0, 0], &FlexDevice);
    net.weights.norms.iter_mut().for_each(|norm| {
        let [channels] = norm.weight.dims();
        *norm = random_norm(channels, &mut rng(channels as u64));
    });
    with_examples(|training, _| {
        let images = random_images(training, 100, Seed(2));
        assert_eq!(images.dims(), [100, 3, 8, 8]);
        let measured = net.forward(images.clone(), Phase::Measure).0;
        let off = |net: &Network<Flex>| {
            let difference = net.forward(images.clone(), Phase::Evaluate).0 - measured.clone();
            difference.abs().max().into_scalar()
        };
        let before: f32 = off(&net);
        calibrate(&mut net, images.clone());
        let after: f32 = off(&net);
        assert!(after < 0.01 && before > 0.1, "{before}, {after}");
    });
}
