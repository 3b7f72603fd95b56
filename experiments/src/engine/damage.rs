//! Files that cannot be used: damaged ones, and whole ones that belong elsewhere. They are set aside with a warning, and the
//! work is done again.

use std::path::Path;

use anyhow::Result;
use results::errln;
use results::store::files::{self, set_aside};
use results::store::identity::StoredFile;

/// Reads a file that work may start from, if the file exists. A file that cannot be used is set aside with a warning, and then
/// counts as missing.
///
/// # Errors
/// A file that the system does not read or rename.
pub fn read_if_usable<T, E: Into<anyhow::Error>>(
    file: &StoredFile,
    read: impl FnOnce(&StoredFile) -> Result<T, E>,
) -> Result<Option<T>> {
    if !files::is_file(&file.path)? {
        return Ok(None);
    }
    match set_fault_aside(&file.path, read(file))? {
        Ok(content) => Ok(Some(content)),
        Err(fault) => {
            errln!("warning: {fault}; the work starts without it");
            Ok(None)
        }
    }
}

/// Sets a file aside if reading it has shown that it cannot be used, and returns a message about that.
///
/// # Errors
/// A file that the system does not read or rename.
pub fn set_fault_aside<T, E: Into<anyhow::Error>>(path: &Path, read: Result<T, E>) -> Result<Result<T, String>> {
    let error = match read {
        Ok(content) => return Ok(Ok(content)),
        Err(error) => error.into(),
    };
    // A store that does not answer says nothing about the file.
    if let Some(results::Error::Io { .. }) = error.downcast_ref() {
        return Err(error);
    }
    let aside = set_aside(path)?;
    Ok(Err(format!("{error:#}; kept as {}", aside.display())))
}
