//! An artefact as it was run: its stored runs, its definition of figure and claims, and the statistics of its tables.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::correlation::{Predictor, summary};
use results::summaries::ranked::{RankedRow, RunTables};
use results::{Claim, Claims, Manifest, Verdict};

use crate::figure::definition::{FigureDefinition, FigureKind};
use crate::findings::correlation::of_summary;
use crate::findings::definition::{part, place};
use crate::findings::ranking::test_examples;
use crate::findings::{self, Findings, NoStudy, used_data};

/// One artefact at one scale on one data set.
#[derive(Debug)]
pub struct Artefact {
    /// Its runs, one for each seed.
    pub group: Group,
    /// Its title, in one line; it names the data that were used.
    pub title: String,
    /// Definition of its figure, if it has one.
    pub figure: Option<FigureDefinition>,
    /// Claims of the definition; may be empty.
    pub claims: Vec<Claim>,
    /// Statement of the paper about it, in a sentence or two; may be empty.
    pub statement: String,
    /// The definition's prose for the report; may be empty.
    pub analysis: String,
    /// The statistics of its tables.
    pub findings: Findings,
}

/// A claim with the verdict of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<'a> {
    /// The claim, with systems by the names in the tables.
    pub claim: &'a Claim,
    /// The claim in words, with systems by the names that readers see.
    pub words: String,
    /// Its statistic; `None` if the data leave it undefined.
    pub interval: Option<Interval>,
    /// Its statistic with the value found, in words.
    pub found: String,
    /// The verdict.
    pub verdict: Verdict,
}

impl Artefact {
    /// Reads the tables of a group of runs and computes their statistics. `root` is the folder of all stored runs.
    ///
    /// # Errors
    /// If a table or the definition in the manifest is faulty. Also if a claim or the figure does not fit the kind of
    /// study, or if seeds were measured on test sets of different sizes.
    pub fn load(group: Group, root: &Path) -> Result<Self> {
        let mut figure: Option<FigureDefinition> = part(&group, "figure")?;
        if let Some(figure) = &mut figure {
            figure.check().map_err(|problem| anyhow!("{}: {problem}", place(&group, "figure")))?;
            for words in [&mut figure.title, &mut figure.x_label, &mut figure.y_label] {
                *words = used_data::of_run(group.manifest(), words);
            }
        }
        let claims: Option<Claims> = part(&group, "claim")?;
        let findings = findings::load(&group, root)?;
        // Without a study, no statistic can judge a claim.
        let claims = claims.filter(|_| findings.is_some()).unwrap_or_default().0;
        let findings = findings.unwrap_or_else(|| Box::new(NoStudy));
        for claim in &claims {
            findings.interval(claim).with_context(|| place(&group, "claim"))?;
        }
        Ok(Self {
            figure,
            claims,
            statement: part(&group, "statement")?.unwrap_or_default(),
            analysis: part(&group, "analysis")?.unwrap_or_default(),
            title: shown_title(group.manifest()),
            findings,
            group,
        })
    }

    /// A predictor of one's own against the true errors of a group of runs: the given rows of the joined table. `tables` holds the
    /// same architectures, and `label` names the predictor on the axis.
    ///
    /// # Errors
    /// If seeds were measured on test sets of different sizes.
    pub fn of_own_predictor(group: Group, tables: &RunTables, rows: &[RankedRow], label: String) -> Result<Self> {
        let values = rows.iter().map(|row| ((row.seed, row.architecture), row.value));
        let (predictor, test_examples) = (Predictor::own(values), test_examples(&group)?);
        let summary = summary(&tables.architectures, &predictor, &tables.true_errors, test_examples)?;
        let figure = FigureDefinition {
            kind: FigureKind::ScatterFit,
            title: format!("True error against {label}"),
            x_label: label,
            y_label: "True error (test error, trained weights)".into(),
            panels: Vec::new(),
        };
        Ok(Self {
            figure: Some(figure),
            title: shown_title(group.manifest()),
            claims: Vec::new(),
            statement: String::new(),
            analysis: String::new(),
            findings: of_summary(summary),
            group,
        })
    }

    /// Its name in file names, different for each artefact, scale and data set: `fig4-laptop-shapes`.
    pub fn name(&self) -> String {
        self.group.name()
    }

    /// Every claim with the verdict of the data, in the order of the definition.
    pub fn judged(&self) -> Vec<Judged<'_>> {
        let judged =
            self.claims.iter().map(|claim| self.judge(claim).expect("claims are checked when they are loaded"));
        judged.collect()
    }

    /// The verdict of the data on a claim, which may also be one that its definition did not make.
    ///
    /// # Errors
    /// If it is about no statistic of this kind of study, or about unknown systems or predictors.
    pub fn judge<'a>(&self, claim: &'a Claim) -> Result<Judged<'a>> {
        let interval = self.findings.interval(claim)?;
        let shown = claim.with_systems(|system| self.findings.shown_name(system));
        let found = format!("{} {}", shown.subject(), claim.statistic.value_text(interval));
        let verdict = claim.judge(interval, self.findings.ceiling(claim));
        Ok(Judged { claim, words: shown.to_string(), interval, found, verdict })
    }

    /// The main statistics in one line: those of the claims or, without a claim, that of the kind of study; may be empty.
    pub fn headline(&self) -> String {
        if self.claims.is_empty() {
            return self.findings.headline();
        }
        let found: Vec<String> = self.judged().into_iter().map(|judged| judged.found).collect();
        found.join("; ")
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
        self.group.manifest().short_commit()
    }
}

/// The title of a run's artefact, which names the data that were used.
pub fn shown_title(manifest: &Manifest) -> String {
    used_data::of_run(manifest, &manifest.title)
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
                let is_named = |search: &&toml::Value| search.get("name").and_then(toml::Value::as_str) == Some(name);
                study.get("searches")?.as_array()?.iter().find(is_named)
            }),
        };
        let number = |key: &str| {
            let number = table?.get("space")?.get(key)?.as_integer()?;
            usize::try_from(number).ok()
        };
        Self { base_channels: number("base-channels"), width: number("width") }
    }
}
