//! Longer commands of the binary.

pub mod architecture;
pub mod images;
pub mod measure;

use std::path::PathBuf;

/// The path in a variable of the environment, if it is set.
pub fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
