//! Reader of the official binary files of STL-10.
//!
//! An image has 96 by 96 pixels in 27,648 bytes, `[channels, width, height]`: column after column. Each label is a
//! byte, from 1. `fold_indices.txt` has a line for each fold with the indices of its training images, from 0. The
//! unlabelled images are not read.

use std::path::{Path, PathBuf};

use crate::sets::files::{Files, MOST_OF_OFFICIAL, NAME_DATA_DIR, difference, read_if_there, source};
use crate::{Error, ImageSet, Normalisation, Source};

const FOLDER: &str = "stl10_binary";
/// Height and width of every image in pixels.
const SIZE: usize = 96;
const CHANNELS: usize = 3;
const PIXELS: usize = CHANNELS * SIZE * SIZE;
const CLASSES: u8 = 10;
const N_TRAIN: usize = 5_000;
const N_TEST: usize = 8_000;
const FOLDS: usize = 10;
const FOLD_EXAMPLES: usize = 1_000;

/// Largest file of folds in bytes; the official one has about 50 kB.
const MOST_OF_FOLDS: usize = 1 << 20;

/// Reads the set below `data_dir`.
pub(crate) fn read(data_dir: Option<&Path>) -> Result<Files, Error> {
    let folder = data_dir.ok_or_else(|| missing("no data folder is given"))?.join(FOLDER);
    let mut sources = Vec::new();
    let mut warnings = Vec::new();
    let mut part = |part: &str, official: usize| -> Result<ImageSet, Error> {
        let set = read_part(&folder, part, MOST_OF_OFFICIAL * official, &mut sources)?;
        if set.len() != official {
            let found = format!("{part}_X.bin holds {} of {official}", set.len());
            warnings.push(difference(&set, official, &[found]));
        }
        Ok(set)
    };
    let train = part("train", N_TRAIN)?;
    let test = part("test", N_TEST)?;
    let folds = read_folds(&folder, train.len(), &mut sources, &mut warnings)?;
    Ok(Files { published: (train.len() == N_TRAIN).then(Normalisation::stl10), train, test, folds, sources, warnings })
}

/// Reads a part of at most this many images.
fn read_part(folder: &Path, part: &str, most: usize, sources: &mut Vec<Source>) -> Result<ImageSet, Error> {
    let file = |name: String, record_bytes: usize| -> Result<(PathBuf, Vec<u8>), Error> {
        let path = folder.join(name);
        let bytes = read_if_there(&path, most * record_bytes)?;
        let bytes = bytes.ok_or_else(|| missing(&format!("there is no file {}", path.display())))?;
        Ok((path, bytes))
    };
    let (path, columns) = file(format!("{part}_X.bin"), PIXELS)?;
    if columns.is_empty() {
        return Err(Error::EmptyFile { path, record_bytes: PIXELS });
    }
    let records = columns.chunks_exact(PIXELS);
    let n = records.len();
    if !records.remainder().is_empty() {
        return Err(Error::CutRecord {
            path,
            record: n,
            offset: n * PIXELS,
            expected: PIXELS,
            found: records.remainder().len(),
        });
    }
    sources.push(source(&path, &columns, n));

    let (path, labels) = file(format!("{part}_y.bin"), 1)?;
    if labels.len() != n {
        return Err(Error::format(
            &path,
            "the whole file",
            format!("{} labels", labels.len()),
            format!("{n}, one for each image of {part}_X.bin"),
        ));
    }
    if let Some((record, label)) = (0..).zip(&labels).find(|(_, label)| !(1..=CLASSES).contains(label)) {
        return Err(Error::format(
            &path,
            format!("byte {record}"),
            format!("the label {label}"),
            format!("1 to {CLASSES}"),
        ));
    }
    sources.push(source(&path, &labels, n));
    Ok(ImageSet {
        name: format!("stl10 {part}"),
        images: transposed(&columns),
        labels: labels.iter().map(|&label| u16::from(label) - 1).collect(),
        channels: CHANNELS,
        depth: 1,
        height: SIZE,
        width: SIZE,
        classes: usize::from(CLASSES),
    })
}

/// Converts planes stored by columns to planes stored by rows.
fn transposed(columns: &[u8]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(columns.len());
    for plane in columns.chunks_exact(SIZE * SIZE) {
        for row in 0..SIZE {
            rows.extend(plane[row..].iter().step_by(SIZE));
        }
    }
    rows
}

/// The folds; none, with a warning, if the file does not exist.
fn read_folds(
    folder: &Path,
    n_train: usize,
    sources: &mut Vec<Source>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Vec<usize>>, Error> {
    let path = folder.join("fold_indices.txt");
    let Some(bytes) = read_if_there(&path, MOST_OF_FOLDS)? else {
        warnings.push("stl10 train: fold_indices.txt is missing, so there are no folds".into());
        return Ok(Vec::new());
    };
    let mut folds: Vec<Vec<usize>> = Vec::new();
    for (line_number, line) in (1..).zip(String::from_utf8_lossy(&bytes).lines()) {
        let mut fold = Vec::new();
        for word in line.split_whitespace() {
            match word.parse() {
                Ok(index) if index < n_train => fold.push(index),
                _ => {
                    return Err(Error::format(
                        &path,
                        format!("line {line_number}, index {} (counted from 0)", fold.len()),
                        format!("{word:?}"),
                        format!("0 to {}", n_train - 1),
                    ));
                }
            }
        }
        folds.push(fold);
    }
    if let Some(empty) = folds.iter().position(Vec::is_empty) {
        let place = format!("line {}", empty + 1);
        return Err(Error::format(&path, place, "no index", "the indices of a fold"));
    }
    if folds.len() != FOLDS || folds.iter().any(|fold| fold.len() != FOLD_EXAMPLES) {
        let sizes: Vec<_> = folds.iter().map(|fold| fold.len().to_string()).collect();
        warnings.push(format!(
            "stl10 train: {} folds of {} examples, official {FOLDS} of {FOLD_EXAMPLES}",
            folds.len(),
            sizes.join(", ")
        ));
    }
    sources.push(source(&path, &bytes, folds.len()));
    Ok(folds)
}

fn missing(found: &str) -> Error {
    Error::Missing {
        name: "stl10",
        found: found.into(),
        remedy: format!(
            "run `cargo xtask fetch stl10 --data-dir DATA_DIR`, or unpack \"stl10_binary.tar.gz\" of \
             https://cs.stanford.edu/~acoates/stl10/ so that DATA_DIR/{FOLDER}/ holds train_X.bin, train_y.bin, test_X.bin, test_y.bin and fold_indices.txt, {NAME_DATA_DIR}"
        ),
    }
}

#[cfg(test)]
mod tests;
