//! Tests of the reader of one's own `.npz` files.

use std::fs;

use super::*;
use crate::{LoadOptions, load};

type Arrays = Vec<(&'static str, Vec<u8>)>;

fn load_arrays(arrays: &Arrays) -> Result<DataSet, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("my birds.npz");
    fs::write(&path, npz(arrays)).unwrap();
    load(&format!("npz:{}", path.display()), &LoadOptions::default())
}

/// `n` bytes that count up.
fn counting(n: u8) -> Vec<u8> {
    (0..n).collect()
}

/// Three training and two test images of 2x2 pixels and 3 channels, which come last.
fn keras() -> Arrays {
    vec![
        ("x_train", npy("|u1", "3, 2, 2, 3", &counting(36))),
        ("y_train", npy("|u1", "3, 1", &[0, 1, 0])),
        ("x_test", npy("|u1", "2, 2, 2, 3", &counting(24))),
        ("y_test", npy("<i8", "2,", &[1, 0].map(i64::to_le_bytes).concat())),
    ]
}

/// The arrays with one of them replaced.
fn with(name: &'static str, array: Vec<u8>) -> Arrays {
    let mut arrays = keras();
    arrays.iter_mut().find(|(known, _)| *known == name).unwrap().1 = array;
    arrays
}

#[test]
fn the_arrays_of_keras_are_read_with_channels_first() {
    let data = load_arrays(&keras()).unwrap();
    assert_eq!([data.train.channels, data.train.depth, data.train.height, data.train.width], [3, 1, 2, 2]);
    assert_eq!(data.train.image(1), [12, 15, 18, 21, 13, 16, 19, 22, 14, 17, 20, 23]);
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 1, 0][..], &[1, 0][..]));
    assert_eq!((data.train.classes, data.test.classes), (2, 2));
    assert!(data.name.starts_with("my-birds-") && data.name.len() == 17, "{}", data.name);
    assert_eq!(data.train.name, format!("{} train", data.name));
    assert_eq!((data.sources[0].path.as_str(), data.sources[0].records), ("npz:my birds.npz", 5));
    assert_eq!(load_arrays(&keras()).unwrap(), data);

    let first = npy("|u1", "3, 3, 2, 2", &data.train.images);
    let mut arrays = with("x_train", first);
    arrays[2].1 = npy("|u1", "2, 3, 2, 2", &data.test.images);
    let same = load_arrays(&arrays).unwrap();
    assert_eq!(same.train.images, data.train.images);
    assert_ne!(same.name, data.name);
}

#[test]
fn the_arrays_of_medmnist_are_read_and_grey_images_need_no_channel() {
    let data = load_arrays(&vec![
        ("train_images", npy("|u1", "3, 2, 2", &counting(12))),
        ("val_images", npy("|u1", "9", &counting(9))),
        ("train_labels", npy("|u1", "3, 1", &[3, 1, 0])),
        ("test_images", npy("|u1", "1, 2, 2", &counting(4))),
        ("test_labels", npy("|u1", "1, 1", &[0])),
    ]);
    let message = data.unwrap_err().to_string();
    assert!(message.contains("its labels: found 3 as the largest, expected at least two classes"), "{message}");
    let data = load_arrays(&vec![
        ("train_images", npy("|u1", "3, 2, 2", &counting(12))),
        ("train_labels", npy("|u1", "3, 1", &[2, 0, 0])),
        ("test_images", npy("|u1", "1, 2, 2", &counting(4))),
        ("test_labels", npy("|u1", "1, 1", &[0])),
    ])
    .unwrap();
    assert_eq!((data.train.channels, data.train.classes), (1, 3));
    assert_eq!(data.train.image(2), [8, 9, 10, 11]);
    let missing = ["train: no example of class 1", "test: no example of class 1 and 1 more"];
    assert_eq!(data.warnings, missing.map(|text| format!("{} {text}", data.name)));
}

#[test]
fn floats_truth_values_and_fortran_order_become_the_same_pixels() {
    let floats = [0.0_f32, 1.0, 0.5, 0.2].map(f32::to_le_bytes).concat();
    let doubles = [0.0_f64, 1.0, 0.5, 0.2].map(f64::to_be_bytes).concat();
    let arrays = |descr: &str, train: &[u8], test: Vec<u8>| -> Arrays {
        vec![
            ("x_train", npy(descr, "2, 2, 2", train)),
            ("y_train", npy("|b1", "2,", &[0, 1])),
            ("x_test", test),
            ("y_test", npy("|u1", "1,", &[1])),
        ]
    };
    let of_floats = load_arrays(&arrays("<f4", &floats.repeat(2), npy(">f8", "1, 2, 2", &doubles))).unwrap();
    assert_eq!(of_floats.train.image(1), [0, 255, 128, 51]);
    assert_eq!(of_floats.test.images, [0, 255, 128, 51]);
    let fortran = |array: Vec<u8>| {
        let place = array.windows(5).position(|window| window == b"False").unwrap();
        [&array[..place], b"True ", &array[place + 5..]].concat()
    };
    let test = fortran(npy("<f4", "1, 2, 2", &[0.0_f32, 0.5, 1.0, 0.2].map(f32::to_le_bytes).concat()));
    let of_truths = load_arrays(&arrays("|b1", &[0, 1, 1, 0, 1, 1, 0, 0], test)).unwrap();
    assert_eq!(of_truths.train.image(0), [0, 255, 255, 0]);
    assert_eq!(of_truths.test.images, [0, 255, 128, 51]);
}

#[test]
fn wrong_arrays_are_named_with_the_expectation() {
    let check = |arrays: Arrays, expected: &str| {
        let message = load_arrays(&arrays).unwrap_err().to_string();
        assert!(message.contains("my birds.npz: "), "{message}");
        assert!(message.contains(expected), "{expected} in {message}");
    };
    check(vec![("x", npy("|u1", "1,", &[0]))], "expected x_train, y_train, x_test, y_test, or train_images,");
    check(keras().into_iter().filter(|(name, _)| *name != "y_test").collect(), "array \"y_test\"");
    // Channels and both edges are equal, so none of them is known to be the channels.
    for shape in ["3, 3, 3, 3", "3, 2, 3, 3, 1", "3, 2, 3", "0, 2, 2", "3, 2, 3, 4"] {
        let expected = format!("array \"x_train\": found the shape [{shape}], expected [n, edge, edge]");
        check(with("x_train", npy("|u1", shape, &[])), &expected);
    }
    check(
        with("x_test", npy("|u1", "2, 3, 2, 2", &counting(24))),
        "array \"x_test\": found the shape [2, 3, 2, 2], expected [n, 2, 2, 3], n from 1",
    );
    check(
        with("x_train", npy("<i2", "3, 2, 2, 3", &[0; 72])),
        "array \"x_train\": found integers of another type, expected bytes (uint8)",
    );
    check(
        with("x_train", npy("<f2", "3, 2, 2, 3", &[0; 72])),
        "expected integers, truth values, or floats of 4 or 8 bytes",
    );
    let bright = [2.5_f32; 36].map(f32::to_le_bytes).concat();
    check(
        with("x_train", npy("<f4", "3, 2, 2, 3", &bright)),
        "value 0 (counted from 0): found 2.5, expected a float from 0 to 1; divide",
    );
    let nan = [f32::NAN; 36].map(f32::to_le_bytes).concat();
    check(with("x_train", npy("<f4", "3, 2, 2, 3", &nan)), "found NaN");
    check(with("x_train", npy("|b1", "3, 2, 2, 3", &[2; 36])), "found 2, expected 0 or 1");
    check(with("y_train", npy("|u1", "2,", &[0, 1])), "array \"y_train\": found the shape [2], expected [3] or [3, 1]");
    check(with("y_train", npy("|i1", "3,", &[0, 255, 1])), "label 1 (counted from 0): found -1, expected 0 to 65535");
    check(with("y_train", npy("<f4", "3,", &[0; 12])), "array \"y_train\"");
    check(with("y_test", npy("|u1", "2,", &[0, 3])), "its labels: found 3 as the largest");
    let mut one_class = with("y_train", npy("|u1", "3,", &[0; 3]));
    one_class[3].1 = npy("|u1", "2,", &[0; 2]);
    check(one_class, "its labels: found 0 as the largest, expected at least two classes");
    let gone = load("npz:no-such.npz", &LoadOptions::default()).unwrap_err().to_string();
    assert!(gone.contains("cannot read no-such.npz: No such file"), "{gone}");
}

#[test]
fn written_images_are_read_as_they_were() {
    let of = |images: &ImageSet| (images.images.clone(), images.labels.clone(), images.classes);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shapes.npz");
    let options = LoadOptions { image_size: Some(8), n_train: Some(60), n_test: Some(40), ..LoadOptions::default() };
    let colour = load("shapes", &options).unwrap();
    let grey = |set: &ImageSet| {
        let planes = set.images.chunks_exact(64).step_by(3);
        ImageSet { channels: 1, images: planes.flatten().copied().collect(), ..set.clone() }
    };
    let grey = DataSet { train: grey(&colour.train), test: grey(&colour.test), ..colour.clone() };
    for data in [colour, grey] {
        fs::write(&path, to_npz(&data)).unwrap();
        let read = load(&format!("npz:{}", path.display()), &LoadOptions::default()).unwrap();
        assert_eq!((of(&read.train), of(&read.test)), (of(&data.train), of(&data.test)));
        assert_eq!(read.test.digest(), data.test.digest());
    }
}
