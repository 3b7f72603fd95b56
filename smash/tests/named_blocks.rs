//! Tests of ResNet, DenseNet and FractalNet blocks as memory banks (paper, figure 1).
//!
//! They compute the same as blocks that are written directly with the same weights.

use burn::module::{Param, ParamId};
use burn::prelude::*;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::module::{avg_pool2d, conv2d};
use burn::tensor::ops::ConvOptions;
use burn_flex::{Flex, FlexDevice};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use smash::named_blocks::{densenet, fractalnet, resnet, space};
use smash::networks::layers::BatchNorm;
use smash::{Architecture, Blueprint, Network, Phase, Task};

type Images = Tensor<Flex, 4>;

const TASK: Task = Task { image_channels: 3, image_size: 8, classes: 5, image_depth: 1, stem_stride: 1 };

/// The weights of a network in the order of use.
///
/// If fewer channels come in than a weight reads, they are the last ones, which a FractalNet block passes on.
struct Weights<'a> {
    convs: std::slice::Iter<'a, Param<Tensor<Flex, 4>>>,
    norms: std::slice::Iter<'a, BatchNorm<Flex>>,
}

impl Weights<'_> {
    fn conv(&mut self, input: Images) -> Images {
        let weight = self.convs.next().expect("another convolution").val();
        let ([_, channels, _, _], [_, all, height, width]) = (input.dims(), weight.dims());
        let padding = [height / 2, width / 2];
        let weight = weight.narrow(1, all - channels, channels);
        conv2d(input, weight, None, ConvOptions::new([1, 1], padding, [1, 1], 1))
    }

    /// BatchNorm with running statistics, and ReLU.
    fn norm_relu(&mut self, input: Images) -> Images {
        let norm = self.norms.next().expect("another BatchNorm");
        let [_, channels, _, _] = input.dims();
        let of = |param: &Param<Tensor<Flex, 1>>| -> Images {
            let all = param.val().dims()[0];
            let values = param.val().narrow(0, all - channels, channels);
            values.unsqueeze_dims(&[0, 2, 3])
        };
        let scale = (of(&norm.running_variance) + 1e-5).sqrt();
        relu((input - of(&norm.running_mean)) / scale * of(&norm.weight) + of(&norm.bias))
    }

    /// BN-ReLU-Conv with a 1x1 and then with a 3x3 kernel.
    fn op(&mut self, input: Images) -> Images {
        let input = self.norm_relu(input);
        let bottleneck = self.conv(input);
        let bottleneck = self.norm_relu(bottleneck);
        self.conv(bottleneck)
    }
}

/// He et al. 2016, three residual units.
fn resnet_block(mut x: Images, weights: &mut Weights<'_>) -> Images {
    for _ in 0..3 {
        x = x.clone() + weights.op(x);
    }
    x
}

/// Huang et al. 2017, three layers.
fn densenet_block(mut x: Images, weights: &mut Weights<'_>) -> Images {
    for _ in 0..3 {
        x = Tensor::cat(vec![x.clone(), weights.op(x)], 1);
    }
    x
}

/// Larsson et al. 2017, three columns, joined by sums.
fn fractalnet_block(z: Images, weights: &mut Weights<'_>) -> Images {
    fractal(3, z, weights)
}

fn fractal(columns: usize, z: Images, weights: &mut Weights<'_>) -> Images {
    if columns == 1 {
        return weights.op(z);
    }
    let half = fractal(columns - 1, z.clone(), weights);
    let deep = fractal(columns - 1, half, weights);
    deep + weights.op(z)
}

/// Stem, three blocks with transitions between them, and output layer, `[batch, classes]`.
fn directly(network: &Network<Flex>, images: Images, block: fn(Images, &mut Weights<'_>) -> Images) -> Tensor<Flex, 2> {
    let mut weights = Weights { convs: network.weights.convs.iter(), norms: network.weights.norms.iter() };
    let mut x = weights.conv(images);
    for index in 0..3 {
        x = block(x, &mut weights);
        x = weights.norm_relu(x);
        if index < 2 {
            x = avg_pool2d(weights.conv(x), [2, 2], [2, 2], [0, 0], true, false);
        }
    }
    assert_eq!((weights.convs.len(), weights.norms.len()), (0, 0), "all weights are used");
    let [batch, channels, height, width] = x.dims();
    let means = x.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels]);
    let weight = network.weights.output_weight.val();
    let [_, all] = weight.dims();
    let logits = means.matmul(weight.narrow(1, all - channels, channels).transpose());
    log_softmax(logits + network.weights.output_bias.val().unsqueeze(), 1)
}

fn normal<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng) -> Tensor<Flex, D> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}

fn fixed<const D: usize>(tensor: Tensor<Flex, D>) -> Param<Tensor<Flex, D>> {
    Param::initialized(ParamId::new(), tensor)
}

/// The resulting network of an architecture, with random scales and shifts.
fn network(architecture: &Architecture, rng: &mut ChaCha8Rng) -> Network<Flex> {
    let blueprint = Blueprint::of(&space(), TASK, architecture);
    let mut network = Network::new(blueprint, rng, &FlexDevice);
    for norm in &mut network.weights.norms {
        let shape = norm.weight.dims();
        norm.weight = fixed(normal(shape, rng) * 0.2 + 1.0);
        norm.bias = fixed(normal(shape, rng) * 0.2);
    }
    network
}

/// The weight with zeros for all input channels except the last `last` ones.
fn only_last<const D: usize>(weight: &Param<Tensor<Flex, D>>, last: usize) -> Param<Tensor<Flex, D>> {
    let weight = weight.val();
    let dropped = weight.dims()[1] - last;
    let zeros = weight.clone().narrow(1, 0, dropped).zeros_like();
    let kept = weight.narrow(1, dropped, last);
    fixed(Tensor::cat(vec![zeros, kept], 1))
}

fn assert_same(mut network: Network<Flex>, block: fn(Images, &mut Weights<'_>) -> Images, rng: &mut ChaCha8Rng) {
    let shape = [4, TASK.image_channels, TASK.image_size, TASK.image_size];
    // Running statistics as after a training, so that signals deep in a block are not lost.
    let (_, statistics) = network.forward(normal(shape, rng), Phase::Train(rng));
    for (norm, batch) in network.weights.norms.iter_mut().zip(statistics) {
        norm.running_mean = fixed(batch.mean);
        norm.running_variance = fixed(batch.variance);
    }
    let images = normal(shape, rng);
    let (banks, _) = network.forward(images.clone(), Phase::Evaluate);
    let direct = directly(&network, images, block);
    let off: f32 = (banks.clone() - direct).abs().max().into_scalar();
    assert!(off < 1e-5, "log-probabilities differ by up to {off}");
    // If the network could not tell the four images apart, any network would give the same output.
    let spread: f32 = (banks.clone() - banks.mean_dim(0)).abs().max().into_scalar();
    assert!(spread > 1e-2, "{spread}");
}

#[test]
fn a_resnet_reads_a_bank_and_adds_to_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let network = network(&resnet(), &mut rng);
    assert_same(network, resnet_block, &mut rng);
}

#[test]
fn a_densenet_reads_all_banks_and_writes_an_empty_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let network = network(&densenet(), &mut rng);
    assert_same(network, densenet_block, &mut rng);
}

#[test]
fn a_fractalnet_joins_columns_in_a_bank() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut network = network(&fractalnet(), &mut rng);
    // All banks leave a block. Transitions and output layer decide that only the last one, the block's output, is used.
    let channels = space().base_channels;
    let per_block = 2 * fractalnet().blocks[0].ops.len();
    for transition in [1 + per_block, 2 + 2 * per_block] {
        let weight = &mut network.weights.convs[transition];
        *weight = only_last(weight, channels);
    }
    network.weights.output_weight = only_last(&network.weights.output_weight, channels);
    assert_same(network, fractalnet_block, &mut rng);
}
