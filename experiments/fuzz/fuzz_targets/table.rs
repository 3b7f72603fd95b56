//! Tables of results, for each kind of row: a table that is read, written and read again stays the same.

#![no_main]

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use experiments_fuzz::{contain_panics, sealed};
use libfuzzer_sys::fuzz_target;
use results::tables::rows::*;
use results::tables::{Row, read_table, write_table};
use results::{Error, PooledTruthRow};

fuzz_target!(init: contain_panics(), |bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("table.parquet");
    fs::write(&path, sealed(bytes)).expect("the folder can be written");
    if let Err(Error::Damaged { .. } | Error::Parquet { .. }) = read_table::<ScoreRow>(&path) {
        return;
    }
    check::<ArchitectureRow>(&path);
    check::<ScoreRow>(&path);
    check::<TruthRow>(&path);
    check::<TrainingCurveRow>(&path);
    check::<ArchitectureFeatureRow>(&path);
    check::<FastTruthRow>(&path);
    check::<PredictionRow>(&path);
    check::<ThroughputRow>(&path);
    check::<EpochRow>(&path);
    check::<WeightsRow>(&path);
    check::<MemberScoreRow>(&path);
    check::<CorruptionRow>(&path);
    check::<ProxyRow>(&path);
    check::<CandidateRow>(&path);
    check::<TrialRow>(&path);
    check::<SystemRow>(&path);
    check::<SystemTrainingRow>(&path);
    check::<DrawingRow>(&path);
    check::<EncodingCellRow>(&path);
    check::<PooledTruthRow>(&path);
});

fn check<R: Row + Debug>(path: &Path) {
    let Ok(rows) = read_table::<R>(path) else { return };
    let written = path.with_extension("written");
    write_table(&written, &rows).expect("a table that was read can be written");
    let again = read_table::<R>(&written).expect("a written table can be read");
    // The texts are compared, because values may be NaN.
    assert_eq!(format!("{again:?}"), format!("{rows:?}"));
}
