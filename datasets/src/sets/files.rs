//! Code that the readers of files share.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, ImageSet, Normalisation, Source};

/// The examples of both parts, with the facts about their files.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) train: ImageSet,
    pub(crate) test: ImageSet,
    /// The published folds of the training set.
    pub(crate) folds: Vec<Vec<usize>>,
    pub(crate) sources: Vec<Source>,
    pub(crate) warnings: Vec<String>,
    /// The constants published for these examples at their own size.
    pub(crate) published: Option<Normalisation>,
}

/// Most examples of a file, as a multiple of the official number.
pub(crate) const MOST_OF_OFFICIAL: usize = 4;

/// Reads all bytes of a file. Its size is checked first: a sparse file can claim more than there is memory.
pub(crate) fn read_present(path: &Path, most: usize) -> Result<Vec<u8>, Error> {
    let failed = |cause| Error::Read { path: path.into(), cause };
    let metadata = fs::metadata(path).map_err(failed)?;
    // Devices and pipes may have no end.
    if !metadata.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "expected a file")));
    }
    let found = metadata.len();
    let most = most as u64;
    if found > most {
        return Err(Error::TooLarge { path: path.into(), found, most });
    }
    fs::read(path).map_err(failed)
}

/// As [`read_present`]; `None` if the file does not exist.
pub(crate) fn read_if_there(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Error> {
    match read_present(path, most) {
        Err(Error::Read { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The stored record of a file that was read.
pub(crate) fn source(path: &Path, bytes: &[u8], records: usize) -> Source {
    Source { path: path.display().to_string(), records, sha256: hex::encode(Sha256::digest(bytes)) }
}

/// The warning that a set differs from the official one in these ways.
pub(crate) fn difference(set: &ImageSet, official: usize, differences: &[String]) -> String {
    format!("{}: {} examples, official {official} ({})", set.name, set.len(), differences.join(", "))
}

/// The end of every message about missing files. It explains how to name the data folder.
pub(crate) const NAME_DATA_DIR: &str = "and pass DATA_DIR by --data-dir or SMASH_DATA_DIR";

#[cfg(test)]
pub(crate) mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::LoadOptions;

    /// A data folder that holds these files.
    pub(crate) fn data_dir(files: &[(&str, Vec<u8>)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (file, bytes) in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        dir
    }

    /// Options that load the whole set below a data folder.
    pub(crate) fn options(dir: &TempDir) -> LoadOptions {
        LoadOptions { data_dir: Some(dir.path().into()), ..LoadOptions::default() }
    }
}
