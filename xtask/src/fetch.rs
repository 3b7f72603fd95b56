//! `cargo xtask fetch`: downloads the official files of a data set to where the experiments read them.
//!
//! It works in a folder `.fetch-SET` inside the data folder. The next call resumes the work of an interrupted one. At the end, it
//! renames the finished set into its place and removes the folder with the archive.

mod download;
mod extract;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use md5::{Digest, Md5};

use self::extract::{Format, Layout, Limits};
use crate::{errln, outln};

/// What to fetch, and where to put it.
#[derive(clap::Args)]
pub struct Args {
    /// Data set to fetch.
    #[arg(value_parser = ["cifar10", "cifar100", "stl10", "modelnet10", "imagenet32"])]
    set: String,
    /// Folder to put the data set into [default: SMASH_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Another URL of the official archive.
    #[arg(long)]
    url: Option<String>,
}

/// A data set that is published as one archive.
struct Set {
    name: &'static str,
    url: &'static str,
    /// Size of the archive in bytes.
    bytes: u64,
    /// Published digest of the archive in hexadecimal, if there is one.
    md5: Option<&'static str>,
    layout: Layout,
    contents: Contents,
}

/// The files that a complete set has.
enum Contents {
    /// Names below the folder of the set, and sizes in bytes if they are known.
    Files(&'static [(&'static str, Option<u64>)]),
    /// Number of meshes in `CLASS/train` and `CLASS/test`.
    Meshes(usize),
}

const CIFAR10_FILE: Option<u64> = Some(10_000 * 3_073);

/// CIFAR and STL-10 publish MD5 digests. The size of an archive is the size that its server announces.
const SETS: [Set; 4] = [
    Set {
        name: "cifar10",
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        md5: Some("c32a1d4ab5d03f1284b67883e8d87530"),
        layout: Layout {
            format: Format::TarGz,
            folder: "cifar-10-batches-bin",
            left_out: &[],
            limits: Limits { entries: 32, bytes: 200_000_000 },
        },
        contents: Contents::Files(&[
            ("data_batch_1.bin", CIFAR10_FILE),
            ("data_batch_2.bin", CIFAR10_FILE),
            ("data_batch_3.bin", CIFAR10_FILE),
            ("data_batch_4.bin", CIFAR10_FILE),
            ("data_batch_5.bin", CIFAR10_FILE),
            ("test_batch.bin", CIFAR10_FILE),
        ]),
    },
    Set {
        name: "cifar100",
        url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        bytes: 168_513_733,
        md5: Some("03b5dce01913d631647c71ecec9e9cb8"),
        layout: Layout {
            format: Format::TarGz,
            folder: "cifar-100-binary",
            left_out: &[],
            limits: Limits { entries: 32, bytes: 200_000_000 },
        },
        contents: Contents::Files(&[("train.bin", Some(50_000 * 3_074)), ("test.bin", Some(10_000 * 3_074))]),
    },
    Set {
        name: "stl10",
        url: "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
        bytes: 2_640_397_119,
        md5: Some("91f7769df0f17e558f3565bffb0c7dfb"),
        layout: Layout {
            format: Format::TarGz,
            folder: "stl10_binary",
            // This file has 2.8 GB of images without labels.
            left_out: &["unlabeled_X.bin"],
            limits: Limits { entries: 32, bytes: 3_200_000_000 },
        },
        contents: Contents::Files(&[
            ("train_X.bin", Some(5_000 * 27_648)),
            ("train_y.bin", Some(5_000)),
            ("test_X.bin", Some(8_000 * 27_648)),
            ("test_y.bin", Some(8_000)),
            ("fold_indices.txt", None),
        ]),
    },
    Set {
        name: "modelnet10",
        url: "http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip",
        bytes: 473_402_300,
        md5: None,
        layout: Layout {
            format: Format::Zip,
            folder: "ModelNet10",
            left_out: &["__MACOSX", ".DS_Store"],
            // The unpacked size is not published. Text of numbers compresses to about a quarter; this limit allows a sixteenth.
            limits: Limits { entries: 20_000, bytes: 8_000_000_000 },
        },
        contents: Contents::Meshes(4_899),
    },
];

/// Fetches a data set, unless it exists already.
///
/// # Errors
/// No data folder, a server that does not give the official archive, or a folder that cannot be written. An archive that is
/// damaged or not to be trusted. ImageNet32x32 is always an error, because it needs a login; the error says how to get it.
pub fn run(args: &Args) -> Result<()> {
    let data_dir = args.data_dir.clone();
    let named = || env::var_os("SMASH_DATA_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let data_dir = data_dir.or_else(named);
    let data_dir = data_dir.context("there is no data folder: expected --data-dir DIR or SMASH_DATA_DIR")?;
    let is_address = data_dir.to_string_lossy().split('/').next().is_some_and(|first| first.ends_with(':'));
    ensure!(!is_address, "{}: expected a folder of this machine for data sets", data_dir.display());
    let Some(set) = SETS.iter().find(|set| set.name == args.set) else {
        bail!(imagenet32(&data_dir));
    };
    let url = args.url.as_deref().unwrap_or(set.url);
    // The address is not repeated, because it may hold a password.
    let is_web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    ensure!(is_web, "--url: expected an address that begins with http:// or https://");
    fetch(set, url, &data_dir)
}

/// Instructions for the set that cannot be fetched.
fn imagenet32(data_dir: &Path) -> String {
    let dir = data_dir.display();
    format!(
        "imagenet32 cannot be fetched, because its terms ask for a login.\n\
         Log in at https://image-net.org/download-images.php and download, under \"Download downsampled image data\",\n\
         \"Train (32x32)\" (two parts) and \"Val (32x32)\", as npz or for Python. Unpack them to\n  \
         {dir}/Imagenet32_train/train_data_batch_1 to train_data_batch_10\n  \
         {dir}/Imagenet32_val/val_data\n\
         each with the suffix .npz, or with none for the Python form"
    )
}

fn fetch(set: &Set, url: &str, data_dir: &Path) -> Result<()> {
    let place = data_dir.join(set.layout.folder);
    if place.symlink_metadata().is_ok() {
        set.contents.check(&place).with_context(|| {
            format!("{}: it exists and is not complete; expected nothing, or all of {}", place.display(), set.name)
        })?;
        outln!("{}: complete already, nothing is fetched", place.display());
        return Ok(());
    }
    let work = data_dir.join(format!(".fetch-{}", set.name));
    fs::create_dir_all(&work).with_context(|| format!("{}: cannot be made", work.display()))?;
    // Another user may have put links here, in a data folder that users share. No file elsewhere may be overwritten.
    ensure!(!work.is_symlink(), "{}: expected a folder, found a symbolic link", work.display());
    let _lock = lock(&work)?;

    let archive = download::download(url, set.bytes, &work)?;
    let unpacked = work.join("unpacked");
    remove_folder(&unpacked)?;
    let outcome = verify(set, url, &archive).and_then(|()| {
        outln!("{}: unpacking", set.name);
        extract::extract(&set.layout, &archive, &unpacked)?;
        let folder = unpacked.join(set.layout.folder);
        set.contents.check(&folder).with_context(|| format!("{url}: the archive is not complete"))
    });
    if let Err(error) = outcome {
        // Unusable files must not be in the way of the next call. A full disk is no fault of the archive, which is then kept.
        let useless = if extract::is_fault_of_the_disk(&error) { &unpacked } else { &work };
        return Err(match remove_folder(useless) {
            Ok(()) => error,
            Err(second) => error.context(format!("{second:#}")),
        });
    }
    fs::rename(unpacked.join(set.layout.folder), &place)
        .with_context(|| format!("{}: cannot be made", place.display()))?;
    remove_folder(&work)?;
    outln!("{}: complete", place.display());
    Ok(())
}

/// A lock that keeps a second call from writing the same files, until it is dropped.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that another thread is about to start holds the file until then.
        let _ = self.0.unlock();
    }
}

fn lock(work: &Path) -> Result<Lock> {
    let path = work.join("lock");
    let file = open_to_write(&path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => bail!("{}: another call is fetching this set", path.display()),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => {
            errln!("warning: {} has no locks: start no other call for the same set", work.display());
        }
        locked => locked.with_context(|| format!("{}: cannot be locked", path.display()))?,
    }
    Ok(Lock(file))
}

/// Whether an error of locking says that the file system has no locks, such as NFS without its lock daemon.
fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}

/// Opens a file to write, with its present content. A link in its place is refused.
fn open_to_write(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    options.open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => anyhow!("{}: expected a file, found a symbolic link", path.display()),
        _ => anyhow::Error::from(error).context(format!("{}: cannot be written", path.display())),
    })
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Compares the digest, if one is published. The download has already compared the size.
fn verify(set: &Set, url: &str, archive: &Path) -> Result<()> {
    let Some(expected) = set.md5 else {
        outln!(
            "{}: no digest is published; size, the checksums inside the archive and the number of files are checked",
            set.name
        );
        return Ok(());
    };
    let mut file = File::open(archive).with_context(|| format!("{}: cannot be read", archive.display()))?;
    let mut digest = Md5::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer).with_context(|| format!("{}: cannot be read", archive.display()))?;
        if n == 0 {
            break;
        }
        digest.update(&buffer[..n]);
    }
    let found = hex::encode(digest.finalize());
    ensure!(found == expected, "{url}: its MD5 is {found}, expected {expected}; the file is removed");
    outln!("{}: MD5 {found} as published", set.name);
    Ok(())
}

impl Contents {
    /// Checks that the files of a complete set exist.
    ///
    /// # Errors
    /// A file that is missing or of another size, or another number of meshes.
    fn check(&self, folder: &Path) -> Result<()> {
        match self {
            Self::Files(files) => {
                for (name, expected) in *files {
                    let path = folder.join(name);
                    let found = fs::metadata(&path).map(|data| data.len());
                    let found = found.with_context(|| format!("{}: expected a file", path.display()))?;
                    let expected = expected.unwrap_or(found);
                    ensure!(found == expected, "{}: {found} bytes, expected {expected}", path.display());
                }
            }
            Self::Meshes(expected) => {
                let found = n_meshes(folder).with_context(|| format!("{}: cannot be read", folder.display()))?;
                ensure!(found == *expected, "{}: {found} meshes, expected {expected}", folder.display());
            }
        }
        Ok(())
    }
}

/// Number of files `CLASS/PART/*.off`, without hidden ones such as macOS adds.
fn n_meshes(folder: &Path) -> io::Result<usize> {
    let mut n = 0;
    for class in fs::read_dir(folder)? {
        let class = class?.path();
        for part in ["train", "test"].map(|part| class.join(part)) {
            if part.is_dir() {
                for file in fs::read_dir(part)? {
                    let path = file?.path();
                    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                    n += usize::from(!is_hidden && path.extension().is_some_and(|extension| extension == "off"));
                }
            }
        }
    }
    Ok(n)
}

/// A progress bar of bytes on standard error; indicatif draws nothing if that is not a terminal.
fn bytes_bar(total: u64) -> ProgressBar {
    let style = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go";
    ProgressBar::new(total).with_style(ProgressStyle::with_template(style).expect("the template is well formed"))
}
