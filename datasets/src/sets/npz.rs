//! Reader of one's own images in an `.npz` file, with the arrays of Keras or of MedMNIST. Any set of images can be written so.
//!
//! Images are `[n, edge, edge]`, `[n, edge, edge, channels]` or `[n, channels, edge, edge]`: bytes, truth values, or floats
//! from 0 to 1. Labels are `[n]` or `[n, 1]`, integers from 0. Other arrays of the file are left unread.

use std::ffi::OsStr;
use std::path::Path;

use crate::formats::npz_writer::{npy, npz};
use crate::formats::numpy::Npz;
use crate::sets::files::{Files, read_present, source};
use crate::sets::own::{self, MOST_CLASSES};
use crate::{DataSet, Error, ImageSet, Source};

/// Names of the arrays: training images and labels, test images and labels; as in Keras, or as in MedMNIST.
const NAMES: [[&str; 4]; 2] =
    [["x_train", "y_train", "x_test", "y_test"], ["train_images", "train_labels", "test_images", "test_labels"]];

/// Largest file in bytes.
const MOST_OF_FILE: usize = 1 << 32;

/// The shapes that images may have.
const SHAPES: &str = "[n, edge, edge], [n, edge, edge, channels] or [n, channels, edge, edge], with another number of \
                      channels than the edge, and n from 1";

/// The edge of images, their channels, and whether the channels come last.
#[derive(Clone, Copy)]
struct Layout {
    edge: usize,
    channels: usize,
    is_last: bool,
}

/// Tells the layout of images from their shape; `None` if the shape is none of [`SHAPES`].
fn layout(shape: &[usize]) -> Option<Layout> {
    if shape.contains(&0) {
        return None;
    }
    match *shape {
        [_, height, width] if height == width => Some(Layout { edge: height, channels: 1, is_last: false }),
        [_, a, b, c] if a == b && b != c => Some(Layout { edge: a, channels: c, is_last: true }),
        [_, a, b, c] if a != b && b == c => Some(Layout { edge: b, channels: a, is_last: false }),
        _ => None,
    }
}

/// Reads a file. The name of the set comes first.
pub(crate) fn read(path: &Path) -> Result<(String, Files), Error> {
    let bytes = read_present(path, MOST_OF_FILE)?;
    let mut file = Npz::open(path, &bytes)?;
    let Some([x_train, y_train, x_test, y_test]) = NAMES.into_iter().find(|names| file.has(names[0])) else {
        let expected = NAMES.map(|names| names.join(", ")).join(", or ");
        return Err(Error::format(path, "its arrays", "neither of both sets of names", expected));
    };
    let (mut train, shape) = images(&mut file, path, x_train, None)?;
    let (mut test, _) = images(&mut file, path, x_test, Some(&shape))?;
    train.labels = labels(&mut file, path, y_train, shape[0])?;
    let n = test.images.len() / (test.channels * test.height * test.width);
    test.labels = labels(&mut file, path, y_test, n)?;
    let most = train.labels.iter().chain(&test.labels).max().map_or(0, |&most| usize::from(most));
    if most == 0 || most >= train.len() {
        let expected = "at least two classes, and no more of them than training images";
        return Err(Error::format(path, "its labels", format!("{most} as the largest"), expected));
    }
    let of_file = source(path, &bytes, train.len() + test.len());
    let name = own::name(path.file_stem().unwrap_or(OsStr::new("npz")), &of_file.sha256);
    let mut warnings = Vec::new();
    for (set, part) in [(&mut train, "train"), (&mut test, "test")] {
        (set.name, set.classes) = (format!("{name} {part}"), most + 1);
        warnings.extend(without_example(set));
    }
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let sources = vec![Source { path: format!("npz:{file_name}"), ..of_file }];
    Ok((name, Files { train, test, folds: Vec::new(), sources, warnings, published: None }))
}

/// Reads the images of an array, without labels, and its shape. The test images have the same shape as the training images,
/// except for their number.
fn images(
    file: &mut Npz<'_>,
    path: &Path,
    name: &str,
    like: Option<&[usize]>,
) -> Result<(ImageSet, Vec<usize>), Error> {
    let expected =
        like.map_or(SHAPES.to_owned(), |like| format!("[n, {}, n from 1", format!("{:?}", &like[1..]).split_off(1)));
    let is_like = |shape: &[usize]| like.is_none_or(|like| shape.len() == like.len() && shape[1..] == like[1..]);
    let array = file.numbers(name, &expected, |shape| is_like(shape) && layout(shape).is_some())?;
    let shape = array.shape.clone();
    let Layout { edge, channels, is_last } = layout(&shape).expect("the shape fits");
    let mut set = ImageSet::empty(String::new(), [channels, 1, edge, edge], 0);
    set.images = array.into_pixels(path, name)?;
    if is_last && channels > 1 {
        for image in set.images.chunks_exact_mut(channels * edge * edge) {
            let planes: Vec<u8> = own::planes(image, channels).collect();
            image.copy_from_slice(&planes);
        }
    }
    Ok((set, shape))
}

/// The bytes of an `.npz` file with these images, in the arrays of Keras. The name `npz:FILE` reads them.
///
/// # Panics
/// If the examples are volumes.
pub fn to_npz(data: &DataSet) -> Vec<u8> {
    let [x_train, y_train, x_test, y_test] = NAMES[0];
    npz(&[arrays_of(&data.train, [x_train, y_train]), arrays_of(&data.test, [x_test, y_test])].concat())
}

/// Images `[n, edge, edge, channels]`, or `[n, edge, edge]` for one channel, and labels `[n]`, under these names.
fn arrays_of<'a>(set: &ImageSet, [images, labels]: [&'a str; 2]) -> [(&'a str, Vec<u8>); 2] {
    let ImageSet { channels, height, width, .. } = *set;
    assert_eq!(set.depth, 1, "{}: volumes", set.name);
    let pixels = height * width;
    let last = |image: &[u8]| -> Vec<u8> {
        let at = |index: usize| image[index % channels * pixels + index / channels];
        (0..channels * pixels).map(at).collect()
    };
    let bytes: Vec<u8> = set.images.chunks_exact(channels * pixels).flat_map(last).collect();
    let n = set.len();
    let shape = match channels {
        1 => format!("{n}, {height}, {width}"),
        _ => format!("{n}, {height}, {width}, {channels}"),
    };
    let classes: Vec<u8> = set.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    [(images, npy("|u1", &shape, &bytes)), (labels, npy("<u2", &format!("{n},"), &classes))]
}

fn labels(file: &mut Npz<'_>, path: &Path, name: &str, n: usize) -> Result<Vec<u16>, Error> {
    let array = file.array(name, &format!("[{n}] or [{n}, 1]"), |shape| *shape == [n] || *shape == [n, 1])?;
    let label = |(index, value): (usize, i128)| {
        let place = || format!("array {name:?}, label {index} (counted from 0)");
        let expected = || format!("0 to {}", MOST_CLASSES - 1);
        u16::try_from(value).map_err(|_| Error::format(path, place(), value.to_string(), expected()))
    };
    array.values().enumerate().map(label).collect()
}

/// The warning that a set has no example of some classes.
fn without_example(set: &ImageSet) -> Option<String> {
    let mut is_there = vec![false; set.classes];
    set.labels.iter().for_each(|&label| is_there[usize::from(label)] = true);
    let first = is_there.iter().position(|is_there| !is_there)?;
    let more = match is_there.iter().filter(|is_there| !**is_there).count() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    Some(format!("{}: no example of class {first}{more}", set.name))
}

#[cfg(test)]
mod tests;
