//! Activation functions of ops (paper, appendix D).

use burn::prelude::*;
use burn::tensor::activation::{elu, leaky_relu, relu, tanh};
use smash_space::Activation;
use smash_space::op_forms::Function;

/// Slope of the leaky ReLU for negative values, as in DCGAN.
const SLOPE: f32 = 0.2;

/// A tensor, and the activation with which a convolution reads it, so that together they give the function's values.
/// Kernels apply piecewise linear functions as they read.
pub fn before_convolution<B: Backend>(function: Function, input: Tensor<B, 4>) -> (Tensor<B, 4>, Activation) {
    match function {
        Function::Relu => (input, Activation::Relu),
        Function::LeakyRelu => (input, Activation::LeakyRelu(SLOPE)),
        Function::Tanh | Function::Elu => (activated(function, input), Activation::Identity),
    }
}

/// The function's values.
pub fn activated<B: Backend>(function: Function, input: Tensor<B, 4>) -> Tensor<B, 4> {
    match function {
        Function::Relu => relu(input),
        Function::LeakyRelu => leaky_relu(input, SLOPE.into()),
        Function::Tanh => tanh(input),
        Function::Elu => elu(input, 1.0),
    }
}
