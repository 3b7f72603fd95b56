//! The tables of a folder of results as plain bytes: found, compared, and kept as baselines.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use anyhow::{Context, Result, ensure};
use walkdir::{DirEntry, WalkDir};

use crate::process::root;

/// The key of a table of a run: at one commit, scale and device, these three fields determine the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableKey {
    /// Name of the artefact.
    pub artefact: String,
    /// Number of the seed; baselines keep only the lowest and forget its number.
    pub seed: Option<u64>,
    /// File name of the table.
    pub table: String,
}

impl fmt::Display for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "{}/seed-{seed}/{}", self.artefact, self.table),
            None => write!(f, "{}/{}", self.artefact, self.table),
        }
    }
}

/// Tables and the bytes of their files.
pub type Tables = BTreeMap<TableKey, Vec<u8>>;

/// Reads every table of a results folder, one file `<artefact>/.../seed-<n>/<table>.parquet` each.
pub fn read_results(results: &Path) -> Result<Tables> {
    let tables = read(results, key_of_result)?;
    ensure!(!tables.is_empty(), "{}: expected tables, found none", results.display());
    Ok(tables)
}

/// Reads the committed baselines, `<artefact>/<table>.parquet` each. Empty if there are none yet.
pub fn read_baselines() -> Result<Tables> {
    let folder = baselines();
    if folder.is_dir() { read(&folder, key_of_baseline) } else { Ok(Tables::new()) }
}

/// The class of processors on which the baselines were made, if there are any.
pub fn baseline_cpu() -> Result<Option<String>> {
    let path = baselines().join("cpu.txt");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be read", path.display())),
    }
}

/// Replaces the committed baselines by these tables, which were made on this machine.
pub fn write_baselines(tables: &Tables) -> Result<()> {
    for key in read_baselines()?.keys().filter(|key| !tables.contains_key(key)) {
        let path = baselines().join(key.to_string());
        fs::remove_file(&path).with_context(|| format!("{}: cannot be removed", path.display()))?;
    }
    for (key, bytes) in tables {
        write_atomically(&baselines().join(key.to_string()), bytes)?;
    }
    write_atomically(&baselines().join("cpu.txt"), format!("{}\n", cpu_class()).as_bytes())
}

/// The baselines of these results: the tables of the lowest seed of each artefact.
pub fn to_baselines(results: Tables) -> Tables {
    let mut lowest = BTreeMap::new();
    for key in results.keys() {
        // Keys are sorted, so the first seed seen is the lowest.
        lowest.entry(key.artefact.clone()).or_insert(key.seed);
    }
    results
        .into_iter()
        .filter(|(key, _)| lowest[&key.artefact] == key.seed)
        .map(|(key, bytes)| (TableKey { seed: None, ..key }, bytes))
        .collect()
}

/// One line for each table that is not byte for byte the same on both sides.
pub fn differences(expected: &Tables, found: &Tables) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, bytes) in expected {
        match found.get(key) {
            None => lines.push(format!("{key}: missing")),
            Some(other) if other != bytes => lines.push(format!("{key}: differs")),
            Some(_) => {}
        }
    }
    let new = found.keys().filter(|key| !expected.contains_key(key));
    lines.extend(new.map(|key| format!("{key}: new")));
    lines
}

/// The widest vector instructions that the numeric kernels may choose at run time. They determine the order of sums, and so the
/// last bits of a table.
pub fn cpu_class() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512f";
        }
        if is_x86_feature_detected!("avx2") {
            return "avx2";
        }
    }
    std::env::consts::ARCH
}

/// Every file below a folder except in the sub-folders to skip, as sorted relative paths.
pub fn files_below(folder: &Path, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let is_kept = |entry: &DirEntry| {
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        !entry.file_type().is_dir() || !skip.iter().any(|skipped| relative == Path::new(skipped))
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(is_kept) {
        let entry = entry.with_context(|| format!("{}: cannot be listed", folder.display()))?;
        if !entry.file_type().is_dir() {
            files.push(entry.path().strip_prefix(folder)?.to_owned());
        }
    }
    Ok(files)
}

fn baselines() -> PathBuf {
    root().join("results/baselines")
}

fn read(folder: &Path, key_of: fn(&Path) -> Option<TableKey>) -> Result<Tables> {
    let mut tables = Tables::new();
    for relative in files_below(folder, &[])? {
        let Some(key) = key_of(&relative) else {
            continue;
        };
        let path = folder.join(relative);
        let bytes = fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        ensure!(
            tables.insert(key.clone(), bytes).is_none(),
            "{}: a second table {key}; expected tables of one scale, device and commit",
            path.display()
        );
    }
    Ok(tables)
}

fn key_of_result(relative: &Path) -> Option<TableKey> {
    let names: Vec<&str> = relative.iter().map(|name| name.to_str()).collect::<Option<_>>()?;
    let [artefact, .., seed, table] = names.as_slice() else {
        return None;
    };
    let seed = seed.strip_prefix("seed-")?.parse().ok()?;
    key(artefact, Some(seed), table)
}

fn key_of_baseline(relative: &Path) -> Option<TableKey> {
    let names: Vec<&str> = relative.iter().map(|name| name.to_str()).collect::<Option<_>>()?;
    let [artefact, table] = names.as_slice() else {
        return None;
    };
    key(artefact, None, table)
}

fn key(artefact: &str, seed: Option<u64>, table: &str) -> Option<TableKey> {
    // This is the only table that holds times, which are never the same twice.
    let is_compared = table.ends_with(".parquet") && table != "throughput.parquet";
    is_compared.then(|| TableKey { artefact: artefact.into(), seed, table: table.into() })
}

/// Writes a file, and the folders above it. Readers see a whole file or none.
///
/// # Errors
/// If the file system refuses.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        // By default, only the owner can read a temporary file. Baselines are as readable as other files.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("{}: cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(files: &[(&str, &str)]) -> Tables {
        files.iter().map(|(path, bytes)| (key_of_result(Path::new(path)).unwrap(), bytes.as_bytes().into())).collect()
    }

    #[test]
    fn only_tables_directly_in_a_seed_folder_count() {
        let key = key_of_result(Path::new("fig4/smoke/cpu/0123abc-dirty/seed-12/scores.parquet"));
        assert_eq!(key.unwrap().to_string(), "fig4/seed-12/scores.parquet");
        for other in [
            "fig4/smoke/cpu/0123abc/seed-0/manifest.toml",
            "fig4/smoke/cpu/0123abc/seed-0/units/scores.parquet",
            "fig4/smoke/cpu/0123abc/seed-x/scores.parquet",
            "seed-0/scores.parquet",
        ] {
            assert_eq!(key_of_result(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn equal_tables_have_no_differences_whatever_the_commit_in_their_path() {
        let first = tables(&[("fig4/smoke/cpu/a/seed-0/t.parquet", "1")]);
        let second = tables(&[("fig4/smoke/cpu/b-dirty/seed-0/t.parquet", "1")]);
        assert_eq!(differences(&first, &second), Vec::<String>::new());
    }

    #[test]
    fn each_difference_names_its_table() {
        let expected = tables(&[
            ("a/c/seed-0/changed.parquet", "1"),
            ("a/c/seed-0/gone.parquet", "1"),
            ("a/c/seed-0/same.parquet", "1"),
        ]);
        let found = tables(&[
            ("a/c/seed-0/changed.parquet", "2"),
            ("a/c/seed-0/same.parquet", "1"),
            ("b/c/seed-0/same.parquet", "1"),
        ]);
        assert_eq!(
            differences(&expected, &found),
            ["a/seed-0/changed.parquet: differs", "a/seed-0/gone.parquet: missing", "b/seed-0/same.parquet: new",]
        );
    }

    #[test]
    fn a_baseline_is_the_lowest_seed_by_number() {
        let results = tables(&[
            ("a/c/seed-10/t.parquet", "ten"),
            ("a/c/seed-9/t.parquet", "nine"),
            ("b/c/seed-11/t.parquet", "eleven"),
        ]);
        let kept: Vec<_> = to_baselines(results)
            .into_iter()
            .map(|(key, bytes)| (key.to_string(), String::from_utf8(bytes).unwrap()))
            .collect();
        let expected = [("a/t.parquet", "nine"), ("b/t.parquet", "eleven")];
        assert_eq!(kept, expected.map(|(key, bytes)| (key.to_string(), bytes.to_string())));
    }

    #[test]
    fn files_are_sorted_and_skipped_folders_are_not_entered() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b/c/1", "b/skipped/2", "skipped/3", "a", "b-"] {
            write_atomically(&folder.path().join(file), b"").unwrap();
        }
        let found = files_below(folder.path(), &["b/skipped", "a"]).unwrap();
        assert_eq!(found, ["a", "b/c/1", "b-", "skipped/3"].map(PathBuf::from));
        assert!(files_below(&folder.path().join("none"), &[]).is_err());
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/t.parquet");
        for bytes in ["first, longer", "second"] {
            write_atomically(&file, bytes.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), bytes);
        }
        assert_eq!(files_below(folder.path(), &[]).unwrap(), [Path::new("new/t.parquet")]);
    }

    #[test]
    fn a_folder_without_tables_is_an_error() {
        let error = read_results(&root().join("xtask/src")).unwrap_err();
        assert!(error.to_string().contains("expected tables, found none"), "{error}");
    }
}
