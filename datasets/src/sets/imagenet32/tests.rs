//! Tests of the ImageNet32x32 reader with small files in a temporary folder: both forms, partial and damaged ones.

use super::*;
use crate::formats::npz_writer::{npy, npz};
use crate::sets::files::tests::{data_dir, options};
use crate::{LoadOptions, load};

/// Pixels of `n` images that count up.
fn pixels(n: usize, first: usize) -> Vec<u8> {
    (0..n * PIXELS).map(|i| ((first + i) % 251) as u8).collect()
}

fn npz_file(labels: &[i64], first: usize) -> Vec<u8> {
    let n = labels.len();
    let bytes: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    npz(&[
        ("data", npy("|u1", &format!("{n}, 3072"), &pixels(n, first))),
        ("labels", npy("<i8", &format!("{n},"), &bytes)),
    ])
}

/// A pickle of protocol 3 as Python writes it.
fn pickle_file(labels: &[u16], first: usize) -> Vec<u8> {
    let pixels = pixels(labels.len(), first);
    let labels: Vec<u8> = labels.iter().flat_map(|label| [&b"M"[..], &label.to_le_bytes()].concat()).collect();
    let length = (pixels.len() as u32).to_le_bytes();
    let n = (pixels.len() / PIXELS) as u8;
    [
        &b"\x80\x03}q\x00(X\x04\x00\x00\x00dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03"
            [..],
        b"K\x00\x85C\x01b\x87Rq\x04(K\x01K",
        &[n],
        b"M\x00\x0c\x86cnumpy\ndtype\nX\x02\x00\x00\x00u1K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xff",
        b"J\xff\xff\xff\xffK\x00tb\x89B",
        &length,
        &pixels,
        b"tbX\x06\x00\x00\x00labelsq\x05]q\x06(",
        &labels,
        b"eu.",
    ]
    .concat()
}

fn error(files: &[(&str, Vec<u8>)]) -> String {
    load("imagenet32", &options(&data_dir(files))).unwrap_err().to_string()
}

#[test]
fn both_forms_hold_the_same_images() {
    let arrays = data_dir(&[
        ("Imagenet32_train/train_data_batch_1.npz", npz_file(&[1, 7], 0)),
        ("Imagenet32_train/train_data_batch_3.npz", npz_file(&[3], 5)),
        ("Imagenet32_val/val_data.npz", npz_file(&[9, 2], 9)),
    ]);
    let pickles = data_dir(&[
        ("imagenet32/train_data_batch_1", pickle_file(&[1, 7], 0)),
        ("imagenet32/train_data_batch_3", pickle_file(&[3], 5)),
        ("imagenet32/val_data", pickle_file(&[9, 2], 9)),
    ]);
    let data = load("imagenet32", &options(&arrays)).unwrap();
    assert_eq!(data.train.labels, [0, 6, 2]);
    assert_eq!(data.test.labels, [8, 1]);
    // These are not the official images, so the largest label decides the number of classes.
    assert_eq!((data.train.classes, data.test.classes), (9, 9));
    assert_eq!(data.train.image(2), pixels(1, 5));
    assert_eq!(data.normalisation, Normalisation::of(&data.train));
    assert!(
        data.warnings[0].starts_with(
            "imagenet32 train: 3 examples, official 1281167 (train_data_batch_2 is missing, train_data_batch_4 is"
        ),
        "{:?}",
        data.warnings
    );
    let records: Vec<usize> = data.sources.iter().map(|source| source.records).collect();
    assert_eq!(records, [2, 1, 2]);

    let without_suffix = data_dir(&[
        ("imagenet32/train_data_batch_1", npz_file(&[1, 7], 0)),
        ("imagenet32/train_data_batch_3", npz_file(&[3], 5)),
        ("imagenet32/val_data", npz_file(&[9, 2], 9)),
    ]);
    let same = load("imagenet32", &options(&without_suffix)).unwrap();
    assert_eq!((&same.train, &same.test), (&data.train, &data.test));

    let same = load("imagenet32", &options(&pickles)).unwrap();
    assert_eq!((same.train, same.test), (data.train, data.test));
    assert!(same.sources[1].path.ends_with("imagenet32/train_data_batch_3"));
}

#[test]
fn damaged_files_are_named_with_the_place() {
    let val = || ("imagenet32/val_data.npz", npz_file(&[1], 0));
    let check = |train: Vec<u8>, expected: &str| {
        let message = error(&[("imagenet32/train_data_batch_1.npz", train), val()]);
        assert!(message.contains("train_data_batch_1.npz: "), "{message}");
        assert!(message.contains(expected), "{expected} in {message}");
    };
    let labels = |shape: &str, bytes: &[u8]| ("labels", npy("<i8", shape, bytes));
    let one = || ("data", npy("|u1", "1, 3072", &pixels(1, 0)));
    check(npz_file(&[1, 0], 0), "label 1 (counted from 0): found 0, expected 1 to 1000");
    check(npz_file(&[1001], 0), "label 0 (counted from 0): found 1001");
    check(npz_file(&[], 0), "found bytes of the shape [0, 3072] for 0 labels");
    check(npz(&[one(), labels("2,", &[1; 16])]), "array \"labels\": found the shape [2], expected [1]");
    check(npz(&[one()]), "array \"labels\"");
    let narrow = npy("|u1", "2, 1536", &pixels(1, 0));
    check(npz(&[("data", narrow)]), "found the shape [2, 1536], expected [n, 3072]");
    let many = npy("|u1", "128124, 3072", &[]);
    check(npz(&[("data", many)]), "expected [n, 3072], n up to 128123");
    let claimed = npy("|u1", "128123, 3072", &[]);
    check(npz(&[("data", claimed)]), "found 0 bytes, expected 393593856");
    let wide = npy("<i2", "1, 3072", &[0; 6144]);
    let one_label = 1_i64.to_le_bytes();
    check(npz(&[("data", wide), labels("1,", &one_label)]), "found other integers of the shape");

    let check = |train: Vec<u8>, expected: &str| {
        let message = error(&[("imagenet32/train_data_batch_1", train), val()]);
        assert!(message.contains("train_data_batch_1: "), "{message}");
        assert!(message.contains(expected), "{expected} in {message}");
    };
    check(pickle_file(&[5, 1001], 0), "label 1 (counted from 0): found 1001, expected 1 to 1000");
    let whole = pickle_file(&[5], 0);
    check(whole[..whole.len() - 1].to_vec(), "expected a longer file");
    let (start, end) = whole.split_at(whole.len() - 3);
    let more_labels = [start, b"K\x01", end].concat();
    check(more_labels, "found bytes of the shape [1, 3072] for 2 labels");
}

#[test]
fn errors_for_missing_files_say_where_to_get_them() {
    let without_folder = load("imagenet32", &LoadOptions::default()).unwrap_err().to_string();
    assert!(without_folder.contains("no data folder is given"), "{without_folder}");
    let without_val = error(&[("imagenet32/train_data_batch_1.npz", npz_file(&[1], 0))]);
    assert!(without_val.contains("there is no file val_data.npz or val_data in Imagenet32_val"), "{without_val}");
    let without_first = error(&[("Imagenet32_train/train_data_batch_2", pickle_file(&[1], 0))]);
    assert!(without_first.contains("train_data_batch_1.npz"), "{without_first}");
    for message in [without_folder, without_val, without_first] {
        for part in ["DATA_DIR/Imagenet32_train/", "image-net.org", "--data-dir", "SMASH_DATA_DIR"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}
