//! Architecture search without training (Mellor et al. 2021): how differently a network's ReLUs respond to some images.

use std::collections::BTreeSet;

use burn::prelude::*;
use smash_kernels::products::matmul;
use smash_space::Activation;
use smash_space::blueprint::{Blueprint, Step};

use crate::error::PredictorError;
use crate::networks::free_network::{Network, Phase};
use crate::training::checkpoint::HostTensor;

/// Largest number of units of one value, so that a count of them is exact in float32.
const MOST_UNITS: usize = 1 << 24;

/// Natural logarithm of the determinant of the kernel of a network's binary codes for some images. Larger is better.
///
/// The code of an image has one bit for each rectified unit: whether its input is positive. The kernel of two images is
/// the number of units less the Hamming distance of their codes. This is the number of units on which they agree.
/// BatchNorm uses the statistics of these images, as in the authors' code.
///
/// A unit counts once, however many convolutions rectify it: the two paths of an op read one 1x1 convolution.
///
/// # Shapes
/// - `images`: `[batch, channels, height, width]`
///
/// # Errors
/// A singular kernel, such as the kernel of two images with the same code. This is a failure, not a low score.
pub fn naswot<B: Backend>(net: &Network<B>, images: Tensor<B, 4>) -> Result<f64, PredictorError> {
    let [batch, ..] = images.dims();
    let rectified = rectified(&net.blueprint);
    let mut kernel = vec![0.0; batch * batch];
    let _ = net.features(images, Phase::Measure, &mut |value, tensor| {
        if rectified.contains(&value) {
            add_agreements(&mut kernel, tensor);
        }
    });
    log_determinant(&kernel, batch).ok_or_else(|| PredictorError {
        predictor: "naswot",
        architecture: net.blueprint.name.clone(),
        reason: format!("the kernel of {batch} images is singular"),
    })
}

/// Indices, in the order of creation, of values that a ReLU reads. A value that is already behind a ReLU is not
/// rectified again.
fn rectified(blueprint: &Blueprint) -> BTreeSet<usize> {
    let (mut read, mut behind) = (BTreeSet::new(), BTreeSet::new());
    let mut made = 1;
    for step in &blueprint.steps {
        match step {
            Step::Conv { inputs, activation: Activation::Relu, .. } => {
                read.extend(inputs.iter().map(|input| input.index()))
            }
            Step::Relu { input } => {
                read.insert(input.index());
                behind.insert(made);
            }
            Step::Pointwise { .. } => unreachable!("a network that predictors rate has BatchNorm"),
            _ => {}
        }
        made += match step {
            Step::Cut { count, .. } => *count,
            _ => 1,
        };
    }
    &read - &behind
}

/// Adds to the kernel the number of units of a value, `[batch, channels, height, width]`, on which two images agree.
fn add_agreements<B: Backend>(kernel: &mut [f64], value: &Tensor<B, 4>) {
    let [batch, channels, height, width] = value.dims();
    let units = channels * height * width;
    assert!(units < MOST_UNITS, "{units} units in one value");
    let codes = value.clone().greater_elem(0.0).float().reshape([batch, units]);
    let both = HostTensor::of(matmul(codes.clone(), codes.transpose())).values;
    let positive = |image: usize| f64::from(both[image * batch + image]);
    for first in 0..batch {
        for second in 0..batch {
            let both = f64::from(both[first * batch + second]);
            // Both positive, or neither.
            kernel[first * batch + second] += 2.0 * both + units as f64 - positive(first) - positive(second);
        }
    }
}

/// Natural logarithm of the determinant of a positive semidefinite matrix in row-major order, by Cholesky
/// decomposition. `None` if the matrix is singular up to rounding.
fn log_determinant(matrix: &[f64], size: usize) -> Option<f64> {
    let mut lower = matrix.to_vec();
    let largest = (0..size).map(|row| matrix[row * size + row]).fold(0.0, f64::max);
    let least = largest * size as f64 * f64::EPSILON;
    let mut logarithm = 0.0;
    for row in 0..size {
        for column in 0..=row {
            let (of_row, of_column) = (&lower[row * size..][..column], &lower[column * size..][..column]);
            let known: f64 = of_row.iter().zip(of_column).map(|(a, b)| a * b).sum();
            let rest = lower[row * size + column] - known;
            if column < row {
                lower[row * size + column] = rest / lower[column * size + column];
            } else if rest > least {
                lower[row * size + row] = rest.sqrt();
                logarithm += rest.ln();
            } else {
                return None;
            }
        }
    }
    Some(logarithm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smash_space::architecture::{Architecture, Block, Conv, Op};
    use smash_space::space::SearchSpace;
    use smash_space::task::Task;

    #[test]
    fn the_determinant_agrees_with_its_definition() {
        let value = log_determinant(&[4.0, 2.0, 0.6, 2.0, 3.0, 0.4, 0.6, 0.4, 2.0], 3).unwrap();
        // 4 (6 - 0.16) - 2 (4 - 0.24) + 0.6 (0.8 - 1.8)
        assert!((value - 15.24f64.ln()).abs() < 1e-14, "{value}");
        assert_eq!(log_determinant(&[7.0; 4], 2), None);
        assert_eq!(log_determinant(&[0.0], 1), None);
    }

    /// Both paths of an op read its 1x1 convolution, and each path's second convolution reads the first.
    #[test]
    fn each_rectified_unit_counts_once() {
        let conv = Some(Conv { kernel: [3, 3], dilation: [1, 1], groups: 1 });
        let op = Op { reads: vec![0, 1], writes: vec![0], units: 1, convs: [conv; 4] };
        let block = Block { bank_size: 1, ops: vec![op] };
        let architecture = Architecture { blocks: vec![block; 3] };
        let space = SearchSpace::smash_v2(2, 1);
        architecture.validate(&space).unwrap();
        let blueprint = Blueprint::of(&space, Task::of_images(3, 8, 10), &architecture);
        let found: usize = rectified(&blueprint)
            .into_iter()
            .map(|value| blueprint.sizes[value].channels * blueprint.sizes[value].pixels.pow(2))
            .sum();
        // Each op counts 16 channels read, 16 of the 1x1 convolution and 8 in the middle of each path. The end of each
        // block counts its input banks.
        let of_block = |block: usize| 16 + 16 + 2 * 8 + space.block_input(block) / 8 * 8;
        assert_eq!(found, of_block(0) * 64 + of_block(1) * 16 + of_block(2) * 4);
    }
}
