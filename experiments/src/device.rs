//! The devices that a command line can name.

use std::fmt;
use std::str::FromStr;

use crate::provenance;

/// A device to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// All cores, through burn-flex.
    Cpu,
    /// The CUDA device of this index, through burn-cuda.
    Cuda(usize),
    /// The GPU that wgpu prefers, through burn-wgpu: Vulkan, Metal or DirectX 12.
    Wgpu,
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let index = |text: &str| text.strip_prefix("cuda:")?.parse().ok();
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "wgpu" => Ok(Self::Wgpu),
            _ => index(text).map(Self::Cuda).ok_or_else(|| "expected cpu, cuda, cuda:INDEX or wgpu".to_string()),
        }
    }
}

/// Its name on the command line.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Wgpu => f.write_str("wgpu"),
        }
    }
}

impl Device {
    /// Class of device, which separates stored results: tables of different classes are not equal to the bit.
    pub fn class(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
            Self::Wgpu => "wgpu",
        }
    }

    /// Whether it has bfloat16, and gains something from it. wgpu does not have it, and a CPU gains nothing.
    pub fn has_bfloat16(self) -> bool {
        matches!(self, Self::Cuda(_))
    }

    /// Description of the device for a manifest.
    pub fn describe(self) -> String {
        match self {
            Self::Cpu => format!("{} (burn-flex)", provenance::cpu()),
            Self::Cuda(index) => format!("CUDA device {index} (burn-cuda)"),
            Self::Wgpu => "preferred device of wgpu (burn-wgpu)".into(),
        }
    }
}
