//! An artefact as it was run: its stored runs, its definition of figure and claim, and the statistics of its tables.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use results::store::Group;
use results::{Claim, Manifest, Verdict};
use serde::Deserialize;

use crate::findings::{Findings, part};

/// One artefact at one scale on one data set.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// Its runs, one for each seed.
    pub group: Group,
    /// Definition of its figure, if it has one.
    pub figure: Option<FigureDefinition>,
    /// Claim of the definition, if any.
    pub claim: Option<Claim>,
    /// Statement of the paper about it, in a sentence or two; may be empty.
    pub statement: String,
    /// The definition's prose for the report; may be empty.
    pub analysis: String,
    /// The statistics of its tables.
    pub findings: Findings,
}

/// The `[figure]` table of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureDefinition {
    /// Kind of the figure.
    pub kind: FigureKind,
    /// Title above the plot.
    pub title: String,
    /// Label of the horizontal axis; errors are drawn in percent. Empty for drawings of architectures alone.
    #[serde(default)]
    pub x_label: String,
    /// Label of the vertical axis; errors are drawn in percent. Empty for drawings of architectures alone.
    #[serde(default)]
    pub y_label: String,
}

/// The kinds of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureKind {
    /// A predictor against true error, with a least-squares line.
    ScatterFit,
    /// The same, with error bars of one standard deviation over noise draws and trainings.
    ScatterErrorBars,
    /// Scores averaged over SMASH networks, by rank.
    ScoreRank,
    /// Kendall's tau of several predictors, the cheapest first.
    TauCost,
    /// How much other predictors change Kendall's tau.
    TauChanges,
    /// How much each corruption of the encoding raises the error.
    CorruptionBars,
    /// The lowest error so far by step, along the gradient and by random steps.
    Descent,
    /// The lowest score so far by architectures scored.
    SearchProgress,
    /// The test error of each system.
    SystemBars,
    /// Architectures as memory banks.
    MemoryBanks,
    /// An architecture as graph, as memory banks and as encoding.
    Encoding,
}

impl FigureKind {
    fn has_axes(self) -> bool {
        !matches!(self, Self::MemoryBanks | Self::Encoding)
    }
}

impl Artefact {
    /// Reads the tables of a group of runs and computes their statistics. `root` is the folder of all stored runs.
    ///
    /// # Errors
    /// If a table or the definition in the manifest is faulty. Also if the claim or the figure does not fit the kind of
    /// study, or if seeds were measured on test sets of different sizes.
    pub fn load(group: Group, root: &Path) -> Result<Self> {
        let place = |name: &str| {
            let path = group.runs[0].dir.manifest_path();
            format!("{}: the definition's `{name}`", path.display())
        };
        let figure: Option<FigureDefinition> = part(&group, "figure")?;
        if let Some(figure) = &figure {
            let labelled = !figure.x_label.is_empty() && !figure.y_label.is_empty();
            ensure!(
                labelled || !figure.kind.has_axes(),
                "{}: expected `x_label` and `y_label`",
                place("figure")
            );
        }
        let claim: Option<Claim> = part(&group, "claim")?;
        let findings = Findings::load(&group, root)?;
        // Without a study, no statistic can judge a claim.
        let claim = claim.filter(|_| !matches!(findings, Findings::Nothing));
        if let Some(claim) = &claim {
            findings.interval(claim).with_context(|| place("claim"))?;
        }
        Ok(Self {
            figure,
            claim,
            statement: part(&group, "statement")?.unwrap_or_default(),
            analysis: part(&group, "analysis")?.unwrap_or_default(),
            findings,
            group,
        })
    }

    /// Name that tells it from other artefacts in file names: `fig4-laptop-shapes`.
    pub fn name(&self) -> String {
        let manifest = self.group.manifest();
        let (artefact, scale) = (&manifest.artefact, &manifest.scale);
        format!("{artefact}-{scale}-{}", manifest.dataset.name)
    }

    /// The claim with the verdict of the data, if there is a claim.
    pub fn verdict(&self) -> Option<(&Claim, Verdict)> {
        let claim = self.claim.as_ref()?;
        let interval = self
            .findings
            .interval(claim)
            .expect("claims are checked when they are loaded");
        Some((claim, claim.judge(interval, self.findings.ceiling(claim))))
    }

    /// The main statistic in one line; may be empty.
    pub fn headline(&self) -> String {
        let headline = self.findings.headline(self.claim.as_ref());
        headline.expect("claims are checked when they are loaded")
    }

    /// The conditions of the result, one fact each, for every figure and table.
    pub fn conditions(&self) -> Vec<String> {
        let manifest = self.group.manifest();
        let mut facts = vec![
            manifest.artefact.clone(),
            format!("{} scale", manifest.scale),
            format!("data set {}", manifest.dataset.name),
        ];
        facts.extend(self.findings.n().map(|(n, what)| format!("n = {n} {what}")));
        let left_out = self.findings.left_out();
        if !left_out.is_empty() {
            facts.push(format!("left out: {left_out}"));
        }
        facts.push(self.seeds());
        facts.push(format!("commit {}", self.commit()));
        facts.push(manifest.device.clone());
        facts
    }

    /// The seeds in words, with the number of unfinished ones: `seeds 0, 1 (2 unfinished)`.
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

    /// The abbreviated commit, with a mark if the working tree differed from it.
    pub fn commit(&self) -> String {
        short_commit(self.group.manifest())
    }
}

/// The abbreviated commit of a run, with a mark if the working tree differed from it.
pub(crate) fn short_commit(manifest: &Manifest) -> String {
    let short = manifest.commit.get(..12).unwrap_or(&manifest.commit);
    match manifest.dirty {
        true => format!("{short} (dirty)"),
        false => short.to_owned(),
    }
}

/// Properties of a search space that a drawing of an architecture needs, where the definition has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The paper's N: channels of one unit.
    pub base_channels: Option<usize>,
    /// Reference width.
    pub width: Option<usize>,
}

impl Space {
    /// Finds the search space of a run's study or, if `search` names a search, of that search.
    pub fn of(manifest: &Manifest, search: Option<&str>) -> Self {
        let study = manifest.definition.get("study");
        let table = match search {
            None => study,
            Some(name) => study.and_then(|study| {
                let is_it = |found: &&toml::Value| found.get("name").and_then(toml::Value::as_str) == Some(name);
                study.get("searches")?.as_array()?.iter().find(is_it)
            }),
        };
        let number = |key: &str| {
            let number = table?.get("space")?.get(key)?.as_integer()?;
            usize::try_from(number).ok()
        };
        Self {
            base_channels: number("base-channels"),
            width: number("width"),
        }
    }
}
