//! Files of results, in folders or in an object store.
//!
//! A path that begins with `s3://` names an object, `s3://BUCKET/KEY`, in Amazon's S3 or a store with the same
//! protocol. Such a store has no folders: a key with slashes stands for a file in folders. All stored data of a run
//! passes through this module. Code that reads or writes results therefore works with either place.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::store::faults;
use crate::store::objects::Object;

/// Start of the names of unfinished files. An object has its final name from the start: it appears only when it is whole.
const UNFINISHED: &str = ".writing-";

/// Start of a path that is not in the file system.
const SCHEME: &str = "s3://";

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its path, including that of the folder.
    pub path: PathBuf,
    /// Whether it is itself a folder.
    pub is_folder: bool,
}

impl Entry {
    /// Whether its name ends in a dot and this extension.
    pub fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|own| own == extension)
    }
}

/// Whether a path names an object of an object store.
pub fn is_object(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().starts_with(SCHEME.as_bytes())
}

/// The object that a path names; `None` for a path in the file system.
fn object(path: &Path) -> io::Result<Option<Object>> {
    let text = path.to_string_lossy();
    match text.split_once("://") {
        Some(_) if is_object(path) => Object::new(&text[SCHEME.len()..]).map(Some),
        // The file system would take it for a folder of that name in the current folder.
        _ if begins_like_an_address(&text) => {
            Err(io::Error::new(ErrorKind::Unsupported, "expected a folder, or s3://BUCKET/PREFIX"))
        }
        _ => Ok(None),
    }
}

/// Whether a path begins with the name of a protocol, such as `gs://` or `s3:/`. One letter would be a drive of Windows.
fn begins_like_an_address(path: &str) -> bool {
    let scheme = path.split('/').next().and_then(|first| first.strip_suffix(':'));
    let is_name = |scheme: &str| scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    scheme.is_some_and(is_name) || path.starts_with("s3:")
}

/// Largest file that is read, in bytes: larger than any checkpoint. A sparse file can claim more than there is memory.
const MOST_BYTES: u64 = 1 << 33;

/// Reads a file.
///
/// # Errors
/// If the file is missing, is a device, cannot be read, or is far too large.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let read = || match object(path)? {
        Some(object) => object.read(),
        None => {
            check_readable(&fs::metadata(path)?)?;
            read_within(File::open(path)?, MOST_BYTES)
        }
    };
    read().map_err(Error::io(path, "read"))
}

/// Reads all of a file, unless it has more than `most` bytes. A pipe has no size before its end.
fn read_within(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or(0));
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(ErrorKind::FileTooLarge, format!("expected at most {most} bytes, found more"))),
        false => Ok(bytes),
    }
}

/// Refuses a file that is far too large, and a device: it has no end, and so has no size. A pipe may hold a table that another
/// program writes.
fn check_readable(metadata: &Metadata) -> io::Result<()> {
    let found = metadata.len();
    if found > MOST_BYTES {
        let problem = format!("it has {found} bytes, expected at most {MOST_BYTES}");
        return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_char_device() || kind.is_block_device() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "expected a file, found a device"));
        }
    }
    Ok(())
}

/// Reads a file of text.
///
/// # Errors
/// As [`read`], and if the file is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let text = String::from_utf8(read(path)?);
    text.map_err(|error| Error::io(path, "read")(io::Error::new(ErrorKind::InvalidData, error.utf8_error())))
}

/// Whether a file exists.
///
/// # Errors
/// If the place cannot be checked: nothing is then known about the file.
pub fn is_file(path: &Path) -> Result<bool> {
    let ask = || match object(path)? {
        Some(object) => object.exists(),
        None => Ok(kind(path)?.is_some_and(|kind| kind.is_file())),
    };
    ask().map_err(Error::io(path, "look for"))
}

/// Whether a folder exists. In an object store, a folder exists if something lies in it.
///
/// # Errors
/// As [`is_file`].
pub fn is_folder(path: &Path) -> Result<bool> {
    let ask = || match object(path)? {
        Some(object) => Ok(!object.list()?.is_empty()),
        None => Ok(kind(path)?.is_some_and(|kind| kind.is_dir())),
    };
    ask().map_err(Error::io(path, "look for"))
}

/// The type of the file or folder at a path of the file system, if there is one.
fn kind(path: &Path) -> io::Result<Option<fs::FileType>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        metadata => Ok(Some(metadata?.file_type())),
    }
}

/// Lists a folder in the order of the names. A missing folder is empty.
///
/// # Errors
/// If the folder cannot be listed.
pub fn list(folder: &Path) -> Result<Vec<Entry>> {
    let list = || match object(folder)? {
        Some(object) => {
            let entry = |(name, is_folder)| Entry { path: folder.join(name), is_folder };
            Ok(object.list()?.into_iter().map(entry).collect())
        }
        None => {
            let entries = match fs::read_dir(folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            let entry = |entry: io::Result<fs::DirEntry>| {
                let path = entry?.path();
                let is_folder = path.is_dir();
                Ok(Entry { path, is_folder })
            };
            entries.map(entry).collect::<io::Result<Vec<Entry>>>()
        }
    };
    let mut entries = list().map_err(Error::io(folder, "list"))?;
    entries.sort();
    Ok(entries)
}

/// Creates a folder and the folders above it, unless it exists.
///
/// # Errors
/// If the file system refuses.
pub fn create_folder(path: &Path) -> Result<()> {
    let create = || match object(path)? {
        Some(_) => Ok(()),
        None => fs::create_dir_all(path),
    };
    create().map_err(Error::io(path, "create the folder"))
}

/// Writes a file. Readers, and the next process after a crash, see the old content or the new one, never a part.
///
/// # Errors
/// If the folder is missing or cannot be written to.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || match object(path)? {
        Some(object) => {
            faults::room()?;
            faults::point(path);
            object.write(bytes)?;
            faults::point(path);
            Ok(())
        }
        None => write_local(path, bytes),
    };
    write().map_err(Error::io(path, "write"))
}

fn write_local(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = unfinished(path)?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first)?;
    faults::room()?;
    faults::point(path);
    file.write_all(second)?;
    file.as_file().sync_all()?;
    faults::point(path);
    file.persist(path)?;
    faults::point(path);
    flush(folder_of(path))?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Creates an unfinished file beside a path. It is locked until it is closed, so nobody takes it for the remains of a
/// killed process; see [`remove_unfinished`].
fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    loop {
        let mut builder = tempfile::Builder::new();
        // By default, only the owner can read a temporary file. Results are as readable as other files.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(UNFINISHED).tempfile_in(folder_of(path))?;
        // Another process may have found the file before it was locked, and have removed it.
        if !matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock)) && file.path().exists() {
            return Ok(file);
        }
    }
}

/// Flushes a folder: only then does a new name in it outlast a loss of power. False if its file system cannot do that.
///
/// # Errors
/// If the folder is missing or cannot be written to.
pub fn flush_folder(folder: &Path) -> Result<bool> {
    if is_object(folder) {
        return Ok(true);
    }
    flush(folder).map_err(Error::io(folder, "flush"))
}

fn flush(folder: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => return Ok(false),
        flushed => flushed?,
    }
    Ok(true)
}

/// Opens the file of a lock, and creates it if it is missing.
///
/// # Errors
/// As [`open_own`], and if the file system refuses.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    open_own(path, File::options().create(true).truncate(false).write(true))
}

/// Opens the file of a lock to look at it; `None` if it is missing.
///
/// # Errors
/// As [`open_own`].
pub(crate) fn open_lock_if_there(path: &Path) -> io::Result<Option<File>> {
    match open_own(path, File::options().read(true)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

/// When something in a folder was last created, replaced or removed; `None` for a missing folder, and in an object store.
///
/// # Errors
/// If the file system refuses.
pub(crate) fn changed(folder: &Path) -> Result<Option<SystemTime>> {
    if is_object(folder) {
        return Ok(None);
    }
    match fs::metadata(folder).and_then(|metadata| metadata.modified()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        time => time.map(Some).map_err(Error::io(folder, "look at")),
    }
}

/// Opens a file at a place that other users can foresee. Somebody may have put a link or a pipe there. A link is refused,
/// and a pipe too: opening one would wait for its reader for ever.
fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let expected = |found: &str| io::Error::new(ErrorKind::InvalidInput, format!("expected a file, found {found}"));
    let file = options.open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => expected("a symbolic link"),
        Some(libc::ENXIO) => expected("a pipe"),
        _ => error,
    })?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(expected("something else")),
    }
}

/// Whether an error of locking says that the file system has no locks, such as NFS without its lock daemon.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}

/// Copies a file. Readers see a whole copy or none.
///
/// # Errors
/// If a file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    write_atomically(to, &read(from)?)
}

/// Removes a file if it exists. A second removal is no error: a unit that was done twice may remove a file twice.
///
/// # Errors
/// If the file exists and cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    let remove = || match object(path)? {
        Some(object) => object.remove(),
        None => fs::remove_file(path),
    };
    match remove() {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path, "remove")(error)),
        _ => Ok(()),
    }
}

/// Renames a damaged file so that people can look at it, and returns the new path. The name gets the suffix `.damaged`.
///
/// # Errors
/// If the file system refuses.
pub fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    let aside = PathBuf::from(name);
    if is_object(path) {
        copy(path, &aside)?;
        remove(path)?;
    } else {
        fs::rename(path, &aside).map_err(Error::io(path, "rename"))?;
    }
    Ok(aside)
}

/// Removes the remains of interrupted writes from a folder. A missing folder has none. A file that a live process writes
/// is locked, and stays. Without locks, nothing is known about its process, and it stays too.
///
/// # Errors
/// If the folder cannot be listed, or a file cannot be removed.
pub fn remove_unfinished(folder: &Path) -> Result<()> {
    if is_object(folder) || !is_folder(folder)? {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(Error::io(folder, "list"))? {
        let entry = entry.map_err(Error::io(folder, "list"))?;
        if !entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            continue;
        }
        // The file may have got its name by now, or belong to another user. The lock is held until the name is gone.
        let Ok(file) = open_own(&entry.path(), File::options().write(true)) else { continue };
        if file.try_lock().is_ok() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Makes a path absolute.
///
/// # Errors
/// If the current folder is unknown.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    if is_object(path) {
        return Ok(path.to_path_buf());
    }
    std::path::absolute(path).map_err(Error::io(path, "find"))
}

#[cfg(test)]
mod tests;
