//! How the inputs of an image lie for the kernels, and where each output finds them.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{Geometry, Positions, SLACK, pad};
use crate::flex::pieces_of_task;
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
    layout: Layout,
    pub vectors: Vectors,
}

/// How the inputs of an image lie for the kernels.
#[derive(Clone, Copy)]
enum Layout {
    /// Padded planes: `[group, input of the group, row, column]`.
    Planes,
    /// Rows of padded planes: `[group, row, input of the group, column]`.
    Rows,
    /// Runs of so many positions, not padded: `[group, run, input of the group, position]`.
    Runs(usize),
}

impl Plan {
    pub fn new(geometry: Geometry) -> Self {
        let arch = Arch::new();
        let vectors = Vectors::of(arch);
        Self {
            arch,
            geometry,
            positions: Positions::new(geometry, vectors.lanes),
            offsets: geometry.offsets(geometry.plane(), geometry.pitch()),
            layout: Layout::Planes,
            vectors,
        }
    }

    /// A plan for outputs, with inputs interleaved where that is faster.
    pub fn for_outputs(geometry: Geometry) -> Self {
        let plan = Self::new(geometry);
        let lanes = plan.vectors.lanes;
        if geometry.kernel == [1, 1] && geometry.pixels().is_multiple_of(RUN * lanes) {
            plan.by_runs()
        } else if geometry.width.is_multiple_of(lanes) && geometry.inputs * geometry.plane() > FAR {
            plan.by_rows()
        } else {
            plan
        }
    }

    /// With the input of a 1x1 convolution interleaved by runs: a run of positions of all channels is used for all outputs
    /// before the next, and lies in one piece in the first-level cache. In planes its values would be as many pages apart
    /// as there are channels.
    fn by_runs(self) -> Self {
        let (lanes, inputs) = (self.vectors.lanes, self.geometry.inputs);
        let run = RUN * lanes;
        let start = |vector: usize| vector / RUN * inputs * run + vector % RUN * lanes;
        let starts = (0..self.positions.padded.len()).map(start).collect();
        self.interleaved(Layout::Runs(run), starts, [run, 0])
    }

    /// With the rows of all channels that an output needs side by side, for vectors that lie in one row each. In planes
    /// they are pages apart, and of large planes of many channels more pages than the processor keeps at hand.
    pub fn by_rows(self) -> Self {
        let (inputs, pitch) = (self.geometry.inputs, self.geometry.pitch());
        let start = |&start: &usize| start / pitch * inputs * pitch + start % pitch;
        let starts = self.positions.padded.iter().map(start).collect();
        self.interleaved(Layout::Rows, starts, [pitch, inputs * pitch])
    }

    /// With vectors that start at other places, and the distances of two inputs and of two rows.
    fn interleaved(self, layout: Layout, starts: Vec<usize>, [input_step, row_step]: [usize; 2]) -> Self {
        Self {
            positions: Positions {
                padded: starts,
                ..self.positions
            },
            offsets: self.geometry.offsets(input_step, row_step),
            layout,
            ..self
        }
    }

    /// Copies the planes of an image to where outputs are computed from, and scales negative values. `buffer` is empty, or
    /// as an earlier call for the same plan has left it.
    pub fn lay_out(&self, planes: &Planes<'_>, image: usize, buffer: &mut Vec<f32>) {
        let run = match self.layout {
            Layout::Planes => return pad(planes, image..image + 1, self.geometry, buffer),
            Layout::Rows => return self.lay_out_rows(planes, image, buffer),
            Layout::Runs(run) => run,
        };
        let (inputs, pixels, slope) = (self.geometry.inputs, self.geometry.pixels(), self.geometry.slope);
        buffer.resize(planes.channels.len() * pixels, 0.0);
        for (index, plane) in planes.of_images(image..image + 1, pixels).enumerate() {
            let (group, input) = (index / inputs, index % inputs);
            let target = buffer[group * inputs * pixels..].chunks_exact_mut(run);
            for (source, target) in plane.chunks_exact(run).zip(target.skip(input).step_by(inputs)) {
                // Moved: a slope behind a reference might be what is written, and nothing would be vectorised.
                self.arch.dispatch(move || {
                    for (target, &value) in target.iter_mut().zip(source) {
                        *target = if value > 0.0 { value } else { value * slope };
                    }
                });
            }
        }
    }

    fn lay_out_rows(&self, planes: &Planes<'_>, image: usize, buffer: &mut Vec<f32>) {
        let geometry = self.geometry;
        let Geometry {
            inputs, width, slope, ..
        } = geometry;
        let ([above, left], pitch, pixels) = (geometry.padding(), geometry.pitch(), geometry.pixels());
        let (group_size, row_size) = (inputs * geometry.plane(), inputs * pitch);
        // Zeros around the images are still there, if an earlier call has left them.
        buffer.resize(geometry.groups * group_size + SLACK, 0.0);
        for (group, channels) in planes.channels.chunks_exact(inputs).enumerate() {
            let rows = &mut buffer[group * group_size + above * row_size..][..geometry.height * row_size];
            let rows = rows.par_chunks_exact_mut(row_size).enumerate();
            rows.with_min_len(pieces_of_task(row_size)).for_each(|(row, target)| {
                self.arch.dispatch(|| {
                    for (channel, target) in channels.iter().zip(target.chunks_exact_mut(pitch)) {
                        let source = &channel.plane(image, pixels)[row * width..][..width];
                        for (target, &value) in target[left..][..width].iter_mut().zip(source) {
                            *target = if value > 0.0 { value } else { value * slope };
                        }
                    }
                });
            });
        }
    }

    /// Ranges of vectors whose inputs stay in the first-level cache until they have been used for all outputs; one range
    /// where rows are shared by the taps of a kernel anyway.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let vectors = self.positions.padded.len();
        let step = match self.layout {
            Layout::Runs(run) => RUN * (FIRST_LEVEL / (self.geometry.inputs * run)).max(1),
            Layout::Planes | Layout::Rows => vectors,
        };
        let starts = (0..vectors).step_by(step);
        starts.map(|start| start..(start + step).min(vectors)).collect()
    }
}
