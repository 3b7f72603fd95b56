//! Code that the readers of one's own images share: the name of a set, and the order of pixels.

use std::ffi::OsStr;

/// Most classes of a set: labels have 16 bits.
pub(crate) const MOST_CLASSES: usize = 1 << 16;

/// Most letters of a path in a name.
const MOST_LETTERS: usize = 40;

/// The name of a set in results, from a word of its path and the digest of its files in hexadecimal. Letters that do not suit
/// the name of a file become hyphens.
pub(crate) fn name(word: &OsStr, digest: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    let word: String = word.to_string_lossy().chars().take(MOST_LETTERS).map(letter).collect();
    format!("{word}-{}", &digest[..8])
}

/// Turns an image `[height, width, channels]` into `[channels, height, width]`.
pub(crate) fn planes(image: &[u8], channels: usize) -> impl Iterator<Item = u8> {
    (0..channels).flat_map(move |channel| image.iter().skip(channel).step_by(channels).copied())
}
