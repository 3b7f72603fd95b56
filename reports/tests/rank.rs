//! Tests of `reports rank` through the binary: predictors of one's own on the architectures of a made-up run.

#[path = "made_up/architectures.rs"]
mod architectures;
#[allow(dead_code, reason = "the other tests use the rest")]
mod made_up;

use std::path::Path;
use std::process::{Command, Output};

use architectures::{architecture, definition_of_space, row, text_of};
use results::store::identity::{Identity, StoredFile};
use results::summaries::ranked::RankedRow;
use results::tables::{read_table, table_file, write_table};
use results::{ArchitectureRow, PredictionRow, Row, ScoreRow, Status, TruthRow};
use serde_json::Value;
use smash_space::named_blocks::space;

/// Number of architectures of each root seed.
const N: u32 = 8;

/// Stores a run of two root seeds with the same architectures. The true error rises with the index. The score ranks the
/// first two architectures in reverse.
fn store_run(root: &Path) {
    for seed in 0..2 {
        let dir = made_up::open_run(root, "fig4", seed, &definition_of_space());
        let row = |index: u32| row(seed, index, 1000 + u64::from(index) * 5 % 7);
        let score = |index: u32| ScoreRow {
            seed,
            architecture: index,
            draw: 0,
            error: Some(0.5 + 0.01 * f64::from(if index < 2 { 1 - index } else { index })),
            loss: None,
            status: Status::Ok,
        };
        let truth = |index: u32| TruthRow {
            seed,
            architecture: index,
            training_seed: 0,
            status: Status::Ok,
            error: Some(0.2 + 0.01 * f64::from(index)),
            validation_error: None,
            train_error: None,
            train_loss: None,
            epochs: 1,
            message: None,
        };
        let prediction = |index: u32| PredictionRow {
            seed,
            architecture: index,
            predictor: "depth".to_owned(),
            status: Status::Ok,
            value: Some(-f64::from(index)),
            cost: 0.0,
            shared_cost: 0.0,
        };
        made_up::write(&dir, &(0..N).map(row).collect::<Vec<_>>());
        made_up::write(&dir, &(0..N).map(score).collect::<Vec<_>>());
        made_up::write(&dir, &(0..N).map(truth).collect::<Vec<_>>());
        made_up::write(&dir, &(0..N).map(prediction).collect::<Vec<_>>());
    }
}

fn rank(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reports"));
    let shared = ["rank", "t.csv", "--artefact", "fig4", "--results", "runs"];
    command.current_dir(folder).args(shared).args(arguments).output().unwrap()
}

/// A table whose first column names architectures. Its loss ranks as the true error, and its accuracy in reverse.
fn table(name: &str, key: impl Fn(u32) -> String) -> String {
    let row = |index: u32| format!("{},{},{}\n", key(index), f64::from(index) / 3.0, 90 - index);
    format!("{name},loss,accuracy\n{}", (0..N).map(row).collect::<String>())
}

fn statistic(found: &Value, predictor: &str, name: &str) -> f64 {
    let predictors = found["predictors"].as_array().unwrap();
    let predictor = predictors.iter().find(|known| known["predictor"] == predictor).unwrap();
    predictor[name]["value"].as_f64().unwrap()
}

#[test]
fn own_predictors_are_measured_beside_the_score_on_the_same_architectures() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    // The last architecture has no loss. One row names none, and two name others.
    let mut table = table("hash", |index| architecture(index).hash());
    table = table.replace(&format!(",{},{}\n", 7.0 / 3.0, 83), ",nan,83\n");
    table += ",1,2\nabc,1,2\n0123456789abcdef,1,2\n";
    std::fs::write(folder.path().join("t.csv"), table).unwrap();
    let arguments = ["--higher-is-better", "accuracy"];
    let text = text_of(rank(folder.path(), &arguments));
    for line in [
        "t.csv by `hash`, against the true errors of fig4 at laptop scale on shapes, root seeds 0, 1, commit 0123456789abcdef",
        "8 of 11 rows name an architecture of the run",
        "not in the run: abc, 0123456789abcdef",
        "rows left out: 1 without an architecture, 1 without a finite `loss`",
        "higher is better in `accuracy`: its sign is changed",
        "[ ]: 95 % percentile bootstrap over 2 root seeds and their architectures; differences are paired",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    let found: Value =
        serde_json::from_str(&text_of(rank(folder.path(), &[&arguments[..], &["--json"]].concat()))).unwrap();
    let names: Vec<&str> =
        found["predictors"].as_array().unwrap().iter().map(|known| known["predictor"].as_str().unwrap()).collect();
    assert_eq!(names, ["SMASH score", "loss (own)", "accuracy (own)", "parameters", "depth"]);
    for predictor in found["predictors"].as_array().unwrap() {
        assert_eq!((&predictor["n"], &predictor["missing"]), (&7.into(), &0.into()), "{predictor}");
    }
    // One of the 21 pairs is in the wrong order by the score.
    let of_score = 19.0 / 21.0;
    for (predictor, name, expected) in [
        ("SMASH score", "tau", of_score),
        ("loss (own)", "tau", 1.0),
        ("accuracy (own)", "tau", 1.0),
        ("depth", "tau", -1.0),
        ("loss (own)", "difference_to_score", 1.0 - of_score),
        ("loss (own)", "tau_with_score", of_score),
        ("depth", "difference_to_score", -1.0 - of_score),
    ] {
        let found = statistic(&found, predictor, name);
        assert!((found - expected).abs() < 1e-12, "{predictor}: {name} {found}");
    }
    assert!(found["predictors"][0]["difference_to_score"].is_null());
    assert!(text.contains("loss (own)"), "{text}");
    assert_eq!([&found["rows"], &found["matched_rows"], &found["unmatched_rows"]], [11, 8, 2]);
    assert_eq!(found["first_unmatched"], serde_json::json!(["abc", "0123456789abcdef"]));
}

#[test]
fn canonical_hashes_json_and_parquet_name_the_same_architectures() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    let predictors = |table: String| {
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        let found: Value =
            serde_json::from_str(&text_of(rank(folder.path(), &["--json", "--column", "loss"]))).unwrap();
        (found["key"].clone(), found["predictors"].clone())
    };
    let (_, expected) = predictors(table("hash", |index| architecture(index).hash()));
    let canonical = predictors(table("c", |index| architecture(index).canonical_hash(&space())));
    assert_eq!(canonical, ("c".into(), expected.clone()));
    let quoted = |index| format!("\"{}\"", architecture(index).to_json().replace('"', "\"\""));
    assert_eq!(predictors(table("arch", quoted)), ("arch".into(), expected));

    // The table of the run itself has hashes and JSON. Its rows of both root seeds agree about the parameters.
    let stored = results::store::find_runs(&folder.path().join("runs"), None).unwrap().all().unwrap();
    let mut rows: Vec<ArchitectureRow> = stored.iter().flat_map(|run| run.read::<ArchitectureRow>().unwrap()).collect();
    write_table(&file::<ArchitectureRow>(folder.path(), "t.csv"), &rows).unwrap();
    let own = ["--column", "parameters", "--higher-is-better", "parameters", "--json"];
    let found: Value = serde_json::from_str(&text_of(rank(folder.path(), &own))).unwrap();
    assert_eq!((&found["key"], &found["matched_rows"]), (&"hash".into(), &16.into()));
    // Tables of this program have both hashes.
    rows.iter_mut().for_each(|row| row.canonical = Some(architecture(row.architecture).canonical_hash(&space())));
    write_table(&file::<ArchitectureRow>(folder.path(), "t.csv"), &rows).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text_of(rank(folder.path(), &own))).unwrap(), found);
    let tau = |predictor| statistic(&found, predictor, "tau");
    assert_eq!(tau("parameters (own)"), tau("parameters"));
}

/// A table outside a run, which belongs to fig4 alone.
fn file<R: Row>(folder: &Path, name: &str) -> StoredFile {
    table_file::<R>(folder.join(name), Identity::default().with("artefact", "fig4"))
}

#[test]
fn figures_and_joined_rows_go_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    std::fs::write(folder.path().join("t.csv"), table("hash", |index| architecture(index).hash())).unwrap();
    let output = rank(folder.path(), &["--json", "--out", "out", "--png", "--higher-is-better", "accuracy"]);
    let paths = String::from_utf8(output.stderr.clone()).unwrap();
    serde_json::from_str::<Value>(&text_of(output)).unwrap();
    let starts = ["fig4-laptop-shapes-by-loss", "fig4-laptop-shapes-by-accuracy"];
    for file in starts.iter().flat_map(|start| [format!("out/{start}.svg"), format!("out/{start}.png")]) {
        assert!(paths.lines().any(|line| line == file), "{file} in {paths}");
        assert!(folder.path().join(&file).is_file(), "{file}");
    }
    let svg = std::fs::read_to_string(folder.path().join("out/fig4-laptop-shapes-by-accuracy.svg")).unwrap();
    assert!(svg.contains("accuracy (own), sign changed") && svg.contains("Kendall τ +1.00"), "{svg}");
    let rows: Vec<RankedRow> =
        read_table(&file::<RankedRow>(folder.path(), "out/fig4-laptop-shapes-ranked.parquet")).unwrap();
    // Five predictors, two root seeds.
    assert_eq!(rows.len() as u32, 5 * 2 * N);
    let row = rows.iter().find(|row| row.predictor == "accuracy (own)" && row.architecture == 3).unwrap();
    assert_eq!((row.value, row.true_error, row.hash.as_str()), (-87.0, 0.23, &*architecture(3).hash()));
    // The stored table lacks canonical hashes, as those of older programs do.
    assert_eq!(row.canonical.as_deref(), Some(&*architecture(3).canonical_hash(&space())));
}

#[test]
fn unusable_tables_are_one_error() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    let hash = |index| architecture(index).hash();
    let [first, second] = [hash(0), hash(1)];
    let fault = |table: &str, arguments: &[&str], expected: &str| {
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        let output = rank(folder.path(), arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{error}");
        // The line before names the run that was chosen, if one was.
        assert_eq!(error.lines().last(), Some(format!("error: {expected}").as_str()));
    };
    let good = table("hash", hash);
    fault(
        "a,b\nx,1\n",
        &[],
        "t.csv: no column holds an architecture of the run, as hash of 16 digits or as JSON; columns of text: `a`, `b`",
    );
    fault(
        &format!("a,b,c\n{first},{second},1\n"),
        &[],
        "t.csv: the columns `a`, `b` hold hashes of architectures, expected one; choose it by --key",
    );
    fault(&format!("a,b\n{first},x\n"), &[], "t.csv: no column of numbers beside `a`");
    fault(
        &format!("a,b\n{first},1\n{second},2\n{first},3\n"),
        &[],
        &format!("t.csv: column `b`: rows 0 and 2 (counted from 0) have different values for the architecture {first}"),
    );
    fault(
        "a,b\n{},1\n",
        &[],
        "t.csv: column `a`: row 0: not an architecture: missing field `version` at line 1 column 2",
    );
    fault(
        &good,
        &["--column", "loss", "--higher-is-better", "accuracy"],
        "--higher-is-better accuracy: expected one of loss",
    );
    fault(&good, &["--column", "error"], "t.csv: column `error`: no such column; found hash, loss, accuracy");
    fault(&good, &["--column", "loss", "--column", "loss"], "--column loss: given twice");
    fault(&good, &["--key", "name"], "t.csv: no column of text `name`; found `hash`, `loss`, `accuracy`");
    fault(
        &format!("a,b,c\n{first},1,1\n{second},2,-\n{},3,3\n", hash(2)),
        &[],
        "t.csv: column `c`: row 1: expected a number, found `-`",
    );
    fault(&good, &["--dataset", "cifar100"], "runs: no complete run of `fig4` on cifar100");
    fault("a,b\nx,1\n", &["--key", "a"], "t.csv: column `a`: no architecture of the run; first: x");
}

#[test]
fn the_look_of_figures_needs_a_folder_for_them() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["--pdf", "--png", "--no-title", "--no-caption"] {
        let output = rank(folder.path(), &[flag]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains("--out <DIR>"), "{flag}: {error}");
    }
}

#[test]
fn a_run_without_scores_and_a_table_without_a_run_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table("hash", |index| architecture(index).hash())).unwrap();
    let error = |folder: &Path| {
        let output = rank(folder, &[]);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(error(folder.path()), "error: runs: no such folder; expected one with a run of `fig4`\n");
    made_up::open_run(&folder.path().join("runs"), "fig4", 0, "[study]\nkind = \"ensemble\"\n");
    let found = error(folder.path());
    assert!(found.contains("`fig4` has no table `architectures`, expected SMASH scores and true errors"), "{found}");
}
