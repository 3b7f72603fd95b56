//! Builds the emulator of CUDA in the folder `cpp`, for tests and for `cargo xtask gpu-check --emulated`. README.md
//! says what it shows and what it cannot show.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The sources of the emulator, and in `include` the headers that stand for CUDA's.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cpp");

/// Names under which programs look for the driver and for the compiler of kernels. One library is both.
const NAMES: [&str; 3] = ["libcuda.so", "libcuda.so.1", "libnvrtc.so"];

/// The emulator, built.
#[derive(Clone, Debug)]
pub struct Emulator {
    folder: PathBuf,
}

impl Emulator {
    /// Builds the emulator in a folder. Compiled kernels are kept there too. Several processes may build in the same one.
    ///
    /// # Errors
    /// The reason why it cannot be built: g++ is missing or refuses a source, or the folder cannot be written.
    pub fn build(folder: &Path) -> Result<Self, String> {
        let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
        let write_error = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder.join("kernels")).map_err(write_error)?;
        let process = std::process::id();
        let library = folder.join(format!("emulator-{process}.so"));
        let mut compiler = Command::new("g++");
        compiler.args(["-std=c++17", "-O2", "-shared", "-fPIC", "-o"]).arg(&library);
        compiler.args(["driver", "nvrtc", "kernels", "fibers", "settings"].map(|name| format!("{SOURCES}/{name}.cpp")));
        let output = compiler.arg("-ldl").output().map_err(|error| format!("g++ cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("g++ refuses the emulator: {}", String::from_utf8_lossy(&output.stderr)));
        }
        // Under all names it must be one file, because a process loads one file once.
        let link = |name: &str| {
            let partial = folder.join(format!("{name}-{process}"));
            symlink("emulator.so", &partial)?;
            fs::rename(partial, folder.join(name))
        };
        fs::rename(&library, folder.join("emulator.so")).map_err(write_error)?;
        NAMES.into_iter().try_for_each(link).map_err(write_error)?;
        Ok(Self { folder })
    }

    /// Variables for the environment of a program that shall run on the emulator.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, OsString); 3] {
        [
            ("LD_LIBRARY_PATH", self.folder.clone().into()),
            ("CUDA_PATH", SOURCES.into()),
            ("EMULATED_CUDA_CACHE", self.folder.join("kernels").into()),
        ]
    }

    /// The number of kernels that were compiled so far.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn kernels(&self) -> std::io::Result<usize> {
        let mut count = 0;
        for entry in fs::read_dir(self.folder.join("kernels"))? {
            count += usize::from(entry?.path().extension().is_some_and(|extension| extension == "so"));
        }
        Ok(count)
    }
}
