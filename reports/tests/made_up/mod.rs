//! Made-up runs, for tests of the files that are drawn from them.

mod manifest;

use std::path::Path;

use reports::artefact::Artefact;
use results::store::manifest::RunStatus;
use results::store::{find_runs, groups};
use results::{EpochRow, Manifest, Row, RunDir};

use manifest::manifest;

/// A complete run of an artefact. Its only table is an empty one, unless the run is there already.
pub fn open_run(root: &Path, artefact: &str, seed: u64, definition: &str) -> RunDir {
    let manifest = manifest(artefact, seed, definition);
    let dir = RunDir::new(root, &manifest.key());
    dir.create().unwrap();
    if !dir.table::<EpochRow>().path.exists() {
        dir.write::<EpochRow>(&[]).unwrap();
    }
    complete(&dir, manifest);
    dir
}

/// Lists the tables of a run in its manifest.
fn complete(dir: &RunDir, mut manifest: Manifest) {
    let end = manifest.end.clone().unwrap();
    dir.close(&mut manifest, RunStatus::Complete, end).unwrap();
}

/// Writes a table of a complete run, which its manifest then lists.
pub fn write<R: Row>(dir: &RunDir, rows: &[R]) {
    dir.write(rows).unwrap();
    complete(dir, dir.read_manifest().unwrap());
}

/// The newest result of an artefact.
pub fn newest(root: &Path, artefact: &str) -> anyhow::Result<Artefact> {
    let group = results::store::newest(groups(find_runs(root, Some(artefact))?.all()?)).unwrap();
    Artefact::load(group, root)
}
