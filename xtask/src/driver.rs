//! Looks for the NVIDIA driver, before anything is built for it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Result, bail};

/// The driver's library, which the CUDA backend loads.
const LIBRARY: &str = "libcuda.so.1";

/// The list of the libraries that the system's loader knows.
const CACHE: &str = "/etc/ld.so.cache";

/// Folders that the loader searches without being told.
const FOLDERS: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/lib/wsl/lib"];

/// Checks that the driver is there: in `LD_LIBRARY_PATH`, in the loader's list, or in one of its folders.
///
/// # Errors
/// It is in none of them. Other systems than Linux are not checked.
pub fn check(device: &str) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let named = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        env::split_paths(&named).filter(|folder| folder.is_absolute()).chain(FOLDERS.map(PathBuf::from)).collect();
    match is_there(&folders, Path::new(CACHE)) {
        true => Ok(()),
        false => bail!(
            "--device {device}: the NVIDIA driver is missing: no {LIBRARY} in LD_LIBRARY_PATH, in {CACHE} or in {}",
            FOLDERS.join(", ")
        ),
    }
}

fn is_there(folders: &[PathBuf], cache: &Path) -> bool {
    // The list holds the names of its libraries as they are.
    let is_listed = |list: Vec<u8>| list.windows(LIBRARY.len()).any(|part| part == LIBRARY.as_bytes());
    folders.iter().any(|folder| folder.join(LIBRARY).exists()) || fs::read(cache).is_ok_and(is_listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_found_in_a_folder_or_in_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let folders = [at("none"), folder.path().to_path_buf()];
        assert!(!is_there(&folders, &at("cache")));
        fs::write(at("cache"), b"glibc-ld.so.cache1.1\0libc.so.6\0/lib/libc.so.6\0").unwrap();
        assert!(!is_there(&folders, &at("cache")));
        fs::write(at("cache"), b"glibc-ld.so.cache1.1\0libcuda.so.1\0/lib/libcuda.so.1\0").unwrap();
        assert!(is_there(&[], &at("cache")));
        fs::write(at(LIBRARY), "").unwrap();
        assert!(is_there(&folders, &at("none")));
    }
}
