//! The pooling of transitions, as one operation on the CPU.
//!
//! burn-flex pools in three dimensions, one of which is empty.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn::tensor::module::avg_pool2d;
use burn_flex::{Flex, FlexTensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::burn_flex::{Primitive, contiguous, filled, on_tape, pieces_of_task, shape_of, tensor, values};

/// Average over 2x2 squares; an odd last row or column is dropped.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
/// - output: `[batch, channels, height / 2, width / 2]`
pub fn halve<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 4> {
    let output = match Primitive::of(input) {
        Primitive::Plain(input) => Primitive::Plain(halved(&contiguous(&input))),
        Primitive::Tracked(input) => {
            let shape = shape_of(&input.primitive);
            let output = halved(&contiguous(&input.primitive));
            Primitive::Tracked(on_tape(Halve, [input], shape, output))
        }
        other @ Primitive::Other(_) => return stock(other.into_tensor()),
    };
    output.into_tensor()
}

/// Every second row and column, from `offset`: `[batch, channels, height, width]` to `[batch, channels, height / 2, width / 2]`.
pub fn every_second<B: Backend>(input: Tensor<B, 4>, offset: usize) -> Tensor<B, 4> {
    let [batch, channels, height, width] = input.dims();
    let [rows, columns] = [height / 2, width / 2];
    input
        .narrow(2, 0, 2 * rows)
        .narrow(3, 0, 2 * columns)
        .reshape([batch * channels, rows, 2, 2 * columns])
        .narrow(2, offset, 1)
        .reshape([batch * channels, rows, columns, 2])
        .narrow(3, offset, 1)
        .reshape([batch, channels, rows, columns])
}

/// The same with burn's own operation.
pub fn stock<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 4> {
    avg_pool2d(input, [2, 2], [2, 2], [0, 0], true, false)
}

fn halved(input: &FlexTensor) -> FlexTensor {
    let [batch, channels, height, width] = shape_of(input);
    let shape = [batch, channels, height / 2, width / 2];
    let (image, plane, half_plane) = (channels * height * width, height * width, shape[2] * shape[3]);
    let arch = Arch::new();
    let output = filled(shape.iter().product(), |output| {
        let images = output.par_chunks_exact_mut(channels * half_plane);
        images.zip(values(input).par_chunks_exact(image)).with_min_len(pieces_of_task(image)).for_each(
            |(output, input)| {
                arch.dispatch(|| {
                    for (output, input) in output.chunks_exact_mut(half_plane).zip(input.chunks_exact(plane)) {
                        for (output, rows) in output.chunks_exact_mut(shape[3]).zip(input.chunks_exact(2 * width)) {
                            let (upper, lower) = rows.split_at(width);
                            let squares = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
                            for (output, (upper, lower)) in output.iter_mut().zip(squares) {
                                *output = (upper[0] + upper[1] + lower[0] + lower[1]) / 4.0;
                            }
                        }
                    }
                });
            },
        );
    });
    tensor(output, shape)
}

#[derive(Debug)]
struct Halve;

impl Backward<Flex, 1> for Halve {
    /// Shape of the input.
    type State = [usize; 4];

    /// Each value of a square gets a quarter of its gradient.
    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let shape @ [_, channels, height, width] = ops.state;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        let [node] = ops.parents;
        let Some(node) = node else { return };
        let (plane, half_plane, half) = (height * width, (height / 2) * (width / 2), width / 2);
        let arch = Arch::new();
        let values = filled(shape.iter().product(), |result| {
            let images = result.par_chunks_exact_mut(channels * plane);
            let gradients = values(&gradient).par_chunks_exact(channels * half_plane);
            images.zip(gradients).with_min_len(pieces_of_task(channels * plane)).for_each(|(result, gradient)| {
                arch.dispatch(|| {
                    for (result, gradient) in result.chunks_exact_mut(plane).zip(gradient.chunks_exact(half_plane)) {
                        for (row, result) in result.chunks_exact_mut(width).enumerate() {
                            let gradient = gradient.get(row / 2 * half..(row / 2 + 1) * half).unwrap_or_default();
                            let (squares, rest) = result.as_chunks_mut::<2>();
                            for (place, square) in squares.iter_mut().enumerate() {
                                *square = [gradient.get(place).map_or(0.0, |gradient| gradient / 4.0); 2];
                            }
                            rest.fill(0.0);
                        }
                    }
                });
            });
        });
        gradients.register::<Flex>(node.id, tensor(values, shape));
    }
}
