//! Direct convolution on the CPU: every output is a chain of multiply-adds over the taps of its kernel, on padded planes.
//!
//! With zeros between rows, above and below, tap `t` of the output at position `p` lies at `p + offset[t]`, whatever the
//! image's border. So one loop over taps, with a block of outputs and some vectors of positions in registers, serves all
//! shapes of the space, grouped, dilated and 1x1, without patches being copied anywhere.
//!
//! Images run side by side on rayon's threads, each output is summed in a fixed order, and so the result is the same to the
//! bit on any number of threads.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{Block, Geometry, copy_rows, load, pieces_of_work, split_mut};
use super::plan::{MANY_REGISTERS, Plan, Vectors};
use crate::flex::{filled, pieces_of_task};
use crate::planes::Planes;

/// Fewest images that are a task each; of fewer, each block of outputs is.
const PARALLEL_IMAGES: usize = 8;
/// Taps that are summed before their sum is added to the total: long chains lose digits.
const CHAIN: usize = 64;

/// Most outputs in a block.
fn most_outputs(vectors: Vectors) -> usize {
    if vectors.registers >= MANY_REGISTERS { 8 } else { 6 }
}

/// Convolution of `input` `[batch, channels_in, height, width]` with `weight` `[channels_out, channels_in / groups,
/// kernel_height, kernel_width]`.
pub fn forward(input: &Planes<'_>, weight: &[f32], geometry: Geometry) -> Vec<f32> {
    let (inputs, window) = (geometry.inputs, geometry.window());
    let plan = Plan::for_outputs(geometry);
    let packed = pack(&plan, |output, input, place| {
        weight[(output * inputs + input) * window + place]
    });
    convolve(input, &packed, &plan, &|_, _, _| ())
}

/// Gradient of the input's channels from `first` on, of each group: the output's gradient convolved with the flipped and
/// transposed weight.
pub fn input_gradient(
    input: &Planes<'_>,
    weight: &[f32],
    gradient: &[f32],
    geometry: Geometry,
    first: usize,
) -> Vec<f32> {
    assert!(
        first == 0 || geometry.groups == 1,
        "channels of {} groups from {first} on",
        geometry.groups
    );
    let Geometry {
        inputs, outputs, slope, ..
    } = geometry;
    let pixels = geometry.pixels();
    let window = geometry.window();
    let kept = inputs - first;
    let mut transposed = geometry.transposed();
    transposed.outputs = kept;
    let plan = Plan::for_outputs(transposed);
    let packed = pack(&plan, |channel, output, place| {
        let (group, input) = (channel / kept, first + channel % kept);
        weight[((group * outputs + output) * inputs + input) * window + window - 1 - place]
    });
    let gradient = Planes::contiguous(gradient, geometry.groups * outputs, pixels);
    convolve(&gradient, &packed, &plan, &|image, block, values| {
        if slope == 1.0 {
            return;
        }
        let planes = input.channels[first + block.first..].iter();
        // Moved: a slope behind a reference might be what is written, and nothing would be vectorised.
        plan.arch.dispatch(move || {
            for (values, channel) in values.chunks_exact_mut(pixels).zip(planes) {
                for (value, &input) in values.iter_mut().zip(channel.plane(image, pixels)) {
                    *value *= if input > 0.0 { 1.0 } else { slope };
                }
            }
        });
    })
}

/// Weights `at(output, input of its group, place in the window)` in the order in which they are used: `[block, tap, output
/// of the block]`.
fn pack(plan: &Plan, at: impl Fn(usize, usize, usize) -> f32 + Sync) -> Vec<f32> {
    let (taps, most) = (plan.geometry.taps(), most_outputs(plan.vectors));
    let blocks = plan.geometry.blocks(most);
    filled(plan.geometry.groups * plan.geometry.outputs * taps, |packed| {
        let blocks = split_mut(&blocks, packed, taps).into_par_iter();
        blocks
            .with_min_len(pieces_of_task(most * taps))
            .for_each(|(block, packed)| {
                let places = plan.geometry.places();
                for ([input, place], packed) in places.zip(packed.chunks_exact_mut(block.len)) {
                    for (output, packed) in packed.iter_mut().enumerate() {
                        *packed = at(block.first + output, input, place);
                    }
                }
            });
    })
}

/// What is done to the outputs of a block of an image, once they are there.
type Finish<'a> = dyn Fn(usize, &Block, &mut [f32]) + Sync + 'a;

/// Convolves with packed weights.
fn convolve(input: &Planes<'_>, packed: &[f32], plan: &Plan, finish: &Finish<'_>) -> Vec<f32> {
    let geometry = plan.geometry;
    let (pixels, taps) = (geometry.pixels(), geometry.taps());
    let output_size = geometry.groups * geometry.outputs * pixels;
    let most = most_outputs(plan.vectors);
    let (blocks, ranges) = (geometry.blocks(most), plan.ranges());
    let block_output =
        |padded: &[f32], vectors: &Range<usize>, rows: &mut Vec<f32>, block: &Block, output: &mut [f32]| {
            plan.arch.dispatch(ConvolveBlock {
                plan,
                vectors: vectors.clone(),
                padded: &padded[block.group * geometry.inputs * geometry.plane()..],
                weights: &packed[block.first * taps..][..block.len * taps],
                outputs: block.len,
                rows,
                output,
            });
        };
    let by_image = |output: &mut [f32]| {
        let image_work = geometry.groups * geometry.outputs * geometry.multiply_adds();
        let images = output.par_chunks_exact_mut(output_size).enumerate();
        let images = images.with_min_len(pieces_of_work(image_work));
        let scratch = || (Vec::new(), Vec::new());
        images.for_each_init(scratch, |(padded, rows), (image, output)| {
            plan.lay_out(input, image, padded);
            for vectors in &ranges {
                for (block, output) in split_mut(&blocks, output, pixels) {
                    block_output(padded, vectors, rows, block, output);
                }
            }
            for (block, output) in split_mut(&blocks, output, pixels) {
                finish(image, block, output);
            }
        });
    };
    let by_block = |output: &mut [f32]| {
        let mut padded = Vec::new();
        for (image, output) in output.chunks_exact_mut(output_size).enumerate() {
            plan.lay_out(input, image, &mut padded);
            let tasks = split_mut(&blocks, output, pixels).into_par_iter();
            let tasks = tasks.with_min_len(pieces_of_work(most * geometry.multiply_adds()));
            tasks.for_each_init(Vec::new, |rows, (block, output)| {
                for vectors in &ranges {
                    block_output(&padded, vectors, rows, block, output);
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

/// A block of outputs of one image.
struct ConvolveBlock<'a> {
    plan: &'a Plan,
    /// Which vectors of positions.
    vectors: Range<usize>,
    /// Padded planes of the block's group.
    padded: &'a [f32],
    /// `[tap, output]`
    weights: &'a [f32],
    outputs: usize,
    /// Room for outputs at the padded pitch.
    rows: &'a mut Vec<f32>,
    output: &'a mut [f32],
}

impl WithSimd for ConvolveBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            plan,
            vectors,
            rows,
            output,
            ..
        } = self;
        let Plan {
            geometry, positions, ..
        } = plan;
        let pixels = geometry.pixels();
        let tiles = Tiles {
            padded: self.padded,
            starts: &positions.padded[vectors.clone()],
            rows: &positions.rows[vectors.clone()],
            taps_of_row: geometry.taps_of_row(),
            offsets: &plan.offsets,
            weights: self.weights,
        };
        if let Some(plain) = &positions.plain {
            return tiles.convolve(simd, self.outputs, output, pixels, &plain[vectors]);
        }
        rows.resize(self.outputs * positions.size, 0.0);
        tiles.convolve(simd, self.outputs, rows, positions.size, &positions.padded);
        for (source, target) in rows.chunks_exact(positions.size).zip(output.chunks_exact_mut(pixels)) {
            copy_rows(source, geometry.pitch(), target, geometry.width, geometry.width);
        }
    }
}

/// What the tiles of a block of outputs have in common.
#[derive(Clone, Copy)]
struct Tiles<'a> {
    padded: &'a [f32],
    /// First position of each vector.
    starts: &'a [usize],
    /// Rows of the kernel that each vector needs.
    rows: &'a [Range<usize>],
    taps_of_row: usize,
    offsets: &'a [usize],
    /// `[tap, output]`
    weights: &'a [f32],
}

impl Tiles<'_> {
    /// Taps that any of some vectors needs; the others are zeros beside the image.
    #[inline(always)]
    fn taps(&self, vectors: Range<usize>) -> Range<usize> {
        // The further down a vector lies, the fewer rows below it.
        let (first, last) = (&self.rows[vectors.start], &self.rows[vectors.end - 1]);
        last.start * self.taps_of_row..first.end * self.taps_of_row
    }

    /// Writes vector `v` of output `o` to `target[o * plane + places[v]..]`.
    #[inline(always)]
    fn convolve<S: Simd>(self, simd: S, outputs: usize, target: &mut [f32], plane: usize, places: &[usize]) {
        // As many vectors at a time as there are registers for, then fewer.
        macro_rules! tiles {
            ($outputs:literal: $($vectors:literal)*) => {{
                let mut first = 0;
                $(while places.len() - first >= $vectors {
                    simd.vectorize(Tile::<$outputs, $vectors> { tiles: self, first, target, plane, places });
                    first += $vectors;
                })*
            }};
        }
        if S::REGISTER_COUNT >= MANY_REGISTERS {
            match outputs {
                1 => tiles!(1: 8 4 2 1),
                2 => tiles!(2: 8 4 2 1),
                3 => tiles!(3: 4 2 1),
                4 => tiles!(4: 4 2 1),
                5 => tiles!(5: 4 2 1),
                6 => tiles!(6: 4 2 1),
                7 => tiles!(7: 2 1),
                8 => tiles!(8: 2 1),
                _ => unreachable!("a block of {outputs} outputs"),
            }
        } else {
            match outputs {
                1 => tiles!(1: 8 4 2 1),
                2 => tiles!(2: 4 2 1),
                3 => tiles!(3: 3 2 1),
                4 => tiles!(4: 2 1),
                5 => tiles!(5: 2 1),
                6 => tiles!(6: 2 1),
                _ => unreachable!("a block of {outputs} outputs"),
            }
        }
    }
}

/// Some vectors of positions of a block of outputs, held in registers over all taps.
struct Tile<'a, const OUTPUTS: usize, const VECTORS: usize> {
    tiles: Tiles<'a>,
    /// The first of the vectors.
    first: usize,
    target: &'a mut [f32],
    plane: usize,
    places: &'a [usize],
}

impl<const OUTPUTS: usize, const VECTORS: usize> WithSimd for Tile<'_, OUTPUTS, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            tiles,
            first,
            target,
            plane,
            places,
        } = self;
        let starts = &tiles.starts[first..first + VECTORS];
        let taps = tiles.taps(first..first + VECTORS);
        let (weights, _) = tiles.weights.as_chunks::<OUTPUTS>();
        let mut totals = [[simd.splat_f32s(0.0); VECTORS]; OUTPUTS];
        for (offsets, weights) in tiles.offsets[taps.clone()]
            .chunks(CHAIN)
            .zip(weights[taps].chunks(CHAIN))
        {
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; OUTPUTS];
            for (&offset, weights) in offsets.iter().zip(weights) {
                let mut values = [simd.splat_f32s(0.0); VECTORS];
                for v in 0..VECTORS {
                    values[v] = load::<S>(tiles.padded, starts[v] + offset);
                }
                for o in 0..OUTPUTS {
                    let weight = simd.splat_f32s(weights[o]);
                    for v in 0..VECTORS {
                        sums[o][v] = simd.mul_add_e_f32s(weight, values[v], sums[o][v]);
                    }
                }
            }
            for o in 0..OUTPUTS {
                for v in 0..VECTORS {
                    totals[o][v] = simd.add_f32s(totals[o][v], sums[o][v]);
                }
            }
        }
        for (o, totals) in totals.iter().enumerate() {
            for (&place, &total) in places[first..].iter().zip(totals) {
                let start = o * plane + place;
                S::as_mut_simd_f32s(&mut target[start..start + S::F32_LANES]).0[0] = total;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_layout_of_inputs_changes_no_bit(
            batch in prop::sample::select(vec![1_usize, 9]),
            groups in 1_usize..4,
            inputs in 1_usize..9,
            outputs in 1_usize..20,
            height in 1_usize..20,
            width in prop::sample::select(vec![16_usize, 32]),
            kernel in [0_usize..4, 0_usize..4],
            dilation in [1_usize..4, 1_usize..4],
            slope in prop::sample::select(vec![0.0_f32, 0.02, 1.0]),
        ) {
            let kernel = kernel.map(|half| 2 * half + 1);
            let geometry = Geometry { batch, groups, inputs, outputs, height, width, kernel, dilation, slope };
            let wave = |count: usize| -> Vec<f32> { (0..count).map(|index| (index as f32 * 0.7).sin()).collect() };
            let input = wave(batch * groups * inputs * geometry.pixels());
            let weight = wave(groups * outputs * geometry.taps());
            let planes = Planes::contiguous(&input, groups * inputs, geometry.pixels());
            let run = |plan: Plan| {
                let packed = pack(&plan, |output, input, place| weight[(output * inputs + input) * geometry.window() + place]);
                convolve(&planes, &packed, &plan, &|_, _, _| ())
            };
            prop_assert!(run(Plan::new(geometry, None)) == run(Plan::new(geometry, Some(geometry.pitch()))));
        }
    }
}
