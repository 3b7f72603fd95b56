//! The label of a program, through the binary: its results have this label, whatever happens to the checkout and to its file.

mod binary;

use std::fs;
use std::process::Command;

use binary::{error_of, experiments, files, succeeded, tables};
use results::Manifest;

/// The label that `--version` prints.
fn label() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_experiments")).arg("--version").output().unwrap();
    succeeded(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    let start = format!("experiments {} (commit ", env!("CARGO_PKG_VERSION"));
    let label = text.strip_prefix(&start).and_then(|rest| rest.split_once(", features: "));
    let (label, features) = label.unwrap_or_else(|| panic!("{text}"));
    assert!(features.ends_with(")\n"), "{text}");
    label.to_owned()
}

#[test]
fn results_have_the_label_of_the_program() {
    let label = label();
    let (commit, digest) = label.split_once('-').map_or((label.as_str(), None), |(commit, rest)| (commit, Some(rest)));
    assert!(!commit.is_empty() && digest.is_none_or(|digest| digest.len() == 8), "{label}");
    let folder = tempfile::tempdir().unwrap();
    let mut run = experiments(folder.path(), &["fig1"]);
    // Neither variables for git nor a missing git change anything.
    run.env("GIT_DIR", folder.path()).env("GIT_WORK_TREE", folder.path()).env("PATH", "");
    succeeded(&run.current_dir(folder.path()).output().unwrap());
    let manifest = files(folder.path()).into_iter().find(|file| file.ends_with("manifest.toml")).unwrap();
    let place = manifest.display().to_string();
    let manifest = Manifest::read(&manifest).unwrap();
    assert_eq!((manifest.commit, manifest.dirty), (label.clone(), digest.is_some()));
    let mark = if digest.is_some() { "-dirty" } else { "" };
    assert!(place.contains(&format!("/{label}{mark}/")), "{place}");
}

#[test]
fn a_part_of_a_run_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let part = ["fig1", "--part-of=ffffffffffff,false,d2", "--tables"];
    let error = error_of(&mut experiments(folder.path(), &part));
    assert!(error.contains(&format!("commit {}, ", label())) && error.contains("commit ffffffffffff"), "{error}");
    assert!(files(folder.path()).is_empty());
}

/// A build may replace the file of a program while it runs.
#[cfg(target_os = "linux")]
#[test]
fn a_run_goes_on_with_its_own_program_after_the_file_was_replaced() {
    use std::os::unix::fs::PermissionsExt;

    // In this folder the program's file can have another name.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| folder.path().join(name);
    let arguments = ["fig4", "--jobs", "2"];
    succeeded(&experiments(&at("whole"), &arguments).output().unwrap());
    let expected = tables(&at("whole"));
    let other = at("other");
    for is_removed in [false, true] {
        let program = at(if is_removed { "to-remove" } else { "to-replace" });
        fs::hard_link(env!("CARGO_BIN_EXE_experiments"), &program).unwrap();
        fs::write(&other, "#!/bin/sh\nexit 3\n").unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
        let results = at(if is_removed { "removed" } else { "replaced" });
        let named = experiments(&results, &arguments);
        let mut run = Command::new(&program);
        run.args(named.get_args()).env_remove("SMASH_DATA_DIR");
        // The program runs once it has been started, and starts its workers later.
        let mut run = run.spawn().unwrap();
        match is_removed {
            true => fs::remove_file(&program).unwrap(),
            false => fs::rename(&other, &program).unwrap(),
        }
        assert!(run.wait().unwrap().success());
        assert_eq!(tables(&results), expected);
    }
}
