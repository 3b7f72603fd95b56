//! Convolution with fewer multiplications along the columns of an image (Winograd 1980; Lavin and Gray 2016).
//!
//! Four outputs below each other belong to a product of two polynomials. One is of the inputs there, the other of a
//! column of the kernel. The product's values at six points determine it. So three rows of a kernel cost six
//! multiplications instead of twelve. Kernels of five and seven rows are sums of such pieces. Only whole rows are added
//! and scaled, so that no vector is shuffled. Between the transforms, each point is a convolution with kernels one row
//! high. It uses the tiles of the direct convolution.
//!
//! Its rounding error is about three times that of the direct convolution.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{Block, Geometry, SLACK, load};
use super::method::{Method, PARALLEL_IMAGES};
use super::plan::Vectors;
use super::tile::{MOST_OUTPUTS, Tiles};
use crate::planes::Planes;
use crate::primitive::pieces_of_task;
use transforms::{
    ALL_POINTS, Factor, MOST_ROWS, TILE, count_factors, factors, inputs_of_one, inputs_of_three, inputs_of_two, outputs,
};

mod transforms;

/// Number of transformed input values that stay in the second-level cache until they have been used for all outputs.
const SECOND_LEVEL: usize = 64 * 1024;
/// Cost of a transformed value, in multiply-adds of a tile. It was measured at the number of channels below which the
/// direct convolution is faster.
const TRANSFORMED: usize = 32;

/// The first row of outputs of each tile. The other rows are as far apart as the rows of the kernel, and some lie below
/// the image.
fn first_rows(geometry: Geometry) -> impl Iterator<Item = usize> {
    let (height, down) = (geometry.height, geometry.dilation[0]);
    (0..down.min(height)).flat_map(move |phase| (phase..height).step_by(TILE * down))
}

/// A convolution by tiles of four rows of outputs.
pub struct Winograd {
    arch: Arch,
    geometry: Geometry,
    factors: Vec<Factor>,
    /// First row of outputs of each tile.
    tiles: Vec<usize>,
    /// Largest number of tiles in a pass.
    step: usize,
    /// Offset of each tap from the first column of a tile's outputs, factor by factor.
    offsets: Vec<usize>,
    /// The taps of each point.
    taps: [Range<usize>; ALL_POINTS],
    /// First position of each vector of outputs of `step` tiles: `starts` in transformed inputs, `places` in products.
    starts: Vec<usize>,
    places: Vec<usize>,
    /// Every vector needs all taps.
    rows: Vec<Range<usize>>,
}

impl Winograd {
    /// A convolution for kernels of three, five and seven rows, if it costs less than the direct convolution. The
    /// direct convolution leaves out rows of the kernel beside the image.
    ///
    /// Neither the size of the batch nor the width decides, so that an image has the same outputs in any batch.
    pub fn of(geometry: Geometry) -> Option<Self> {
        let Geometry { inputs, outputs, height, kernel: [rows, columns], .. } = geometry;
        if !matches!(rows, 3 | 5 | 7) {
            return None;
        }
        // Before anything is built: with few channels nothing would be used.
        let (factors, row) = (count_factors(rows), inputs * outputs * columns);
        let transforms = TRANSFORMED * (factors * inputs + TILE * outputs);
        let direct: usize = (0..height).map(|output| geometry.rows_inside(output).len()).sum();
        let cost = first_rows(geometry).count() * (factors * row + transforms);
        (cost < direct * row).then(|| Self::new(geometry))
    }

    fn new(geometry: Geometry) -> Self {
        let Geometry { batch, groups, inputs, width, kernel: [rows, columns], dilation: [_, right], .. } = geometry;
        let factors = factors(rows);
        let tiles: Vec<usize> = first_rows(geometry).collect();
        let (arch, pitch) = (Arch::new(), geometry.pitch());
        let lanes = Vectors::of(arch).lanes;
        let tile = groups * factors.len() * inputs * pitch;
        let step = match batch {
            PARALLEL_IMAGES.. => (SECOND_LEVEL / tile).clamp(1, tiles.len()),
            _ => tiles.len(),
        };
        let per_row = width.div_ceil(lanes);
        let starts = |tile: usize| -> Vec<usize> {
            let of_tile = |index: usize| (0..per_row).map(move |vector| index * tile + vector * lanes);
            (0..step).flat_map(of_tile).collect()
        };
        let offsets = factors.iter().flat_map(|factor| {
            let of_input = move |input: usize| {
                let first = (factor.row * inputs + input) * pitch;
                (0..columns).map(move |column| first + column * right)
            };
            (0..inputs).flat_map(of_input)
        });
        let mut end = 0;
        let taps = std::array::from_fn(|point| {
            let of_point = factors.iter().filter(|factor| factor.point == point).count();
            let start = end;
            end += of_point * inputs * columns;
            start..end
        });
        Self {
            offsets: offsets.collect(),
            taps,
            starts: starts(tile),
            places: starts(per_row * lanes),
            rows: vec![0..1; step * per_row],
            arch,
            geometry,
            factors,
            tiles,
            step,
        }
    }

    /// First rows of the tiles of a pass.
    fn tiles(&self, pass: usize) -> &[usize] {
        let first = pass * self.step;
        &self.tiles[first..(first + self.step).min(self.tiles.len())]
    }

    /// Number of values in the transformed inputs of a tile, for one group.
    fn of_group(&self) -> usize {
        self.factors.len() * self.geometry.inputs * self.geometry.pitch()
    }
}

impl Method for Winograd {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn taps(&self) -> usize {
        self.offsets.len()
    }

    fn pack(&self, block: &Block, at: &(impl Fn(usize, usize, usize) -> f32 + Sync), packed: &mut [f32]) {
        let [rows, columns] = self.geometry.kernel;
        let taps = self.geometry.inputs * columns;
        // Moved: a reference to the output could otherwise alias the input, and nothing would be vectorised.
        self.arch.dispatch(move || {
            let mut weights = [[0.0; MOST_OUTPUTS]; MOST_ROWS];
            for tap in 0..taps {
                let (input, column) = (tap / columns, tap % columns);
                for (row, weights) in weights[..rows].iter_mut().enumerate() {
                    for (output, weight) in weights[..block.len].iter_mut().enumerate() {
                        *weight = f64::from(at(block.first + output, input, row * columns + column));
                    }
                }
                for (index, factor) in self.factors.iter().enumerate() {
                    let mut sums = [0.0; MOST_OUTPUTS];
                    for &(row, factor) in &factor.weights {
                        for (sum, weight) in sums.iter_mut().zip(&weights[row]) {
                            *sum += factor * weight;
                        }
                    }
                    let packed = &mut packed[(index * taps + tap) * block.len..][..block.len];
                    for (packed, sum) in packed.iter_mut().zip(sums) {
                        *packed = sum as f32;
                    }
                }
            }
        });
    }

    fn passes(&self) -> usize {
        self.tiles.len().div_ceil(self.step)
    }

    fn lay_out(&self, input: &Planes<'_>, image: usize, pass: usize, buffer: &mut Vec<f32>) {
        let size = self.geometry.groups * self.of_group();
        // The zeros left of the rows stay there.
        buffer.resize(self.step * size + self.geometry.padding()[1] + SLACK, 0.0);
        let tiles = buffer.par_chunks_exact_mut(size).zip(self.tiles(pass));
        tiles.with_min_len(pieces_of_task(size)).for_each(|(target, &first)| {
            let transform = TransformInputs { winograd: self, input, image, first, target };
            self.arch.dispatch(transform);
        });
    }

    fn compute(
        &self,
        pass: usize,
        laid_out: &[f32],
        weights: &[f32],
        block: &Block,
        products: &mut Vec<f32>,
        output: &mut [f32],
    ) {
        self.arch.dispatch(ComputeBlock {
            winograd: self,
            tiles: self.tiles(pass),
            inputs: &laid_out[block.group * self.of_group()..],
            weights,
            channels: block.len,
            products,
            output,
        });
    }
}

/// The inputs of a tile at all points: `[group, factor, input of the group, column]`.
struct TransformInputs<'a, 'b> {
    winograd: &'a Winograd,
    input: &'a Planes<'b>,
    image: usize,
    /// The tile's first row of outputs.
    first: usize,
    target: &'a mut [f32],
}

impl WithSimd for TransformInputs<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.winograd.geometry.kernel[0] {
            3 => self.transform(simd, |rows| inputs_of_three(simd, rows)),
            5 => self.transform(simd, |[r0, r1, r2, r3, r4, r5, r6, r7]| {
                let [v0, v1, v2, v3, v4, v5] = inputs_of_three(simd, [r0, r1, r2, r3, r4, r5]);
                let [v6, v7, v8, v9, v10] = inputs_of_two(simd, [r3, r4, r5, r6, r7]);
                [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10]
            }),
            7 => self.transform(simd, |[r0, r1, r2, r3, r4, r5, r6, r7, r8, r9]| {
                let [v0, v1, v2, v3, v4, v5] = inputs_of_three(simd, [r0, r1, r2, r3, r4, r5]);
                let [v6, v7, v8, v9, v10, v11] = inputs_of_three(simd, [r3, r4, r5, r6, r7, r8]);
                let [v12, v13, v14, v15] = inputs_of_one(simd, [r6, r7, r8, r9]);
                [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15]
            }),
            rows => unreachable!("a kernel of {rows} rows"),
        }
    }
}

impl TransformInputs<'_, '_> {
    #[inline(always)]
    fn transform<S: Simd, const ROWS: usize, const FACTORS: usize>(
        self,
        simd: S,
        transform: impl Fn([S::f32s; ROWS]) -> [S::f32s; FACTORS],
    ) {
        let (winograd, geometry) = (self.winograd, self.winograd.geometry);
        let Geometry { inputs, height, width, dilation: [down, _], .. } = geometry;
        let ([above, left], pitch) = (geometry.padding(), geometry.pitch());
        let zeros = vec![0.0; width];
        let (zero, slope) = (simd.splat_f32s(0.0), simd.splat_f32s(geometry.slope));
        for (index, channel) in self.input.channels.iter().enumerate() {
            let plane = channel.plane(self.image, geometry.pixels());
            let rows: [&[f32]; ROWS] = std::array::from_fn(|index| {
                let place = (self.first + index * down).checked_sub(above);
                let place = place.filter(|&place| place < height);
                place.map_or(&zeros[..], |place| &plane[place * width..][..width])
            });
            let target = &mut self.target[index / inputs * winograd.of_group() + index % inputs * pitch + left..];
            let mut targets = target.chunks_mut(inputs * pitch);
            let mut targets: [&mut [f32]; FACTORS] =
                std::array::from_fn(|_| &mut targets.next().expect("room for all factors")[..width]);
            for column in (0..width).step_by(S::F32_LANES) {
                let columns = column..(column + S::F32_LANES).min(width);
                let mut values = [zero; ROWS];
                for (value, row) in values.iter_mut().zip(rows) {
                    let input = load_part(simd, &row[columns.clone()]);
                    let is_positive = simd.greater_than_f32s(input, zero);
                    *value = simd.select_f32s(is_positive, input, simd.mul_f32s(input, slope));
                }
                for (target, value) in targets.iter_mut().zip(transform(values)) {
                    store_part(simd, &mut target[columns.clone()], value);
                }
            }
        }
    }
}

/// Some tiles of a block of outputs of one image.
struct ComputeBlock<'a> {
    winograd: &'a Winograd,
    tiles: &'a [usize],
    /// Transformed inputs, from the block's group on.
    inputs: &'a [f32],
    /// `[tap, output]`
    weights: &'a [f32],
    channels: usize,
    /// Room for the products at all points: `[point, output, tile, column]`.
    products: &'a mut Vec<f32>,
    output: &'a mut [f32],
}

impl WithSimd for ComputeBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { winograd, channels, products, output, .. } = self;
        let geometry = winograd.geometry;
        let Geometry { height, width, dilation: [down, _], .. } = geometry;
        let per_row = width.div_ceil(S::F32_LANES);
        let (row, vectors) = (per_row * S::F32_LANES, self.tiles.len() * per_row);
        let plane = self.tiles.len() * row;
        products.resize(ALL_POINTS * channels * plane, 0.0);
        for (products, taps) in products.chunks_exact_mut(channels * plane).zip(&winograd.taps) {
            let tiles = Tiles {
                padded: self.inputs,
                starts: &winograd.starts[..vectors],
                rows: &winograd.rows[..vectors],
                taps_of_row: taps.len(),
                offsets: &winograd.offsets[taps.clone()],
                weights: &self.weights[taps.start * channels..taps.end * channels],
            };
            tiles.convolve(simd, channels, products, plane, &winograd.places[..vectors]);
        }
        for (channel, output) in output.chunks_exact_mut(geometry.pixels()).enumerate() {
            for (tile, first) in self.tiles.iter().enumerate() {
                let rows: [&[f32]; ALL_POINTS] =
                    std::array::from_fn(|point| &products[(point * channels + channel) * plane + tile * row..][..row]);
                for column in (0..width).step_by(S::F32_LANES) {
                    let columns = column..(column + S::F32_LANES).min(width);
                    let values = outputs(simd, rows.map(|row| load::<S>(row, column)));
                    for (index, value) in values.into_iter().enumerate() {
                        let place = first + index * down;
                        if place < height {
                            let target = &mut output[place * width..][..width];
                            store_part(simd, &mut target[columns.clone()], value);
                        }
                    }
                }
            }
        }
    }
}

/// Loads a vector, or fewer values at the end of a row. Only the latter needs a masked load, which costs many times
/// more.
#[inline(always)]
fn load_part<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0 {
        [vector] => *vector,
        _ => simd.partial_load_f32s(values),
    }
}

#[inline(always)]
fn store_part<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(values).0 {
        [target] => *target = vector,
        _ => simd.partial_store_f32s(values, vector),
    }
}

#[cfg(test)]
mod tests;
