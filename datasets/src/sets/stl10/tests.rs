//! Tests of the STL-10 reader with small files in a temporary folder: whole, partial and damaged ones.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::sets::files::tests::options;
use crate::{LoadOptions, load};

/// The bytes of an image in the file's order. Each pixel encodes its place.
fn image(first: usize) -> Vec<u8> {
    let place = |i: usize| (i / (SIZE * SIZE), i % SIZE, i / SIZE % SIZE);
    (0..PIXELS).map(|i| pixel(first, place(i))).collect()
}

fn pixel(first: usize, (channel, row, column): (usize, usize, usize)) -> u8 {
    ((first + channel * 83 + row * 96 + column) % 251) as u8
}

/// A data folder with three training and two test images.
fn data_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(FOLDER)).unwrap();
    write(&dir, "train_X.bin", &[image(0), image(1), image(2)].concat());
    write(&dir, "train_y.bin", &[1, 10, 3]);
    write(&dir, "test_X.bin", &[image(7), image(8)].concat());
    write(&dir, "test_y.bin", &[5, 6]);
    write(&dir, "fold_indices.txt", b"0 2 \n1\n");
    dir
}

fn write(dir: &TempDir, file: &str, bytes: &[u8]) {
    fs::write(dir.path().join(FOLDER).join(file), bytes).unwrap();
}

/// The error message if one file of a good folder holds these bytes.
fn error(file: &str, bytes: &[u8]) -> String {
    let dir = data_dir();
    write(&dir, file, bytes);
    load("stl10", &options(&dir)).unwrap_err().to_string()
}

#[test]
fn images_are_turned_upright_and_labels_count_from_0() {
    let data = load("stl10", &options(&data_dir())).unwrap();
    assert_eq!(data.train.labels, [0, 9, 2]);
    assert_eq!(data.test.labels, [4, 5]);
    assert_eq!((data.train.classes, data.train.len(), data.test.len()), (10, 3, 2));
    assert_eq!([data.train.channels, data.train.depth, data.train.height, data.train.width], [3, 1, 96, 96]);
    for (i, &value) in data.train.image(1).iter().enumerate() {
        let place = (i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE);
        assert_eq!(value, pixel(1, place), "{place:?}");
    }
    assert_eq!(data.normalisation, Normalisation::of(&data.train));
    assert_eq!(data.folds, [vec![0, 2], vec![1]]);
    assert_eq!(
        data.warnings,
        [
            "stl10 train: 3 examples, official 5000 (train_X.bin holds 3 of 5000)",
            "stl10 test: 2 examples, official 8000 (test_X.bin holds 2 of 8000)",
            "stl10 train: 2 folds of 2, 1 examples, official 10 of 1000",
        ]
    );
    let records: Vec<usize> = data.sources.iter().map(|source| source.records).collect();
    assert_eq!(records, [3, 3, 2, 2, 2]);
}

#[test]
fn a_subset_has_no_folds_and_a_smaller_size_keeps_them() {
    let dir = data_dir();
    let subset = LoadOptions { n_train: Some(2), ..options(&dir) };
    assert_eq!(load("stl10", &subset).unwrap().folds, Vec::<Vec<usize>>::new());
    for size in [48, 32, 24, 16] {
        let smaller = LoadOptions { image_size: Some(size), ..options(&dir) };
        let data = load("stl10", &smaller).unwrap();
        assert_eq!((data.test.height, data.folds.len()), (size, 2));
    }
}

#[test]
fn a_missing_file_of_folds_is_a_warning() {
    let dir = data_dir();
    fs::remove_file(dir.path().join(FOLDER).join("fold_indices.txt")).unwrap();
    let data = load("stl10", &options(&dir)).unwrap();
    assert_eq!(data.folds.len(), 0);
    assert!(data.warnings[2].contains("fold_indices.txt is missing"));
}

#[test]
fn damaged_files_are_named_with_the_place() {
    let check = |file: &str, bytes: &[u8], expected: &str| {
        let message = error(file, bytes);
        assert!(message.contains(&format!("{file}: ")), "{message}");
        assert!(message.contains(expected), "{expected} in {message}");
    };
    check("train_X.bin", &[], "the file is empty, expected records of 27648 bytes");
    let cut = image(0)[1..].to_vec();
    check("test_X.bin", &cut, "record 0 (counted from 0) at byte 0 is cut");
    let trailing = [image(0), image(1), image(2), vec![0]].concat();
    check("train_X.bin", &trailing, "record 3 (counted from 0) at byte 82944 is cut");
    check("train_y.bin", &[1, 2], "found 2 labels, expected 3, one for each image");
    check("train_y.bin", &[1, 2, 3, 4], "found 4 labels");
    check("train_y.bin", &[1, 0, 3], "byte 1: found the label 0, expected 1 to 10");
    check("test_y.bin", &[11, 1], "byte 0: found the label 11, expected 1 to 10");
    let fold = "fold_indices.txt";
    check(fold, b"0 1\n2 3\n", "line 2, index 1 (counted from 0): found \"3\", expected 0 to 2");
    check(fold, b"0 -1\n", "line 1, index 1 (counted from 0): found \"-1\"");
    check(fold, b"0\n\n1\n", "line 2: found no index");
}

#[test]
fn errors_for_missing_files_say_where_to_put_them() {
    let without_folder = load("stl10", &LoadOptions::default()).unwrap_err().to_string();
    assert!(without_folder.contains("no data folder is given; run `cargo xtask fetch stl10 "), "{without_folder}");
    let dir = data_dir();
    fs::remove_file(dir.path().join(FOLDER).join("test_y.bin")).unwrap();
    let without_labels = load("stl10", &options(&dir)).unwrap_err().to_string();
    assert!(without_labels.contains("stl10_binary/test_y.bin"), "{without_labels}");
    for message in [without_folder, without_labels] {
        for part in ["DATA_DIR/stl10_binary/", "--data-dir", "SMASH_DATA_DIR"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}
