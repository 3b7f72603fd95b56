//! Products of matrices.

use burn::prelude::*;

use crate::convolution::{conv_1x1, is_on_gpu};
use smash_space::Activation;

/// The product of `left`, `[rows, depth]`, and `right`, `[depth, columns]`: `[rows, columns]`.
///
/// On a GPU it is a convolution of one pixel by our kernels, because burn's product may round its factors to TF32.
pub fn matmul<B: Backend>(left: Tensor<B, 2>, right: Tensor<B, 2>) -> Tensor<B, 2> {
    if !is_on_gpu::<B>() {
        return left.matmul(right);
    }
    let ([rows, depth], [_, columns]) = (left.dims(), right.dims());
    let left = left.reshape([rows, depth, 1, 1]);
    conv_1x1(vec![left], Activation::Identity, right.transpose()).reshape([rows, columns])
}
