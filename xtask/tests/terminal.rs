//! Tests of what the binary prints, and of readers that leave.

use std::process::{Command, Stdio};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env_remove("SMASH_DATA_DIR").env_remove("SMASH_DEFINITIONS");
    command
}

#[test]
fn a_reader_that_leaves_ends_a_listing_quietly() {
    let mut list = xtask(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_listing_that_cannot_be_stored_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = xtask(&["list"]).stdout(full).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with("error: standard output: cannot be written: ") && text.lines().count() == 1, "{text}");
}

#[test]
fn the_secrets_of_an_address_are_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let url = "http://me:pass@127.0.0.1:1/archive?token=secret";
    let output = xtask(&["fetch", "cifar10", "--data-dir", data_dir, "--url", url]).output().unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success());
    assert!(printed.contains("http://***@127.0.0.1:1/archive?***"), "{printed}");
    assert!(!printed.contains("pass") && !printed.contains("secret"), "{printed}");
}

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef xtask"), ("fish", "complete -c xtask")] {
        let output = xtask(&["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains(mark), "{shell}: {script}");
        for word in ["reproduce", "gpu-check", "engine", "encoding-corruption", "laptop", "modelnet10-voxels", "wgpu"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    assert!(!xtask(&["completions", "abacus"]).output().unwrap().status.success());
}

#[test]
fn the_list_as_json_has_the_artefacts_of_the_list() {
    let output = xtask(&["list", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["artefact"].as_str().unwrap()).collect();
    let text = String::from_utf8(xtask(&["list"]).output().unwrap().stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, lines);
    let find = |name: &str| listed.as_array().unwrap().iter().find(|one| one["artefact"] == name).unwrap();
    assert_eq!(find("fig4")["paper"], "section 4.1, figure 4");
    assert!(find("rivals")["paper"].is_null());
}
