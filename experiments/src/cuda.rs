//! Checks of everything that CUDA needs at run time. burn-cuda loads each part when it first needs it, and panics deep
//! inside if one is missing.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libloading::{Library, Symbol};

/// A function of CUDA that writes integers; 0 is success.
type Get1 = unsafe extern "C" fn(*mut c_int) -> c_int;
type Get2 = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;
type Initialise = unsafe extern "C" fn(u32) -> c_int;

/// Names under which burn-cuda looks for the driver and for NVRTC.
const DRIVER: [&str; 2] = ["libcuda.so", "libcuda.so.1"];
const NVRTC: [&str; 4] = ["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11"];

/// The headers that generated kernels include, and PyPI's packages that have them. NVRTC has built in all else.
const HEADERS: [(&str, &str); 3] = [
    ("cuda_runtime.h", "nvidia-cuda-runtime"),
    ("crt/host_defines.h", "nvidia-cuda-crt, or nvidia-cuda-nvcc-cu12 for CUDA 12"),
    ("nv/target", "nvidia-cuda-cccl"),
];

/// Checks the driver, the device of this index, the run-time compiler and its headers.
///
/// # Errors
/// The first part that is missing, or a compiler whose output the driver does not take.
pub fn check(index: usize) -> Result<()> {
    let driver = load(&DRIVER).context("no CUDA device: the NVIDIA driver is missing")?;
    // SAFETY: these are the signatures of the CUDA driver's documentation.
    let (initialised, driver_version, devices) = unsafe {
        let initialise: Symbol<'_, Initialise> = driver.get(b"cuInit")?;
        (
            initialise(0),
            get(&driver.get::<Get1>(b"cuDriverGetVersion")?),
            get(&driver.get::<Get1>(b"cuDeviceGetCount")?),
        )
    };
    ensure!(initialised == 0, "no CUDA device: the NVIDIA driver does not start (error {initialised} of cuInit)");
    ensure!(
        usize::try_from(devices).is_ok_and(|devices| index < devices),
        "--device cuda:{index}: the NVIDIA driver knows {devices} devices, counted from 0"
    );
    let nvrtc = load(&NVRTC).context("CUDA's run-time compiler NVRTC is missing; PyPI's nvidia-cuda-nvrtc has it")?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: this is the signature of NVRTC's documentation.
    unsafe { nvrtc.get::<Get2>(b"nvrtcVersion")?(&raw mut major, &raw mut minor) };
    let newest = [driver_version / 1000, driver_version % 1000 / 10];
    ensure!(
        [major, minor] <= newest,
        "NVRTC is of CUDA {major}.{minor}, and the driver takes kernels up to CUDA {}.{}; install an older NVRTC or a newer \
         driver",
        newest[0],
        newest[1]
    );
    check_headers(&folder_of_cuda().join("include"))
}

/// Loads the first of these libraries that is found.
fn load(names: &[&str]) -> Result<Library> {
    // SAFETY: loading runs a library's own initialisers; these are the libraries that burn-cuda loads itself.
    let found = names.iter().find_map(|name| unsafe { Library::new(*name) }.ok());
    found.with_context(|| format!("none of {} can be loaded", names.join(", ")))
}

/// The value of a function of CUDA, or -1 if it fails.
fn get(function: &Symbol<'_, Get1>) -> c_int {
    let mut value = 0;
    // SAFETY: the function writes one integer.
    match unsafe { function(&raw mut value) } {
        0 => value,
        _ => -1,
    }
}

/// The folder in which CubeCL looks for `include`.
fn folder_of_cuda() -> PathBuf {
    match std::env::var_os("CUDA_PATH") {
        Some(folder) => folder.into(),
        None if Path::new("/usr/local/cuda").exists() => "/usr/local/cuda".into(),
        None if Path::new("/opt/cuda").exists() => "/opt/cuda".into(),
        None if Path::new("/usr/bin/nvcc").exists() => "/usr".into(),
        None => "/usr/local/cuda".into(),
    }
}

fn check_headers(include: &Path) -> Result<()> {
    let cccl = include.join("cccl");
    for (header, package) in HEADERS {
        ensure!(
            include.join(header).exists() || cccl.join(header).exists(),
            "{}: missing; CUDA_PATH must name a folder with CUDA's headers in `include` (PyPI: {package})",
            include.join(header).display()
        );
    }
    Ok(())
}
