//! Tests of `reports stats` through the binary, on tables that other programs made.

use std::path::Path;
use std::process::{Command, Output};

fn stats(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reports")).arg("stats").args(arguments).current_dir(folder).output().unwrap()
}

/// Twelve networks of two seeds. The score ranks as the accuracy does for seed 0, and in reverse for seed 1.
fn table() -> String {
    let row = |seed: u32, i: u32| {
        let rank = if seed == 0 { i } else { 5 - i };
        format!("{seed},n{i},0.{i}5,{}\n", 90 - rank)
    };
    let rows = (0..2).flat_map(|seed| (0..6).map(move |i| row(seed, i)));
    format!("seed,network,score,accuracy\n{}0,late,,80\n", rows.collect::<String>())
}

#[test]
fn a_ranking_is_measured_within_groups() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table()).unwrap();
    let columns = ["t.csv", "--x", "score", "--y", "accuracy", "--higher-is-better", "accuracy"];
    let found = |more: &[&str]| {
        let output = stats(folder.path(), &[&columns, more].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let by_seed = found(&["--by", "seed", "--k", "2"]);
    let mut lines = by_seed.lines();
    assert_eq!(
        lines.next(),
        Some("`accuracy` by `score`, n = 12 in 2 groups of `seed` (left out: 1 without both values)")
    );
    let kendall = lines.next().unwrap();
    assert!(kendall.starts_with("Kendall τ ") && kendall.contains("+0.000 [-1.000, +1.000]"), "{kendall}");
    // The best two are taken: the best of six for one seed, the fifth and the sixth for the other.
    assert!(by_seed.contains("best rank at 2          3.000"), "{by_seed}");
    assert!(by_seed.contains("regret at 1             2.500"), "{by_seed}");
    assert!(found(&[]).contains("n = 12 (left out: 1 without both values)"));
}

#[test]
fn unusable_columns_are_one_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table()).unwrap();
    let fault = |arguments: &[&str], expected: &str| {
        let output = stats(folder.path(), arguments);
        assert!(!output.status.success());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("error: {expected}\n"));
        assert!(output.stdout.is_empty());
    };
    fault(
        &["t.csv", "--x", "score", "--y", "error"],
        "t.csv: column `error`: no such column; found seed, network, score, accuracy",
    );
    fault(
        &["t.csv", "--x", "score", "--y", "network"],
        "t.csv: column `network`: row 0: expected a number, found `n0`",
    );
    fault(
        &["t.csv", "--x", "score", "--y", "accuracy", "--higher-is-better", "seed"],
        "--higher-is-better seed: expected score or accuracy",
    );
    fault(&["no.csv", "--x", "a", "--y", "b"], "no.csv: cannot read: No such file or directory (os error 2)");
}
