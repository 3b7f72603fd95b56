//! Synaptic flow (Tanaka et al. 2020), as a predictor (Abdelfattah et al. 2021): how much passes through a network's weights.

use burn::prelude::*;
use smash_kernels::convolution::conv_concatenated;
use smash_kernels::parts::{add, parts};
use smash_kernels::pooling::{every_second, global_average, halve};
use smash_space::Activation;
use smash_space::blueprint::{Step, Value};

use crate::error::PredictorError;
use crate::networks::free_network::{Network, reads};
use crate::training::checkpoint::HostTensor;

/// Natural logarithm of the synaptic flow of a network. Larger is better.
///
/// The flow is the sum over all weights of `|theta dR/dtheta|`. R is the sum of the output layer's outputs, before the
/// softmax, for one image of ones. Every weight is replaced by its absolute value. As in the literature, BatchNorm is
/// left out; here it is taken as the identity. Only weights of convolutions and of the output layer count, not its
/// bias.
///
/// R is a sum over paths from image to output, each the product of one weight of every layer on it. So the weights of a
/// layer sum up to the paths through it. The score is then the sum over paths of product times number of layers. One
/// forward pass without gradients computes both the flow and the flow times the layers so far. Values have a common
/// power of two set apart, so that no depth overflows.
///
/// # Errors
/// A score that is not finite. Either weights are not finite, or nothing passes the network.
///
/// # Panics
/// If the network takes maxima, or has volumes as input.
pub fn synflow<B: Backend>(net: &Network<B>) -> Result<f64, PredictorError> {
    let blueprint = &net.blueprint;
    assert!(!blueprint.is_volume(), "synaptic flow is computed for images");
    let size = blueprint.sizes[0];
    let shape = [1, size.channels, size.pixels, size.pixels];
    let device = net.weights.output_weight.val().device();
    let [ones, zeros] = [Tensor::<B, 4>::ones(shape, &device), Tensor::zeros(shape, &device)];
    let images = Flow { values: Tensor::cat(vec![ones, zeros], 0), exponent: 0 };
    let mut flows = Flows { made: vec![Some(images)], unread: reads(blueprint) };
    let mut convs = net.weights.convs.iter();
    for step in &blueprint.steps {
        match step {
            Step::Conv { inputs, dilation, groups, .. } => {
                let weight = convs.next().expect("a weight for each convolution").val().abs();
                let input = flows.concatenated(inputs).with_layer();
                let conv = |values| conv_concatenated(vec![values], Activation::Identity, weight, *dilation, *groups);
                flows.push(input.map(conv).rescaled());
            }
            Step::Pointwise { .. } => unreachable!("a network that predictors rate has BatchNorm"),
            Step::Norm { inputs } => {
                let input = flows.concatenated(inputs);
                flows.push(input);
            }
            // Nothing is negative, and nothing is dropped.
            Step::Relu { input } | Step::Dropout { input, .. } => {
                let input = flows.read(*input);
                flows.push(input);
            }
            Step::Add { inputs } => {
                let inputs = inputs.map(|input| flows.read(input));
                let sum = sum(inputs, 1.0);
                flows.push(sum);
            }
            Step::Shake { inputs } => {
                let inputs = inputs.map(|input| flows.read(input));
                let mean = sum(inputs, 0.5);
                flows.push(mean);
            }
            Step::Join { inputs, .. } => {
                let read: Vec<Flow<B>> = inputs.iter().map(|&input| flows.read(input)).collect();
                let mean = sum(read, 1.0 / inputs.len() as f32);
                flows.push(mean);
            }
            Step::Cut { input, channels, count } => {
                let Flow { values, exponent } = flows.read(*input);
                for values in parts(values, *channels, *count) {
                    flows.push(Flow { values, exponent });
                }
            }
            Step::Halve { input } => {
                let input = flows.read(*input);
                flows.push(input.map(halve));
            }
            Step::Subsample { input, offset } => {
                let input = flows.read(*input);
                flows.push(input.map(|values| every_second(values, *offset)));
            }
            Step::MaxHalve { .. } => panic!("{}: synaptic flow cannot pass a maximum", blueprint.name),
        }
    }
    let Flow { values, exponent } = flows.read(blueprint.features).with_layer();
    let features = HostTensor::of(global_average(values)).values;
    let weights = HostTensor::of(net.weights.output_weight.val()).values;
    let (_, weighted) = features.split_at(features.len() / 2);
    let classes = weights.chunks_exact(weighted.len());
    let products = classes.flat_map(|weights| weights.iter().zip(weighted));
    let score: f64 = products.map(|(&weight, &flow)| f64::from(weight.abs()) * f64::from(flow)).sum();
    let logarithm = score.ln() + f64::from(exponent) * std::f64::consts::LN_2;
    if !logarithm.is_finite() {
        return Err(PredictorError {
            predictor: "synflow",
            architecture: blueprint.name.clone(),
            reason: format!("the logarithm of the score is {logarithm}"),
        });
    }
    Ok(logarithm)
}

/// The flow through a value.
#[derive(Clone)]
struct Flow<B: Backend> {
    /// Sums over paths from the image: of their products, and of these products times the number of layers on the path,
    /// `[2, channels, height, width]`.
    values: Tensor<B, 4>,
    /// Exponent of the power of two by which the values are to be multiplied.
    exponent: i32,
}

impl<B: Backend> Flow<B> {
    fn map(self, function: impl FnOnce(Tensor<B, 4>) -> Tensor<B, 4>) -> Self {
        Self { values: function(self.values), exponent: self.exponent }
    }

    /// The flow with one more layer on each path.
    fn with_layer(self) -> Self {
        self.map(|values| {
            let [flow, layers] = [0, 1].map(|index| values.clone().narrow(0, index, 1));
            Tensor::cat(vec![flow.clone(), flow + layers], 0)
        })
    }

    /// The flow with its largest value between 1 and 2. Values stay if they are not finite or all zero.
    fn rescaled(self) -> Self {
        let largest = HostTensor::scalar(self.values.clone().max()) as f32;
        if !largest.is_normal() {
            return self;
        }
        self.at_exponent(|exponent| exponent + largest.log2().floor() as i32)
    }

    /// The same flow with another exponent, a function of its own exponent.
    fn at_exponent(self, exponent: impl FnOnce(i32) -> i32) -> Self {
        let exponent = exponent(self.exponent);
        let shift = self.exponent - exponent;
        if shift == 0 {
            return self;
        }
        Self { values: self.values * 2f32.powi(shift), exponent }
    }
}

/// Flows that are still to be read.
struct Flows<B: Backend> {
    made: Vec<Option<Flow<B>>>,
    unread: Vec<usize>,
}

impl<B: Backend> Flows<B> {
    fn push(&mut self, flow: Flow<B>) {
        self.made.push(Some(flow));
    }

    fn read(&mut self, value: Value) -> Flow<B> {
        let (made, unread) = (&mut self.made[value.index()], &mut self.unread[value.index()]);
        *unread -= 1;
        let flow = if *unread == 0 { made.take() } else { made.clone() };
        flow.expect("held until it is read last")
    }

    fn concatenated(&mut self, values: &[Value]) -> Flow<B> {
        let flows: Vec<Flow<B>> = values.iter().map(|&value| self.read(value)).collect();
        let (values, exponent) = aligned(flows);
        Flow { values: Tensor::cat(values, 1), exponent }
    }
}

/// Values of flows at their largest exponent. Values that vanish beside it become 0.
fn aligned<B: Backend>(flows: Vec<Flow<B>>) -> (Vec<Tensor<B, 4>>, i32) {
    let largest = flows.iter().map(|flow| flow.exponent).max().expect("at least one flow");
    let values = flows.into_iter().map(|flow| flow.at_exponent(|_| largest).values);
    (values.collect(), largest)
}

/// The sum of flows, times a factor.
fn sum<B: Backend>(flows: impl IntoIterator<Item = Flow<B>>, factor: f32) -> Flow<B> {
    let (values, exponent) = aligned(flows.into_iter().collect());
    let total = values.into_iter().reduce(add).expect("at least one flow");
    Flow { values: total * factor, exponent }
}
