//! Findings of a corruption study: the cost of a corrupted encoding.

use std::path::Path;

use anyhow::Result;
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::corruption::{Corrupted, summary};
use results::summaries::text::{p_text, points_text, share_text};
use results::{Claim, CorruptionRow, CorruptionSummary, Statistic};

use super::markdown::{bootstrap_note, table};
use super::{Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// Reads the table of a corruption study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    Ok(Box::new(summary(&group.read::<CorruptionRow>()?)))
}

impl KindOfStudy for CorruptionSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match claim.statistic {
            Statistic::CorrectIsBest => Ok(self.correct_is_best),
            Statistic::CorruptionLoss => Ok(self.together.increase),
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        Statistic::CorrectIsBest.text(self.correct_is_best)
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.n(), "architectures"))
    }

    fn left_out(&self) -> String {
        self.left_out()
    }

    fn caption(&self) -> Vec<String> {
        vec![
            format!("correct encoding best of all: {}", share_text(self.correct_is_best)),
            format!("mean increase {}", points_text(self.together.increase)),
            "[ ]: 95 %, Wilson and bootstrap".to_owned(),
        ]
    }

    fn paragraphs(&self) -> Vec<String> {
        let names = ["corrupted", "n", "correct encoding is better", "mean increase of error", "Wilcoxon", "left out"];
        let line = |line: &Corrupted| {
            vec![
                line.name.clone(),
                line.signs.n().to_string(),
                share_text(line.signs.share()),
                points_text(line.increase),
                p_text(line.wilcoxon),
                line.left_out(),
            ]
        };
        let mut paragraphs = vec![
            table(&names, self.lines().map(line)),
            format!(
                "The correct encoding has the lowest error of all in {} of {} architectures. Shares have Wilson's interval.",
                share_text(self.correct_is_best),
                self.n()
            ),
            bootstrap_note(&self.left_out(), "architectures"),
        ];
        let notes: Vec<String> = self.lines().filter_map(Corrupted::disagreement).collect();
        paragraphs.extend((!notes.is_empty()).then(|| notes.join(" ")));
        paragraphs
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::CorruptionBars => Ok(FigureData::Corruption(self)),
            _ => Err(does_not_fit(kind)),
        }
    }
}
