//! Tests of `reports compare` through the binary: its arguments, output, saved baselines and exit codes.

#[path = "made_up/manifest.rs"]
mod manifest;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use results::store::find_runs;
use results::store::manifest::RunStatus;
use results::{ArchitectureRow, CandidateRow, Manifest, RunDir, ScoreRow, Status, TruthRow};

const DEFINITION: &str = "[study]\nkind = \"correlation\"\nevery = 4";

/// A complete run of 40 architectures. The scores rank as the true errors do if `ranked`, and in reverse otherwise.
fn store(root: &Path, ranked: bool, change: impl FnOnce(&mut Manifest)) -> RunDir {
    let mut manifest = manifest::manifest("fig4", 0, DEFINITION);
    manifest.dirty = false;
    change(&mut manifest);
    let dir = RunDir::new(root, &manifest.key());
    dir.create().unwrap();
    let seed = manifest.seed;
    let architecture = |architecture: u32| ArchitectureRow {
        seed,
        architecture,
        hash: format!("{architecture:016x}"),
        canonical: None,
        json: "{}".to_owned(),
        parameters: 1,
        multiply_adds: 1,
        ops: 8,
        depth: 12,
    };
    let quality = |architecture: u32| f64::from(architecture * 7 % 40) / 40.0;
    let score = |architecture: u32| ScoreRow {
        seed,
        architecture,
        draw: 0,
        error: Some(if ranked { quality(architecture) } else { 1.0 - quality(architecture) }),
        loss: None,
        status: Status::Ok,
    };
    let truth = |architecture: u32| TruthRow {
        seed,
        architecture,
        training_seed: 0,
        status: Status::Ok,
        error: Some(0.5 + 0.25 * quality(architecture)),
        validation_error: None,
        train_error: None,
        train_loss: None,
        epochs: 5,
        message: None,
    };
    dir.write(&(0..40).map(architecture).collect::<Vec<_>>()).unwrap();
    dir.write(&(0..40).map(score).collect::<Vec<_>>()).unwrap();
    dir.write(&(0..40).map(truth).collect::<Vec<_>>()).unwrap();
    let end = manifest.end.clone().unwrap();
    dir.close(&mut manifest, RunStatus::Complete, end).unwrap();
    dir
}

fn commit(name: &str, end: &str) -> impl FnOnce(&mut Manifest) {
    move |m| {
        m.commit = name.to_owned();
        m.end = Some(format!("2025-01-0{end}T00:00:00Z"));
    }
}

fn compare(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    reports(folder, "compare", arguments)
}

/// Exit code, output and errors of a command.
fn reports(folder: &Path, command: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_reports"));
    let Output { status, stdout, stderr } = program.arg(command).args(arguments).current_dir(folder).output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (status.code(), stdout, stderr)
}

/// A folder with a good base and a bad head.
fn regression() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    store(&folder.path().join("runs"), true, commit("aaaa", "1"));
    store(&folder.path().join("runs"), false, commit("bbbb", "2"));
    folder
}

#[test]
fn the_exit_code_is_the_verdict() {
    let folder = regression();
    let (code, text, _) = compare(folder.path(), &["runs", "runs"]);
    assert_eq!(code, Some(1), "{text}");
    for expected in [
        "base: commit aaaa, definition dddddddd, root seeds 0, n = 40 architectures",
        "Kendall τ             +1.000       -1.000        -2.000 [-2.000, -2.000]           0.000",
        "truth        840.0 s       840.0 s       1.00",
        "peak memory  not measured  not measured  not measured",
        "note: one root seed, 0",
        "note: all trainings in common have the same error",
        "verdict: regressed, by Kendall τ\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let turned = ["runs", "runs", "--base-commit", "bb", "--head-commit", "aa"];
    let (code, text, _) = compare(folder.path(), &turned);
    assert_eq!(code, Some(0));
    assert!(text.ends_with("verdict: improved, by Kendall τ\n"), "{text}");
    let (code, text, _) = compare(folder.path(), &["runs", "runs", "--statistic", "mean-error"]);
    assert_eq!(code, Some(0));
    assert!(text.ends_with("verdict: no difference shown, by mean true error\n"), "{text}");
}

#[test]
fn programs_and_pull_requests_read_the_same_answer() {
    let folder = regression();
    let (code, text, _) = compare(folder.path(), &["runs", "runs", "--format", "json"]);
    assert_eq!(code, Some(1));
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["verdict"], "regressed");
    assert_eq!(answer["base"]["commit"], "aaaa");
    assert_eq!((&answer["head"]["n"], &answer["common"]["n"]), (&40.into(), &40.into()));
    let changes = answer["changes"].as_array().unwrap();
    assert_eq!((&changes[0]["statistic"], &changes[0]["change"]), (&"kendall".into(), &(-2.0).into()));
    assert_eq!(answer["costs"].as_array().unwrap().last().unwrap()["ratio"], serde_json::Value::Null);

    let (code, text, _) = compare(folder.path(), &["runs", "runs", "--format", "markdown"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("**regressed, by Kendall τ**\n"), "{text}");
    assert!(
        text.contains(
            "\n| statistic | base | head | change | detectable |\n| --- | --- | --- | --- | --- |\n| Kendall τ |"
        ),
        "{text}"
    );
}

#[test]
fn incomparable_results_are_reported_with_reasons() {
    let check = |change: &dyn Fn(&mut Manifest), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        store(&folder.path().join("base"), true, |_| ());
        store(&folder.path().join("head"), true, change);
        let (code, text, _) = compare(folder.path(), &["base", "head"]);
        assert_eq!(code, Some(3), "{text}");
        let (_, reasons) = text.split_once("verdict: not comparable\n").unwrap();
        assert_eq!(reasons, format!("  {expected}\n"));
        let (code, text, _) = compare(folder.path(), &["base", "head", "--format", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (code, &answer["verdict"], &answer["changes"]),
            (Some(3), &"not comparable".into(), &serde_json::Value::Null)
        );
        let (aspect, detail) = expected.split_once(": ").unwrap();
        assert_eq!(answer["reasons"], serde_json::json!([{ "aspect": aspect, "detail": detail }]));
    };
    check(
        &|m| m.definition = "[study]\nkind = \"correlation\"\nevery = 5".parse().unwrap(),
        "definition: study.every is 4 in base, 5 in head",
    );
    check(&|m| m.device_class = "h100".to_owned(), "device class: cpu in base, h100 in head");
    check(&|m| m.scale = "smoke".to_owned(), "scale: laptop in base, smoke in head");
    check(&|m| m.seed = 3, "sampling: no root seed in common, 0 in base, 3 in head");
}

#[test]
fn one_of_several_results_is_chosen_by_rule_or_not_at_all() {
    let folder = regression();
    // The head is not compared with a newer result of another definition.
    store(&folder.path().join("runs"), false, |m| {
        commit("cccc", "2")(m);
        m.definition = "[study]\nkind = \"correlation\"\nevery = 5".parse().unwrap();
    });
    store(&folder.path().join("runs"), false, |m| {
        commit("dddd-12345678", "3")(m);
        m.dirty = true;
    });
    let (code, text, _) = compare(folder.path(), &["runs", "runs", "--base-commit", "aaaa"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("head: commit dddd-12345678 (dirty)"), "{text}");
    assert!(text.contains("note: head: the working tree differed from its commit"), "{text}");
    let (code, text, _) = compare(folder.path(), &["runs", "runs"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("base: commit bbbb,"), "{text}");

    store(&folder.path().join("runs"), false, |m| m.dataset.name = "cifar100".to_owned());
    let fault = |arguments: &[&str], expected: &str| {
        let (code, stdout, stderr) = compare(folder.path(), arguments);
        assert_eq!((code, stdout), (Some(2), String::new()));
        assert_eq!(stderr, format!("error: {expected}\n"));
    };
    fault(
        &["runs", "runs"],
        "runs: several results, choose by --artefact, --scale or --dataset: fig4 laptop cifar100; fig4 laptop shapes",
    );
    fault(&["runs", "runs", "--dataset", "cifar100"], "runs: base and head are the same runs");
    // The name of a commit does not select the changed tree above it.
    fault(
        &["runs", "runs", "--head-commit", "dddd", "--scale", "laptop"],
        "runs: no complete run, scale laptop, commit dddd",
    );
    fault(&["none", "runs", "--dataset", "shapes"], "none: expected a folder of stored runs");
    store(&folder.path().join("other"), false, |m| {
        m.definition = "[study]\nkind = \"drawing\"".parse().unwrap();
    });
    let manifest = Path::new("other/fig4/laptop/cpu/0123456789abcdef/dddddddd/seed-0/manifest.toml");
    fault(
        &["other", "runs", "--dataset", "shapes"],
        &format!(
            "{}: a study of kind `drawing`; only studies of kind `correlation` can be compared",
            manifest.display()
        ),
    );
}

#[test]
fn a_head_that_has_not_regressed_becomes_the_baseline() {
    let folder = regression();
    let baselines = folder.path().join("baselines");
    store(&baselines, true, commit("0ld", "1"));
    let stored = || -> Vec<PathBuf> {
        let runs = find_runs(&baselines, None).unwrap().runs;
        runs.iter().map(|run| run.dir.path().to_path_buf()).collect()
    };
    let before = stored();
    let (code, _, stderr) = compare(folder.path(), &["baselines", "runs", "--save", "baselines"]);
    assert_eq!((code, stderr.as_str()), (Some(1), "not saved as a baseline: regressed\n"));
    assert_eq!(stored(), before);

    let head = ["baselines", "runs", "--head-commit", "aaaa", "--save", "baselines"];
    let (code, text, stderr) = compare(folder.path(), &head);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(stderr, "saved as a baseline: baselines/fig4/laptop/cpu/aaaa/dddddddd\n");
    assert_eq!(stored(), [baselines.join("fig4/laptop/cpu/aaaa/dddddddd/seed-0")]);

    let (code, _, stderr) = compare(folder.path(), &["baselines", "runs", "--save", "runs"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("`--save` would overwrite the store that holds the head"), "{stderr}");
    store(&folder.path().join("changed"), true, |m| m.dirty = true);
    let (code, _, stderr) = compare(folder.path(), &["runs", "changed", "--save", "baselines"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("`--save` needs runs of a commit"), "{stderr}");
    assert_eq!(stored(), [baselines.join("fig4/laptop/cpu/aaaa/dddddddd/seed-0")]);
}

#[test]
fn a_row_of_an_unknown_architecture_is_named_with_its_run_and_its_table() {
    let folder = tempfile::tempdir().unwrap();
    store(&folder.path().join("a"), true, |_| ());
    let run = store(&folder.path().join("b"), true, |_| ());
    let mut scores: Vec<ScoreRow> = find_runs(&folder.path().join("b"), None).unwrap().runs[0].read().unwrap();
    scores[39].architecture = 40;
    write(&run, &scores);
    let (code, _, stderr) = compare(folder.path(), &["a", "b"]);
    assert_eq!(code, Some(2));
    let expected = "seed-0: table `scores` names architecture 40, table `architectures` lacks it\n";
    assert!(stderr.starts_with("error: b/fig4/") && stderr.ends_with(expected), "{stderr}");
}

/// Writes a table of a complete run, which its manifest then lists.
fn write<R: results::Row>(run: &RunDir, rows: &[R]) {
    run.write(rows).unwrap();
    let mut manifest = run.read_manifest().unwrap();
    let end = manifest.end.clone().unwrap();
    run.close(&mut manifest, RunStatus::Complete, end).unwrap();
}

#[test]
fn deviations_name_both_folders_and_the_tables_of_one_side_alone() {
    let folder = tempfile::tempdir().unwrap();
    store(&folder.path().join("a"), true, |_| ());
    let run = store(&folder.path().join("b"), false, |_| ());
    let deviations = |arguments: &[&str]| reports(folder.path(), "deviations", arguments);
    let (code, _, stderr) = deviations(&["a", "b", "--at-most", "0.1"]);
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "error: a and b: beyond the largest deviation that is allowed: fig4 seed 0\n");
    write::<CandidateRow>(&run, &[]);
    for arguments in [["a", "b"], ["b", "a"]] {
        let (code, _, stderr) = deviations(&arguments);
        assert_eq!(code, Some(1));
        assert!(stderr.starts_with("error: a/fig4/") && stderr.contains("has no table candidates"), "{stderr}");
    }
}
