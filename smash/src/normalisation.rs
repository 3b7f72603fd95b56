//! Batch normalisation with the statistics of the batch, as one operation on the CPU.
//!
//! Made of burn's operations it takes about ten passes over memory and as many again for its gradients. Like
//! [`crate::convolution`], this module runs kernels of its own on burn-flex and burn's operations on every other backend.
//!
//! Sums run over images in their order, so the result is the same to the bit on any number of threads.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::prelude::*;
use burn::tensor::ops::FloatTensor;
use burn_flex::{Flex, FlexTensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::HostTensor;
use crate::flex::{Primitive, contiguous, tensor, values};
use crate::layers::BatchStatistics;

/// Values that are summed side by side; a constant, so that it is the same on all processors.
const LANES: usize = 16;
/// Least values of a task: another thread takes about as long to wake up.
const TASK: usize = 128 * 1024;

/// How many pieces of work, each of so many values, make a task that is worth another thread.
fn pieces_of_task(values: usize) -> usize {
    TASK.div_ceil(values)
}

/// Each channel moved and scaled to mean 0 and variance 1 over the batch, then to `weight` and `bias`.
///
/// The statistics are off the gradient tape, the variance the unbiased one.
///
/// # Shapes
/// - `input`, output: `[batch, channels, height, width]`
/// - `weight`, `bias`: `[channels]`
pub fn normalise<B: Backend>(
    input: Tensor<B, 4>,
    weight: Tensor<B, 1>,
    bias: Tensor<B, 1>,
    epsilon: f64,
) -> (Tensor<B, 4>, BatchStatistics<B>) {
    let shape @ [batch, channels, height, width] = input.dims();
    let device = input.device();
    let elements = (batch * height * width) as f64;
    let (output, moments) = match (Primitive::of(input), Primitive::of(weight), Primitive::of(bias)) {
        (Primitive::Plain(input), Primitive::Plain(weight), Primitive::Plain(bias)) => {
            let (output, moments) = forward(&contiguous(&input), &weight, &bias, shape, epsilon);
            (Primitive::Plain(output), moments)
        }
        (Primitive::Tracked(input), Primitive::Tracked(weight), Primitive::Tracked(bias)) => {
            let (output, moments) = tracked(input, weight, bias, shape, epsilon);
            (Primitive::Tracked(output), moments)
        }
        (input, weight, bias) => {
            return stock(input.into_tensor(), weight.into_tensor(), bias.into_tensor(), epsilon);
        }
    };
    let unbiased = (elements / (elements - 1.0).max(1.0)) as f32;
    let of_channels = |value: &dyn Fn(&Moments) -> f32| {
        let values: Vec<f32> = moments.iter().map(value).collect();
        Tensor::from_data(TensorData::new(values, [channels]), &device)
    };
    let statistics = BatchStatistics {
        mean: of_channels(&|moments| moments.mean),
        variance: of_channels(&|moments| moments.variance * unbiased),
    };
    (output.into_tensor(), statistics)
}

/// Each channel moved by `-mean`, scaled by `factor` and moved by `shift`, `[channels]` each: normalisation with statistics
/// that are given.
///
/// # Shapes
/// - `input`, output: `[batch, channels, height, width]`
pub fn rescale<B: Backend>(input: Tensor<B, 4>, [mean, factor, shift]: [Tensor<B, 1>; 3]) -> Tensor<B, 4> {
    let shape @ [_, channels, height, width] = input.dims();
    let input = match Primitive::of(input) {
        Primitive::Plain(input) => contiguous(&input),
        input => {
            let of_channel = |tensor: Tensor<B, 1>| tensor.reshape([1, channels, 1, 1]);
            return (input.into_tensor() - of_channel(mean)) * of_channel(factor) + of_channel(shift);
        }
    };
    let [mean, factor, shift] = [mean, factor, shift].map(|tensor| HostTensor::of(tensor).values);
    let channel = |channel: usize| Affine {
        mean: mean[channel],
        factor: factor[channel],
        shift: shift[channel],
    };
    let channels: Vec<Affine> = (0..channels).map(channel).collect();
    Primitive::Plain(tensor(apply(values(&input), &channels, height * width), shape)).into_tensor()
}

/// [`normalise`] by burn's own operations.
pub fn stock<B: Backend>(
    input: Tensor<B, 4>,
    weight: Tensor<B, 1>,
    bias: Tensor<B, 1>,
    epsilon: f64,
) -> (Tensor<B, 4>, BatchStatistics<B>) {
    let [batch, channels, height, width] = input.dims();
    let elements = (batch * height * width) as f64;
    let of_channel = |tensor: Tensor<B, 1>| tensor.reshape([1, channels, 1, 1]);
    let mean_of_channel = |tensor: Tensor<B, 4>| {
        tensor
            .reshape([batch, channels, height * width])
            .mean_dim(2)
            .mean_dim(0)
            .reshape([channels])
    };
    let mean = mean_of_channel(input.clone());
    let centred = input - of_channel(mean.clone());
    let variance = mean_of_channel(centred.clone() * centred.clone());
    let scale = weight / (variance.clone() + epsilon).sqrt();
    let statistics = BatchStatistics {
        mean: mean.detach(),
        variance: variance.detach() * (elements / (elements - 1.0).max(1.0)),
    };
    (centred * of_channel(scale) + of_channel(bias), statistics)
}

/// Mean and variance of a channel.
#[derive(Clone, Copy, Debug)]
struct Moments {
    mean: f32,
    variance: f32,
    /// 1 / sqrt(variance + epsilon)
    scale: f32,
}

/// Takes a contiguous input.
fn forward(
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    shape: [usize; 4],
    epsilon: f64,
) -> (FlexTensor, Vec<Moments>) {
    let (weight, bias) = (contiguous(weight), contiguous(bias));
    let (input, weight, bias) = (values(input), values(&weight), values(&bias));
    let [_, channels, height, width] = shape;
    let pixels = height * width;
    let arch = Arch::new();
    let moments: Vec<Moments> = (0..channels)
        .into_par_iter()
        .with_min_len(pieces_of_task(input.len() / channels))
        .map(|channel| {
            let planes = || input.chunks_exact(pixels).skip(channel).step_by(channels);
            let elements = (input.len() / channels) as f64;
            arch.dispatch(|| {
                let mean = planes().map(|plane| sum(plane, plane, |value, _| value)).sum::<f64>() / elements;
                let centre = mean as f32;
                let square = |value: f32, _| (value - centre) * (value - centre);
                let variance = planes().map(|plane| sum(plane, plane, square)).sum::<f64>() / elements;
                Moments {
                    mean: centre,
                    variance: variance as f32,
                    scale: (1.0 / (variance + epsilon).sqrt()) as f32,
                }
            })
        })
        .collect();
    let channel = |channel: usize| {
        let Moments { mean, scale, .. } = moments[channel];
        Affine {
            mean,
            factor: scale * weight[channel],
            shift: bias[channel],
        }
    };
    let channels: Vec<Affine> = (0..channels).map(channel).collect();
    let output = apply(input, &channels, pixels);
    (tensor(output, shape), moments)
}

/// `(value - mean) * factor + shift` for a channel.
#[derive(Clone, Copy)]
struct Affine {
    mean: f32,
    factor: f32,
    shift: f32,
}

/// Planes of `[batch, channels]` images through the map of their channel.
fn apply(input: &[f32], channels: &[Affine], pixels: usize) -> Vec<f32> {
    let arch = Arch::new();
    let size = channels.len() * pixels;
    let mut output = vec![0.0; input.len()];
    let images = input.par_chunks_exact(size).zip(output.par_chunks_exact_mut(size));
    images.with_min_len(pieces_of_task(size)).for_each(|(input, output)| {
        let planes = input.chunks_exact(pixels).zip(output.chunks_exact_mut(pixels));
        arch.dispatch(|| {
            for ((input, output), &Affine { mean, factor, shift }) in planes.zip(channels) {
                for (output, &value) in output.iter_mut().zip(input) {
                    *output = (value - mean) * factor + shift;
                }
            }
        });
    });
    output
}

/// Sum of a term of the values at each place of two planes.
#[inline(always)]
pub fn sum(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((lane, &left), &right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += term(left, right);
        }
    }
    let rest = left_rest
        .iter()
        .zip(right_rest)
        .map(|(&left, &right)| term(left, right));
    lanes.into_iter().chain(rest).map(f64::from).sum()
}

/// The kernels on the gradient tape.
fn tracked(
    input: FloatTensor<Autodiff<Flex>>,
    weight: FloatTensor<Autodiff<Flex>>,
    bias: FloatTensor<Autodiff<Flex>>,
    shape: [usize; 4],
    epsilon: f64,
) -> (FloatTensor<Autodiff<Flex>>, Vec<Moments>) {
    let (input_values, weight_values) = (contiguous(&input.primitive), contiguous(&weight.primitive));
    let (output, moments) = forward(&input_values, &weight_values, &bias.primitive, shape, epsilon);
    let state = State {
        input: input_values,
        weight: weight_values,
        moments: moments.clone(),
        shape,
    };
    let nodes = [input.node, weight.node, bias.node];
    let output = match Normalise.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state, output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    (output, moments)
}

#[derive(Debug)]
struct Normalise;

#[derive(Clone, Debug)]
struct State {
    input: FlexTensor,
    weight: FlexTensor,
    moments: Vec<Moments>,
    shape: [usize; 4],
}

impl Backward<Flex, 3> for Normalise {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let State {
            input,
            weight,
            moments,
            shape,
        } = ops.state;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        let (input, weight, gradient) = (values(&input), values(&weight), values(&gradient));
        let sums = gradient_sums(input, gradient, &moments, shape);
        if let Some(node) = weight_node {
            let values = sums.iter().map(|sums| sums.product as f32).collect();
            gradients.register::<Flex>(node.id, tensor(values, [shape[1]]));
        }
        if let Some(node) = bias_node {
            let values = sums.iter().map(|sums| sums.gradient as f32).collect();
            gradients.register::<Flex>(node.id, tensor(values, [shape[1]]));
        }
        if let Some(node) = input_node {
            let values = input_gradient(input, weight, gradient, &moments, &sums, shape);
            gradients.register::<Flex>(node.id, tensor(values, shape));
        }
    }
}

/// Sums over a channel.
struct GradientSums {
    /// Of the output's gradient.
    gradient: f64,
    /// Of the output's gradient times the normalised input.
    product: f64,
}

fn gradient_sums(input: &[f32], gradient: &[f32], moments: &[Moments], shape: [usize; 4]) -> Vec<GradientSums> {
    let [_, channels, height, width] = shape;
    let pixels = height * width;
    let arch = Arch::new();
    let of_channel = |channel: usize| {
        let Moments { mean, scale, .. } = moments[channel];
        let planes = |values| <[f32]>::chunks_exact(values, pixels).skip(channel).step_by(channels);
        let mut sums = GradientSums {
            gradient: 0.0,
            product: 0.0,
        };
        arch.dispatch(|| {
            for (input, gradient) in planes(input).zip(planes(gradient)) {
                sums.gradient += sum(gradient, input, |gradient, _| gradient);
                sums.product += sum(gradient, input, |gradient, value| gradient * ((value - mean) * scale));
            }
        });
        sums
    };
    let tasks = (0..channels)
        .into_par_iter()
        .with_min_len(pieces_of_task(input.len() / channels));
    tasks.map(of_channel).collect()
}

/// With g the output's gradient, x the normalised input, and means over the channel:
/// `weight * scale * (g - mean(g) - x mean(g x))`.
fn input_gradient(
    input: &[f32],
    weight: &[f32],
    gradient: &[f32],
    moments: &[Moments],
    sums: &[GradientSums],
    shape: [usize; 4],
) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let pixels = height * width;
    let elements = (batch * pixels) as f64;
    let arch = Arch::new();
    let mut result = vec![0.0; input.len()];
    let size = channels * pixels;
    let images = input.par_chunks_exact(size).zip(gradient.par_chunks_exact(size));
    images
        .zip(result.par_chunks_exact_mut(size))
        .with_min_len(pieces_of_task(size))
        .for_each(|((input, gradient), result)| {
            let planes = input.chunks_exact(pixels).zip(gradient.chunks_exact(pixels));
            let planes = planes.zip(result.chunks_exact_mut(pixels));
            arch.dispatch(|| {
                for (channel, ((input, gradient), result)) in planes.enumerate() {
                    let Moments { mean, scale, .. } = moments[channel];
                    let factor = weight[channel] * scale;
                    let offset = (sums[channel].gradient / elements) as f32;
                    let slope = (sums[channel].product / elements) as f32 * scale;
                    for ((result, &gradient), &value) in result.iter_mut().zip(gradient).zip(input) {
                        *result = factor * (gradient - offset - (value - mean) * slope);
                    }
                }
            });
        });
    result
}
