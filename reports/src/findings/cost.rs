//! Findings of a study of costs: searches and trainings in multiply-adds, beside quoted budgets.

use std::path::Path;

use anyhow::{Result, ensure};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::cost::{Quoted, SystemCost, summary};
use results::summaries::text::cost_text;
use results::{Claim, CostSummary, PhaseCostRow, Statistic};
use serde::Deserialize;

use super::definition::part;
use super::markdown::table;
use super::{Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// The part of a definition that describes the systems beside the searches.
#[derive(Debug, Default, Deserialize)]
struct Study {
    #[serde(default)]
    system: Vec<System>,
}

#[derive(Debug, Deserialize)]
struct System {
    name: String,
    quoted: Option<Quoted>,
}

/// Reads the table of a study of costs.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    let Study { system } = part(group, "study")?.unwrap_or_default();
    let named: Vec<(String, Option<Quoted>)> = system.into_iter().map(|system| (system.name, system.quoted)).collect();
    Ok(Box::new(summary(&named, &group.read::<PhaseCostRow>()?)))
}

impl KindOfStudy for CostSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        let (Statistic::CostReduction, Some([first, second])) = (claim.statistic, &claim.between) else {
            return Err(no_statistic(claim));
        };
        for name in [first, second] {
            let is_known = self.costs().any(|(known, _)| known == *name);
            ensure!(is_known, "`between` names `{name}`; expected a system with `, search` or `, training`");
        }
        Ok(self.reduction(first, second))
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.systems.len(), "systems"))
    }

    fn caption(&self) -> Vec<String> {
        vec!["quoted budgets are published by others, and not counted here".to_owned()]
    }

    fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![costs(self), phases(self)];
        let source = |system: &SystemCost| {
            let quoted = system.quoted.as_ref()?;
            let peak = quoted.peak_flops.map(|peak| format!(" at a peak of {peak:.2e} FLOP/s"));
            Some(format!("{}: {quoted}{} ({})", system.name, peak.unwrap_or_default(), quoted.source))
        };
        let sources: Vec<String> = self.systems.iter().filter_map(source).collect();
        if !sources.is_empty() {
            paragraphs.push(format!(
                "Quoted budgets: {}. A multiply-add stands for two floating-point operations. Days on GPUs are converted \
                 at the peak of the GPU, so the multiply-adds are an upper bound.",
                sources.join("; ")
            ));
        }
        paragraphs.push(
            "Brackets hold 95 % intervals of means over sampled architectures, by Student's t. The counts leave out \
             optimisers, normalisation, activations, sums of memory banks, pooling, the loading of images, and errors \
             that are measured during training."
                .to_owned(),
        );
        paragraphs
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::CostMarks => Ok(FigureData::Costs(self)),
            _ => Err(does_not_fit(kind)),
        }
    }

    fn needs_training(&self) -> bool {
        false
    }
}

/// The search and the training of each system.
fn costs(summary: &CostSummary) -> String {
    let names = ["system", "search", "search, quoted", "one training", "search / training"];
    let text = |cost: Option<Interval>| cost.map_or_else(String::new, interval);
    let line = |system: &SystemCost| {
        let (counted, quoted) = match &system.quoted {
            None => (text(system.search), String::new()),
            Some(quoted) => {
                let converted = system.search.map(|cost| format!(", {} multiply-adds", cost_text(cost.estimate)));
                (String::new(), format!("{quoted}{}", converted.unwrap_or_default()))
            }
        };
        let ratio = system.search.zip(system.training).map(|(search, training)| search.estimate / training.estimate);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        vec![system.name.clone(), counted, quoted, text(system.training), ratio]
    };
    table(&names, summary.systems.iter().map(line))
}

/// The phases of each counted search.
fn phases(summary: &CostSummary) -> String {
    let names = ["search", "phase", "multiply-adds", "share of the search"];
    let lines = summary.systems.iter().flat_map(|system| {
        let all: f64 = system.phases.iter().map(|(_, cost)| cost).sum();
        let line = move |(phase, cost): &(String, f64)| {
            vec![system.name.clone(), phase.clone(), cost_text(*cost), format!("{:.1} %", 100.0 * cost / all)]
        };
        system.phases.iter().map(line)
    });
    table(&names, lines)
}

/// A cost with its interval, if it has a width: `1.6e16 [1.5e16, 1.7e16]`.
fn interval(Interval { estimate, low, high, .. }: Interval) -> String {
    match low == high {
        true => cost_text(estimate),
        false => format!("{} [{}, {}]", cost_text(estimate), cost_text(low), cost_text(high)),
    }
}
