//! Findings of a comparison: systems side by side.

use std::fmt;
use std::path::Path;

use anyhow::{Result, ensure};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::comparison::{SystemSummary, summary};
use results::summaries::search;
use results::{
    CandidateRow, Claim, ComparisonSummary, Manifest, SearchSummary, Statistic, SystemRow, SystemTrainingRow, TrialRow,
};
use serde::Deserialize;

use super::definition::part;
use super::equal_size;
use super::markdown::{left_out_sentence, table};
use super::quoted::{SmashDefinition, SystemDefinition};
use super::search::{search_paragraphs, shown};
use super::{Findings, KindOfStudy, does_not_fit, no_statistic, used_data};
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
    /// Folds of the training data, if each system is trained on several.
    folds: Option<Folds>,
}

/// The part of a definition about hand-designed networks at the size of a found architecture.
#[derive(Debug, Deserialize)]
struct EqualSizeDefinition {
    to: String,
}

/// Explains the intervals of a study whose searches are repeated.
const OWN_SEARCHES: &str = "Each training of a found system has a SMASH network and a search of its own, and scaled networks follow \
     its size. Differences are paired by search, so their intervals are over searches.";

/// Folds of the training data.
#[derive(Debug, Deserialize)]
struct Folds {
    count: u32,
    size: u32,
}

/// Explains the names of systems.
const OWN: &str =
    "all systems are our own implementations; `for` names the published one that a smaller one stands for";

/// Findings of a comparison of systems.
#[derive(Debug)]
struct ComparisonFindings {
    /// Measurements of the systems.
    summary: ComparisonSummary,
    study: Study,
    /// The searches by SMASH score that found some of the systems.
    searches: SearchSummary,
    /// The data set that each of them used, in the order of the definition.
    searched_on: Vec<String>,
    /// What readers see of each system, in the order of the summary.
    labels: Vec<Label>,
}

/// What readers see of a system.
#[derive(Debug)]
struct Label {
    /// What was run here.
    what: String,
    /// Whose implementation it is, and what it stands for; empty if the definition does not say how it is built.
    note: String,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.note.is_empty() {
            true => f.write_str(&self.what),
            false => write!(f, "{} ({})", self.what, self.note),
        }
    }
}

/// Reads the tables of a comparison.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    let study: Study = part(group, "study")?.unwrap_or_default();
    let names: Vec<String> = study.system.iter().map(|system| system.name.clone()).collect();
    let trials = group.read_if_there::<TrialRow>()?.unwrap_or_default();
    let candidates = group.read_if_there::<CandidateRow>()?.unwrap_or_default();
    let (systems, trainings) = (group.read::<SystemRow>()?, group.read::<SystemTrainingRow>()?);
    let mut summary = summary(&names, &systems, &trainings, &trials);
    let labels: Vec<Label> = summary.systems.iter().map(|system| label(group.manifest(), &study, system)).collect();
    for (system, label) in summary.systems.iter_mut().zip(&labels) {
        system.shown = label.to_string();
    }
    let mut searched_on = Vec::new();
    for search in study.system.iter().filter_map(|system| system.smash.as_ref()) {
        let set = used_data::searched_on(group.manifest(), &search.search);
        if !searched_on.contains(&set) {
            searched_on.push(set);
        }
    }
    let searches = shown(group, search::summary(&candidates));
    Ok(Box::new(ComparisonFindings { summary, study, searches, searched_on, labels }))
}

/// What readers see of a system: our implementation at the run's scale, on the run's data.
fn label(manifest: &Manifest, study: &Study, system: &SystemSummary) -> Label {
    if let Some(equal) = &system.equal {
        let note = format!("ours, for {}, equal {}", used_data::of_run(manifest, &equal.of), equal.count);
        return Label { what: equal.networks_text(), note };
    }
    let name = system.name.as_str();
    let definition = study.system.iter().find(|definition| definition.name == name);
    let search = definition.and_then(|definition| definition.smash.as_ref());
    let name = match search {
        Some(SmashDefinition { search }) => used_data::of_search(manifest, search, name),
        None => used_data::of_run(manifest, name),
    };
    let of_scale = format!("ours, {} scale", manifest.scale);
    let (what, note) = match definition {
        Some(SystemDefinition { here: Some(here), .. }) => (here.clone(), format!("ours, for {name}")),
        Some(SystemDefinition { trained_search: Some(search), .. }) => {
            let (method, trials) = (search.method.shown(), search.trials);
            let note = if method == name { "ours".to_owned() } else { format!("ours, for {name}") };
            (format!("{method}, {trials} trainings"), note)
        }
        Some(SystemDefinition { baseline, smash, .. }) if baseline.is_some() || smash.is_some() => (name, of_scale),
        _ => (name, String::new()),
    };
    Label { what, note }
}

impl KindOfStudy for ComparisonFindings {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match (claim.statistic, &claim.between) {
            (Statistic::SearchGain, _) => Ok(self.searches.gain),
            (Statistic::ErrorDifference, Some([better, worse])) => {
                for name in [better, worse] {
                    ensure!(self.summary.system(name).is_some(), "this run has no system `{name}`");
                }
                Ok(self.summary.error_difference(better, worse))
            }
            _ => Err(no_statistic(claim)),
        }
    }

    fn shown_name(&self, system: &str) -> String {
        self.summary.system(system).map_or_else(|| system.to_owned(), |system| system.shown.clone())
    }

    fn headline(&self) -> String {
        match self.summary.best() {
            Some((system, error)) => format!("lowest test error: {}, {error}", system.shown),
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
        let mut facts = vec!["bars: mean over trainings ± 1 standard deviation".to_owned()];
        facts.extend(self.searched_on());
        facts.push(OWN.to_owned());
        facts
    }

    fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![
            self.systems_table(),
            format!(
                "{}Measured errors are means over trainings (folds and seeds) ± their standard deviation. Quoted numbers \
                 are the paper's, at its scale and on its data; they are not measured here. Names: {OWN}.{}{}",
                left_out_sentence(&self.left_out()),
                self.study.folds.as_ref().map_or(String::new(), |folds| format!(
                    " Each system is trained on {} folds of {} examples.",
                    folds.count, folds.size
                )),
                self.searched_on().map_or(String::new(), |set| format!(" SMASH {set}.")),
            ),
        ];
        if self.study.own_searches {
            paragraphs.push(OWN_SEARCHES.to_owned());
        }
        if let Some(EqualSizeDefinition { to }) = &self.study.equal_size {
            let line = |system: &SystemSummary| self.line(system);
            paragraphs.extend(equal_size::paragraphs(&self.summary, to, &self.columns(), line));
        }
        let trials = |system: &SystemSummary| Some(format!("{}: {}", system.shown, system.trials?));
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
                // The note has a line of its own.
                let labels = self.labels.iter().map(|label| match label.note.is_empty() {
                    true => label.what.clone(),
                    false => format!("{}\n{}", label.what, label.note),
                });
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

    /// The data sets of the searches by SMASH score, if there were any.
    fn searched_on(&self) -> Option<String> {
        (!self.searched_on.is_empty()).then(|| format!("searched on {}", self.searched_on.join(" and ")))
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
            system.shown.clone(),
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
        write!(f, "{}\n{OWN}", self.summary)?;
        match self.searches.searches.is_empty() {
            true => Ok(()),
            false => write!(f, "\n{}", self.searches),
        }
    }
}
