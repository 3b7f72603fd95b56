//! Reader of ImageNet32x32, the downsampled ImageNet of Chrabaszcz et al. (2017), in both of its official forms.
//!
//! The forms are `.npz` files of numpy, and pickles of Python without a suffix. Each file holds `data` and `labels`.
//! `data` are bytes of the shape `[n, 3072]`; each row is an image `[channels, height, width]`. `labels` are integers
//! from 1.

use std::path::{Path, PathBuf};

use crate::formats::numpy::{Array, Npz, is_zip};
use crate::formats::pickle::Pickle;
use crate::sets::files::{Files, NAME_DATA_DIR, difference, read_if_there, source};
use crate::{Error, ImageSet, Normalisation};

/// Height and width of every image in pixels.
const SIZE: usize = 32;
const CHANNELS: usize = 3;
const PIXELS: usize = CHANNELS * SIZE * SIZE;
const CLASSES: usize = 1000;

/// Largest file in bytes; the official ones have up to 400 MB.
const MOST_BYTES: usize = 1 << 30;

/// One of the two parts of the set.
struct Part {
    name: &'static str,
    /// Folders inside the data folder. The reader takes the first one that holds the first file.
    folders: &'static [&'static str],
    /// Names of the files without suffix. The first file is required, the others may be missing.
    files: &'static [&'static str],
    /// Official number of images.
    official: usize,
    /// Official number of images of the largest file. No larger file is read: all files of a part could otherwise unpack
    /// to many times its size.
    most: usize,
}

const TRAIN: Part = Part {
    name: "train",
    folders: &["Imagenet32_train", "Imagenet32_train_npz", "imagenet32"],
    files: &[
        "train_data_batch_1",
        "train_data_batch_2",
        "train_data_batch_3",
        "train_data_batch_4",
        "train_data_batch_5",
        "train_data_batch_6",
        "train_data_batch_7",
        "train_data_batch_8",
        "train_data_batch_9",
        "train_data_batch_10",
    ],
    official: 1_281_167,
    most: 128_123,
};

/// The official validation images. Results are reported on them.
const TEST: Part = Part {
    name: "test",
    folders: &["Imagenet32_val", "Imagenet32_val_npz", "imagenet32"],
    files: &["val_data"],
    official: 50_000,
    most: 50_000,
};

/// Reads the set below `data_dir`.
pub(crate) fn read(data_dir: Option<&Path>) -> Result<Files, Error> {
    let data_dir = data_dir.ok_or_else(|| missing("no data folder is given"))?;
    let mut sources = Vec::new();
    let mut warnings = Vec::new();
    let mut read_part = |part: &Part| -> Result<ImageSet, Error> {
        let mut set = ImageSet::empty(format!("imagenet32 {}", part.name), [CHANNELS, 1, SIZE, SIZE], CLASSES);
        let folder = folder_of(part, data_dir)?;
        let mut differences = Vec::new();
        for file in part.files {
            let Some((path, bytes)) = read_either_form(&folder, file)? else {
                differences.push(format!("{file} is missing"));
                continue;
            };
            let before = set.len();
            append(&path, &bytes, part.most, &mut set)?;
            sources.push(source(&path, &bytes, set.len() - before));
        }
        if set.len() != part.official {
            if differences.is_empty() {
                differences.push("no file is missing".into());
            }
            warnings.push(difference(&set, part.official, &differences));
        }
        Ok(set)
    };
    let mut train = read_part(&TRAIN)?;
    let mut test = read_part(&TEST)?;
    let is_whole = train.len() == TRAIN.official;
    if !is_whole {
        let largest = train.labels.iter().chain(&test.labels).max();
        let classes = largest.map_or(CLASSES, |&label| usize::from(label) + 1);
        (train.classes, test.classes) = (classes, classes);
    }
    Ok(Files { train, test, folds: Vec::new(), sources, warnings, published: is_whole.then(Normalisation::imagenet32) })
}

/// The folder that holds the first file of a part, in either form.
fn folder_of(part: &Part, data_dir: &Path) -> Result<PathBuf, Error> {
    let folders: Vec<PathBuf> = part.folders.iter().map(|folder| data_dir.join(folder)).collect();
    let first = part.files[0];
    let holds_first = |folder: &&PathBuf| paths(folder, first).iter().any(|path| path.is_file());
    folders.iter().find(holds_first).cloned().ok_or_else(|| {
        missing(&format!(
            "there is no file {first}.npz or {first} in {} or {} below {}",
            part.folders[..part.folders.len() - 1].join(", "),
            part.folders[part.folders.len() - 1],
            data_dir.display()
        ))
    })
}

/// The two possible paths of a file: as `.npz`, or as a pickle.
fn paths(folder: &Path, file: &str) -> [PathBuf; 2] {
    [folder.join(format!("{file}.npz")), folder.join(file)]
}

fn read_either_form(folder: &Path, file: &str) -> Result<Option<(PathBuf, Vec<u8>)>, Error> {
    for path in paths(folder, file) {
        if let Some(bytes) = read_if_there(&path, MOST_BYTES)? {
            return Ok(Some((path, bytes)));
        }
    }
    Ok(None)
}

/// Appends the images of one file, at most this many. An `.npz` file is read with any suffix.
fn append(path: &Path, bytes: &[u8], most: usize, set: &mut ImageSet) -> Result<(), Error> {
    if is_zip(bytes) || path.extension().is_some_and(|extension| extension == "npz") {
        let mut file = Npz::open(path, bytes)?;
        let fits = |shape: &[usize]| matches!(*shape, [n, PIXELS] if n <= most);
        let data = file.array("data", &format!("[n, {PIXELS}], n up to {most}"), fits)?;
        let n = data.shape[0];
        let labels = file.array("labels", &format!("[{n}]"), |shape| *shape == [n])?;
        append_arrays(path, &data, labels.values(), set)
    } else {
        let file = Pickle::read(path, bytes)?;
        let labels = file.integers("labels")?;
        append_arrays(path, &file.array("data")?, labels.into_iter(), set)
    }
}

fn append_arrays(
    path: &Path,
    data: &Array<'_>,
    labels: impl Iterator<Item = i128>,
    set: &mut ImageSet,
) -> Result<(), Error> {
    let before = set.len();
    for label in labels {
        if !(1..=CLASSES as i128).contains(&label) {
            let place = format!("label {} (counted from 0)", set.len() - before);
            return Err(Error::format(path, place, label.to_string(), format!("1 to {CLASSES}")));
        }
        set.labels.push(label as u16 - 1);
    }
    let n = set.len() - before;
    let is_shape = data.shape == [n, PIXELS];
    let Some(pixels) = data.as_bytes().filter(|_| is_shape && n > 0) else {
        let kind = if data.as_bytes().is_some() { "bytes" } else { "other integers" };
        let found = format!("{kind} of the shape {:?} for {n} labels", data.shape);
        return Err(Error::format(
            path,
            "array \"data\"",
            found,
            format!("bytes of the shape [n, {PIXELS}], n above 0"),
        ));
    };
    set.images.reserve_exact(pixels.len());
    set.images.extend_from_slice(pixels);
    Ok(())
}

fn missing(found: &str) -> Error {
    Error::Missing {
        name: "imagenet32",
        found: found.into(),
        remedy: format!(
            "get the 32x32 \"Downsampled image data\" from https://image-net.org/download-images (it needs an account) and \
             unpack it so that DATA_DIR/{}/ holds train_data_batch_1 to train_data_batch_10 and DATA_DIR/{}/ val_data, \
             with or without .npz, {NAME_DATA_DIR}",
            TRAIN.folders[0], TEST.folders[0]
        ),
    }
}

#[cfg(test)]
mod tests;
