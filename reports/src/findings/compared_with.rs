//! The artefact that a correlation study is compared with.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use results::store::manifest::{DatasetRecord, Manifest};
use results::store::{Group, find_runs, groups, newest};
use results::summaries::contrast::{Measures, Side, contrast};
use results::summaries::text::{error_text, interval_text, points_text};
use results::{ArchitectureRow, Contrast, CorrelationSummary, ScoreRow, WeightsRow};

use super::markdown::table;
use super::ranking::correlation;

/// The comparison of a correlation study with another artefact.
#[derive(Clone, Debug)]
pub(super) struct ComparedWith {
    /// Name of the other artefact, such as `fig4`.
    artefact: String,
    /// The comparison with its result of the same scale and data; `None` if there is no such result.
    pub comparison: Option<Comparison>,
}

/// The comparison of two results.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// How the two differ.
    pub contrast: Contrast,
    /// The other result.
    reference: CorrelationSummary,
    /// Describes the other result.
    run: String,
}

impl ComparedWith {
    /// Compares a study with a result of another artefact at the same scale, on the same data and on the same class of device.
    /// The result is of the same commit if possible; the newest such result is taken.
    pub fn load(group: &Group, summary: &CorrelationSummary, artefact: String, root: &Path) -> Result<Self> {
        let manifest = group.manifest();
        let is_alike = |other: &Group| {
            let other = other.manifest();
            let data = |of: &Manifest| {
                let DatasetRecord { name, train, test, .. } = of.dataset.clone();
                (name, train, test)
            };
            (&other.scale, &other.device_class) == (&manifest.scale, &manifest.device_class)
                && data(other) == data(manifest)
        };
        let mut others = groups(find_runs(root, Some(&artefact))?.runs);
        others.retain(is_alike);
        let is_of_commit =
            |other: &Group| (&other.manifest().commit, other.manifest().dirty) == (&manifest.commit, manifest.dirty);
        if others.iter().any(is_of_commit) {
            others.retain(is_of_commit);
        }
        let Some(other) = newest(others) else {
            return Ok(Self { artefact, comparison: None });
        };
        let side = |group: &Group, summary: &CorrelationSummary| -> Result<Side> {
            let weights = group.read_if_there::<WeightsRow>()?;
            let (architectures, scores) = (group.read::<ArchitectureRow>()?, group.read::<ScoreRow>()?);
            Ok(Side::new(summary, &architectures, &scores, weights.as_deref()))
        };
        let own = side(group, summary)?;
        let of_other = correlation(&other)?;
        let reference = side(&other, &of_other)?;
        let seeds: Vec<String> = other.runs.iter().map(|run| run.manifest.seed.to_string()).collect();
        let commit = &other.manifest().commit;
        let run = format!(
            "{artefact}, {} scale, {}, seeds {}, commit {}",
            manifest.scale,
            manifest.dataset.name,
            seeds.join(", "),
            commit.get(..12).unwrap_or(commit)
        );
        let contrast = contrast(&own, &reference);
        Ok(Self { artefact, comparison: Some(Comparison { contrast, reference: of_other, run }) })
    }

    /// Name and points of the other result, if there is one.
    pub fn reference(&self) -> Option<(&str, &CorrelationSummary)> {
        let comparison = self.comparison.as_ref()?;
        Some((&self.artefact, &comparison.reference))
    }

    /// The comparison as paragraphs of the report.
    pub fn paragraphs(&self) -> Vec<String> {
        let artefact = &self.artefact;
        let Some(Comparison { contrast, run, .. }) = &self.comparison else {
            return vec![format!(
                "No result of `{artefact}` at this scale and on this data set is stored, so there is nothing to compare with."
            )];
        };
        let line = |name: &str, measures: &Measures| {
            let ratio = measures.weights_ratio.map(|ratio| format!("{ratio:.2}"));
            vec![
                name.to_owned(),
                measures.seeds.to_string(),
                ratio.unwrap_or_else(|| "not counted".to_owned()),
                error_text(measures.level),
                measures.scored.to_string(),
                interval_text(measures.tau),
                error_text(measures.top),
            ]
        };
        let difference = |name: String, [level, tau, top]: [String; 3]| {
            vec![name, String::new(), String::new(), level, String::new(), tau, top]
        };
        let [level, tau, top] =
            [points_text(contrast.level_drop), interval_text(contrast.tau_drop), points_text(contrast.top_rise)];
        let names = [
            "",
            "root seeds",
            "learned / generated weights, mean over architectures",
            "mean score",
            "scored",
            "Kendall τ",
            "true error of the best tenth by score",
        ];
        let lines = [
            line("here", &contrast.own),
            line(artefact, &contrast.reference),
            difference(format!("{artefact} - here"), [level, tau, String::new()]),
            difference(format!("here - {artefact}"), [String::new(), String::new(), top]),
        ];
        let one_network = match contrast.own.seeds.min(contrast.reference.seeds) {
            1 => " The interval of a side with one root seed excludes the variation between SMASH networks.",
            _ => "",
        };
        vec![format!("Compared with {run}:"), table(&names, lines), format!("{}{one_network}", contrast.pairing_text())]
    }
}

/// A few lines for a terminal.
impl fmt::Display for ComparedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.comparison {
            Some(Comparison { contrast, run, .. }) => write!(f, "compared with {run}\n{contrast}"),
            None => write!(f, "no run of `{}` at this scale and on this data set to compare with", self.artefact),
        }
    }
}
