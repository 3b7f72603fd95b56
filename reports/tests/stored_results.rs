//! Tests of the binary and of drawing, on a store of made-up runs.

mod made_up;

use std::path::Path;
use std::process::{Command, Output};

use made_up::{newest, write};
use reports::figure;
use results::store::find_runs;
use results::store::manifest::RunStatus;
use results::{ArchitectureRow, RunDir, ScoreRow, Status, TruthRow};

const DEFINITION: &str = r#"
analysis = "The line rises."

[figure]
kind = "scatter-fit"
title = "True error and SMASH score of random architectures"
x_label = "SMASH score (validation error, generated weights)"
y_label = "True error (test error, trained weights)"

[claim]
statistic = "kendall"
greater_than = 0.0

[study]
kind = "correlation"
"#;

const ARCHITECTURE: &str = r#"{"version":1,"blocks":[{"bank_size":1,"ops":[
    {"reads":[0],"writes":[0],"units":1,"convs":[{"kernel":[3,3],"dilation":[1,1],"groups":1},null,null,null]}]}]}"#;

/// Stores a complete run of 50 architectures whose errors rise with the scores, and of one failure.
fn store_run(root: &Path, seed: u64, definition: &str) {
    let dir = made_up::open_run(root, "fig4", seed, definition);
    let (mut architectures, mut scores, mut truths) = (Vec::new(), Vec::new(), Vec::new());
    for architecture in 0..51 {
        // A value in the unit interval without a visible pattern.
        let jitter = |step: u64| ((u64::from(architecture) * step + 13 * seed) % 97) as f64 / 97.0;
        let quality = jitter(37);
        architectures.push(ArchitectureRow {
            seed,
            architecture,
            hash: format!("{architecture:016x}"),
            canonical: None,
            json: ARCHITECTURE.to_owned(),
            parameters: 10_000 + u64::from(architecture) * 31 % 1000,
            multiply_adds: 1_000_000 + u64::from(architecture) * 17 % 1000,
            ops: 8,
            depth: 12,
        });
        scores.push(ScoreRow {
            seed,
            architecture,
            draw: 0,
            error: Some(0.55 + 0.02 * seed as f64 + 0.25 * quality + 0.08 * jitter(59)),
            loss: Some(2.5 - quality),
            status: Status::Ok,
        });
        let failed = architecture == 50;
        truths.push(TruthRow {
            seed,
            architecture,
            training_seed: 0,
            status: if failed { Status::Failed } else { Status::Ok },
            error: (!failed).then(|| 0.24 + 0.06 * quality + 0.07 * jitter(71)),
            validation_error: None,
            train_error: None,
            train_loss: None,
            epochs: 10,
            message: failed.then(|| "the loss is not finite".to_owned()),
        });
    }
    write(&dir, &architectures);
    write(&dir, &scores);
    write(&dir, &truths);
}

fn reports(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reports"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn a_figure_drawn_twice_is_the_same_to_the_byte() {
    let root = tempfile::tempdir().unwrap();
    for seeds in [1, 2] {
        store_run(root.path(), seeds, DEFINITION);
        let artefact = newest(root.path(), "fig4").unwrap();
        let svg = figure::svg(&artefact).unwrap();
        assert_eq!(svg, figure::svg(&newest(root.path(), "fig4").unwrap()).unwrap());
        let text = String::from_utf8(svg).unwrap();
        // The first seed has circles as points, the second has triangles. Each has a band. The legend has one more of each.
        assert_eq!(text.matches("<circle").count(), 51);
        assert_eq!(text.matches("<polygon").count(), if seeds == 1 { 2 } else { 51 + 4 });
        for fact in ["laptop scale", "data set shapes", "0123456789ab (dirty)", "Kendall τ +0."] {
            assert!(text.contains(fact), "the caption lacks {fact}");
        }
    }
}

#[test]
fn a_faulty_definition_is_named_with_its_manifest() {
    let check = |definition: &str, expected: &str| {
        let root = tempfile::tempdir().unwrap();
        store_run(root.path(), 0, definition);
        let error = newest(root.path(), "fig4").and_then(|artefact| figure::svg(&artefact)).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains(expected), "{message}");
    };
    check("", "its definition has no `[figure]`");
    check("[figure]\nkind = \"pie\"", "manifest.toml: the definition's `figure`");
    check("[claim]\nstatistic = \"kendall\"", "manifest.toml: the definition's `claim`");
    check("analysis = 3", "manifest.toml: the definition's `analysis`");
}

#[test]
fn the_figure_command_prints_statistics_verdict_and_path() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("results/runs"), 0, DEFINITION);
    let output = reports(folder.path(), &["figure", "fig4", "--png"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("n = 50 (left out: 1 without a true error)"), "{text}");
    assert!(text.contains("claim Kendall τ > 0: held"), "{text}");
    let all = reports(folder.path(), &["figure", "--all", "--png"]);
    assert_eq!(String::from_utf8(all.stdout).unwrap(), text);
    for name in ["reports/figures/fig4-laptop-shapes.svg", "reports/figures/fig4-laptop-shapes.png"] {
        assert!(text.lines().any(|line| line == name), "{text}");
        assert!(folder.path().join(name).exists());
    }
}

#[test]
fn a_figure_fits_a_column_of_a_paper_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("results/runs"), 0, DEFINITION);
    let for_a_paper = ["figure", "fig4", "--width", "column", "--no-title", "--no-caption", "--pdf", "--out", "out"];
    let output = reports(folder.path(), &for_a_paper);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("\ncaption: fig4 · laptop scale · data set shapes · "), "{text}");
    assert!(text.ends_with("out/fig4-laptop-shapes.svg\nout/fig4-laptop-shapes.pdf\n"), "{text}");
    let read = |extension: &str| std::fs::read(folder.path().join("out/fig4-laptop-shapes").with_extension(extension));
    let svg = String::from_utf8(read("svg").unwrap()).unwrap();
    assert!(svg.starts_with("<svg width=\"237.6pt\" "), "{svg}");
    assert!(!svg.contains("laptop scale") && !svg.contains("True error and SMASH score"), "{svg}");
    assert!(svg.contains("True error (test error, trained weights)"), "{svg}");
    assert!(read("pdf").unwrap().starts_with(b"%PDF-"));
}

#[test]
fn results_are_printed_as_json_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("results/runs"), 0, DEFINITION);
    let output = reports(folder.path(), &["report", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let [result] = &printed.as_array().unwrap()[..] else { panic!("{printed}") };
    assert_eq!(result["artefact"], "fig4");
    assert_eq!(result["n"], 50);
    let [claim] = &result["claims"].as_array().unwrap()[..] else { panic!("{result}") };
    assert_eq!(claim["statistic"], "kendall");
    assert_eq!(claim["verdict"], "held");
    let interval = ["low", "value", "high"].map(|name| claim[name].as_f64().unwrap());
    assert!(interval.is_sorted() && interval[0] > claim["greater_than"].as_f64().unwrap(), "{claim}");
    let statistics: Vec<&str> =
        result["statistics"].as_array().unwrap().iter().map(|one| one["statistic"].as_str().unwrap()).collect();
    assert_eq!(statistics, ["kendall", "spearman", "pearson", "level-spread", "score-excess"]);
    let figure = reports(folder.path(), &["figure", "fig4", "--json"]);
    assert_eq!(figure.stdout, output.stdout);
    assert!(!folder.path().join("reports").exists());
}

/// Losses fall where errors rise, so the sign shows which of them is used.
#[test]
fn a_study_that_ranks_by_loss_shows_losses() {
    let root = tempfile::tempdir().unwrap();
    store_run(root.path(), 0, &format!("{DEFINITION}by = \"loss\"\n"));
    let artefact = newest(root.path(), "fig4").unwrap();
    let text = String::from_utf8(figure::svg(&artefact).unwrap()).unwrap();
    let (of_losses, of_errors) = (["1.6", "2.4"], ["24 %", "36 %"]);
    assert!(of_losses.iter().chain(&of_errors).all(|tick| text.contains(&format!(">{tick}</text>"))), "{text}");
    let artefacts = std::slice::from_ref(&artefact);
    let drawn = figure::drawn(artefacts, figure::Look::default()).unwrap();
    let page = reports::report::html::page(artefacts, &drawn, &[], None, &[]).unwrap();
    let report = reports::report::markdown(artefacts, &[], None);
    for words in ["SMASH score, by loss", "not held"] {
        assert!(report.contains(words), "{report}");
    }
    assert!(page.contains("SMASH score, by loss 2."), "{page}");

    let faulty = tempfile::tempdir().unwrap();
    store_run(faulty.path(), 0, &format!("{DEFINITION}by = \"top5\"\n"));
    let error = format!("{:#}", newest(faulty.path(), "fig4").unwrap_err());
    assert!(error.contains("manifest.toml") && error.contains("study.by") && error.contains("top5"), "{error}");
}

#[test]
fn the_report_and_the_readme_are_checked_against_the_stored_results() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    store_run(&folder.path().join("results/runs"), 0, DEFINITION);
    std::fs::write(&readme, MARKS).unwrap();
    let check = [&WITH_README[..], &["--check"]].concat();
    assert!(!reports(folder.path(), &check).status.success());
    assert!(reports(folder.path(), &WITH_README).status.success());
    assert!(reports(folder.path(), &check).status.success());
    let report = std::fs::read_to_string(folder.path().join("reports/REPORT.md")).unwrap();
    for part in [
        "## Figure 4: laptop scale, shapes",
        "![Figure 4](figures/fig4-laptop-shapes.svg)",
        "Verdict: **held**",
        "The line rises.",
        "| work time | 15 min 0 s (score: 1 min 0 s, truth: 14 min 0 s) |",
        "| warning | 1 of 51 trainings failed |",
    ] {
        assert!(report.contains(part), "the report lacks {part}");
    }
    let text = std::fs::read_to_string(&readme).unwrap();
    assert!(text.contains("![Figure 4](reports/figures/fig4-laptop-shapes.svg)"), "{text}");
    assert!(text.contains("| laptop | shapes | 50 architectures | 1 | Kendall τ +0."), "{text}");

    store_run(&folder.path().join("results/runs"), 1, DEFINITION);
    let output = reports(folder.path(), &["report", "--check"]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("REPORT.md: differs"));
}

const WITH_README: [&str; 3] = ["report", "--readme", "README.md"];

const MARKS: &str = "# Title
<!-- BEGIN: results -->
<!-- END: results -->
<!-- BEGIN: speed -->
<!-- END: speed -->
";

#[test]
fn a_readme_without_a_place_for_results_is_refused_before_results_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let error = || {
        let output = reports(folder.path(), &WITH_README);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error().contains("README.md: No such file"));
    std::fs::write(folder.path().join("README.md"), "# Title").unwrap();
    assert!(error().contains("README.md: expected the marks `<!-- BEGIN: results -->`"));
}

#[test]
fn a_stored_comparison_of_speed_goes_into_the_readme_and_a_damaged_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    let table = folder.path().join("results/runs/peer.toml");
    store_run(&folder.path().join("results/runs"), 0, DEFINITION);
    std::fs::write(&readme, MARKS).unwrap();
    let text = r#"
        commit = "0123456789ab"
        cpu = "a processor"
        threads = 2
        torch = "2.15.0"
        rounds = 10
        [[rows]]
        size = "small"
        name = "scoring"
        ours = [40.0, 50.0]
        peer = [60.0, 60.0]
    "#;
    std::fs::write(&table, text).unwrap();
    assert!(reports(folder.path(), &WITH_README).status.success());
    let spliced = std::fs::read_to_string(&readme).unwrap();
    assert!(spliced.contains("| small | 1.50 (1.20) |"), "{spliced}");
    assert!(spliced.contains("PyTorch 2.15.0, a processor, 2 threads"), "{spliced}");

    std::fs::write(&table, text.replace("ours", "hours")).unwrap();
    let output = reports(folder.path(), &WITH_README);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("peer.toml") && message.contains("hours"), "{message}");
    assert_eq!(std::fs::read_to_string(&readme).unwrap(), spliced);
}

/// Stores the tables of the run of seed 0 as those of another commit.
fn store_again(root: &Path, commit: &str, end: &str) -> RunDir {
    let found = find_runs(root, Some("fig4")).unwrap().runs;
    let run = found.into_iter().find(|run| run.manifest.seed == 0).unwrap();
    let mut manifest = run.manifest;
    manifest.commit = commit.to_owned();
    let dir = RunDir::new(root, &manifest.key());
    dir.create().unwrap();
    for name in manifest.tables.keys() {
        let file = format!("{name}.parquet");
        std::fs::copy(run.dir.path().join(&file), dir.path().join(&file)).unwrap();
    }
    dir.close(&mut manifest, RunStatus::Complete, end.to_owned()).unwrap();
    dir
}

#[test]
fn exactly_the_named_runs_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("results/runs");
    for seed in [0, 1] {
        store_run(&root, seed, DEFINITION);
    }
    store_again(&root, "fedcba9876543210", "2025-02-01T00:00:00Z");
    let figure = |arguments: &[&str]| {
        let output = reports(folder.path(), &[&["figure"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let svg = std::fs::read_to_string(folder.path().join("reports/figures/fig4-laptop-shapes.svg")).unwrap();
        (String::from_utf8(output.stdout).unwrap(), svg)
    };
    let place = "results/runs/fig4/laptop/cpu/0123456789abcdef-dirty/dddddddd";
    let [one, other] = [0, 1].map(|seed| format!("--run={place}/seed-{seed}"));
    let (text, svg) = figure(&[&one]);
    assert!(text.contains("n = 50") && svg.contains("0123456789ab (dirty)"), "{text}");
    assert!(!svg.contains("seeds 0, 1"), "{svg}");
    assert!(figure(&[&one, &other]).1.contains("seeds 0, 1"));
    // Without a key, the newest result is drawn.
    assert!(figure(&["fig4"]).1.contains("fedcba987654"));

    let twice = reports(folder.path(), &["figure", &one, &format!("{one}/.")]);
    let text = String::from_utf8(twice.stderr).unwrap();
    assert!(!twice.status.success() && text.ends_with("seed-0/.: given twice\n"), "{text}");
    let other_commit = one.replace("0123456789abcdef-dirty", "fedcba9876543210-dirty");
    let both = reports(folder.path(), &["figure", &one, &other_commit]);
    let text = String::from_utf8(both.stderr).unwrap();
    assert!(!both.status.success() && text.contains("two results would be drawn as fig4-laptop-shapes"), "{text}");

    let failed = reports(folder.path(), &["figure", "--run=results/runs/fig4"]);
    let text = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && text.contains("results/runs/fig4/manifest.toml: cannot read"), "{text}");
}

#[test]
fn the_choice_among_results_is_said_and_no_end_in_the_future_wins() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("results/runs");
    store_run(&root, 0, DEFINITION);
    let said = || {
        let output = reports(folder.path(), &["figure", "fig4"]);
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let start = "fig4, laptop scale, shapes: commit ";
    assert_eq!(said(), format!("{start}0123456789ab (dirty), definition dddddddd, the only result\n"));
    store_again(&root, "aaaaaaaaaaaa", "2025-02-01T00:00:00Z");
    let chosen = format!("{start}aaaaaaaaaaaa (dirty), definition dddddddd, the newest of");
    assert_eq!(said(), format!("{chosen} 2 results, by the end of the run\n"));
    let ahead = store_again(&root, "bbbbbbbbbbbb", "9999-01-01T00:00:00Z");
    let text = said();
    assert!(text.starts_with(&format!("{chosen} 3 results, by the end of the run; warning: ")), "{text}");
    let place = ahead.path().strip_prefix(folder.path()).unwrap().parent().unwrap();
    assert!(text.contains(place.to_str().unwrap()) && text.lines().count() == 1, "{text}");
}

#[test]
fn a_faulty_result_is_named_and_the_others_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("results/runs");
    store_run(&root, 0, DEFINITION);
    let faulty = made_up::open_run(&root, "table1", 0, "");
    std::fs::write(faulty.manifest_path(), "artefact = 4").unwrap();
    let broken = store_again(&root, "cccccccccccc", "2025-02-01T00:00:00Z");
    let report = || {
        let output = reports(folder.path(), &["report"]);
        let texts = ["REPORT.md", "report.html"]
            .map(|name| std::fs::read_to_string(folder.path().join("reports").join(name)).unwrap());
        (output.status.success(), String::from_utf8(output.stderr).unwrap(), texts)
    };
    let place = "table1/laptop/cpu/0123456789abcdef-dirty/dddddddd/seed-0/manifest.toml";
    let (succeeded, errors, texts) = report();
    assert!(!succeeded && errors.contains("error: ") && errors.contains(place), "{errors}");
    for text in texts {
        assert!(text.contains("Figure 4") && text.contains("Left out") && text.contains(place), "{text}");
    }
    std::fs::remove_dir_all(root.join("table1")).unwrap();
    assert!(report().0);
    // A table that is not the one of the manifest is as bad as no manifest. No other result is left then.
    std::fs::copy(broken.table::<ScoreRow>().path, broken.table::<TruthRow>().path).unwrap();
    let output = reports(folder.path(), &["report"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("truths.parquet: belongs to file scores.parquet"), "{text}");
}

#[test]
fn no_result_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = reports(folder.path(), &["figure", "fig5", "--scale", "smoke"]);
    assert!(!output.status.success());
    let expected = "error: results/runs: no such folder; expected one with a run of `fig5`\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}
