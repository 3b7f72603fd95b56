//! Tests of our CPU kernels against burn's own operations.

mod convolution;
mod normalisation;
mod parts;
mod recording;
mod weight_norm;

use burn::backend::Autodiff;
use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use rand::RngExt;
use smash_kernels::interleaved::interleave;
use smash_space::{Seed, Stream};

type B = Autodiff<Flex>;

fn ordered(input: Tensor<B, 4>, interleaved: bool) -> Tensor<B, 4> {
    if interleaved { interleave(input) } else { input }
}

fn random<const D: usize>(shape: [usize; D], stream: u64) -> Tensor<B, D> {
    let mut rng = Seed(0).rng(Stream::Check, &[stream]);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}
