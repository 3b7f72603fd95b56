//! Findings of a study of the gradient by proxy: its gain over random steps.

use std::path::Path;

use anyhow::{Context, Result};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::proxy::summary;
use results::summaries::text::points_text;
use results::{Claim, ProxyRow, ProxySummary, Statistic};

use super::markdown::{bootstrap_note, table};
use super::{BOOTSTRAP, Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// Reads the table of a study of the gradient by proxy.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    let summary = summary(&group.read::<ProxyRow>()?);
    Ok(Box::new(summary.with_context(|| group.runs[0].dir.path().display().to_string())?))
}

impl KindOfStudy for ProxySummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match claim.statistic {
            Statistic::GradientGain => Ok(self.gain),
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        Statistic::GradientGain.text(self.gain)
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.n(), "starting points"))
    }

    fn left_out(&self) -> String {
        self.left_out()
    }

    fn caption(&self) -> Vec<String> {
        vec![format!("gain of the gradient {}", points_text(self.gain)), self.record(), BOOTSTRAP.to_owned()]
    }

    fn paragraphs(&self) -> Vec<String> {
        let sample = format!("n = {}, {} steps", self.n(), self.steps());
        let lines = [
            ("change from the start, gradient", points_text(self.gradient.change)),
            ("change from the start, random steps", points_text(self.random.change)),
            ("random steps - gradient", points_text(self.gain)),
            ("the gradient, by starting point", self.record()),
        ];
        let lines = lines.map(|(name, value)| vec![name.to_owned(), value]);
        let mut paragraphs = vec![
            table(&["lowest validation error", &sample], lines),
            bootstrap_note(&self.left_out(), "starting points"),
        ];
        paragraphs.extend(self.disagreement());
        paragraphs
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::Descent => Ok(FigureData::Proxy(self)),
            _ => Err(does_not_fit(kind)),
        }
    }
}
