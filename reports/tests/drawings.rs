//! Tests of drawings of architectures, from stored runs and from files.

mod made_up;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use made_up::{newest, open_run, write};
use reports::figure::{self, Look};
use reports::picture::Format;
use results::{CandidateRow, DrawingRow, EncodingCellRow, Status};

const BLOCK: &str = r#"{"bank_size":1,"ops":[
    {"reads":[0,1],"writes":[2],"units":1,"convs":[{"kernel":[3,3],"dilation":[2,2],"groups":1},null,null,null]},
    {"reads":[2],"writes":[0],"units":1,"convs":[{"kernel":[3,3],"dilation":[1,1],"groups":1},null,null,null]}]}"#;

fn json() -> String {
    format!(r#"{{"version":1,"blocks":[{BLOCK},{BLOCK}]}}"#)
}

fn draw(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reports")).current_dir(folder).arg("draw").args(arguments).output().unwrap()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Names of the files in a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn studies_of_drawings_are_figures() {
    let root = tempfile::tempdir().unwrap();
    let definition =
        |kind: &str| format!("[figure]\nkind = \"{kind}\"\ntitle = \"Two blocks\"\n[study]\nkind = \"drawing\"\n");
    let rows = [DrawingRow {
        seed: 0,
        drawing: "sample 0".into(),
        json: json(),
        base_channels: 6,
        width: 1,
        encoding_channels: Some(4),
        encoding_units: Some(1),
        encoding_slices: Some(6),
    }];
    let cells =
        [EncodingCellRow { seed: 0, drawing: "sample 0".into(), part: "reads".into(), channel: 1, unit: 0, slice: 5 }];
    for (artefact, kind) in [("fig1", "memory-banks"), ("fig3", "encoding")] {
        let dir = open_run(root.path(), artefact, 0, &definition(kind));
        write(&dir, &rows);
        write(&dir, &cells);
        let artefact = newest(root.path(), artefact).unwrap();
        let svg = String::from_utf8(figure::svg(&artefact).unwrap()).unwrap();
        let parts: &[&str] = match kind {
            "encoding" => {
                &["Two blocks", "fig3 · laptop scale", "sample 0: graph", "reads", "6 slices of input channels"]
            }
            _ => &["Two blocks", "each of 2 blocks", "op 1: N = 6", "3x3, d 2"],
        };
        for part in parts {
            assert!(svg.contains(part), "no `{part}` in\n{svg}");
        }
        // Without a title, nothing else is lost.
        let bare = figure::picture(&artefact, Look { with_title: false, ..Look::default() }).unwrap();
        let bare = String::from_utf8(bare.bytes(Format::Svg).unwrap()).unwrap();
        assert!(!bare.contains("Two blocks") && bare.contains(parts[parts.len() - 1]), "{bare}");
    }
}

#[test]
fn a_file_is_drawn_as_network_and_block_by_block() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::write(folder.path().join("found.json"), json()).unwrap();
    let base = ["found.json", "--out", "out"];
    let run = |more: &[&str]| draw(folder.path(), &[&base, more].concat());
    assert!(run(&[]).status.success());
    assert_eq!(files(&out), ["found-network.dot", "found-network.svg"]);
    assert!(run(&["--block", "1", "--format", "png", "--format", "pdf"]).status.success());
    assert!(run(&["--expanded", "--format", "dot", "--base-channels", "6"]).status.success());
    let expected = [
        "found-block-0.dot",
        "found-block-1.dot",
        "found-block-1.pdf",
        "found-block-1.png",
        "found-network.dot",
        "found-network.svg",
    ];
    assert_eq!(files(&out), expected);
    let dot = fs::read_to_string(out.join("found-block-1.dot")).unwrap();
    assert!(dot.contains("3x3, d 2\\nN = 6"), "{dot}");
    fs::write(folder.path().join("marked.json"), format!("\u{feff}{}", json())).unwrap();
    assert!(draw(folder.path(), &["marked.json", "--out", "marked"]).status.success());
}

#[test]
fn the_best_of_each_search_is_drawn() {
    let root = tempfile::tempdir().unwrap();
    let definition = "[study]\nkind = \"search\"\n[[study.searches]]\nname = \"SMASHv1\"\nspace = { base-channels = 6, width = 1 }\n";
    let dir = open_run(root.path(), "appendix-e", 0, definition);
    let row = |search: &str, index, error, json: &str| CandidateRow {
        seed: 0,
        search: search.into(),
        stage: "random".into(),
        index,
        hash: String::new(),
        canonical: None,
        json: json.into(),
        parameters: 1,
        error: Some(error),
        status: Status::Ok,
    };
    let best = json().replace("[3,3]", "[5,5]");
    let mut rows =
        vec![row("SMASHv1", 0, 0.5, &json()), row("SMASHv1", 1, 0.25, &best), row("SMASH v2", 0, 0.75, &json())];
    write(&dir, &rows);
    let results = root.path().to_str().unwrap();
    let arguments = ["--artefact", "appendix-e", "--results", results, "--format", "dot", "--out", "out"];
    let output = draw(root.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = ["SMASH-v2", "SMASHv1"]
        .iter()
        .flat_map(|search| ["block-0", "block-1", "network"].map(|part| (search, part)))
        .map(|(search, part)| format!("appendix-e-laptop-shapes-{search}-seed-0-{part}.dot"));
    let out = root.path().join("out");
    assert_eq!(files(&out), expected.collect::<Vec<_>>());
    let read = |search: &str| {
        fs::read_to_string(out.join(format!("appendix-e-laptop-shapes-{search}-seed-0-network.dot"))).unwrap()
    };
    for part in ["Best of SMASHv1, seed 0: SMASH score 25.00 %, 1 parameters", "N = 6\\n5x5"] {
        assert!(read("SMASHv1").contains(part), "{}", read("SMASHv1"));
    }
    assert!(read("SMASH-v2").contains("1 unit\\n3x3"), "{}", read("SMASH-v2"));

    rows[1].json = "{}".into();
    write(&dir, &rows);
    let found = error(&draw(root.path(), &arguments));
    let place = "appendix-e-laptop-shapes: candidates: `SMASHv1`, seed 0, index 1: not an architecture";
    assert!(found.contains(place), "{found}");
}

#[test]
fn a_faulty_architecture_is_one_error_that_names_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| error(&draw(folder.path(), arguments));
    assert!(run(&["none.json"]).starts_with("error: none.json: "), "{}", run(&["none.json"]));
    fs::write(folder.path().join("a.json"), json()).unwrap();
    let found = run(&["a.json", "--block", "2"]);
    assert_eq!(found, "error: a.json: block 2: expected 0 to 1, counted from 0\n");
    fs::write(folder.path().join("b.json"), json().replacen("\"units\":1", "\"units\":0", 1)).unwrap();
    let found = run(&["b.json"]);
    let expected = "error: b.json: block 0: op 0: units must be a multiple of the bank size 1, found 0\n";
    assert_eq!(found, expected);
    let found = run(&["a.json", "--width", "501"]);
    let expected =
        "error: a.json: block 0: expected 2 to 1000 banks of input for these ops, found 1002 at this width\n";
    assert_eq!(found, expected);
    let refused: [&[&str]; 5] = [
        &[],
        &["a.json", "--artefact", "appendix-e"],
        &["a.json", "--format", "gif"],
        &["a.json", "--scale", "laptop"],
        &["a.json", "--dataset", "shapes"],
    ];
    for arguments in refused {
        assert!(run(arguments).contains("--help"), "{arguments:?}");
    }
    assert_eq!(files(folder.path()), ["a.json", "b.json"]);
}
