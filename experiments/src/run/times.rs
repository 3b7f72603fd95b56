//! The time of a unit, from units of the same kind in stored runs.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use results::Manifest;
use results::store::files::{list, read_text};
use results::store::{StoredRun, find_runs};

use crate::engine::unit::{Kind, Unit, parse_seconds};
use crate::run::options::RunOptions;

/// The committed results, which serve beside the user's own runs.
pub const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/baselines");

/// A measured time.
pub struct Measured {
    /// Mean seconds of a unit.
    pub seconds: f64,
    /// The run that measured it, in words.
    pub source: String,
    /// Whether that run has the same definition.
    pub is_same_definition: bool,
}

/// Stored runs that may have measured the units of a plan. They are runs of its artefact, scale, data set and class of device.
pub struct Times {
    /// Runs of the same definition come first. Among equals, the user's own come before the published ones, and new ones before
    /// old ones.
    runs: Vec<StoredRun>,
    definition_hash: String,
}

impl Times {
    /// Looks for the runs, whether or not they are complete.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn of(artefact: &str, data_set: &str, definition_hash: &str, options: &RunOptions) -> Result<Self> {
        let mut runs = Vec::new();
        for root in [options.results.as_path(), Path::new(PUBLISHED)] {
            let mut found = find_runs(root, Some(artefact))?.runs;
            found.retain(|StoredRun { manifest, .. }| {
                manifest.scale == options.scale.name()
                    && manifest.dataset.name == data_set
                    && manifest.device_class == options.device.class()
            });
            found.sort_by(|a, b| b.manifest.recency().cmp(a.manifest.recency()));
            runs.extend(found);
        }
        runs.sort_by_key(|run| run.manifest.definition_hash != definition_hash);
        Ok(Self { runs, definition_hash: definition_hash.to_owned() })
    }

    /// The time of a unit of a kind, given all units of that kind of one root seed. It is known if any stored run computed one of
    /// them, even a run that took the others from a pool.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn of_unit(&self, kind: Kind, units: &[Unit<'_>]) -> Result<Option<Measured>> {
        for StoredRun { dir, manifest } in &self.runs {
            let is_same = manifest.definition_hash == self.definition_hash;
            let whole = seconds_of_unit(manifest, kind, units.len());
            let seconds = match mean(&seconds_in(dir.path(), units)?) {
                // Another definition may have another number of units.
                None => whole.filter(|_| is_same),
                measured => measured,
            };
            if let Some(seconds) = seconds {
                let other = if is_same { "" } else { ", by another definition" };
                let source = format!("{} of commit {}{other}", manifest.artefact, manifest.commit);
                return Ok(Some(Measured { seconds, source, is_same_definition: is_same }));
            }
        }
        Ok(None)
    }

    /// Peak memory of a run of the same definition, if any measured it.
    pub fn peak_memory(&self) -> Option<u64> {
        let same = self.runs.iter().filter(|run| run.manifest.definition_hash == self.definition_hash);
        same.filter_map(|run| run.manifest.peak_memory_bytes).next()
    }
}

/// Seconds of the units that the run in a folder has computed itself.
fn seconds_in(run: &Path, units: &[Unit<'_>]) -> Result<Vec<f64>> {
    let mut stored = BTreeSet::new();
    for folder in ["units", "checkpoints"] {
        stored.extend(list(&run.join(folder))?.into_iter().map(|entry| entry.path));
    }
    let mut seconds = Vec::new();
    for unit in units {
        let place = unit.output.path.parent().and_then(Path::file_name).unwrap_or_default();
        let name = unit.output.path.file_name().map(OsString::from).unwrap_or_default();
        let file = run.join(place).join(&name).with_extension("seconds");
        let origin = run.join("units").join(&name).with_extension("origin");
        if stored.contains(&file) && !stored.contains(&origin) {
            seconds.extend(read_text(&file).ok().and_then(|text| parse_seconds(&text)));
        }
    }
    Ok(seconds)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Seconds that a unit took in an earlier run, which had `units` units of its kind.
fn seconds_of_unit(earlier: &Manifest, kind: Kind, units: usize) -> Option<f64> {
    // Older programs wrote zero seconds for a kind without units.
    earlier.timings.get(kind.name()).filter(|seconds| **seconds > 0.0).map(|seconds| seconds / units.max(1) as f64)
}
