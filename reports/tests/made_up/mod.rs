//! Made-up runs, for tests of the files that are drawn from them.

mod manifest;

use std::path::Path;

use reports::artefact::Artefact;
use results::RunDir;
use results::store::{find_runs, latest_group};

use manifest::manifest;

/// A complete run of an artefact that has no tables yet.
pub fn open_run(root: &Path, artefact: &str, seed: u64, definition: &str) -> RunDir {
    let manifest = manifest(artefact, seed, definition);
    let dir = RunDir::new(root, &manifest.key());
    dir.create().unwrap();
    dir.write_manifest(&manifest).unwrap();
    dir
}

/// The newest result of an artefact.
pub fn newest(root: &Path, artefact: &str) -> anyhow::Result<Artefact> {
    let group = latest_group(find_runs(root, Some(artefact))?).unwrap();
    Artefact::load(group, root)
}
