//! The stored comparison with PyTorch.

#![no_main]

use libfuzzer_sys::fuzz_target;
use results::summaries::peer;

fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join(peer::FILE), text).expect("the folder can be written");
    if let Ok(table) = peer::read(folder.path()) {
        let table = table.expect("the file is there");
        let _ = table.rows.iter().map(peer::PeerRow::ratios).count();
    }
});
