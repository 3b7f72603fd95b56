//! Tests of our WeightNorm against burn's own operations: value and gradient, for whole tensors and for views.

use burn::prelude::*;
use proptest::prelude::*;
use smash_kernels::weight_norm::{simple_weight_norm, stock};

use super::{B, random};

/// Value and gradient of the norm of a slice.
fn results(norm: fn(Tensor<B, 2>) -> Tensor<B, 2>, rows: usize, columns: usize, first: usize) -> [Vec<f32>; 2] {
    let whole = random([rows + 1, first + columns + 2], 0).require_grad();
    let normed = norm(whole.clone().slice([0..rows, first..first + columns]));
    let gradients = (normed.clone() * random(normed.dims(), 1)).sum().backward();
    [normed.into_data(), whole.grad(&gradients).unwrap().into_data()].map(|data| data.into_vec().unwrap())
}

proptest! {
    #[test]
    fn agrees_with_burn_in_value_and_gradient(rows in 1_usize..20, columns in 1_usize..40, first in 0_usize..3) {
        let expected = results(stock, rows, columns, first);
        for (ours, expected) in results(simple_weight_norm, rows, columns, first).iter().zip(&expected) {
            let largest = expected.iter().fold(0_f32, |largest, value| largest.max(value.abs()));
            for (ours, expected) in ours.iter().zip(expected) {
                // The gradient of a single weight is 0: two terms of about 1 cancel up to their rounding.
                let tolerance = 2e-5 * largest + 1e-6;
                prop_assert!((ours - expected).abs() < tolerance, "{ours} against {expected}");
            }
        }
    }
}
