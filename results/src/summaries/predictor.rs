//! Predictors of true errors, such as the SMASH score, by their values of each architecture.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::Group;
use crate::summaries::join::{Values, values};
use crate::tables::rows::{FastTruthRow, ScoreRow, TruthRow};

/// The measure of an evaluation that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The fraction of wrongly classified images (paper).
    #[default]
    Error,
    /// The mean negative log-likelihood, in nats.
    Loss,
}

impl Measure {
    /// Returns the one that counts.
    pub fn of<T>(self, error: T, loss: T) -> T {
        match self {
            Self::Error => error,
            Self::Loss => loss,
        }
    }

    /// Reads which measure the scores of a correlation study use, from a group of its runs.
    ///
    /// # Errors
    /// If the definition names another measure. The error names the manifest.
    pub fn of_group(group: &Group) -> Result<Self> {
        let study = group.manifest().definition.get("study");
        let by = study.and_then(|study| study.get("by")).cloned();
        by.map_or(Ok(Self::default()), toml::Value::try_into).map_err(|error| Error::Manifest {
            path: group.runs[0].dir.manifest_path(),
            problem: format!("definition, `study.by`: {}", error.message()),
        })
    }
}

/// A predictor of true errors: the values of each architecture, whose mean counts. A value that could not be obtained
/// excludes its architecture.
#[derive(Clone, Debug)]
pub struct Predictor {
    pub(crate) name: &'static str,
    pub(crate) by: Measure,
    /// Most noise draws behind a value, if it has any.
    pub(crate) draws: Option<usize>,
    pub(crate) values: Values,
}

impl Predictor {
    /// The SMASH score: the mean over the noise draws.
    pub fn score(rows: &[ScoreRow], by: Measure) -> Self {
        let values = score_values(rows, by);
        let draws = values.values().map(Vec::len).max();
        Self { name: by.of("SMASH score", "SMASH score, by loss"), by, draws, values }
    }

    /// The error after the fast recipe: the mean over the trainings.
    pub fn fast_recipe(rows: &[FastTruthRow]) -> Self {
        let rows = rows.iter().map(|row| ((row.seed, row.architecture), row.error));
        Self { name: "fast recipe", by: Measure::Error, draws: None, values: values(rows) }
    }

    /// A predictor of one's own: a value for each architecture, by its root seed and index.
    pub fn own(rows: impl IntoIterator<Item = ((u64, u32), f64)>) -> Self {
        let rows = rows.into_iter().map(|(key, value)| (key, Some(value)));
        Self { name: "own predictor", by: Measure::Loss, draws: None, values: values(rows) }
    }

    /// The validation error after the whole training: the mean over the trainings.
    pub fn validation_error(rows: &[TruthRow]) -> Self {
        let rows = rows.iter();
        let rows = rows.map(|row| ((row.seed, row.architecture), row.validation_error));
        Self { name: "validation error", by: Measure::Error, draws: None, values: values(rows) }
    }
}

/// The scores of each architecture, one for each noise draw.
pub(crate) fn score_values(rows: &[ScoreRow], by: Measure) -> Values {
    let rows = rows.iter();
    values(rows.map(|row| ((row.seed, row.architecture), by.of(row.error, row.loss))))
}
