//! Damaged files: they are set aside with a warning, and the work is done again.

use std::path::Path;

use anyhow::Result;
use results::errln;
use results::store::files::{self, set_aside};

/// Reads a file that work may start from, if the file exists. A damaged file is set aside with a warning, and then counts as
/// missing.
///
/// # Errors
/// A file that cannot be read, or is another file than expected.
pub fn read_if_whole<T, E: Into<anyhow::Error>>(
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<Option<T>> {
    if !files::is_file(path)? {
        return Ok(None);
    }
    match set_damage_aside(path, read(path))? {
        Ok(content) => Ok(Some(content)),
        Err(damage) => {
            errln!("warning: {damage}; the work starts without it");
            Ok(None)
        }
    }
}

/// Sets a file aside if reading it has shown that it is damaged, and returns a message about that.
///
/// # Errors
/// Another error of reading the file, or a file that cannot be renamed.
pub fn set_damage_aside<T, E: Into<anyhow::Error>>(path: &Path, read: Result<T, E>) -> Result<Result<T, String>> {
    let error = match read {
        Ok(content) => return Ok(Ok(content)),
        Err(error) => error.into(),
    };
    match error.downcast_ref() {
        Some(results::Error::Damaged { .. }) => {
            let aside = set_aside(path)?;
            Ok(Err(format!("{error}; kept as {}", aside.display())))
        }
        _ => Err(error),
    }
}
