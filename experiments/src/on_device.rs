//! The dispatch of work to a device; no other file names a backend.

use std::path::Path;
#[cfg(feature = "cuda")]
use std::path::PathBuf;

use anyhow::Result;
use burn::backend::Autodiff;
use burn::tensor::backend::AutodiffBackend;
use burn_flex::{Flex, FlexDevice};
use results::outln;

use crate::commands::architecture::{Score, Train};
use crate::commands::measure;
use crate::device::Device;
use crate::engine::program::Program;
use crate::engine::threads;
use crate::run::options::RunOptions;
use crate::{peer, run};

/// Factor by which CUDA may deviate more from golden values than a CPU. Its products may be TF32, with a mantissa of 10 bits
/// instead of 23.
const CUDA_TOLERANCE: f64 = 100.0;

/// The work that can be done on a device.
pub enum Task<'a> {
    /// Run an artefact by this program.
    Run(&'a str, &'a RunOptions, &'a Program),
    /// Compare a pair of golden files with the values that are computed here.
    Golden(&'a Path, &'a Path),
    /// Score architectures from files.
    Score(&'a Score),
    /// Train architectures from files by the program with this label.
    Train(&'a Train, &'a str),
    /// Answer requests for timed steps, as [`peer::run`] does.
    Peer(&'a Path, &'a Path),
}

impl Task<'_> {
    fn run_on<B: AutodiffBackend>(&self, device: &B::Device, class: Device) -> Result<()> {
        match self {
            Self::Run(artefact, options, program) => run::run::<B>(artefact, options, program, device),
            Self::Golden(safetensors, json) => {
                let deviations = smash::golden::compare::<B>(safetensors, json, device).map_err(anyhow::Error::msg)?;
                let factor = match class {
                    Device::Cpu => 1.0,
                    Device::Cuda(_) => CUDA_TOLERANCE,
                };
                for deviation in &deviations {
                    outln!("{deviation}");
                }
                let far = deviations.iter().filter(|deviation| !deviation.is_within(factor));
                let far: Vec<String> = far.map(|deviation| format!("{:?}", deviation.kind)).collect();
                anyhow::ensure!(far.is_empty(), "beyond {factor} times the tolerance: {}", far.join(", "));
                Ok(())
            }
            Self::Score(options) => measure::score::<B>(options, device),
            Self::Train(options, label) => measure::train::<B>(options, label, device),
            // This runs inside a thread pool, like a unit of work. From outside, each step would wake the pool many times.
            Self::Peer(file, folder) => threads::pool()?.install(|| peer::run::<B>(file, folder, device)),
        }
    }
}

/// Does a task on a device.
///
/// # Errors
/// A device that does not exist, and all errors of the task.
pub fn run(task: &Task<'_>, device: Device) -> Result<()> {
    match device {
        Device::Cpu => task.run_on::<Autodiff<Flex>>(&FlexDevice, device),
        Device::Cuda(index) => run_on_cuda(task, index),
    }
}

#[cfg(not(feature = "cuda"))]
fn run_on_cuda(_task: &Task<'_>, _index: usize) -> Result<()> {
    anyhow::bail!("this program was built without CUDA; `cargo xtask reproduce --device cuda` builds one with it")
}

/// Checks for CUDA first, because burn panics deep inside if a part of CUDA is missing.
#[cfg(feature = "cuda")]
fn run_on_cuda(task: &Task<'_>, index: usize) -> Result<()> {
    check_cuda_library("libcuda.so.1", "the NVIDIA driver")?;
    check_cuda_headers()?;
    task.run_on::<Autodiff<burn_cuda::Cuda>>(&burn_cuda::CudaDevice::new(index), Device::Cuda(index))
}

/// Checks that a library of CUDA can be loaded.
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

/// Checks for CUDA's headers, which kernels include when they are compiled at run time. burn-cuda looks in the same places.
#[cfg(feature = "cuda")]
fn check_cuda_headers() -> Result<()> {
    let folder = match std::env::var_os("CUDA_PATH") {
        Some(folder) => PathBuf::from(folder),
        None => ["/usr/local/cuda", "/opt/cuda", "/usr"]
            .map(PathBuf::from)
            .into_iter()
            .find(|folder| folder.join("include/cuda_runtime.h").exists())
            .unwrap_or_else(|| "/usr/local/cuda".into()),
    };
    let header = folder.join("include/cuda_runtime.h");
    anyhow::ensure!(
        header.exists(),
        "{}: missing; CUDA_PATH must name a folder with CUDA's headers in `include` (PyPI's nvidia-cuda-runtime has them)",
        header.display()
    );
    Ok(())
}
