//! Unpacks an untrusted archive: plain files and folders below one folder, of bounded number and size.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use tar::EntryType;
use zip::ZipArchive;

/// An archive: its format and its permitted contents.
#[derive(Clone, Copy)]
pub struct Layout {
    /// The format of the archive.
    pub format: Format,
    /// The folder that it holds.
    pub folder: &'static str,
    /// Names of the files and folders in it that nothing here reads.
    pub left_out: &'static [&'static str],
    /// Limits above the official contents, and no higher than a disk has room for.
    pub limits: Limits,
}

/// The format of an archive.
#[derive(Clone, Copy)]
pub enum Format {
    /// Tar, compressed by gzip.
    TarGz,
    /// Zip.
    Zip,
}

/// Upper bounds on an archive's contents, including the entries that are left out.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Number of files and folders.
    pub entries: u64,
    /// Number of unpacked bytes.
    pub bytes: u64,
}

/// Longest permitted name of an entry, in bytes. No set has a name of more than 60 bytes. A file system refuses a part of more
/// than 255 bytes.
const MAX_NAME: usize = 200;

/// The kind of an entry of an archive.
#[derive(PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// An entry that is never unpacked; its kind in words.
    Refused(&'static str),
}

/// Unpacks an archive into the folder `target`, which must not exist yet.
///
/// # Errors
/// A damaged archive; an entry that is neither a file nor a folder, that leaves its folder or that comes twice; contents over the
/// limits; or a folder that cannot be written, see [`is_fault_of_the_disk`]. The error names the entry.
pub fn extract(layout: &Layout, archive: &Path, target: &Path) -> Result<()> {
    fs::create_dir(target).map_err(|error| CannotWrite::new(target, error))?;
    let mut unpacking = Unpacking { layout, target, n_entries: 0, n_bytes: 0 };
    let file = BufReader::new(File::open(archive).with_context(|| format!("{}: cannot be read", archive.display()))?);
    match layout.format {
        Format::TarGz => tar_gz(&mut unpacking, file),
        Format::Zip => zip(&mut unpacking, file),
    }
}

/// Whether an error of [`extract`] says that the target could not be written; the archive may then be good.
pub fn is_fault_of_the_disk(error: &anyhow::Error) -> bool {
    error.is::<CannotWrite>()
}

fn tar_gz(unpacking: &mut Unpacking, file: BufReader<File>) -> Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    // The entries are raw, because the library would read long names into memory at any length that they claim.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry.context("the archive is damaged: expected gzip with tar inside")?;
        let name = entry.header().path_bytes().into_owned();
        let kind = match entry.header().entry_type() {
            EntryType::Regular if name.ends_with(b"/") => Kind::Folder,
            EntryType::Regular => Kind::File,
            EntryType::Directory => Kind::Folder,
            // These entries hold times and the like. No set needs any of the information that they can hold.
            EntryType::XHeader | EntryType::XGlobalHeader => {
                unpacking.count(&name, entry.size())?;
                continue;
            }
            EntryType::Link => Kind::Refused("a hard link"),
            EntryType::Symlink => Kind::Refused("a symbolic link"),
            EntryType::Char | EntryType::Block => Kind::Refused("a device"),
            EntryType::Fifo => Kind::Refused("a pipe"),
            _ => Kind::Refused("of an unknown kind"),
        };
        unpacking.unpack(&name, kind, entry.size(), &mut entry)?;
    }
    Ok(())
}

fn zip(unpacking: &mut Unpacking, file: BufReader<File>) -> Result<()> {
    let mut archive = ZipArchive::new(file).context("the archive is damaged: expected zip")?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).with_context(|| format!("the archive is damaged at entry {index}"))?;
        let name = entry.name_raw().to_owned();
        // The kind of file in Unix terms; 0 if the archive was made on another system.
        let kind = match entry.unix_mode().unwrap_or(0) & 0o170_000 {
            0o040_000 => Kind::Folder,
            0 | 0o100_000 if name.ends_with(b"/") => Kind::Folder,
            0 | 0o100_000 => Kind::File,
            0o120_000 => Kind::Refused("a symbolic link"),
            _ => Kind::Refused("a device or a pipe"),
        };
        let size = entry.size();
        unpacking.unpack(&name, kind, size, &mut entry)?;
    }
    Ok(())
}

struct Unpacking<'a> {
    layout: &'a Layout,
    target: &'a Path,
    n_entries: u64,
    n_bytes: u64,
}

impl Unpacking<'_> {
    /// Counts an entry of `size` bytes against the limits, before anything is read from it.
    fn count(&mut self, name: &[u8], size: u64) -> Result<()> {
        let limits = self.layout.limits;
        self.n_entries += 1;
        self.n_bytes = self.n_bytes.saturating_add(size);
        let name = shown(name);
        ensure!(
            self.n_entries <= limits.entries,
            "entry `{name}`: it is entry number {}, expected at most {}",
            self.n_entries,
            limits.entries
        );
        ensure!(
            self.n_bytes <= limits.bytes,
            "entry `{name}`: with it the archive holds {} bytes, expected at most {}",
            self.n_bytes,
            limits.bytes
        );
        Ok(())
    }

    fn unpack(&mut self, name: &[u8], kind: Kind, size: u64, content: &mut impl Read) -> Result<()> {
        self.count(name, size)?;
        let path = inner_path(name)?;
        let name = shown(name);
        if let Kind::Refused(what) = kind {
            bail!("entry `{name}`: it is {what}, expected a file or a folder");
        }
        if path.iter().any(|part| self.layout.left_out.iter().any(|left_out| part == *left_out)) {
            return Ok(());
        }
        // Many archives begin with `.`, which can only be a folder.
        let is_all = path.as_os_str().is_empty() && kind == Kind::Folder;
        ensure!(
            path.starts_with(self.layout.folder) || is_all,
            "entry `{name}`: expected a path below `{}`",
            self.layout.folder
        );
        let path = self.target.join(path);
        if kind == Kind::Folder {
            return make_folder(&name, &path);
        }
        make_folder(&name, path.parent().unwrap_or(self.target))?;
        let file = match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("entry `{name}`: the archive has it twice");
            }
            file => file.map_err(|error| CannotWrite::new(&path, error))?,
        };
        write(&name, size, content, file, &path)
    }
}

fn make_folder(name: &str, path: &Path) -> Result<()> {
    match fs::create_dir_all(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory) => {
            bail!("entry `{name}`: it needs a folder where the archive has a file")
        }
        made => Ok(made.map_err(|error| CannotWrite::new(path, error))?),
    }
}

/// Writes a file of exactly `size` bytes.
fn write(name: &str, size: u64, content: &mut impl Read, mut file: File, path: &Path) -> Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut written = 0;
    loop {
        // The content is read to the end, because a zip's checksum is compared there.
        let n = content
            .read(&mut buffer)
            .with_context(|| format!("entry `{name}`: it is damaged after {written} of {size} bytes"))?;
        if n == 0 {
            break;
        }
        written += n as u64;
        ensure!(written <= size, "entry `{name}`: it holds more than the {size} bytes that it claims");
        file.write_all(&buffer[..n]).map_err(|error| CannotWrite::new(path, error))?;
    }
    ensure!(written == size, "entry `{name}`: it ends after {written} of {size} bytes");
    Ok(file.sync_all().map_err(|error| CannotWrite::new(path, error))?)
}

/// The name of an entry for a message. Control characters could rewrite the terminal that it appears on.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).replace(char::is_control, "\u{fffd}")
}

/// The path of an entry, below the folder that the archive is unpacked into.
///
/// # Errors
/// A name that could lead elsewhere, here or on another system.
fn inner_path(name: &[u8]) -> Result<PathBuf> {
    let text = shown(name);
    let refused = || format!("entry `{text}`: expected a relative path of plain names");
    let text = str::from_utf8(name).with_context(refused)?;
    ensure!(
        name.len() <= MAX_NAME,
        "entry `{:.60}...`: its name has {} bytes, expected at most {MAX_NAME}",
        shown(name),
        name.len()
    );
    ensure!(!text.is_empty() && !text.starts_with('/') && !text.contains(['\\', ':', '\0']), refused());
    let mut path = PathBuf::new();
    for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
        ensure!(part != "..", refused());
        path.push(part);
    }
    Ok(path)
}

/// A place on this machine could not be written, which is no fault of the archive.
#[derive(Debug)]
struct CannotWrite {
    path: PathBuf,
    source: io::Error,
}

impl CannotWrite {
    fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

impl fmt::Display for CannotWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cannot be written", self.path.display())
    }
}

impl std::error::Error for CannotWrite {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
