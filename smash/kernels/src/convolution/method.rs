//! The interface of the ways to compute the outputs of a convolution.

use super::geometry::{Block, Geometry};
use crate::planes::Planes;

/// Smallest number of images for which each image is a task. With fewer images, each block of outputs is a task.
pub const PARALLEL_IMAGES: usize = 8;

/// A way to compute outputs.
pub trait Method: Sync {
    fn geometry(&self) -> Geometry;
    /// Number of packed weights of an output.
    fn taps(&self) -> usize;
    /// Writes the weights `at(output, input of its group, place in the window)` of a block in the order of use:
    /// `[tap, output of the block]`.
    fn pack(&self, block: &Block, at: &(impl Fn(usize, usize, usize) -> f32 + Sync), packed: &mut [f32]);
    /// Number of parts of an image that are computed one after the other.
    fn passes(&self) -> usize;
    /// Copies the planes of an image to the place from which a pass computes its outputs, and scales negative values.
    /// With several passes and fewer images than [`PARALLEL_IMAGES`], the first pass copies the planes of all passes.
    /// `buffer` is empty, or the result of an earlier call.
    fn lay_out(&self, input: &Planes<'_>, image: usize, pass: usize, buffer: &mut Vec<f32>);
    /// Computes the outputs of a block in a pass. `scratch` is empty, or the result of an earlier call.
    fn compute(
        &self,
        pass: usize,
        laid_out: &[f32],
        weights: &[f32],
        block: &Block,
        scratch: &mut Vec<f32>,
        output: &mut [f32],
    );
}
