//! The notebook `docs/results.ipynb`: it stores no outputs, and gives the τ of `reports stats`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Runs the notebook, and prints the text of its outputs.
const RUN: &str = "
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=300, resources={'metadata': {'path': sys.argv[2]}}).execute()
outputs = [output for cell in notebook.cells for output in cell.get('outputs', [])]
print(''.join(output.get('text', '') for output in outputs))
print('figures:', sum('image/png' in output.get('data', {}) for output in outputs))
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_notebook_stores_no_outputs() {
    let text = fs::read_to_string(root().join("docs/results.ipynb")).unwrap();
    let notebook: Value = serde_json::from_str(&text).unwrap();
    let cells = notebook["cells"].as_array().unwrap();
    let code: Vec<&Value> = cells.iter().filter(|cell| cell["cell_type"] == "code").collect();
    assert!(code.len() > 3);
    for cell in code {
        assert!(cell["outputs"].as_array().unwrap().is_empty() && cell["execution_count"].is_null(), "{cell}");
    }
}

#[test]
fn the_notebook_gives_the_published_tau() {
    let packages = "import ipykernel, matplotlib, nbclient, polars, scipy";
    let there = Command::new("python3").args(["-c", packages]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: `python3` has no ipykernel, matplotlib, nbclient, polars and scipy");
        return;
    }
    let docs = root().join("docs");
    let mut python = Command::new("python3");
    let output = python.args(["-c", RUN]).arg(docs.join("results.ipynb")).arg(&docs).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut stats = Command::new(env!("CARGO_BIN_EXE_reports"));
    stats.args(["stats", "--artefact", "fig4", "--scale", "laptop", "--dataset", "shapes"]);
    stats.args(["--x", "score_error", "--y", "true_error", "--resamples", "100", "--json", "--results"]);
    let output = stats.arg(root().join("results/baselines")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tau = found["statistics"][0]["value"].as_f64().unwrap();
    assert!(text.contains(&format!("mean τ = {tau:+.3}, n = ")), "{tau}: {text}");
    assert!(text.ends_with("figures: 1\n"), "{text}");
}
