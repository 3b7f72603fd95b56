//! The artefact that a correlation study is compared with.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use results::statistics::bootstrap::Interval;
use results::store::manifest::{DatasetRecord, Manifest};
use results::store::{Found, Group, find_runs, groups, newest};
use results::summaries::contrast::{Measures, Side, contrast};
use results::summaries::text::{error_text, interval_text, points_text};
use results::{ArchitectureRow, Contrast, CorrelationSummary, Points, ScoreRow, WeightsRow};

use super::markdown::{not_read, table};
use super::ranking::points;

/// The comparison of a correlation study with another artefact.
#[derive(Clone, Debug)]
pub(super) struct ComparedWith {
    /// Name of the other artefact, such as `fig4`.
    artefact: String,
    /// Class of device of both results.
    device_class: String,
    /// The comparison with its result of the same scale, data and class of device; `None` if there is no such result.
    pub comparison: Option<Comparison>,
    /// Why other results of the artefact cannot be read.
    faulty: Vec<String>,
}

/// The comparison of two results.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// How the two differ.
    pub contrast: Contrast,
    /// The points of the other result.
    reference: Points,
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
        let Found { runs, faulty } = find_runs(root, Some(&artefact))?;
        let faulty = faulty.iter().map(ToString::to_string).collect();
        let device_class = manifest.device_class.clone();
        let mut others = groups(runs);
        others.retain(is_alike);
        let is_of_commit =
            |other: &Group| (&other.manifest().commit, other.manifest().dirty) == (&manifest.commit, manifest.dirty);
        if others.iter().any(is_of_commit) {
            others.retain(is_of_commit);
        }
        let Some(other) = newest(others) else {
            return Ok(Self { artefact, device_class, comparison: None, faulty });
        };
        let side = |group: &Group, points: &Points, tau: Option<Interval>| -> Result<Side> {
            let weights = group.read_if_there::<WeightsRow>()?;
            let (architectures, scores) = (group.read::<ArchitectureRow>()?, group.read::<ScoreRow>()?);
            Ok(Side::new(points, tau, &architectures, &scores, weights.as_deref()))
        };
        let own = side(group, &summary.points, summary.score.kendall)?;
        let of_other = points(&other)?;
        let reference = side(&other, &of_other, of_other.kendall())?;
        let seeds: Vec<String> = other.runs.iter().map(|run| run.manifest.seed.to_string()).collect();
        let run = format!(
            "{artefact}, {} scale, {}, {device_class}, seeds {}, commit {}",
            manifest.scale,
            manifest.dataset.name,
            seeds.join(", "),
            other.manifest().short_commit()
        );
        let contrast = contrast(&own, &reference);
        let comparison = Some(Comparison { contrast, reference: of_other, run });
        Ok(Self { artefact, device_class, comparison, faulty })
    }

    /// Name and points of the other result, if there is one.
    pub fn reference(&self) -> Option<(&str, &Points)> {
        let comparison = self.comparison.as_ref()?;
        Some((&self.artefact, &comparison.reference))
    }

    /// The comparison as paragraphs of the report.
    pub fn paragraphs(&self) -> Vec<String> {
        let artefact = &self.artefact;
        let faulty = not_read(&self.faulty);
        let Some(Comparison { contrast, run, .. }) = &self.comparison else {
            let nothing = format!(
                "No result of `{artefact}` at this scale, on this data set and on this class of device ({}) is stored, so there is \
                 nothing to compare with.",
                self.device_class
            );
            return [nothing].into_iter().chain(faulty).collect();
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
        let pairing = format!("{}{one_network}", contrast.pairing_text());
        [format!("Compared with {run}:"), table(&names, lines), pairing].into_iter().chain(faulty).collect()
    }
}

/// A few lines for a terminal.
impl fmt::Display for ComparedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.comparison {
            Some(Comparison { contrast, run, .. }) => write!(f, "compared with {run}\n{contrast}")?,
            None => write!(
                f,
                "no run of `{}` at this scale, on this data set and on this class of device ({}) to compare with",
                self.artefact, self.device_class
            )?,
        }
        self.faulty.iter().try_for_each(|fault| write!(f, "\ncannot be read: {fault}"))
    }
}
