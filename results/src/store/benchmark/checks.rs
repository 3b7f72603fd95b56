//! Checks of the rows of a benchmark: a training can have written each of them, and the three tables fit together.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::store::benchmark::rows::{CurveRow, SecondsRow, TrainingRow};
use crate::tables::{Status, fraction_problem, loss_problem};

/// The properties that all trainings of a benchmark have.
pub(super) struct Made<'a> {
    /// SHA-256 of the training and of the test images.
    pub images: [&'a str; 2],
    /// Number of epochs of a whole training, if the settings say it.
    pub epochs: Option<i64>,
}

/// The rows of a table, and its file.
type Table<'a, R> = (&'a Path, &'a [R]);

/// Checks the rows of the trainings, of their epochs and of their durations.
///
/// # Errors
/// The first row that is wrong, with its file, its column and the expectation.
pub(super) fn check(
    made: &Made<'_>,
    trainings: Table<'_, TrainingRow>,
    curves: Table<'_, CurveRow>,
    seconds: Table<'_, SecondsRow>,
) -> Result<()> {
    check_trainings(made, trainings)?;
    check_curves(trainings.1, curves)?;
    check_seconds(trainings.1, seconds)
}

fn check_trainings(made: &Made<'_>, (path, rows): Table<'_, TrainingRow>) -> Result<()> {
    let mut owners: BTreeMap<&str, u32> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &rows[index]);
        let owner = *owners.entry(&row.canonical).or_insert(row.architecture);
        let problem = training_problem(made, row).or_else(|| order_problem(before, row)).or_else(|| {
            let is_own = owner == row.architecture;
            (!is_own).then(|| format!("`canonical` is that of architecture {owner} too"))
        });
        if let Some(problem) = problem {
            return Err(fault(path, index, &problem));
        }
    }
    Ok(())
}

/// The first column of a training that is wrong in itself.
fn training_problem(made: &Made<'_>, row: &TrainingRow) -> Option<String> {
    let errors =
        [("test_error", row.test_error), ("validation_error", row.validation_error), ("train_error", row.train_error)];
    if let Some(problem) = errors.into_iter().find_map(|(name, error)| fraction_problem(name, error?)) {
        return Some(problem);
    }
    if let Some(problem) = row.train_loss.and_then(|loss| loss_problem("train_loss", loss)) {
        return Some(problem);
    }
    if !matches!(row.status, Status::Ok | Status::Failed) {
        return Some(format!("`status` is {}, expected ok or failed", row.status));
    }
    let (is_ok, epochs) = (row.status == Status::Ok, i64::from(row.epochs));
    let is_possible = match made.epochs {
        Some(all) if is_ok => epochs == all,
        Some(all) => epochs <= all,
        None => true,
    };
    if !is_possible || is_ok && epochs == 0 {
        let all = made.epochs.map_or("at least 1".to_owned(), |all| format!("{all}, as in the settings"));
        return Some(format!("`epochs` is {epochs}, expected {all}"));
    }
    let digests = [("train_sha256", &row.train_sha256), ("test_sha256", &row.test_sha256)];
    let other = digests.into_iter().zip(made.images).find(|((_, found), expected)| *found != expected);
    other.map(|((name, _), expected)| format!("`{name}`: expected {expected}, as in the settings"))
}

/// The first column of a training that does not fit the row before it.
fn order_problem(before: Option<&TrainingRow>, row: &TrainingRow) -> Option<String> {
    let before = before?;
    let key = |row: &TrainingRow| (row.architecture, row.training_seed);
    if key(before) >= key(row) {
        let [after, first] = [row, before].map(|row| format!("training {} of {}", row.training_seed, row.architecture));
        return Some(format!("`architecture` and `training_seed`: {after} comes after {first}"));
    }
    let columns = [
        ("canonical", before.canonical == row.canonical),
        ("hash", before.hash == row.hash),
        ("json", before.json == row.json),
        ("parameters", before.parameters == row.parameters),
        ("multiply_adds", before.multiply_adds == row.multiply_adds),
        ("ops", before.ops == row.ops),
        ("depth", before.depth == row.depth),
    ];
    let (name, _) = columns.into_iter().find(|(_, is_same)| !is_same && before.architecture == row.architecture)?;
    Some(format!("`{name}`: expected that of the row before, which has the same architecture"))
}

/// Each training has one row for each epoch. The last row holds the values of a training that was measured.
fn check_curves(trainings: &[TrainingRow], (path, rows): Table<'_, CurveRow>) -> Result<()> {
    let mut expected = trainings.iter().flat_map(|training| (1..=training.epochs).map(move |epoch| (training, epoch)));
    let name = |training: &TrainingRow, epoch| {
        format!("epoch {epoch} of training {} of architecture {}", training.training_seed, training.architecture)
    };
    for (index, row) in rows.iter().enumerate() {
        let Some((training, epoch)) = expected.next() else {
            return Err(fault(path, index, "expected no more rows than the trainings have epochs"));
        };
        let key = (training.architecture, training.training_seed, epoch);
        if (row.architecture, row.training_seed, row.epoch) != key {
            let wanted = name(training, epoch);
            return Err(fault(path, index, &format!("`architecture`, `training_seed` and `epoch`: expected {wanted}")));
        }
        let of_epoch = fraction_problem("train_error", row.train_error)
            .or_else(|| fraction_problem("validation_error", row.validation_error))
            .or_else(|| loss_problem("train_loss", row.train_loss));
        // The last update of an epoch may make a network whose loss is not finite.
        let of_epoch = of_epoch
            .or_else(|| (row.validation_loss < 0.0).then(|| format!("`validation_loss` is {}", row.validation_loss)));
        let is_last = epoch == training.epochs && training.status == Status::Ok;
        let problem = of_epoch.or_else(|| is_last.then(|| last_problem(training, row)).flatten());
        if let Some(problem) = problem {
            return Err(fault(path, index, &problem));
        }
    }
    match expected.next() {
        Some((training, epoch)) => {
            Err(Error::Benchmark { path: path.to_path_buf(), problem: format!("lacks {}", name(training, epoch)) })
        }
        None => Ok(()),
    }
}

/// The first column of a last epoch that is not what its training has.
fn last_problem(training: &TrainingRow, row: &CurveRow) -> Option<String> {
    let columns = [
        ("train_error", row.train_error, training.train_error),
        ("train_loss", row.train_loss, training.train_loss),
        ("validation_error", row.validation_error, training.validation_error),
    ];
    let (name, found, expected) =
        columns.into_iter().find_map(|(name, found, own)| Some((name, found, own.filter(|own| *own != found)?)))?;
    Some(format!("`{name}` is {found}, expected {expected}, as in the table `trainings`"))
}

/// Each duration belongs to a training. A training may lack one.
fn check_seconds(trainings: &[TrainingRow], (path, rows): Table<'_, SecondsRow>) -> Result<()> {
    let mut trainings = trainings.iter();
    for (index, row) in rows.iter().enumerate() {
        let key = (row.architecture, row.training_seed);
        if !trainings.any(|training| (training.architecture, training.training_seed) == key) {
            let problem = "`architecture` and `training_seed`: expected a training, in the order of the trainings";
            return Err(fault(path, index, problem));
        }
    }
    Ok(())
}

fn fault(path: &Path, row: usize, problem: &str) -> Error {
    Error::Benchmark { path: path.to_path_buf(), problem: format!("row {row}: {problem}") }
}
