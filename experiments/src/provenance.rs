//! Origin of a run: label of the program, lock file, processor.

pub use results::store::seal::sha256;

/// The lock file that this program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The features that this program was built with.
pub const FEATURES: &str = match (cfg!(feature = "cuda"), cfg!(feature = "wgpu")) {
    (true, true) => "cuda, wgpu",
    (true, false) => "cuda",
    (false, true) => "wgpu",
    (false, false) => "none",
};

/// Whether a label names sources that are no commit: then a hyphen and their digest follow the commit or `unknown`.
pub fn is_dirty(label: &str) -> bool {
    label.contains('-')
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
