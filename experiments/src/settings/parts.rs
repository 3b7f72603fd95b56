//! Settings that several study kinds share.

use serde::{Deserialize, Serialize};
use smash::search::SearchPlan;
use smash::training::smash_training::SmashTraining;
use smash::{HyperNetConfig, SearchSpace};

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

/// Settings of one search by SMASH score (paper, appendix C).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmashSearch {
    /// Its name, such as `SMASHv2`.
    pub name: String,
    /// Images to search on, if they are not the study's images.
    pub data: Option<Data>,
    /// Number of noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
    /// Number of architectures that each stage scores.
    pub plan: SearchPlan,
}
