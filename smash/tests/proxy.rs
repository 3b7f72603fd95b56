//! Tests of the gradient of the loss with respect to the encoding, against finite differences.

use burn::backend::Autodiff;
use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use datasets::LoadOptions;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use smash::sampling::sample;
use smash::scoring::proxy::encoding_gradient;
use smash::{
    Architecture, DeviceImages, Encoding, Examples, HyperNetConfig, LearnedConvolutions, Limits, Mode, Noise,
    SearchSpace, SmashNet, Task,
};

const EXAMPLES: usize = 120;

/// Steps along a direction of unit length. The encoding has some thousand values of size 1.
const STEPS: [f64; 3] = [0.05, 0.1, 0.2];

/// Relative to the largest slope, which is the slope along the gradient. The smallest step changes a loss of about 2.3
/// by 1e-4. In float32 the loss is known to some 1e-7, an error of 1e-3 of the slope. The error of larger steps grows
/// with their square.
const TOLERANCE: f64 = 0.01;

#[test]
fn slopes_along_directions_agree_with_finite_differences() {
    let options = LoadOptions { image_size: Some(8), n_train: Some(EXAMPLES), n_test: Some(1), ..Default::default() };
    let data = datasets::load("shapes", &options).unwrap();
    let images = DeviceImages::<Flex>::new(&data.train, &data.normalisation, &FlexDevice);
    let indices: Vec<usize> = (0..EXAMPLES).collect();
    let examples = Examples { images: &images, indices: &indices };
    let task = Task::of_images(3, 8, data.train.classes);
    let hypernet = HyperNetConfig { growth: 4, layers: vec![2, 2] };
    for (seed, space) in [SearchSpace::smash_v1(2, 2), SearchSpace::smash_v2(2, 1)].into_iter().enumerate() {
        let rng = || ChaCha8Rng::seed_from_u64(seed as u64);
        let learned = LearnedConvolutions::default();
        let mut tracked =
            SmashNet::<Autodiff<Flex>>::new(space.clone(), Some(&hypernet), learned, task, &mut rng(), &FlexDevice);
        // The same weights, off the tape.
        let mut plain = SmashNet::<Flex>::new(space.clone(), Some(&hypernet), learned, task, &mut rng(), &FlexDevice);
        let architecture = sample(&space, Limits::of(&space), &mut rng());
        let noise = Noise::new(rng());
        let (batch, _) = images.batch(&indices, None);
        settle(&mut tracked, &architecture, &noise, Tensor::from_inner(batch.clone()));
        settle(&mut plain, &architecture, &noise, batch);
        let gradient = encoding_gradient(&tracked, &architecture, &noise, examples).unwrap();
        let encoding = Encoding::new(&space, &architecture);
        assert_eq!(gradient.shape, encoding.shape);

        let loss = |direction: &[f64], step: f64| {
            let mut moved = encoding.clone();
            let values = moved.values.iter_mut().zip(direction);
            values.for_each(|(value, along)| *value = (f64::from(*value) + step * along) as f32);
            let weights = plain.generate_from(&moved, &noise);
            examples.evaluate(|images| plain.forward(&architecture, &weights, images, Mode::Evaluate).0).loss
        };
        let slopes: Vec<f64> = gradient.values.iter().map(|&value| f64::from(value)).collect();
        let steepest = slopes.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
        assert!(steepest > 1e-4, "{steepest}");
        let mut rng = rng();
        // Half along the gradient and half at random, so that the slope of each direction is not lost in rounding.
        let mut mixed = || -> Vec<f64> {
            let random: Vec<f64> = (0..slopes.len()).map(|_| rng.sample(StandardNormal)).collect();
            let both = unit(&slopes).into_iter().zip(unit(&random));
            both.map(|(along, random)| along + random).collect()
        };
        let directions = [slopes.clone(), mixed(), mixed(), mixed()];
        for direction in directions {
            let direction = unit(&direction);
            let predicted: f64 = slopes.iter().zip(&direction).map(|(slope, along)| slope * along).sum();
            let differences = STEPS.map(|step| (loss(&direction, step) - loss(&direction, -step)) / (2.0 * step));
            let off = differences.map(|difference| (difference - predicted).abs() / steepest);
            assert!(
                off.into_iter().fold(f64::MAX, f64::min) < TOLERANCE,
                "predicted {predicted}, differences {differences:?}"
            );
        }
    }
}

/// Sets running statistics to the statistics of some images, as training does. With the statistics of a new network,
/// little of the input would reach the output.
fn settle<B: Backend>(net: &mut SmashNet<B>, architecture: &Architecture, noise: &Noise, images: Tensor<B, 4>) {
    let weights = net.generate(architecture, noise);
    let (_, statistics) = net.forward(architecture, &weights, images, Mode::Train);
    for _ in 0..50 {
        net.main.update_statistics(&statistics);
    }
}

fn unit(vector: &[f64]) -> Vec<f64> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    vector.iter().map(|value| value / length).collect()
}
