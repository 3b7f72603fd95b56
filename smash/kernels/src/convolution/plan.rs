//! Layout of an image's inputs for the kernels, and the place where each output finds them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};

use super::geometry::{Geometry, GeometryKey, Positions, SLACK, activate, pad};
use crate::planes::Planes;
use crate::primitive::refill;

/// Vectors in a run of interleaved positions.
const RUN: usize = 2;
/// Number of values that stay in the first-level cache beside the rest.
const FIRST_LEVEL: usize = 6 * 1024;
/// Number of values in a group's padded planes from which on they are interleaved by rows. With fewer values, copying
/// costs more than it saves.
const FAR: usize = 48 * 1024;

/// The vector unit of this machine.
#[derive(Clone, Copy)]
pub struct Vectors {
    /// Values in a vector.
    pub lanes: usize,
    /// Registers that hold one vector each.
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
        Vectors { lanes: S::F32_LANES, registers: S::REGISTER_COUNT }
    }
}

/// Number of registers from which on the larger tiles of the kernels fit: AVX-512 and NEON have 32, AVX2 has 16.
pub const MANY_REGISTERS: usize = 32;

/// Most plans that a thread keeps.
const MOST_PLANS: usize = 256;

/// Plans by geometry and values in a line.
type Plans = HashMap<(GeometryKey, Option<usize>), Arc<Plan>>;

thread_local! {
    static PLANS: RefCell<Plans> = RefCell::default();
}

/// Data that the kernels of a convolution share.
pub struct Plan {
    pub arch: Arch,
    pub geometry: Geometry,
    pub positions: Positions,
    pub offsets: Vec<usize>,
    /// Number of values in a line, where inputs are interleaved: `[group, line, input of the group, position]`.
    line: Option<usize>,
    pub vectors: Vectors,
}

impl Plan {
    /// A plan for outputs, with inputs interleaved where that is faster. In planes, the inputs of one output are spread
    /// over as many pages as there are channels.
    ///
    /// For a 1x1 convolution a line is a run of positions. The run of all channels is used for all outputs before the
    /// next run. It lies in one piece in the first-level cache. For larger kernels a line is a padded row. This is used
    /// where planes are so large that they take more pages than the processor keeps at hand.
    pub fn for_outputs(geometry: Geometry) -> Arc<Self> {
        let lanes = Vectors::of(Arch::new()).lanes;
        let run = RUN * lanes;
        let line = if geometry.kernel == [1, 1] && geometry.pixels().is_multiple_of(run) {
            Some(run)
        } else if geometry.inputs * geometry.plane() > FAR && geometry.width.is_multiple_of(lanes) {
            Some(geometry.pitch())
        } else {
            None
        };
        Self::of(geometry, line)
    }

    /// [`Self::new`], or an earlier plan of this thread. A training makes the same convolutions in each step.
    pub fn of(geometry: Geometry, line: Option<usize>) -> Arc<Self> {
        PLANS.with_borrow_mut(|plans| {
            if plans.len() > MOST_PLANS {
                plans.clear();
            }
            plans.entry((geometry.key(), line)).or_insert_with(|| Arc::new(Self::new(geometry, line))).clone()
        })
    }

    /// A plan with inputs interleaved by lines of `line` values, where each vector lies in one line. Without `line`,
    /// padded planes lie one after the other: `[group, input of the group, row, column]`.
    fn new(geometry: Geometry, line: Option<usize>) -> Self {
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
        Self { arch, geometry, positions, offsets, line, vectors }
    }

    /// Copies the planes of an image to the place from which outputs are computed, and scales negative values. `buffer`
    /// is empty, or the result of an earlier call for the same plan.
    pub fn lay_out(&self, planes: &Planes<'_>, image: usize, buffer: &mut Vec<f32>) {
        let Some(line) = self.line else {
            return pad(planes, image..image + 1, self.geometry, buffer);
        };
        let ([above, left], geometry) = (self.geometry.padding(), self.geometry);
        let (inputs, slope) = (geometry.inputs, geometry.slope);
        let group_size = inputs * geometry.plane();
        let size = geometry.groups * group_size;
        let copy = |buffer: &mut [f32]| {
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
        };
        if buffer.len() != size + SLACK && [above, left] == [0, 0] {
            refill(buffer, size + SLACK, |buffer| {
                copy(buffer);
                buffer[size..].fill(0.0);
            });
        } else {
            // The zeros around the image are still there, if an earlier call has left them.
            buffer.resize(size + SLACK, 0.0);
            copy(buffer);
        }
    }

    /// Ranges of vectors whose inputs stay in the first-level cache until they have been used for all outputs. There is
    /// one range where the taps of a kernel share rows anyway.
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
