//! Fuzz target for meshes and the voxels made from them.
//!
//! The first byte sets the edge of the volume; the rest is an OFF file.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&edge, mesh)) = data.split_first() else {
        return;
    };
    let options = LoadOptions { image_size: Some(8 + usize::from(edge % 16)), ..LoadOptions::default() };
    let files = [("ModelNet10/bed/train/a.off", mesh), ("ModelNet10/bed/test/a.off", mesh)];
    let Some(read) = read("modelnet10", &files, options) else {
        return;
    };
    let volume = read.test.images;
    assert_eq!(read.train.images, volume);
    assert!(volume.contains(&255), "a mesh with an extent touches a voxel");
    assert!(volume.iter().all(|voxel| [0, 255].contains(voxel)));
});
