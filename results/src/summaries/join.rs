//! Joins tables by root seed and architecture: the values of a predictor beside true errors.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::statistics::bootstrap::Units;
use crate::statistics::sample::mean;
use crate::tables::Status;
use crate::tables::rows::{ArchitectureRow, TruthRow};

/// Root seed and index of an architecture.
pub(crate) type Key = (u64, u32);

/// The values of a predictor for each architecture, such as one for each noise draw. `None` stands for a value that
/// could not be obtained.
pub(crate) type Values = BTreeMap<Key, Vec<Option<f64>>>;

/// An architecture with its measurements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joined<'a> {
    pub row: &'a ArchitectureRow,
    /// The values of the predictor; `None` if there are none, or one could not be obtained.
    pub values: Option<Vec<f64>>,
    /// The errors of the trainings that ended ok; `None` if it was not trained.
    pub errors: Option<Vec<f64>>,
}

impl Joined<'_> {
    /// The mean over the values of the predictor.
    pub fn value(&self) -> Option<f64> {
        self.values.as_deref().map(mean)
    }

    /// The true error: the mean over the trainings that ended ok; `None` without any.
    pub fn true_error(&self) -> Option<f64> {
        let errors = self.errors.as_deref().filter(|errors| !errors.is_empty());
        errors.map(mean)
    }
}

/// Joins all architectures, in the order of root seed and index, with their values and trainings.
///
/// # Errors
/// If a training names an architecture that `architectures` lacks.
pub(crate) fn join<'a>(
    architectures: &'a [ArchitectureRow],
    values: &Values,
    trainings: &[TruthRow],
) -> Result<Vec<Joined<'a>>> {
    let joined = |row: &'a ArchitectureRow| {
        let key = (row.seed, row.architecture);
        let values = values.get(&key).and_then(|values| values.iter().copied().collect());
        let errors = None;
        (key, Joined { row, values, errors })
    };
    let mut all: BTreeMap<Key, Joined> = architectures.iter().map(joined).collect();
    for row in trainings {
        let (seed, architecture) = (row.seed, row.architecture);
        let joined = all.get_mut(&(seed, architecture)).ok_or(Error::UnknownArchitecture { seed, architecture })?;
        let errors = joined.errors.get_or_insert_default();
        errors.extend(row.error.filter(|_| row.status == Status::Ok));
    }
    Ok(all.into_values().collect())
}

/// Gathers the values of each architecture, in the order of the rows.
pub(crate) fn values(rows: impl IntoIterator<Item = (Key, Option<f64>)>) -> Values {
    let mut values = Values::new();
    for (key, value) in rows {
        values.entry(key).or_default().push(value);
    }
    values
}

/// The mean of some values; `None` if one of them could not be obtained.
pub(crate) fn complete_mean(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let values: Option<Vec<f64>> = values.into_iter().collect();
    values.map(|values| mean(&values))
}

/// Groups values by root seed, in the order of the root seeds. A root seed without any value has an empty group.
pub(crate) fn by_seed<T>(values: impl IntoIterator<Item = (u64, Option<T>)>) -> BTreeMap<u64, Vec<T>> {
    let mut groups: BTreeMap<u64, Vec<T>> = BTreeMap::new();
    for (seed, value) in values {
        groups.entry(seed).or_default().extend(value);
    }
    groups
}

/// Whether all root seeds have the same architectures under the same indices.
pub(crate) fn units(architectures: &[ArchitectureRow]) -> Units {
    let mut hashes: BTreeMap<u64, BTreeMap<u32, &str>> = BTreeMap::new();
    for row in architectures {
        hashes.entry(row.seed).or_default().insert(row.architecture, &row.hash);
    }
    let mut seeds = hashes.values();
    match seeds.next() {
        Some(first) if hashes.len() > 1 && seeds.all(|seed| seed == first) => Units::Shared,
        _ => Units::Own,
    }
}

/// Drops the values of architectures that some root seed lacks, if root seeds share their architectures. `index` gives the
/// architecture of a value.
pub(crate) fn keep_common<T>(groups: &mut BTreeMap<u64, Vec<T>>, units: Units, index: impl Fn(&T) -> u32) {
    if units == Units::Own {
        return;
    }
    let indices = |group: &Vec<T>| group.iter().map(&index).collect::<BTreeSet<u32>>();
    let common = groups.values().map(indices).reduce(|all, own| all.intersection(&own).copied().collect());
    for group in groups.values_mut() {
        group.retain(|value| common.as_ref().is_some_and(|common| common.contains(&index(value))));
    }
}
