//! Reads the tables of an artefact by its kind of study.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use results::store::{Group, StoredRun, find_runs, latest_groups};
use results::summaries::contrast::{self, Side};
use results::summaries::correlation::Predictor;
use results::{
    ArchitectureRow, CandidateRow, CorrelationSummary, CorruptionRow, DrawingRow, EncodingCellRow, EpochRow,
    FastTruthRow, Measure, MemberScoreRow, PredictionRow, PredictorsSummary, ProxyRow, ScoreRow, SystemRow,
    SystemTrainingRow, ThroughputRow, TrialRow, TruthRow, WeightsRow,
};
use serde::Deserialize;

use super::{Against, ComparisonFindings, CorrelationFindings, Findings, RegimeFindings, SystemDefinition};

/// The part of a definition that decides how its tables are read.
#[derive(Deserialize)]
struct Study {
    kind: StudyKind,
    #[serde(default)]
    system: Vec<SystemDefinition>,
    #[serde(default)]
    top5: bool,
}

/// Kinds of study, by the tables that they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StudyKind {
    Correlation,
    Fidelity,
    Benchmark,
    Throughput,
    Ensemble,
    Corruption,
    ProxyGradient,
    Search,
    Comparison,
    Drawing,
}

impl Findings {
    /// Reads the tables of a group of runs and computes their statistics. `root` is the folder of all stored runs; it
    /// holds the artefact that this one may be compared with.
    ///
    /// # Errors
    /// If the definition's study or a table is faulty, or if seeds were measured on test sets of different sizes.
    pub fn load(group: &Group, root: &Path) -> Result<Self> {
        let Some(study) = part::<Study>(group, "study")? else {
            return Ok(Self::Nothing);
        };
        let compared_with: Option<String> = part(group, "compared_with")?;
        let place = || group.runs[0].dir.path().display().to_string();
        Ok(match study.kind {
            StudyKind::Correlation => {
                let summary = correlation(group)?;
                let against = compared_with.map(|artefact| against(group, &summary, artefact, root));
                let against = against.transpose()?;
                let predictions = group.read_if_there::<PredictionRow>()?;
                let predictors = predictions
                    .map(|predictions| predictors(group, &predictions))
                    .transpose()?;
                let regime = regime(group)?;
                Self::Correlation(Box::new(CorrelationFindings::new(summary, against, predictors, regime)))
            }
            StudyKind::Fidelity | StudyKind::Benchmark => {
                let summary = correlation(group)?;
                Self::Correlation(Box::new(CorrelationFindings::new(summary, None, None, None)))
            }
            StudyKind::Throughput => {
                Self::Throughput(results::summaries::throughput::summary(&group.read::<ThroughputRow>()?))
            }
            StudyKind::Ensemble => {
                Self::Ensemble(results::summaries::ensemble::summary(&group.read::<MemberScoreRow>()?))
            }
            StudyKind::Corruption => {
                Self::Corruption(results::summaries::corruption::summary(&group.read::<CorruptionRow>()?))
            }
            StudyKind::ProxyGradient => {
                Self::Proxy(results::summaries::proxy::summary(&group.read::<ProxyRow>()?).with_context(place)?)
            }
            StudyKind::Search => Self::Search(results::summaries::search::summary(&group.read::<CandidateRow>()?)),
            StudyKind::Comparison => {
                let names: Vec<String> = study.system.iter().map(|system| system.name.clone()).collect();
                let trials = group.read_if_there::<TrialRow>()?.unwrap_or_default();
                let candidates = group.read_if_there::<CandidateRow>()?.unwrap_or_default();
                Self::Comparison(ComparisonFindings {
                    summary: results::summaries::comparison::summary(
                        &names,
                        &group.read::<SystemRow>()?,
                        &group.read::<SystemTrainingRow>()?,
                        &trials,
                    ),
                    systems: study.system,
                    top5: study.top5,
                    searches: results::summaries::search::summary(&candidates),
                })
            }
            StudyKind::Drawing => Self::Drawing {
                drawings: group.read::<DrawingRow>()?,
                cells: group.read_if_there::<EncodingCellRow>()?.unwrap_or_default(),
            },
        })
    }
}

/// Whether a group's study measures how a predictor ranks true errors; false if its study cannot be read.
pub(crate) fn is_correlation(group: &Group) -> bool {
    let study = part::<Study>(group, "study").ok().flatten();
    study.is_some_and(|study| matches!(study.kind, StudyKind::Correlation | StudyKind::Fidelity))
}

/// A part of a group's definition; `None` if it has no such key.
///
/// # Errors
/// If the part is malformed. The error names the manifest and the key.
pub(crate) fn part<T: serde::de::DeserializeOwned>(group: &Group, name: &str) -> Result<Option<T>> {
    let value = group.manifest().definition.get(name).cloned();
    let fault = || {
        let path = group.runs[0].dir.manifest_path();
        format!("{}: the definition's `{name}`", path.display())
    };
    value.map(toml::Value::try_into).transpose().with_context(fault)
}

/// Summarises how a predictor ranks true errors. The predictor is the score; in a fidelity study it is the fast recipe,
/// in a benchmark the validation error.
///
/// # Errors
/// As [`Findings::load`].
pub(crate) fn correlation(group: &Group) -> Result<CorrelationSummary> {
    let truths = group.read::<TruthRow>()?;
    let predictor = match part::<Study>(group, "study")?.map(|study| study.kind) {
        Some(StudyKind::Fidelity) => Predictor::fast_recipe(&group.read::<FastTruthRow>()?),
        Some(StudyKind::Benchmark) => Predictor::validation_error(&truths),
        _ => Predictor::score(&group.read::<ScoreRow>()?, Measure::of_group(group)?),
    };
    let examples = |run: &StoredRun| run.manifest.dataset.test.examples;
    let test_examples = examples(&group.runs[0]);
    for run in &group.runs {
        let path = run.dir.manifest_path();
        let found = examples(run);
        ensure!(
            found == test_examples && found > 0,
            "{}: the test set has {found} examples; expected some, and as many as in the first \
             seed's run ({test_examples})",
            path.display(),
        );
    }
    let summary =
        results::summaries::correlation::summary(&group.read::<ArchitectureRow>()?, &predictor, &truths, test_examples);
    summary.with_context(|| group.runs[0].dir.path().display().to_string())
}

/// The conditions that the run recorded, with the training errors that it measured.
fn regime(group: &Group) -> Result<Option<RegimeFindings>> {
    let Some(counted) = group.manifest().regime.clone() else {
        return Ok(None);
    };
    // The plain network's epochs come first. The last one of each root seed counts.
    let epochs = group.read_if_there::<EpochRow>()?.unwrap_or_default();
    let plain = epochs.iter().filter(|row| row.unit == "smash");
    let last: BTreeMap<u64, f64> = plain.map(|row| (row.seed, row.train_error)).collect();
    let trained = group.read::<TruthRow>()?.into_iter().filter_map(|row| row.train_error);
    let mean = |errors: Vec<f64>| (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
    Ok(Some(RegimeFindings {
        counted,
        smash_error: mean(last.into_values().collect()),
        trained_error: mean(trained.collect()),
    }))
}

fn predictors(group: &Group, predictions: &[PredictionRow]) -> Result<PredictorsSummary> {
    let (architectures, truths) = (group.read::<ArchitectureRow>()?, group.read::<TruthRow>()?);
    Ok(results::summaries::predictors::summary(
        &architectures,
        predictions,
        &truths,
    ))
}

/// Compares a study with the newest result of another artefact at the same scale and on the same data set.
fn against(group: &Group, summary: &CorrelationSummary, artefact: String, root: &Path) -> Result<Against> {
    let manifest = group.manifest();
    let like = |other: &Group| {
        let other = other.manifest();
        other.scale == manifest.scale && other.dataset.name == manifest.dataset.name
    };
    let others = latest_groups(find_runs(root, Some(&artefact))?);
    let Some(other) = others.into_iter().find(like) else {
        return Ok(Against { artefact, found: None });
    };
    let side = |group: &Group, summary: &CorrelationSummary| -> Result<Side> {
        let weights = group.read_if_there::<WeightsRow>()?;
        Ok(Side::new(summary, &group.read::<ScoreRow>()?, weights.as_deref()))
    };
    let own = side(group, summary)?;
    let reference = side(&other, &correlation(&other)?)?;
    let seeds: Vec<String> = other.runs.iter().map(|run| run.manifest.seed.to_string()).collect();
    let commit = &other.manifest().commit;
    let run = format!(
        "{artefact}, {} scale, {}, seeds {}, commit {}",
        manifest.scale,
        manifest.dataset.name,
        seeds.join(", "),
        commit.get(..12).unwrap_or(commit)
    );
    let found = Some((contrast::contrast(&own, &reference), run));
    Ok(Against { artefact, found })
}
