//! Checkpoints: writing one, reading it and writing it again gives the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smash::training::checkpoint::Checkpoint;

fuzz_target!(|bytes: &[u8]| {
    let Ok(checkpoint) = Checkpoint::from_bytes(bytes) else {
        return;
    };
    for tensor in checkpoint.tensors.values() {
        assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len());
    }
    let written = checkpoint.to_bytes();
    let again = Checkpoint::from_bytes(&written).expect("a written checkpoint can be read");
    // The bytes are compared, because values may be NaN.
    assert_eq!(again.to_bytes(), written);
});
