//! The innermost loop: it holds a block of outputs and some vectors of positions in registers over all taps.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::geometry::load;
use super::plan::{MANY_REGISTERS, Vectors};

/// Number of taps that are summed before their sum is added to the total: long chains lose digits.
const CHAIN: usize = 64;

/// Largest number of outputs in a block, if there are many registers.
pub const MOST_OUTPUTS: usize = 8;

/// Largest number of outputs in a block.
pub fn most_outputs(vectors: Vectors) -> usize {
    if vectors.registers >= MANY_REGISTERS { MOST_OUTPUTS } else { 6 }
}

/// Data that the tiles of a block of outputs share.
#[derive(Clone, Copy)]
pub struct Tiles<'a> {
    pub padded: &'a [f32],
    /// First position of each vector.
    pub starts: &'a [usize],
    /// Rows of the kernel that each vector needs.
    pub rows: &'a [Range<usize>],
    pub taps_of_row: usize,
    pub offsets: &'a [usize],
    /// `[tap, output]`
    pub weights: &'a [f32],
}

impl Tiles<'_> {
    /// Taps that at least one of some vectors needs. The other taps are zeros beside the image.
    #[inline(always)]
    fn taps(&self, vectors: Range<usize>) -> Range<usize> {
        // The further down a vector lies, the fewer rows are below it.
        let (first, last) = (&self.rows[vectors.start], &self.rows[vectors.end - 1]);
        last.start * self.taps_of_row..first.end * self.taps_of_row
    }

    /// Writes vector `v` of output `o` to `target[o * plane + places[v]..]`.
    #[inline(always)]
    pub fn convolve<S: Simd>(self, simd: S, outputs: usize, target: &mut [f32], plane: usize, places: &[usize]) {
        // As many vectors at a time as fit into the registers, then fewer.
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
    /// The first vector.
    first: usize,
    target: &'a mut [f32],
    plane: usize,
    places: &'a [usize],
}

impl<const OUTPUTS: usize, const VECTORS: usize> WithSimd for Tile<'_, OUTPUTS, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiles, first, target, plane, places } = self;
        let starts = &tiles.starts[first..first + VECTORS];
        let taps = tiles.taps(first..first + VECTORS);
        let (weights, _) = tiles.weights.as_chunks::<OUTPUTS>();
        let mut totals = [[simd.splat_f32s(0.0); VECTORS]; OUTPUTS];
        for (offsets, weights) in tiles.offsets[taps.clone()].chunks(CHAIN).zip(weights[taps].chunks(CHAIN)) {
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
