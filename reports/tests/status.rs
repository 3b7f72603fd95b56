//! `reports status` through the binary, on a complete, an interrupted, a running and a damaged run.

#[allow(dead_code, reason = "this file needs runs without tables")]
mod made_up;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use made_up::open_run;
use results::store::manifest::RunStatus;

const DEFINITION: &str = "[study]\nkind = 'correlation'\n";

fn status(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reports"));
    command.arg("status").arg("--results").arg(root).args(arguments).output().unwrap()
}

#[test]
fn each_run_has_a_line_with_its_state() {
    let root = tempfile::tempdir().unwrap();
    let runs = [0, 1, 2, 3].map(|seed| open_run(root.path(), "fig4", seed, DEFINITION));
    for run in &runs[1..3] {
        let mut manifest = run.read_manifest().unwrap();
        (manifest.status, manifest.end, manifest.units) = (RunStatus::Running, None, Some(7));
        run.write_manifest(&manifest).unwrap();
    }
    for file in ["truth-0.parquet", "truth-0.seconds", "truth-1.parquet", "truth-1.seconds", "truth-2.seconds"] {
        fs::write(runs[1].unit_path(file), "1").unwrap();
    }
    let _lock = runs[2].lock_alone().unwrap();
    assert_eq!(status(root.path(), &[]).status.code(), Some(0));
    fs::write(runs[3].manifest_path(), "seed = 3").unwrap();

    let output = status(root.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    for (line, words) in
        lines.iter().zip(["state", "complete", "interrupted  2 of 7", "running      0 of 7", "damaged"])
    {
        assert!(line.starts_with(words), "{text}");
    }
    assert!(lines[4].contains("seed-3/manifest.toml: damaged: "), "{text}");

    let printed: serde_json::Value = serde_json::from_slice(&status(root.path(), &["--json"]).stdout).unwrap();
    let states: Vec<&str> = printed.as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["complete", "interrupted", "running", "damaged"]);
    assert_eq!(printed[1]["units_done"], 2);
    assert_eq!(printed[1]["units"], 7);
    assert!(printed[3]["problem"].as_str().unwrap().contains("manifest.toml"), "{printed}");
}

#[test]
fn a_folder_without_runs_is_no_error() {
    let root = tempfile::tempdir().unwrap();
    let output = status(&root.path().join("none"), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("none: no run is stored there\n"));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_number_of_threads_is_one_error() {
    let root = tempfile::tempdir().unwrap();
    for (variable, value) in [("RAYON_NUM_THREADS", "0"), ("RAYON_NUM_THREADS", "x"), ("POLARS_MAX_THREADS", "1000000")]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reports"));
        let output = command.args(["status", "--results"]).arg(root.path()).env(variable, value).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.lines().count() == 1, "{text}");
        assert!(text.starts_with(&format!("error: {variable}={value}: expected ")), "{text}");
    }
}
