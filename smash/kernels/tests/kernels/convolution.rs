//! Tests of our convolution against burn's own: values and both gradients, over all shapes of the space.

use burn::prelude::*;
use burn_flex::Flex;
use proptest::prelude::*;
use smash_kernels::convolution::{Precision, conv_concatenated, conv_same, stock};
use smash_space::Activation;

use super::{B, ordered, random};

/// Maps input, activation, weight, dilation and groups to output.
type Convolution = fn(Tensor<B, 4>, Activation, Tensor<B, 4>, [usize; 2], usize) -> Tensor<B, 4>;

#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    groups: usize,
    inputs: usize,
    outputs: usize,
    size: [usize; 2],
    kernel: [usize; 2],
    dilation: [usize; 2],
    activation: Activation,
    interleaved: bool,
}

fn largest<const D: usize>(tensor: Tensor<Flex, D>) -> f32 {
    tensor.abs().max().into_scalar()
}

/// Largest deviation relative to the largest value, for output, input gradient and weight gradient.
fn deviations(case: Case) -> [f32; 3] {
    let Case { batch, groups, inputs, outputs, size: [height, width], kernel, dilation, activation, interleaved } =
        case;
    let run = |conv: Convolution| {
        let input = random([batch, groups * inputs, height, width], 0).require_grad();
        let weight = random([groups * outputs, inputs, kernel[0], kernel[1]], 1).require_grad();
        let ordered = ordered(input.clone(), interleaved);
        let output = conv(ordered, activation, weight.clone(), dilation, groups);
        let gradients = (output.clone() * random(output.dims(), 2)).sum().backward();
        [output.inner(), input.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()]
    };
    let [ours, expected] = [run(conv_same), run(stock)];
    let mut result = [0.0; 3];
    for ((slot, ours), expected) in result.iter_mut().zip(ours).zip(expected) {
        assert_eq!(ours.dims(), expected.dims(), "{case:?}");
        *slot = largest(ours - expected.clone()) / largest(expected).max(1e-3);
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn agrees_with_burn_in_value_and_gradients(
        batch in 1_usize..11,
        groups in prop::sample::select(vec![1_usize, 2, 4, 8]),
        inputs in 1_usize..9,
        outputs in 1_usize..20,
        height in 1_usize..20,
        width in prop_oneof![1_usize..20, Just(16), Just(32), Just(48)],
        kernel in [0_usize..4, 0_usize..4],
        dilation in [1_usize..4, 1_usize..4],
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.02)]),
        interleaved in any::<bool>(),
    ) {
        let case = Case { batch, groups, inputs, outputs, size: [height, width], kernel: kernel.map(|k| 2 * k + 1), dilation, activation, interleaved };
        let deviations = deviations(case);
        prop_assert!(deviations.iter().all(|&deviation| deviation < 2e-5), "{case:?}: {deviations:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// With this many channels, fewer multiplications are worth their transforms.
    #[test]
    fn agrees_with_burn_for_many_channels(
        batch in 1_usize..11,
        groups in 1_usize..3,
        inputs in 24_usize..40,
        outputs in 24_usize..40,
        height in 4_usize..20,
        width in prop_oneof![1_usize..20, Just(16)],
        kernel in [1_usize..4, 0_usize..4],
        dilation in [1_usize..4, 1_usize..4],
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.02)]),
        interleaved in any::<bool>(),
    ) {
        let case = Case { batch, groups, inputs, outputs, size: [height, width], kernel: kernel.map(|k| 2 * k + 1), dilation, activation, interleaved };
        let deviations = deviations(case);
        prop_assert!(deviations.iter().all(|&deviation| deviation < 2e-5), "{case:?}: {deviations:?}");
    }
}

/// Output and the gradients of two tensors and the weight, for a convolution of slices of the tensors. The slices are
/// read one after the other, some of them twice.
fn of_slices(separate: bool, sizes: &[[usize; 2]], activation: Activation, interleaved: bool) -> Vec<Vec<f32>> {
    let tensors = [0, 1].map(|stream| random([9, 7, 6, 5], stream).require_grad());
    let ordered = tensors.clone().map(|tensor| ordered(tensor, interleaved));
    let slices: Vec<Tensor<B, 4>> = sizes
        .iter()
        .enumerate()
        .map(|(index, &[start, count])| ordered[index % 2].clone().narrow(1, start, count))
        .collect();
    let channels = sizes.iter().map(|[_, count]| count).sum();
    let weight = random([4, channels, 3, 3], 2).require_grad();
    let output = if separate {
        conv_concatenated(slices, activation, weight.clone(), [1, 1], 1)
    } else {
        stock(Tensor::cat(slices, 1), activation, weight.clone(), [1, 1], 1)
    };
    let gradients = (output.clone() * random(output.dims(), 3)).sum().backward();
    let mut results = vec![output.into_data()];
    results.extend(
        tensors
            .iter()
            .chain([&weight])
            .map(|tensor| tensor.grad(&gradients).unwrap_or_else(|| tensor.zeros_like().inner()).into_data()),
    );
    results.into_iter().map(|data| data.into_vec().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// Up to eighteen inputs: more than the kernels read in place.
    #[test]
    fn concatenated_views_agree_with_burn(
        sizes in prop::collection::vec((0_usize..4, 1_usize..4).prop_map(|(start, count)| [start, count]), 1..19),
        activation in prop::sample::select(vec![Activation::Identity, Activation::Relu]),
        interleaved in any::<bool>(),
    ) {
        let expected = of_slices(false, &sizes, activation, false);
        for (ours, expected) in of_slices(true, &sizes, activation, interleaved).iter().zip(&expected) {
            let largest = expected.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
            for (ours, expected) in ours.iter().zip(expected) {
                prop_assert!((ours - expected).abs() < 2e-5 * largest, "{ours} against {expected}");
            }
        }
    }
}

#[test]
fn a_weight_gradient_agrees_with_finite_differences() {
    let input = random::<4>([2, 4, 5, 6], 0);
    let weight = random::<4>([6, 2, 3, 5], 1);
    let factor = random::<4>([2, 6, 5, 6], 2);
    let loss =
        |weight: Tensor<B, 4>| (conv_same(input.clone(), Activation::Relu, weight, [2, 1], 2) * factor.clone()).sum();
    let tracked = weight.clone().require_grad();
    let gradient = tracked.grad(&loss(tracked.clone()).backward()).unwrap();
    let direction = random::<4>(weight.dims(), 3);
    // The loss is linear in the weight, so any step is exact up to rounding.
    let step = |sign: f64| loss(weight.clone() + direction.clone() * sign).inner().into_scalar();
    let difference = (step(1.0) - step(-1.0)) / 2.0;
    let expected: f32 = (gradient * direction.inner()).sum().into_scalar();
    assert!((difference - expected).abs() < 1e-3 * expected.abs().max(1.0), "{difference} against {expected}");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Many channels are convolved in another way than few.
    for channels in [[4, 3], [40, 36]] {
        for interleaved in [false, true] {
            assert_eq!(of_threads(1, channels, interleaved), of_threads(2, channels, interleaved));
            assert_eq!(of_threads(1, channels, interleaved), of_threads(5, channels, interleaved));
        }
    }
}

/// Output and gradients on the given number of threads, for two groups of inputs and outputs.
fn of_threads(threads: usize, [inputs, outputs]: [usize; 2], interleaved: bool) -> [Vec<f32>; 3] {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let input = random([13, 2 * inputs, 9, 9], 0).require_grad();
        let weight = random([2 * outputs, inputs, 3, 3], 1).require_grad();
        let ordered = ordered(input.clone(), interleaved);
        let output = conv_same(ordered, Activation::Relu, weight.clone(), [1, 1], 2);
        let gradients = (output.clone() * random(output.dims(), 2)).sum().backward();
        let tensors = [output.inner(), input.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()];
        tensors.map(|tensor| tensor.into_data().into_vec::<f32>().unwrap())
    })
}

#[test]
fn bfloat16_has_the_values_and_gradients_of_float32_to_8_bits() {
    let run = |precision: Precision| {
        let inputs = [0, 1].map(|stream| random([2, 4, 6, 6], stream).require_grad());
        let weight = random([6, 4, 3, 3], 2).require_grad();
        let output = precision.conv(inputs.to_vec(), Activation::Relu, weight.clone(), [2, 1], 2);
        let gradients = (output.clone() * random(output.dims(), 3)).sum().backward();
        let [first, second] = inputs.map(|input| input.grad(&gradients).unwrap());
        [output.inner(), first, second, weight.grad(&gradients).unwrap()]
    };
    for (half, full) in run(Precision::Bfloat16).into_iter().zip(run(Precision::Float32)) {
        assert_eq!(half.dtype(), full.dtype());
        let deviation = largest(half - full.clone()) / largest(full);
        assert!(deviation > 0.0 && deviation < 2e-2, "{deviation}");
    }
}
