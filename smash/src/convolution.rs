//! Convolution that keeps height and width, with kernels of our own on the CPU.
//!
//! burn-flex has no backward pass of its own for convolutions and packs its patches one value at a time, so that most of
//! a training step goes there. This module is the one place that knows: on burn-flex, with or without automatic
//! differentiation, it runs the kernels of the modules below; on every other backend, burn's own operations. Types are told
//! apart at run time, since a trait bound would have to stand in every signature from here to the command line.

use std::any::Any;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::prelude::*;
use burn::tensor::activation::{leaky_relu, relu};
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, FloatTensor};
use burn_flex::{Flex, FlexTensor};

mod geometry;
mod outputs;
mod weight_gradient;

use crate::flex::{contiguous, float, own, tensor, values};
use geometry::Geometry;

/// What is done to the input of a convolution first: one pass over memory less than as an operation of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// Negative values become 0.
    Relu,
    /// Negative values are multiplied by a factor.
    LeakyRelu(f32),
}

impl Activation {
    /// Factor on negative values.
    fn slope(self) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => 0.0,
            Self::LeakyRelu(slope) => slope,
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
    let geometry = Geometry::new(input.dims(), weight.dims(), dilation, groups, activation.slope());
    let input: Box<dyn Any> = Box::new(input.into_primitive().tensor());
    let weight: Box<dyn Any> = Box::new(weight.into_primitive().tensor());
    let output: Box<dyn Any> = if input.is::<FloatTensor<Flex>>() {
        Box::new(forward(&contiguous(&own(input)), &contiguous(&own(weight)), geometry))
    } else if input.is::<FloatTensor<Autodiff<Flex>>>() {
        Box::new(tracked(own(input), own(weight), geometry))
    } else {
        let input = Tensor::from_primitive(float(own(input)));
        let weight = Tensor::from_primitive(float(own(weight)));
        return stock(input, activation, weight, dilation, groups);
    };
    Tensor::from_primitive(float(own(output)))
}

/// 1x1 convolution of the activated input.
///
/// # Shapes
/// - `input`: `[batch, channels_in, height, width]`
/// - `weight`: `[channels_out, channels_in]`
/// - output: `[batch, channels_out, height, width]`
pub fn conv_1x1<B: Backend>(input: Tensor<B, 4>, activation: Activation, weight: Tensor<B, 2>) -> Tensor<B, 4> {
    let [outputs, inputs] = weight.dims();
    conv_same(input, activation, weight.reshape([outputs, inputs, 1, 1]), [1, 1], 1)
}

/// The same by burn's own operations.
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

/// Takes contiguous tensors.
fn forward(input: &FlexTensor, weight: &FlexTensor, geometry: Geometry) -> FlexTensor {
    let values = outputs::forward(values(input), values(weight), geometry);
    tensor(values, geometry.output_shape())
}

/// The kernels on the gradient tape.
fn tracked(
    input: FloatTensor<Autodiff<Flex>>,
    weight: FloatTensor<Autodiff<Flex>>,
    geometry: Geometry,
) -> FloatTensor<Autodiff<Flex>> {
    let state = (contiguous(&input.primitive), contiguous(&weight.primitive), geometry);
    let output = forward(&state.0, &state.1, geometry);
    match ConvSame
        .prepare::<NoCheckpointing>([input.node, weight.node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish(state, output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

#[derive(Debug)]
struct ConvSame;

impl Backward<Flex, 2> for ConvSame {
    type State = (FlexTensor, FlexTensor, Geometry);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, weight_node] = ops.parents;
        let (input, weight, geometry) = ops.state;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        if let Some(node) = input_node {
            let values = outputs::input_gradient(values(&input), values(&weight), values(&gradient), geometry);
            gradients.register::<Flex>(node.id, tensor(values, geometry.input_shape()));
        }
        if let Some(node) = weight_node {
            let values = weight_gradient::weight_gradient(values(&input), values(&gradient), geometry);
            gradients.register::<Flex>(node.id, tensor(values, geometry.weight_shape()));
        }
    }
}
