//! Errors in a space, an architecture or a hand-designed network.

/// A setting of a search space that does not fit the others.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("search space: `{setting}` must be {expected}")]
pub struct SpaceError {
    /// Name of the setting as in the definition file.
    pub setting: &'static str,
    /// The expected value, and the value found.
    pub expected: String,
}

/// A setting of a hand-designed network that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("hand-designed network: `{setting}` must be {expected}")]
pub struct BaselineError {
    /// Name of the setting as in the definition file.
    pub setting: &'static str,
    /// The expected value, and the value found.
    pub expected: String,
}

/// An architecture that breaks a rule, with the place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArchitectureError {
    /// The JSON text is not an architecture.
    #[error("not an architecture: {0}")]
    Json(String),
    /// The JSON has a version that this program does not know.
    #[error("architecture format version {found} is not supported (this program reads version {known})")]
    Version {
        /// Version in the text.
        found: u32,
        /// Version that this program reads.
        known: u32,
    },
    /// A rule is broken in a block as a whole.
    #[error("architecture, block {block}: {expected}")]
    Block {
        /// Index of the block, from 0.
        block: usize,
        /// The rule, with the values.
        expected: String,
    },
    /// A rule is broken in one op.
    #[error("architecture, block {block}, op {op}: {expected}")]
    Op {
        /// Index of the block, from 0.
        block: usize,
        /// Index of the op within the block, from 0.
        op: usize,
        /// The rule, with the values.
        expected: String,
    },
}
