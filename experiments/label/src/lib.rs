//! The label of a program: a name for the sources that it is built from. Its results are stored under this name.
//!
//! A build script embeds the label. It therefore names the program that runs, whatever happens to the checkout afterwards. Git
//! says which commit is checked out and which files it has. The bytes of the sources say whether they differ from that commit,
//! so no setting of git decides a label.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use sha2::{Digest, Sha256};

/// The files and folders that decide the results of the experiments: the sources of all crates in the program, the definitions,
/// and the versions and flags that they are built with.
const SOURCES: [&str; 22] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "datasets/Cargo.toml",
    "datasets/src",
    "experiments/Cargo.toml",
    "experiments/build.rs",
    "experiments/definitions",
    "experiments/program/Cargo.toml",
    "experiments/program/build.rs",
    "experiments/program/src",
    "experiments/src",
    "experiments/workflow/Snakefile",
    "results/Cargo.toml",
    "results/src",
    "rust-toolchain.toml",
    "smash/Cargo.toml",
    "smash/kernels/Cargo.toml",
    "smash/kernels/src",
    "smash/space/Cargo.toml",
    "smash/space/src",
    "smash/src",
];

/// The label of some sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The first twelve digits of the commit. If the sources differ from it, a hyphen and eight digits of their digest follow.
    /// If git names no commit, this is `unknown`, a hyphen and the digest.
    pub name: String,
    /// Git's reason, in one line, if it names no commit.
    pub problem: Option<String>,
    /// The files and folders whose change may change the label.
    pub watched: Vec<PathBuf>,
}

/// The label of the sources in a checkout.
///
/// # Errors
/// A source that cannot be read.
pub fn of(root: &Path) -> io::Result<Label> {
    let files = sources(root)?;
    let digest = digest(root, &files)?;
    let mut watched: Vec<PathBuf> = SOURCES.iter().map(|source| root.join(source)).collect();
    watched.extend(files_of_head(root).unwrap_or_default());
    watched.retain(|path| path.exists());
    let (name, problem) = match head(root, &files) {
        Ok((commit, true)) => (commit, None),
        Ok((commit, false)) => (format!("{commit}-{digest}"), None),
        Err(error) => (format!("unknown-{digest}"), Some(error.to_string())),
    };
    let repository = root.join(".git");
    if problem.is_some() && repository.exists() {
        // Git may be able to read this repository at the next build. Cargo always takes a missing file for changed.
        watched.push(repository.join("missing"));
    }
    Ok(Label { name, problem, watched })
}

/// The label that a user gives to a program, as for sources without git.
///
/// # Errors
/// A name that could be no commit.
pub fn given(name: &str) -> io::Result<Label> {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    match is_name {
        true => Ok(Label { name: name.to_owned(), problem: None, watched: Vec::new() }),
        false => Err(io::Error::other(format!("SMASH_COMMIT: `{name}`: expected a commit, such as 0123456789ab"))),
    }
}

/// The output of git in the folder of a repository, without the end of the line.
///
/// Git reads only this repository: no variable of the environment names another one, and git looks no folder further up.
///
/// # Errors
/// Git cannot be started, or fails; the error gives its reason in one line.
pub fn git(folder: &Path, arguments: &[&str]) -> io::Result<String> {
    let failed = |reason: &dyn std::fmt::Display| io::Error::other(format!("git {}: {reason}", arguments[0]));
    let folder = folder.canonicalize().map_err(|error| failed(&format!("{}: {error}", folder.display())))?;
    let mut command = Command::new("git");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    // A folder of this list is not searched for a repository, nor are those above it.
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(&folder));
    command.env("LC_ALL", "C");
    let output = command.arg("-C").arg(&folder).args(arguments).output();
    let output = output.map_err(|error| failed(&format!("cannot be started: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        return Err(match lines.is_empty() {
            true => failed(&output.status),
            false => failed(&lines.join("; ")),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().into())
}

/// The commit that is checked out, and whether the sources are those of the commit.
fn head(root: &Path, files: &[String]) -> io::Result<(String, bool)> {
    let commit = git(root, &["rev-parse", "--verify", "HEAD"])?;
    let listing = git(root, &[&["ls-tree", "-r", "-z", commit.as_str(), "--"][..], &SOURCES].concat())?;
    // A line is `MODE TYPE ID<tab>PATH`.
    let committed = listing.split('\0').filter_map(|line| line.split_once('\t'));
    let committed: BTreeMap<&str, &str> = committed
        .filter(|(_, path)| is_source(path))
        .filter_map(|(object, path)| Some((path, object.rsplit(' ').next()?)))
        .collect();
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let found = git(root, &[&["hash-object", "--no-filters", "--"][..], &names].concat())?;
    let found: BTreeMap<&str, &str> = names.into_iter().zip(found.lines()).collect();
    Ok((commit[..12].to_owned(), found == committed))
}

/// The files that change when another commit is checked out or made. Some may be missing.
fn files_of_head(root: &Path) -> io::Result<Vec<PathBuf>> {
    let place = |name: &str| git(root, &["rev-parse", "--git-path", name]).map(|path| root.join(path));
    let mut files = vec![place("HEAD")?];
    // If this fails, HEAD itself holds the commit.
    if let Ok(branch) = git(root, &["symbolic-ref", "--quiet", "HEAD"]) {
        let branch = place(&branch)?;
        if !branch.exists() {
            // Other files hold the branch, and its next commit may make a file of its own.
            files.push(place("packed-refs")?);
            files.push(root.join(git(root, &["rev-parse", "--git-common-dir"])?).join("reftable"));
            files.extend(branch.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf));
        }
        files.push(branch);
    }
    Ok(files)
}

/// The sources, as sorted paths below the root.
fn sources(root: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut open: Vec<String> = SOURCES.map(str::to_owned).into();
    while let Some(place) = open.pop() {
        let path = root.join(&place);
        if path.is_dir() {
            let entries = fs::read_dir(&path).map_err(|error| in_file(&path, &error))?;
            for entry in entries {
                let name = entry.map_err(|error| in_file(&path, &error))?.file_name();
                open.push(format!("{place}/{}", name.to_string_lossy()));
            }
        } else if is_source(&place) && path.exists() {
            files.push(place);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file below [`SOURCES`] is one of them. Editors put other files beside them, such as `.main.rs.swp`.
fn is_source(path: &str) -> bool {
    let is_hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    SOURCES.contains(&path) || (!is_hidden && [".rs", ".toml"].iter().any(|end| path.ends_with(end)))
}

/// Eight digits of the SHA-256 of some files and their names.
fn digest(root: &Path, files: &[String]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        let path = root.join(file);
        let bytes = fs::read(&path).map_err(|error| in_file(&path, &error))?;
        hash.update(format!("{file}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    Ok(hex::encode(hash.finalize())[..8].to_owned())
}

fn in_file(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
