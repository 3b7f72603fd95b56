//! Generated files: written to their paths, or compared with the existing files.

use std::path::PathBuf;

use anyhow::Result;
use results::outln;
use results::store::files::{create_folder, write_atomically};

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Writes the files and prints their paths. Missing folders are created.
///
/// # Errors
/// If the file system refuses.
pub fn write(outputs: &[Output]) -> Result<()> {
    for Output { path, bytes } in outputs {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        write_atomically(path, bytes)?;
        outln!("{}", path.display());
    }
    Ok(())
}

/// The files that are missing or differ from the generated ones.
pub fn differing(outputs: &[Output]) -> Vec<&PathBuf> {
    let differs = |output: &&Output| !std::fs::read(&output.path).is_ok_and(|b| b == output.bytes);
    outputs.iter().filter(differs).map(|output| &output.path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_does_not_differ_and_a_changed_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output { path: folder.path().join("figures/a.svg"), bytes: b"<svg/>".to_vec() };
        assert_eq!(differing(std::slice::from_ref(&output)), [&output.path]);
        write(std::slice::from_ref(&output)).unwrap();
        assert!(differing(std::slice::from_ref(&output)).is_empty());
        output.bytes.push(b'\n');
        assert_eq!(differing(std::slice::from_ref(&output)), [&output.path]);
    }
}
