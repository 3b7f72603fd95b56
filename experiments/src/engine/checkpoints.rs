//! Checkpoints of unfinished work: sealed files of tensors.

use anyhow::{Context, Result};
use results::store::files;
use results::store::identity::StoredFile;
use results::store::seal;
use smash::training::checkpoint::Checkpoint;

/// Writes a checkpoint with its identity and its seal.
///
/// # Errors
/// If the file system refuses.
pub fn write_checkpoint(file: &StoredFile, mut checkpoint: Checkpoint) -> Result<()> {
    checkpoint.metadata = format!("{}\n{}", checkpoint.metadata, seal::blank_of(&file.identity));
    let mut bytes = checkpoint.to_bytes();
    seal::close(&mut bytes);
    Ok(seal::write(file, &bytes)?)
}

/// Reads a checkpoint that [`write_checkpoint`] wrote.
///
/// # Errors
/// A file that cannot be read, is damaged, is another than expected or is no checkpoint; the error names it.
pub fn read_checkpoint(file: &StoredFile) -> Result<Checkpoint> {
    let bytes = files::read(&file.path)?;
    seal::check_stored(file, &bytes)?;
    let mut checkpoint = Checkpoint::from_bytes(&bytes).with_context(|| file.path.display().to_string())?;
    if let Some((metadata, _)) = checkpoint.metadata.rsplit_once('\n') {
        checkpoint.metadata.truncate(metadata.len());
    }
    Ok(checkpoint)
}
