//! Tests of the reader of folders, with small images that the tests write.

use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::load;

/// An RGB image whose pixels differ by place and channel.
fn rgb(edge: u32, first: u8) -> DynamicImage {
    RgbImage::from_fn(edge, edge, |x, y| Rgb([first + x as u8, 100 + y as u8, 200])).into()
}

fn grey(edge: u32, value: u8) -> DynamicImage {
    GrayImage::from_pixel(edge, edge, Luma([value])).into()
}

/// A folder `birds` with these images.
fn folder_of(images: &[(&str, DynamicImage)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, image) in images {
        let path = dir.path().join("birds").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(&path).unwrap();
    }
    dir
}

/// Four images of two classes, written in another order than they are read.
fn birds() -> TempDir {
    folder_of(&[
        ("train/wren/b.png", rgb(8, 30)),
        ("train/wren/a.png", rgb(8, 20)),
        ("test/wren/a.png", rgb(8, 40)),
        ("test/heron/a.png", rgb(8, 50)),
        ("train/heron/a.PNG", rgb(8, 10)),
    ])
}

fn load_birds(dir: &TempDir, options: &LoadOptions) -> Result<DataSet, Error> {
    load(&format!("folder:{}", dir.path().join("birds").display()), options)
}

fn error_of(dir: &TempDir) -> String {
    load_birds(dir, &LoadOptions::default()).unwrap_err().to_string()
}

#[test]
fn classes_and_images_are_sorted_by_name_and_channels_come_first() {
    let dir = birds();
    let data = load_birds(&dir, &LoadOptions::default()).unwrap();
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 1, 1][..], &[0, 1][..]));
    assert_eq!([data.train.channels, data.train.depth, data.train.height, data.train.width], [3, 1, 8, 8]);
    let firsts = |set: &ImageSet| (0..set.len()).map(|index| set.image(index)[0]).collect::<Vec<_>>();
    assert_eq!((firsts(&data.train), firsts(&data.test)), (vec![10, 20, 30], vec![50, 40]));
    // Red rises along x, green along y, and blue is constant.
    let image = data.train.image(0);
    assert_eq!([image[1], image[64], image[64 + 8], image[128], image[191]], [11, 100, 101, 200, 200]);
    assert_eq!(data.normalisation, Normalisation::of(&data.train));
    let found: Vec<_> = data.sources.iter().map(|source| (&*source.path, source.records)).collect();
    let expected = [("train/heron", 1), ("train/wren", 2), ("test/heron", 1), ("test/wren", 1)];
    assert_eq!(
        found,
        expected.map(|(place, records)| (format!("folder:birds/{place}"), records)).each_ref().map(|(p, n)| (&**p, *n))
    );

    let small = load_birds(&dir, &LoadOptions { image_size: Some(2), n_train: Some(2), ..Default::default() }).unwrap();
    assert_eq!(small.train.len(), 2);
    assert_eq!(small.test, data.test.box_downsampled(2).unwrap());
    assert_eq!(small.name, data.name);
}

#[test]
fn a_set_is_named_by_its_folder_and_its_files_wherever_they_lie() {
    let (one, other) = (birds(), birds());
    let [data, same] = [&one, &other].map(|dir| load_birds(dir, &LoadOptions::default()).unwrap());
    assert_eq!((&data.name, &data.sources, &data.train), (&same.name, &same.sources, &same.train));
    let digits = data.name.strip_prefix("birds-").unwrap();
    assert!(digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digits}");
    let changed = other.path().join("birds/test/wren");
    rgb(8, 41).save(changed.join("a.png")).unwrap();
    let of_other_pixels = load_birds(&other, &LoadOptions::default()).unwrap().name;
    rgb(8, 40).save(changed.join("a.png")).unwrap();
    assert_eq!(load_birds(&other, &LoadOptions::default()).unwrap().name, data.name);
    fs::rename(changed.join("a.png"), changed.join("b.png")).unwrap();
    let of_other_name = load_birds(&other, &LoadOptions::default()).unwrap().name;
    assert!(data.name != of_other_pixels && data.name != of_other_name && of_other_pixels != of_other_name);
}

#[test]
fn jpeg_files_are_read_and_a_set_of_grey_images_stays_grey() {
    let mut images = vec![
        ("train/a/1.jpg", grey(8, 90)),
        ("train/b/1.jpeg", grey(8, 10)),
        ("test/a/1.png", grey(8, 60)),
        ("test/b/1.png", grey(8, 70)),
    ];
    let data = load_birds(&folder_of(&images), &LoadOptions::default()).unwrap();
    assert_eq!((data.train.channels, data.train.images.len()), (1, 2 * 64));
    // JPEG keeps a constant image, up to one step.
    assert!(data.train.images[..64].iter().all(|&pixel| pixel.abs_diff(90) <= 1), "{:?}", data.train.images);
    images.push(("train/a/2.png", rgb(8, 0)));
    let mixed = load_birds(&folder_of(&images), &LoadOptions::default()).unwrap();
    assert_eq!(mixed.train.channels, 3);
    assert_eq!(mixed.test.image(0), [60; 192]);
}

#[test]
fn a_fifth_of_each_class_is_held_out_if_there_is_no_split() {
    let images: Vec<(String, DynamicImage)> =
        (0..17).map(|i| (format!("{}/{i:02}.png", if i < 10 { "a" } else { "b" }), grey(4, i))).collect();
    let images: Vec<(&str, DynamicImage)> = images.iter().map(|(name, image)| (&**name, image.clone())).collect();
    let dir = folder_of(&images);
    let options = LoadOptions::default();
    let data = load_birds(&dir, &options).unwrap();
    let count = |set: &ImageSet| [0, 1].map(|class| set.labels.iter().filter(|&&label| label == class).count());
    // Two of ten, and two of seven.
    assert_eq!((count(&data.train), count(&data.test)), ([8, 5], [2, 2]));
    let values = |set: &ImageSet| (0..set.len()).map(|index| set.image(index)[0]).collect::<Vec<_>>();
    let mut all = [values(&data.train), values(&data.test)].concat();
    assert!(values(&data.train).is_sorted() && values(&data.test).is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..17).collect::<Vec<_>>());
    assert_eq!(load_birds(&dir, &options).unwrap(), data);
    let others = (1..5).map(|seed| load_birds(&dir, &LoadOptions { seed, ..options.clone() }).unwrap().test);
    assert!(others.into_iter().any(|test| test != data.test));
}

#[test]
fn wrong_folders_and_files_are_named_with_the_expectation() {
    let check = |change: &dyn Fn(&Path), file: &str, expected: &str| {
        let dir = birds();
        change(&dir.path().join("birds"));
        let message = error_of(&dir);
        assert!(message.contains(&format!("birds{file}")), "{file} in {message}");
        assert!(message.contains(expected), "{expected} in {message}");
    };
    let write =
        |file: &'static str, bytes: &'static [u8]| move |birds: &Path| fs::write(birds.join(file), bytes).unwrap();
    let save = |file: &'static str, width: u32, height: u32| {
        move |birds: &Path| RgbImage::new(width, height).save(birds.join(file)).unwrap()
    };
    check(&|birds| fs::remove_dir_all(birds).unwrap(), "", "cannot read");
    check(&|birds| fs::remove_dir_all(birds.join("test")).unwrap(), "", "found `train` without `test`");
    check(&|birds| fs::create_dir(birds.join("test/owl")).unwrap(), "/test/owl", "only classes of `train`");
    check(&|birds| fs::create_dir(birds.join("train/owl")).unwrap(), "/train/owl", "found no image");
    check(&write("train/wren/notes.txt", b"x"), "/train/wren/notes.txt", "with the ends .png, .jpg, .jpeg");
    check(&write("test/wren/b.png", b"no image"), "/test/wren/b.png", "expected a PNG or JPEG image");
    check(&write("test/wren/b.png", b""), "/test/wren/b.png", "its first bytes: found []");
    check(&save("train/wren/c.png", 8, 9), "/train/wren/c.png", "found 8 x 9 pixels, expected a square");
    check(&save("train/wren/c.png", 9, 9), "/train/wren/c.png", "found 9 x 9 pixels, expected 8 x 8 pixels, as");
    let cut = |birds: &Path| {
        let path = birds.join("test/heron/a.png");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    check(&cut, "/test/heron/a.png", "expected a PNG or JPEG image");
    let empty_test = |birds: &Path| {
        ["wren", "heron"].iter().for_each(|class| fs::remove_dir_all(birds.join("test").join(class)).unwrap())
    };
    check(&empty_test, "", "test: found no image");

    let lonely = folder_of(&[("a/1.png", grey(4, 1)), ("a/2.png", grey(4, 2)), ("b/1.png", grey(4, 3))]);
    assert!(error_of(&lonely).contains("b/1.png: its class: found no other image"), "{}", error_of(&lonely));
    let one_class = folder_of(&[("a/1.png", grey(4, 1)), ("a/2.png", grey(4, 2))]);
    assert!(error_of(&one_class).contains("found 1 class folders, expected 2 to"), "{}", error_of(&one_class));
    let odd_size = load_birds(&birds(), &LoadOptions { image_size: Some(3), ..Default::default() });
    assert!(odd_size.unwrap_err().to_string().contains("train: image size 3 is not possible"));
}

#[test]
fn a_class_without_test_images_is_a_warning_and_hidden_files_are_ignored() {
    let dir = birds();
    let birds = dir.path().join("birds");
    fs::remove_dir_all(birds.join("test/wren")).unwrap();
    fs::write(birds.join("test/heron/.DS_Store"), b"hidden").unwrap();
    fs::write(birds.join("README.txt"), b"beside the classes").unwrap();
    let data = load_birds(&dir, &LoadOptions::default()).unwrap();
    assert_eq!(data.test.labels, [0]);
    assert_eq!(data.warnings, [format!("{} test: no example of class \"wren\"", data.name)]);
}
