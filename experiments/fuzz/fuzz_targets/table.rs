//! Tables of results, for each kind of row: a table that is read, written and read again stays the same.

#![no_main]

use std::fmt::Debug;
use std::fs;

use experiments_fuzz::{contain_panics, sealed};
use libfuzzer_sys::fuzz_target;
use results::store::identity::{Listed, StoredFile};
use results::store::seal;
use results::tables::counts::{OpValueRow, PhaseCostRow, SampleRow};
use results::tables::rows::*;
use results::tables::starts::{InitialisationCurveRow, InitialisationRow};
use results::tables::{Row, read_table, write_table};
use results::{Error, PooledTruthRow};

fuzz_target!(init: contain_panics(), |bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let bytes = sealed(bytes);
    // The author of a hostile file knows what it has to be.
    let identity = seal::identity(&bytes).unwrap_or_default();
    let file = StoredFile { path: folder.path().join("table.parquet"), identity, listed: Listed::Nowhere };
    fs::write(&file.path, bytes).expect("the folder can be written");
    if let Err(Error::Damaged { .. } | Error::Foreign { .. } | Error::Parquet { .. }) = read_table::<ScoreRow>(&file) {
        return;
    }
    check::<ArchitectureRow>(&file);
    check::<ScoreRow>(&file);
    check::<TruthRow>(&file);
    check::<TrainingCurveRow>(&file);
    check::<ArchitectureFeatureRow>(&file);
    check::<FastTruthRow>(&file);
    check::<PredictionRow>(&file);
    check::<ThroughputRow>(&file);
    check::<EpochRow>(&file);
    check::<WeightsRow>(&file);
    check::<MemberScoreRow>(&file);
    check::<CorruptionRow>(&file);
    check::<ProxyRow>(&file);
    check::<CandidateRow>(&file);
    check::<TrialRow>(&file);
    check::<SystemRow>(&file);
    check::<SystemTrainingRow>(&file);
    check::<DrawingRow>(&file);
    check::<EncodingCellRow>(&file);
    check::<InitialisationRow>(&file);
    check::<InitialisationCurveRow>(&file);
    check::<SampleRow>(&file);
    check::<OpValueRow>(&file);
    check::<PhaseCostRow>(&file);
    check::<PooledTruthRow>(&file);
});

fn check<R: Row + Debug>(file: &StoredFile) {
    let Ok(rows) = read_table::<R>(file) else { return };
    let written = StoredFile { path: file.path.with_extension("written"), ..file.clone() };
    write_table(&written, &rows).expect("a table that was read can be written");
    let again = read_table::<R>(&written).expect("a written table can be read");
    // The texts are compared, because values may be NaN.
    assert_eq!(format!("{again:?}"), format!("{rows:?}"));
}
