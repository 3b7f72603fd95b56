//! Our steps against the same steps in PyTorch, as `cargo xtask bench --peer --save` stores them.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;

/// File name in a folder of results.
pub const FILE: &str = "peer.toml";

/// One run of the comparison.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerTable {
    /// Commit of our side.
    pub commit: String,
    /// Processor.
    pub cpu: String,
    /// Threads on each side.
    pub threads: u32,
    /// Version of PyTorch.
    pub torch: String,
    /// Times that each row was measured on each side.
    pub rounds: u32,
    /// In the order of measurement.
    pub rows: Vec<PeerRow>,
}

/// One quantity at one size.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerRow {
    /// Size of the network: `small`, `v1` or `v2`.
    pub size: String,
    /// What was measured.
    pub name: String,
    /// Minimum and median of ours: milliseconds, or MiB.
    pub ours: [f64; 2],
    /// The same of PyTorch.
    pub peer: [f64; 2],
}

impl PeerRow {
    /// PyTorch's minimum over ours, and the same of the medians: above 1 where ours is faster or smaller.
    pub fn ratios(&self) -> [f64; 2] {
        [0, 1].map(|index| self.peer[index] / self.ours[index])
    }
}

/// The comparison that a folder of results holds, if it holds one.
///
/// # Errors
/// A file that cannot be read or is not such a table.
pub fn read(results: &Path) -> Result<Option<PeerTable>> {
    let path = results.join(FILE);
    if !files::is_file(&path)? {
        return Ok(None);
    }
    let text = files::read_text(&path)?;
    toml::from_str(&text).map(Some).map_err(|error| Error::Manifest {
        path,
        problem: error.to_string(),
    })
}
