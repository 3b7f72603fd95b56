//! Findings of a search study: the results of searches by SMASH score.

use std::path::Path;

use anyhow::Result;
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::search::summary;
use results::summaries::text::{percent, points_text};
use results::{CandidateRow, Claim, SearchSummary, Statistic};

use super::markdown::{left_out_sentence, table};
use super::{Findings, KindOfStudy, does_not_fit, no_statistic, used_data};
use crate::figure::definition::{FigureData, FigureKind};

/// Reads the table of a search study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    Ok(Box::new(shown(group, summary(&group.read::<CandidateRow>()?))))
}

/// Names the searches by the data that they used.
pub(super) fn shown(group: &Group, mut summary: SearchSummary) -> SearchSummary {
    for run in &mut summary.searches {
        run.shown = used_data::of_search(group.manifest(), &run.search, &run.search);
    }
    summary
}

impl KindOfStudy for SearchSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match claim.statistic {
            Statistic::SearchGain => Ok(self.gain),
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        let Some((search, best)) = self.best() else {
            return "no score".to_owned();
        };
        let label = search.label(self.seeds());
        format!("lowest score: {label}, {}", percent(best.error))
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.scored(), "architectures"))
    }

    fn left_out(&self) -> String {
        self.left_out()
    }

    fn caption(&self) -> Vec<String> {
        vec![
            format!("gain over random sampling {}", points_text(self.gain)),
            "[ ]: 95 %, Student's t over searches".to_owned(),
        ]
    }

    fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = search_paragraphs(self);
        paragraphs.push(format!(
            "{}Brackets hold 95 % intervals by Student's t over searches.",
            left_out_sentence(&self.left_out())
        ));
        paragraphs
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::SearchProgress => Ok(FigureData::Search(self)),
            _ => Err(does_not_fit(kind)),
        }
    }

    fn searches(&self) -> Option<&SearchSummary> {
        Some(self)
    }
}

/// A table of the searches and their stages, and the mean gain.
pub(super) fn search_paragraphs(summary: &SearchSummary) -> Vec<String> {
    let stages = summary.stages();
    let mut names = vec!["search".to_owned(), "scored".to_owned()];
    names.extend(stages.iter().map(|stage| format!("{stage}: lowest score")));
    names.extend(["best architecture", "parameters", "met in"].map(str::to_owned));
    let lines = summary.searches.iter().map(|search| {
        let mut line = vec![search.label(summary.seeds()), search.scored().to_string()];
        line.extend(stages.iter().map(|name| {
            let stage = search.stages.iter().find(|stage| stage.name == *name);
            stage.map_or_else(|| "not run".to_owned(), ToString::to_string)
        }));
        line.extend(match &search.best {
            Some(best) => [format!("`{}`", best.hash), best.parameters.to_string(), best.stage.clone()],
            None => ["none".to_owned(), String::new(), String::new()],
        });
        line
    });
    vec![
        table(&names, lines),
        format!(
            "In brackets: improvement over the lowest score of the random stage. Mean over searches: {}.",
            points_text(summary.gain)
        ),
    ]
}
