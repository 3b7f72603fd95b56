//! Seals: a file holds its own digest, which reveals a flipped bit or a cut before anybody uses the content.
//!
//! A seal is the text `smash-sha256:` and 64 hexadecimal digits. They are the SHA-256 of the whole file with zeros in
//! place of the digits. Each format puts the seal where other programs can still read the file. Parquet tables and
//! safetensors files hold it in their metadata, a manifest in its last line. Texts of a table may contain such words
//! too; the last seal of the file counts.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::files;

const MARK: &[u8] = b"smash-sha256:";

/// Number of hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// An open seal, which must still be closed.
pub fn blank() -> String {
    String::from_utf8_lossy(MARK).into_owned() + &"0".repeat(DIGITS)
}

/// Whether the bytes of a file hold a seal, closed or not.
pub fn is_sealed(bytes: &[u8]) -> bool {
    place(bytes).is_some()
}

/// Closes the seal of a file's bytes.
///
/// # Panics
/// If they do not [hold one](is_sealed).
pub fn close(bytes: &mut [u8]) {
    let place = place(bytes).expect("a file to be sealed holds a blank seal");
    let digest = digest(bytes, place);
    bytes[place..place + DIGITS].copy_from_slice(digest.as_bytes());
}

/// Writes a text in TOML with its seal in the last line, atomically.
///
/// # Errors
/// If the file cannot be written.
pub fn write_toml(path: &Path, text: &str) -> Result<()> {
    let mut bytes = format!("{text}\n# {}\n", blank()).into_bytes();
    close(&mut bytes);
    files::write_atomically(path, &bytes)
}

/// Checks that a file is as it was sealed.
///
/// # Errors
/// The damage, with the name of the file.
pub fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let damaged = |problem: &str| Error::Damaged { path: path.to_path_buf(), problem: problem.to_owned() };
    let no_seal = "it has no seal: it is cut off, or another program saved it again";
    let place = place(bytes).ok_or_else(|| damaged(no_seal))?;
    if digest(bytes, place).as_bytes() == &bytes[place..place + DIGITS] {
        Ok(())
    } else {
        Err(damaged("its content does not match its seal: bits have changed, or another program saved it again"))
    }
}

/// As [`check`], for a file whose content is not needed.
///
/// # Errors
/// As [`check`], and if the file cannot be read.
pub fn check_file(path: &Path) -> Result<()> {
    check(path, &files::read(path)?)
}

/// Where the digits of the last seal start.
fn place(bytes: &[u8]) -> Option<usize> {
    let mut seals = bytes.windows(MARK.len() + DIGITS);
    Some(seals.rposition(|window| window.starts_with(MARK))? + MARK.len())
}

fn digest(bytes: &[u8], place: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..place]);
    hash.update([b'0'; DIGITS]);
    hash.update(&bytes[place + DIGITS..]);
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let mut bytes = format!("before {} smash-sha256: {} after", blank(), blank()).into_bytes();
        close(&mut bytes);
        bytes
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let bytes = sealed();
        let path = Path::new("table.parquet");
        check(path, &bytes).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = check(path, &flipped).expect_err("a flipped bit passed").to_string();
            assert!(error.contains("table.parquet"), "{error}");
        }
        for length in 0..bytes.len() {
            check(path, &bytes[..length]).expect_err("a cut file passed");
        }
    }
}
