//! Comparison of the kernels of a device with those of the CPU, over shapes of the paper's spaces.
//!
//! The kernels of the CPU are compared with burn's operations by tests.

use std::fmt;

use burn::backend::Autodiff;
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use burn_flex::{Flex, FlexDevice};
use rand::RngExt;
use smash_kernels::convolution::Precision;
use smash_kernels::products::matmul;
use smash_kernels::weight_norm::simple_weight_norm;
use smash_space::{Activation, Seed, Stream};

use crate::error::DeviceError;
use crate::training::checkpoint::HostTensor;

/// Largest deviation of a value computed in float32, relative to the largest value of its tensor. Sums are in another order.
const FLOAT32: f32 = 1e-5;
/// The same for a whole tensor whose factors are rounded to bfloat16. A factor is off by at most 2^-8 of itself, and a product
/// by twice that. A sum of 51,200 products in bfloat16 would be wrong by half.
const BFLOAT16: f32 = 1.0 / 128.0;

/// How far one kind of operation deviates from the CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The operation.
    pub operation: &'static str,
    /// Number of cases.
    pub cases: usize,
    /// Largest relative deviation; infinite if a value is not finite on one side only.
    pub largest: f32,
    /// Largest allowed deviation.
    pub tolerance: f32,
}

impl Agreement {
    /// Whether the deviation is allowed.
    #[must_use]
    pub fn is_within_tolerance(&self) -> bool {
        self.largest <= self.tolerance
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, cases, largest, tolerance } = self;
        let verdict = if self.is_within_tolerance() { "ok" } else { "FAILED" };
        write!(f, "{operation:<44} {cases:>4} cases  largest {largest:.2e}  tolerance {tolerance:.0e}  {verdict}")
    }
}

/// A convolution, with the shapes of its operands.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    groups: usize,
    /// Input and output channels of a group.
    channels: [usize; 2],
    size: [usize; 2],
    kernel: [usize; 2],
    dilation: [usize; 2],
    activation: Activation,
}

impl Case {
    /// 51,200 terms for each weight, as with 50 images of 32x32.
    fn whole_batch(groups: usize) -> Self {
        let activation = Activation::Relu;
        Self { batch: 50, groups, channels: [3, 2], size: [32, 32], kernel: [3, 3], dilation: [1, 1], activation }
    }

    /// Convolutions as in a HyperNet: many channels of one small image.
    fn of_hypernet() -> Vec<Self> {
        let activation = Activation::LeakyRelu(0.02);
        let case = |channels, size, kernel| Self {
            batch: 1,
            groups: 1,
            channels,
            size,
            kernel: [kernel; 2],
            dilation: [1, 1],
            activation,
        };
        vec![case([92, 7], [4, 20], 3), case([98, 64], [4, 20], 1)]
    }

    /// Every kernel and dilation of the paper's spaces, with other numbers of channels, groups and images each time.
    fn of_space() -> Vec<Self> {
        let mut rng = Seed(0).rng(Stream::Check, &[3]);
        let case = |index: usize| Self {
            batch: rng.random_range(1..5),
            groups: [1, 1, 2, 3, 4, 8][rng.random_range(0..6)],
            channels: [rng.random_range(1..8), rng.random_range(1..10)],
            size: [rng.random_range(1..10), rng.random_range(1..10)],
            kernel: [index % 4, index / 4 % 4].map(|half| 2 * half + 1),
            dilation: [index / 16 % 3 + 1, index / 48 + 1],
            activation: [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.02)][index % 3],
        };
        (0..4 * 4 * 3 * 3).map(case).collect()
    }

    /// Output, gradient of the input and gradient of the weight.
    fn results<B: AutodiffBackend>(
        self,
        precision: Precision,
        device: &B::Device,
    ) -> Result<[Vec<f32>; 3], DeviceError> {
        let Self { batch, groups, channels: [inputs, outputs], size, kernel, dilation, activation } = self;
        let tensor = |shape, stream| Tensor::<B, 4>::from_data(random(shape, stream), device);
        let input = tensor([batch, groups * inputs, size[0], size[1]], 0).require_grad();
        let weight = tensor([groups * outputs, inputs, kernel[0], kernel[1]], 1).require_grad();
        // Views in a list, as where banks are read.
        let parts = match groups * inputs {
            1 => vec![input.clone()],
            channels => vec![input.clone().narrow(1, 0, 1), input.clone().narrow(1, 1, channels - 1)],
        };
        let output = precision.conv(parts, activation, weight.clone(), dilation, groups);
        let gradients = (output.clone() * tensor(output.dims(), 2)).sum().backward();
        let [of_input, of_weight] = [input, weight].map(|tensor| tensor.grad(&gradients).expect("it has a gradient"));
        Ok([
            HostTensor::read(output.inner())?.values,
            HostTensor::read(of_input)?.values,
            HostTensor::read(of_weight)?.values,
        ])
    }
}

fn random(shape: [usize; 4], stream: u64) -> TensorData {
    let mut rng = Seed(0).rng(Stream::Check, &[stream]);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    TensorData::new(values, shape)
}

/// Product of two matrices, and both gradients of its squared sum.
fn product<B: AutodiffBackend>(device: &B::Device) -> Result<[Vec<f32>; 3], DeviceError> {
    let matrix = |rows, columns, stream| {
        Tensor::<B, 4>::from_data(random([1, 1, rows, columns], stream), device).reshape([rows, columns]).require_grad()
    };
    let (left, right) = (matrix(7, 33, 0), matrix(33, 10, 1));
    let output = matmul(left.clone(), right.clone());
    let gradients = (output.clone() * output.clone()).sum().backward();
    let [of_left, of_right] = [left, right].map(|tensor| tensor.grad(&gradients).expect("it has a gradient"));
    Ok([
        HostTensor::read(output.inner())?.values,
        HostTensor::read(of_left)?.values,
        HostTensor::read(of_right)?.values,
    ])
}

/// A weight under simple WeightNorm, and its gradient. Both sum over all its values, as in the HyperNet.
fn normed_weight<B: AutodiffBackend>(device: &B::Device) -> Result<[Vec<f32>; 2], DeviceError> {
    let shape = [30, 92, 3, 3];
    let weight = Tensor::<B, 4>::from_data(random(shape, 0), device).require_grad();
    let output = simple_weight_norm(weight.clone());
    let gradients = (output.clone() * Tensor::from_data(random(shape, 1), device)).sum().backward();
    let of_weight = weight.grad(&gradients).expect("it has a gradient");
    Ok([HostTensor::read(output.inner())?.values, HostTensor::read(of_weight)?.values])
}

/// Largest deviation of a value, relative to the largest value of its tensor.
fn of_values<const N: usize>(found: &[Vec<f32>; N], expected: &[Vec<f32>; N]) -> f32 {
    let of_tensor = |(found, expected): (&Vec<f32>, &Vec<f32>)| {
        assert_eq!(found.len(), expected.len(), "values of a tensor");
        let scale = expected.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
        let deviations = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs() / scale);
        deviations.fold(0.0, larger)
    };
    found.iter().zip(expected).map(of_tensor).fold(0.0, larger)
}

/// Largest deviation of a tensor, in Euclidean norms.
fn of_tensors(found: &[Vec<f32>; 3], expected: &[Vec<f32>; 3]) -> f32 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>().sqrt();
    let of_tensor = |(found, expected): (&Vec<f32>, &Vec<f32>)| {
        let difference = norm(&mut found.iter().zip(expected).map(|(found, expected)| found - expected));
        difference / norm(&mut expected.iter().copied())
    };
    found.iter().zip(expected).map(of_tensor).fold(0.0, larger)
}

/// The larger of two deviations; a NaN is the largest of all.
fn larger(first: f32, second: f32) -> f32 {
    if second.is_nan() { f32::INFINITY } else { first.max(second) }
}

/// Does one small convolution, and compares it.
///
/// # Errors
/// A device that cannot compute.
pub fn small_convolution<B: AutodiffBackend>(device: &B::Device) -> Result<Agreement, DeviceError> {
    let case = Case { batch: 2, size: [5, 6], kernel: [3, 5], dilation: [2, 1], ..Case::whole_batch(2) };
    compare_cases::<B>("a small convolution", &[case], device)
}

fn compare_cases<B: AutodiffBackend>(
    operation: &'static str,
    cases: &[Case],
    device: &B::Device,
) -> Result<Agreement, DeviceError> {
    let mut largest = 0.0;
    for case in cases {
        let found = case.results::<B>(Precision::Float32, device)?;
        let expected = case.results::<Autodiff<Flex>>(Precision::Float32, &FlexDevice)?;
        largest = larger(largest, of_values(&found, &expected));
    }
    Ok(Agreement { operation, cases: cases.len(), largest, tolerance: FLOAT32 })
}

/// Compares operations of networks, those with kernels of their own and the norm of a weight. `has_bfloat16` adds convolutions with such factors.
///
/// # Errors
/// A device that cannot compute.
pub fn compare<B: AutodiffBackend>(device: &B::Device, has_bfloat16: bool) -> Result<Vec<Agreement>, DeviceError> {
    let whole_batches = [1, 4].map(Case::whole_batch);
    let product = of_values(&product::<B>(device)?, &product::<Autodiff<Flex>>(&FlexDevice)?);
    let normed = of_values(&normed_weight::<B>(device)?, &normed_weight::<Autodiff<Flex>>(&FlexDevice)?);
    let mut all = vec![
        compare_cases::<B>("convolutions of all shapes of the space", &Case::of_space(), device)?,
        compare_cases::<B>("convolutions of 50 images of 32x32", &whole_batches, device)?,
        compare_cases::<B>("convolutions of a HyperNet", &Case::of_hypernet(), device)?,
        Agreement { operation: "a product of matrices", cases: 1, largest: product, tolerance: FLOAT32 },
        Agreement { operation: "a weight under simple WeightNorm", cases: 1, largest: normed, tolerance: FLOAT32 },
    ];
    if has_bfloat16 {
        let mut largest = 0.0;
        for case in whole_batches {
            let rounded = case.results::<B>(Precision::Bfloat16, device)?;
            let exact = case.results::<Autodiff<Flex>>(Precision::Float32, &FlexDevice)?;
            largest = larger(largest, of_tensors(&rounded, &exact));
        }
        let operation = "the same with factors of bfloat16";
        all.push(Agreement { operation, cases: whole_batches.len(), largest, tolerance: BFLOAT16 });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The CPU agrees with itself to the bit, and a wrong value is found.
    #[test]
    fn deviations_are_found() {
        let all = compare::<Autodiff<Flex>>(&FlexDevice, false).unwrap();
        assert!(all.iter().all(|agreement| agreement.largest == 0.0), "{all:?}");
        let exact = [vec![1.0, 2.0], vec![1.0], vec![1.0]];
        assert_eq!(of_values(&[vec![1.0, 2.5], vec![1.0], vec![1.0]], &exact), 0.25);
        assert_eq!(of_values(&[vec![f32::NAN, 2.0], vec![1.0], vec![1.0]], &exact), f32::INFINITY);
        assert!(of_tensors(&[vec![1.0, 2.1], vec![1.0], vec![1.0]], &exact) > 0.04);
    }

    #[test]
    fn factors_of_bfloat16_are_within_their_tolerance() {
        let case = Case::whole_batch(1);
        let [rounded, exact] = [Precision::Bfloat16, Precision::Float32]
            .map(|precision| case.results::<Autodiff<Flex>>(precision, &FlexDevice).unwrap());
        assert!(of_tensors(&rounded, &exact) > 1e-4, "nothing was rounded");
    }
}
