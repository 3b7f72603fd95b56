//! `cargo xtask sanitize`: runs the tests of the kernels, the only unsafe code, under the address sanitizer.

use anyhow::Result;

use crate::process::{self, nightly, nightly_host, repository};

/// Builds `smash`, its kernels and everything that it links, with the sanitizer and with the assertions that releases leave out. Our own
/// assertions check that no kernel leaves a value unwritten. The standard library's assertions check its unsafe functions.
pub fn run() -> Result<()> {
    let host = nightly_host()?;
    let mut test = nightly("cargo");
    test.args(["test", "--release", "--package", "smash-kernels", "--package", "smash", "--target", &host]);
    test.arg("--target-dir").arg(process::built()?.join("../sanitize"));
    test.env("RUSTFLAGS", "-Zsanitizer=address");
    test.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    process::run(test.current_dir(repository()?))
}
