//! How the inputs of an image lie for the kernels, and where each output finds them.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::geometry::{Geometry, Positions, SLACK, activate, pad};
use crate::planes::Planes;

/// Vectors in a run of interleaved positions.
const RUN: usize = 2;
/// Values that stay in the first-level cache beside the rest.
const FIRST_LEVEL: usize = 6 * 1024;
/// Values of a group's padded planes from which on they are interleaved by rows: of fewer, copying costs more than is won.
const FAR: usize = 48 * 1024;

/// The vectors of this machine.
#[derive(Clone, Copy)]
pub struct Vectors {
    /// Values of one.
    pub lanes: usize,
    /// Registers that hold one each.
    pub registers: usize,
}

impl Vectors {
    pub fn of(arch: Arch) -> Self {
        arch.dispatch(OfMachine)
    }
}

struct OfMachine;

impl WithSimd for OfMachine {
    type Output = Vectors;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vectors {
        Vectors {
            lanes: S::F32_LANES,
            registers: S::REGISTER_COUNT,
        }
    }
}

/// Registers from which on the larger tiles of the kernels fit: AVX-512 and NEON have 32, AVX2 has 16.
pub const MANY_REGISTERS: usize = 32;

/// What the kernels of a convolution share.
pub struct Plan {
    pub arch: Arch,
    pub geometry: Geometry,
    pub positions: Positions,
    pub offsets: Vec<usize>,
    /// Values of a line, where inputs are interleaved: `[group, line, input of the group, position]`.
    line: Option<usize>,
    pub vectors: Vectors,
}

impl Plan {
    /// A plan for outputs, with inputs interleaved where that is faster. In planes, what an output needs is as many pages
    /// apart as there are channels.
    ///
    /// For a 1x1 convolution a line is a run of positions: that of all channels is used for all outputs before the next, and
    /// lies in one piece in the first-level cache. For larger kernels it is a padded row, where planes are so large that they
    /// take more pages than the processor keeps at hand.
    pub fn for_outputs(geometry: Geometry) -> Self {
        let lanes = Vectors::of(Arch::new()).lanes;
        let run = RUN * lanes;
        let line = if geometry.kernel == [1, 1] && geometry.pixels().is_multiple_of(run) {
            Some(run)
        } else if geometry.inputs * geometry.plane() > FAR && geometry.width.is_multiple_of(lanes) {
            Some(geometry.pitch())
        } else {
            None
        };
        Self::new(geometry, line)
    }

    /// With inputs interleaved by lines of so many values, each vector in one of them, or with padded planes one after the
    /// other: `[group, input of the group, row, column]`.
    pub fn new(geometry: Geometry, line: Option<usize>) -> Self {
        let arch = Arch::new();
        let vectors = Vectors::of(arch);
        let mut positions = Positions::new(geometry, vectors.lanes);
        let offsets = match line {
            Some(line) => {
                let size = geometry.inputs * line;
                for start in &mut positions.padded {
                    *start = *start / line * size + *start % line;
                }
                geometry.offsets(line, size)
            }
            None => geometry.offsets(geometry.plane(), geometry.pitch()),
        };
        Self {
            arch,
            geometry,
            positions,
            offsets,
            line,
            vectors,
        }
    }

    /// Copies the planes of an image to where outputs are computed from, and scales negative values. `buffer` is empty, or
    /// as an earlier call for the same plan has left it.
    pub fn lay_out(&self, planes: &Planes<'_>, image: usize, buffer: &mut Vec<f32>) {
        let Some(line) = self.line else {
            return pad(planes, image..image + 1, self.geometry, buffer);
        };
        let ([above, left], geometry) = (self.geometry.padding(), self.geometry);
        let (inputs, slope) = (geometry.inputs, geometry.slope);
        let group_size = inputs * geometry.plane();
        // Zeros around the image are still there, if an earlier call has left them.
        buffer.resize(geometry.groups * group_size + SLACK, 0.0);
        for (index, plane) in planes.of_images(image..image + 1, geometry.pixels()).enumerate() {
            let (group, input) = (index / inputs, index % inputs);
            let lines = buffer[group * group_size + above * inputs * line..].chunks_exact_mut(line);
            let lines = lines.skip(input).step_by(inputs);
            self.arch.dispatch(move || {
                for (source, target) in plane.chunks_exact(line - left).zip(lines) {
                    activate(source, &mut target[left..], slope);
                }
            });
        }
    }

    /// Ranges of vectors whose inputs stay in the first-level cache until they have been used for all outputs; one range
    /// where rows are shared by the taps of a kernel anyway.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let vectors = self.positions.padded.len();
        let step = match self.line {
            Some(run) if self.geometry.kernel == [1, 1] => RUN * (FIRST_LEVEL / (self.geometry.inputs * run)).max(1),
            _ => vectors,
        };
        let starts = (0..vectors).step_by(step);
        starts.map(|start| start..(start + step).min(vectors)).collect()
    }
}
