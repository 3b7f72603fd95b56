//! Tests of agreement with the numbers that the released 2017 code computed.

use std::path::Path;

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};

#[test]
fn a_small_smash_network_agrees_with_the_released_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let tensors = std::fs::read(folder.join("small.safetensors")).unwrap();
    let cases = std::fs::read_to_string(folder.join("small.json")).unwrap();
    let deviations = smash::golden::compare::<Autodiff<Flex>>(&tensors, &cases, &FlexDevice).unwrap();
    for deviation in &deviations {
        assert!(deviation.is_within_tolerance(), "{deviation:?}");
    }
}
