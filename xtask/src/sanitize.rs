//! `cargo xtask sanitize`: the tests of the kernels, whose code is the only unsafe one, under the address sanitizer.

use anyhow::Result;

use crate::process::{self, nightly, nightly_host, root};

/// Builds `smash` and all that it links with the sanitizer, and with the assertions that releases leave out: those of our own,
/// that no kernel leaves a value unwritten, and those of the standard library's unsafe functions.
pub fn run() -> Result<()> {
    let host = nightly_host()?;
    let mut test = nightly("cargo");
    test.args(["test", "--release", "--package", "smash", "--target", &host]);
    test.arg("--target-dir").arg(process::built()?.join("../sanitize"));
    test.env("RUSTFLAGS", "-Zsanitizer=address");
    test.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    process::run(test.current_dir(root()))
}
