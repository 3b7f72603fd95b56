//! Failed trainings and scores of a run. They are results, but a run in which all of a table failed is no success.

use anyhow::Result;
use results::RunDir;
use results::store::files::list;
use results::tables::{Status, statuses};

/// The failures in the tables of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// A warning for each table with some failures.
    pub some: Vec<String>,
    /// The tables in which everything that was tried failed.
    pub all: Vec<String>,
}

impl Failures {
    /// Counts the failures in the tables of a run.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn of(dir: &RunDir) -> Result<Self> {
        let mut failures = Self::default();
        let mut tables = list(dir.path())?;
        tables.retain(|entry| entry.has_extension("parquet"));
        tables.sort_by(|a, b| a.path.cmp(&b.path));
        for table in tables {
            let mut tried = statuses(&table.path)?;
            tried.retain(|status| *status != Status::Skipped);
            let failed = tried.iter().filter(|status| **status == Status::Failed).count();
            let name = table.path.file_stem().unwrap_or_default().to_string_lossy();
            if failed == 0 {
                continue;
            }
            let text = format!("table `{name}`: {failed} of {} rows failed", tried.len());
            if failed == tried.len() {
                failures.all.push(text.clone());
            }
            failures.some.push(text);
        }
        Ok(failures)
    }
}

#[cfg(test)]
mod tests {
    use results::{FastTruthRow, RunKey, ScoreRow};

    use super::*;

    fn score(status: Status) -> ScoreRow {
        let value = (status == Status::Ok).then_some(0.5);
        ScoreRow { seed: 0, architecture: 0, draw: 0, error: value, loss: value, status }
    }

    fn truth(status: Status) -> FastTruthRow {
        let error = (status == Status::Ok).then_some(0.5);
        FastTruthRow { seed: 0, architecture: 0, training_seed: 0, status, error }
    }

    #[test]
    fn a_table_of_failures_alone_is_told_from_one_with_some() {
        let folder = tempfile::tempdir().unwrap();
        let key = RunKey {
            artefact: "fig4".into(),
            scale: "smoke".into(),
            device_class: "cpu".into(),
            commit: "a1".into(),
            dirty: false,
            definition_hash: "d2".repeat(32),
            seed: 0,
        };
        let dir = RunDir::new(folder.path(), &key);
        dir.create().unwrap();
        dir.write(&[score(Status::Ok), score(Status::Ok)]).unwrap();
        dir.write::<FastTruthRow>(&[]).unwrap();
        assert_eq!(Failures::of(&dir).unwrap(), Failures::default());
        dir.write(&[score(Status::Failed), score(Status::Ok), score(Status::Skipped)]).unwrap();
        let some = "table `scores`: 1 of 2 rows failed".to_owned();
        assert_eq!(Failures::of(&dir).unwrap(), Failures { some: vec![some.clone()], all: Vec::new() });
        dir.write(&[truth(Status::Failed), truth(Status::Skipped)]).unwrap();
        let all = "table `fast-truths`: 1 of 1 rows failed".to_owned();
        assert_eq!(Failures::of(&dir).unwrap(), Failures { some: vec![all.clone(), some], all: vec![all] });
    }
}
