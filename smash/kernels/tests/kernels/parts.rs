//! Tests of parts of channels, their sums and the pooling of transitions against burn's own operations.

use burn::prelude::*;
use proptest::prelude::*;
use smash_kernels::activation::relu;
use smash_kernels::parts::{Shared, add, parts, window};
use smash_kernels::pooling::{global_average, halve, stock};

use super::{B, ordered, random};

/// Output and gradient of a function of one tensor.
fn both(input: Tensor<B, 4>, function: impl Fn(Tensor<B, 4>) -> Tensor<B, 4>) -> [TensorData; 2] {
    let input = input.require_grad();
    let output = function(input.clone());
    let gradients = (output.clone() * random(output.dims(), 1)).sum().backward();
    [output.into_data(), input.grad(&gradients).unwrap().into_data()]
}

proptest! {
    #[test]
    fn parts_and_their_sums_are_slices_and_their_sums(
        batch in 1_usize..4,
        channels in 1_usize..4,
        count in 1_usize..5,
        dropped in 0_usize..2,
        height in 1_usize..6,
        width in 1_usize..6,
        interleaved in any::<bool>(),
    ) {
        let input = || random([batch, channels * count + dropped, height, width], 0);
        // The sum of the first and the last part, and each part once more, so that some parts have several gradients.
        let banks = |parts: Vec<Tensor<B, 4>>, add: fn(Tensor<B, 4>, Tensor<B, 4>) -> Tensor<B, 4>| {
            let sum = add(parts[0].clone(), parts[count - 1].clone());
            Tensor::cat(parts.into_iter().chain([sum]).collect(), 1)
        };
        let ours = both(input(), |input| banks(parts(ordered(input, interleaved), channels, count), add));
        let expected = both(input(), |input| {
            let part = |index: usize| input.clone().narrow(1, index * channels, channels);
            banks((0..count).map(part).collect(), |left, right| left + right)
        });
        prop_assert_eq!(&ours[0], &expected[0]);
        ours[1].assert_approx_eq::<f32>(&expected[1], burn::tensor::Tolerance::absolute(1e-6));
    }

    #[test]
    fn a_shared_tensor_has_the_gradients_of_all_its_readers(
        readers in 1_usize..6,
        channels in 1_usize..4,
        interleaved in any::<bool>(),
    ) {
        let input = || random([2, channels, 3, 5], 0);
        let ours = both(input(), |input| {
            let shared = Shared::new(ordered(input, interleaved));
            Tensor::cat((0..readers).map(|_| shared.read()).collect(), 1)
        });
        let expected = both(input(), |input| Tensor::cat(vec![input; readers], 1));
        prop_assert_eq!(&ours[0], &expected[0]);
        ours[1].assert_approx_eq::<f32>(&expected[1], burn::tensor::Tolerance::absolute(1e-5));
    }

    #[test]
    fn a_window_is_a_slice(
        sizes in prop::array::uniform4(1_usize..5),
        before in prop::array::uniform4(0_usize..2),
        after in prop::array::uniform4(0_usize..2),
    ) {
        let shape = std::array::from_fn(|i| before[i] + sizes[i] + after[i]);
        let ranges: [_; 4] = std::array::from_fn(|i| before[i]..before[i] + sizes[i]);
        let ours = both(random(shape, 0), |weight| window(weight, ranges.clone()));
        let expected = both(random(shape, 0), |weight| weight.slice(ranges.clone()));
        prop_assert_eq!(ours, expected);
    }

    #[test]
    fn halves_are_averages_of_squares(
        batch in 1_usize..4,
        channels in 1_usize..4,
        height in 2_usize..9,
        width in 2_usize..9,
        interleaved in any::<bool>(),
    ) {
        let input = || random([batch, channels, height, width], 0);
        let [ours, expected] = [both(input(), |input| halve(ordered(input, interleaved))), both(input(), stock)];
        for (ours, expected) in ours.iter().zip(&expected) {
            ours.assert_approx_eq::<f32>(expected, burn::tensor::Tolerance::absolute(1e-6));
        }
    }

    #[test]
    fn positive_parts_and_means_over_images_are_burns(
        batch in 1_usize..4,
        channels in 1_usize..4,
        height in 1_usize..9,
        width in 1_usize..9,
        interleaved in any::<bool>(),
    ) {
        let input = || random([batch, channels, height, width], 0);
        let ours = both(input(), |input| {
            let kept = relu(ordered(input, interleaved));
            kept.clone() * global_average(kept).unsqueeze_dims(&[2, 3])
        });
        let expected = both(input(), |input| {
            let kept = burn::tensor::activation::relu(input);
            kept.clone() * kept.mean_dims(&[2, 3])
        });
        for (ours, expected) in ours.iter().zip(&expected) {
            ours.assert_approx_eq::<f32>(expected, burn::tensor::Tolerance::absolute(1e-5));
        }
    }
}
