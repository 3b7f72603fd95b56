//! A loaded data set, its options, and the files it was read from.

use std::path::PathBuf;

use crate::{ImageSet, Normalisation};

/// Options for loading a data set. The default is the whole set at its own size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The folder that contains the official folders of sets on disk. `shapes` and `solids` do not use it.
    pub data_dir: Option<PathBuf>,
    /// Height and width in pixels, or the edge of volumes in voxels. If not given, sets on disk keep their own size.
    /// The meshes of `modelnet10`, `shapes` and `solids` then get 32.
    ///
    /// Images and voxels on disk are box-averaged down to a whole fraction of their size. A voxel is full if any part
    /// of it is. Meshes become voxels at any edge from 8 to 128. `shapes` and `solids` are drawn at any size from 8
    /// to 1024. All examples of a subset together take at most 2 GiB.
    pub image_size: Option<usize>,
    /// Number of training examples: a random subset of a set on disk, or the number to draw. If not given, all examples
    /// on disk, 50,000 `shapes`, or 4,000 `solids`.
    pub n_train: Option<usize>,
    /// Number of test examples, as `n_train`. If not given, all examples on disk, 10,000 `shapes`, or 1,000 `solids`.
    pub n_test: Option<usize>,
    /// Seed of the random subsets and of the examples of `shapes` and `solids`.
    pub seed: u64,
}

/// A training set and a test set, with their origin.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Its name in results. A set of one's own has the last part of its path and the first digits of a digest of its files:
    /// `birds-1a2b3c4d`. The same files at another place have the same name, and other files have another.
    pub name: String,
    /// The training set. Part of it may be held out for validation.
    pub train: ImageSet,
    /// The test set.
    pub test: ImageSet,
    /// The published folds of the training set, each as indices into it. Empty if the set has no folds, or if
    /// [`LoadOptions::n_train`] took a subset.
    pub folds: Vec<Vec<usize>>,
    /// The constants that normalise the set. CIFAR, STL-10 and ImageNet32x32 have the published constants at their full
    /// size, also for a random subset of their examples. If files of STL-10 or ImageNet32x32 lack examples, they are
    /// measured. Voxels have [`Normalisation::occupancy`]. Other sets have the constants of `train`.
    pub normalisation: Normalisation,
    /// The files read; empty for a drawn set.
    pub sources: Vec<Source>,
    /// The differences between the files and the official ones, a sentence each.
    pub warnings: Vec<String>,
}

/// A file that was read, or a folder of meshes or images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, with the data folder as it was given. For a set of one's own, its kind and the path from the last part of
    /// the set's own path: `folder:birds/train/heron` or `npz:birds.npz`.
    pub path: String,
    /// Number of examples in it.
    pub records: usize,
    /// SHA-256 in hexadecimal of the file. For a folder: of the names and digests of its meshes that were read, or of all
    /// its images.
    pub sha256: String,
}
