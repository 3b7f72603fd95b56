//! Volumes processed by the kernels for images.
//!
//! The slices of a volume are images of a batch. A convolution over depth is a convolution of images over the channels
//! of neighbouring slices. So the kernels for images, and their gradients, do all the work.

use burn::prelude::*;
use smash_kernels::parts::concatenate;

/// Volumes `[batch, depth, height, width]` as `[batch * depth, 1, height, width]`. Images stay unchanged.
pub(crate) fn slices_as_images<B: Backend>(examples: Tensor<B, 4>, depth: usize) -> Tensor<B, 4> {
    if depth == 1 {
        return examples;
    }
    let [batch, slices, height, width] = examples.dims();
    assert_eq!(slices, depth, "slices of a volume");
    examples.reshape([batch * depth, 1, height, width])
}

/// Means over the slices of each volume: `[batch * depth, channels]` to `[batch, channels]`.
pub(crate) fn mean_over_slices<B: Backend>(features: Tensor<B, 2>, batch: usize) -> Tensor<B, 2> {
    let [slices, channels] = features.dims();
    if slices == batch {
        return features;
    }
    features.reshape([batch, slices / batch, channels]).mean_dim(1).reshape([batch, channels])
}

/// For each slice, the slices that a kernel of this depth reads, as additional channels. The slices of each group are
/// together, ordered by their place. Beyond the ends of a volume all values are zero.
///
/// # Shapes
/// - `inputs`: `[batch * depth, channels, height, width]` each
/// - output: the same, with `kernel` times as many channels in all
pub(crate) fn neighbours<B: Backend>(
    inputs: Vec<Tensor<B, 4>>,
    depth: usize,
    kernel: usize,
    dilation: usize,
    groups: usize,
) -> Vec<Tensor<B, 4>> {
    let reach = (kernel / 2 * dilation) as isize;
    let offsets = (0..kernel).map(|place| (place * dilation) as isize - reach);
    if groups == 1 {
        let shifted = offsets.flat_map(|offset| inputs.iter().map(move |input| shifted(input.clone(), depth, offset)));
        return shifted.collect();
    }
    let whole = concatenate(inputs);
    let channels = whole.dims()[1] / groups;
    let shifted: Vec<Tensor<B, 4>> = offsets.map(|offset| shifted(whole.clone(), depth, offset)).collect();
    (0..groups)
        .flat_map(|group| {
            let of_group = move |slices: &Tensor<B, 4>| slices.clone().narrow(1, group * channels, channels);
            shifted.iter().map(of_group).collect::<Vec<_>>()
        })
        .collect()
}

/// For each slice, the slice that is `offset` further on in its volume, and zeros beyond the ends.
fn shifted<B: Backend>(input: Tensor<B, 4>, depth: usize, offset: isize) -> Tensor<B, 4> {
    if offset == 0 {
        return input;
    }
    let [slices, channels, height, width] = input.dims();
    let batch = slices / depth;
    let size = channels * height * width;
    let (missing, device) = (offset.unsigned_abs().min(depth), input.device());
    let zeros = Tensor::<B, 3>::zeros([batch, missing, size], &device);
    let volumes = input.reshape([batch, depth, size]);
    let shifted = match depth - missing {
        0 => zeros,
        rest if offset > 0 => Tensor::cat(vec![volumes.narrow(1, missing, rest), zeros], 1),
        rest => Tensor::cat(vec![zeros, volumes.narrow(1, 0, rest)], 1),
    };
    shifted.reshape([slices, channels, height, width])
}

/// Means of pairs of slices. An odd last slice is dropped, a single slice stays.
pub(crate) fn halve_depth<B: Backend>(input: Tensor<B, 4>, depth: usize) -> Tensor<B, 4> {
    pairs(input, depth, |pairs| pairs.mean_dim(2))
}

/// Every second slice, from `offset`. A single slice stays.
pub(crate) fn every_second_slice<B: Backend>(input: Tensor<B, 4>, depth: usize, offset: usize) -> Tensor<B, 4> {
    pairs(input, depth, |pairs| pairs.narrow(2, offset, 1))
}

fn pairs<B: Backend>(
    input: Tensor<B, 4>,
    depth: usize,
    one_of_two: impl Fn(Tensor<B, 4>) -> Tensor<B, 4>,
) -> Tensor<B, 4> {
    if depth == 1 {
        return input;
    }
    let [slices, channels, height, width] = input.dims();
    let (batch, half, size) = (slices / depth, depth / 2, channels * height * width);
    let volumes = input.reshape([batch, depth, size]).narrow(1, 0, 2 * half);
    one_of_two(volumes.reshape([batch, half, 2, size])).reshape([batch * half, channels, height, width])
}
