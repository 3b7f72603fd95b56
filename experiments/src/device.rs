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
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let index = |text: &str| text.strip_prefix("cuda:")?.parse().ok();
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => index(text).map(Self::Cuda).ok_or_else(|| "expected cpu, cuda or cuda:INDEX".to_string()),
        }
    }
}

/// Its name on the command line.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl Device {
    /// Class of device, which separates stored results: tables of different classes are not equal to the bit.
    pub fn class(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
        }
    }

    /// Level of the tuning of kernels on the device, if it tunes any.
    pub fn kernel_tuning(self) -> Option<String> {
        match self {
            Self::Cpu => None,
            // CubeCL reads this variable itself and has this default.
            Self::Cuda(_) => Some(std::env::var("CUBECL_AUTOTUNE_LEVEL").unwrap_or_else(|_| "balanced".into())),
        }
    }

    /// Description of the device for a manifest.
    pub fn describe(self) -> String {
        match self {
            Self::Cpu => format!("{} (burn-flex)", provenance::cpu()),
            Self::Cuda(index) => format!("CUDA device {index} (burn-cuda)"),
        }
    }
}
