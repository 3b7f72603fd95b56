//! Tests of recorded passes against burn's tape.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::prelude::*;
use smash_kernels::activation::relu;
use smash_kernels::convolution::{conv_1x1, conv_same};
use smash_kernels::normalisation::normalise;
use smash_kernels::parts::{Shared, add, concatenate, parts, window};
use smash_kernels::pooling::{global_average, halve};
use smash_kernels::recording::recorded;
use smash_kernels::weight_norm::simple_weight_norm;
use smash_space::Activation;

use super::{B, random};

/// Parameters of a small network, and a matrix that burn's operations made from one of them.
struct Net {
    stem: Tensor<B, 4>,
    seed: Tensor<B, 2>,
    matrix: Tensor<B, 2>,
    norm: [Tensor<B, 1>; 2],
    unused: Tensor<B, 4>,
}

impl Net {
    fn new() -> Self {
        let seed = random([3, 8], 1).require_grad();
        Self {
            stem: random([4, 3, 3, 3], 0).require_grad(),
            matrix: seed.clone() * 2.0,
            seed,
            norm: [2, 3].map(|stream| random([8], stream).require_grad()),
            unused: random([4, 3, 1, 1], 4).require_grad(),
        }
    }

    /// `[batch, 6]`
    fn features(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        // The output does not depend on this parameter.
        drop(conv_same(images.clone(), Activation::Relu, self.unused.clone(), [1, 1], 1));
        let stem = Shared::new(conv_same(images, Activation::Identity, self.stem.clone(), [1, 1], 1));
        let stem = add(relu(stem.read()), stem.read());
        let banks = parts(stem.clone(), 2, 2);
        let whole = concatenate(vec![add(banks[0].clone(), banks[1].clone()), stem.clone(), banks[0].clone()]);
        let [weight, bias] = self.norm.clone();
        let (normalised, _) = normalise(vec![whole], weight, bias, 1e-5);
        let weight = simple_weight_norm(window(self.matrix.clone(), [0..3, 0..8]));
        let output = conv_1x1(vec![normalised.clone()], Activation::Relu, weight);
        let other = conv_1x1(vec![normalised], Activation::Identity, window(self.matrix.clone(), [0..3, 0..8]));
        global_average(halve(concatenate(vec![output, other])))
    }

    /// Features, and the gradient of every parameter that has one.
    fn results(&self, is_recorded: bool) -> Vec<Option<TensorData>> {
        let images = random([3, 3, 6, 6], 5);
        let pass = || self.features(images);
        let features = if is_recorded { recorded(Some(self.matrix.clone()), pass) } else { pass() };
        let gradients = (features.clone() * random(features.dims(), 6)).sum().backward();
        let [weight, bias] = &self.norm;
        vec![
            Some(features.into_data()),
            self.stem.grad(&gradients).map(Tensor::into_data),
            self.seed.grad(&gradients).map(Tensor::into_data),
            weight.grad(&gradients).map(Tensor::into_data),
            bias.grad(&gradients).map(Tensor::into_data),
            self.unused.grad(&gradients).map(Tensor::into_data),
        ]
    }
}

#[test]
fn a_recorded_pass_has_the_values_and_gradients_of_burns_tape() {
    let [ours, expected] = [true, false].map(|is_recorded| Net::new().results(is_recorded));
    for (ours, expected) in ours.iter().zip(&expected) {
        match (ours, expected) {
            (Some(ours), Some(expected)) => {
                ours.assert_approx_eq::<f32>(expected, burn::tensor::Tolerance::absolute(1e-6));
            }
            (ours, expected) => assert_eq!(ours.is_some(), expected.is_some()),
        }
    }
    assert!(ours[..5].iter().all(Option::is_some));
}

/// The message of a recording that panics.
fn message_of(pass: impl Fn(Tensor<B, 4>) -> Tensor<B, 4>) -> String {
    let weight = random([4, 3, 3, 3], 0).require_grad();
    let conv = || conv_same(random([2, 3, 5, 5], 1), Activation::Identity, weight.clone(), [1, 1], 1);
    let recording = AssertUnwindSafe(|| recorded(None, || pass(conv())));
    let panicked = catch_unwind(recording).expect_err("a panic");
    panicked.downcast_ref::<&str>().expect("a message").to_string()
}

#[test]
fn operations_of_burn_are_refused() {
    assert_eq!(message_of(|output| relu(output * 2.0)), "an operation of burn inside a recording");
    assert_eq!(message_of(|output| output * 2.0), "the output of a recording is one of its operations'");
    // A pass that panics leaves no recording behind.
    a_recorded_pass_has_the_values_and_gradients_of_burns_tape();
}
