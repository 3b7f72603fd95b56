//! Fuzz target for images in `.npz` files: zip, numpy's headers, and arrays of every kind of number.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let files = [("imagenet32/train_data_batch_1.npz", file), ("imagenet32/val_data.npz", file)];
    read("imagenet32", &files, LoadOptions::default());
    read("npz:own.npz", &[("own.npz", file)], LoadOptions::default());
});
