//! Convolution on the CPU: patches of an image packed row by row, then a matrix product from the `gemm` crate.
//!
//! Images run side by side on rayon's threads, each by itself on one, and sums over images are added in a fixed order, so
//! the result is the same to the bit on any number of threads.

use std::ops::Range;

use burn::tensor::{Shape, TensorData};
use burn_flex::FlexTensor;
use gemm::{Parallelism, gemm};
use rayon::prelude::*;

/// Values of a pack of patches: what stays in the second-level cache beside the rest.
const PACK: usize = 64 * 1024;
/// Parts that the batch is cut into for sums over images; a constant, so that it decides no bit of the result.
const PARTS: usize = 8;

/// Sizes of a convolution that keeps height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    batch: usize,
    groups: usize,
    /// Input channels of one group.
    inputs: usize,
    /// Output channels of one group.
    outputs: usize,
    height: usize,
    width: usize,
    kernel: [usize; 2],
    dilation: [usize; 2],
}

impl Geometry {
    /// From the shapes of input and weight.
    ///
    /// # Panics
    /// If they do not fit each other, or a kernel size is even.
    pub fn new(input: [usize; 4], weight: [usize; 4], dilation: [usize; 2], groups: usize) -> Self {
        let [batch, channels, height, width] = input;
        let [outputs, inputs, kernel_height, kernel_width] = weight;
        assert!(
            channels == inputs * groups && outputs.is_multiple_of(groups),
            "input {input:?} does not fit weight {weight:?} in {groups} groups"
        );
        assert!(
            kernel_height % 2 == 1 && kernel_width % 2 == 1,
            "even kernel size in weight {weight:?}"
        );
        let kernel = [kernel_height, kernel_width];
        Self {
            batch,
            groups,
            inputs,
            outputs: outputs / groups,
            height,
            width,
            kernel,
            dilation,
        }
    }

    /// The convolution that gives the gradient of the input: inputs and outputs change places.
    fn transposed(self) -> Self {
        Self {
            inputs: self.outputs,
            outputs: self.inputs,
            ..self
        }
    }

    fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Weights of one output channel.
    fn taps(self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    fn weight_shape(self) -> [usize; 4] {
        [self.groups * self.outputs, self.inputs, self.kernel[0], self.kernel[1]]
    }

    /// Ranges of image rows whose patches fit into a pack.
    fn tiles(self) -> impl Iterator<Item = Range<usize>> {
        let rows = (PACK / (self.taps() * self.width)).clamp(1, self.height);
        (0..self.height)
            .step_by(rows)
            .map(move |start| start..(start + rows).min(self.height))
    }
}

/// `[batch, groups * outputs, height, width]`
pub fn forward(input: &FlexTensor, weight: &FlexTensor, geometry: Geometry) -> FlexTensor {
    let (input, weight) = (input.to_contiguous(), weight.to_contiguous());
    tensor(
        convolve(values(&input), values(&weight), geometry),
        output_shape(geometry),
    )
}

/// Gradient of the input: the output's gradient convolved with the flipped and transposed weight.
pub fn input_gradient(weight: &FlexTensor, gradient: &FlexTensor, geometry: Geometry) -> FlexTensor {
    let (weight, gradient) = (weight.to_contiguous(), gradient.to_contiguous());
    let weight = values(&weight);
    let Geometry {
        groups,
        inputs,
        outputs,
        kernel,
        ..
    } = geometry;
    let window = kernel[0] * kernel[1];
    let mut flipped = Vec::with_capacity(weight.len());
    for group in 0..groups {
        for input in 0..inputs {
            for output in 0..outputs {
                let start = ((group * outputs + output) * inputs + input) * window;
                flipped.extend(weight[start..start + window].iter().rev());
            }
        }
    }
    let transposed = geometry.transposed();
    tensor(
        convolve(values(&gradient), &flipped, transposed),
        output_shape(transposed),
    )
}

/// Gradient of the weight: for each group the output's gradient times the patches, summed over images.
pub fn weight_gradient(input: &FlexTensor, gradient: &FlexTensor, geometry: Geometry) -> FlexTensor {
    let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
    let (input, gradient) = (values(&input), values(&gradient));
    let Geometry {
        batch,
        groups,
        inputs,
        outputs,
        ..
    } = geometry;
    let (pixels, taps) = (geometry.pixels(), geometry.taps());
    let images = batch.div_ceil(PARTS);
    let part = |part: usize| {
        let mut sum = vec![0.0; groups * outputs * taps];
        let mut pack = Vec::new();
        for image in part * images..((part + 1) * images).min(batch) {
            for group in 0..groups {
                let planes = &input[(image * groups + group) * inputs * pixels..][..inputs * pixels];
                let gradients = &gradient[(image * groups + group) * outputs * pixels..][..outputs * pixels];
                let sum = &mut sum[group * outputs * taps..][..outputs * taps];
                for rows in geometry.tiles() {
                    let first = rows.start * geometry.width;
                    let columns = rows.len() * geometry.width;
                    let pack = pack_patches(planes, geometry, rows, &mut pack);
                    let left = Matrix {
                        values: &gradients[first..],
                        row: pixels,
                        column: 1,
                    };
                    let right = Matrix {
                        values: pack,
                        row: 1,
                        column: columns,
                    };
                    product([outputs, taps, columns], left, right, sum, taps, Write::Add);
                }
            }
        }
        sum
    };
    let parts: Vec<Vec<f32>> = (0..PARTS).into_par_iter().map(part).collect();
    let mut sum = vec![0.0; groups * outputs * taps];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    tensor(sum, geometry.weight_shape())
}

fn convolve(input: &[f32], weight: &[f32], geometry: Geometry) -> Vec<f32> {
    let Geometry {
        batch,
        groups,
        inputs,
        outputs,
        ..
    } = geometry;
    let (pixels, taps) = (geometry.pixels(), geometry.taps());
    let mut output = vec![0.0; batch * groups * outputs * pixels];
    let image_size = groups * outputs * pixels;
    output
        .par_chunks_mut(image_size)
        .enumerate()
        .for_each_init(Vec::new, |pack, (image, output)| {
            for group in 0..groups {
                let planes = &input[(image * groups + group) * inputs * pixels..][..inputs * pixels];
                let weight = Matrix {
                    values: &weight[group * outputs * taps..][..outputs * taps],
                    row: taps,
                    column: 1,
                };
                let output = &mut output[group * outputs * pixels..][..outputs * pixels];
                for rows in geometry.tiles() {
                    let first = rows.start * geometry.width;
                    let columns = rows.len() * geometry.width;
                    let pack = pack_patches(planes, geometry, rows, pack);
                    let right = Matrix {
                        values: pack,
                        row: columns,
                        column: 1,
                    };
                    product(
                        [outputs, columns, taps],
                        weight,
                        right,
                        &mut output[first..],
                        pixels,
                        Write::Replace,
                    );
                }
            }
        });
    output
}

/// Packs the patches of some image rows: `[inputs, kernel_height, kernel_width, rows, width]`, zero beyond the image.
fn pack_patches<'a>(planes: &[f32], geometry: Geometry, rows: Range<usize>, pack: &'a mut Vec<f32>) -> &'a [f32] {
    let Geometry {
        inputs,
        height,
        width,
        kernel,
        dilation,
        ..
    } = geometry;
    let block = rows.len() * width;
    let size = geometry.taps() * block;
    if pack.len() < size {
        pack.resize(size, 0.0);
    }
    let offset = |tap: usize, axis: usize| (tap as isize - (kernel[axis] / 2) as isize) * dilation[axis] as isize;
    let mut blocks = pack[..size].chunks_exact_mut(block);
    for plane in planes.chunks_exact(height * width).take(inputs) {
        for (tap_row, tap_column) in (0..kernel[0]).flat_map(|row| (0..kernel[1]).map(move |column| (row, column))) {
            let target = blocks.next().expect("one block for each input and tap");
            copy_moved(
                plane,
                width,
                rows.clone(),
                [offset(tap_row, 0), offset(tap_column, 1)],
                target,
            );
        }
    }
    &pack[..size]
}

/// Some rows of a plane, as seen `down` rows below and `right` columns to the right; zero beyond the plane.
///
/// All rows are copied at once, since a call for each short row costs more than the copy; what wraps into a neighbouring
/// row is then overwritten with zeros.
fn copy_moved(plane: &[f32], width: usize, rows: Range<usize>, [down, right]: [isize; 2], target: &mut [f32]) {
    let (pixels, columns) = (plane.len() as isize, width as isize);
    if right.abs() >= columns {
        return target.fill(0.0);
    }
    let start = (rows.start as isize + down) * columns + right;
    let from = start.clamp(0, pixels);
    let to = (start + target.len() as isize).clamp(0, pixels);
    if from >= to {
        return target.fill(0.0);
    }
    let (first, last) = ((from - start) as usize, (to - start) as usize);
    target[..first].fill(0.0);
    target[first..last].copy_from_slice(&plane[from as usize..to as usize]);
    target[last..].fill(0.0);
    let wrapped = if right > 0 {
        width - right as usize..width
    } else {
        0..-right as usize
    };
    if !wrapped.is_empty() {
        target
            .chunks_exact_mut(width)
            .for_each(|row| row[wrapped.clone()].fill(0.0));
    }
}

/// A matrix in a slice: element `(r, c)` is `values[r * row + c * column]`.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    row: usize,
    column: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Replace,
    Add,
}

/// Writes or adds `left` `[rows, depth]` times `right` `[depth, columns]` to `output`, whose rows are `output_row` apart.
#[allow(unsafe_code)]
fn product(
    [rows, columns, depth]: [usize; 3],
    left: Matrix<'_>,
    right: Matrix<'_>,
    output: &mut [f32],
    output_row: usize,
    write: Write,
) {
    let last =
        |matrix: Matrix<'_>, rows: usize, columns: usize| (rows - 1) * matrix.row + (columns - 1) * matrix.column;
    assert!(last(left, rows, depth) < left.values.len() && last(right, depth, columns) < right.values.len());
    assert!((rows - 1) * output_row + columns <= output.len() && columns <= output_row);
    // SAFETY: by the assertions every element that is read or written lies within its slice, the rows of the output do
    // not overlap, and a slice that is borrowed mutably is no other's.
    unsafe {
        gemm(
            rows,
            columns,
            depth,
            output.as_mut_ptr(),
            1,
            output_row as isize,
            write == Write::Add,
            left.values.as_ptr(),
            left.column as isize,
            left.row as isize,
            right.values.as_ptr(),
            right.column as isize,
            right.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("made contiguous")
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, Shape::new(shape)))
}

fn output_shape(geometry: Geometry) -> [usize; 4] {
    [
        geometry.batch,
        geometry.groups * geometry.outputs,
        geometry.height,
        geometry.width,
    ]
}
