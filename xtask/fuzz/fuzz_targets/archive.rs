//! Archives: unpacking writes only plain files and folders of bounded number and size, and only below the target.
//!
//! This holds for any content of the archive. The first byte selects the kind of the rest: tar that is packed here, tar that is
//! packed already, or zip.

#![no_main]

// xtask is a program, not a library, so its file is included by path.
#[path = "../../src/fetch/extract.rs"]
mod extract;

use std::fs;
use std::io::Write;
use std::path::Path;

use extract::{Format, Layout, Limits};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { entries: 8, bytes: 10_000 };

/// Length in bytes of a block of tar, and so of a header.
const BLOCK: usize = 512;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let (format, archive) = match kind % 3 {
        0 => (Format::TarGz, packed(rest)),
        1 => (Format::TarGz, rest.to_vec()),
        _ => (Format::Zip, rest.to_vec()),
    };
    let layout = Layout { format, folder: "set", left_out: &["unread.bin"], limits: LIMITS };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).expect("the folder can be written");
    let path = inside.join("archive");
    fs::write(&path, &archive).expect("the folder can be written");
    let target = inside.join("target");
    if let Err(error) = extract::extract(&layout, &path, &target) {
        assert!(!extract::is_fault_of_the_disk(&error), "the disk is blamed for a bad archive: {error:#}");
    }

    assert_eq!(names(folder.path()), ["inside"]);
    assert_eq!(names(&inside), ["archive", "target"]);
    assert_eq!(fs::read(&path).expect("the archive is there"), archive);
    let names = names(&target);
    assert!(names.iter().all(|name| name == "set"), "{names:?}");
    let (files, bytes) = plain_files(&target);
    assert!(files <= LIMITS.entries && bytes <= LIMITS.bytes, "{files} files of {bytes} bytes");
});

/// Packs a tar with the checksums that its headers should have, so that the reader sees the faults behind them.
fn packed(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    let mut at = 0;
    while at + BLOCK <= tar.len() {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&tar[at..at + BLOCK]);
        if header.as_bytes().iter().any(|&byte| byte != 0) {
            header.set_cksum();
        }
        tar[at..at + BLOCK].copy_from_slice(header.as_bytes());
        let content = header.entry_size().unwrap_or(0).min(tar.len() as u64) as usize;
        at += BLOCK + content.next_multiple_of(BLOCK);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(&tar).expect("memory can be written");
    gzip.finish().expect("memory can be written")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("the folder can be read").file_name();
    let mut names: Vec<_> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// Number of files below a folder, and of their bytes. The folder must hold nothing but files and folders.
fn plain_files(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let metadata = path.symlink_metadata().expect("the entry is there");
        let inner = match metadata.is_dir() {
            true => plain_files(&path),
            false => (1, metadata.len()),
        };
        assert!(metadata.is_dir() || metadata.is_file(), "{}", path.display());
        (files, bytes) = (files + inner.0, bytes + inner.1);
    }
    (files, bytes)
}
