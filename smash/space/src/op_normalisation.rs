//! How the 1x1 convolution of each op is normalised, where it is not by BatchNorm (paper, section 3.1).

use serde::{Deserialize, Serialize};

/// The normalisation of the 1x1 convolution of each op. No other convolution of an op is normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpNormalisation {
    /// None: the weight is used as it is.
    None,
    /// The whole weight divided by its Euclidean norm (the paper's choice).
    #[default]
    SimpleWeightNorm,
    /// The weight of each output channel divided by its Euclidean norm, times a learned gain (Salimans and Kingma
    /// 2016).
    WeightNorm,
    /// The outputs for each example normalised over channels, height and width, with a learned gain and shift for each
    /// channel (Ba et al. 2016).
    LayerNorm,
    /// WeightNorm with a learned shift, then ReLU, then the mean and variance that a ReLU gives a standard normal
    /// input (Arpit et al. 2016).
    NormProp,
}

impl OpNormalisation {
    /// Name as in definitions and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SimpleWeightNorm => "simple-weight-norm",
            Self::WeightNorm => "weight-norm",
            Self::LayerNorm => "layer-norm",
            Self::NormProp => "norm-prop",
        }
    }

    /// Whether each output channel has a learned gain, and whether it has a learned shift.
    pub fn learned(self) -> [bool; 2] {
        match self {
            Self::None | Self::SimpleWeightNorm => [false, false],
            Self::WeightNorm => [true, false],
            Self::LayerNorm | Self::NormProp => [true, true],
        }
    }

    /// Whether it has a ReLU of its own. The convolutions that read the output then have none before them.
    pub fn has_relu(self) -> bool {
        self == Self::NormProp
    }
}
