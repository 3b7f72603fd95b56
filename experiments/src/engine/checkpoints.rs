//! Checkpoints of unfinished work: sealed files of tensors.

use std::path::Path;

use anyhow::{Context, Result};
use results::store::files::{self, write_atomically};
use results::store::seal;
use smash::training::checkpoint::Checkpoint;

/// Writes a checkpoint with its seal.
///
/// # Errors
/// If the file system refuses.
pub fn write_checkpoint(path: &Path, mut checkpoint: Checkpoint) -> Result<()> {
    checkpoint.metadata = format!("{}\n{}", checkpoint.metadata, seal::blank());
    let mut bytes = checkpoint.to_bytes();
    seal::close(&mut bytes);
    Ok(write_atomically(path, &bytes)?)
}

/// Reads a checkpoint that [`write_checkpoint`] wrote.
///
/// # Errors
/// A file that cannot be read, is damaged or is no checkpoint; the error names it.
pub fn read_checkpoint(path: &Path) -> Result<Checkpoint> {
    let bytes = files::read(path)?;
    seal::check(path, &bytes)?;
    let mut checkpoint = Checkpoint::from_bytes(&bytes).with_context(|| path.display().to_string())?;
    if let Some((metadata, _)) = checkpoint.metadata.rsplit_once('\n') {
        checkpoint.metadata.truncate(metadata.len());
    }
    Ok(checkpoint)
}
