//! Simple WeightNorm (paper, section 3.1): a weight divided by its Euclidean norm, as one operation on the CPU.
//!
//! The HyperNet normalises all its convolutions at each step. Built from burn's operations, this takes several passes
//! over each weight, some of them value by value.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn_flex::{Flex, FlexTensor};
use pulp::Arch;

use crate::normalisation::sum;
use crate::primitive::{Primitive, Tracked, contiguous, values};
use crate::recording::on_tape;

/// A tensor divided by its Euclidean norm.
pub fn simple_weight_norm<B: Backend, const D: usize>(weight: Tensor<B, D>) -> Tensor<B, D> {
    let output = match Primitive::of(weight) {
        Primitive::Plain(weight) => Primitive::Plain(forward(&contiguous(&weight)).0),
        Primitive::Tracked(weight) => Primitive::Tracked(tracked(weight)),
        other @ Primitive::Other(_) => return stock(other.into_tensor()),
    };
    output.into_tensor()
}

/// [`simple_weight_norm`] with burn's own operations.
pub fn stock<B: Backend, const D: usize>(weight: Tensor<B, D>) -> Tensor<B, D> {
    let shape = weight.dims();
    let row = weight.reshape([1, shape.iter().product::<usize>()]);
    // Reduced along a dimension, because a full sum may use unordered atomic additions on a GPU.
    let length = (row.clone() * row.clone()).sum_dim(1).sqrt();
    (row / length).reshape(shape)
}

/// The weight, contiguous, divided by its norm, and the norm.
fn forward(weight: &FlexTensor) -> (FlexTensor, f32) {
    let norm = Arch::new().dispatch(|| sum(values(weight), values(weight), |a, b| a * b)).sqrt() as f32;
    let normed = values(weight).iter().map(|value| value / norm).collect();
    (with_shape_of(weight, normed), norm)
}

fn with_shape_of(tensor: &FlexTensor, values: Vec<f32>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, tensor.layout().shape().clone()))
}

fn tracked(weight: Tracked) -> Tracked {
    let (normed, norm) = forward(&contiguous(&weight.primitive));
    on_tape(WeightNorm, [weight], (normed.clone(), norm), normed)
}

#[derive(Debug)]
struct WeightNorm;

impl Backward<Flex, 1> for WeightNorm {
    /// The normalised weight, and the norm.
    type State = (FlexTensor, f32);

    /// The gradient is `(g - y (g . y)) / norm`. Here y is the normalised weight and g is its gradient.
    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let (normed, norm) = ops.state;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        let Some(node) = node else { return };
        let (y, g) = (values(&normed), values(&gradient));
        let along = Arch::new().dispatch(|| sum(g, y, |g, y| g * y)) as f32;
        let result = y.iter().zip(g).map(|(y, g)| (g - y * along) / norm).collect();
        gradients.register::<Flex>(node.id, with_shape_of(&normed, result));
    }
}
