//! Outputs of a convolution on the CPU, and the gradient of its input, which is also a convolution.
//!
//! Images run in parallel on rayon's threads, and each output is summed in a fixed order. So the result is
//! bit-identical on any number of threads.

use pulp::Arch;
use rayon::prelude::*;

use super::direct::Direct;
use super::geometry::{Block, Geometry, share_out, split_mut};
use super::method::{Method, PARALLEL_IMAGES};
use super::plan::Vectors;
use super::tile::most_outputs;
use super::winograd::Winograd;
use crate::planes::Planes;
use crate::primitive::{Scratch, filled, pieces_of_task, refill};

/// Convolution of `input` `[batch, channels_in, height, width]` with `weight` `[channels_out, channels_in / groups,
/// kernel_height, kernel_width]`.
pub fn forward(input: &Planes<'_>, weight: &[f32], geometry: Geometry) -> Vec<f32> {
    let (inputs, window) = (geometry.inputs, geometry.window());
    let at = |output: usize, input: usize, place: usize| weight[(output * inputs + input) * window + place];
    convolve(input, at, geometry, &|_, _, _| ())
}

/// Gradient of the input's channels, from channel `first` of each group on. It is the convolution of the output's
/// gradient with the flipped and transposed weight.
pub fn input_gradient(
    input: &Planes<'_>,
    weight: &[f32],
    gradient: &[f32],
    geometry: Geometry,
    first: usize,
) -> Vec<f32> {
    assert!(first == 0 || geometry.groups == 1, "channels of {} groups from {first} on", geometry.groups);
    let Geometry { inputs, outputs, slope, .. } = geometry;
    let pixels = geometry.pixels();
    let window = geometry.window();
    let kept = inputs - first;
    let mut transposed = geometry.transposed();
    transposed.outputs = kept;
    let at = |channel: usize, output: usize, place: usize| {
        let (group, input) = (channel / kept, first + channel % kept);
        weight[((group * outputs + output) * inputs + input) * window + window - 1 - place]
    };
    let gradient = Planes::contiguous(gradient, geometry.groups * outputs, pixels);
    let arch = Arch::new();
    convolve(&gradient, at, transposed, &|image, block, values| {
        if slope == 1.0 {
            return;
        }
        let planes = input.channels[first + block.first..].iter();
        // Moved: a slope behind a reference might alias the values written, and nothing would be vectorised.
        arch.dispatch(move || {
            for (values, channel) in values.chunks_exact_mut(pixels).zip(planes) {
                for (value, &input) in values.iter_mut().zip(channel.plane(image, pixels)) {
                    *value *= if input > 0.0 { 1.0 } else { slope };
                }
            }
        });
    })
}

/// The operation that finishes the computed outputs of a block of an image.
type Finish<'a> = dyn Fn(usize, &Block, &mut [f32]) + Sync + 'a;

/// Convolves with weights `at(output, input of its group, place in the window)`.
fn convolve(
    input: &Planes<'_>,
    at: impl Fn(usize, usize, usize) -> f32 + Sync,
    geometry: Geometry,
    finish: &Finish<'_>,
) -> Vec<f32> {
    match Winograd::of(geometry) {
        Some(winograd) => convolve_by(&winograd, input, at, finish),
        None => convolve_by(&Direct::of(geometry), input, at, finish),
    }
}

/// Convolves with the given method.
fn convolve_by(
    method: &impl Method,
    input: &Planes<'_>,
    at: impl Fn(usize, usize, usize) -> f32 + Sync,
    finish: &Finish<'_>,
) -> Vec<f32> {
    let geometry = method.geometry();
    let (pixels, taps, most) = (geometry.pixels(), method.taps(), most_outputs(Vectors::of(Arch::new())));
    let output_size = geometry.groups * geometry.outputs * pixels;
    let blocks = geometry.blocks(most);
    let mut packed = Scratch::new();
    refill(&mut packed, geometry.groups * geometry.outputs * taps, |packed| {
        let blocks = split_mut(&blocks, packed, taps).into_par_iter();
        blocks.with_min_len(pieces_of_task(most * taps)).for_each(|(block, packed)| method.pack(block, &at, packed));
    });
    let compute = |pass: usize, laid_out: &[f32], block: &Block, scratch: &mut Vec<f32>, output: &mut [f32]| {
        let weights = &packed[block.first * taps..][..block.len * taps];
        method.compute(pass, laid_out, weights, block, scratch, output);
    };
    let by_image = |output: &mut [f32]| {
        let images = output.chunks_exact_mut(output_size).enumerate();
        let buffers = || (Scratch::new(), Scratch::new());
        let work = geometry.batch * geometry.multiply_adds();
        share_out(images, work, buffers, |(laid_out, scratch), (image, output)| {
            for pass in 0..method.passes() {
                method.lay_out(input, image, pass, laid_out);
                for (block, output) in split_mut(&blocks, output, pixels) {
                    compute(pass, laid_out, block, scratch, output);
                }
            }
            for (block, output) in split_mut(&blocks, output, pixels) {
                finish(image, block, output);
            }
        });
    };
    let by_block = |output: &mut [f32]| {
        let mut laid_out = Scratch::new();
        for (image, output) in output.chunks_exact_mut(output_size).enumerate() {
            method.lay_out(input, image, 0, &mut laid_out);
            let blocks = split_mut(&blocks, output, pixels).into_iter();
            let work = geometry.multiply_adds();
            share_out(blocks, work, Scratch::new, |scratch, (block, output)| {
                for pass in 0..method.passes() {
                    compute(pass, &laid_out, block, scratch, output);
                }
                finish(image, block, output);
            });
        }
    };
    filled(geometry.batch * output_size, |output| {
        if geometry.batch >= PARALLEL_IMAGES {
            by_image(output);
        } else {
            by_block(output);
        }
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Values between -1 and 1 that repeat nowhere.
    fn wave(count: usize) -> Vec<f32> {
        (0..count).map(|index| (index as f32 * index as f32 * 0.37).sin()).collect()
    }

    /// Input and weight of a convolution.
    pub fn operands(geometry: Geometry) -> [Vec<f32>; 2] {
        let channels = geometry.groups * geometry.inputs;
        [
            wave(geometry.batch * channels * geometry.pixels()),
            wave(geometry.groups * geometry.outputs * geometry.taps()),
        ]
    }

    /// The outputs that a method computes from these operands.
    pub fn outputs_by(method: &impl Method) -> Vec<f32> {
        let geometry = method.geometry();
        let [input, weight] = operands(geometry);
        let planes = Planes::contiguous(&input, geometry.groups * geometry.inputs, geometry.pixels());
        let at = |output, input, place| weight[(output * geometry.inputs + input) * geometry.window() + place];
        convolve_by(method, &planes, at, &|_, _, _| ())
    }
}
