//! Findings of a sampling study: how the architectures of each space are distributed.

use std::path::Path;

use anyhow::{Context, Result};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::sampling::{Distribution, SAME_SIZE, SpaceSummary, Stated, summary};
use results::summaries::text::error_text;
use results::{Claim, OpValueRow, SampleRow, SamplingSummary};
use serde::Deserialize;

use super::definition::part;
use super::markdown::table;
use super::{Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// The part of a definition that describes the spaces.
#[derive(Debug, Default, Deserialize)]
struct Study {
    spaces: Vec<Space>,
}

#[derive(Debug, Deserialize)]
struct Space {
    name: String,
    paper: Stated,
}

/// Reads the tables of a sampling study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    let Study { spaces } = part(group, "study")?.unwrap_or_default();
    let named: Vec<(String, Stated)> = spaces.into_iter().map(|space| (space.name, space.paper)).collect();
    Ok(Box::new(summary(&named, &group.read::<SampleRow>()?, &group.read::<OpValueRow>()?)))
}

impl KindOfStudy for SamplingSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        let name = claim.of.as_ref().ok_or_else(|| no_statistic(claim))?;
        let space = self.spaces.iter().find(|space| space.name == *name);
        let space = space.with_context(|| format!("`of` names `{name}`, which is no space of the study"))?;
        let value = space.statistic(claim.statistic);
        value.with_context(|| format!("the paper's numbers for `{name}` lack those of `{claim}`"))
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.spaces.iter().map(|space| space.draws).sum(), "draws"))
    }

    fn caption(&self) -> Vec<String> {
        let distinct = |space: &SpaceSummary| {
            let SpaceSummary { name, draws, distinct, .. } = space;
            format!("{name}: {distinct} of {draws} draws are distinct")
        };
        self.spaces.iter().map(distinct).collect()
    }

    fn paragraphs(&self) -> Vec<String> {
        vec![
            statements(self),
            quantiles(self),
            format!(
                "Brackets of shares hold Wilson's 95 % intervals, brackets of means Student's t. A draw has the found \
                 network's size if its parameters and its depth both differ by at most {:.0} %. Isomorphic draws count \
                 as one distinct architecture.",
                100.0 * SAME_SIZE
            ),
        ]
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::Histograms => Ok(FigureData::Histograms(self)),
            _ => Err(does_not_fit(kind)),
        }
    }

    fn needs_training(&self) -> bool {
        false
    }
}

/// The paper's statements about each space, beside the draws.
fn statements(summary: &SamplingSummary) -> String {
    let names = ["statement", "space", "draws"];
    let line = |space: &SpaceSummary, statement: String, found: String| vec![statement, space.name.clone(), found];
    let of_space = |space: &SpaceSummary| {
        let Stated { banks, budget, rarely_above, parameters, depth } = space.stated;
        let mut lines = vec![line(
            space,
            "distinct architectures".to_owned(),
            format!("{} of {} draws", space.distinct, space.draws),
        )];
        if let Some(banks) = banks {
            let (within, spare) = (error_text(space.within_banks), error_text(space.spare_banks));
            let most = format!("{within}, most banks: {}", space.most_banks);
            lines.push(line(space, format!("at most {banks} banks in a block"), most));
            lines.push(line(space, format!("mean share of the {banks} banks left unused"), spare));
        }
        let shares = [(budget, space.within_budget), (rarely_above, space.rarely_exceeded)];
        for (millions, share) in shares {
            if let Some(millions) = millions {
                lines.push(line(space, format!("at most {millions} M parameters"), error_text(share)));
            }
        }
        if let Some((parameters, depth)) = parameters.zip(depth) {
            let found = format!("size of the found network: {parameters} M parameters, depth {depth}");
            lines.push(line(space, found, error_text(space.found_size)));
        }
        lines
    };
    table(&names, summary.spaces.iter().flat_map(of_space))
}

/// Quantiles of each distribution in each space.
fn quantiles(summary: &SamplingSummary) -> String {
    let mut names = vec!["quantity".to_owned()];
    names.extend(summary.spaces.iter().map(|space| format!("{}: least, 5 %, median, 95 %, most", space.name)));
    let line = |distribution: &Distribution| {
        let digits = if distribution.unit > 1.0 { 2 } else { 0 };
        let of_space = |space: usize| {
            let found = [0.0, 0.05, 0.5, 0.95, 1.0].map(|share| distribution.quantile(space, share));
            let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
            found.map(number).join(", ")
        };
        let cells = (0..summary.spaces.len()).map(of_space);
        [distribution.name.clone()].into_iter().chain(cells).collect()
    };
    table(&names, summary.distributions.iter().map(line))
}
