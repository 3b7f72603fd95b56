//! Settings of the predictors that a study applies to the architectures it trains.

use results::Measure;
use serde::{Deserialize, Serialize};
use smash::scoring::ScoreStatistics;

use crate::settings::networks::PLAIN;

/// A predictor of the true error, as definitions give it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Predictor {
    /// Its name, such as `SMASH score`.
    pub name: String,
    /// How it predicts.
    pub method: Method,
    /// Largest fraction of the reference budget that any block of a rated architecture uses. The others are skipped. If not
    /// given, all architectures are rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_budget: Option<f64>,
}

/// The predictors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Method {
    /// Validation error or loss with the weights that SMASH networks give; the mean over networks and noise draws.
    Score(ScoreMethod),
    /// Number of parameters of the resulting network; more counts as better.
    Parameters,
    /// Multiply-adds of the resulting network; more counts as better.
    MultiplyAdds,
    /// Convolutions on the longest path of the resulting network; more counts as better.
    Depth,
    /// Amount of gradient that flows through the untrained network (Tanaka et al. 2020).
    Synflow,
    /// How well the untrained network's ReLUs tell some images apart (Mellor et al. 2021).
    Naswot {
        /// Number of images.
        images: usize,
    },
    /// The network with random weights and a trained last layer (Saxe et al. 2011).
    RandomWeights {
        /// The measure on the validation images.
        #[serde(default)]
        by: Measure,
    },
    /// The network after a short training, whose steps cost as much as a score.
    Steps {
        /// The measure on the validation images.
        #[serde(default)]
        by: Measure,
    },
    /// The same, started from the weights that a SMASH network gives.
    WarmScore {
        /// Name of the SMASH network.
        #[serde(default = "plain")]
        network: String,
        /// The measure on the validation images.
        #[serde(default)]
        by: Measure,
    },
}

/// How a score is taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScoreMethod {
    /// Names of the SMASH networks.
    #[serde(default = "only_plain")]
    pub networks: Vec<String>,
    /// Number of noise draws z, the first ones of the run's list.
    pub draws: usize,
    /// The measure on the validation images.
    #[serde(default)]
    pub by: Measure,
    /// The statistics that BatchNorm normalises with.
    #[serde(default)]
    pub statistics: ScoreStatistics,
    /// Number of epochs of the networks' training after which they score, if it is not the whole training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_epochs: Option<usize>,
}

fn plain() -> String {
    PLAIN.into()
}

fn only_plain() -> Vec<String> {
    vec![plain()]
}

impl Method {
    /// Names of the networks that it needs.
    pub fn networks(&self) -> &[String] {
        match self {
            Self::Score(score) => &score.networks,
            Self::WarmScore { network, .. } => std::slice::from_ref(network),
            _ => &[],
        }
    }

    /// Number of noise draws z that it looks at; 0 if it generates no weights.
    pub fn draws(&self) -> usize {
        match self {
            Self::Score(score) => score.draws,
            Self::WarmScore { .. } => 1,
            _ => 0,
        }
    }

    /// Number of epochs of its networks' training after which it looks at them; `None` for the whole training.
    pub fn after_epochs(&self) -> Option<usize> {
        match self {
            Self::Score(score) => score.after_epochs,
            _ => None,
        }
    }
}
