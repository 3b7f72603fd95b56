//! Simulated searches on the architectures of a correlation study: what each method finds, and at which cost.

use anyhow::{Context, Result};
use results::store::Group;
use results::summaries::search_cost::{BUDGETS, MethodSummary, Tables, summary};
use results::summaries::text::{cost_text, points_text};
use results::{ArchitectureFeatureRow, ArchitectureRow, PredictionRow, SearchCostSummary, TrainingCurveRow, TruthRow};
use serde::Deserialize;

use super::definition::part;
use super::markdown::table;

/// The part of a study that asks for simulated searches.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Study {
    search_cost: Option<SearchCost>,
}

#[derive(Deserialize)]
struct SearchCost {
    draws: usize,
}

/// Simulates the searches of a group of runs; `None` if the study asks for none.
pub(super) fn load(group: &Group) -> Result<Option<SearchCostSummary>> {
    let study: Option<Study> = part(group, "study")?;
    let Some(SearchCost { draws }) = study.and_then(|study| study.search_cost) else {
        return Ok(None);
    };
    let summary = summary(
        &Tables {
            architectures: &group.read::<ArchitectureRow>()?,
            true_errors: &group.read::<TruthRow>()?,
            curves: &group.read::<TrainingCurveRow>()?,
            features: &group.read::<ArchitectureFeatureRow>()?,
            predictions: &group.read::<PredictionRow>()?,
        },
        draws,
    );
    summary.map(Some).with_context(|| group.runs[0].dir.path().display().to_string())
}

/// Facts for the caption of a figure.
pub(super) fn caption(summary: &SearchCostSummary) -> Vec<String> {
    vec![
        format!("{} simulated searches by each method, all our implementations; lines: medians", summary.draws),
        format!("a training costs {} multiply-adds", cost_text(summary.training)),
        gain_text(summary),
    ]
}

/// A table of the methods, and when the first predictor is the better buy.
pub(super) fn paragraphs(summary: &SearchCostSummary) -> Vec<String> {
    let mut names = vec!["search".to_owned(), "before the first training".to_owned()];
    names.extend(BUDGETS.map(|budget| format!("{budget:.0} trainings")));
    names.push("median below random search".to_owned());
    let line = |method: &MethodSummary| {
        let mut cells = vec![method.name.clone(), format!("{:.2} trainings", method.start)];
        cells.extend(method.at_budgets.map(|band| band.map_or_else(|| "none".to_owned(), |band| band.to_string())));
        cells.push(method.below_text());
        cells
    };
    let first = summary.methods.get(1).map(|method| match method.below_random.is_empty() {
        true => format!("The median error of {} is never below that of random search. ", method.name),
        false => {
            format!("The median error of {} is below that of random search {}. ", method.name, method.below_text())
        }
    });
    let notes = format!(
        "{}A training costs {} multiply-adds on average, and {} architectures can be trained. Cells hold the median test error \
         of the architecture kept at this cost, over {} simulated searches. Brackets there hold the 5th and 95th percentile. \
         `none`: some search has no result, or was not simulated that far. {}.",
        first.unwrap_or_default(),
        cost_text(summary.training),
        summary.architectures,
        summary.draws,
        gain_text(summary)
    );
    vec![table(&names, summary.methods.iter().map(line)), notes]
}

fn gain_text(summary: &SearchCostSummary) -> String {
    format!(
        "Gain over random search at the cost of {:.1} trainings: {}, 95 % of single searches",
        summary.gain_at,
        points_text(summary.gain)
    )
}
