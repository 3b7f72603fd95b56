//! Tests of our BatchNorm against burn's own operations: values, statistics and gradients.

use burn::prelude::*;
use proptest::prelude::*;
use smash_kernels::normalisation::BatchStatistics;
use smash_kernels::normalisation::{normalise, stock};

use super::{B, ordered, random};

type Normalisation = fn(Vec<Tensor<B, 4>>, Tensor<B, 1>, Tensor<B, 1>, f64) -> (Tensor<B, 4>, BatchStatistics<B>);

fn stock_of_concatenated(
    inputs: Vec<Tensor<B, 4>>,
    weight: Tensor<B, 1>,
    bias: Tensor<B, 1>,
    epsilon: f64,
) -> (Tensor<B, 4>, BatchStatistics<B>) {
    stock(Tensor::cat(inputs, 1), weight, bias, epsilon)
}

/// Output, mean, variance, and the gradients of input, weight and bias.
fn results(normalise: Normalisation, shape: [usize; 4], interleaved: bool) -> Vec<Vec<f32>> {
    let input = (random(shape, 0) + 0.5).require_grad();
    let [weight, bias] = [1, 2].map(|stream| random([shape[1]], stream).require_grad());
    // The input as views of some channels, which together have all channels of `input`.
    let cuts = [0, shape[1] / 3, shape[1] / 2, shape[1]];
    let parts = cuts.windows(2).filter(|cut| cut[0] < cut[1]);
    let ordered = ordered(input.clone(), interleaved);
    let parts = parts.map(|cut| ordered.clone().narrow(1, cut[0], cut[1] - cut[0]));
    let (output, statistics) = normalise(parts.collect(), weight.clone(), bias.clone(), 1e-5);
    let gradients = (output.clone() * random(shape, 3)).sum().backward();
    let parameter = |tensor: Tensor<B, 1>| tensor.grad(&gradients).unwrap().into_data();
    [
        output.into_data(),
        statistics.mean.into_data(),
        statistics.variance.into_data(),
        input.grad(&gradients).unwrap().into_data(),
        parameter(weight),
        parameter(bias),
    ]
    .map(|data| data.into_vec().unwrap())
    .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn agrees_with_burn_in_value_and_gradients(
        batch in 1_usize..9,
        channels in 1_usize..9,
        height in 2_usize..20,
        width in 2_usize..20,
        interleaved in any::<bool>(),
    ) {
        let shape = [batch, channels, height, width];
        for (ours, expected) in results(normalise, shape, interleaved).iter().zip(results(stock_of_concatenated, shape, false)) {
            let largest = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
            for (ours, expected) in ours.iter().zip(expected) {
                prop_assert!((ours - expected).abs() < 2e-5 * largest, "{ours} against {expected}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| [false, true].map(|interleaved| results(normalise, [13, 8, 9, 9], interleaved)))
    };
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(5));
}
