//! Direct convolution on the CPU: every output is a chain of multiply-adds over the taps of its kernel.
//!
//! Planes are padded with zeros between rows, above and below. So tap `t` of the output at position `p` lies at
//! `p + offset[t]`, even at the image's border. One loop over taps keeps a block of outputs and some vectors of
//! positions in registers. It serves all shapes of the space, grouped, dilated and 1x1, and copies no patches.

use std::ops::Range;
use std::sync::Arc;

use pulp::{Simd, WithSimd};

use super::geometry::{Block, Geometry, copy_rows};
use super::method::Method;
use super::plan::Plan;
use super::tile::Tiles;
use crate::planes::Planes;

/// A direct convolution.
pub struct Direct {
    plan: Arc<Plan>,
    /// The vectors of each pass.
    ranges: Vec<Range<usize>>,
}

impl Direct {
    pub fn of(geometry: Geometry) -> Self {
        Self::by(Plan::for_outputs(geometry))
    }

    fn by(plan: Arc<Plan>) -> Self {
        let ranges = plan.ranges();
        Self { plan, ranges }
    }
}

impl Method for Direct {
    fn geometry(&self) -> Geometry {
        self.plan.geometry
    }

    fn taps(&self) -> usize {
        self.plan.geometry.taps()
    }

    fn pack(&self, block: &Block, at: &(impl Fn(usize, usize, usize) -> f32 + Sync), packed: &mut [f32]) {
        let places = self.plan.geometry.places();
        for ([input, place], packed) in places.zip(packed.chunks_exact_mut(block.len)) {
            for (output, packed) in packed.iter_mut().enumerate() {
                *packed = at(block.first + output, input, place);
            }
        }
    }

    fn passes(&self) -> usize {
        self.ranges.len()
    }

    fn lay_out(&self, input: &Planes<'_>, image: usize, pass: usize, buffer: &mut Vec<f32>) {
        if pass == 0 {
            self.plan.lay_out(input, image, buffer);
        }
    }

    fn compute(
        &self,
        pass: usize,
        laid_out: &[f32],
        weights: &[f32],
        block: &Block,
        scratch: &mut Vec<f32>,
        output: &mut [f32],
    ) {
        let geometry = self.plan.geometry;
        self.plan.arch.dispatch(ConvolveBlock {
            plan: &self.plan,
            vectors: self.ranges[pass].clone(),
            padded: &laid_out[block.group * geometry.inputs * geometry.plane()..],
            weights,
            outputs: block.len,
            rows: scratch,
            output,
        });
    }
}

/// A block of outputs of one image.
struct ConvolveBlock<'a> {
    plan: &'a Plan,
    /// The vectors of positions to compute.
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
        let Self { plan, vectors, rows, output, .. } = self;
        let Plan { geometry, positions, .. } = plan;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convolution::outputs::tests::outputs_by;

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
            let run = |line: Option<usize>| outputs_by(&Direct::by(Plan::of(geometry, line)));
            prop_assert!(run(None) == run(Some(geometry.pitch())));
        }
    }
}
