//! Findings of a study of initial weights: the gain by generated weights, and by standard ones.

use std::path::Path;

use anyhow::{Context, Result};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::initialisation::{Comparison, Outcome, summary};
use results::summaries::text::{percent, points_text};
use results::{Claim, InitialisationCurveRow, InitialisationRow, InitialisationSummary, Statistic};

use super::markdown::{bootstrap_note, table};
use super::{BOOTSTRAP, Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// Reads the tables of a study of initial weights.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    let (trainings, curves) = (group.read::<InitialisationRow>()?, group.read::<InitialisationCurveRow>()?);
    let summary = summary(&trainings, &curves);
    Ok(Box::new(summary.with_context(|| group.runs[0].dir.path().display().to_string())?))
}

impl KindOfStudy for InitialisationSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match claim.statistic {
            Statistic::FirstEpochGain => Ok(self.first_epoch_gain()),
            Statistic::StandardStartGain => Ok(self.standard_start_gain()),
            Statistic::StartDisparity => Ok(self.disparity),
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        Statistic::StandardStartGain.text(self.standard_start_gain())
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.n(), "architectures"))
    }

    fn left_out(&self) -> String {
        self.left_out()
    }

    fn caption(&self) -> Vec<String> {
        vec![
            format!("generated weights, first epoch: gain {}", points_text(self.first_epoch_gain())),
            format!("standard weights, test error at the end: gain {}", points_text(self.standard_start_gain())),
            BOOTSTRAP.to_owned(),
        ]
    }

    fn paragraphs(&self) -> Vec<String> {
        let names =
            ["architectures", "network", "error", "n", "standard weights", "generated weights", "standard - generated"];
        let records = self.comparisons.iter().map(|of| {
            let [standard, generated] = of.failed;
            format!(
                "- {}, {}: {}. Failed trainings: {standard} from standard weights, {generated} from generated ones.",
                of.group,
                of.form.name(),
                of.record()
            )
        });
        vec![
            table(&names, self.comparisons.iter().flat_map(lines)),
            format!("Test error at the end, by architecture:\n\n{}", records.collect::<Vec<_>>().join("\n")),
            format!(
                "Test error from generated weights minus that from standard ones, with BatchNorm minus with WeightNorm: {}.",
                points_text(self.disparity)
            ),
            bootstrap_note(&self.left_out(), "architectures"),
        ]
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::StartCurves => Ok(FigureData::Starts(self)),
            _ => Err(does_not_fit(kind)),
        }
    }
}

/// The errors of a comparison after each epoch and at the end, one line each; none without a complete pair.
fn lines(of: &Comparison) -> Vec<Vec<String>> {
    let line = |error: String, Outcome { errors: [standard, generated], gain, .. }: &Outcome| {
        vec![
            of.group.to_owned(),
            of.form.name().to_owned(),
            error,
            of.n.to_string(),
            percent(*standard),
            percent(*generated),
            points_text(*gain),
        ]
    };
    let epochs = of.epochs.iter().enumerate();
    let mut lines: Vec<Vec<String>> =
        epochs.map(|(index, outcome)| line(format!("validation, epoch {}", index + 1), outcome)).collect();
    lines.extend(of.end.iter().map(|end| line("test, at the end".to_owned(), end)));
    lines
}
