//! Errors in a user's input, one type for each kind of input.

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

/// A setting of a rival search method that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("search method: `{setting}` must be {expected}")]
pub struct MethodError {
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

/// A loss that is not a finite number, or another failure of training.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("loss is {loss}{}, architecture {architecture}", at_step(.step))]
pub struct DivergedError {
    /// The loss, NaN or infinite.
    pub loss: f64,
    /// Training step, from 0; none for a loss that is not of training.
    pub step: Option<usize>,
    /// Hash of the architecture.
    pub architecture: String,
}

fn at_step(step: &Option<usize>) -> String {
    step.map_or_else(String::new, |step| format!(" at step {step}"))
}

/// A predictor that has no value for an architecture.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{predictor} of architecture {architecture}: {reason}")]
pub struct PredictorError {
    /// Name of the predictor.
    pub predictor: &'static str,
    /// Hash of the architecture.
    pub architecture: String,
    /// Why there is no value.
    pub reason: String,
}

/// A checkpoint that cannot be read or does not fit the network. The caller knows and names the file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckpointError {
    /// The bytes are not a safetensors file, or its text is not as expected.
    #[error("not a readable safetensors checkpoint: {reason}")]
    Format {
        /// The fault.
        reason: String,
    },
    /// A tensor that the network has is missing.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor has another shape than the network's.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape of the network.
        expected: Vec<usize>,
    },
    /// The checkpoint holds a tensor that the network does not have.
    #[error("tensor `{name}` is not part of this network")]
    Unknown {
        /// Name of the tensor.
        name: String,
    },
}
