//! Tests of `reports stats` through the binary, on tables that other programs made.

use std::path::Path;
use std::process::{Command, Output, Stdio};

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

/// The statistics of a table, which must be readable.
fn measured(name: &str, bytes: &[u8], arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let output = stats(folder.path(), &[&[name], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_values_that_other_programs_store_are_numbers_and_groups() {
    let columns = ["--x", "score", "--y", "err"];
    // Kendall's tau-b of the values as Python's polars reads them.
    let decimal = measured("t", include_bytes!("foreign/decimal.parquet"), &columns);
    assert!(decimal.contains("Kendall τ               -0.479 ["), "{decimal}");
    let half = measured("t", include_bytes!("foreign/float16.parquet"), &columns);
    assert!(half.contains("Kendall τ               -0.481 ["), "{half}");
    let time = include_bytes!("foreign/timestamp.parquet");
    let by_day = measured("t", time, &[&columns[..], &["--by", "day"]].concat());
    assert!(
        by_day.starts_with("`err` by `score`, n = 60 in 3 groups of `day`\nKendall τ               -0.523 ["),
        "{by_day}"
    );
    let duration = measured("t", time, &["--x", "dur", "--y", "err"]);
    assert!(duration.contains("Kendall τ               -0.054 ["), "{duration}");
}

#[test]
fn a_row_without_a_group_is_left_out_and_a_group_without_a_value_is_named() {
    let lonely = format!("{}2,n0,0.5,80\n,n1,0.1,80\nNA,n2,0.9,70\n", table());
    let arguments = ["--x", "score", "--y", "accuracy", "--higher-is-better", "accuracy", "--by", "seed"];
    let found = measured("t.csv", lonely.as_bytes(), &arguments);
    let first =
        "`accuracy` by `score`, n = 13 in 3 groups of `seed` (left out: 1 without both values, 2 without `seed`)";
    assert_eq!(found.lines().next(), Some(first));
    assert!(found.contains("Kendall τ               +0.000 [-1.000, +1.000]"), "{found}");
    let last = "undefined in 1 of 3 groups, `2`, and left out there: Kendall τ, Spearman ρ, Pearson r, weighted τ, τ in the \
                better half";
    assert_eq!(found.lines().last(), Some(last));
}

#[test]
fn a_name_may_begin_with_a_hyphen_and_a_line_of_names_with_a_mark() {
    let table = "\u{feff}-log10p,--err\n1,2\n2,3\n3,1\n4,6\n".as_bytes();
    for arguments in [&["--x=-log10p", "--y=--err"][..], &["--x", "-log10p", "--y", "--err"]] {
        let found = measured("t.csv", table, arguments);
        assert!(found.contains("Kendall τ               +0.333 ["), "{found}");
    }
    let more = ["--x", "-log10p", "--y", "--err", "--higher-is-better", "-log10p"];
    assert!(measured("t.csv", table, &more).contains("Kendall τ               -0.333 ["));
}

#[test]
fn control_characters_of_a_table_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let table = "\u{1b}[31mx,y,z,by\n1,2,1,\"\u{1b}]0;a\nb\u{7}\"\n\u{1b}[2J,1,2,b\n3,5,4,b\n4,9,3,b\n";
    std::fs::write(folder.path().join("t\u{1b}.csv"), table).unwrap();
    let text = |arguments: &[&str]| {
        let output = stats(folder.path(), &[&["t\u{1b}.csv"], arguments].concat());
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let unknown = text(&["--x", "x", "--y", "y"]);
    assert_eq!(unknown, "error: t\\u001b.csv: column `x`: no such column; found \\u001b[31mx, y, z, by\n",);
    let no_number = text(&["--x", "\u{1b}[31mx", "--y", "y"]);
    assert!(no_number.ends_with("row 1: expected a number, found `\\u001b[2J`\n"), "{no_number}");
    let groups = text(&["--x", "y", "--y", "z", "--by", "by"]);
    assert!(groups.contains("`\\u001b]0;a\\u000ab\\u0007`"), "{groups}");
    for printed in [unknown, no_number, groups] {
        assert!(!printed.contains(['\u{1b}', '\u{7}']), "{printed:?}");
    }
}

#[test]
fn a_small_file_takes_no_memory_that_it_does_not_have() {
    // 300 rows share one text of a mebibyte.
    for bytes in [&include_bytes!("foreign/shared_text.parquet")[..], include_bytes!("foreign/shared_category.parquet")]
    {
        measured("t", bytes, &["--x", "score", "--y", "err"]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t"), bytes).unwrap();
        let output = stats(folder.path(), &["t", "--x", "score", "--y", "err", "--by", "arch"]);
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "error: t: not a readable Parquet table: column `arch`: 314572800 bytes in all rows, expected at most 268435456\n"
        );
    }
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table()).unwrap();
    let start = |stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reports"));
        command.args(["stats", "t.csv", "--x", "score", "--y", "accuracy"]).current_dir(folder.path());
        command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut left = start(Stdio::piped());
    drop(left.stdout.take());
    let output = left.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    if cfg!(target_os = "linux") {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = start(full.into()).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: standard output: cannot be written: ") && text.lines().count() == 1, "{text}");
    }
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
    fault(&["t.csv", "--x", "score", "--y", "score"], "--x score --y score: one column is not a correlation");
    std::fs::write(folder.path().join("twice.csv"), "score,err,err\n1,2,3\n").unwrap();
    fault(
        &["twice.csv", "--x", "score", "--y", "err"],
        "twice.csv: column `err`: 2 columns have this name, expected one",
    );
    fault(&["no.csv", "--x", "a", "--y", "b"], "no.csv: cannot read: No such file or directory (os error 2)");
}

#[test]
fn other_programs_read_the_same_numbers_as_people() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..30).map(|i| format!("{i},{},{}\n", i * 7 % 13, i % 2)).collect();
    std::fs::write(folder.path().join("t.csv"), format!("score,err,seed\n{rows}30,,0\n31,5,\n")).unwrap();
    let shared = ["t.csv", "--x", "score", "--y", "err", "--by", "seed", "--resamples", "200"];
    let [text, json] = [&[][..], &["--json"]].map(|more| {
        let output = stats(folder.path(), &[&shared[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!([&found["n"], &found["groups"], &found["resamples"]], [30, 2, 200]);
    assert_eq!(found["left_out"], serde_json::json!({ "without both values": 1, "without a group": 1 }));
    assert!(text.contains("200 of each"), "{text}");
    for statistic in found["statistics"].as_array().unwrap() {
        let label = statistic["statistic"].as_str().unwrap();
        assert!(text.lines().any(|line| line.starts_with(label)), "{label}: {text}");
        assert!(statistic["low"].as_f64() <= statistic["value"].as_f64(), "{statistic}");
    }
    let tau = found["statistics"][0]["value"].as_f64().unwrap();
    assert!(text.contains(&format!("Kendall τ               {tau:+.3} [")), "{tau}: {text}");
}
