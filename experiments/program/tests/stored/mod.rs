//! The files that a run has stored.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::binary::files;

pub fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn name_of(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

/// Files that hold a digest of themselves.
pub fn sealed(folder: &Path) -> Vec<PathBuf> {
    let is_sealed = |file: &PathBuf| {
        let ends = [".parquet", ".safetensors", "manifest.toml"].map(|end| name_of(file).ends_with(end));
        ends.contains(&true) && !name_of(file).starts_with(".writing-")
    };
    files(folder).into_iter().filter(is_sealed).collect()
}

pub fn stored_manifest(results: &Path) -> PathBuf {
    let stored = sealed(results);
    stored.into_iter().find(|file| file.ends_with("manifest.toml")).unwrap()
}

/// Flips one bit in the middle of the file.
pub fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}
