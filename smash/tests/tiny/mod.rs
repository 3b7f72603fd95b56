//! A space, a SMASH network and images that train very quickly.

use std::sync::{Mutex, PoisonError};

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};
use datasets::{LoadOptions, Normalisation};
use smash::{
    Architecture, DeviceImages, Examples, HyperNetConfig, Limits, SearchSpace, Seed, SmashTrainer, SmashTraining,
    Stream, Task,
};

pub type B = Autodiff<Flex>;

/// Every test that trains holds it, because burn's autodiff has state that all threads of a process share. If two train
/// at once, about one run in twenty differs in its last bits. Studies train in a process for each unit.
static TRAINING: Mutex<()> = Mutex::new(());

pub const TASK: Task = Task::of_images(3, 8, 10);

pub fn space() -> SearchSpace {
    SearchSpace { base_channels: 2, max_channels: 4, max_groups: 2, ..SearchSpace::smash_v2(2, 1) }
}

pub fn architecture(index: u64) -> Architecture {
    let mut rng = Seed(5).rng(Stream::ScoredArchitecture, &[index]);
    smash::sampling::sample(&space(), Limits::of(&space()), &mut rng)
}

pub fn smash_trainer(settings: &SmashTraining) -> SmashTrainer<B> {
    let hypernet = HyperNetConfig { growth: 2, layers: vec![1, 1] };
    SmashTrainer::new(space(), Some(&hypernet), settings, TASK, Seed(5), &FlexDevice)
}

/// Runs a function with 40 images, one test at a time.
pub fn with_examples(mut use_them: impl FnMut(Examples<'_, Flex>)) {
    let _alone = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
    let options = LoadOptions { image_size: Some(8), n_train: Some(40), n_test: Some(1), ..Default::default() };
    let set = datasets::load("shapes", &options).unwrap().train;
    let indices: Vec<usize> = (0..set.len()).collect();
    let normalisation = Normalisation::of(&set);
    use_them(Examples { images: &DeviceImages::new(&set, &normalisation, &FlexDevice), indices: &indices });
}
