//! Sizes of a convolution, and how its planes are laid out for the kernels.

use std::ops::Range;

use pulp::{Arch, Simd};
use rayon::prelude::*;

use crate::planes::Planes;
use crate::primitive::{pieces_of_task, refill};

/// Smallest number of multiply-adds in a task: another thread takes about as long to wake up.
const TASK: usize = 2_000_000;
/// Room after padded planes: a vector may reach beyond the last plane.
pub const SLACK: usize = 64;

/// Sizes of a convolution that keeps height and width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    pub batch: usize,
    pub groups: usize,
    /// Input channels of one group.
    pub inputs: usize,
    /// Output channels of one group.
    pub outputs: usize,
    pub height: usize,
    pub width: usize,
    pub kernel: [usize; 2],
    pub dilation: [usize; 2],
    /// Factor on negative inputs before the convolution: 0 is a ReLU, 1 changes nothing.
    pub slope: f32,
}

/// All that distinguishes two geometries, to look one up.
pub type GeometryKey = ([usize; 10], u32);

impl Geometry {
    pub fn key(self) -> GeometryKey {
        let Self { batch, groups, inputs, outputs, height, width, kernel, dilation, slope } = self;
        let [[rows, columns], [down, right]] = [kernel, dilation];
        ([batch, groups, inputs, outputs, height, width, rows, columns, down, right], slope.to_bits())
    }

    /// From the shapes of input and weight.
    ///
    /// # Panics
    /// If they do not fit each other, or a kernel size is even.
    pub fn new(input: [usize; 4], weight: [usize; 4], dilation: [usize; 2], groups: usize, slope: f32) -> Self {
        let [batch, channels, height, width] = input;
        let [outputs, inputs, kernel_height, kernel_width] = weight;
        assert!(
            channels == inputs * groups && outputs.is_multiple_of(groups),
            "input {input:?} does not fit weight {weight:?} in {groups} groups"
        );
        assert!(kernel_height % 2 == 1 && kernel_width % 2 == 1, "even kernel size in weight {weight:?}");
        let kernel = [kernel_height, kernel_width];
        Self { batch, groups, inputs, outputs: outputs / groups, height, width, kernel, dilation, slope }
    }

    /// The convolution that computes the input's gradient from the output's gradient: inputs and outputs change places.
    pub fn transposed(self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, slope: 1.0, ..self }
    }

    /// The convolution of images whose pixels alternate, `count` images in one. Images missing from the last one are zeros.
    pub fn joined(self, count: usize) -> Self {
        Self {
            batch: self.batch.div_ceil(count),
            width: self.width * count,
            dilation: [self.dilation[0], self.dilation[1] * count],
            ..self
        }
    }

    /// `[batch, channels_out, height, width]`
    pub fn output_shape(self) -> [usize; 4] {
        [self.batch, self.groups * self.outputs, self.height, self.width]
    }

    /// `[channels_out, channels_in / groups, kernel_height, kernel_width]`
    pub fn weight_shape(self) -> [usize; 4] {
        [self.groups * self.outputs, self.inputs, self.kernel[0], self.kernel[1]]
    }

    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Weights of one output channel for one input.
    pub fn window(self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Weights of one output channel.
    pub fn taps(self) -> usize {
        self.inputs * self.window()
    }

    /// Multiply-adds of one image.
    pub fn multiply_adds(self) -> usize {
        self.groups * self.outputs * self.taps() * self.pixels()
    }

    /// Zeros above and left of an image.
    pub fn padding(self) -> [usize; 2] {
        [0, 1].map(|axis| self.kernel[axis] / 2 * self.dilation[axis])
    }

    /// Distance between rows in a padded plane. The zeros right of one row are also the zeros left of the next.
    pub fn pitch(self) -> usize {
        self.width + self.padding()[1]
    }

    /// Size of a padded plane.
    pub fn plane(self) -> usize {
        let [above, left] = self.padding();
        (self.height + 2 * above) * self.pitch() + left
    }

    /// Number of taps that read the same row of the image: one row of the kernel, for all inputs.
    pub fn taps_of_row(self) -> usize {
        self.inputs * self.kernel[1]
    }

    /// The taps of an output in the order of summation: input of the group, row and column of the kernel. Rows are
    /// outermost, so that rows outside the image can be left out.
    fn ordered_taps(self) -> impl Iterator<Item = [usize; 3]> {
        let [rows, columns] = self.kernel;
        let of_row = move |row: usize| {
            let of_input = move |input: usize| (0..columns).map(move |column| [input, row, column]);
            (0..self.inputs).flat_map(of_input)
        };
        (0..rows).flat_map(of_row)
    }

    /// The same taps: input of the group, and place in the weight's `[kernel_height, kernel_width]`.
    pub fn places(self) -> impl Iterator<Item = [usize; 2]> {
        let columns = self.kernel[1];
        self.ordered_taps().map(move |[input, row, column]| [input, row * columns + column])
    }

    /// Offset of each tap of an output of the first group from its first tap. `input_step` and `row_step` are the
    /// distances between the planes of two inputs and between two rows of a plane.
    pub fn offsets(self, input_step: usize, row_step: usize) -> Vec<usize> {
        let [down, right] = self.dilation;
        let offset = |[input, row, column]: [usize; 3]| input * input_step + row * down * row_step + column * right;
        self.ordered_taps().map(offset).collect()
    }

    /// Rows of the kernel that reach into the image from a row of outputs.
    pub fn rows_inside(self, output: usize) -> Range<usize> {
        let (above, down) = (self.padding()[0], self.dilation[0]);
        let first = above.saturating_sub(output).div_ceil(down);
        let end = (self.height - 1 + above - output) / down + 1;
        first..end.min(self.kernel[0])
    }

    /// Blocks of output channels that are computed together. No block spans two groups.
    pub fn blocks(self, most: usize) -> Vec<Block> {
        let groups = 0..self.groups;
        let of_group = |group: usize| {
            even_ranges(self.outputs, most).map(move |range| Block {
                group,
                first: group * self.outputs + range.start,
                len: range.len(),
            })
        };
        groups.flat_map(of_group).collect()
    }
}

/// Works on each item, with a state that `state` makes once for each thread. Whichever thread is free takes the next
/// item; equal shares would have to wait for the slowest thread. A small amount of work stays on this thread.
pub fn share_out<T: Send, S>(
    items: impl Iterator<Item = T> + Send,
    multiply_adds: usize,
    state: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, T) + Sync + Send,
) {
    if multiply_adds < 2 * TASK {
        let mut state = state();
        items.for_each(|item| work(&mut state, item));
    } else {
        items.par_bridge().for_each_init(state, work);
    }
}

/// Some output channels of one group.
#[derive(Clone, Copy)]
pub struct Block {
    pub group: usize,
    /// The first channel, counted over all groups.
    pub first: usize,
    pub len: usize,
}

/// Cuts `0..count` into ranges of at most `most`, as even as possible.
pub fn even_ranges(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let ranges = count.div_ceil(most);
    (0..ranges).map(move |range| range * count / ranges..(range + 1) * count / ranges)
}

/// The slice of each block in a buffer that holds `size` values for each output channel.
pub fn split_mut<'a>(blocks: &'a [Block], mut buffer: &'a mut [f32], size: usize) -> Vec<(&'a Block, &'a mut [f32])> {
    let mut slices = Vec::with_capacity(blocks.len());
    for block in blocks {
        let (slice, rest) = buffer.split_at_mut(block.len * size);
        slices.push((block, slice));
        buffer = rest;
    }
    slices
}

/// Copies rows of `width` values from one plane to another with a different distance between rows. It copies as many
/// rows as both have.
pub fn copy_rows(source: &[f32], source_pitch: usize, target: &mut [f32], target_pitch: usize, width: usize) {
    if source_pitch == target_pitch {
        let size = source.len().min(target.len());
        return target[..size].copy_from_slice(&source[..size]);
    }
    for (source, target) in source.chunks(source_pitch).zip(target.chunks_mut(target_pitch)) {
        target[..width].copy_from_slice(&source[..width]);
    }
}

/// Copies the planes of some images into padded planes, and scales negative values. `padded` is empty, or the result of
/// an earlier call for the same geometry.
pub fn pad(planes: &Planes<'_>, images: Range<usize>, geometry: Geometry, padded: &mut Vec<f32>) {
    let (plane, arch) = (geometry.plane(), Arch::new());
    let sources: Vec<&[f32]> = planes.of_images(images, geometry.pixels()).collect();
    let size = sources.len() * plane;
    let fill = |padded: &mut [f32], is_fresh: bool| {
        let targets = padded[..size].par_chunks_exact_mut(plane).zip(&sources);
        targets.with_min_len(pieces_of_task(plane)).for_each(|(target, source)| {
            if is_fresh {
                fill_padding(target, geometry);
            }
            arch.dispatch(move || pad_plane(source, target, geometry));
        });
    };
    if padded.len() == size + SLACK {
        // The zeros around the images are still there.
        fill(padded, false);
        return;
    }
    refill(padded, size + SLACK, |padded| {
        fill(padded, true);
        padded[size..].fill(0.0);
    });
}

/// Zeros everything around the rows of an image.
fn fill_padding(target: &mut [f32], geometry: Geometry) {
    let [above, left] = geometry.padding();
    let (pitch, width) = (geometry.pitch(), geometry.width);
    let (first, target) = target.split_at_mut(above * pitch + left);
    let (rows, last) = target.split_at_mut(geometry.height * pitch - left);
    first.fill(0.0);
    rows.chunks_mut(pitch).for_each(|row| row[width..].fill(0.0));
    last.fill(0.0);
}

#[inline(always)]
fn pad_plane(source: &[f32], target: &mut [f32], geometry: Geometry) {
    let [above, left] = geometry.padding();
    let (pitch, width, slope) = (geometry.pitch(), geometry.width, geometry.slope);
    let target = &mut target[above * pitch + left..];
    if slope == 1.0 {
        return copy_rows(source, width, target, pitch, width);
    }
    for (source, target) in source.chunks_exact(width).zip(target.chunks_mut(pitch)) {
        activate(source, &mut target[..width], slope);
    }
}

/// Copies values, and scales negative ones.
#[inline(always)]
pub fn activate(source: &[f32], target: &mut [f32], slope: f32) {
    for (target, &value) in target.iter_mut().zip(source) {
        *target = if value > 0.0 { value } else { value * slope };
    }
}

/// Vectors of positions that together cover an image.
pub struct Positions {
    /// First position of each vector at the padded pitch.
    pub padded: Vec<usize>,
    /// Rows of the kernel that reach into the image from each vector. For a large kernel on a small map they are few.
    pub rows: Vec<Range<usize>>,
    /// First position of each vector in a plane without padding; `None` if rows are shorter than a vector.
    pub plain: Option<Vec<usize>>,
    /// Values of all vectors.
    pub size: usize,
    /// Vectors that together cover a row. The last one overlaps the one before it by `overlap` values.
    of_row: usize,
    pub overlap: usize,
}

impl Positions {
    pub fn new(geometry: Geometry, lanes: usize) -> Self {
        let Geometry { height, width, .. } = geometry;
        let (pixels, pitch) = (geometry.pixels(), geometry.pitch());
        // Rows without padding between them are one row.
        let (rows, row) = if pitch == width { (1, pixels) } else { (height, width) };
        let of_row = row.div_ceil(lanes);
        let (padded, plain, overlap): (Vec<usize>, _, _) = if row >= lanes {
            let column = |vector: usize| (vector * lanes).min(row - lanes);
            let starts = |pitch: usize| {
                let of_row = |row: usize| (0..of_row).map(move |vector| row * pitch + column(vector));
                (0..rows).flat_map(of_row).collect()
            };
            (starts(pitch), Some(starts(width)), of_row * lanes - row)
        } else {
            ((0..(height - 1) * pitch + width).step_by(lanes).collect(), None, 0)
        };
        let inside: Vec<Range<usize>> = (0..height).map(|row| geometry.rows_inside(row)).collect();
        let rows_of = |start: usize| {
            let (first, last) = (start / pitch, ((start + lanes - 1) / pitch).min(height - 1));
            inside[last].start..inside[first].end
        };
        Self {
            rows: padded.iter().map(|&start| rows_of(start)).collect(),
            size: padded.len() * lanes,
            padded,
            plain,
            of_row,
            overlap,
        }
    }

    /// The vectors that overlap the one before them.
    pub fn overlapping(&self) -> impl Iterator<Item = usize> {
        let count = if self.overlap > 0 { self.padded.len() } else { 0 };
        (self.of_row - 1..count).step_by(self.of_row)
    }

    /// The vectors from which a row of the kernel reaches into the image. They are contiguous.
    pub fn of_row(&self, row: usize) -> Range<usize> {
        let mut vectors = (0..self.rows.len()).filter(|&vector| self.rows[vector].contains(&row));
        let first = vectors.next();
        first.map_or(0..0, |first| first..vectors.next_back().unwrap_or(first) + 1)
    }
}

/// The vector that starts at a place.
#[inline(always)]
pub fn load<S: Simd>(values: &[f32], start: usize) -> S::f32s {
    S::as_simd_f32s(&values[start..start + S::F32_LANES]).0[0]
}
