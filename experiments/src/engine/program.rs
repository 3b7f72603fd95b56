//! The program of this process: its label, and its file, from which it starts workers.
//!
//! A build may replace the file at any time. A worker must not run another program than its starter.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::provenance::sha256;

/// The kernel's link to the file that a process runs. On Linux it leads there even after the file was replaced or removed.
const RUNNING: &str = "/proc/self/exe";

/// The program of this process.
#[derive(Clone, Debug)]
pub struct Program {
    /// Name of the sources that it was built from.
    pub label: &'static str,
    /// Where it was started from.
    file: PathBuf,
    /// Digest of the file, where no link leads to the running program.
    digest: Option<String>,
}

impl Program {
    /// The program that runs, with its label. Called once, before any work, so that a later change of the file is found.
    ///
    /// # Errors
    /// A file that cannot be found or read.
    pub fn running(label: &'static str) -> Result<Self> {
        let file = env::current_exe().context("the path of this program is not known")?;
        let digest = if cfg!(target_os = "linux") { None } else { Some(digest(&file)?) };
        Ok(Self { label, file, digest })
    }

    /// A command that starts this very program, without arguments yet.
    ///
    /// # Errors
    /// The file was replaced, and this system has no other way to the program.
    pub fn command(&self) -> Result<Command> {
        if self.digest.is_none() {
            #[allow(unused_mut, reason = "only Linux gets here")]
            let mut command = Command::new(RUNNING);
            // Lists of processes show this name.
            #[cfg(target_os = "linux")]
            std::os::unix::process::CommandExt::arg0(&mut command, &self.file);
            return Ok(command);
        }
        Ok(Command::new(self.path()?))
    }

    /// The path of the program, for processes that start later.
    ///
    /// # Errors
    /// The file was replaced or removed.
    pub fn path(&self) -> Result<&Path> {
        let is_same = match &self.digest {
            Some(known) => digest(&self.file).is_ok_and(|digest| digest == *known),
            None => env::current_exe().is_ok_and(|file| file == self.file) && self.file.is_file(),
        };
        ensure!(
            is_same,
            "{}: this program was replaced or removed since the run started, so it cannot be started again; run the command again",
            self.file.display()
        );
        Ok(&self.file)
    }
}

fn digest(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    Ok(sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_link_a_replaced_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        fs::write(&file, "old").unwrap();
        let program = Program { label: "a1", file: file.clone(), digest: Some(digest(&file).unwrap()) };
        assert_eq!(program.command().unwrap().get_program(), file);
        assert_eq!(program.path().unwrap(), file);
        fs::write(&file, "new").unwrap();
        let errors = [program.command().unwrap_err(), program.path().unwrap_err()];
        fs::remove_file(&file).unwrap();
        for error in errors.into_iter().chain([program.path().unwrap_err()]) {
            let text = error.to_string();
            assert!(text.starts_with(&file.display().to_string()) && text.contains("replaced"), "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_link_leads_to_the_running_program() {
        let program = Program::running("a1").unwrap();
        assert_eq!(program.command().unwrap().get_program(), RUNNING);
        assert_eq!(fs::canonicalize(RUNNING).unwrap(), fs::canonicalize(program.path().unwrap()).unwrap());
    }
}
