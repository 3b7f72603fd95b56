//! Fronts of error and multiply-adds that the predictors of a correlation study find.

use anyhow::{Context, Result};
use results::store::Group;
use results::summaries::fronts::{FrontSummary, summary};
use results::summaries::text::share_text;
use results::{ArchitectureRow, FrontsSummary, PredictionRow, TruthRow};

use super::definition::part;
use super::markdown::table;

/// Measures the fronts of a group of runs; `None` if the definition does not ask for them.
pub(super) fn load(group: &Group) -> Result<Option<FrontsSummary>> {
    if !part(group, "fronts")?.unwrap_or(false) {
        return Ok(None);
    }
    let (architectures, predictions) = (group.read::<ArchitectureRow>()?, group.read::<PredictionRow>()?);
    let summary = summary(&architectures, &predictions, &group.read::<TruthRow>()?);
    summary.map(Some).with_context(|| group.runs[0].dir.path().display().to_string())
}

/// A table of the fronts, and how to read it.
pub(super) fn paragraphs(summary: &FrontsSummary) -> Vec<String> {
    let names = [
        "front by multiply-adds and",
        "n",
        "architectures found",
        "on the true front",
        "share of its hypervolume",
        "random, equal number",
        "gain over random",
    ];
    let line = |front: &FrontSummary| {
        vec![
            front.name.clone(),
            front.n.to_string(),
            format!("{:.1}", front.size),
            format!("{:.1}", front.true_size),
            share_text(front.share),
            share_text(front.random),
            share_text(front.gain),
        ]
    };
    let notes = "Two objectives: a front has the architectures that no other one equals or beats in both predicted error and \
                 multiply-adds. Its hypervolume is measured by true errors. The larger of two fronts has more chances, so each \
                 is compared with random architectures of equal number.";
    vec![table(&names, summary.fronts.iter().map(line)), notes.to_owned()]
}
