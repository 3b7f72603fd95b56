//! Runs on the emulator of CUDA. They need a program with the feature `cuda`:
//! `cargo test --release --workspace --features experiments/cuda --test cuda`.

mod binary;
mod devices;

use std::path::Path;
use std::process::Command;

use binary::{error_of, experiments, other, succeeded, tables};
use smash_emulator::Emulator;

/// The emulator, if this build can use it; otherwise the test says why it is skipped.
fn emulator() -> Option<Emulator> {
    let version = other(&["--version"]).output().unwrap();
    if !String::from_utf8(version.stdout).unwrap().contains("cuda") {
        println!("skipped: the program was built without the feature `cuda`");
        return None;
    }
    match Emulator::build(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulator")) {
        Ok(emulator) => Some(emulator),
        Err(reason) => {
            println!("skipped: {reason}");
            None
        }
    }
}

fn on_cuda(emulator: &Emulator, mut command: Command) -> Command {
    command.args(["--device", "cuda"]).envs(emulator.environment());
    command
}

#[test]
fn kernels_agree_with_those_of_the_cpu() {
    let Some(emulator) = emulator() else { return };
    succeeded(&on_cuda(&emulator, other(&["kernels"])).output().unwrap());
}

#[test]
fn a_small_smash_network_agrees_with_the_released_code() {
    let Some(emulator) = emulator() else { return };
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../smash/tests/golden");
    let files = ["small.safetensors", "small.json"].map(|name| golden.join(name).to_str().unwrap().to_owned());
    succeeded(&on_cuda(&emulator, other(&["golden", &files[0], &files[1]])).output().unwrap());
}

/// The same numbers are drawn, so only the order of sums differs.
#[test]
fn a_run_agrees_with_the_cpu_and_with_itself() {
    let Some(emulator) = emulator() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("cpu"), &devices::FIG4).output().unwrap());
    for name in ["cuda", "again"] {
        succeeded(&on_cuda(&emulator, experiments(&at(name), &devices::FIG4)).output().unwrap());
    }
    assert_eq!(tables(&at("cuda")), tables(&at("again")), "the same seed twice");
    let deviations = devices::largest_deviations([&at("cpu"), &at("cuda")]);
    assert!(deviations.iter().all(|&deviation| deviation < 1e-5), "{deviations:?}");
}

#[test]
fn a_device_that_cannot_compute_gives_one_line_before_any_work() {
    let Some(emulator) = emulator() else { return };
    let folder = tempfile::tempdir().unwrap();
    let error = |variable: &str, value: &str, device: &str| {
        let mut command = experiments(&folder.path().join("results"), &["fig4", "--device", device]);
        error_of(command.envs(emulator.environment()).env(variable, value))
    };
    let refused = error("EMULATED_CUDA_REFUSE", "correlate", "cuda");
    assert!(refused.contains("the device could not compute: ") && refused.contains("refused on purpose"), "{refused}");
    assert!(refused.len() < 2000, "{refused}");
    let newer = error("EMULATED_CUDA_NVRTC_VERSION", "13.5", "cuda");
    assert!(newer.contains("NVRTC is of CUDA 13.5, and the driver takes kernels up to CUDA 13.0"), "{newer}");
    let absent = error("EMULATED_CUDA_DRIVER_VERSION", "13.0", "cuda:1");
    assert!(absent.contains("knows 1 devices"), "{absent}");
    let headers = error("CUDA_PATH", folder.path().to_str().unwrap(), "cuda");
    assert!(headers.contains("include/cuda_runtime.h: missing"), "{headers}");
    let driver = error("LD_LIBRARY_PATH", "", "cuda");
    assert!(driver.contains("the NVIDIA driver is missing"), "{driver}");
    assert!(!folder.path().join("results").exists(), "something was stored");
}
