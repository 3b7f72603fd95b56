//! Convolution that keeps height and width, with kernels of our own on the CPU.
//!
//! burn-flex has no backward pass of its own for convolutions and packs its patches one value at a time, so that most of
//! a training step goes there. This module is the one place that knows: on burn-flex, with or without automatic
//! differentiation, it runs the kernels in `kernels.rs`; on every other backend, burn's own convolution. Types are told apart at run time,
//! since a trait bound would have to stand in every signature from here to the command line.

use std::any::Any;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::prelude::*;
use burn::tensor::TensorPrimitive;
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, FloatTensor};
use burn_flex::{Flex, FlexTensor};

mod kernels;

use kernels::Geometry;

/// Convolution with odd kernel sizes, stride 1, no bias, and padding that keeps height and width.
///
/// # Shapes
/// - `input`: `[batch, channels_in, height, width]`
/// - `weight`: `[channels_out, channels_in / groups, kernel_height, kernel_width]`
/// - output: `[batch, channels_out, height, width]`
pub fn conv_same<B: Backend>(
    input: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    dilation: [usize; 2],
    groups: usize,
) -> Tensor<B, 4> {
    let geometry = Geometry::new(input.dims(), weight.dims(), dilation, groups);
    let input: Box<dyn Any> = Box::new(input.into_primitive().tensor());
    let weight: Box<dyn Any> = Box::new(weight.into_primitive().tensor());
    let output: Box<dyn Any> = if input.is::<FloatTensor<Flex>>() {
        Box::new(kernels::forward(&own(input), &own(weight), geometry))
    } else if input.is::<FloatTensor<Autodiff<Flex>>>() {
        Box::new(tracked(own(input), own(weight), geometry))
    } else {
        return stock(
            Tensor::from_primitive(float(own(input))),
            Tensor::from_primitive(float(own(weight))),
            dilation,
            groups,
        );
    };
    Tensor::from_primitive(float(own(output)))
}

/// burn's own convolution of the same kind.
pub fn stock<B: Backend>(
    input: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    dilation: [usize; 2],
    groups: usize,
) -> Tensor<B, 4> {
    let [_, _, height, width] = weight.dims();
    let padding = [(height - 1) * dilation[0] / 2, (width - 1) * dilation[1] / 2];
    conv2d(input, weight, None, ConvOptions::new([1, 1], padding, dilation, groups))
}

fn float<B: Backend>(tensor: FloatTensor<B>) -> TensorPrimitive<B> {
    TensorPrimitive::Float(tensor)
}

fn own<T: 'static>(value: Box<dyn Any>) -> T {
    *value
        .downcast()
        .unwrap_or_else(|_| panic!("checked to be a {}", std::any::type_name::<T>()))
}

/// The kernels on the gradient tape.
fn tracked(
    input: FloatTensor<Autodiff<Flex>>,
    weight: FloatTensor<Autodiff<Flex>>,
    geometry: Geometry,
) -> FloatTensor<Autodiff<Flex>> {
    let output = kernels::forward(&input.primitive, &weight.primitive, geometry);
    let state = (input.primitive.clone(), weight.primitive.clone(), geometry);
    let nodes = [input.node.clone(), weight.node.clone()];
    match ConvSame.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
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
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let Some(node) = input_node {
            gradients.register::<Flex>(node.id, kernels::input_gradient(&weight, &gradient, geometry));
        }
        if let Some(node) = weight_node {
            gradients.register::<Flex>(node.id, kernels::weight_gradient(&input, &gradient, geometry));
        }
    }
}
