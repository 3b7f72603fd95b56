//! Tests of the normalisations of 1x1 convolutions: a law of each, their gradients, and networks that use them.

mod tiny;

use burn::module::{AutodiffModule, Module, Param, ParamId};
use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use smash::blueprint::Step;
use smash::networks::op_norm::OpNorm;
use smash::scoring::score_noise;
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::{Activation, Blueprint, Mode, Network, OpNormalisation, Phase, Seed, SmashTrainer, SmashTraining};
use tiny::{B, TASK, architecture, smash_trainer, space, with_examples};

const ALL: [OpNormalisation; 5] = [
    OpNormalisation::None,
    OpNormalisation::SimpleWeightNorm,
    OpNormalisation::WeightNorm,
    OpNormalisation::LayerNorm,
    OpNormalisation::NormProp,
];

/// Output and input channels of a convolution.
const OUTPUTS: usize = 4;
const INPUTS: usize = 6;

fn normal<A: Backend, const D: usize>(shape: [usize; D], seed: u64) -> Tensor<A, D>
where
    A::Device: Default,
{
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), &Default::default())
}

fn values<A: Backend, const D: usize>(tensor: Tensor<A, D>) -> Vec<f64> {
    HostTensor::of(tensor).values.into_iter().map(f64::from).collect()
}

/// The largest distance of two tensors of one shape.
fn distance<A: Backend, const D: usize>(one: Tensor<A, D>, other: Tensor<A, D>) -> f64 {
    assert_eq!(one.dims(), other.dims());
    values((one - other).abs()).into_iter().fold(0.0, f64::max)
}

fn mean_and_variance(values: &[f64]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    [mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count]
}

fn op_norm(normalisation: OpNormalisation) -> OpNorm<Flex> {
    OpNorm::new(normalisation, OUTPUTS, &FlexDevice)
}

/// The weight that a normalisation multiplies with, `[OUTPUTS, INPUTS]`: its outputs for one-hot inputs.
fn used(norm: &OpNorm<Flex>, weight: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
    let one_hot = Tensor::<Flex, 2>::eye(INPUTS, &FlexDevice).reshape([INPUTS, INPUTS, 1, 1]);
    norm.forward(vec![one_hot], Activation::Identity, weight).reshape([INPUTS, OUTPUTS]).transpose()
}

#[test]
fn simple_weight_norm_gives_the_whole_weight_norm_1_and_weight_norm_each_row() {
    let weight = normal([OUTPUTS, INPUTS], 0);
    let simple = used(&op_norm(OpNormalisation::SimpleWeightNorm), weight.clone());
    let whole: f64 = values(simple.clone()).iter().map(|value| value * value).sum();
    assert!((whole - 1.0).abs() < 1e-5, "{whole}");
    let mut by_row = op_norm(OpNormalisation::WeightNorm);
    for row in values(used(&by_row, weight.clone())).chunks(INPUTS) {
        let square: f64 = row.iter().map(|value| value * value).sum();
        assert!((square - 1.0).abs() < 1e-5, "{square}");
    }
    // With each row's part of the whole norm as its gain, WeightNorm is simple WeightNorm.
    let rows = (weight.clone() * weight.clone()).sum_dim(1).sqrt().reshape([OUTPUTS]);
    let whole = (weight.clone() * weight.clone()).sum().sqrt();
    by_row.gain = Some(Param::initialized(ParamId::new(), rows / whole));
    assert!(distance(used(&by_row, weight.clone()), simple) < 1e-6);
    assert!(distance(used(&op_norm(OpNormalisation::None), weight.clone()), weight) < 1e-6);
}

#[test]
fn layer_norm_gives_each_example_mean_0_and_variance_1() {
    // Examples of different size and offset.
    let offsets = Tensor::<Flex, 1>::from_floats([0.0, 3.0, -1.0], &FlexDevice).reshape([3, 1, 1, 1]);
    let input = normal([3, INPUTS, 5, 5], 1) * (offsets.clone() + 2.0) + offsets;
    let norm = op_norm(OpNormalisation::LayerNorm);
    let output = values(norm.forward(vec![input], Activation::Identity, normal([OUTPUTS, INPUTS], 2)));
    for example in output.chunks(OUTPUTS * 25) {
        let [mean, variance] = mean_and_variance(example);
        assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3, "{mean}, {variance}");
    }
}

#[test]
fn norm_prop_keeps_mean_0_and_variance_1_of_normal_inputs() {
    let norm = op_norm(OpNormalisation::NormProp);
    let input = normal([64, INPUTS, 16, 16], 3);
    let output = values(norm.forward(vec![input], Activation::Identity, normal([OUTPUTS, INPUTS], 4)));
    let mut channels = vec![Vec::new(); OUTPUTS];
    for (plane, part) in output.chunks(16 * 16).enumerate() {
        channels[plane % OUTPUTS].extend_from_slice(part);
    }
    for channel in channels {
        let [mean, variance] = mean_and_variance(&channel);
        assert!(mean.abs() < 0.04 && (variance - 1.0).abs() < 0.08, "{mean}, {variance}");
    }
}

/// The weighted sum of the outputs.
fn objective<A: Backend>(norm: &OpNorm<A>, input: &Tensor<A, 4>, weight: &Tensor<A, 2>) -> Tensor<A, 1>
where
    A::Device: Default,
{
    let output = norm.forward(vec![input.clone()], Activation::Relu, weight.clone());
    (output.clone() * normal(output.dims(), 9)).sum()
}

#[test]
fn gradients_equal_finite_differences() {
    const STEP: f64 = 3e-3;
    for normalisation in ALL {
        let device = FlexDevice;
        let mut norm = OpNorm::<B>::new(normalisation, OUTPUTS, &device);
        let parameter = |seed, middle: f64| Param::from_tensor(normal::<B, 1>([OUTPUTS], seed) * 0.2 + middle);
        norm.gain = norm.gain.map(|_| parameter(5, 1.0));
        norm.shift = norm.shift.map(|_| parameter(6, 0.1));
        let input = normal::<B, 4>([2, INPUTS, 3, 3], 7).require_grad();
        let weight = normal::<B, 2>([OUTPUTS, INPUTS], 8).require_grad();
        let gradients = objective(&norm, &input, &weight).backward();

        let (plain, input_values, weight_values) =
            (norm.clone().valid(), input.clone().inner(), weight.clone().inner());
        let at = |norm: &OpNorm<Flex>, input: Tensor<Flex, 4>, weight: Tensor<Flex, 2>| {
            HostTensor::scalar(objective(norm, &input, &weight))
        };
        let check = |name: &str, gradient: Vec<f64>, direction: Vec<f64>, values: [f64; 2]| {
            let size = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>().sqrt();
            let along: f64 = gradient.iter().zip(&direction).map(|(one, other)| one * other).sum();
            let difference = (values[0] - values[1]) / (2.0 * STEP);
            let scale = size(&gradient) * size(&direction);
            assert!(scale > 0.0, "{name} of {normalisation:?} has no gradient");
            assert!((along - difference).abs() < 0.03 * scale, "{name} of {normalisation:?}: {along}, {difference}");
        };
        for seed in 20..23 {
            let direction = normal::<Flex, 4>(input.dims(), seed);
            let moved =
                |sign: f64| at(&plain, input_values.clone() + direction.clone() * (sign * STEP), weight_values.clone());
            let gradient = values(input.grad(&gradients).unwrap());
            check("input", gradient, values(direction.clone()), [1.0, -1.0].map(moved));

            let direction = normal::<Flex, 2>(weight.dims(), seed);
            let moved =
                |sign: f64| at(&plain, input_values.clone(), weight_values.clone() + direction.clone() * (sign * STEP));
            let gradient = values(weight.grad(&gradients).unwrap());
            check("weight", gradient, values(direction.clone()), [1.0, -1.0].map(moved));

            let direction = normal::<Flex, 1>([OUTPUTS], seed);
            let step = |param: &Param<Tensor<Flex, 1>>, sign: f64| {
                Some(Param::initialized(ParamId::new(), param.val() + direction.clone() * (sign * STEP)))
            };
            if let (Some(tracked), Some(gain)) = (&norm.gain, &plain.gain) {
                let moved = |sign: f64| {
                    let norm = OpNorm { gain: step(gain, sign), ..plain.clone() };
                    at(&norm, input_values.clone(), weight_values.clone())
                };
                let gradient = values(tracked.val().grad(&gradients).unwrap());
                check("gain", gradient, values(direction.clone()), [1.0, -1.0].map(moved));
            }
            if let (Some(tracked), Some(shift)) = (&norm.shift, &plain.shift) {
                let moved = |sign: f64| {
                    let norm = OpNorm { shift: step(shift, sign), ..plain.clone() };
                    at(&norm, input_values.clone(), weight_values.clone())
                };
                let gradient = values(tracked.val().grad(&gradients).unwrap());
                check("shift", gradient, values(direction.clone()), [1.0, -1.0].map(moved));
            }
        }
    }
}

#[test]
fn a_smash_network_with_each_normalisation_trains_and_resumes_bit_for_bit() {
    with_examples(|examples| {
        let mut outputs: Vec<Vec<f64>> = Vec::new();
        for normalisation in ALL {
            let settings = SmashTraining { normalisation, ..SmashTraining::plain(2, 10, 1e-3) };
            let train = |trainer: &mut SmashTrainer<B>| {
                trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap();
            };
            let mut whole = smash_trainer(&settings);
            let (images, _) = examples.images.batch(&[0, 1, 2, 3], None);
            let net = whole.net.valid();
            let weights = net.generate(&architecture(0), &score_noise(Seed(5), 0));
            let (output, _) = net.forward(&architecture(0), &weights, images, Mode::Train);
            let output = values(output);
            assert!(!outputs.contains(&output), "{normalisation:?} computes the same as another one");
            outputs.push(output);

            train(&mut whole);
            let mut resumed = smash_trainer(&settings);
            resumed.restore(Checkpoint::from_bytes(&whole.checkpoint().to_bytes()).unwrap()).unwrap();
            [&mut whole, &mut resumed].into_iter().for_each(train);
            assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes(), "{normalisation:?}");
        }
    });
}

#[test]
fn the_papers_normalisation_is_not_written() {
    let plain = SmashTraining::plain(2, 10, 1e-3);
    assert!(!serde_json::to_string(&plain).unwrap().contains("normalisation"));
    for normalisation in ALL {
        let settings = SmashTraining { normalisation, ..plain.clone() };
        let text = serde_json::to_string(&settings).unwrap();
        let written = format!("\"normalisation\":\"{}\"", normalisation.name());
        assert_eq!(text.contains(&written), normalisation != OpNormalisation::SimpleWeightNorm, "{text}");
        assert_eq!(serde_json::from_str::<SmashTraining>(&text).unwrap(), settings);
    }
}

/// The convolutions of a blueprint that have a normalisation, by their place among all convolutions.
fn pointwise(blueprint: &Blueprint) -> Vec<bool> {
    let is_pointwise = |step: &Step| match step {
        Step::Conv { .. } => Some(false),
        Step::Pointwise { .. } => Some(true),
        _ => None,
    };
    blueprint.steps.iter().filter_map(is_pointwise).collect()
}

/// Largest change of the log-probabilities of an architecture's fixed network if the weights of its normalised
/// convolutions grow three times.
fn change(index: u64, normalisation: OpNormalisation) -> f64 {
    let images = normal::<Flex, 4>([4, 3, 8, 8], 10);
    let blueprint = Blueprint::normalised(&space(), TASK, &architecture(index), normalisation);
    let (places, parameters) = (pointwise(&blueprint), blueprint.counts().parameters);
    assert_eq!(places.iter().filter(|is_pointwise| **is_pointwise).count(), architecture(index).op_count());
    let mut net = Network::<Flex>::new(blueprint, &mut ChaCha8Rng::seed_from_u64(0), &FlexDevice);
    let running: usize = net.weights.norms.iter().map(|norm| 2 * norm.running_mean.dims()[0]).sum();
    assert_eq!(parameters, (net.weights.num_params() - running) as u64, "{normalisation:?}");
    let (before, _) = net.forward(images.clone(), Phase::Measure);
    for (conv, _) in net.weights.convs.iter_mut().zip(places).filter(|(_, is_pointwise)| *is_pointwise) {
        *conv = Param::initialized(ParamId::new(), conv.val() * 3.0);
    }
    let (after, _) = net.forward(images, Phase::Measure);
    distance(before, after)
}

#[test]
fn fixed_networks_do_not_depend_on_the_size_of_normalised_weights() {
    for normalisation in ALL {
        // BatchNorm may hide a change, but not in every architecture.
        let largest = (0..4).map(|index| change(index, normalisation)).fold(0.0, f64::max);
        assert_eq!(largest > 1e-2, normalisation == OpNormalisation::None, "{normalisation:?}: {largest}");
    }
}
