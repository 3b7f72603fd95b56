//! Harm for `cargo xtask soak`: to the files of a run that has ended, and to the checkout that it reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::checks::tables;

/// A way to harm the files of a run that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// A file is gone.
    Delete,
    /// Two files of one kind have each other's names.
    Swap,
    /// One bit differs.
    FlipBit,
    /// The end is missing.
    Cut,
}

pub const HARMS: [Harm; 4] = [Harm::Delete, Harm::Swap, Harm::FlipBit, Harm::Cut];

/// Harms a file of a run and says which; `None` if it has too few. The next start of the run has to notice it.
pub fn harm(folder: &Path, harm: Harm, random: &mut fastrand::Rng) -> Result<Option<String>> {
    // Nobody reads a lock, the time of a unit, or a file that was set aside.
    let is_read = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("json" | "parquet" | "safetensors" | "sha256" | "toml"))
    };
    if !folder.exists() {
        return Ok(None);
    }
    let files: Vec<PathBuf> = tables::files_below(folder, &[])?.into_iter().filter(is_read).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let chosen = files[random.usize(..files.len())].clone();
    let path = folder.join(&chosen);
    let mut bytes = fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let words = match harm {
        Harm::Delete => {
            fs::remove_file(&path)?;
            format!("deleted {}", chosen.display())
        }
        Harm::Swap => {
            let alike: Vec<&PathBuf> =
                files.iter().filter(|other| **other != chosen && other.extension() == chosen.extension()).collect();
            if alike.is_empty() {
                return Ok(None);
            }
            let other = alike[random.usize(..alike.len())];
            fs::write(&path, fs::read(folder.join(other))?)?;
            fs::write(folder.join(other), bytes)?;
            format!("swapped {} and {}", chosen.display(), other.display())
        }
        Harm::FlipBit => {
            let bit = random.usize(..8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes)?;
            format!("flipped bit {bit} of {}", chosen.display())
        }
        Harm::Cut => {
            bytes.truncate(random.usize(..bytes.len()));
            fs::write(&path, &bytes)?;
            format!("cut {} to {} bytes", chosen.display(), bytes.len())
        }
    };
    Ok(Some(words))
}

/// Edits a file of the checkout for one start, which must refuse it with one error that names the file. False if a run does not
/// read the file.
pub fn is_refused(start: impl Fn() -> Result<Command>, file: &Path) -> Result<bool> {
    let bytes = fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    fs::write(file, [&bytes[..], b"\n# edited\n"].concat())?;
    // A plan ends at once. It reads the same files.
    let is_read = errors(start()?.arg("--plan"))?.is_some();
    let refused = if is_read { errors(&mut start()?)? } else { None };
    fs::write(file, bytes)?;
    if !is_read {
        return Ok(false);
    }
    let name = file.file_name().unwrap_or_default().display().to_string();
    let is_named = |errors: &Vec<String>| errors.len() == 1 && errors[0].contains(&name);
    ensure!(
        refused.as_ref().is_some_and(is_named),
        "{}: edited, so a start must end with one error that names it; found {refused:?}",
        file.display()
    );
    Ok(true)
}

/// The errors that a command prints; `None` if it succeeds.
fn errors(command: &mut Command) -> Result<Option<Vec<String>>> {
    let output = command.stdout(Stdio::null()).output().context("the program cannot be started")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let errors = text.lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect();
    Ok((!output.status.success()).then_some(errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_harm_changes_files_that_a_run_reads() {
        let folder = tempfile::tempdir().unwrap();
        let mut random = fastrand::Rng::with_seed(0);
        assert_eq!(harm(&folder.path().join("none"), Harm::Delete, &mut random).unwrap(), None);
        fs::write(folder.path().join("lock"), "lock").unwrap();
        assert_eq!(harm(folder.path(), Harm::Delete, &mut random).unwrap(), None);
        let state = || ["a.toml", "b.toml"].map(|name| fs::read_to_string(folder.path().join(name)).ok());
        for each in HARMS {
            fs::write(folder.path().join("a.toml"), "first").unwrap();
            fs::write(folder.path().join("b.toml"), "other one").unwrap();
            let before = state();
            let words = harm(folder.path(), each, &mut random).unwrap().unwrap();
            assert!(words.contains(".toml"), "{words}");
            assert_ne!(state(), before, "{words}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_edited_file_is_refused_by_name_or_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, "good").unwrap();
        let shell = |script: &'static str| {
            let place = file.clone();
            move || {
                let mut command = Command::new("sh");
                command.args(["-c", script, "sh"]).arg(&place);
                Ok(command)
            }
        };
        let is_edited = "grep -q edited $1 && { echo \"error: $1: edited\" >&2; exit 1; }; true";
        assert!(is_refused(shell(is_edited), &file).unwrap());
        assert!(!is_refused(shell("true"), &file).unwrap());
        for script in ["echo 'error: no' >&2; exit 1", "exit 1", "printf 'error: a.toml\\nerror: b\\n' >&2; exit 1"] {
            let error = is_refused(shell(script), &file).unwrap_err().to_string();
            assert!(error.contains("a.toml: edited, so a start must end with one error"), "{error}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "good");
    }
}
