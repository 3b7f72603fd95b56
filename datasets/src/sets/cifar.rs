//! Readers of the official binary files of CIFAR-10 and CIFAR-100.
//!
//! A file is a sequence of records. A record holds the label bytes, then the 3072 bytes of a 32 by 32 image,
//! `[channels, height, width]`. The channels are red, green, blue.

use std::path::Path;

use crate::sets::files::{Files, MOST_OF_OFFICIAL, NAME_DATA_DIR, difference, read_if_there, source};
use crate::{Error, ImageSet, Normalisation};

/// Height and width of every image in pixels.
const SIZE: usize = 32;
const CHANNELS: usize = 3;
const PIXELS: usize = CHANNELS * SIZE * SIZE;

/// First byte of a Python pickle of protocol 2 or later; the protocol follows. No label is as large.
const PICKLE: u8 = 0x80;

/// Properties that differ between the two data sets on disk.
#[derive(Debug)]
pub(crate) struct Format {
    name: &'static str,
    /// Folder inside the data folder, as the official archive names it.
    folder: &'static str,
    /// The archive's title on the official page.
    archive: &'static str,
    /// Names of the files. The first file is required, the others may be missing.
    train_files: &'static [&'static str],
    test_file: &'static str,
    /// Official number of records in each training file, and in the test file.
    train_records: usize,
    test_records: usize,
    /// Label bytes of a record in order; the last one is the class.
    labels: &'static [Label],
    published: fn() -> Normalisation,
}

#[derive(Debug)]
struct Label {
    kind: &'static str,
    classes: u8,
}

pub(crate) const CIFAR10: Format = Format {
    name: "cifar10",
    folder: "cifar-10-batches-bin",
    archive: "CIFAR-10 binary version",
    train_files: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test_file: "test_batch.bin",
    train_records: 10_000,
    test_records: 10_000,
    labels: &[Label { kind: "label", classes: 10 }],
    published: Normalisation::cifar10,
};

pub(crate) const CIFAR100: Format = Format {
    name: "cifar100",
    folder: "cifar-100-binary",
    archive: "CIFAR-100 binary version",
    train_files: &["train.bin"],
    test_file: "test.bin",
    train_records: 50_000,
    test_records: 10_000,
    labels: &[Label { kind: "coarse label", classes: 20 }, Label { kind: "fine label", classes: 100 }],
    published: Normalisation::cifar100,
};

/// Reads a data set below `data_dir`, with its examples in the order of their pixels.
pub(crate) fn read(format: &'static Format, data_dir: Option<&Path>) -> Result<Files, Error> {
    let Some(data_dir) = data_dir else {
        return Err(format.missing("no data folder is given".into()));
    };
    let folder = data_dir.join(format.folder);
    let mut sources = Vec::new();
    let mut warnings = Vec::new();
    let mut part = |part: &str, files: &[&str], records: usize| {
        let mut set = format.empty(part);
        let mut differences = Vec::new();
        for (i, file) in files.iter().enumerate() {
            let path = folder.join(file);
            let most = MOST_OF_OFFICIAL * records * format.record_bytes();
            let Some(bytes) = read_if_there(&path, most)? else {
                if i == 0 {
                    return Err(format.missing(format!("there is no file {}", path.display())));
                }
                differences.push(format!("{file} is missing"));
                continue;
            };
            let found = format.append(&path, &bytes, &mut set)?;
            if found != records {
                differences.push(format!("{file} holds {found} of {records}"));
            }
            sources.push(source(&path, &bytes, found));
        }
        if !differences.is_empty() {
            warnings.push(difference(&set, records * files.len(), &differences));
        }
        Ok(set.sorted())
    };
    let train = part("train", format.train_files, format.train_records)?;
    let test = part("test", &[format.test_file], format.test_records)?;
    Ok(Files { train, test, folds: Vec::new(), sources, warnings, published: Some((format.published)()) })
}

impl Format {
    fn empty(&self, part: &str) -> ImageSet {
        let classes = usize::from(self.labels[self.labels.len() - 1].classes);
        ImageSet::empty(format!("{} {part}", self.name), [CHANNELS, 1, SIZE, SIZE], classes)
    }

    /// Length of a record in bytes.
    fn record_bytes(&self) -> usize {
        self.labels.len() + PIXELS
    }

    /// Appends the records of one file to a set and returns their number.
    fn append(&self, path: &Path, bytes: &[u8], set: &mut ImageSet) -> Result<usize, Error> {
        let record_bytes = self.record_bytes();
        match bytes {
            [] => return Err(Error::EmptyFile { path: path.into(), record_bytes }),
            [PICKLE, 2..=5, ..] => {
                let expected = format!("the \"{}\"", self.archive);
                return Err(Error::format(path, "byte 0", "a Python pickle, as in the python version", expected));
            }
            _ => {}
        }
        let records = bytes.chunks_exact(record_bytes);
        let n_records = records.len();
        set.images.reserve(n_records * PIXELS);
        set.labels.reserve(n_records);
        let rest = records.remainder().len();
        for (record, record_data) in records.enumerate() {
            let (labels, pixels) = record_data.split_at(self.labels.len());
            for (i, (&found, label)) in labels.iter().zip(self.labels).enumerate() {
                if found >= label.classes {
                    return Err(Error::BadLabel {
                        path: path.into(),
                        record,
                        offset: record * record_bytes + i,
                        kind: label.kind,
                        found,
                        classes: label.classes,
                    });
                }
            }
            set.labels.push(u16::from(labels[labels.len() - 1]));
            set.images.extend_from_slice(pixels);
        }
        if rest > 0 {
            return Err(Error::CutRecord {
                path: path.into(),
                record: n_records,
                offset: n_records * record_bytes,
                expected: record_bytes,
                found: rest,
            });
        }
        Ok(n_records)
    }

    fn missing(&self, found: String) -> Error {
        let files = [self.train_files, &[self.test_file]].concat().join(", ");
        Error::Missing {
            name: self.name,
            found,
            remedy: format!(
                "run `cargo xtask fetch {} --data-dir DATA_DIR`, or unpack the \"{}\" of \
                 https://www.cs.toronto.edu/~kriz/cifar.html so that DATA_DIR/{}/ holds {files}, {NAME_DATA_DIR}",
                self.name, self.archive, self.folder
            ),
        }
    }
}

#[cfg(test)]
mod tests;
