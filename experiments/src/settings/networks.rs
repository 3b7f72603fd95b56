//! Settings of the SMASH networks beside the plain one, in a study that compares several.

use serde::{Deserialize, Serialize};
use smash::HyperNetConfig;
use smash::space::{Bottleneck, Compression};

/// Name of the network of `study.smash`.
pub const PLAIN: &str = "plain";

/// A SMASH network beside the plain one, as definitions give it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FurtherNetwork {
    /// Its name, which predictors and its files use.
    pub name: String,
    /// Its number in an ensemble; number 0 shares its random numbers with the plain network.
    #[serde(default)]
    pub member: u64,
    /// Whether a HyperNet generates its 1x1 weights; if not, all architectures share them.
    #[serde(default = "yes")]
    pub hypernet: bool,
    /// Size of its HyperNet, if it is not the size of `study.hypernet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypernet_size: Option<HyperNetConfig>,
    /// Largest fraction of the reference budget that a block of the architectures in its training may get, if it is not the
    /// one of `study.space`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_budget: Option<f64>,
    /// The rule for the channels of its 1x1 convolutions, if it is not the rule of `study.space`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<Bottleneck>,
    /// How its encoding and its HyperNet lay out the weights, if not as those of `study.space`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Settings that override the settings of `study.smash`.
    #[serde(default)]
    pub smash: toml::Table,
}

fn yes() -> bool {
    true
}
