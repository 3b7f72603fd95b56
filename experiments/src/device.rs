//! The choice of device. This is the one place where a backend is named.

use std::str::FromStr;

use anyhow::Result;
use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};

use crate::provenance;
use crate::run::{self, RunOptions};

/// Where to compute.
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
            _ => index(text)
                .map(Self::Cuda)
                .ok_or_else(|| "expected cpu, cuda or cuda:INDEX".to_string()),
        }
    }
}

impl Device {
    /// Kind of device, which separates stored results: tables of different kinds are not equal to the bit.
    pub fn class(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
        }
    }

    /// What a manifest says of it.
    pub fn describe(self) -> String {
        match self {
            Self::Cpu => format!("{} (burn-flex)", provenance::cpu()),
            Self::Cuda(index) => format!("CUDA device {index} (burn-cuda)"),
        }
    }
}

/// Runs an artefact on the device that the options name.
///
/// # Errors
/// A device that is not there, and all errors of [`run::run`].
pub fn run(artefact: &str, options: &RunOptions) -> Result<()> {
    match options.device {
        Device::Cpu => run::run::<Autodiff<Flex>>(artefact, options, &FlexDevice),
        Device::Cuda(index) => run_on_cuda(artefact, options, index),
    }
}

#[cfg(not(feature = "cuda"))]
fn run_on_cuda(_artefact: &str, _options: &RunOptions, _index: usize) -> Result<()> {
    anyhow::bail!("this program was built without CUDA; `cargo xtask reproduce --device cuda` builds it with")
}

#[cfg(feature = "cuda")]
fn run_on_cuda(artefact: &str, options: &RunOptions, index: usize) -> Result<()> {
    check_cuda_library("libcuda.so.1", "the NVIDIA driver")?;
    // burn panics deep inside where no driver is, so look before.
    run::run::<Autodiff<burn_cuda::Cuda>>(artefact, options, &burn_cuda::CudaDevice::new(index))
}

/// An error where a library of CUDA cannot be loaded.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn check_cuda_library(file: &str, part_of: &str) -> Result<()> {
    // SAFETY: loading runs the library's own initialisers; these are the libraries that burn-cuda loads itself.
    let library = unsafe { libloading::Library::new(file) };
    match library {
        Ok(_) => Ok(()),
        Err(error) => anyhow::bail!("no CUDA device: {part_of} is missing ({error})"),
    }
}
