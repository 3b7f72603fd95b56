//! Fuzz target for the CIFAR reader: it must read exactly the labels and pixels that the files hold.
//!
//! The first byte selects CIFAR-10 or CIFAR-100. The other bytes are a file, whose end may be cut off.

#![no_main]

use datasets::LoadOptions;
use datasets_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, file)) = data.split_first() else {
        return;
    };
    let (set, labels, [train, test]) = if kind % 2 == 0 {
        ("cifar10", 1, ["cifar-10-batches-bin/data_batch_1.bin", "cifar-10-batches-bin/test_batch.bin"])
    } else {
        ("cifar100", 2, ["cifar-100-binary/train.bin", "cifar-100-binary/test.bin"])
    };
    let read = read(set, &[(train, file), (test, file)], LoadOptions::default());
    let Some(read) = read else { return };
    assert_eq!(read.train.images, read.test.images);
    let records = read.train.labels.iter().zip(read.train.images.chunks_exact(3072));
    for ((&label, pixels), record) in records.zip(file.chunks_exact(labels + 3072)) {
        assert_eq!(label, u16::from(record[labels - 1]));
        assert_eq!(pixels, &record[labels..]);
    }
});
