//! The ReLU between operations, as one pass on the CPU. It keeps the order of an interleaved batch.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn::tensor::activation;
use burn_flex::{Flex, FlexTensor};
use pulp::Arch;

use crate::interleaved::{as_batch, as_one_image, images_in_one};
use crate::primitive::{Primitive, contiguous, filled, shape_of, tensor, values};
use crate::recording::on_tape;

/// The positive part of each value.
///
/// # Shapes
/// - `input`, output: `[batch, channels, height, width]`
pub fn relu<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 4> {
    let output = match Primitive::of(input) {
        Primitive::Plain(input) => Primitive::Plain(joined(&input, None, |value, _| positive(value))),
        Primitive::Tracked(input) => {
            let output = joined(&input.primitive, None, |value, _| positive(value));
            Primitive::Tracked(on_tape(Relu, [input], output.clone(), output))
        }
        other @ Primitive::Other(_) => return activation::relu(other.into_tensor::<4>()),
    };
    output.into_tensor()
}

/// A value that is not a number stays so.
fn positive(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

/// `function` of the values at each place of one or two tensors of a shape, in the order of the first.
fn joined(first: &FlexTensor, second: Option<&FlexTensor>, function: impl Fn(f32, f32) -> f32) -> FlexTensor {
    let images = images_in_one(std::slice::from_ref(first));
    let one = |tensor: &FlexTensor| contiguous(&as_one_image(tensor, images));
    let (first, second) = (one(first), second.map(one));
    let (left, right) = (values(&first), second.as_ref().map_or(values(&first), values));
    let result = filled(left.len(), |result| {
        Arch::new().dispatch(|| {
            for ((result, &left), &right) in result.iter_mut().zip(left).zip(right) {
                *result = function(left, right);
            }
        });
    });
    as_batch(tensor(result, shape_of(&first)), images)
}

#[derive(Debug)]
struct Relu;

impl Backward<Flex, 1> for Relu {
    /// The output.
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let [node] = ops.parents;
        let Some(node) = node else { return };
        let masked = |output: f32, gradient: f32| if output > 0.0 { gradient } else { 0.0 };
        gradients.register::<Flex>(node.id, joined(&ops.state, Some(&gradient), masked));
    }
}
