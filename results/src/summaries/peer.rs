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
    let fault = |problem: String| Error::Manifest { path: path.clone(), problem };
    let table: PeerTable = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
    for (index, row) in table.rows.iter().enumerate() {
        for (name, values) in [("ours", row.ours), ("peer", row.peer)] {
            let is_measured = |value: &f64| value.is_finite() && *value > 0.0;
            if let Some(value) = values.iter().find(|value| !is_measured(value)) {
                return Err(fault(format!("row {index}: `{name}` is {value}, expected a finite number above 0")));
            }
        }
    }
    Ok(Some(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_measurement_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let head = "commit = 'a'\ncpu = 'b'\nthreads = 1\ntorch = '2'\nrounds = 3\n";
        let write = |ours: &str| {
            let rows = format!("[[rows]]\nsize = 'v1'\nname = 'n'\nours = [2.0, {ours}]\npeer = [3.0, 8.0]\n");
            std::fs::write(folder.path().join(FILE), format!("{head}{rows}")).unwrap();
        };
        write("4.0");
        assert_eq!(read(folder.path()).unwrap().unwrap().rows[0].ratios(), [1.5, 2.0]);
        for (value, shown) in [("0.0", "0"), ("-1.0", "-1"), ("nan", "NaN"), ("inf", "inf")] {
            write(value);
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.ends_with(&format!("peer.toml: row 0: `ours` is {shown}, expected a finite number above 0")));
        }
    }
}
