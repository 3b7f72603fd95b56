//! Architectures: writing one and reading it again changes nothing, and any architecture that a space accepts can be used.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smash::{Architecture, Blueprint, Encoding, SearchSpace, Task};

const TASK: Task = Task { image_channels: 3, image_size: 8, classes: 10, image_depth: 1, stem_stride: 1 };

fuzz_target!(|text: &str| {
    let Ok(architecture) = Architecture::from_json(text) else {
        return;
    };
    let again = Architecture::from_json(&architecture.to_json()).expect("a stored architecture can be read");
    assert_eq!(again, architecture);
    let _ = (architecture.hash(), architecture.op_count());
    for space in spaces() {
        space.validate().expect("the spaces are sound");
        if architecture.validate(&space).is_err() {
            continue;
        }
        let _ = architecture.canonical_hash(&space);
        let _ = Encoding::new(&space, &architecture);
        let _ = Blueprint::of(&space, TASK, &architecture).counts();
        let _ = Blueprint::in_smash(&space, TASK, &architecture).counts();
        let _ = architecture.single_3x3();
    }
});

/// Spaces as small as the spaces of tests.
fn spaces() -> [SearchSpace; 2] {
    let v1 = SearchSpace {
        base_channels: 2,
        max_channels: 4,
        depth_compression: 2,
        budget: [0.1, 1.0],
        ..SearchSpace::smash_v1(2, 2)
    };
    [v1, SearchSpace::smash_v2(2, 2)]
}
