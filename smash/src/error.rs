//! Errors of training, of predictors and of checkpoints, and in the settings of a search method.

pub use smash_space::error::{ArchitectureError, BaselineError, SpaceError};

/// A setting of a rival search method that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("search method: `{setting}` must be {expected}")]
pub struct MethodError {
    /// Name of the setting as in the definition file.
    pub setting: &'static str,
    /// The expected value, and the value found.
    pub expected: String,
}

/// A loss that is not a finite number.
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

/// A device that cannot compute. A GPU reports the faults of its kernels when values are read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the device could not compute: {0}")]
pub struct DeviceError(String);

impl DeviceError {
    /// From a device's report, in one line. CubeCL appends all of a kernel's source.
    pub(crate) fn new(report: &str) -> Self {
        const LINES: usize = 6;
        let cause = report.split("[Source]").next().unwrap_or_default();
        let lines = cause.lines().map(str::trim).filter(|line| !line.is_empty() && !line.ends_with("Caused by:"));
        let lines: Vec<String> = lines.take(LINES).map(|line| line.chars().take(200).collect()).collect();
        Self(lines.join("; "))
    }
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
