//! Tests of `reports summary`, and of `reports stats` on a stored result, through the binary.

#[path = "made_up/architectures.rs"]
mod architectures;
#[allow(dead_code, reason = "the other tests use the rest")]
mod made_up;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use architectures::{architecture, definition_of_space, row, text_of};
use results::store::identity::Identity;
use results::summaries::architectures::SummaryRow;
use results::tables::{read_table, table_file};
use results::{ScoreRow, Status, TruthRow};
use smash_space::named_blocks::space;

/// Number of architectures of each root seed.
const N: u32 = 8;

/// Stores a run of two root seeds with two noise draws and three trainings of each architecture. Score and true error rise with
/// the index for root seed 0. The score falls for root seed 1. The last training of architecture 0 failed, and architecture 7
/// was not trained.
fn store_run(root: &Path) {
    for seed in 0..2 {
        let dir = made_up::open_run(root, "fig4", seed, &definition_of_space());
        let row = |index: u32| row(seed, index, 1000 + u64::from(index));
        let rank = |index: u32| if seed == 0 { index } else { N - 1 - index };
        let score = |(index, draw): (u32, u32)| ScoreRow {
            seed,
            architecture: index,
            draw,
            error: Some(0.5 + f64::from(rank(index)) / 64.0 + f64::from(draw) / 128.0),
            loss: Some(2.0),
            status: Status::Ok,
        };
        let truth = |(index, training_seed): (u32, u32)| {
            let failed = index == 0 && training_seed == 2;
            TruthRow {
                seed,
                architecture: index,
                training_seed,
                status: if failed { Status::Failed } else { Status::Ok },
                error: (!failed).then(|| 0.25 + f64::from(index) / 64.0),
                validation_error: None,
                train_error: None,
                train_loss: None,
                epochs: 1,
                message: None,
            }
        };
        let pairs = |of: u32, times: u32| (0..of).flat_map(move |index| (0..times).map(move |time| (index, time)));
        made_up::write(&dir, &(0..N).map(row).collect::<Vec<_>>());
        made_up::write(&dir, &pairs(N, 2).map(score).collect::<Vec<_>>());
        made_up::write(&dir, &pairs(N - 1, 3).map(truth).collect::<Vec<_>>());
    }
}

fn reports(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reports")).args(arguments).current_dir(folder).output().unwrap()
}

fn rows(path: &Path) -> Vec<SummaryRow> {
    let identity = Identity::default().with("artefact", "fig4");
    read_table(&table_file::<SummaryRow>(path.to_owned(), identity)).unwrap()
}

#[test]
fn every_architecture_of_a_root_seed_has_one_row_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    for file in ["s.parquet", "s.csv"] {
        let said = text_of(reports(folder.path(), &["summary", "fig4", "--results", "runs", "--to", file]));
        assert_eq!(said, format!("{file}: 16 rows, root seeds 0, 1\n"));
    }
    let rows = rows(&folder.path().join("s.parquet"));
    assert_eq!(rows.len() as u32, 2 * N);
    let first = &rows[0];
    assert_eq!(first.canonical.as_deref(), Some(&*architecture(0).canonical_hash(&space())));
    assert_eq!((first.trainings, first.failed_trainings, first.true_error), (2, 1, Some(0.25)));
    assert_eq!(first.score_error, Some(0.5 + 1.0 / 256.0));
    let untrained = &rows[7];
    assert_eq!((untrained.architecture, untrained.trainings, untrained.true_error), (7, 0, None));
    let csv = fs::read_to_string(folder.path().join("s.csv")).unwrap();
    let mut lines = csv.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("seed,architecture,hash,canonical,parameters,multiply_adds,depth,score_error,")
    );
    // A missing value is an empty cell.
    assert!(lines.nth(7).unwrap().ends_with(",,,0,0"), "{csv}");
}

#[test]
fn a_stored_result_is_measured_by_architecture_and_within_root_seeds() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    let columns = ["--x", "score_error", "--y", "true_error", "--resamples", "100"];
    let of_result = ["stats", "--artefact", "fig4", "--results", "runs"];
    let found = text_of(reports(folder.path(), &[&of_result[..], &columns].concat()));
    let first = "`true_error` by `score_error`, n = 14 in 2 groups of `seed` (left out: 2 without both values)";
    assert_eq!(found.lines().next(), Some(first));
    assert!(found.contains("Kendall τ               +0.000 [-1.000, +1.000]"), "{found}");
    // The run of one root seed has one group, and the file of the summary has the same rows.
    let seeds = results::store::find_runs(&folder.path().join("runs"), None).unwrap().all().unwrap();
    let run = seeds[0].dir.path().to_str().unwrap();
    let of_run = text_of(reports(folder.path(), &[&["stats", "--run", run][..], &columns].concat()));
    assert!(of_run.starts_with("`true_error` by `score_error`, n = 7 (left out: 1 without both values)\n"), "{of_run}");
    assert!(of_run.contains("Kendall τ               +1.000 ["), "{of_run}");
    text_of(reports(folder.path(), &["summary", "--run", run, "--to", "s.csv"]));
    let of_file = text_of(reports(folder.path(), &[&["stats", "s.csv"][..], &columns].concat()));
    // A file does not say that its numbers are errors, so only the result has regret and gain in points.
    let differs = |line: &&str| line.starts_with("regret") || line.starts_with("gain");
    let [in_unit, in_points] =
        [&of_file, &of_run].map(|text| text.lines().filter(differs).filter(|line| line.contains(" points ")).count());
    assert_eq!((in_unit, in_points), (0, 4), "{of_file}\n{of_run}");
    let alike = |text: &str| text.lines().filter(|line| !differs(line)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(alike(&of_file), alike(&of_run));
    // More parameters predict a lower error, in a result and in its report.
    let signs = [["--x", "parameters", "--y", "true_error"], ["--x", "true_error", "--y", "parameters"]];
    for columns in signs {
        let found = text_of(reports(folder.path(), &[&["stats", "--run", run][..], &columns].concat()));
        assert!(found.contains("\nhigher is better in `parameters`: its sign is changed\n"), "{found}");
    }
}

#[test]
fn unusable_requests_are_one_error_and_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    store_run(&folder.path().join("runs"));
    let error = |arguments: &[&str]| {
        let output = reports(folder.path(), arguments);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let last = |arguments: &[&str]| error(arguments).lines().last().unwrap().to_owned();
    let of_fig4 = |to| ["summary", "fig4", "--results", "runs", "--to", to];
    assert_eq!(last(&of_fig4("s.txt")), "error: --to s.txt: expected a name that ends in .parquet or .csv");
    assert!(last(&of_fig4("no/s.csv")).starts_with("error: no/s.csv: cannot write: "));
    assert_eq!(
        last(&["summary", "fig5a", "--results", "runs", "--to", "s.csv"]),
        "error: runs: no complete run of `fig5a`"
    );
    assert!(error(&["summary", "--to", "s.csv"]).contains("<ARTEFACT>"));
    assert!(error(&["stats", "t.csv", "--artefact", "fig4", "--x", "a", "--y", "b"]).contains("cannot be used with"));
    assert!(error(&["stats", "t.csv", "--scale", "laptop", "--x", "a", "--y", "b"]).contains("cannot be used with"));
    let unknown = last(&["stats", "--artefact", "fig4", "--results", "runs", "--x", "score", "--y", "true_error"]);
    assert!(unknown.contains("column `score`: no such column; found seed, architecture, hash, canonical"), "{unknown}");
    made_up::open_run(&folder.path().join("runs"), "fig5b", 0, "[study]\nkind = \"ensemble\"\n");
    let without = last(&["summary", "fig5b", "--results", "runs", "--to", "s.csv"]);
    assert!(
        without.ends_with("`fig5b` has no table `architectures`, expected architectures with true errors"),
        "{without}"
    );
    let runs = results::store::find_runs(&folder.path().join("runs"), None).unwrap().all().unwrap();
    let both: Vec<&str> = [&runs[0], &runs[2]].iter().map(|run| run.dir.path().to_str().unwrap()).collect();
    let two = last(&["summary", "--run", both[0], "--run", both[1], "--to", "s.csv"]);
    assert_eq!(two, "error: --run: expected root seeds of one result, found 2 results");
    assert!(!folder.path().join("s.csv").exists());
}

#[test]
fn published_results_have_a_row_for_each_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let baselines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/baselines");
    for artefact in ["fig4", "high-budget", "fidelity"] {
        let arguments = ["summary", artefact, "--to", "s.csv", "--dataset", "shapes", "--results"];
        text_of(reports(folder.path(), &[&arguments[..], &[baselines.to_str().unwrap()]].concat()));
        let csv = fs::read_to_string(folder.path().join("s.csv")).unwrap();
        let keys: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').take(2).collect()).collect();
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert!(keys.len() > 40 && distinct.len() == keys.len(), "{artefact}");
        // Only the fidelity study trains without a SMASH network.
        let lacks_scores = csv.lines().nth(1).unwrap().contains(",,,,");
        assert_eq!(lacks_scores, artefact == "fidelity", "{artefact}: {csv}");
    }
}
