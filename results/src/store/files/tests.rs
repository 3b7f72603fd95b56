//! Tests of reading, writing, locks, and remains of writers.

use super::*;

#[test]
fn another_scheme_creates_nothing() {
    for path in [
        "gs://bucket/results",
        "file:///tmp/x",
        "s3://",
        "s3:///key",
        "s3://b/../key",
        "s3://b/a//key",
        "s3:/b/key",
        "s3:b/key",
        "gs:/b",
    ] {
        let path = Path::new(path);
        for done in
            [create_folder(path).err(), write_atomically(path, b"a").err(), read(path).err(), is_file(path).err()]
        {
            let error = done.unwrap_or_else(|| panic!("{path:?} was taken")).to_string();
            assert!(error.contains(&path.display().to_string()) && error.contains("expected"), "{error}");
        }
    }
    assert!(!Path::new("gs:").exists() && !Path::new("s3:").exists());
    assert!(["a/s3:/b", "./s3:/b", "c:/b", "a:b/c"].iter().all(|path| !begins_like_an_address(path)));
}

#[test]
fn a_sparse_file_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    File::create(&path).unwrap().set_len(MOST_BYTES + 1).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.ends_with("table.csv: cannot read: it has 8589934593 bytes, expected at most 8589934592"), "{error}");
}

#[test]
fn a_file_without_a_size_is_read_up_to_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, "12345").unwrap();
    assert_eq!(read_within(File::open(&path).unwrap(), 5).unwrap(), b"12345");
    let error = read_within(File::open(&path).unwrap(), 4).unwrap_err().to_string();
    assert_eq!(error, "expected at most 4 bytes, found more");
}

#[test]
fn objects_keep_their_names() {
    let object = Path::new("s3://bucket/some/where");
    assert!(is_object(object) && !is_object(Path::new("s3/bucket")));
    assert_eq!(absolute(object).unwrap(), object);
    assert_eq!(object.join("a.toml").display().to_string(), "s3://bucket/some/where/a.toml");
    assert_eq!(object.parent(), Some(Path::new("s3://bucket/some")));
}

#[test]
fn a_file_that_cannot_be_looked_for_is_not_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    assert!(!is_file(&file).unwrap() && !is_folder(&file).unwrap());
    fs::write(&file, "text").unwrap();
    assert!(is_file(&file).unwrap() && !is_folder(&file).unwrap());
    assert!(!is_file(folder.path()).unwrap() && is_folder(folder.path()).unwrap());
    // This path has a file in the place of a folder.
    let error = is_file(&file.join("inside")).unwrap_err().to_string();
    assert!(error.contains("inside: cannot look for"), "{error}");
}
#[test]
fn only_the_remains_of_dead_writers_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".writing-dead"), "half").unwrap();
    fs::write(at("table.parquet"), "whole").unwrap();
    let live = unfinished(&at("live")).unwrap();
    remove_unfinished(folder.path()).unwrap();
    assert!(!at(".writing-dead").exists() && live.path().exists() && at("table.parquet").exists());
    live.persist(at("live")).unwrap();
    remove_unfinished(folder.path()).unwrap();
    assert!(at("live").exists());
    remove_unfinished(&at("missing")).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_or_flushes_is_no_error() {
    assert!(has_no_locks(&io::Error::from_raw_os_error(libc::ENOLCK)));
    assert!(has_no_locks(&io::Error::from_raw_os_error(libc::ENOTSUP)));
    assert!(!has_no_locks(&io::Error::from_raw_os_error(libc::EIO)));
    // The folders of this file system answer EINVAL.
    assert!(!flush_folder(Path::new("/proc")).unwrap());
    assert!(flush_folder(tempfile::tempdir().unwrap().path()).unwrap());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_lock_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("lock"));
    fs::write(&target, "of another").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let error = open_lock(&link).unwrap_err().to_string();
    assert_eq!(error, "expected a file, found a symbolic link");
    assert_eq!(fs::read_to_string(&target).unwrap(), "of another");
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_makes_nobody_wait() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["lock", ".writing-1"] {
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status();
        assert!(made.unwrap().success());
    }
    let error = open_lock(&folder.path().join("lock")).unwrap_err().to_string();
    assert!(error.ends_with("expected a file, found a pipe"), "{error}");
    remove_unfinished(folder.path()).unwrap();
    assert!(folder.path().join(".writing-1").exists());
    let error = read(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(error.ends_with("expected a file, found a device"), "{error}");
}
