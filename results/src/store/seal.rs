//! Seals: a file holds its own digest, which reveals a flipped bit or a cut before anybody uses the content.
//!
//! A seal is the text `smash-sha256:` and 64 hexadecimal digits. They are the SHA-256 of the whole file with zeros in
//! place of the digits. Each format puts the seal where other programs can still read the file. Parquet tables and
//! safetensors files hold it in their metadata, a manifest in its last line. Texts of a table may contain such words
//! too; the last seal of the file counts.
//!
//! In tables and tensors, the [identity](Identity) of the file stands before the seal: `smash-identity:`, its text, and a
//! space. A whole file in the wrong place is thus found too. A manifest and a benchmark's settings state by their content
//! what they are.
//!
//! Somebody who changes a file can seal it again. The digest of a table therefore also stands in a manifest, and the digest
//! of a unit's output in a [file of its own](StoredFile::digest_file). This finds mix-ups and hasty edits. It is no
//! signature: whoever changes the digest too is not found.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::files;
use crate::store::identity::{Identity, Listed, StoredFile};

const IDENTITY: &[u8] = b"smash-identity:";

const MARK: &[u8] = b"smash-sha256:";

/// Number of hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// An open seal, which must still be closed.
pub(crate) fn blank() -> String {
    String::from_utf8_lossy(MARK).into_owned() + &"0".repeat(DIGITS)
}

/// An open seal after the identity of a file.
pub fn blank_of(identity: &Identity) -> String {
    format!("{}{identity} {}", String::from_utf8_lossy(IDENTITY), blank())
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
pub(crate) fn write_toml(path: &Path, text: &str) -> Result<()> {
    let mut bytes = format!("{text}\n# {}\n", blank()).into_bytes();
    close(&mut bytes);
    files::write_atomically(path, &bytes)
}

/// Writes the bytes of a sealed file. If its digest has a file of its own, that file is written first. A crash between the
/// two leaves no output whose digest is unknown.
///
/// # Errors
/// If a file cannot be written.
pub fn write(file: &StoredFile, bytes: &[u8]) -> Result<()> {
    if file.listed == Listed::Beside {
        files::write_atomically(&file.digest_file(), digest_line(file, bytes).as_bytes())?;
    }
    files::write_atomically(&file.path, bytes)
}

/// The content of a [digest's own file](StoredFile::digest_file).
fn digest_line(file: &StoredFile, bytes: &[u8]) -> String {
    format!("{}  {}\n", sha256(bytes), file.path.file_name().unwrap_or_default().display())
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

/// Checks that the bytes of a file are as they were sealed, and that it is the expected file.
///
/// # Errors
/// The damage, or the fact in which the file's identity differs; both with the name of the file.
pub fn check_stored(file: &StoredFile, bytes: &[u8]) -> Result<()> {
    let StoredFile { path, identity, listed } = file;
    check(path, bytes)?;
    let difference = match self::identity(bytes) {
        Some(found) => found.difference(identity),
        None => Some("does not say which file it is; an older program may have written it".to_owned()),
    };
    if let Some(problem) = difference {
        return Err(Error::Foreign { path: path.clone(), problem });
    }
    match listed {
        Listed::Nowhere => Ok(()),
        Listed::As(listed) => check_listed(path, bytes, listed),
        Listed::Beside => match has_digest_file(file)? {
            true if files::read(&file.digest_file())? != digest_line(file, bytes).as_bytes() => Err(Error::Damaged {
                path: path.clone(),
                problem: format!("its SHA-256 is not the one in {}", file.digest_file().display()),
            }),
            // Older programs wrote none.
            _ => Ok(()),
        },
    }
}

/// Checks that the digest of a file stands in a file of its own, as this program writes it.
///
/// # Errors
/// No such file.
pub fn check_has_digest_file(file: &StoredFile) -> Result<()> {
    if has_digest_file(file)? {
        return Ok(());
    }
    let problem = format!("{} is missing, which would hold its SHA-256", file.digest_file().display());
    Err(Error::Damaged { path: file.path.clone(), problem })
}

/// Whether the digest of a file stands in a file of its own.
///
/// # Errors
/// If the place cannot be checked.
pub(crate) fn has_digest_file(file: &StoredFile) -> Result<bool> {
    files::is_file(&file.digest_file())
}

/// Checks that a file is the one that a manifest lists.
///
/// # Errors
/// A file with another digest.
pub(crate) fn check_listed(path: &Path, bytes: &[u8], listed: &str) -> Result<()> {
    if sha256(bytes) == listed {
        return Ok(());
    }
    let problem = "its SHA-256 is not the one that is listed for it".to_owned();
    Err(Error::Damaged { path: path.to_path_buf(), problem })
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The identity in the bytes of a sealed file, if there is one.
pub fn identity(bytes: &[u8]) -> Option<Identity> {
    let end = place(bytes)?.checked_sub(MARK.len() + 1)?;
    let start = bytes[..end].windows(IDENTITY.len()).rposition(|window| window == IDENTITY)? + IDENTITY.len();
    let text = std::str::from_utf8(&bytes[start..end]).ok()?;
    // A space ends an identity, so none can lie in it: this one would belong to other text.
    (bytes[end] == b' ' && !text.contains(' ')).then(|| Identity::from_text(text))
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
    fn a_whole_file_in_the_wrong_place_is_found() {
        let of = |seed: u64| Identity::default().with("artefact", "fig4").with("seed", seed);
        let mut bytes = format!("rows {} more", blank_of(&of(1))).into_bytes();
        close(&mut bytes);
        assert_eq!(identity(&bytes), Some(of(1)));
        let file = |identity, listed| StoredFile { path: "table.parquet".into(), identity, listed };
        check_stored(&file(of(1), Listed::As(sha256(&bytes))), &bytes).unwrap();
        let error = check_stored(&file(of(0), Listed::Nowhere), &bytes).unwrap_err().to_string();
        assert_eq!(error, "table.parquet: belongs to seed 1, expected seed 0");
        let error = check_stored(&file(of(1), Listed::As("0".repeat(64))), &bytes).unwrap_err().to_string();
        assert!(error.contains("SHA-256"), "{error}");
        // A seal without an identity, also after other text that holds one.
        for text in [blank(), format!("smash-identity:a=b and text {}", blank())] {
            let mut bytes = text.into_bytes();
            close(&mut bytes);
            assert_eq!(identity(&bytes), None);
            let error = check_stored(&file(of(1), Listed::Nowhere), &bytes).unwrap_err().to_string();
            assert!(error.contains("does not say which file it is"), "{error}");
        }
    }

    #[test]
    fn other_content_under_a_seal_is_found_by_the_digest_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let identity = Identity::default().with("seed", 0);
        let file = StoredFile { path: path.clone(), identity, listed: Listed::Beside };
        let bytes = |rows: &str| {
            let mut bytes = format!("{rows} {}", blank_of(&file.identity)).into_bytes();
            close(&mut bytes);
            bytes
        };
        write(&file, &bytes("one")).unwrap();
        let line = std::fs::read_to_string(folder.path().join("a.parquet.sha256")).unwrap();
        assert_eq!(line, format!("{}  a.parquet\n", sha256(&bytes("one"))));
        check_stored(&file, &std::fs::read(&path).unwrap()).unwrap();
        check_has_digest_file(&file).unwrap();
        let error = check_stored(&file, &bytes("two")).unwrap_err().to_string();
        assert!(error.contains("a.parquet: damaged: its SHA-256") && error.ends_with("a.parquet.sha256"), "{error}");
        std::fs::remove_file(file.digest_file()).unwrap();
        check_stored(&file, &bytes("two")).unwrap();
        assert!(check_has_digest_file(&file).unwrap_err().to_string().contains("a.parquet.sha256 is missing"));
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
