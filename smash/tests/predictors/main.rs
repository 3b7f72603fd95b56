//! Tests of the predictors that a SMASH score has to beat.
//!
//! Each predictor is compared with another way to compute it, and checked for the laws that it has to keep.

mod costs;
mod short;
mod zero_cost;

use std::sync::{Mutex, PoisonError};

use burn::backend::Autodiff;
use burn::module::{Param, ParamId};
use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use datasets::{ImageSet, LoadOptions, Normalisation};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smash::Precision;
use smash::networks::layers::BatchNorm;
use smash::sampling::sample;
use smash::{
    Architecture, DeviceImages, Examples, HyperNetConfig, Limits, ResultingTraining, Schedule, SearchSpace, Task,
};

type B = Autodiff<Flex>;

/// Every test that trains holds it: burn's autodiff has state that all threads of a process share.
static TRAINING: Mutex<()> = Mutex::new(());

const TASK: Task = Task::of_images(3, 8, 10);

fn space() -> SearchSpace {
    SearchSpace { base_channels: 2, max_channels: 4, max_groups: 2, ..SearchSpace::smash_v2(2, 2) }
}

fn hypernet() -> HyperNetConfig {
    HyperNetConfig { growth: 2, layers: vec![1, 1] }
}

fn recipe() -> ResultingTraining {
    ResultingTraining {
        epochs: 1,
        batch_size: 20,
        learning_rate: 0.05,
        schedule: Schedule::Cosine,
        label_smoothing: 0.0,
        precision: Precision::Float32,
        augment: true,
    }
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn architecture(space: &SearchSpace, seed: u64) -> Architecture {
    sample(space, Limits::of(space), &mut rng(seed))
}

fn random<const D: usize>(shape: [usize; D], range: std::ops::Range<f32>, rng: &mut ChaCha8Rng) -> Tensor<Flex, D> {
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.random_range(range.clone())).collect();
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}

fn fixed<const D: usize>(tensor: Tensor<Flex, D>) -> Param<Tensor<Flex, D>> {
    Param::initialized(ParamId::new(), tensor)
}

/// A BatchNorm in which every number differs from its initial value, and no two channels are alike.
fn random_norm(channels: usize, rng: &mut ChaCha8Rng) -> BatchNorm<Flex> {
    BatchNorm {
        weight: fixed(random([channels], 0.5..1.5, rng)),
        bias: fixed(random([channels], -0.5..0.5, rng)),
        running_mean: fixed(random([channels], -0.1..0.1, rng)),
        running_variance: fixed(random([channels], 0.01..0.1, rng)),
    }
}

/// Runs a function with 150 training images and 60 other images.
fn with_examples(use_them: impl FnOnce(Examples<'_, Flex>, Examples<'_, Flex>)) {
    let options = LoadOptions { image_size: Some(8), n_train: Some(210), n_test: Some(1), ..Default::default() };
    with_set(&datasets::load("shapes", &options).unwrap().train, 150, use_them);
}

/// Runs a function with the first images of a set as training images, and with the others.
fn with_set(set: &ImageSet, training: usize, use_them: impl FnOnce(Examples<'_, Flex>, Examples<'_, Flex>)) {
    let _alone = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
    let images = DeviceImages::new(set, &Normalisation::of(set), &FlexDevice);
    let indices: Vec<usize> = (0..set.len()).collect();
    let [training, validation] =
        [&indices[..training], &indices[training..]].map(|indices| Examples { images: &images, indices });
    use_them(training, validation);
}
