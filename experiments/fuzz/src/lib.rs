//! What the targets share.

use results::seal;

/// The input, with the digest of itself in its seal if it has one: who makes a hostile file can give it that.
pub fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if seal::is_sealed(&bytes) {
        seal::close(&mut bytes);
    }
    bytes
}

/// Lets the reader contain panics of the libraries that it calls, where a panic otherwise ends a target at once. One that is
/// not contained still does.
pub fn contain_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let is_of_library = |place: &std::panic::Location| place.file().contains("registry");
        if !panic.location().is_some_and(is_of_library) {
            eprintln!("{panic}");
        }
    }));
}
