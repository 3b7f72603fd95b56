//! Manifests of runs: a manifest that is read, written and read again stays the same.

#![no_main]

use experiments_fuzz::sealed;
use libfuzzer_sys::fuzz_target;
use results::store::manifest::Manifest;

fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("manifest.toml");
    std::fs::write(&path, sealed(text)).expect("the folder can be written");
    if let Ok(manifest) = Manifest::read(&path) {
        manifest.write(&path).expect("a manifest that was read can be written");
        let again = Manifest::read(&path).expect("a written manifest can be read");
        // The texts are compared, because times may be NaN.
        assert_eq!(format!("{again:?}"), format!("{manifest:?}"));
        let _ = (manifest.key(), manifest.recency());
    }
});
