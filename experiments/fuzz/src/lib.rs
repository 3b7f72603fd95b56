//! What the targets of Parquet share.

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
