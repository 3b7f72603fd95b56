//! The images of a study, as definitions give them.

use serde::{Deserialize, Serialize};

/// The choice of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Data {
    /// Name of the data set.
    pub name: String,
    /// Height and width in pixels; the data set's own if not given.
    pub image_size: Option<usize>,
    /// Number of training images, including the validation images; all if not given.
    pub train: Option<usize>,
    /// Number of images held out of the training set for scoring.
    pub validation: usize,
    /// Number of test images; all if not given.
    pub test: Option<usize>,
}

/// Parts of a training set: the official folds if the set has them, else parts drawn at random.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Folds {
    /// Number of folds; the first ones if they are official.
    pub count: usize,
    /// Number of images in each fold that is drawn at random.
    pub size: usize,
}
