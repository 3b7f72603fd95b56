//! Batch normalisation with the statistics of the batch, as one operation on the CPU.
//!
//! Built from burn's operations, it takes about ten passes over memory, and as many again for its gradients. Like
//! [`crate::convolution`], this module runs our own kernels on burn-flex, and burn's operations on every other backend.
//!
//! Sums run in a fixed order, so the result is bit-identical on any number of threads.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use burn_flex::{Flex, FlexTensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::interleaved::{as_batch, as_one_image, joined};
use crate::parts::concatenate;
use crate::planes::{Channel, MOST_INPUTS, Planes, by_count, shapes, split};
use crate::primitive::{
    Primitive, Primitives, Tracked, contiguous, filled, pieces_of_task, primitive_of, tensor, tensor_of, values,
};
use crate::recording::on_tape;

/// Mean and unbiased variance of one batch, `[channels]` each, off the gradient tape.
#[derive(Clone, Debug)]
pub struct BatchStatistics<B: Backend> {
    /// Mean over batch, height and width.
    pub mean: Tensor<B, 1>,
    /// Unbiased variance over batch, height and width.
    pub variance: Tensor<B, 1>,
}

/// Number of values that are summed side by side. It is a constant, so that it is the same on all processors.
const LANES: usize = 16;

/// Normalises each channel to mean 0 and variance 1 over the batch, then scales it by `weight` and moves it by `bias`.
///
/// It divides by the root of the biased variance plus `epsilon`. The statistics are off the gradient tape, and hold the
/// unbiased variance.
///
/// # Shapes
/// - `inputs`: `[batch, channels, height, width]` each, concatenated along their channels
/// - `weight`, `bias`: `[channels]`
/// - output: `[batch, channels, height, width]`
pub fn normalise<B: Backend>(
    mut inputs: Vec<Tensor<B, 4>>,
    weight: Tensor<B, 1>,
    bias: Tensor<B, 1>,
    epsilon: f64,
) -> (Tensor<B, 4>, BatchStatistics<B>) {
    if inputs.len() > MOST_INPUTS {
        inputs = vec![concatenate(inputs)];
    }
    let [batch, _, height, width] = inputs[0].dims();
    let device = inputs[0].device();
    let elements = (batch * height * width) as f64;
    let tensors = inputs.into_iter().map(primitive_of).chain([weight, bias].map(primitive_of));
    let (output, moments) = match Primitives::<B>::of(tensors.collect()) {
        Primitives::Plain(tensors) => {
            let operands = Operands::new(tensors);
            let (output, moments) = forward(&operands, epsilon);
            (Primitive::Plain(as_batch(output, operands.images)), moments)
        }
        Primitives::Tracked(tensors) => {
            let (output, moments) = by_count!(track, tensors, epsilon);
            (Primitive::Tracked(output), moments)
        }
        Primitives::Other(mut tensors) => {
            let [bias, weight] = [(); 2].map(|()| tensor_of(tensors.pop().expect("two parameters")));
            return stock(Tensor::cat(tensors.into_iter().map(tensor_of).collect(), 1), weight, bias, epsilon);
        }
    };
    let unbiased = (elements / (elements - 1.0).max(1.0)) as f32;
    let of_channels = |value: &dyn Fn(&Moments) -> f32| {
        let values: Vec<f32> = moments.iter().map(value).collect();
        Tensor::from_data(TensorData::new(values, [moments.len()]), &device)
    };
    let statistics = BatchStatistics {
        mean: of_channels(&|moments| moments.mean),
        variance: of_channels(&|moments| moments.variance * unbiased),
    };
    (output.into_tensor(), statistics)
}

/// Moves each channel by `-mean`, scales it by `factor` and moves it by `shift`, in this order in `maps`. This is
/// normalisation with given statistics.
///
/// # Shapes
/// - `inputs`: `[batch, channels, height, width]` each, concatenated along their channels
/// - `maps`: `[channels]` each
/// - output: `[batch, channels, height, width]`
pub fn rescale<B: Backend>(inputs: Vec<Tensor<B, 4>>, maps: [Tensor<B, 1>; 3]) -> Tensor<B, 4> {
    let inputs = match Primitives::<B>::of(inputs.into_iter().map(primitive_of).collect()) {
        Primitives::Plain(inputs) => inputs,
        Primitives::Tracked(inputs) => {
            return stock_rescale(
                inputs.into_iter().map(|input| Primitive::Tracked(input).into_tensor()).collect(),
                maps,
            );
        }
        Primitives::Other(inputs) => return stock_rescale(inputs.into_iter().map(tensor_of).collect(), maps),
    };
    let [mean, factor, shift] = maps.map(|tensor| tensor.into_data().into_vec::<f32>().expect("float32 on burn-flex"));
    let channel = |channel: usize| Affine { mean: mean[channel], factor: factor[channel], shift: shift[channel] };
    let channels: Vec<Affine> = (0..mean.len()).map(channel).collect();
    let (inputs, images) = joined(&inputs);
    let output = apply(&Planes::of(&inputs), &channels, sizes(&inputs));
    Primitive::Plain(as_batch(output, images)).into_tensor()
}

fn stock_rescale<B: Backend>(inputs: Vec<Tensor<B, 4>>, maps: [Tensor<B, 1>; 3]) -> Tensor<B, 4> {
    let [mean, factor, shift] = maps.map(|tensor| tensor.unsqueeze_dims(&[0, 2, 3]));
    (Tensor::cat(inputs, 1) - mean) * factor + shift
}

/// Running statistics, `[channels]`, of which the leading ones are moved towards those of a batch. They are off the
/// gradient tape.
pub fn moved_towards<B: Backend>(running: Tensor<B, 1>, batch: Tensor<B, 1>, momentum: f64) -> Tensor<B, 1> {
    let plain = |running: &FlexTensor, batch: &FlexTensor| {
        let (running, batch) = (contiguous(running), contiguous(batch));
        let mut moved = values(&running).to_vec();
        let [kept, added] = [1.0 - momentum, momentum].map(|factor| factor as f32);
        for (value, &batch) in moved.iter_mut().zip(values(&batch)) {
            *value = *value * kept + batch * added;
        }
        let channels = moved.len();
        tensor(moved, [channels])
    };
    match (Primitive::<B>::of(running), Primitive::<B>::of(batch)) {
        (Primitive::Plain(running), Primitive::Plain(batch)) => Primitive::Plain(plain(&running, &batch)).into_tensor(),
        (Primitive::Tracked(running), Primitive::Tracked(batch)) => {
            let moved = plain(&running.primitive, &batch.primitive);
            Primitive::Tracked(Autodiff::<Flex>::from_inner(moved)).into_tensor()
        }
        (running, batch) => {
            let (running, batch): (Tensor<B, 1>, Tensor<B, 1>) = (running.into_tensor(), batch.into_tensor());
            let leading = 0..batch.dims()[0];
            let moved = running.clone().slice(leading.clone()) * (1.0 - momentum) + batch * momentum;
            running.slice_assign(leading, moved).detach().set_require_grad(false)
        }
    }
}

/// [`normalise`] with burn's own operations.
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
        tensor.reshape([batch, channels, height * width]).mean_dim(2).mean_dim(0).reshape([channels])
    };
    let mean = mean_of_channel(input.clone());
    let centred = input - of_channel(mean.clone());
    let variance = mean_of_channel(centred.clone() * centred.clone());
    let scale = weight / (variance.clone() + epsilon).sqrt();
    let statistics =
        BatchStatistics { mean: mean.detach(), variance: variance.detach() * (elements / (elements - 1.0).max(1.0)) };
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

/// Batch, height and width of the inputs.
fn sizes(inputs: &[FlexTensor]) -> [usize; 3] {
    let shape = inputs[0].layout().shape();
    [shape[0], shape[2], shape[3]]
}

/// The operands of a normalisation.
struct Operands {
    /// Planar. An interleaved batch is one image.
    inputs: Vec<FlexTensor>,
    /// Contiguous, as the bias.
    weight: FlexTensor,
    bias: FlexTensor,
    /// Number of images in one.
    images: usize,
}

impl Operands {
    /// From the inputs, followed by weight and bias.
    fn new(mut tensors: Vec<FlexTensor>) -> Self {
        let [bias, weight] = [(); 2].map(|()| contiguous(&tensors.pop().expect("two parameters")));
        let (inputs, images) = joined(&tensors);
        Self { inputs, weight, bias, images }
    }
}

fn forward(operands: &Operands, epsilon: f64) -> (FlexTensor, Vec<Moments>) {
    let (inputs, weight, bias) = (&operands.inputs, values(&operands.weight), values(&operands.bias));
    let sizes @ [batch, height, width] = sizes(inputs);
    let (pixels, planes) = (height * width, Planes::of(inputs));
    let elements = batch * pixels;
    let arch = Arch::new();
    let moments: Vec<Moments> = planes
        .channels
        .par_iter()
        .with_min_len(pieces_of_task(elements))
        .map(|&channel| {
            let planes = || (0..batch).map(|image| channel.plane(image, pixels));
            let elements = elements as f64;
            arch.dispatch(|| {
                let mean = planes().map(|plane| sum(plane, plane, |value, _| value)).sum::<f64>() / elements;
                let centre = mean as f32;
                let square = |value: f32, _| (value - centre) * (value - centre);
                let variance = planes().map(|plane| sum(plane, plane, square)).sum::<f64>() / elements;
                Moments { mean: centre, variance: variance as f32, scale: (1.0 / (variance + epsilon).sqrt()) as f32 }
            })
        })
        .collect();
    let channel = |channel: usize| {
        let Moments { mean, scale, .. } = moments[channel];
        Affine { mean, factor: scale * weight[channel], shift: bias[channel] }
    };
    let channels: Vec<Affine> = (0..moments.len()).map(channel).collect();
    (apply(&planes, &channels, sizes), moments)
}

/// `(value - mean) * factor + shift` for a channel.
#[derive(Clone, Copy)]
struct Affine {
    mean: f32,
    factor: f32,
    shift: f32,
}

/// Applies to each plane the map of its channel.
fn apply(input: &Planes<'_>, channels: &[Affine], [batch, height, width]: [usize; 3]) -> FlexTensor {
    let arch = Arch::new();
    let pixels = height * width;
    let size = channels.len() * pixels;
    let output = filled(batch * size, |output| {
        let images = output.par_chunks_exact_mut(size).enumerate();
        images.with_min_len(pieces_of_task(size)).for_each(|(image, output)| {
            let planes = input.of_images(image..image + 1, pixels);
            let planes = planes.zip(output.chunks_exact_mut(pixels));
            arch.dispatch(|| {
                for ((input, output), &Affine { mean, factor, shift }) in planes.zip(channels) {
                    for (output, &value) in output.iter_mut().zip(input) {
                        *output = (value - mean) * factor + shift;
                    }
                }
            });
        });
    });
    tensor(output, [batch, channels.len(), height, width])
}

/// Number of values that are summed in float32 before their sum is added in float64: long chains lose digits.
const CHAIN: usize = 64 * LANES;

/// Sum of `term` over the values at each place of two planes.
#[inline(always)]
pub(crate) fn sum(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let chains = left.chunks(CHAIN).zip(right.chunks(CHAIN));
    chains.map(|(left, right)| sum_of_chain(left, right, &term)).sum()
}

#[inline(always)]
fn sum_of_chain(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((lane, &left), &right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += term(left, right);
        }
    }
    let rest = left_rest.iter().zip(right_rest).map(|(&left, &right)| term(left, right));
    lanes.into_iter().chain(rest).map(f64::from).sum()
}

/// The kernels on the gradient tape. Weight and bias come last.
fn track<const N: usize>(tensors: [Tracked; N], epsilon: f64) -> (Tracked, Vec<Moments>) {
    let operands = Operands::new(tensors.iter().map(|tensor| tensor.primitive.clone()).collect());
    let (output, moments) = forward(&operands, epsilon);
    let Operands { inputs, weight, images, .. } = operands;
    let state = State { inputs, images, weight, moments: moments.clone() };
    (on_tape(Normalise, tensors, state, as_batch(output, images)), moments)
}

#[derive(Debug)]
struct Normalise;

#[derive(Clone, Debug)]
struct State {
    /// Planar.
    inputs: Vec<FlexTensor>,
    /// Number of images in one.
    images: usize,
    weight: FlexTensor,
    moments: Vec<Moments>,
}

impl<const N: usize> Backward<Flex, N> for Normalise {
    type State = State;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let State { inputs, images, weight, moments } = ops.state;
        let [input_nodes @ .., weight_node, bias_node] = &ops.parents[..] else {
            unreachable!("a normalisation has two parameters");
        };
        let gradient = contiguous(&as_one_image(&gradients.consume::<Flex>(&ops.node), images));
        let (planes, sizes) = (Planes::of(&inputs), sizes(&inputs));
        let (weight, gradient) = (values(&weight), values(&gradient));
        let sums = gradient_sums(&planes, gradient, &moments, sizes);
        if let Some(node) = weight_node {
            let values = sums.iter().map(|sums| sums.product as f32).collect();
            gradients.register::<Flex>(node.id, tensor(values, [moments.len()]));
        }
        if let Some(node) = bias_node {
            let values = sums.iter().map(|sums| sums.gradient as f32).collect();
            gradients.register::<Flex>(node.id, tensor(values, [moments.len()]));
        }
        if input_nodes.iter().any(Option::is_some) {
            let values = input_gradient(&planes, weight, gradient, &moments, &sums, sizes);
            for (node, part) in input_nodes.iter().zip(split(values, &shapes(&inputs))) {
                if let Some(node) = node {
                    gradients.register::<Flex>(node.id, as_batch(part, images));
                }
            }
        }
    }
}

/// Sums over a channel.
struct GradientSums {
    /// Sum of the output's gradient.
    gradient: f64,
    /// Sum of the output's gradient times the normalised input.
    product: f64,
}

fn gradient_sums(
    input: &Planes<'_>,
    gradient: &[f32],
    moments: &[Moments],
    [batch, height, width]: [usize; 3],
) -> Vec<GradientSums> {
    let pixels = height * width;
    let arch = Arch::new();
    let gradient = Planes::contiguous(gradient, moments.len(), pixels);
    let channels = input.channels.par_iter().zip(&gradient.channels).zip(moments);
    let of_channel = |((input, gradient), &Moments { mean, scale, .. }): ((&Channel<'_>, &Channel<'_>), &Moments)| {
        let mut sums = GradientSums { gradient: 0.0, product: 0.0 };
        arch.dispatch(|| {
            for image in 0..batch {
                let (input, gradient) = (input.plane(image, pixels), gradient.plane(image, pixels));
                sums.gradient += sum(gradient, input, |gradient, _| gradient);
                sums.product += sum(gradient, input, |gradient, value| gradient * ((value - mean) * scale));
            }
        });
        sums
    };
    let tasks = channels.with_min_len(pieces_of_task(batch * pixels));
    tasks.map(of_channel).collect()
}

/// The gradient of the input is `weight * scale * (g - mean(g) - x mean(g x))`. Here g is the output's gradient, x is
/// the normalised input, and means are over the channel.
fn input_gradient(
    input: &Planes<'_>,
    weight: &[f32],
    gradient: &[f32],
    moments: &[Moments],
    sums: &[GradientSums],
    [batch, height, width]: [usize; 3],
) -> Vec<f32> {
    let pixels = height * width;
    let elements = (batch * pixels) as f64;
    let arch = Arch::new();
    let size = moments.len() * pixels;
    filled(gradient.len(), |result| {
        let images = gradient.par_chunks_exact(size).zip(result.par_chunks_exact_mut(size));
        images.enumerate().with_min_len(pieces_of_task(size)).for_each(|(image, (gradient, result))| {
            let planes = input.of_images(image..image + 1, pixels);
            let planes = planes.zip(gradient.chunks_exact(pixels));
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
    })
}
