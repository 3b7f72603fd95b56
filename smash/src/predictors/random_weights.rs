//! Random weights (Saxe et al. 2011): an architecture's error if only its last layer is trained.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation::softmax;
use smash_kernels::products::matmul;
use smash_space::random::Seed;

use super::{CALIBRATION_IMAGES, calibrate, evaluate, random_images};
use crate::error::DivergedError;
use crate::networks::free_network::{Network, Phase};
use crate::training::checkpoint::HostTensor;
use crate::training::evaluation::{Evaluation, Examples};
use crate::training::resulting_training::WEIGHT_DECAY;

/// Number of steps of the last layer's training, each over all features.
pub const LAST_LAYER_STEPS: usize = 100;
/// Momentum of the last layer's training.
const MOMENTUM: f64 = 0.9;
/// Images in a batch. The number affects only speed and memory.
const BATCH: usize = 100;

/// Validation error of a network after training only its last layer; all other weights stay unchanged. Lower is better.
///
/// BatchNorm takes its statistics from [`CALIBRATION_IMAGES`] training images, so that an image's features do not
/// depend on others in its batch. The features of the training images are computed once, and are moved and scaled to
/// mean 0 and variance 1. On them, softmax regression starts from zero and makes [`LAST_LAYER_STEPS`] steps of Nesterov
/// momentum over all images. Its rate cannot diverge. Only the choice of images for calibration is random.
///
/// # Errors
/// A loss that is not finite.
pub fn random_weights<B: Backend>(
    mut net: Network<B>,
    training: Examples<'_, B>,
    validation: Examples<'_, B>,
    seed: Seed,
) -> Result<Evaluation, DivergedError> {
    calibrate(&mut net, random_images(training, CALIBRATION_IMAGES, seed));
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for chunk in training.indices.chunks(BATCH) {
        let (images, classes) = training.images.batch(chunk, None);
        features.push(net.features(images, Phase::Evaluate, &mut |_, _| {}).0);
        labels.push(classes);
    }
    let classes = net.blueprint.task.classes;
    let (weight, bias) = softmax_regression(Tensor::cat(features, 0), Tensor::cat(labels, 0), classes);
    net.weights.output_weight = Param::initialized(net.weights.output_weight.id, weight);
    net.weights.output_bias = Param::initialized(net.weights.output_bias.id, bias);
    evaluate(&net, validation)
}

/// Weight `[classes, channels]` and bias `[classes]` of a linear layer that predicts classes from features
/// `[images, channels]`. The images' classes are `[images, 1]`.
fn softmax_regression<B: Backend>(
    features: Tensor<B, 2>,
    labels: Tensor<B, 2, Int>,
    classes: usize,
) -> (Tensor<B, 2>, Tensor<B, 1>) {
    let [images, channels] = features.dims();
    let device = features.device();
    let mean = features.clone().mean_dim(0); // [1, channels]
    let centred = features - mean.clone();
    let deviation = (centred.clone() * centred.clone()).mean_dim(0).sqrt();
    // A feature that does not vary carries no information: it is 0 once it is centred, and stays so.
    let scale = deviation.clone().recip().mask_fill(deviation.lower_equal_elem(0.0), 0.0);
    let features = centred * scale.clone();
    let transposed = features.clone().transpose();

    // The curvature of the loss is at most half the largest eigenvalue of the features' correlations. That eigenvalue
    // is at most their largest row sum. The bias is one more feature, uncorrelated with the others.
    let correlations = matmul(transposed.clone(), features.clone()) / images as f64;
    let largest = HostTensor::scalar(correlations.abs().sum_dim(1).max());
    let rate = 1.0 / (largest.max(1.0) / 2.0 + WEIGHT_DECAY);

    let each = Tensor::<B, 1, Int>::arange(0..classes as i64, &device).unsqueeze::<2>();
    let targets = labels.expand([images, classes]).equal(each.expand([images, classes])).float();
    let mut weight = Tensor::<B, 2>::zeros([channels, classes], &device);
    let mut bias = Tensor::<B, 2>::zeros([1, classes], &device);
    let (mut weight_velocity, mut bias_velocity) = (weight.clone(), bias.clone());
    for _ in 0..LAST_LAYER_STEPS {
        let logits = matmul(features.clone(), weight.clone()) + bias.clone();
        let excess = softmax(logits, 1) - targets.clone();
        let weight_gradient =
            matmul(transposed.clone(), excess.clone()) / images as f64 + weight.clone() * WEIGHT_DECAY;
        let bias_gradient = excess.mean_dim(0);
        weight_velocity = weight_velocity * MOMENTUM + weight_gradient.clone();
        bias_velocity = bias_velocity * MOMENTUM + bias_gradient.clone();
        weight = weight - (weight_gradient + weight_velocity.clone() * MOMENTUM) * rate;
        bias = bias - (bias_gradient + bias_velocity.clone() * MOMENTUM) * rate;
    }
    // The same layer on the original features.
    let weight = weight * scale.transpose();
    let bias = bias - matmul(mean, weight.clone());
    (weight.transpose(), bias.reshape([classes]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::{Flex, FlexDevice};

    fn regression(features: &[[f32; 2]], labels: &[i32], classes: usize) -> (Vec<f32>, Vec<f32>) {
        let values = features.concat();
        let features = Tensor::<Flex, 2>::from_data(TensorData::new(values, [features.len(), 2]), &FlexDevice);
        let labels = Tensor::from_data(TensorData::new(labels.to_vec(), [labels.len(), 1]), &FlexDevice);
        let (weight, bias) = softmax_regression(features, labels, classes);
        (HostTensor::of(weight).values, HostTensor::of(bias).values)
    }

    /// With features that carry no information, only the frequencies of the classes are left.
    #[test]
    fn without_information_the_bias_gives_the_frequencies() {
        let (weight, bias) = regression(&[[3.0, -1.0]; 4], &[0, 1, 0, 0], 2);
        assert_eq!(weight, [0.0; 4]);
        assert!((bias[0] - bias[1] - 3f32.ln()).abs() < 1e-3, "{bias:?}");
    }

    /// At the minimum, the gradient of the decay is the only one left.
    #[test]
    fn the_loss_comes_to_its_minimum() {
        let features = [[0.0, 5.0], [1.0, 5.5], [2.0, 4.0], [3.0, 7.0], [2.5, 6.0], [0.5, 6.5]];
        let labels = [0, 1, 0, 1, 1, 0];
        let (weight, bias) = regression(&features, &labels, 2);
        let excess = features.iter().zip(labels).map(|(feature, label)| {
            let logit =
                |class: usize| weight[2 * class] * feature[0] + weight[2 * class + 1] * feature[1] + bias[class];
            let probability = 1.0 / (1.0 + (logit(0) - logit(1)).exp());
            (probability - label as f32, feature)
        });
        let excess: Vec<(f32, &[f32; 2])> = excess.collect();
        let gradients =
            [0, 1].map(|index: usize| excess.iter().map(|(excess, x)| excess * x[index]).sum::<f32>() / 6.0);
        let bias_gradient = excess.iter().map(|(excess, _)| excess).sum::<f32>() / 6.0;
        for gradient in [gradients[0], gradients[1], bias_gradient] {
            assert!(gradient.abs() < 0.01, "{gradients:?} {bias_gradient}");
        }
    }
}
