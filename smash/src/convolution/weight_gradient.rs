//! Gradient of a convolution's weight.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{Block, Geometry, Plan, copy_rows, even_ranges, load, pad, pieces_of_task, split_mut};
use crate::planes::Planes;

/// Most outputs in a block.
const BLOCK: usize = 6;
/// Values of a cache line.
const CACHE_LINE: usize = 16;
/// Parts that a batch is cut into for sums over images; a constant, so that it decides no bit of the result.
const PARTS: usize = 8;
/// Values of padded images that a sum over images holds at a time: what stays in the second-level cache beside the rest.
const CHUNK: usize = 128 * 1024;

/// Gradient of the weight: for each tap the output's gradient times the input there, summed over positions and images.
pub fn weight_gradient(input: &Planes<'_>, gradient: &[f32], geometry: Geometry) -> Vec<f32> {
    let plan = Plan::new(geometry);
    let parts = PARTS.min(geometry.batch);
    let sum_of_part = |part: usize| {
        let images = part * geometry.batch / parts..(part + 1) * geometry.batch / parts;
        let mut sums = vec![0.0; geometry.groups * geometry.outputs * geometry.taps()];
        add_weight_gradients(&plan, input, gradient, images, &mut sums);
        sums
    };
    let part_work = geometry.batch / parts * geometry.groups * geometry.outputs * geometry.multiply_adds();
    let tasks = (0..parts).into_par_iter().with_min_len(pieces_of_task(part_work));
    let parts: Vec<Vec<f32>> = tasks.map(sum_of_part).collect();
    let mut parts = parts.into_iter();
    let mut sum = parts.next().expect("a batch is not empty");
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// Adds the gradients of some images, one after the other.
fn add_weight_gradients(plan: &Plan, input: &Planes<'_>, gradient: &[f32], images: Range<usize>, sums: &mut [f32]) {
    let Plan {
        geometry, positions, ..
    } = plan;
    let Geometry {
        groups,
        inputs,
        outputs,
        ..
    } = *geometry;
    let (pixels, plane) = (geometry.pixels(), geometry.plane());
    let step = (CHUNK / (groups * inputs * plane)).max(1);
    let blocks = geometry.blocks(BLOCK);
    let (mut padded, mut buffer) = (Vec::new(), Vec::new());
    for start in images.clone().step_by(step) {
        let count = step.min(images.end - start);
        pad(input, start..start + count, *geometry, &mut padded);
        let image = groups * outputs * pixels;
        let gradients = interleave(plan, &blocks, &gradient[start * image..][..count * image], &mut buffer);
        split_mut(&blocks, sums, geometry.taps())
            .into_par_iter()
            .with_min_len(pieces_of_task(count * BLOCK * geometry.multiply_adds()))
            .for_each(|(block, sums)| {
                let size = count * positions.size;
                plan.arch.dispatch(Products {
                    gradients: &gradients[block.first * size..][..block.len * size],
                    outputs: block.len,
                    inputs: &padded[block.group * inputs * plane..],
                    image: groups * inputs * plane,
                    starts: &positions.padded,
                    offsets: &plan.offsets,
                    sums,
                });
            });
    }
}

/// Copies the output's gradient of some images in the order in which it is used: `[block, image, vector of positions,
/// output of the block, lane]`, from the start of a cache line on.
fn interleave<'a>(plan: &Plan, blocks: &[Block], gradient: &[f32], buffer: &'a mut Vec<f32>) -> &'a [f32] {
    let Plan {
        geometry, positions, ..
    } = plan;
    let channels = geometry.groups * geometry.outputs;
    let images = gradient.len() / (channels * geometry.pixels());
    let size = images * channels * positions.size;
    buffer.resize(size + CACHE_LINE, 0.0);
    let start = buffer
        .as_ptr()
        .align_offset(CACHE_LINE * size_of::<f32>())
        .min(CACHE_LINE);
    let interleaved = &mut buffer[start..start + size];
    let mut rows = vec![0.0; positions.size];
    for (block, target) in split_mut(blocks, interleaved, images * positions.size) {
        for (image, target) in target.chunks_exact_mut(block.len * positions.size).enumerate() {
            for output in 0..block.len {
                let plane = &gradient[(image * channels + block.first + output) * geometry.pixels()..];
                let plane = &plane[..geometry.pixels()];
                let (values, starts) = match &positions.plain {
                    Some(starts) => (plane, starts),
                    None => {
                        copy_rows(plane, geometry.width, &mut rows, geometry.pitch(), geometry.width);
                        (&rows[..], &positions.padded)
                    }
                };
                plan.arch.dispatch(Scatter {
                    values,
                    starts,
                    target,
                    output,
                    outputs: block.len,
                });
            }
        }
    }
    interleaved
}

/// Copies each vector of `values` to its place among those of the other outputs.
struct Scatter<'a> {
    values: &'a [f32],
    starts: &'a [usize],
    target: &'a mut [f32],
    output: usize,
    outputs: usize,
}

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (target, _) = S::as_mut_simd_f32s(self.target);
        for (target, &start) in target.chunks_exact_mut(self.outputs).zip(self.starts) {
            target[self.output] = load::<S>(self.values, start);
        }
    }
}

/// Adds to `sums` `[output, tap]` the sums of products of each output's gradient with the input at each offset.
struct Products<'a> {
    /// `[image, vector of positions, output, lane]`
    gradients: &'a [f32],
    outputs: usize,
    /// Padded planes of several images.
    inputs: &'a [f32],
    /// Distance of two images in `inputs`.
    image: usize,
    /// First position of each vector in a padded plane.
    starts: &'a [usize],
    offsets: &'a [usize],
    sums: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many taps at a time as there are registers for.
        macro_rules! by_taps {
            ($outputs:literal: $most:literal, $($taps:literal)*) => {
                for range in even_ranges(self.offsets.len(), $most) {
                    match range.len() {
                        $($taps => simd.vectorize(ProductBlock::<$outputs, $taps> { products: &mut self, first: range.start }),)*
                        taps => unreachable!("a block of {taps} taps"),
                    }
                }
            };
        }
        match self.outputs {
            1 => by_taps!(1: 8, 1 2 3 4 5 6 7 8),
            2 => by_taps!(2: 8, 1 2 3 4 5 6 7 8),
            3 => by_taps!(3: 7, 1 2 3 4 5 6 7),
            4 => by_taps!(4: 5, 1 2 3 4 5),
            5 => by_taps!(5: 4, 1 2 3 4),
            6 => by_taps!(6: 4, 1 2 3 4),
            outputs => unreachable!("a block of {outputs} outputs"),
        }
    }
}

/// The sums of a block of outputs and some taps, held in registers over all positions and images.
struct ProductBlock<'a, 'b, const OUTPUTS: usize, const TAPS: usize> {
    products: &'a mut Products<'b>,
    /// The first of the taps.
    first: usize,
}

impl<const OUTPUTS: usize, const TAPS: usize> WithSimd for ProductBlock<'_, '_, OUTPUTS, TAPS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { products, first } = self;
        let taps: &[usize; TAPS] = products.offsets[first..][..TAPS].try_into().expect("enough taps");
        let (gradients, _) = S::as_simd_f32s(products.gradients);
        let (gradients, _) = gradients.as_chunks::<OUTPUTS>();
        let mut totals = [[simd.splat_f32s(0.0); TAPS]; OUTPUTS];
        for (image, gradients) in gradients.chunks_exact(products.starts.len()).enumerate() {
            let inputs = &products.inputs[image * products.image..];
            for (gradients, &start) in gradients.iter().zip(products.starts) {
                let mut values = [simd.splat_f32s(0.0); TAPS];
                for t in 0..TAPS {
                    values[t] = load::<S>(inputs, start + taps[t]);
                }
                // By index: as iterators, these two loops keep the totals in memory rather than in registers.
                #[allow(clippy::needless_range_loop)]
                for o in 0..OUTPUTS {
                    for t in 0..TAPS {
                        totals[o][t] = simd.mul_add_e_f32s(gradients[o], values[t], totals[o][t]);
                    }
                }
            }
        }
        let row = products.offsets.len();
        for (o, totals) in totals.iter().enumerate() {
            for (t, &total) in totals.iter().enumerate() {
                products.sums[o * row + first + t] += simd.reduce_sum_f32s(total);
            }
        }
    }
}
