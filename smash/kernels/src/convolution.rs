//! Convolution that keeps height and width, with kernels of our own.
//!
//! burn-flex has no backward pass of its own for convolutions and packs its patches one value at a time. Most of a
//! training step would go there. On burn-flex, with or without automatic differentiation, this module runs the kernels
//! of the modules below. On a GPU it runs those of `gpu.rs`, and on every other backend burn's own operations.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn::tensor::FloatDType;
use burn::tensor::activation::{leaky_relu, relu};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn_flex::{Flex, FlexTensor};
use serde::{Deserialize, Serialize};

mod direct;
mod folding;
mod geometry;
#[cfg(feature = "gpu")]
mod gpu;
mod method;
mod outputs;
mod plan;
mod tile;
mod weight_gradient;
mod winograd;

use smash_space::Activation;

use crate::interleaved::{as_batch, as_one_image, joined};
use crate::parts::{as_kernel, concatenate};
use crate::planes::{MOST_INPUTS, Planes, by_count, shapes, split};
use crate::primitive::{Primitive, Primitives, Tracked, contiguous, primitive_of, tensor, tensor_of, values};
use crate::recording::on_tape;
use folding::Folding;
use geometry::Geometry;

/// The number format in which convolutions multiply. Weights, gradients and the values between operations are float32
/// either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Factors have a significand of 24 bits.
    Float32,
    /// Factors are rounded to a significand of 8 bits, to show the effect of that rounding. Sums stay float32 on GPUs for
    /// which there are kernels. It is not faster.
    Bfloat16,
}

impl Precision {
    /// [`conv_concatenated`] with this precision, with the same shapes.
    pub fn conv<B: Backend>(
        self,
        inputs: Vec<Tensor<B, 4>>,
        activation: Activation,
        weight: Tensor<B, 4>,
        dilation: [usize; 2],
        groups: usize,
    ) -> Tensor<B, 4> {
        match self {
            Self::Float32 => conv_concatenated(inputs, activation, weight, dilation, groups),
            Self::Bfloat16 => {
                let input = Tensor::cat(inputs, 1);
                #[cfg(feature = "gpu")]
                if gpu::has::<B>() {
                    let geometry = Geometry::new(input.dims(), weight.dims(), dilation, groups, activation.slope());
                    return gpu::conv(input, weight, geometry, true);
                }
                let [input, weight] = [input, weight].map(|tensor| tensor.cast(FloatDType::BF16));
                stock(input, activation, weight, dilation, groups).cast(FloatDType::F32)
            }
        }
    }
}

/// Convolution of the activated input with odd kernel sizes, stride 1, no bias, and padding that keeps height and width.
///
/// # Shapes
/// - `input`: `[batch, channels_in, height, width]`
/// - `weight`: `[channels_out, channels_in / groups, kernel_height, kernel_width]`
/// - output: `[batch, channels_out, height, width]`
pub fn conv_same<B: Backend>(
    input: Tensor<B, 4>,
    activation: Activation,
    weight: Tensor<B, 4>,
    dilation: [usize; 2],
    groups: usize,
) -> Tensor<B, 4> {
    conv_concatenated(vec![input], activation, weight, dilation, groups)
}

/// [`conv_same`] of tensors that are concatenated along their channels, without copies on the CPU.
///
/// # Panics
/// If there are no inputs, or sizes do not fit.
pub fn conv_concatenated<B: Backend>(
    mut inputs: Vec<Tensor<B, 4>>,
    activation: Activation,
    weight: Tensor<B, 4>,
    dilation: [usize; 2],
    groups: usize,
) -> Tensor<B, 4> {
    if inputs.len() > MOST_INPUTS {
        inputs = vec![concatenate(inputs)];
    }
    let [batch, _, height, width] = inputs[0].dims();
    let channels = inputs.iter().map(|input| input.dims()[1]).sum();
    let shape = [batch, channels, height, width];
    let geometry = Geometry::new(shape, weight.dims(), dilation, groups, activation.slope());
    // The weight comes last.
    let tensors = inputs.into_iter().map(primitive_of).chain([primitive_of(weight)]);
    match Primitives::<B>::of(tensors.collect()) {
        Primitives::Plain(tensors) => {
            let operands = Operands::new(tensors, geometry);
            Primitive::Plain(as_batch(forward(&operands), operands.images)).into_tensor()
        }
        Primitives::Tracked(tensors) => Primitive::Tracked(by_count!(track, tensors, geometry)).into_tensor(),
        Primitives::Other(mut tensors) => {
            let weight = tensor_of(tensors.pop().expect("a weight"));
            let input = Tensor::cat(tensors.into_iter().map(tensor_of).collect(), 1);
            #[cfg(feature = "gpu")]
            if gpu::has::<B>() {
                return gpu::conv(input, weight, geometry, false);
            }
            stock(input, activation, weight, dilation, groups)
        }
    }
}

/// 1x1 convolution of activated tensors that are concatenated along their channels.
///
/// # Shapes
/// - `inputs`: `[batch, channels, height, width]` each, `channels_in` together
/// - `weight`: `[channels_out, channels_in]`
/// - output: `[batch, channels_out, height, width]`
pub fn conv_1x1<B: Backend>(inputs: Vec<Tensor<B, 4>>, activation: Activation, weight: Tensor<B, 2>) -> Tensor<B, 4> {
    conv_concatenated(inputs, activation, as_kernel(weight), [1, 1], 1)
}

/// Whether tensors of this backend are on a GPU for which this build has kernels.
#[must_use]
pub(crate) fn is_on_gpu<B: Backend>() -> bool {
    #[cfg(feature = "gpu")]
    return gpu::has::<B>();
    #[cfg(not(feature = "gpu"))]
    false
}

/// [`conv_same`] with burn's own operations.
pub fn stock<B: Backend>(
    input: Tensor<B, 4>,
    activation: Activation,
    weight: Tensor<B, 4>,
    dilation: [usize; 2],
    groups: usize,
) -> Tensor<B, 4> {
    let input = match activation {
        Activation::Identity => input,
        Activation::Relu => relu(input),
        Activation::LeakyRelu(slope) => leaky_relu(input, f64::from(slope)),
    };
    let [_, _, height, width] = weight.dims();
    let padding = [(height - 1) * dilation[0] / 2, (width - 1) * dilation[1] / 2];
    conv2d(input, weight, None, ConvOptions::new([1, 1], padding, dilation, groups))
}

/// The operands of a convolution.
#[derive(Clone, Debug)]
struct Operands {
    /// Planar. An interleaved batch is one image.
    inputs: Vec<FlexTensor>,
    /// Contiguous.
    weight: FlexTensor,
    geometry: Geometry,
    /// Number of images in one.
    images: usize,
}

impl Operands {
    /// From the inputs, followed by the weight.
    fn new(mut tensors: Vec<FlexTensor>, geometry: Geometry) -> Self {
        let weight = contiguous(&tensors.pop().expect("a weight"));
        let (inputs, images) = joined(&tensors);
        Self { inputs, weight, geometry: geometry.joined(images), images }
    }
}

fn forward(operands: &Operands) -> FlexTensor {
    let (geometry, planes, weight) = (operands.geometry, Planes::of(&operands.inputs), values(&operands.weight));
    let output = match Folding::of(geometry) {
        Some(folding) => {
            let (folded, geometry) = (folding.fold(&planes), folding.folded());
            let planes = Planes::contiguous(&folded, planes.channels.len(), geometry.pixels());
            folding.unfold(&outputs::forward(&planes, weight, geometry))
        }
        None => outputs::forward(&planes, weight, geometry),
    };
    tensor(output, geometry.output_shape())
}

/// The kernels on the gradient tape. The weight comes last.
fn track<const N: usize>(tensors: [Tracked; N], geometry: Geometry) -> Tracked {
    let operands = Operands::new(tensors.iter().map(|tensor| tensor.primitive.clone()).collect(), geometry);
    let output = as_batch(forward(&operands), operands.images);
    on_tape(ConvSame, tensors, operands, output)
}

#[derive(Debug)]
struct ConvSame;

impl<const N: usize> Backward<Flex, N> for ConvSame {
    type State = Operands;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let operands = ops.state;
        let gradient = as_one_image(&gradients.consume::<Flex>(&ops.node), operands.images);
        let gradient = contiguous(&gradient);
        let (planes, gradient) = (Planes::of(&operands.inputs), values(&gradient));
        let [_, channels, _, _] = operands.geometry.output_shape();
        let folding = Folding::of(operands.geometry);
        let folded = folding.map(|folding| {
            let gradient = Planes::contiguous(gradient, channels, operands.geometry.pixels());
            [&planes, &gradient].map(|planes| folding.fold(planes))
        });
        let (planes, gradient, geometry) = match (folding, &folded) {
            (Some(folding), Some([inputs, gradient])) => {
                let geometry = folding.folded();
                let planes = Planes::contiguous(inputs, planes.channels.len(), geometry.pixels());
                (planes, gradient.as_slice(), geometry)
            }
            _ => (planes, gradient, operands.geometry),
        };
        let Some((weight_node, input_nodes)) = ops.parents.split_last() else {
            unreachable!("a convolution has a weight");
        };
        // Leading inputs that need no gradient, such as the encoding, cost nothing.
        let skipped = match geometry.groups {
            1 => input_nodes.iter().take_while(|node| node.is_none()).count(),
            _ => 0,
        };
        let input_gradient = || {
            let channels = |tensor: &FlexTensor| tensor.layout().shape()[1];
            let first = operands.inputs[..skipped].iter().map(channels).sum();
            let weight = values(&operands.weight);
            let values = outputs::input_gradient(&planes, weight, gradient, geometry, first);
            match folding {
                Some(folding) => folding.unfold(&values),
                None => values,
            }
        };
        // In parallel: a thread that has finished its part of one gradient goes on with the other.
        let (input_values, weight_values) = rayon::join(
            || input_nodes.iter().any(Option::is_some).then(input_gradient),
            || {
                let values = || weight_gradient::weight_gradient(&planes, gradient, geometry);
                weight_node.as_ref().map(|node| (node.id, values()))
            },
        );
        if let Some(values) = input_values {
            let parts = split(values, &shapes(&operands.inputs[skipped..]));
            for (node, part) in input_nodes[skipped..].iter().zip(parts) {
                if let Some(node) = node {
                    gradients.register::<Flex>(node.id, as_batch(part, operands.images));
                }
            }
        }
        if let Some((id, values)) = weight_values {
            gradients.register::<Flex>(id, tensor(values, geometry.weight_shape()));
        }
    }
}
