//! Cargo runs a build script again whenever the label may have changed, and not otherwise.

use std::fs;
use std::path::Path;
use std::process::Command;

use experiments_label::git;

/// Watches the paths in a file, and notes each run in another.
const SCRIPT: &str = r#"
use std::{env, fs, io::Write};
fn main() {
    for path in fs::read_to_string(env::var("WATCHED").unwrap()).unwrap().lines() {
        println!("cargo::rerun-if-changed={path}");
    }
    let runs = fs::File::options().create(true).append(true).open(env::var("RUNS").unwrap());
    runs.unwrap().write_all(b"1").unwrap();
}
"#;

#[test]
fn cargo_asks_for_the_label_after_each_commit_and_each_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let root = at("root");
    let write = |file: &str, text: &str| {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        fs::write(root.join(file), text).unwrap();
    };
    write("experiments/src/lib.rs", "");
    // This package stands for the one that embeds the label.
    write("Cargo.toml", "[workspace]\n[package]\nname = \"program\"\nedition = \"2024\"\n");
    write("build.rs", SCRIPT);
    write("src/lib.rs", "");
    git(&root, &["init", "--quiet"]).unwrap();
    let commit = || {
        git(&root, &["add", "--all"]).unwrap();
        let user = ["-c", "user.name=n", "-c", "user.email=e"];
        git(&root, &[&user[..], &["commit", "--quiet", "--message=m"]].concat()).unwrap();
    };
    commit();
    // Returns whether the build ran the script.
    let build = || {
        let label = experiments_label::of(&root).unwrap();
        let watched: Vec<String> = label.watched.iter().map(|path| path.display().to_string()).collect();
        fs::write(at("watched"), watched.join("\n")).unwrap();
        let runs = || fs::read(at("runs")).unwrap_or_default().len();
        let before = runs();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--quiet", "--offline", "--target-dir"]).arg(at("target")).current_dir(&root);
        cargo.env("WATCHED", at("watched")).env("RUNS", at("runs")).env_remove("RUSTFLAGS");
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        runs() > before
    };
    assert!(build(), "the first build");
    assert!(!build(), "nothing has changed");
    write("README.md", "words");
    assert!(!build(), "a file that is no source");
    commit();
    assert!(build(), "a commit without a change of the sources");
    git(&root, &["pack-refs", "--all"]).unwrap();
    build();
    assert!(!build(), "nothing has changed");
    write("README.md", "other words");
    commit();
    assert!(build(), "a commit after git has packed its references");
    write("experiments/src/lib.rs", "//! Changed.");
    assert!(build(), "a changed source");
    write("experiments/src/new.rs", "");
    assert!(build(), "a new source");
    fs::remove_file(Path::new(&root).join("experiments/src/new.rs")).unwrap();
    assert!(build(), "a removed source");
    assert!(!build(), "nothing has changed");
}
