//! Gradient of a convolution's weight.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{Block, Geometry, copy_rows, even_ranges, load, pad, share_out, split_mut};
use super::plan::{MANY_REGISTERS, Plan};
use crate::planes::Planes;
use crate::primitive::{Scratch, refill};

/// Largest number of outputs in a block: as many as fit into the registers with the taps of one kernel row.
fn most_outputs(plan: &Plan) -> usize {
    match plan.geometry.kernel {
        _ if plan.vectors.registers < MANY_REGISTERS => 4,
        [_, 3] => 8,
        _ => 6,
    }
}

/// Number of values in a cache line.
const CACHE_LINE: usize = 16;
/// Largest number of parts that a batch is cut into for sums over images.
const PARTS: usize = 8;
/// Smallest number of vectors of positions in a part. The sums of a part lie in the lanes of vectors until its end, and
/// are then taken out one by one.
const PART: usize = 256;
/// Number of values of padded images that a sum over images holds at a time. They stay in the second-level cache beside
/// the rest.
const CHUNK: usize = 128 * 1024;
/// Number of values of gradients that stay in the first-level cache during a loop over all taps.
const FIRST_LEVEL: usize = 6 * 1024;

/// Gradient of the weight. For each tap it is the output's gradient times the input there, summed over positions and
/// images.
pub fn weight_gradient(input: &Planes<'_>, gradient: &[f32], geometry: Geometry) -> Vec<f32> {
    let plan = Plan::of(geometry, None);
    let vectors = geometry.batch * plan.positions.padded.len();
    // Independent of the number of threads, so that the number decides no bit of the result.
    let parts = (vectors / PART).clamp(2, PARTS).min(geometry.batch);
    let images = |part: usize| part * geometry.batch / parts..(part + 1) * geometry.batch / parts;
    let work = geometry.batch * geometry.multiply_adds();
    let mut sums = vec![Vec::new(); parts];
    share_out(
        sums.iter_mut().enumerate(),
        work,
        || (),
        |(), (part, sum)| {
            *sum = sum_of_part(&plan, input, gradient, images(part));
        },
    );
    let mut sums = sums.into_iter();
    let mut total = sums.next().expect("a batch is not empty");
    let rest: Vec<Vec<f32>> = sums.collect();
    total.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, total)| {
        for sum in &rest {
            let values = &sum[chunk * CHUNK..];
            total.iter_mut().zip(values).for_each(|(total, value)| *total += value);
        }
    });
    total
}

/// The gradient of some images.
fn sum_of_part(plan: &Plan, input: &Planes<'_>, gradient: &[f32], images: Range<usize>) -> Vec<f32> {
    let Plan { geometry, positions, .. } = plan;
    let Geometry { groups, inputs, outputs, .. } = *geometry;
    let (pixels, plane, taps) = (geometry.pixels(), geometry.plane(), geometry.taps());
    let blocks = geometry.blocks(most_outputs(plan));
    let mut sums = vec![0.0; groups * outputs * taps];
    // A plane serves all taps of its kernel. If there is only one tap, planes must come from a near cache.
    let step = match geometry.kernel {
        [1, 1] => (CHUNK / (groups * inputs * plane)).max(1),
        _ => images.len(),
    };
    let runs = runs(plan);
    let (mut padded, mut buffer) = (Scratch::new(), Scratch::new());
    let lanes = plan.vectors.lanes;
    let take_out = |block: &Block, lane_sums: &[f32], first: usize, sums: &mut [f32]| {
        let outputs = block.len;
        plan.arch.dispatch(TakeOut { lane_sums, outputs, first, sums });
    };
    let mut lane_sums = Scratch::new();
    if step < images.len() {
        lane_sums.resize(groups * outputs * taps * lanes, 0.0);
    }
    for start in images.clone().step_by(step) {
        let count = step.min(images.end - start);
        pad(input, start..start + count, *geometry, &mut padded);
        let image = groups * outputs * pixels;
        let gradients = interleave(plan, &blocks, &gradient[start * image..][..count * image], &mut buffer);
        let products = |block: &Block, runs: &[Run<'_>], lane_sums: &mut [f32]| {
            let size = count * positions.size;
            plan.arch.dispatch(Products {
                gradients: &gradients[block.first * size..][..block.len * size],
                outputs: block.len,
                inputs: &padded[block.group * inputs * plane..],
                image: groups * inputs * plane,
                starts: &positions.padded,
                runs,
                sums: lane_sums,
            });
        };
        let work = count * geometry.multiply_adds();
        if step < images.len() {
            let blocks = split_mut(&blocks, &mut lane_sums, taps * lanes).into_iter();
            share_out(blocks, work, || (), |(), (block, lane_sums)| products(block, &runs, lane_sums));
        } else {
            let blocks = split_mut(&blocks, &mut sums, taps).into_iter();
            share_out(blocks, work, Scratch::new, |lane_sums, (block, sums)| {
                let mut first = 0;
                // Input by input, so that sums stay in the first-level cache until they are taken out.
                for runs in runs.chunks(geometry.kernel[0]) {
                    let taps = runs.iter().map(|run| run.offsets.len()).sum::<usize>();
                    lane_sums.clear();
                    lane_sums.resize(block.len * taps * lanes, 0.0);
                    products(block, runs, lane_sums);
                    take_out(block, lane_sums, first, sums);
                    first += taps;
                }
            });
        }
    }
    if step < images.len() {
        let lane_sums = split_mut(&blocks, &mut lane_sums, taps * lanes).into_iter();
        for ((block, lane_sums), (_, sums)) in lane_sums.zip(split_mut(&blocks, &mut sums, taps)) {
            take_out(block, lane_sums, 0, sums);
        }
    }
    sums
}

/// Taps that read the same rows of the same planes, so that they are summed together.
struct Run<'a> {
    offsets: &'a [usize],
    /// Vectors of positions whose taps lie in the image.
    vectors: Range<usize>,
}

/// All taps of an output in the order of the weight. Planes stay in a near cache for all rows of the kernel.
fn runs(plan: &Plan) -> Vec<Run<'_>> {
    let Geometry { inputs, kernel, .. } = plan.geometry;
    let [rows, columns] = kernel;
    let vectors: Vec<Range<usize>> = (0..rows).map(|row| plan.positions.of_row(row)).collect();
    if rows == 1 {
        let (offsets, vectors) = (&plan.offsets[..], vectors[0].clone());
        return vec![Run { offsets, vectors }];
    }
    let run = |input: usize, row: usize| Run {
        offsets: &plan.offsets[(row * inputs + input) * columns..][..columns],
        vectors: vectors[row].clone(),
    };
    (0..inputs).flat_map(|input| (0..rows).map(move |row| (input, row))).map(|(input, row)| run(input, row)).collect()
}

/// Sums over lanes. The lane sums of some taps, `[tap, output, lane]`, go to the sums of all taps, `[output, tap]`.
struct TakeOut<'a> {
    lane_sums: &'a [f32],
    outputs: usize,
    /// The first tap.
    first: usize,
    sums: &'a mut [f32],
}

impl WithSimd for TakeOut<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { lane_sums, outputs, first, sums } = self;
        let taps = sums.len() / outputs;
        let (lane_sums, _) = S::as_simd_f32s(lane_sums);
        for (tap, of_tap) in lane_sums.chunks_exact(outputs).enumerate() {
            for (output, &lanes) in of_tap.iter().enumerate() {
                sums[output * taps + first + tap] = simd.reduce_sum_f32s(lanes);
            }
        }
    }
}

/// Copies the output's gradient of some images in the order of use:
/// `[block, image, vector of positions, output of the block, lane]`. The copy starts at a cache line.
fn interleave<'a>(plan: &Plan, blocks: &[Block], gradient: &[f32], buffer: &'a mut Vec<f32>) -> &'a [f32] {
    let Plan { geometry, positions, .. } = plan;
    let channels = geometry.groups * geometry.outputs;
    let images = gradient.len() / (channels * geometry.pixels());
    let size = images * channels * positions.size;
    let mut rows = Scratch::new();
    rows.resize(positions.size, 0.0);
    let mut start = 0;
    refill(buffer, size + CACHE_LINE, |room| {
        start = room.as_ptr().align_offset(CACHE_LINE * size_of::<f32>()).min(CACHE_LINE);
        room[..start].fill(0.0);
        room[start + size..].fill(0.0);
        copy_gradients(plan, blocks, gradient, &mut rows, &mut room[start..start + size]);
    });
    &buffer[start..start + size]
}

/// The copy itself. `rows` has room for a plane at the padded pitch, and holds zeros.
fn copy_gradients(plan: &Plan, blocks: &[Block], gradient: &[f32], rows: &mut [f32], interleaved: &mut [f32]) {
    let Plan { geometry, positions, .. } = plan;
    let channels = geometry.groups * geometry.outputs;
    let lanes = plan.vectors.lanes;
    let images = gradient.len() / (channels * geometry.pixels());
    for (block, target) in split_mut(blocks, interleaved, images * positions.size) {
        for (image, target) in target.chunks_exact_mut(block.len * positions.size).enumerate() {
            for output in 0..block.len {
                let plane = &gradient[(image * channels + block.first + output) * geometry.pixels()..];
                let plane = &plane[..geometry.pixels()];
                let (values, starts) = match &positions.plain {
                    Some(starts) => (plane, starts),
                    None => {
                        copy_rows(plane, geometry.width, rows, geometry.pitch(), geometry.width);
                        (&*rows, &positions.padded)
                    }
                };
                plan.arch.dispatch(Scatter { values, starts, target, output, outputs: block.len });
            }
            // A value in two vectors must count once.
            for vector in positions.overlapping() {
                for lanes in target[vector * block.len * lanes..][..block.len * lanes].chunks_exact_mut(lanes) {
                    lanes[..positions.overlap].fill(0.0);
                }
            }
        }
    }
}

/// Copies each vector of `values` to its place among the vectors of the other outputs.
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

/// Adds to `sums` the products of each output's gradient with the input at each offset, lane by lane.
struct Products<'a> {
    /// `[image, vector of positions, output, lane]`
    gradients: &'a [f32],
    outputs: usize,
    /// Padded planes of several images.
    inputs: &'a [f32],
    /// Distance between two images in `inputs`.
    image: usize,
    /// First position of each vector in a padded plane.
    starts: &'a [usize],
    runs: &'a [Run<'a>],
    /// `[tap, output, lane]`
    sums: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many taps at a time as fit into the registers.
        macro_rules! by_taps {
            ($outputs:literal: $most:literal, $($taps:literal)*) => {{
                let image = $outputs * self.starts.len() * S::F32_LANES;
                let step = (FIRST_LEVEL / image).max(1);
                for (images, gradients) in self.gradients.chunks(step * image).enumerate() {
                    let inputs = &self.inputs[images * step * self.image..];
                    let mut first = 0;
                    for run in self.runs {
                        for taps in even_ranges(run.offsets.len(), $most) {
                            let first = first + taps.start;
                            match taps.len() {
                                $($taps => simd.vectorize(ProductBlock::<$outputs, $taps> {
                                    products: &mut self,
                                    gradients,
                                    inputs,
                                    vectors: run.vectors.clone(),
                                    offsets: &run.offsets[taps],
                                    first,
                                }),)*
                                taps => unreachable!("a block of {taps} taps"),
                            }
                        }
                        first += run.offsets.len();
                    }
                }
            }};
        }
        if S::REGISTER_COUNT >= MANY_REGISTERS {
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
        } else {
            match self.outputs {
                1 => by_taps!(1: 8, 1 2 3 4 5 6 7 8),
                2 => by_taps!(2: 5, 1 2 3 4 5),
                3 => by_taps!(3: 3, 1 2 3),
                4 => by_taps!(4: 3, 1 2 3),
                outputs => unreachable!("a block of {outputs} outputs"),
            }
        }
    }
}

/// The sums of a block of outputs and some taps, held in registers over all positions of some images.
struct ProductBlock<'a, 'b, const OUTPUTS: usize, const TAPS: usize> {
    products: &'a mut Products<'b>,
    gradients: &'a [f32],
    inputs: &'a [f32],
    vectors: Range<usize>,
    /// Offset of each tap.
    offsets: &'a [usize],
    /// The first tap.
    first: usize,
}

impl<const OUTPUTS: usize, const TAPS: usize> WithSimd for ProductBlock<'_, '_, OUTPUTS, TAPS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { products, gradients, inputs, vectors, offsets, first } = self;
        let taps: &[usize; TAPS] = offsets.try_into().expect("enough taps");
        let (gradients, _) = S::as_simd_f32s(gradients);
        let (gradients, _) = gradients.as_chunks::<OUTPUTS>();
        let (sums, _) = S::as_mut_simd_f32s(products.sums);
        let (sums, _) = sums.as_chunks_mut::<OUTPUTS>();
        let sums: &mut [[S::f32s; OUTPUTS]; TAPS] = (&mut sums[first..][..TAPS]).try_into().expect("enough taps");
        let mut totals = *sums;
        for (image, gradients) in gradients.chunks_exact(products.starts.len()).enumerate() {
            let inputs = &inputs[image * products.image..];
            let starts = &products.starts[vectors.clone()];
            for (gradients, &start) in gradients[vectors.clone()].iter().zip(starts) {
                let mut values = [simd.splat_f32s(0.0); TAPS];
                for t in 0..TAPS {
                    values[t] = load::<S>(inputs, start + taps[t]);
                }
                // By index: as iterators, these two loops keep the totals in memory rather than in registers.
                #[allow(clippy::needless_range_loop)]
                for o in 0..OUTPUTS {
                    for t in 0..TAPS {
                        totals[t][o] = simd.mul_add_e_f32s(gradients[o], values[t], totals[t][o]);
                    }
                }
            }
        }
        *sums = totals;
    }
}
