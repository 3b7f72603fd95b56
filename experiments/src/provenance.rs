//! Origin of a run: commit, lock file, processor.

use std::process::Command;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// The lock file that this program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

/// Stands for the commit outside a repository.
pub const UNKNOWN: &str = "unknown";

/// The commit that this program was built from, if the build set it, as `cargo xtask package` does. The program then knows its
/// commit without a repository.
pub const BUILT_FROM: Option<&str> = option_env!("SMASH_COMMIT");

/// Text of `--version`: commit and features.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let commit = BUILT_FROM.unwrap_or("that of the working tree");
        let features = if cfg!(feature = "cuda") { "cuda" } else { "none" };
        format!("of commit {commit}, features: {features}")
    });
    &VERSION
}

/// The commit that this program was built from, if it is known, else the commit of the working tree. The flag says whether the
/// working tree differs from that commit. Outside a repository, the result is `unknown` and `true`.
///
/// If the tree differs, a digest of the difference is appended to the commit. A run is thus never resumed by other code.
pub fn commit() -> (String, bool) {
    if let Some(commit) = BUILT_FROM {
        return (commit.into(), false);
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    match (git(&["rev-parse", "--short=12", "HEAD"]), git(&["diff", "HEAD"])) {
        (Some(commit), Some(difference)) => {
            let commit = String::from_utf8_lossy(&commit).trim().to_string();
            if difference.is_empty() {
                (commit, false)
            } else {
                (format!("{commit}-{}", &sha256(&difference)[..8]), true)
            }
        }
        _ => (UNKNOWN.into(), true),
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// SHA-256 of the lock file.
pub fn lock_hash() -> String {
    sha256(LOCK.as_bytes())
}

/// Version of burn in the lock file.
pub fn burn_version() -> String {
    let after = LOCK.split("name = \"burn\"\nversion = \"").nth(1).expect("burn is a dependency");
    after.split('"').next().expect("a version ends with a quote").to_string()
}

/// Name of the processor; `unknown` if the system does not report it.
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_string()
}

/// The widest vector instructions that the kernels may choose at run time. They determine the order of sums, and so the last bits
/// of a table.
pub fn processor_class() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512f";
        }
        if is_x86_feature_detected!("avx2") {
            return "avx2";
        }
    }
    std::env::consts::ARCH
}

/// Peak resident memory of this process so far, in bytes, if the system reports it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
