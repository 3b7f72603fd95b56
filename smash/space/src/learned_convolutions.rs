//! Which ops of a SMASH network share its freely learned convolutions.

use serde::{Deserialize, Serialize};

use crate::space::BLOCKS;

/// How many sets of learned convolutions a SMASH network has, and which op uses which. A set has one convolution for
/// each place in an op; see [`Patterns::convolutions`](crate::space::Patterns::convolutions).
///
/// All sets have the same shapes, because all blocks have the same N_max and the same largest kernel. Architectures and
/// their resulting networks do not depend on this setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LearnedConvolutions {
    /// All ops of the network share one set.
    OneForAll,
    /// Each block has this many sets, at least 1, and its ops take turns. With k sets, op number p of a block uses set
    /// p mod k (paper: 1).
    PerBlock(usize),
}

impl Default for LearnedConvolutions {
    fn default() -> Self {
        Self::PerBlock(1)
    }
}

impl LearnedConvolutions {
    /// Number of sets, first over blocks with sets of their own, then within each of them.
    pub const fn sets(self) -> [usize; 2] {
        match self {
            Self::OneForAll => [1, 1],
            Self::PerBlock(sets) => [BLOCKS, sets],
        }
    }
}
