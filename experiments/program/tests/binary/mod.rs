//! The binary, and the files that it leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A command that runs at smoke scale and stores results in a folder.
pub fn experiments(results: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
    command.args(["run", "--scale", "smoke", "--results"]).arg(results).args(arguments);
    in_clean_environment(command)
}

/// A command of the binary other than `run`.
#[allow(dead_code, reason = "not every test file uses it")]
pub fn other(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
    command.args(arguments);
    in_clean_environment(command)
}

fn in_clean_environment(mut command: Command) -> Command {
    command.env_remove("SMASH_DATA_DIR").env_remove("SMASH_DEFINITIONS");
    command
}

/// All files below a folder.
#[allow(dead_code, reason = "not every test file uses it")]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// All Parquet files of the seed folders, by their path below the results folder, without the outputs of units.
#[allow(dead_code, reason = "not every test file uses it")]
pub fn tables(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_table = |file: &PathBuf| {
        let of_unit = file.parent().unwrap().ends_with("units");
        file.extension().is_some_and(|extension| extension == "parquet") && !of_unit
    };
    let stored = files(folder).into_iter().filter(is_table);
    let relative = |file: &Path| file.strip_prefix(folder).unwrap().to_path_buf();
    stored.map(|file| (relative(&file), std::fs::read(file).unwrap())).collect()
}

/// The bytes of a table without identity and seal, which differ between definitions.
#[allow(dead_code, reason = "not every test file uses it")]
pub fn without_identity(bytes: &[u8]) -> Vec<u8> {
    let place = |mark: &[u8]| bytes.windows(mark.len()).rposition(|window| window == mark).unwrap();
    let (identity, seal) = (place(b"smash-identity:"), place(b"smash-sha256:"));
    [&bytes[..identity], &bytes[seal + b"smash-sha256:".len() + 64..]].concat()
}

/// Panics with the error output of a command that failed.
pub fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The one line that a failing command prints, besides a warning that git named no commit when the tests were built.
pub fn error_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?} succeeded");
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("warning: git names no commit")).collect();
    assert_eq!(lines.len(), 1, "one line, found: {text}");
    lines[0].to_owned()
}
