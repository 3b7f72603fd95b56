//! Gradient of a convolution's weight.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{BLOCK, Geometry, Plan, even_ranges, load, pad, pieces_of_task, split_mut, spread};

/// Parts that a batch is cut into for sums over images; a constant, so that it decides no bit of the result.
const PARTS: usize = 8;
/// Values of padded images that a sum over images holds at a time: what stays in the second-level cache beside the rest.
const CHUNK: usize = 128 * 1024;

/// Gradient of the weight: for each tap the output's gradient times the input there, summed over positions and images.
pub fn weight_gradient(input: &[f32], gradient: &[f32], geometry: Geometry) -> Vec<f32> {
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
fn add_weight_gradients(plan: &Plan, input: &[f32], gradient: &[f32], images: Range<usize>, sums: &mut [f32]) {
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
    let (mut padded, mut buffer) = (Vec::new(), Vec::new());
    for start in images.clone().step_by(step) {
        let count = step.min(images.end - start);
        let of_images = |channels: usize| start * channels * pixels..(start + count) * channels * pixels;
        pad(&input[of_images(groups * inputs)], *geometry, &mut padded);
        let (gradient_plane, gradient_starts) = match &positions.plain {
            Some(plain) => (pixels, plain),
            None => (positions.size, &positions.padded),
        };
        let gradients = &gradient[of_images(groups * outputs)];
        let gradients = spread(gradients, *geometry, gradient_plane, &mut buffer);
        split_mut(&plan.blocks, sums, geometry.taps())
            .into_par_iter()
            .with_min_len(pieces_of_task(count * BLOCK * geometry.multiply_adds()))
            .for_each(|(block, sums)| {
                plan.arch.dispatch(Products {
                    images: count,
                    left: Planes {
                        values: &gradients[block.first * gradient_plane..],
                        image: groups * outputs * gradient_plane,
                        starts: gradient_starts,
                    },
                    plane: gradient_plane,
                    outputs: block.len,
                    right: Planes {
                        values: &padded[block.group * inputs * plane..],
                        image: groups * inputs * plane,
                        starts: &positions.padded,
                    },
                    offsets: &plan.offsets,
                    sums,
                });
            });
    }
}

/// Planes of several images.
#[derive(Clone, Copy)]
struct Planes<'a> {
    values: &'a [f32],
    /// Distance of two images.
    image: usize,
    /// First position of each vector in a plane.
    starts: &'a [usize],
}

/// Adds to `sums` `[output, tap]` the sums of products of each plane of `left` with `right` at each offset.
struct Products<'a> {
    images: usize,
    left: Planes<'a>,
    /// Distance of two outputs in `left`.
    plane: usize,
    outputs: usize,
    right: Planes<'a>,
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
            7 => by_taps!(7: 3, 1 2 3),
            8 => by_taps!(8: 3, 1 2 3),
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
        let Products { left, right, plane, .. } = *products;
        let taps: &[usize; TAPS] = products.offsets[first..][..TAPS].try_into().expect("enough taps");
        let mut totals = [[simd.splat_f32s(0.0); TAPS]; OUTPUTS];
        for image in 0..products.images {
            let gradients = &left.values[image * left.image..];
            let inputs = &right.values[image * right.image..];
            for (&place, &start) in left.starts.iter().zip(right.starts) {
                let mut values = [simd.splat_f32s(0.0); TAPS];
                for t in 0..TAPS {
                    values[t] = load::<S>(inputs, start + taps[t]);
                }
                // By index: as iterators, these two loops keep the totals in memory rather than in registers.
                #[allow(clippy::needless_range_loop)]
                for o in 0..OUTPUTS {
                    let gradient = load::<S>(gradients, place + o * plane);
                    for t in 0..TAPS {
                        totals[o][t] = simd.mul_add_e_f32s(gradient, values[t], totals[o][t]);
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
