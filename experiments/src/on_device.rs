//! The dispatch of work to a device; no other file names a backend.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use burn::backend::Autodiff;
use burn::tensor::backend::AutodiffBackend;
use burn_flex::{Flex, FlexDevice};
use results::{outln, threads};
use smash::agreement;

use crate::commands::architecture::{Score, Train};
use crate::commands::measure;
use crate::device::Device;
use crate::engine::program::Program;
use crate::run::options::RunOptions;
use crate::run::part::PartialWork;
use crate::{peer, run};

/// The work that can be done on a device.
pub enum Task<'a> {
    /// Run an artefact by this program.
    Run(&'a str, &'a RunOptions, &'a Program),
    /// Compare a pair of golden files with the values that are computed here.
    Golden(&'a Path, &'a Path),
    /// Compare the kernels of the device with those of the CPU.
    Kernels,
    /// Score architectures from files.
    Score(&'a Score),
    /// Train architectures from files by the program with this label.
    Train(&'a Train, &'a str),
    /// Answer requests for timed steps, as `peer.rs` says.
    Peer(&'a Path, &'a Path),
}

impl Task<'_> {
    /// Whether the task only counts, reads and writes. A plan, the export of a workflow and the tables of finished units do no
    /// more, so a machine without the device can do them.
    fn computes_nothing(&self) -> bool {
        let Self::Run(_, options, _) = self else { return false };
        let writes_tables = options.part.as_ref().is_some_and(|part| part.work == PartialWork::Tables);
        options.plan_only || options.export_workflow.is_some() || writes_tables
    }

    fn run_on<B: AutodiffBackend>(&self, device: &B::Device, class: Device) -> Result<()> {
        match self {
            Self::Run(artefact, options, program) => run::run::<B>(artefact, options, program, device),
            Self::Golden(safetensors, json) => {
                let tensors = fs::read(safetensors).with_context(|| safetensors.display().to_string())?;
                let cases = fs::read_to_string(json).with_context(|| json.display().to_string())?;
                let deviations = smash::golden::compare::<B>(&tensors, &cases, device)
                    .map_err(|fault| anyhow!("{}, {}: {fault}", safetensors.display(), json.display()))?;
                let far = deviations.iter().filter(|deviation| !deviation.is_within_tolerance());
                judge(&deviations, far.map(|deviation| format!("{:?}", deviation.kind)).collect())
            }
            Self::Kernels => {
                let all = agreement::compare::<B>(device, class.has_bfloat16())?;
                let far = all.iter().filter(|agreement| !agreement.is_within_tolerance());
                judge(&all, far.map(|agreement| agreement.operation.to_owned()).collect())
            }
            Self::Score(options) => measure::score::<B>(options, device),
            Self::Train(options, label) => measure::train::<B>(options, label, device),
            // This runs inside a thread pool, like a unit of work. From outside, each step would wake the pool many times.
            Self::Peer(file, folder) => threads::pool()?.install(|| peer::run::<B>(file, folder, device)),
        }
    }
}

/// Prints comparisons, and fails with the names of those that are too far apart.
fn judge(comparisons: &[impl Display], far: Vec<String>) -> Result<()> {
    comparisons.iter().for_each(|comparison| outln!("{comparison}"));
    ensure!(far.is_empty(), "beyond the tolerance: {}", far.join(", "));
    Ok(())
}

/// Does a task on a device. A task that computes nothing leaves the device alone.
///
/// # Errors
/// A device that does not exist, and all errors of the task.
pub fn run(task: &Task<'_>, device: Device) -> Result<()> {
    if let Task::Run(_, options, _) = task
        && options.export_workflow.is_some()
    {
        // The workflow starts this program on the nodes.
        is_built_for(device)?;
    }
    match if task.computes_nothing() { Device::Cpu } else { device } {
        Device::Cpu => task.run_on::<Autodiff<Flex>>(&FlexDevice, device),
        Device::Cuda(index) => run_on_cuda(task, index),
        Device::Wgpu => run_on_wgpu(task),
    }
}

/// Checks that this program has the code for a device.
///
/// # Errors
/// It was built without it.
fn is_built_for(device: Device) -> Result<()> {
    let (is_built, name) = match device {
        Device::Cpu => return Ok(()),
        Device::Cuda(_) => (cfg!(feature = "cuda"), "CUDA"),
        Device::Wgpu => (cfg!(feature = "wgpu"), "wgpu"),
    };
    let class = device.class();
    ensure!(
        is_built,
        "this program was built without {name}; `cargo xtask reproduce --device {class}` builds one with it"
    );
    Ok(())
}

#[cfg(not(feature = "cuda"))]
fn run_on_cuda(_task: &Task<'_>, index: usize) -> Result<()> {
    is_built_for(Device::Cuda(index))
}

#[cfg(feature = "cuda")]
fn run_on_cuda(task: &Task<'_>, index: usize) -> Result<()> {
    crate::cuda::check(index)?;
    let device = burn_cuda::CudaDevice::new(index);
    try_out::<Autodiff<burn_cuda::Cuda>>(&device)?;
    task.run_on::<Autodiff<burn_cuda::Cuda>>(&device, Device::Cuda(index))
}

#[cfg(not(feature = "wgpu"))]
fn run_on_wgpu(_task: &Task<'_>) -> Result<()> {
    is_built_for(Device::Wgpu)
}

#[cfg(feature = "wgpu")]
fn run_on_wgpu(task: &Task<'_>) -> Result<()> {
    let device = burn_wgpu::WgpuDevice::DefaultDevice;
    // Without a GPU, burn panics on a thread of its own.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let tried = std::panic::catch_unwind(|| try_out::<Autodiff<burn_wgpu::Wgpu>>(&device));
    std::panic::set_hook(hook);
    tried.map_err(|_| anyhow::anyhow!("no GPU for wgpu: it needs a driver for Vulkan, Metal or DirectX 12"))??;
    task.run_on::<Autodiff<burn_wgpu::Wgpu>>(&device, Device::Wgpu)
}

/// Does a small convolution, forward and backward, and compares it with the CPU's. A device that cannot compute thus
/// fails before any work.
///
/// # Errors
/// A device that cannot compute, or computes other numbers.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn try_out<B: AutodiffBackend>(device: &B::Device) -> Result<()> {
    let small = agreement::small_convolution::<B>(device)?;
    ensure!(small.is_within_tolerance(), "the device computes other numbers than the CPU: {small}");
    Ok(())
}
