//! The stored comparison of our steps with the same steps in PyTorch (`cargo xtask bench --peer --save`).

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::store::files;

/// File name in a folder of results.
pub const FILE: &str = "peer.toml";

/// One run of the comparison.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerTable {
    /// Commit of our side.
    pub commit: String,
    /// Model of the processor.
    pub cpu: String,
    /// Threads on each side.
    pub threads: u32,
    /// Version of PyTorch.
    pub torch: String,
    /// Number of measurements of each row on each side.
    pub rounds: u32,
    /// The rows, in the order of measurement.
    pub rows: Vec<PeerRow>,
}

/// One quantity at one size.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerRow {
    /// Size of the network: `small`, `v1` or `v2`.
    pub size: String,
    /// Name of the measured quantity.
    pub name: String,
    /// Our minimum and median, in milliseconds or MiB.
    pub ours: [f64; 2],
    /// PyTorch's minimum and median.
    pub peer: [f64; 2],
}

impl PeerRow {
    /// PyTorch's minimum divided by ours, and the same for the medians. Above 1, ours is faster or smaller.
    pub fn ratios(&self) -> [f64; 2] {
        [0, 1].map(|index| self.peer[index] / self.ours[index])
    }
}

/// Reads the comparison in a folder of results, if there is one.
///
/// # Errors
/// If the file cannot be read or is not such a table.
pub fn read(results: &Path) -> Result<Option<PeerTable>> {
    let path = results.join(FILE);
    if !files::is_file(&path)? {
        return Ok(None);
    }
    let text = files::read_text(&path)?;
    toml::from_str(&text).map(Some).map_err(|error| Error::Manifest { path, problem: error.to_string() })
}
