//! Other forms of the main network inside SMASH, which appendix D of the paper proposes.
//!
//! Architectures and their resulting networks do not depend on these settings.

use serde::{Deserialize, Serialize};

/// The weights of the stem, the first convolution of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stem {
    /// Learned (paper).
    #[default]
    Learned,
    /// Gabor filters that training does not change.
    Gabor,
}

/// How memory banks are read and written, and how they start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Memory {
    /// The effect of a write on the tensor that a bank holds.
    #[serde(skip_serializing_if = "is_paper")]
    pub write: Write,
    /// How an op weighs the banks that it reads.
    #[serde(skip_serializing_if = "is_paper")]
    pub read: Read,
    /// The part, 0 to 1, by which each training step moves the start of a bank towards the tensor that the step wrote
    /// to it. With 0 every bank starts at zero (paper). Other values need [`Write::Add`].
    #[serde(skip_serializing_if = "is_paper")]
    pub persistence: f64,
}

fn is_paper<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// The effect of a write on the tensor that a bank holds. The first write to an empty bank sets it. The input of a block
/// counts as a write to the first banks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Write {
    /// The slice is added (paper).
    #[default]
    Add,
    /// The slice replaces it.
    Overwrite,
    /// The sigmoid of the slice multiplies it, as a gate (Srivastava et al. 2015).
    Multiply,
}

/// How an op weighs the banks that it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// All alike (paper).
    #[default]
    Even,
    /// By a softmax over the banks, for each image. It compares the mean of each bank over height and width with a
    /// learned vector.
    Attention,
}
