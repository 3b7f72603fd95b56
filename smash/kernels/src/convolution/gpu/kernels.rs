//! The kernels of a convolution on a GPU, in CubeCL. All tensors are contiguous and of float32, and all sums too.
//!
//! Each unit (a thread of CUDA) computes a few values that share what it reads. The order of every sum depends on sizes
//! alone, so results are equal to the bit from run to run. Sizes are arguments and no constants: a new shape needs no
//! new kernel.

use burn::tensor::bf16;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// Output channels that a unit computes together. One value of the input then serves as many multiplications.
pub const LANES: usize = 4;
/// Units that share the terms of one tile of a weight's gradient.
pub const UNITS: usize = 64;

/// Sizes of a convolution. `inputs` and `outputs` are channels of one group.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub struct Sizes {
    pub batch: usize,
    pub groups: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub height: usize,
    pub width: usize,
    pub kernel_height: usize,
    pub kernel_width: usize,
    pub dilation_down: usize,
    pub dilation_right: usize,
}

/// A factor of a product: the value itself, or its nearest bfloat16.
#[cube]
fn factor(value: f32, #[comptime] in_bfloat16: bool) -> f32 {
    if in_bfloat16 { f32::cast_from(bf16::cast_from(value)) } else { value }
}

#[cube]
fn activated(value: f32, slope: f32) -> f32 {
    if value > 0.0 { value } else { value * slope }
}

#[cube]
fn derivative_at(value: f32, slope: f32) -> f32 {
    let mut derivative = slope;
    if value > 0.0 {
        derivative = 1.0f32;
    }
    derivative
}

/// Lays weights out as [`correlate`] reads them: `[groups, inputs, kernel_height, kernel_width, outputs]`, with zeros
/// after the outputs of a group up to a multiple of [`LANES`].
///
/// `weight` is `[groups * outputs, inputs, kernel_height, kernel_width]`. If `is_transposed`, it is that of the
/// convolution whose inputs are these outputs, and its kernels are read from the last value to the first.
#[cube(launch_unchecked)]
pub fn pack(
    weight: &Array<f32>,
    packed: &mut Array<f32>,
    sizes: Sizes,
    count: usize,
    #[comptime] is_transposed: bool,
    #[comptime] in_bfloat16: bool,
    #[comptime] lanes: usize,
) {
    if ABSOLUTE_POS >= count {
        terminate!();
    }
    let window = sizes.kernel_height * sizes.kernel_width;
    let padded = sizes.outputs.div_ceil(lanes) * lanes;
    let output = ABSOLUTE_POS % padded;
    let place = ABSOLUTE_POS / padded % window;
    let input = ABSOLUTE_POS / (padded * window) % sizes.inputs;
    let group = ABSOLUTE_POS / (padded * window * sizes.inputs);
    let mut value = 0.0f32;
    if output < sizes.outputs {
        let index = if is_transposed {
            ((group * sizes.inputs + input) * sizes.outputs + output) * window + (window - 1 - place)
        } else {
            ((group * sizes.outputs + output) * sizes.inputs + input) * window + place
        };
        value = factor(weight[index], in_bfloat16);
    }
    packed[ABSOLUTE_POS] = value;
}

/// The convolution itself, and the gradient of its input by a convolution of the output's gradient.
///
/// A unit computes [`LANES`] channels of one pixel. `weight` is packed. A negative input counts `slope` times. If
/// `is_gradient`, each output is that of an input before its activation, which `before` holds: `derivative` is the
/// activation's slope for negative values.
#[cube(launch_unchecked)]
pub fn correlate<N: Size>(
    input: &Array<f32>,
    weight: &Array<Vector<f32, N>>,
    before: &Array<f32>,
    output: &mut Array<f32>,
    sizes: Sizes,
    slope: f32,
    derivative: f32,
    count: usize,
    #[comptime] is_gradient: bool,
    #[comptime] in_bfloat16: bool,
) {
    if ABSOLUTE_POS >= count {
        terminate!();
    }
    let lanes = weight.vector_size();
    let pixels = sizes.height * sizes.width;
    let blocks = sizes.outputs.div_ceil(lanes);
    let pixel = ABSOLUTE_POS % pixels;
    let block = ABSOLUTE_POS / pixels % blocks;
    let group_of_image = ABSOLUTE_POS / (pixels * blocks);
    let group = group_of_image % sizes.groups;
    let (y, x) = (pixel / sizes.width, pixel % sizes.width);
    let above = sizes.kernel_height / 2 * sizes.dilation_down;
    let left = sizes.kernel_width / 2 * sizes.dilation_right;
    let window = sizes.kernel_height * sizes.kernel_width;
    let mut sums = Vector::<f32, N>::new(0.0);
    for kernel_row in 0..sizes.kernel_height {
        let row = y + kernel_row * sizes.dilation_down;
        if row >= above && row < sizes.height + above {
            for kernel_column in 0..sizes.kernel_width {
                let column = x + kernel_column * sizes.dilation_right;
                if column >= left && column < sizes.width + left {
                    let place = kernel_row * sizes.kernel_width + kernel_column;
                    let first = group_of_image * sizes.inputs * pixels + (row - above) * sizes.width + (column - left);
                    for channel in 0..sizes.inputs {
                        let value = activated(input[first + channel * pixels], slope);
                        let tap = ((group * sizes.inputs + channel) * window + place) * blocks + block;
                        sums += Vector::new(factor(value, in_bfloat16)) * weight[tap];
                    }
                }
            }
        }
    }
    #[unroll]
    for lane in 0..lanes {
        let channel = block * lanes + lane;
        if channel < sizes.outputs {
            let place = (group_of_image * sizes.outputs + channel) * pixels + pixel;
            let mut value = sums[lane];
            if is_gradient {
                value *= derivative_at(before[place], derivative);
            }
            output[place] = value;
        }
    }
}

/// The gradient of the weight, as parts that [`add`] sums: `[slices, groups * outputs, inputs, kernel_height, kernel_width]`.
///
/// A cube of [`UNITS`] units computes a tile of `lanes` outputs by `lanes` inputs for one place of the kernel. Its terms
/// are `slice` pixels of the batch.
#[cube(launch_unchecked)]
pub fn weight_gradient(
    input: &Array<f32>,
    gradient: &Array<f32>,
    parts: &mut Array<f32>,
    sizes: Sizes,
    slope: f32,
    slice: usize,
    #[comptime] in_bfloat16: bool,
    #[comptime] lanes: usize,
    #[comptime] units: usize,
) {
    let pixels = sizes.height * sizes.width;
    let window = sizes.kernel_height * sizes.kernel_width;
    let output_tiles = sizes.outputs.div_ceil(lanes);
    let input_tiles = sizes.inputs.div_ceil(lanes);
    let cubes_of_slice = sizes.groups * output_tiles * input_tiles * window;
    let first_term = CUBE_POS / cubes_of_slice * slice;
    if first_term >= sizes.batch * pixels {
        // The last cubes of a launch may have no work.
        terminate!();
    }
    let cube = CUBE_POS % cubes_of_slice;
    let place = cube % window;
    let first_input = cube / window % input_tiles * lanes;
    let first_output = cube / (window * input_tiles) % output_tiles * lanes;
    let group = cube / (window * input_tiles * output_tiles);
    let above = sizes.kernel_height / 2 * sizes.dilation_down;
    let left = sizes.kernel_width / 2 * sizes.dilation_right;
    let down = place / sizes.kernel_width * sizes.dilation_down;
    let right = place % sizes.kernel_width * sizes.dilation_right;
    let unit = UNIT_POS as usize;

    let mut sums = Array::<f32>::new(lanes * lanes);
    #[unroll]
    for index in 0..lanes * lanes {
        sums[index] = 0.0;
    }
    let mut factors = Array::<f32>::new(lanes);
    let last_term = min(first_term + slice, sizes.batch * pixels);
    let mut term = first_term + unit;
    while term < last_term {
        let (image, pixel) = (term / pixels, term % pixels);
        let row = pixel / sizes.width + down;
        let column = pixel % sizes.width + right;
        if row >= above && row < sizes.height + above && column >= left && column < sizes.width + left {
            let from = (row - above) * sizes.width + (column - left);
            let group_of_image = image * sizes.groups + group;
            // Beyond the last channel the last is read again. No one keeps these sums.
            #[unroll]
            for lane in 0..lanes {
                let channel = min(first_output + lane, sizes.outputs - 1);
                let value = gradient[(group_of_image * sizes.outputs + channel) * pixels + pixel];
                factors[lane] = factor(value, in_bfloat16);
            }
            #[unroll]
            for lane in 0..lanes {
                let channel = min(first_input + lane, sizes.inputs - 1);
                let value = activated(input[(group_of_image * sizes.inputs + channel) * pixels + from], slope);
                let value = factor(value, in_bfloat16);
                #[unroll]
                for other in 0..lanes {
                    sums[lane * lanes + other] += value * factors[other];
                }
            }
        }
        term += units;
    }
    let mut shared = SharedMemory::<f32>::new(units * lanes * lanes);
    #[unroll]
    for index in 0..lanes * lanes {
        shared[unit * lanes * lanes + index] = sums[index];
    }
    sync_cube();
    let input_channel = first_input + unit / lanes;
    let output_channel = first_output + unit % lanes;
    if unit < lanes * lanes && input_channel < sizes.inputs && output_channel < sizes.outputs {
        let mut sum = 0.0f32;
        for other in 0..units {
            sum += shared[other * lanes * lanes + unit];
        }
        let weights = sizes.groups * sizes.outputs * sizes.inputs * window;
        let weight = ((group * sizes.outputs + output_channel) * sizes.inputs + input_channel) * window + place;
        parts[CUBE_POS / cubes_of_slice * weights + weight] = sum;
    }
}

/// Sums `[slices, count]` over the slices.
#[cube(launch_unchecked)]
pub fn add(parts: &Array<f32>, sums: &mut Array<f32>, slices: usize, count: usize) {
    if ABSOLUTE_POS >= count {
        terminate!();
    }
    let mut sum = 0.0f32;
    for slice in 0..slices {
        sum += parts[slice * count + ABSOLUTE_POS];
    }
    sums[ABSOLUTE_POS] = sum;
}
