//! Longer commands of the binary.

pub mod architecture;
pub mod images;
pub(crate) mod measure;

use std::path::PathBuf;

use clap::Args;

/// The folder of data sets.
#[derive(Args)]
pub struct DataFolder {
    /// Folder that holds data sets in their official formats [default: SMASH_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataFolder {
    /// The folder, if one is named.
    pub fn path(&self) -> Option<PathBuf> {
        data_dir(self.data_dir.clone())
    }
}

/// The folder of data sets: the one that the command line gives, or else the one of the environment.
pub fn data_dir(given: Option<PathBuf>) -> Option<PathBuf> {
    given.or_else(|| variable("SMASH_DATA_DIR"))
}

/// The path in a variable of the environment, if it is set.
pub fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
