//! Tests that docs/tables.md lists every table and column as the row types declare them.

use std::path::Path;

use crate::store::benchmark::{CurveRow, SecondsRow, TrainingRow};
use crate::store::pool::PooledTruthRow;
use crate::summaries::architectures::SummaryRow;
use crate::summaries::ranked::RankedRow;
use crate::tables::Row;
use crate::tables::counts::{OpValueRow, PhaseCostRow, SampleRow};
use crate::tables::rows::*;
use crate::tables::starts::{InitialisationCurveRow, InitialisationRow};

/// The environment variable that makes the test write the document instead of comparing it.
const RENEW: &str = "RENEW_TABLES";

const START: &str = "# Tables

This document lists every table and column that the programs write. It is generated from the row types in
`results/src/tables/rows.rs` and the folder beside it, `results/src/tables/starts.rs`, `results/src/tables/counts.rs`,
`results/src/store/benchmark/rows.rs`, `results/src/store/pool.rs`, `results/src/summaries/ranked.rs` and
`results/src/summaries/architectures.rs`. To renew it:

    RENEW_TABLES=1 cargo test --release --workspace --lib documented

Each table is a Parquet file `<table>.parquet`. The types are those of polars; `str` is text. *Unit* is empty for names, indices
and other values without a unit. A fraction of 0.25 stands for 25 %. If *missing* is yes, a value may be null, and a table of an
older program may lack the column. *Status* is `ok`, `failed` (tried without a usable result), `diverged` (a training, in studies
that count divergences) or `skipped` (never tried). A run holds only the tables of its kind of study.
";

#[test]
fn the_document_lists_every_table_and_column() {
    let run = [
        section::<ArchitectureRow>(),
        section::<ScoreRow>(),
        section::<TruthRow>(),
        section::<TrainingCurveRow>(),
        section::<ArchitectureFeatureRow>(),
        section::<FastTruthRow>(),
        section::<PredictionRow>(),
        section::<WeightsRow>(),
        section::<MemberScoreRow>(),
        section::<CorruptionRow>(),
        section::<ProxyRow>(),
        section::<CandidateRow>(),
        section::<TrialRow>(),
        section::<SystemRow>(),
        section::<SystemTrainingRow>(),
        section::<StabilityRow>(),
        section::<FixedTrainingRow>(),
        section::<EpochRow>(),
        section::<VerificationRow>(),
        section::<DrawingRow>(),
        section::<EncodingCellRow>(),
        section::<ThroughputRow>(),
    ];
    let starts = [section::<InitialisationRow>(), section::<InitialisationCurveRow>()];
    let counts = [section::<SampleRow>(), section::<OpValueRow>(), section::<PhaseCostRow>()];
    let benchmark = [section::<TrainingRow>(), section::<CurveRow>(), section::<SecondsRow>()];
    let pool = [section::<PooledTruthRow>()];
    let ranked = [section::<RankedRow>()];
    let summary = [section::<SummaryRow>()];
    let mut expected = START.to_owned();
    for (title, sections, source) in [
        ("Tables of a run", &run[..], concat!(include_str!("rows.rs"), include_str!("rows/normalisation.rs"))),
        ("Tables of a run that compares initial weights", &starts, include_str!("starts.rs")),
        ("Tables of a run that only counts", &counts, include_str!("counts.rs")),
        ("Tables of a benchmark", &benchmark, include_str!("../store/benchmark/rows.rs")),
        ("Table of a pool", &pool, include_str!("../store/pool.rs")),
        ("Table of `cargo xtask rank`", &ranked, include_str!("../summaries/ranked.rs")),
        ("Table of `cargo xtask summary`", &summary, include_str!("../summaries/architectures.rs")),
    ] {
        let declared = source.matches("\ndeclare! {").count();
        assert_eq!(sections.len(), declared, "tables in `{title}` and in its source file");
        expected += &format!("\n## {title}\n{}", sections.concat());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tables.md");
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(expected == found, "docs/tables.md is out of date; {RENEW}=1 renews it. First difference: {differing:?}");
}

/// The part of the document about one table.
fn section<R: Row>() -> String {
    let types = R::to_columns(&[]);
    let lines = R::COLUMNS.iter().zip(&types).map(|(column, series)| {
        let missing = if column.may_be_missing { "yes" } else { "no" };
        let cells = [series.dtype().to_string(), column.unit.to_owned(), missing.to_owned()];
        assert!(
            !(series.dtype().is_float() && column.unit.is_empty()),
            "column `{}` of `{}` names no unit",
            column.name,
            R::NAME
        );
        format!("| `{}` | {} | {} |\n", column.name, cells.join(" | "), column.meaning.trim())
    });
    format!(
        "\n### `{}`\n\n{}\n\n| column | type | unit | missing | meaning |\n| --- | --- | --- | --- | --- |\n{}",
        R::NAME,
        R::MEANING.trim(),
        lines.collect::<String>()
    )
}
