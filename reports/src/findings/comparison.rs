//! Findings of a comparison: systems side by side.

use std::fmt;
use std::path::Path;

use anyhow::{Result, ensure};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::comparison::{SystemSummary, summary};
use results::summaries::search;
use results::{
    CandidateRow, Claim, ComparisonSummary, SearchSummary, Statistic, SystemRow, SystemTrainingRow, TrialRow,
};
use serde::Deserialize;

use super::definition::part;
use super::equal_size;
use super::markdown::{left_out_sentence, table};
use super::quoted::SystemDefinition;
use super::search::search_paragraphs;
use super::{Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// The part of a definition that describes the systems.
#[derive(Debug, Default, Deserialize)]
struct Study {
    #[serde(default)]
    system: Vec<SystemDefinition>,
    /// Whether top-5 errors are reported.
    #[serde(default)]
    top5: bool,
    /// The system whose size hand-designed networks get in further rows.
    #[serde(rename = "equal-size")]
    equal_size: Option<EqualSizeDefinition>,
    /// Whether each training of a found system has a search of its own.
    #[serde(default, rename = "own-searches")]
    own_searches: bool,
}

/// The part of a definition about hand-designed networks at the size of a found architecture.
#[derive(Debug, Deserialize)]
struct EqualSizeDefinition {
    to: String,
}

/// Explains the intervals of a study whose searches are repeated.
const OWN_SEARCHES: &str = "Each training of a found system has a SMASH network and a search of its own, and scaled networks follow \
     its size. Differences are paired by search, so their intervals are over searches.";

/// Findings of a comparison of systems.
#[derive(Debug)]
struct ComparisonFindings {
    /// Measurements of the systems.
    summary: ComparisonSummary,
    study: Study,
    /// The searches by SMASH score that found some of the systems.
    searches: SearchSummary,
}

/// Reads the tables of a comparison.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    let study: Study = part(group, "study")?.unwrap_or_default();
    let names: Vec<String> = study.system.iter().map(|system| system.name.clone()).collect();
    let trials = group.read_if_there::<TrialRow>()?.unwrap_or_default();
    let candidates = group.read_if_there::<CandidateRow>()?.unwrap_or_default();
    let (systems, trainings) = (group.read::<SystemRow>()?, group.read::<SystemTrainingRow>()?);
    Ok(Box::new(ComparisonFindings {
        summary: summary(&names, &systems, &trainings, &trials),
        study,
        searches: search::summary(&candidates),
    }))
}

impl KindOfStudy for ComparisonFindings {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match (claim.statistic, &claim.between) {
            (Statistic::SearchGain, _) => Ok(self.searches.gain),
            (Statistic::ErrorDifference, Some([better, worse])) => {
                for name in [better, worse] {
                    ensure!(self.summary.system(name).is_some(), "`between` names `{name}`, which is no system");
                }
                Ok(self.summary.error_difference(better, worse))
            }
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        match self.summary.best() {
            Some((system, error)) => format!("lowest test error: {}, {error}", self.label(&system.name)),
            None => "no test error".to_owned(),
        }
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.summary.trainings(), "trainings"))
    }

    fn left_out(&self) -> String {
        self.summary.left_out()
    }

    fn caption(&self) -> Vec<String> {
        vec!["bars: mean over trainings ± 1 standard deviation".to_owned()]
    }

    fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![
            self.systems_table(),
            format!(
                "{}Measured errors are means over trainings (folds and seeds) ± their standard deviation. Quoted numbers \
                 are the paper's, at its scale; they are not measured here.",
                left_out_sentence(&self.left_out())
            ),
        ];
        if self.study.own_searches {
            paragraphs.push(OWN_SEARCHES.to_owned());
        }
        if let Some(EqualSizeDefinition { to }) = &self.study.equal_size {
            let line = |system: &SystemSummary| self.line(system);
            paragraphs.extend(equal_size::paragraphs(&self.summary, to, &self.columns(), line));
        }
        let trials = |system: &SystemSummary| Some(format!("{}: {}", system.name, system.trials?));
        let trials: Vec<String> = self.summary.systems.iter().filter_map(trials).collect();
        if !trials.is_empty() {
            paragraphs.push(format!("Full trainings spent by search methods: {}.", trials.join("; ")));
        }
        if !self.searches.searches.is_empty() {
            paragraphs.extend(search_paragraphs(&self.searches));
        }
        paragraphs
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::SearchProgress => Ok(FigureData::Search(&self.searches)),
            FigureKind::SystemBars => {
                let labels = self.summary.systems.iter().map(|system| self.label(&system.name));
                Ok(FigureData::Systems(&self.summary, labels.collect()))
            }
            _ => Err(does_not_fit(kind)),
        }
    }

    fn searches(&self) -> Option<&SearchSummary> {
        Some(&self.searches)
    }
}

impl ComparisonFindings {
    fn definition(&self, name: &str) -> Option<&SystemDefinition> {
        self.study.system.iter().find(|definition| definition.name == name)
    }

    /// Label of a system: its own name or, if another size stands for it, both names.
    fn label(&self, name: &str) -> String {
        if let Some(equal) = self.summary.system(name).and_then(|system| system.equal.as_ref()) {
            return equal.to_string();
        }
        match self.definition(name).and_then(|definition| definition.here.as_ref()) {
            Some(here) => format!("{here} (for {name})"),
            None => name.to_owned(),
        }
    }

    fn columns(&self) -> Vec<&'static str> {
        let mut names = vec!["system", "parameters", "multiply-adds", "depth", "test error"];
        names.extend(self.study.top5.then_some("top-5 test error"));
        names.extend(["left out", "paper, quoted"]);
        names
    }

    fn systems_table(&self) -> String {
        let own_size = self.summary.systems.iter().filter(|system| system.equal.is_none());
        table(&self.columns(), own_size.map(|system| self.line(system)))
    }

    fn line(&self, system: &SystemSummary) -> Vec<String> {
        let unmeasured = match system.was_run() {
            true => "no training ended ok",
            false => "not run",
        };
        let or_unmeasured = |text: Option<String>| text.unwrap_or_else(|| unmeasured.to_owned());
        let mut line = vec![
            self.label(&system.name),
            or_unmeasured(system.parameters.map(range)),
            or_unmeasured(system.multiply_adds.map(range)),
            or_unmeasured(system.depth.map(range)),
            or_unmeasured(system.error.map(|error| error.to_string())),
        ];
        if self.study.top5 {
            line.push(or_unmeasured(system.top5_error.map(|error| error.to_string())));
        }
        let quoted = self.definition(&system.name).and_then(|definition| definition.paper);
        line.extend([system.left_out(), quoted.map_or_else(String::new, |quoted| quoted.to_string())]);
        line
    }
}

fn range<T: fmt::Display + PartialEq>([least, most]: [T; 2]) -> String {
    match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    }
}

impl fmt::Display for ComparisonFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary)?;
        for SystemDefinition { name, here, .. } in &self.study.system {
            if let Some(here) = here {
                write!(f, "\n  {here} stands for {name}")?;
            }
        }
        match self.searches.searches.is_empty() {
            true => Ok(()),
            false => write!(f, "\n{}", self.searches),
        }
    }
}
