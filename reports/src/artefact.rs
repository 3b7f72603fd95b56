//! An artefact as it was run: its stored runs with what their definition says about figure and
//! claim, and the statistics of their tables.

use anyhow::{Context, Result, ensure};
use results::correlation::Predictor;
use results::store::Group;
use results::throughput::{self, StepSummary};
use results::{ArchitectureRow, Claim, CorrelationSummary, FastTruthRow, ScoreRow, ThroughputRow, TruthRow, Verdict};
use serde::Deserialize;

/// One artefact at one scale on one data set.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// Its runs, one per seed.
    pub group: Group,
    /// How its figure is drawn, where it has one.
    pub figure: Option<FigureDefinition>,
    /// What the definition claims, if anything.
    pub claim: Option<Claim>,
    /// The definition's prose for the report; may be empty.
    pub analysis: String,
    /// The statistics, where the artefact is a study of correlation.
    pub summary: Option<CorrelationSummary>,
    /// How fast each step is, where the artefact is a study of throughput.
    pub throughput: Vec<StepSummary>,
}

/// The `[figure]` table of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureDefinition {
    /// What is drawn.
    pub kind: FigureKind,
    /// Title above the plot.
    pub title: String,
    /// What the horizontal axis shows; errors are drawn in percent.
    pub x_label: String,
    /// What the vertical axis shows; errors are drawn in percent.
    pub y_label: String,
}

/// The kinds of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureKind {
    /// A predictor against true error with a least-squares line.
    ScatterFit,
}

/// The kinds of study, by the tables that they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StudyKind {
    Correlation,
    Fidelity,
    Throughput,
}

impl Artefact {
    /// Reads the tables of a group of runs and computes their statistics.
    ///
    /// # Errors
    /// If a table or the definition in the manifest is faulty, or if seeds were measured on test
    /// sets of different sizes.
    pub fn load(group: Group) -> Result<Self> {
        let manifest = group.manifest();
        let part = |name: &str| manifest.definition.get(name).cloned();
        let fault = |name: &str| {
            let path = group.runs[0].dir.manifest_path();
            format!("{}: the definition's `{name}`", path.display())
        };
        let figure: Option<FigureDefinition> = part("figure")
            .map(toml::Value::try_into)
            .transpose()
            .with_context(|| fault("figure"))?;
        let claim = part("claim")
            .map(toml::Value::try_into)
            .transpose()
            .with_context(|| fault("claim"))?;
        let analysis = part("analysis")
            .map(toml::Value::try_into)
            .transpose()
            .with_context(|| fault("analysis"))?
            .unwrap_or_default();
        let kind = part("study").and_then(|study| study.get("kind").cloned());
        let kind = kind.map(toml::Value::try_into).transpose();
        let (mut summary, mut throughput) = (None, Vec::new());
        match kind.with_context(|| fault("study.kind"))? {
            Some(StudyKind::Correlation) => {
                summary = Some(correlation(&group, &Predictor::score(&group.read::<ScoreRow>()?))?);
            }
            Some(StudyKind::Fidelity) => {
                let predictor = Predictor::fast_recipe(&group.read::<FastTruthRow>()?);
                summary = Some(correlation(&group, &predictor)?);
            }
            Some(StudyKind::Throughput) => throughput = throughput::summary(&group.read::<ThroughputRow>()?),
            None => {}
        }
        Ok(Self {
            figure,
            claim,
            analysis,
            summary,
            throughput,
            group,
        })
    }

    /// What tells it from other artefacts in a file name: `fig4-laptop-shapes`.
    pub fn name(&self) -> String {
        let manifest = self.group.manifest();
        let (artefact, scale) = (&manifest.artefact, &manifest.scale);
        format!("{artefact}-{scale}-{}", manifest.dataset.name)
    }

    /// The claim with the verdict of the data, where both a claim and statistics are there.
    pub fn verdict(&self) -> Option<(Claim, Verdict)> {
        let (claim, summary) = (self.claim?, self.summary.as_ref()?);
        Some((claim, claim.judge(summary.score.get(claim.statistic))))
    }

    /// The conditions of the result, one fact each, as every figure and table prints them.
    pub fn conditions(&self) -> Vec<String> {
        let manifest = self.group.manifest();
        let mut facts = vec![
            manifest.artefact.clone(),
            format!("{} scale", manifest.scale),
            format!("data set {}", manifest.dataset.name),
        ];
        if let Some(summary) = &self.summary {
            facts.push(format!("n = {} architectures", summary.n()));
            if !summary.left_out().is_empty() {
                facts.push(format!("left out: {}", summary.left_out()));
            }
        }
        facts.push(self.seeds());
        facts.push(format!("commit {}", self.commit()));
        facts.push(manifest.device.clone());
        facts
    }

    /// The seeds in words, with those that are not done: `seeds 0, 1 (2 unfinished)`.
    pub fn seeds(&self) -> String {
        let list = |seeds: Vec<u64>| {
            let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
            seeds.join(", ")
        };
        let done = self.group.runs.iter().map(|run| run.manifest.seed).collect();
        let noun = if self.group.runs.len() == 1 { "seed" } else { "seeds" };
        let unfinished = match self.group.unfinished.is_empty() {
            true => String::new(),
            false => format!(" ({} unfinished)", list(self.group.unfinished.clone())),
        };
        format!("{noun} {}{unfinished}", list(done))
    }

    /// The commit, shortened, with a mark if the working tree differed from it.
    pub fn commit(&self) -> String {
        let manifest = self.group.manifest();
        let short = manifest.commit.get(..12).unwrap_or(&manifest.commit);
        match manifest.dirty {
            true => format!("{short} (dirty)"),
            false => short.to_owned(),
        }
    }
}

fn correlation(group: &Group, predictor: &Predictor) -> Result<CorrelationSummary> {
    let examples = |run: &results::store::StoredRun| run.manifest.dataset.test.examples;
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
    let summary = results::correlation::summary(
        &group.read::<ArchitectureRow>()?,
        predictor,
        &group.read::<TruthRow>()?,
        test_examples,
    );
    summary.with_context(|| group.runs[0].dir.path().display().to_string())
}
