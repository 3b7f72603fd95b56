//! Tests of archives that are refused, damaged or in zip format.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// Fetches an archive that must be refused, and checks that nothing of it is left.
fn refused(set: &Set, archive: Vec<u8>, parts: &[&str]) {
    let server = Server::start(Behaviour { body: archive, ..Behaviour::default() });
    let outside = TempDir::new().unwrap();
    let folder = outside.path().join("data");
    fails(set, &server.url, &folder, parts);
    assert_eq!(names(&folder), [""; 0], "{parts:?}");
    assert_eq!(names(outside.path()), ["data"], "{parts:?}");
}

#[test]
fn an_entry_that_leads_elsewhere_is_refused_by_name() {
    for name in ["../set/a.bin", "set/../../a.bin", "/set/a.bin", "set\\a.bin", "C:/set/a.bin"] {
        let archive = tar_gz(&[(name, EntryType::Regular, b"x")]);
        let parts = [&format!("entry `{name}`"), "expected a relative path"];
        refused(&set_of(&archive), archive.clone(), &parts);
        let archive = zip_of(&[(name, b"x")]);
        refused(&zip_set(&archive), archive.clone(), &parts);
    }
    // Characters that a terminal would take as an order are not printed.
    let archive = tar_gz(&[("../\u{1b}[2J", EntryType::Regular, b"x")]);
    refused(&set_of(&archive), archive.clone(), &["entry `../\u{fffd}[2J`"]);
    let archive = tar_gz(&[("other/a.bin", EntryType::Regular, b"x")]);
    refused(&set_of(&archive), archive.clone(), &["entry `other/a.bin`", "below `set`"]);
}

#[test]
fn an_entry_that_is_no_file_is_refused_by_name() {
    let kinds = [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a device"),
        (EntryType::Block, "a device"),
        (EntryType::Fifo, "a pipe"),
        (EntryType::GNULongName, "of an unknown kind"),
        (EntryType::GNUSparse, "of an unknown kind"),
    ];
    for (kind, what) in kinds {
        // An entry that is left out is refused all the same.
        for name in ["set/a.bin", "set/unread.bin"] {
            let archive = tar_gz(&[(name, kind, b"")]);
            refused(&set_of(&archive), archive.clone(), &[&format!("entry `{name}`"), what]);
        }
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("set/a.bin", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let archive = zip.finish().unwrap().into_inner();
    refused(&zip_set(&archive), archive.clone(), &["entry `set/a.bin`", "a symbolic link"]);
}

/// Such names are faults of the archive, which is then removed. A fault of the disk would keep it for the next call.
#[test]
fn a_name_that_no_file_can_have_is_refused() {
    let archive = tar_gz(&[(".", EntryType::Regular, b"x")]);
    refused(&set_of(&archive), archive.clone(), &["entry `.`", "below `set`"]);
    let archive = zip_of(&[(&format!("set/{}", "a".repeat(300)), b"x")]);
    refused(&zip_set(&archive), archive.clone(), &["its name has 304 bytes"]);
}

#[test]
fn an_archive_that_is_larger_than_its_set_is_refused() {
    let many: Vec<_> = (0..9).map(|index| format!("set/{index}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), EntryType::Regular, &b""[..])).collect();
    let archive = tar_gz(&many);
    refused(&set_of(&archive), archive.clone(), &["entry `set/8`", "number 9, expected at most 8"]);

    let zeros = vec![0; 10_001];
    for name in ["set/a.bin", "set/unread.bin"] {
        let archive = tar_gz(&[(name, EntryType::Regular, &zeros)]);
        let parts = [&format!("entry `{name}`"), "10001 bytes, expected at most 10000"];
        refused(&set_of(&archive), archive.clone(), &parts);
        let archive = zip_of(&[(name, &zeros)]);
        refused(&zip_set(&archive), archive.clone(), &parts);
    }
}

#[test]
fn a_false_size_is_refused() {
    let mut archive = zip_of(&[("set/a.bin", &[0; 9_000])]);
    let claimed = 9_000_u32.to_le_bytes();
    // The size is there twice: beside the file, and in the directory at the end.
    let places: Vec<_> = (0..archive.len() - 3).filter(|&place| archive[place..place + 4] == claimed).collect();
    assert_eq!(places.len(), 2);
    for place in places {
        archive[place..place + 4].copy_from_slice(&5_000_u32.to_le_bytes());
    }
    refused(&zip_set(&archive), archive.clone(), &["entry `set/a.bin`"]);
}

#[test]
fn damage_and_missing_files_are_errors() {
    let archive = noise(500);
    refused(&set_of(&archive), archive.clone(), &["damaged"]);
    refused(&zip_set(&archive), archive.clone(), &["damaged: expected zip"]);
    let archive = tar_gz(&[("set/a.bin", EntryType::Regular, b"short")]);
    refused(&set_of(&archive), archive.clone(), &["not complete", "5 bytes, expected 5000"]);
    let archive = tar_gz(&[("set/b.bin", EntryType::Regular, b"")]);
    refused(&set_of(&archive), archive.clone(), &["not complete", "a.bin: expected a file"]);
    let archive = tar_gz(&[("set/a", EntryType::Regular, b""), ("set/a", EntryType::Regular, b"")]);
    refused(&set_of(&archive), archive.clone(), &["entry `set/a`", "twice"]);
    let archive = tar_gz(&[("set/a", EntryType::Regular, b""), ("set/a/b", EntryType::Regular, b"")]);
    refused(&set_of(&archive), archive.clone(), &["entry `set/a/b`", "a folder"]);

    let content = noise(100);
    let mut archive = zip_of(&[("set/bed/train/bed_0001.off", &content)]);
    let place = archive.windows(4).position(|window| window == &content[..4]).unwrap();
    archive[place] ^= 1;
    refused(&zip_set(&archive), archive.clone(), &["bed_0001.off", "damaged"]);
}

/// A zip archive; incompressible contents are stored without compression.
fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let shrinks = content.iter().all(|&byte| byte == 0);
        let method = if shrinks { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn zip_set(archive: &[u8]) -> Set {
    let set = set_of(archive);
    Set {
        md5: None,
        layout: Layout { format: Format::Zip, left_out: &["__MACOSX", ".DS_Store", "unread.bin"], ..set.layout },
        contents: Contents::Meshes(2),
        ..set
    }
}

#[test]
fn meshes_are_counted_without_the_files_that_a_mac_adds() {
    let body = zip_of(&[
        ("set/.DS_Store", b"x"),
        ("set/bed/train/bed_0001.off", b"OFF"),
        ("set/bed/train/._bed_0001.off", b"x"),
        ("__MACOSX/set/bed/train/._bed_0001.off", b"x"),
        ("set/bed/test/bed_0002.off", b"OFF"),
        ("set/README.txt", b"x"),
    ]);
    let set = zip_set(&body);
    let server = Server::start(Behaviour { body, ..Behaviour::default() });
    let folder = TempDir::new().unwrap();
    fetch(&set, &server.url, folder.path()).unwrap();
    assert_eq!(names(folder.path()), ["set"]);
    assert_eq!(names(&folder.path().join("set")), ["README.txt", "bed"]);
    assert_eq!(names(&folder.path().join("set/bed/train")), ["._bed_0001.off", "bed_0001.off"]);
    fetch(&set, "http://127.0.0.1:1/", folder.path()).unwrap();
}

#[test]
fn a_full_disk_keeps_the_archive_for_the_next_call() {
    let body = official();
    let set = set_of(&body);
    let folder = TempDir::new().unwrap();
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let archive = work.join("archive");
    fs::write(&archive, body).unwrap();
    let error = extract::extract(&set.layout, &archive, &work.join("not/there")).unwrap_err();
    assert!(extract::is_fault_of_the_disk(&error), "{error:#}");
    assert!(format!("{error:#}").contains("not/there: cannot be written"), "{error:#}");
    let error = extract::extract(&zip_set(b"").layout, &archive, &work.join("new")).unwrap_err();
    assert!(!extract::is_fault_of_the_disk(&error), "{error:#}");
}
