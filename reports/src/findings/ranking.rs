//! Reads how a predictor ranks true errors, from the tables of a correlation, fidelity or benchmark study.

use anyhow::{Context, Result, ensure};
use results::store::{Group, StoredRun};
use results::summaries::correlation::{self, Predictor};
use results::{ArchitectureRow, CorrelationSummary, FastTruthRow, Measure, Points, ScoreRow, TruthRow};

use super::definition::kind_of_study;

/// Whether a group's study measures how a predictor ranks true errors; false if its study cannot be read.
pub(crate) fn is_correlation(group: &Group) -> bool {
    let kind = kind_of_study(group).ok().flatten();
    matches!(kind.as_deref(), Some("correlation" | "fidelity"))
}

/// Summarises how a predictor ranks true errors. The predictor is the score; in a fidelity study it is the fast recipe,
/// in a benchmark the validation error.
///
/// # Errors
/// If a table is faulty, or if seeds were measured on test sets of different sizes.
pub(crate) fn correlation(group: &Group) -> Result<CorrelationSummary> {
    let true_errors = group.read::<TruthRow>()?;
    let predictor = predictor(group, &true_errors)?;
    let test_examples = test_examples(group)?;
    let summary = correlation::summary(&group.read::<ArchitectureRow>()?, &predictor, &true_errors, test_examples);
    summary.with_context(|| group.runs[0].dir.path().display().to_string())
}

/// The points of [`correlation`], without its coefficients.
///
/// # Errors
/// As for [`correlation`].
pub(crate) fn points(group: &Group) -> Result<Points> {
    let true_errors = group.read::<TruthRow>()?;
    let predictor = predictor(group, &true_errors)?;
    test_examples(group)?;
    let points = correlation::points(&group.read::<ArchitectureRow>()?, &predictor, &true_errors);
    points.with_context(|| group.runs[0].dir.path().display().to_string())
}

fn predictor(group: &Group, true_errors: &[TruthRow]) -> Result<Predictor> {
    Ok(match kind_of_study(group)?.as_deref() {
        Some("fidelity") => Predictor::fast_recipe(&group.read::<FastTruthRow>()?),
        Some("benchmark") => Predictor::validation_error(true_errors),
        _ => Predictor::score(&group.read::<ScoreRow>()?, Measure::of_group(group)?),
    })
}

/// Number of test images that true errors were measured on.
///
/// # Errors
/// If seeds were measured on test sets of different sizes.
pub(crate) fn test_examples(group: &Group) -> Result<u64> {
    let examples = |run: &StoredRun| run.manifest.dataset.test.examples;
    let test_examples = examples(&group.runs[0]);
    for run in &group.runs {
        let path = run.dir.manifest_path();
        let of_run = examples(run);
        ensure!(
            of_run == test_examples && of_run > 0,
            "{}: the test set has {of_run} examples; expected {test_examples}, as in the first seed's run, and at \
             least one",
            path.display(),
        );
    }
    Ok(test_examples)
}
