//! Tests of fetching against a server on this machine, and the functions that they share.

mod archives;

use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use tar::EntryType;
use tempfile::TempDir;

use super::server::{Behaviour, Server};
use super::*;

/// Incompressible bytes, so that an archive of them can be cut in its middle.
fn noise(n: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    std::iter::repeat_with(|| random.u8(..)).take(n).collect()
}

/// A tar archive with unchecked names; the library's own writer would refuse some of them.
fn tar_gz(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o777);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn official() -> Vec<u8> {
    let content = noise(5_000);
    tar_gz(&[
        ("set/", EntryType::Directory, b""),
        ("set/a.bin", EntryType::Regular, &content),
        ("set/unread.bin", EntryType::Regular, b"left out"),
    ])
}

/// The set whose official archive this is.
fn set_of(archive: &[u8]) -> Set {
    let digest = hex::encode(Md5::digest(archive));
    Set {
        name: "test",
        url: "",
        bytes: archive.len() as u64,
        md5: Some(digest.leak()),
        layout: Layout {
            format: Format::TarGz,
            folder: "set",
            left_out: &["unread.bin"],
            limits: Limits { entries: 8, bytes: 10_000 },
        },
        contents: Contents::Files(&[("a.bin", Some(5_000))]),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

fn fails(set: &Set, url: &str, folder: &Path, parts: &[&str]) {
    let error = format!("{:#}", fetch(set, url, folder).unwrap_err());
    for part in parts {
        assert!(error.contains(part), "expected `{part}` in: {error}");
    }
    assert!(!folder.join(set.layout.folder).exists(), "after: {error}");
}

fn succeeds(set: &Set, url: &str, folder: &Path) {
    fetch(set, url, folder).unwrap();
    assert_eq!(names(folder), ["set"]);
    assert_eq!(names(&folder.join("set")), ["a.bin"]);
    assert_eq!(fs::read(folder.join("set/a.bin")).unwrap(), noise(5_000));
}

/// A server that broke off in the middle of the official archive, the set, and the folder that it was fetched into.
fn interrupted() -> (Server, Set, TempDir) {
    let body = official();
    let set = set_of(&body);
    let server = Server::start(Behaviour { body, etag: "\"one\"", cut_after: Some(2_000), ..Behaviour::default() });
    let folder = TempDir::new().unwrap();
    fails(&set, &server.url, folder.path(), &[&server.url, "after 2000 of", "resumes the download"]);
    assert_eq!(server.starts(), [0]);
    server.change(|behaviour| behaviour.cut_after = None);
    (server, set, folder)
}

#[test]
fn a_set_is_downloaded_and_unpacked_and_a_second_call_leaves_it_alone() {
    let body = official();
    let set = set_of(&body);
    let server = Server::start(Behaviour { body, redirect_to: Some("/elsewhere"), ..Behaviour::default() });
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("made/on/the/way");
    succeeds(&set, &server.url, &inner);
    assert_eq!(server.starts(), [0, 0], "one redirection");
    succeeds(&set, &server.url, &inner);
    assert_eq!(server.starts(), [0; 0]);
}

#[test]
fn a_length_that_is_not_announced_is_no_problem() {
    let body = official();
    let set = set_of(&body);
    let server = Server::start(Behaviour { body, unannounced: true, ..Behaviour::default() });
    succeeds(&set, &server.url, TempDir::new().unwrap().path());
}

#[test]
fn a_download_resumes_where_it_was_cut() {
    let (server, set, folder) = interrupted();
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [2_000]);
}

#[test]
fn a_silent_server_is_abandoned_and_its_part_is_kept() {
    let (server, set, folder) = interrupted();
    server.change(|behaviour| {
        behaviour.cut_after = Some(1_000);
        behaviour.stalls = true;
    });
    fails(&set, &server.url, folder.path(), &[&server.url, "after 3000 of", "resumes the download", "timeout"]);
    server.change(|behaviour| {
        behaviour.cut_after = None;
        behaviour.stalls = false;
    });
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [2_000, 3_000]);
}

#[test]
fn a_server_that_ignores_ranges_starts_again() {
    let (server, set, folder) = interrupted();
    server.change(|behaviour| behaviour.ignores_ranges = true);
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [2_000]);
}

#[test]
fn a_file_that_changed_between_attempts_starts_again() {
    let (server, _, folder) = interrupted();
    let content = noise(5_000);
    let changed = tar_gz(&[("set/a.bin", EntryType::Regular, &content)]);
    let set = set_of(&changed);
    server.change(|behaviour| {
        behaviour.body = changed;
        behaviour.etag = "\"two\"";
    });
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [2_000], "the condition alone detects the change");
}

#[test]
fn a_part_of_another_length_is_not_appended() {
    let (server, _, folder) = interrupted();
    let content = noise(5_000);
    let changed = tar_gz(&[("set/a.bin", EntryType::Regular, &content)]);
    // The folder is as the first call left it, but the server gives a part of the longer file.
    let set = set_of(&changed);
    server.change(|behaviour| behaviour.ignores_conditions = true);
    fails(&set, &server.url, folder.path(), &["announces", &changed.len().to_string()]);
    assert_eq!(server.starts(), [2_000, 0]);
}

#[test]
fn a_part_of_another_file_is_found_by_its_digest_and_not_kept() {
    let (server, set, folder) = interrupted();
    server.change(|behaviour| {
        behaviour.body.fill(0);
        behaviour.ignores_conditions = true;
    });
    fails(&set, &server.url, folder.path(), &[&server.url, "MD5", set.md5.unwrap()]);
    assert_eq!(names(folder.path()), [""; 0]);
    server.change(|behaviour| behaviour.body = official());
    server.starts();
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [0]);
}

#[test]
fn a_file_without_an_etag_starts_again() {
    let body = official();
    let set = set_of(&body);
    let server = Server::start(Behaviour { body, cut_after: Some(2_000), ..Behaviour::default() });
    let folder = TempDir::new().unwrap();
    fails(&set, &server.url, folder.path(), &["after 2000 of"]);
    server.change(|behaviour| behaviour.cut_after = None);
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [0, 0]);
}

#[test]
fn another_url_does_not_continue_the_part_of_the_first() {
    let (_, set, folder) = interrupted();
    let mirror = Server::start(Behaviour { body: official(), etag: "\"one\"", ..Behaviour::default() });
    succeeds(&set, &mirror.url, folder.path());
    assert_eq!(mirror.starts(), [0]);
}

#[test]
fn failed_requests_are_named() {
    let body = official();
    let set = set_of(&body);
    let n = body.len();
    let server = Server::start(Behaviour { body, ..Behaviour::default() });
    let folder = TempDir::new().unwrap();
    let fails = |parts: &[&str]| fails(&set, &server.url, folder.path(), parts);
    server.change(|behaviour| behaviour.status = Some("404 Not Found"));
    fails(&[&server.url, "404 Not Found", "expected the archive"]);
    server.change(|behaviour| behaviour.status = None);
    server.change(|behaviour| behaviour.announced = Some(n + 1));
    fails(&[&server.url, &format!("announces {} bytes", n + 1), &format!("of {n}")]);
    server.change(|behaviour| behaviour.unannounced = true);
    server.change(|behaviour| behaviour.body.push(0));
    fails(&[&server.url, &format!("more than the expected {n} bytes")]);
    server.change(|behaviour| behaviour.body.truncate(n - 1));
    fails(&[&server.url, &format!("ended after {} of {n} bytes", n - 1)]);
    server.change(|behaviour| behaviour.redirect_to = Some("http://127.0.0.1:1/nobody"));
    fails(&[&server.url, "does not answer"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let body = official();
    let set = set_of(&body);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fails(&set, "http://127.0.0.1:1/", &file.join("data"), &["file/data/.fetch-test", "cannot be made"]);
}

#[test]
fn an_incomplete_set_is_left_alone() {
    let set = set_of(&official());
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("set");
    fs::create_dir(&place).unwrap();
    let error = fetch(&set, "http://127.0.0.1:1/", folder.path()).unwrap_err();
    for part in ["it exists and is not complete", "a.bin: expected a file"] {
        assert!(format!("{error:#}").contains(part), "{error:#}");
    }
    fs::write(place.join("a.bin"), "short").unwrap();
    let error = fetch(&set, "http://127.0.0.1:1/", folder.path()).unwrap_err();
    assert!(format!("{error:#}").contains("5 bytes, expected 5000"), "{error:#}");
    assert_eq!(names(folder.path()), ["set"]);
}

#[test]
fn an_archive_that_could_not_be_unpacked_is_not_downloaded_again() {
    let (server, set, folder) = interrupted();
    let in_the_way = folder.path().join(".fetch-test/unpacked");
    fs::write(&in_the_way, "").unwrap();
    fails(&set, &server.url, folder.path(), &["unpacked: cannot be removed"]);
    fs::remove_file(&in_the_way).unwrap();
    server.starts();
    succeeds(&set, &server.url, folder.path());
    assert_eq!(server.starts(), [0; 0]);
}

#[test]
fn two_calls_at_once_do_not_write_the_same_files() {
    let (server, set, folder) = interrupted();
    let held = lock(&folder.path().join(".fetch-test")).unwrap();
    fails(&set, &server.url, folder.path(), &["another call is fetching"]);
    drop(held);
    succeeds(&set, &server.url, folder.path());
}

#[cfg(unix)]
#[test]
fn planted_links_are_not_followed() {
    let (server, set, folder) = interrupted();
    let work = folder.path().join(".fetch-test");
    let target = folder.path().join("target");
    fs::write(&target, "of another").unwrap();
    for name in ["lock", "archive.part"] {
        let kept = fs::read(work.join(name)).unwrap();
        fs::remove_file(work.join(name)).unwrap();
        std::os::unix::fs::symlink(&target, work.join(name)).unwrap();
        fails(&set, &server.url, folder.path(), &[name, "found a symbolic link"]);
        fs::remove_file(work.join(name)).unwrap();
        fs::write(work.join(name), kept).unwrap();
    }
    // This file is replaced and not opened.
    fs::remove_file(work.join("archive.part.json")).unwrap();
    std::os::unix::fs::symlink(&target, work.join("archive.part.json")).unwrap();
    server.change(|behaviour| behaviour.cut_after = Some(2_000));
    fails(&set, &server.url, folder.path(), &["resumes the download"]);
    fs::remove_dir_all(&work).unwrap();
    std::os::unix::fs::symlink(folder.path(), &work).unwrap();
    fails(&set, &server.url, folder.path(), &["expected a folder, found a symbolic link"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), "of another");
}

#[test]
fn the_stored_address_holds_no_secret_and_still_resumes() {
    let (server, set, folder) = interrupted();
    fs::remove_dir_all(folder.path().join(".fetch-test")).unwrap();
    let url = |token: &str| format!("{}?token={token}", server.url.replace("http://", "http://me:pass@"));
    server.change(|behaviour| behaviour.cut_after = Some(2_000));
    fails(&set, &url("one"), folder.path(), &["resumes the download"]);
    for name in names(&folder.path().join(".fetch-test")) {
        let content = fs::read(folder.path().join(".fetch-test").join(&name)).unwrap();
        let content = String::from_utf8_lossy(&content);
        assert!(!content.contains("me:pass") && !content.contains("token"), "{name}: {content}");
    }
    server.change(|behaviour| behaviour.cut_after = None);
    server.starts();
    succeeds(&set, &url("two"), folder.path());
    assert_eq!(server.starts(), [2_000]);
}

#[test]
fn an_address_that_cannot_be_fetched_is_not_repeated() {
    let args = |url: &str, data_dir: &str| Args {
        set: "cifar10".into(),
        data_dir: Some(data_dir.into()),
        url: Some(url.into()),
    };
    let error = run(&args("me:pass@host/archive", "no-such-folder")).unwrap_err().to_string();
    assert_eq!(error, "--url: expected an address that begins with http:// or https://");
    let error = run(&args("http://127.0.0.1:1/", "s3://bucket/data")).unwrap_err().to_string();
    assert_eq!(error, "s3://bucket/data: expected a folder of this machine for data sets");
}

#[test]
fn the_set_with_a_login_is_explained() {
    let args = Args { set: "imagenet32".into(), data_dir: Some("some/data".into()), url: None };
    let error = run(&args).unwrap_err().to_string();
    for part in ["login", "image-net.org", "some/data/Imagenet32_train/train_data_batch_1 ", "Imagenet32_val/val_data"]
    {
        assert!(error.contains(part), "expected `{part}` in: {error}");
    }
}

#[test]
fn every_set_that_can_be_named_is_known() {
    let names: Vec<_> = SETS.iter().map(|set| set.name).collect();
    assert_eq!(names, ["cifar10", "cifar100", "stl10", "modelnet10"]);
    for set in &SETS {
        assert!(set.md5.is_none_or(|md5| md5.len() == 32), "{}", set.name);
        if let Contents::Files(files) = set.contents {
            let bytes: u64 = files.iter().filter_map(|(_, bytes)| *bytes).sum();
            assert!(bytes < set.layout.limits.bytes, "{}: {bytes}", set.name);
        }
    }
}
