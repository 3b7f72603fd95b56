//! The inputs that the units of a seed share: images, split, seed and pool.

use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use datasets::{DataSet, ImageSet, Split, shuffled_indices};
use results::{ArchitectureRow, RunDir};
use smash::{Architecture, Counts, DeviceImages, Examples, Limits, SearchSpace, Seed, Stream, Task};

use crate::settings::studies::{Data, Folds};
use crate::tasks::pool::{PooledData, RunPool};

/// The images of all seeds, copied to the device when they are first needed.
pub struct Images<B: AutodiffBackend> {
    /// The images as bytes.
    pub data: DataSet,
    /// The device that they are copied to.
    pub device: B::Device,
    digests: OnceLock<[String; 2]>,
    /// Indices of all training and of all test images.
    all: [Vec<usize>; 2],
    train: OnceLock<DeviceImages<B::InnerBackend>>,
    test: OnceLock<DeviceImages<B::InnerBackend>>,
}

impl<B: AutodiffBackend> Images<B> {
    /// Holds a data set; nothing is copied yet.
    pub fn new(data: DataSet, device: B::Device) -> Self {
        let all = [&data.train, &data.test].map(|set| (0..set.len()).collect());
        Self { data, device, digests: OnceLock::new(), all, train: OnceLock::new(), test: OnceLock::new() }
    }

    /// Size of the images and number of classes.
    pub fn task(&self) -> Task {
        task_of(&self.data)
    }

    /// Number of training images, without the validation images.
    pub fn training_images(&self, settings: &Data) -> usize {
        self.data.train.len() - settings.validation
    }

    /// Digests of the training and the test set. All seeds share them, because reading the images takes a while.
    pub fn digests(&self) -> &[String; 2] {
        let DataSet { train, test, .. } = &self.data;
        self.digests.get_or_init(|| [train.digest(), test.digest()])
    }

    fn on_device<'a>(
        &self,
        cell: &'a OnceLock<DeviceImages<B::InnerBackend>>,
        set: &ImageSet,
    ) -> &'a DeviceImages<B::InnerBackend> {
        cell.get_or_init(|| DeviceImages::new(set, &self.data.normalisation, &self.device))
    }

    /// Training images, including the validation images.
    pub fn train(&self) -> &DeviceImages<B::InnerBackend> {
        self.on_device(&self.train, &self.data.train)
    }

    /// Test images.
    pub fn test(&self) -> &DeviceImages<B::InnerBackend> {
        self.on_device(&self.test, &self.data.test)
    }
}

/// The inputs that all units of one seed share.
pub struct Setup<'a, B: AutodiffBackend> {
    /// The images.
    pub images: &'a Images<B>,
    /// The place of outputs.
    pub dir: &'a RunDir,
    /// Root of all random numbers.
    pub seed: Seed,
    /// Which training images are held out for validation.
    pub split: Split,
    /// Size of the images and number of classes.
    pub task: Task,
    /// The pool that trained networks are taken from and added to, if there is one, and the identity of the images there.
    pub pool: Option<(&'a RunPool, PooledData)>,
    /// Whether the run keeps the networks that it trains.
    pub keeps_networks: bool,
}

/// The stem halves images of this size or more. The blocks thus run at no more than the resolution that they were made for. This
/// is a deviation: the paper does not say how it ran 96x96 images (see METHODOLOGY.md).
const HALVED_FROM: usize = 64;

/// Size of the images of a data set, and number of classes.
pub fn task_of(data: &DataSet) -> Task {
    let train = &data.train;
    Task {
        image_channels: train.channels,
        image_size: train.height,
        classes: train.classes,
        image_depth: train.depth,
        stem_stride: if train.height >= HALVED_FROM { 2 } else { 1 },
    }
}

impl<'a, B: AutodiffBackend> Setup<'a, B> {
    /// Splits the validation images off the training images, and keeps no networks.
    ///
    /// # Errors
    /// Validation images that leave none for training.
    pub fn new(
        images: &'a Images<B>,
        settings: &Data,
        dir: &'a RunDir,
        pool: Option<&'a RunPool>,
        seed: u64,
    ) -> Result<Self> {
        let pool = pool.map(|pool| (pool, PooledData::of(images.digests(), settings.validation, seed)));
        let seed = Seed(seed);
        let data = &images.data;
        let split = Split::random(data.train.len(), settings.validation, &mut seed.rng(Stream::Split, &[]));
        let split = split.with_context(|| format!("data set {}: `data.validation`", data.name))?;
        Ok(Self { images, dir, seed, split, task: images.task(), pool, keeps_networks: false })
    }

    /// The device to compute on.
    pub fn device(&self) -> &B::Device {
        &self.images.device
    }

    /// Images to train on.
    pub fn training(&self) -> Examples<'_, B::InnerBackend> {
        self.of_train(&self.split.train)
    }

    /// Indices of all training images, including the validation images.
    pub fn all_train(&self) -> &[usize] {
        &self.images.all[0]
    }

    /// The training images with these indices.
    pub fn of_train<'s>(&'s self, indices: &'s [usize]) -> Examples<'s, B::InnerBackend> {
        Examples { images: self.images.train(), indices }
    }

    /// Parts of the training set: the official folds if there are any, else disjoint parts drawn at random.
    ///
    /// # Errors
    /// More folds than the set has, or more images than there are.
    pub fn folds(&self, folds: &Folds) -> Result<Vec<Vec<usize>>> {
        let DataSet { train, folds: official, .. } = &self.images.data;
        if !official.is_empty() {
            ensure!(
                folds.count <= official.len(),
                "{}: expected at most {2} folds, got {1}",
                train.name,
                folds.count,
                official.len()
            );
            return Ok(official[..folds.count].to_vec());
        }
        let wanted = folds.count.saturating_mul(folds.size);
        ensure!(
            wanted <= train.len(),
            "{}: {} folds of {} images need more than the {} images of the set",
            train.name,
            folds.count,
            folds.size,
            train.len()
        );
        let order = shuffled_indices(train.len(), &mut self.seed.rng(Stream::Fold, &[]));
        Ok(order[..wanted].chunks(folds.size).map(<[usize]>::to_vec).collect())
    }

    /// Number of batches in an epoch; it copies no images.
    pub fn batches(&self, batch_size: usize) -> usize {
        self.split.train.len().div_ceil(batch_size)
    }

    /// Images to score on.
    pub fn validation(&self) -> Examples<'_, B::InnerBackend> {
        self.of_train(&self.split.validation)
    }

    /// Images to measure the true error on.
    pub fn test(&self) -> Examples<'_, B::InnerBackend> {
        Examples { images: self.images.test(), indices: &self.images.all[1] }
    }

    /// Architectures drawn from the whole space. The first ones do not depend on the length of the list.
    pub fn sample(&self, space: &SearchSpace, count: usize) -> Vec<Architecture> {
        (0..count as u64).map(|index| sampled_architecture(space, self.seed, index)).collect()
    }

    /// The rows of some architectures in the table of architectures.
    pub fn architecture_rows(&self, space: &SearchSpace, architectures: &[Architecture]) -> Vec<ArchitectureRow> {
        let row = |(index, architecture): (usize, &Architecture)| {
            let counts = Counts::of(space, self.task, architecture);
            ArchitectureRow {
                seed: self.seed.0,
                architecture: index as u32,
                hash: architecture.hash(),
                canonical: Some(architecture.canonical_hash(space)),
                json: architecture.to_json(),
                parameters: counts.parameters,
                multiply_adds: counts.multiply_adds,
                ops: architecture.op_count() as u32,
                depth: counts.depth,
            }
        };
        architectures.iter().enumerate().map(row).collect()
    }
}

/// The architecture of this index in the list that a root seed draws from a whole space.
pub fn sampled_architecture(space: &SearchSpace, seed: Seed, index: u64) -> Architecture {
    let mut rng = seed.rng(Stream::ScoredArchitecture, &[index]);
    smash::sampling::sample(space, Limits::of(space), &mut rng)
}
