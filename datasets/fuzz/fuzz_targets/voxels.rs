//! Fuzz target for stored voxels, which are arrays in a zip archive.
//!
//! The first byte sets the edge of the requested volumes; the rest is an `.npz` file.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&edge, file)) = data.split_first() else {
        return;
    };
    let options = LoadOptions {
        image_size: [None, Some(1), Some(2), Some(4)][usize::from(edge % 4)],
        ..LoadOptions::default()
    };
    let files = [("ModelNet10-voxels/modelnet10_4_train.npz", file), ("ModelNet10-voxels/modelnet10_4_test.npz", file)];
    let Some(read) = read("modelnet10-voxels", &files, options) else {
        return;
    };
    assert!(read.train.images.iter().all(|voxel| [0, 255].contains(voxel)));
});
