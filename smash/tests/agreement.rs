//! Agreement with the numbers that the released 2017 code computed.

#[allow(dead_code)]
mod golden;

use std::path::Path;

#[test]
fn a_small_smash_network_agrees_with_the_released_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let deviations = golden::compare(&folder.join("small.safetensors"), &folder.join("small.json")).unwrap();
    for deviation in &deviations {
        assert!(deviation.is_within(), "{deviation:?}");
    }
}
