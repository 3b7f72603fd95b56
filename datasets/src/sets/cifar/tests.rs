//! Tests of the CIFAR readers with small files in a temporary folder: whole, partial and damaged ones.

use std::fs;

use sha2::{Digest, Sha256};

use super::*;
use crate::sets::files::tests::{data_dir, options};
use crate::{LoadOptions, load};

/// A record whose pixels count up from `first`.
fn record(labels: &[u8], first: usize) -> Vec<u8> {
    let pixels = (0..PIXELS).map(|i| ((first + i) % 251) as u8);
    labels.iter().copied().chain(pixels).collect()
}

const BATCH_1: &str = "cifar-10-batches-bin/data_batch_1.bin";
const BATCH_3: &str = "cifar-10-batches-bin/data_batch_3.bin";
const TEST_BATCH: &str = "cifar-10-batches-bin/test_batch.bin";
const TRAIN: &str = "cifar-100-binary/train.bin";
const TEST: &str = "cifar-100-binary/test.bin";

/// The error message for these files.
fn error(name: &str, files: &[(&str, Vec<u8>)]) -> String {
    load(name, &options(&data_dir(files))).unwrap_err().to_string()
}

#[test]
fn cifar10_parts_are_read_and_named_in_warnings() {
    let dir = data_dir(&[
        (BATCH_1, [record(&[9], 0), record(&[0], 5)].concat()),
        (BATCH_3, record(&[4], 100)),
        (TEST_BATCH, record(&[7], 7)),
    ]);
    let data = load("cifar10", &options(&dir)).unwrap();
    // The pixels of the examples count up from 0, 5 and 100.
    assert_eq!(data.train.labels, [9, 0, 4]);
    assert_eq!(data.train.image(2), &record(&[4], 100)[1..]);
    assert_eq!(data.train.classes, 10);
    assert_eq!([data.train.channels, data.train.height, data.train.width], [3, 32, 32]);
    assert_eq!(data.test.labels, [7]);
    assert_eq!(data.normalisation, Normalisation::cifar10());
    assert_eq!(
        data.warnings,
        [
            "cifar10 train: 3 examples, official 50000 (data_batch_1.bin holds 2 of 10000, \
             data_batch_2.bin is missing, data_batch_3.bin holds 1 of 10000, \
             data_batch_4.bin is missing, data_batch_5.bin is missing)",
            "cifar10 test: 1 examples, official 10000 (test_batch.bin holds 1 of 10000)",
        ]
    );
    let records: Vec<usize> = data.sources.iter().map(|source| source.records).collect();
    assert_eq!(records, [2, 1, 1]);
    assert_eq!(data.sources[1].path, dir.path().join(BATCH_3).display().to_string());
    assert_eq!(data.sources[1].sha256, hex::encode(Sha256::digest(record(&[4], 100))));
}

#[test]
fn the_order_of_examples_in_a_file_does_not_matter() {
    let records = [record(&[9], 40), record(&[0], 5), record(&[3], 5), record(&[1], 5)];
    let of = |order: [usize; 4]| {
        let train = order.map(|index| records[index].clone()).concat();
        let data = load("cifar10", &options(&data_dir(&[(BATCH_1, train), (TEST_BATCH, record(&[7], 7))]))).unwrap();
        (data.train.labels, data.train.images)
    };
    let sorted = of([0, 1, 2, 3]);
    assert_eq!(sorted.0, [0, 1, 3, 9]);
    assert_eq!(of([2, 0, 3, 1]), sorted);
}

#[test]
fn cifar100_classes_are_the_fine_labels() {
    let dir = data_dir(&[(TRAIN, [record(&[19, 0], 0), record(&[0, 99], 1)].concat()), (TEST, record(&[3, 42], 2))]);
    let data = load("cifar100", &options(&dir)).unwrap();
    assert_eq!(data.train.labels, [0, 99]);
    assert_eq!(data.train.image(1), &record(&[0, 99], 1)[2..]);
    assert_eq!(data.test.labels, [42]);
    assert_eq!(data.train.classes, 100);
    assert_eq!(data.normalisation, Normalisation::cifar100());
}

#[test]
fn official_counts_give_no_warning_and_one_more_gives_one() {
    static SMALL: Format =
        Format { name: "small", train_files: &["data_batch_1.bin"], train_records: 2, test_records: 1, ..CIFAR10 };
    let dir = data_dir(&[(BATCH_1, record(&[0], 0).repeat(2)), (TEST_BATCH, record(&[0], 0))]);
    assert_eq!(read(&SMALL, Some(dir.path())).unwrap().warnings, [""; 0]);
    fs::write(dir.path().join(TEST_BATCH), record(&[0], 0).repeat(2)).unwrap();
    assert_eq!(
        read(&SMALL, Some(dir.path())).unwrap().warnings,
        ["small test: 2 examples, official 1 (test_batch.bin holds 2 of 1)"]
    );
}

#[test]
fn a_cut_record_is_named() {
    let mut bytes = [record(&[1], 0), record(&[2], 0)].concat();
    bytes.pop();
    let message = error("cifar10", &[(BATCH_1, bytes), (TEST_BATCH, record(&[1], 0))]);
    assert!(message.contains("data_batch_1.bin: record 1 (counted from 0)"), "{message}");
    assert!(message.contains("at byte 3073 is cut"), "{message}");
    assert!(message.contains("expected 3073 bytes, the file ends after 3072"), "{message}");
}

#[test]
fn an_impossible_label_is_named() {
    let good = record(&[0, 0], 0);
    let check = |bad: &[u8], expected: &str| {
        let bytes = [good.clone(), record(bad, 0)].concat();
        let message = error("cifar100", &[(TRAIN, good.clone()), (TEST, bytes)]);
        assert!(message.contains("test.bin: record 1 (counted from 0)"), "{message}");
        assert!(message.contains(expected), "{message}");
    };
    check(&[20, 0], "the coarse label 20 at byte 3074, expected 0 to 19");
    check(&[0, 100], "the fine label 100 at byte 3075, expected 0 to 99");
    let message = error("cifar10", &[(BATCH_1, record(&[10], 0))]);
    assert!(message.contains("the label 10 at byte 0, expected 0 to 9"), "{message}");
}

#[test]
fn a_batch_of_the_python_version_is_named() {
    let message = error("cifar10", &[(BATCH_1, b"\x80\x02}q\x01(U".to_vec())]);
    let expected = "byte 0: found a Python pickle, as in the python version, expected the \"CIFAR-10 binary version\"";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_sparse_file_is_refused_before_it_is_read() {
    let dir = data_dir(&[(TRAIN, record(&[0, 0], 0)), (TEST, record(&[0, 0], 0))]);
    let file = fs::File::options().write(true).open(dir.path().join(TEST)).unwrap();
    file.set_len(3 << 30).unwrap();
    let message = load("cifar100", &options(&dir)).unwrap_err().to_string();
    assert!(message.ends_with("test.bin: 3221225472 bytes, expected at most 122960000"), "{message}");
}

#[test]
fn an_empty_file_is_named() {
    let message = error("cifar10", &[(BATCH_1, Vec::new())]);
    assert!(message.contains("data_batch_1.bin: the file is empty"), "{message}");
}

#[test]
fn errors_for_missing_files_say_where_to_put_them() {
    let without_folder = load("cifar100", &LoadOptions::default()).unwrap_err().to_string();
    assert!(without_folder.contains("no data folder is given; run `cargo xtask fetch cifar"), "{without_folder}");
    let without_test = error("cifar100", &[(TRAIN, record(&[0, 0], 0))]);
    assert!(without_test.contains("cifar-100-binary/test.bin"), "{without_test}");
    let without_first = error("cifar10", &[(BATCH_3, record(&[0], 0))]);
    assert!(without_first.contains("there is no file"), "{without_first}");
    assert!(without_first.contains("data_batch_1.bin"), "{without_first}");
    for message in [without_folder, without_test, without_first] {
        for part in ["DATA_DIR/cifar-10", "--data-dir", "SMASH_DATA_DIR"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}

#[test]
fn subsets_are_random_seeded_and_independent_of_each_other() {
    let records = |n: usize| (0..n).flat_map(|i| record(&[(i % 10) as u8], i)).collect();
    let dir = data_dir(&[(BATCH_1, records(40)), (TEST_BATCH, records(20))]);
    let load =
        |n_train, n_test, seed| load("cifar10", &LoadOptions { n_train, n_test, seed, ..options(&dir) }).unwrap();
    let data = load(Some(10), Some(5), 1);
    assert_eq!((data.train.len(), data.test.len()), (10, 5));
    let other_test_size = load(Some(10), None, 1);
    assert_eq!(other_test_size.train, data.train);
    assert_eq!(other_test_size.test.len(), 20);
    assert_ne!(load(Some(10), None, 2).train, data.train);
    let first = load(None, None, 1).train.subset(&(0..10).collect::<Vec<_>>());
    assert_ne!(data.train, first);
}

#[test]
fn impossible_numbers_and_sizes_are_refused() {
    let dir = data_dir(&[(BATCH_1, record(&[0], 0).repeat(3)), (TEST_BATCH, record(&[0], 0))]);
    for wanted in [0, 4] {
        let options = LoadOptions { n_train: Some(wanted), ..options(&dir) };
        let message = load("cifar10", &options).unwrap_err().to_string();
        assert!(message.contains(&format!("cifar10 train: {wanted} examples")), "{message}");
        assert!(message.contains("expected 1 to 3"), "{message}");
    }
    for wanted in [0, 5, 64] {
        let options = LoadOptions { image_size: Some(wanted), ..options(&dir) };
        let message = load("cifar10", &options).unwrap_err().to_string();
        assert!(message.contains(&format!("image size {wanted}")), "{message}");
    }
}

#[test]
fn a_smaller_size_is_measured_anew() {
    let dir = data_dir(&[(BATCH_1, record(&[0], 0).repeat(3)), (TEST_BATCH, record(&[0], 0))]);
    let data = load("cifar10", &LoadOptions { image_size: Some(16), ..options(&dir) }).unwrap();
    assert_eq!([data.test.height, data.test.width], [16, 16]);
    assert_eq!(data.train.images.len(), 3 * 3 * 16 * 16);
    assert_eq!(data.normalisation, Normalisation::of(&data.train));
}
