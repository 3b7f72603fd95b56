//! Fuzz target for images in pickles, whose instructions the reader follows as data.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let files = [("imagenet32/train_data_batch_1", file), ("imagenet32/val_data", file)];
    read("imagenet32", &files, LoadOptions::default());
});
