//! Tests of agreement with the numbers that the released 2017 code computed.

use std::path::Path;

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};

#[test]
fn a_small_smash_network_agrees_with_the_released_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = ["small.safetensors", "small.json"].map(|name| folder.join(name));
    let deviations = smash::golden::compare::<Autodiff<Flex>>(&files[0], &files[1], &FlexDevice).unwrap();
    for deviation in &deviations {
        assert!(deviation.is_within_tolerance(), "{deviation:?}");
    }
}
