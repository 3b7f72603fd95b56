//! Tables of other programs, as CSV or Parquet: the reader gives columns of equal length and finite numbers.

#![no_main]

use std::fs;

use experiments_fuzz::contain_panics;
use libfuzzer_sys::fuzz_target;
use results::tables::columns::read_columns;

fuzz_target!(init: contain_panics(), |bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("table");
    fs::write(&path, bytes).expect("the folder can be written");
    for group in [None, Some("group")] {
        let Ok(columns) = read_columns(&path, &["x", "y"], group) else {
            continue;
        };
        let [x, y] = &columns.numbers[..] else {
            panic!("two columns were asked for")
        };
        assert_eq!(x.len(), y.len());
        assert!(x.iter().chain(y).flatten().all(|value| value.is_finite()));
        assert_eq!(columns.group.is_some(), group.is_some());
        assert!(columns.group.is_none_or(|group| group.len() == x.len()));
    }
});
