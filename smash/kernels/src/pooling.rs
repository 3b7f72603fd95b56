//! Pooling: halves between blocks, and the mean over each image, as one operation each on the CPU.
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

use crate::interleaved::{as_batch, as_one_image, images_in_one};
use crate::normalisation::sum;
use crate::primitive::{Primitive, contiguous, filled, pieces_of_task, shape_of, tensor, values};
use crate::recording::on_tape;

/// Average over 2x2 squares; an odd last row or column is dropped.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
/// - output: `[batch, channels, height / 2, width / 2]`
pub fn halve<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 4> {
    let output = match Primitive::of(input) {
        Primitive::Plain(input) => {
            let images = images_in_one(std::slice::from_ref(&input));
            Primitive::Plain(halved(&input, images))
        }
        Primitive::Tracked(input) => {
            let images = images_in_one(std::slice::from_ref(&input.primitive));
            let output = halved(&input.primitive, images);
            let state = (shape_of(&input.primitive), images);
            Primitive::Tracked(on_tape(Halve, [input], state, output))
        }
        other @ Primitive::Other(_) => return stock(other.into_tensor()),
    };
    output.into_tensor()
}

/// Mean over height and width.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
/// - output: `[batch, channels]`
pub fn global_average<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, height, width] = input.dims();
    match Primitive::of(input) {
        Primitive::Plain(input) => Primitive::Plain(means(&input)).into_tensor(),
        Primitive::Tracked(input) => {
            let images = images_in_one(std::slice::from_ref(&input.primitive));
            let (output, state) = (means(&input.primitive), ([batch, channels, height, width], images));
            Primitive::Tracked(on_tape(Mean, [input], state, output)).into_tensor()
        }
        other @ Primitive::Other(_) => {
            let input: Tensor<B, 4> = other.into_tensor();
            input.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels])
        }
    }
}

/// The mean over each image: `[batch, channels]`.
fn means(input: &FlexTensor) -> FlexTensor {
    let [batch, channels, height, width] = shape_of(input);
    let images = images_in_one(std::slice::from_ref(input));
    let input = contiguous(&as_one_image(input, images));
    let pixels = height * width;
    let mut output = vec![0.0; batch * channels];
    if images == 1 {
        for (mean, plane) in output.iter_mut().zip(values(&input).chunks_exact(pixels)) {
            *mean = Arch::new().dispatch(|| sum(plane, plane, |value, _| value)) as f32 / pixels as f32;
        }
        return tensor(output, [batch, channels]);
    }
    let mut sums = vec![0.0; images];
    for (channel, plane) in values(&input).chunks_exact(pixels * images).enumerate() {
        sums.fill(0.0);
        for pixel in plane.chunks_exact(images) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        for (image, sum) in sums.iter().enumerate() {
            output[image * channels + channel] = sum / pixels as f32;
        }
    }
    tensor(output, [batch, channels])
}

#[derive(Debug)]
struct Mean;

impl Backward<Flex, 1> for Mean {
    /// Shape of the input, and number of images in one.
    type State = ([usize; 4], usize);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let ([batch, channels, height, width], images) = ops.state;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        let [node] = ops.parents;
        let Some(node) = node else { return };
        let gradient = values(&gradient);
        let pixels = height * width;
        let values = filled(batch * channels * pixels, |result| {
            if images == 1 {
                for (plane, gradient) in result.chunks_exact_mut(pixels).zip(gradient) {
                    plane.fill(gradient / pixels as f32);
                }
                return;
            }
            for (channel, plane) in result.chunks_exact_mut(pixels * images).enumerate() {
                let (first, rest) = plane.split_at_mut(images);
                for (image, value) in first.iter_mut().enumerate() {
                    *value = gradient[image * channels + channel] / pixels as f32;
                }
                rest.chunks_exact_mut(images).for_each(|pixel| pixel.copy_from_slice(first));
            }
        });
        let one = tensor(values, [batch / images, channels, height, width * images]);
        gradients.register::<Flex>(node.id, as_batch(one, images));
    }
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

/// [`halve`] with burn's own operation.
pub fn stock<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 4> {
    avg_pool2d(input, [2, 2], [2, 2], [0, 0], true, false)
}

/// The columns of `images` images alternate in a row of their one image.
fn halved(input: &FlexTensor, images: usize) -> FlexTensor {
    let input = contiguous(&as_one_image(input, images));
    let [batch, channels, height, width] = shape_of(&input);
    let shape = [batch, channels, height / 2, width / images / 2 * images];
    let (image, plane, half_plane) = (channels * height * width, height * width, shape[2] * shape[3]);
    let arch = Arch::new();
    let output = filled(shape.iter().product(), |output| {
        let outputs = output.par_chunks_exact_mut(channels * half_plane);
        outputs.zip(values(&input).par_chunks_exact(image)).with_min_len(pieces_of_task(image)).for_each(
            |(output, input)| {
                arch.dispatch(|| {
                    for (output, input) in output.chunks_exact_mut(half_plane).zip(input.chunks_exact(plane)) {
                        for (output, rows) in output.chunks_exact_mut(shape[3]).zip(input.chunks_exact(2 * width)) {
                            let (upper, lower) = rows.split_at(width);
                            let squares = upper.chunks_exact(2 * images).zip(lower.chunks_exact(2 * images));
                            for (output, (upper, lower)) in output.chunks_exact_mut(images).zip(squares) {
                                for (image, output) in output.iter_mut().enumerate() {
                                    let upper = upper[image] + upper[images + image];
                                    *output = (upper + lower[image] + lower[images + image]) / 4.0;
                                }
                            }
                        }
                    }
                });
            },
        );
    });
    as_batch(tensor(output, shape), images)
}

#[derive(Debug)]
struct Halve;

impl Backward<Flex, 1> for Halve {
    /// Shape of the input, and number of images in one.
    type State = ([usize; 4], usize);

    /// Each value of a square gets a quarter of its gradient.
    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let ([batch, channels, height, width], images) = ops.state;
        let gradient = contiguous(&as_one_image(&gradients.consume::<Flex>(&ops.node), images));
        let [node] = ops.parents;
        let Some(node) = node else { return };
        let shape = [batch / images, channels, height, width * images];
        let half = width / 2 * images;
        let (plane, half_plane) = (height * shape[3], height / 2 * half);
        let arch = Arch::new();
        let values = filled(shape.iter().product(), |result| {
            let results = result.par_chunks_exact_mut(channels * plane);
            let gradients = values(&gradient).par_chunks_exact(channels * half_plane);
            results.zip(gradients).with_min_len(pieces_of_task(channels * plane)).for_each(|(result, gradient)| {
                arch.dispatch(|| {
                    for (result, gradient) in result.chunks_exact_mut(plane).zip(gradient.chunks_exact(half_plane)) {
                        for (row, result) in result.chunks_exact_mut(shape[3]).enumerate() {
                            let gradient = gradient.get(row / 2 * half..(row / 2 + 1) * half).unwrap_or_default();
                            for (column, result) in result.chunks_exact_mut(images).enumerate() {
                                match gradient.get(column / 2 * images..(column / 2 + 1) * images) {
                                    Some(gradient) => {
                                        for (result, gradient) in result.iter_mut().zip(gradient) {
                                            *result = gradient / 4.0;
                                        }
                                    }
                                    None => result.fill(0.0),
                                }
                            }
                        }
                    }
                });
            });
        });
        gradients.register::<Flex>(node.id, as_batch(tensor(values, shape), images));
    }
}
