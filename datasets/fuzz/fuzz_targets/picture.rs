//! Fuzz target for a folder of images: PNG and JPEG files.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let files = [("own/train/a/1.png", file), ("own/train/b/1.jpg", file), ("own/test/a/1.png", file)];
    read("folder:own", &files, LoadOptions::default());
});
