//! Fuzz target for STL-10: images, labels and folds that do not fit each other.
//!
//! The first two bytes set the length of the image files, in pixels and in images. The rest is cut at the first byte
//! 255 into labels and folds. All pixels are the same, so that inputs stay small.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

const PIXELS: usize = 3 * 96 * 96;

fuzz_target!(|data: &[u8]| {
    let &[pixels, images, ref rest @ ..] = data else { return };
    let images = vec![pixels; usize::from(images % 4) * PIXELS + usize::from(pixels / 250)];
    let end = rest.iter().position(|&byte| byte == u8::MAX).unwrap_or(rest.len());
    let (labels, folds) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let files = [
        ("stl10_binary/train_X.bin", &images[..]),
        ("stl10_binary/train_y.bin", labels),
        ("stl10_binary/test_X.bin", &images),
        ("stl10_binary/test_y.bin", labels),
        ("stl10_binary/fold_indices.txt", folds),
    ];
    let Some(read) = read("stl10", &files, LoadOptions::default()) else {
        return;
    };
    assert_eq!(read.train.labels.len(), labels.len());
    assert_eq!(read.train.images, images);
});
