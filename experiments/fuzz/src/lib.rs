//! The functions that the targets share.

use results::store::seal;

/// Returns the input. If it has a seal, the seal gets the input's own digest, as the author of a hostile file can write it.
pub fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if seal::is_sealed(&bytes) {
        seal::close(&mut bytes);
    }
    bytes
}

/// Lets the reader contain panics of the libraries that it calls. A panic otherwise ends a target at once, and an uncontained
/// panic still does.
pub fn contain_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let is_of_library = |place: &std::panic::Location| place.file().contains("registry");
        if !panic.location().is_some_and(is_of_library) {
            eprintln!("{panic}");
        }
    }));
}
