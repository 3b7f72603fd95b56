//! Findings of a correlation study: a predictor against true error. Fidelity studies and benchmarks have them too.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail, ensure};
use results::statistics::bootstrap::{Interval, RESAMPLES};
use results::statistics::coefficients::Coefficient;
use results::statistics::ranking::resampling::measure;
use results::statistics::ranking::{Measured, Ranking, disagreements};
use results::store::Group;
use results::summaries::predictors::{PredictorSummary, summary as predictors_summary};
use results::summaries::text::{SIGN, cost_text, draws_text, interval_text, p_text};
use results::{
    ArchitectureRow, Claim, CorrelationSummary, FrontsSummary, Measure, PredictionRow, PredictorsSummary,
    SearchCostSummary, Statistic, TruthRow, VerificationRow,
};
use serde::Deserialize;

use super::compared_with::ComparedWith;
use super::conditions::conditions_table;
use super::definition::{part, place};
use super::levels::LevelFindings;
use super::markdown::{bootstrap_note, table};
use super::ranking::correlation;
use super::regime::RegimeFindings;
use super::{
    BOOTSTRAP, Findings, KindOfStudy, Values, does_not_fit, fronts, no_statistic, search_cost, with_deviation,
};
use crate::figure::definition::{FigureData, FigureDefinition, FigureKind, Panel, PanelDefinition, Scatter, measured};

/// Number of a predictor's best architectures that a search is assumed to train.
const PICKED: usize = 5;

/// The most predictors that a caption names.
const NAMED_PREDICTORS: usize = 4;

/// The part of a definition that names noise draws of predictors.
#[derive(Default, Deserialize)]
struct Study {
    #[serde(default)]
    predictor: Vec<PredictorDefinition>,
}

#[derive(Deserialize)]
struct PredictorDefinition {
    name: String,
    method: Method,
}

#[derive(Deserialize)]
struct Method {
    /// Noise draws of a score; other predictors have none.
    draws: Option<usize>,
}

/// Findings of a correlation study.
#[derive(Debug)]
struct CorrelationFindings {
    /// Coefficients, lines and noise.
    summary: CorrelationSummary,
    /// The artefact that the definition compares it with, if any.
    compared_with: Option<ComparedWith>,
    /// Other predictors on the same architectures, if the study has any.
    predictors: Option<PredictorsSummary>,
    /// Axes of conditions along which the predictors lie, if the definition has any.
    panels: Vec<PanelDefinition>,
    /// Simulated searches, if the definition asks for them.
    search_cost: Option<SearchCostSummary>,
    /// Fronts of error and multiply-adds, if the definition asks for them.
    fronts: Option<FrontsSummary>,
    /// The conditions, beside the paper's.
    regime: Option<RegimeFindings>,
    /// The levels of the scores, if the predictor is a score.
    levels: Option<LevelFindings>,
    /// How the benchmark that supplied true errors was verified, if one did.
    verification: Option<String>,
    ranking: OnceLock<Vec<Measured>>,
}

/// Reads the tables of a correlation study. `root` holds the artefact that it may be compared with.
pub(super) fn load(group: &Group, root: &Path) -> Result<Findings> {
    let summary = correlation(group)?;
    let artefact: Option<String> = part(group, "compared_with")?;
    let compared_with = artefact.map(|artefact| ComparedWith::load(group, &summary, artefact, root));
    let predictors = match group.read_if_there::<PredictionRow>()? {
        Some(predictions) => {
            let (architectures, true_errors) = (group.read::<ArchitectureRow>()?, group.read::<TruthRow>()?);
            let mut predictors = predictors_summary(&architectures, &predictions, &true_errors)?;
            name_draws(&mut predictors, &part::<Study>(group, "study")?.unwrap_or_default());
            Some(predictors)
        }
        None => None,
    };
    let figure: Option<FigureDefinition> = part(group, "figure")?;
    let findings = CorrelationFindings {
        compared_with: compared_with.transpose()?,
        predictors,
        panels: figure.map_or_else(Vec::new, |figure| figure.panels),
        search_cost: search_cost::load(group)?,
        fronts: fronts::load(group)?,
        regime: RegimeFindings::load(group)?,
        levels: Some(LevelFindings::load(group, &summary)?),
        verification: group.read_if_there::<VerificationRow>()?.map(|rows| verification_text(&rows)),
        summary,
        ranking: OnceLock::new(),
    };
    findings.panels().with_context(|| place(group, "figure"))?;
    Ok(Box::new(findings))
}

/// Reads the tables of a fidelity study or of a benchmark.
pub(super) fn load_ranking(group: &Group, _: &Path) -> Result<Findings> {
    Ok(of_summary(correlation(group)?))
}

/// The findings about one predictor.
pub(crate) fn of_summary(summary: CorrelationSummary) -> Findings {
    Box::new(CorrelationFindings {
        summary,
        compared_with: None,
        predictors: None,
        panels: Vec::new(),
        search_cost: None,
        fronts: None,
        regime: None,
        levels: None,
        verification: None,
        ranking: OnceLock::new(),
    })
}

impl KindOfStudy for CorrelationFindings {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match claim.statistic {
            Statistic::Kendall => Ok(self.summary.score.kendall),
            Statistic::Spearman => Ok(self.summary.score.spearman),
            Statistic::Pearson => Ok(self.summary.score.pearson),
            Statistic::PartialKendall => {
                let first = self.predictors.as_ref().and_then(|summary| summary.predictors.first());
                let first =
                    first.with_context(|| format!("`{claim}` is no statistic of a study without predictors"))?;
                Ok(first.partial)
            }
            Statistic::LevelDrop | Statistic::TauDrop | Statistic::TopModelsRise => {
                let Some(compared_with) = &self.compared_with else {
                    bail!("`{claim}` is no statistic of this kind of study without `compared_with`");
                };
                let contrast = compared_with.comparison.as_ref().map(|comparison| &comparison.contrast);
                Ok(contrast.and_then(|contrast| match claim.statistic {
                    Statistic::LevelDrop => contrast.level_drop,
                    Statistic::TopModelsRise => contrast.top_rise,
                    _ => contrast.tau_drop,
                }))
            }
            Statistic::TauDifference | Statistic::ScoreDifference => {
                let predictors = self.predictors.as_ref();
                let predictors =
                    predictors.with_context(|| format!("`{claim}` is no statistic of a study without predictors"))?;
                let names = claim.between.as_ref().with_context(|| no_statistic(claim))?;
                let difference = match claim.statistic {
                    Statistic::TauDifference => predictors.tau_difference(names),
                    _ => predictors.score_difference(names),
                };
                difference.map_err(|problem| anyhow!("`between`: {problem}"))
            }
            Statistic::LevelSpread | Statistic::ScoreExcess => {
                let levels = self.levels.as_ref().with_context(|| no_statistic(claim))?;
                Ok(if claim.statistic == Statistic::LevelSpread { levels.spread() } else { levels.excess })
            }
            Statistic::SearchCostGain => {
                let searches = self.search_cost.as_ref();
                let searches =
                    searches.with_context(|| format!("`{claim}` is no statistic of a study without `search-cost`"))?;
                Ok(searches.gain)
            }
            _ => Err(no_statistic(claim)),
        }
    }

    fn ceiling(&self, claim: &Claim) -> Option<Interval> {
        self.summary.ceiling.filter(|_| claim.statistic == Statistic::Kendall)
    }

    fn headline(&self) -> String {
        Statistic::Kendall.text(self.summary.score.kendall)
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.summary.n(), "architectures"))
    }

    fn left_out(&self) -> String {
        self.summary.left_out()
    }

    fn caption(&self) -> Vec<String> {
        let score = &self.summary.score;
        let coefficients = Coefficient::ALL.map(|c| format!("{} {}", c.label(), interval_text(score.get(c))));
        let ceiling = self.summary.ceiling;
        let ceiling = ceiling.map(|ceiling| format!("noise ceiling of τ {}", interval_text(Some(ceiling))));
        let others = self.predictors.iter().flat_map(named_predictors);
        let searches = self.search_cost.iter().flat_map(search_cost::caption);
        let facts = coefficients.into_iter().chain(ceiling).chain(others).chain(self.verification.clone());
        let facts = facts.chain(searches);
        facts.chain([SIGN.to_owned(), BOOTSTRAP.to_owned()]).collect()
    }

    fn paragraphs(&self) -> Vec<String> {
        let spread = self.summary.spread.map(|spread| format!("Test error: {spread}. "));
        let ceiling = self.summary.ceiling.map(|ceiling| {
            format!(
                "Noise ceiling: with these trainings the expected error itself would reach a Kendall τ of {}. ",
                interval_text(Some(ceiling))
            )
        });
        let notes = format!(
            "{}{}{}{}{}",
            self.summary.undefined_reason().map_or(String::new(), |why| format!("Kendall τ is undefined: {why}. ")),
            self.verification.as_ref().map_or(String::new(), |text| format!("Verification: {text}. ")),
            spread.unwrap_or_default(),
            ceiling.unwrap_or_default(),
            bootstrap_note(&self.left_out(), "architectures")
        );
        let mut paragraphs =
            vec![coefficients_table(&self.summary), format!("Signs: {SIGN}."), notes, ranking_table(self.ranking())];
        paragraphs.extend(disagreements(self.ranking()));
        let panels = self.panels().expect("checked on loading");
        paragraphs.extend((!panels.is_empty()).then(|| conditions_table(&panels)));
        paragraphs.extend(self.search_cost.iter().flat_map(search_cost::paragraphs));
        paragraphs.extend(self.predictors.as_ref().map(predictors_table));
        paragraphs.extend(self.fronts.iter().flat_map(fronts::paragraphs));
        paragraphs.extend(self.levels.as_ref().and_then(LevelFindings::paragraph));
        paragraphs.extend(self.compared_with.iter().flat_map(ComparedWith::paragraphs));
        paragraphs.extend(self.regime.iter().flat_map(|regime| regime.paragraphs(&self.summary)));
        paragraphs
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::ScatterFit | FigureKind::ScatterErrorBars => Ok(FigureData::Scatter(Scatter {
                points: &self.summary.points,
                bars: kind == FigureKind::ScatterErrorBars,
                reference: self.compared_with.as_ref().and_then(ComparedWith::reference),
            })),
            FigureKind::TauCost | FigureKind::TauChanges => {
                let predictors = self.predictors.as_ref().context("its study compares no predictors")?;
                Ok(FigureData::Predictors(predictors))
            }
            FigureKind::ConditionPanels => {
                let panels = self.panels()?;
                ensure!(!panels.is_empty(), "expected at least one `panel`, and a study that compares predictors");
                Ok(FigureData::Conditions(panels))
            }
            FigureKind::SearchCost => {
                let searches = self.search_cost.as_ref().context("its study simulates no searches")?;
                Ok(FigureData::SearchCost(searches))
            }
            _ => Err(does_not_fit(kind)),
        }
    }

    fn values(&self) -> Option<Values> {
        let score = |value: f64, deviation: Option<f64>| match (self.summary.points.by, deviation) {
            (Measure::Error, _) => with_deviation(value, deviation),
            (Measure::Loss, Some(deviation)) => format!("{value:.3} ± {deviation:.3}"),
            (Measure::Loss, None) => format!("{value:.3}"),
        };
        let of_seeds = self.summary.points.seeds.iter().flat_map(|seed| {
            let values = seed.points.iter().zip(&seed.deviations);
            let values = values.map(|(&(x, y), &[of_x, of_y])| vec![score(x, of_x), with_deviation(y, of_y)]);
            let keys = seed.architectures.iter().map(|&architecture| (seed.seed, architecture));
            keys.zip(values)
        });
        Some(Values { names: vec![self.summary.predictor, "true error"], of_architectures: of_seeds.collect() })
    }
}

impl CorrelationFindings {
    /// The axes of conditions with their measured points; none if the run has no predictors.
    fn panels(&self) -> Result<Vec<Panel<'_>>> {
        let Some(predictors) = &self.predictors else {
            return Ok(Vec::new());
        };
        self.panels.iter().map(|panel| measured(panel, predictors)).collect()
    }

    /// The value of picking by the predictor to a search. These are the statistics of a ranking besides the
    /// coefficients, which the summary has. They take seconds, so they are computed when they are first shown.
    fn ranking(&self) -> &[Measured] {
        self.ranking.get_or_init(|| {
            let points = &self.summary.points;
            let mut statistics = Ranking::all(PICKED);
            statistics.retain(|statistic| !matches!(statistic, Ranking::Coefficient(_)));
            measure(&points.groups(), points.units, &statistics, RESAMPLES, &mut |_| {})
        })
    }
}

impl fmt::Display for CorrelationFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary)?;
        if let Some(text) = &self.verification {
            write!(f, "\n{text}")?;
        }
        if let Some(predictors) = &self.predictors {
            write!(f, "\n{predictors}")?;
        }
        if let Some(searches) = &self.search_cost {
            write!(f, "\n{searches}")?;
        }
        if let Some(fronts) = &self.fronts {
            write!(f, "\n{fronts}")?;
        }
        match &self.compared_with {
            Some(compared_with) => write!(f, "\n{compared_with}"),
            None => Ok(()),
        }
    }
}

/// The τ of each predictor but the first, with the true error and with the first. Nothing for more than a caption can hold.
fn named_predictors(summary: &PredictorsSummary) -> Vec<String> {
    let others = summary.predictors.get(1..).filter(|others| others.len() <= NAMED_PREDICTORS);
    let text = |predictor: &PredictorSummary| {
        let [tau, with_first] = [predictor.tau, predictor.with_first].map(interval_text);
        format!("{}: Kendall τ {tau}, with the first score {with_first}", predictor.shown)
    };
    others.unwrap_or_default().iter().map(text).collect()
}

/// Adds the noise draws to the shown names of scores: of the first predictor, and of scores with other numbers of them. The score of the
/// study itself may have yet another number, which its own label states.
fn name_draws(summary: &mut PredictorsSummary, study: &Study) {
    let draws = |name: &str| study.predictor.iter().find(|predictor| predictor.name == name)?.method.draws;
    let of_first = summary.predictors.first().and_then(|first| draws(&first.name));
    for (index, predictor) in summary.predictors.iter_mut().enumerate() {
        let own = draws(&predictor.name);
        if let Some(draws) = own.filter(|_| index == 0 || own != of_first) {
            predictor.shown = format!("{}, {}", predictor.name, draws_text(draws));
        }
    }
}

/// The origin of the true errors, and how trainings that were done again agree with it.
fn verification_text(rows: &[VerificationRow]) -> String {
    let equal = rows.iter().filter(|row| row.agreement == "equal").count();
    let near = match rows.len() - equal {
        0 => String::new(),
        near => format!(", {near} within noise"),
    };
    format!("true errors from a benchmark; {equal} of {} repeated trainings equal to the bit{near}", rows.len())
}

fn coefficients_table(summary: &CorrelationSummary) -> String {
    let names = ["true error against"].into_iter().chain(Coefficient::ALL.map(Coefficient::label));
    let of_seeds = summary.points.seeds.iter().zip(&summary.score_of_seeds).map(|(seed, &score)| {
        let name = format!("{}, seed {} (n = {})", summary.label(), seed.seed, seed.points.len());
        (name, score)
    });
    let of_seeds = of_seeds.filter(|_| summary.score_of_seeds.len() > 1);
    let predictors = summary.predictors().into_iter();
    let mut lines: Vec<_> = predictors.collect();
    lines.splice(1..1, of_seeds);
    let lines = lines.into_iter().map(|(name, coefficients)| {
        let cells = Coefficient::ALL.map(|c| interval_text(coefficients.get(c)));
        [name].into_iter().chain(cells).collect()
    });
    table(&names.collect::<Vec<_>>(), lines)
}

fn ranking_table(measured: &[Measured]) -> String {
    let names = ["picking by the predictor", "value", "p by chance"];
    let line = |measured: &Measured| vec![measured.statistic.label(), measured.value_text(true), p_text(measured.p)];
    table(&names, measured.iter().map(line))
}

fn predictors_table(summary: &PredictorsSummary) -> String {
    let names = [
        "predictor",
        "n",
        "Kendall τ",
        "change against the first",
        "τ with the first",
        "τ given parameters",
        "multiply-adds for one",
        "once for all",
    ];
    let line = |predictor: &PredictorSummary| {
        vec![
            predictor.shown.clone(),
            predictor.n.to_string(),
            interval_text(predictor.tau),
            predictor.change.map_or_else(String::new, |change| interval_text(Some(change))),
            predictor.with_first.map_or_else(String::new, |tau| interval_text(Some(tau))),
            interval_text(predictor.partial),
            cost_text(predictor.cost),
            cost_text(predictor.shared_cost),
        ]
    };
    table(&names, summary.predictors.iter().map(line))
}
