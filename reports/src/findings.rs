//! Findings of an artefact: the statistics of its kind of study.
//!
//! They are also available as the few lines that figures, tables and terminals need.

mod load;
mod quoted;

use std::fmt;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use results::statistics::bootstrap::Interval;
use results::statistics::coefficients::Coefficient;
use results::statistics::ranking::{Measured, Ranking, measure};
use results::statistics::sample::Point;
use results::summaries::regime::Regimes;
use results::summaries::search::{Best, SearchRun};
use results::summaries::text::{interval_text, percent, points_text, share_text};
use results::summaries::throughput::StepSummary;
use results::{
    Claim, ComparisonSummary, Contrast, CorrelationSummary, CorruptionSummary, DrawingRow, EncodingCellRow,
    EnsembleSummary, PredictorsSummary, ProxySummary, SearchSummary, Statistic,
};

pub(crate) use load::{correlation, is_correlation, part};
pub use quoted::{Quoted, SystemDefinition};

/// Number of a predictor's best architectures that a search is assumed to train.
const PICKED: usize = 5;

/// The statistics of one artefact, by its kind of study.
#[derive(Clone, Debug)]
pub enum Findings {
    /// A predictor against true error.
    Correlation(Box<CorrelationFindings>),
    /// The speed of each step.
    Throughput(Vec<StepSummary>),
    /// How far SMASH networks of different seeds agree.
    Ensemble(EnsembleSummary),
    /// The cost of a corrupted encoding.
    Corruption(CorruptionSummary),
    /// The gain of the gradient by proxy.
    Proxy(ProxySummary),
    /// The results of searches by SMASH score.
    Search(SearchSummary),
    /// Systems side by side.
    Comparison(ComparisonFindings),
    /// Architectures to draw, without statistics.
    Drawing {
        /// The architectures.
        drawings: Vec<DrawingRow>,
        /// The cells of their encodings that hold +1.
        cells: Vec<EncodingCellRow>,
    },
    /// A definition that names no study.
    Nothing,
}

/// Findings of a correlation study.
#[derive(Clone, Debug)]
pub struct CorrelationFindings {
    /// Coefficients, lines and noise.
    pub summary: CorrelationSummary,
    /// The artefact that the definition compares it with, if any.
    pub against: Option<Against>,
    /// Other predictors on the same architectures, if the study has any.
    pub predictors: Option<PredictorsSummary>,
    /// The conditions, beside the paper's; absent if an older program ran the study.
    pub regime: Option<RegimeFindings>,
    ranking: OnceLock<Vec<Measured>>,
}

impl CorrelationFindings {
    /// Collects the findings of the tables.
    pub(crate) fn new(
        summary: CorrelationSummary,
        against: Option<Against>,
        predictors: Option<PredictorsSummary>,
        regime: Option<RegimeFindings>,
    ) -> Self {
        Self {
            summary,
            against,
            predictors,
            regime,
            ranking: OnceLock::new(),
        }
    }

    /// The value of picking by the predictor to a search. These are the statistics of a ranking besides the
    /// coefficients, which the summary has. They take seconds, so they are computed when they are first shown.
    pub fn ranking(&self) -> &[Measured] {
        self.ranking.get_or_init(|| {
            let groups: Vec<Vec<Point>> = self.summary.seeds.iter().map(|seed| seed.points.clone()).collect();
            let mut statistics = Ranking::all(PICKED);
            statistics.retain(|statistic| !matches!(statistic, Ranking::Coefficient(_)));
            measure(&groups, &statistics)
        })
    }
}

/// The conditions of a correlation study: counted before it ran, and measured in it.
#[derive(Clone, Debug)]
pub struct RegimeFindings {
    /// The counted conditions.
    pub counted: Regimes,
    /// Training error of the last epoch of the SMASH network, in [0, 1]; the mean over root seeds.
    pub smash_error: Option<f64>,
    /// Training error of the last epoch of the trained networks, in [0, 1]; the mean over all trainings.
    pub trained_error: Option<f64>,
}

/// The artefact that a correlation study is compared with.
#[derive(Clone, Debug)]
pub struct Against {
    /// Its name, such as `fig4`.
    pub artefact: String,
    /// The comparison with its newest result of the same scale and data set, and a description of that result. `None`
    /// if there is no such result.
    pub found: Option<(Contrast, String)>,
}

/// Findings of a comparison of systems.
#[derive(Clone, Debug)]
pub struct ComparisonFindings {
    /// Measurements of the systems.
    pub summary: ComparisonSummary,
    /// The systems of the definition.
    pub systems: Vec<SystemDefinition>,
    /// Whether top-5 errors are reported.
    pub top5: bool,
    /// The searches by SMASH score that found some of the systems.
    pub searches: SearchSummary,
}

impl ComparisonFindings {
    /// Label of a system: its own name or, if a smaller system stands for it, both names.
    pub fn label(&self, name: &str) -> String {
        let definition = self.systems.iter().find(|definition| definition.name == name);
        match definition.and_then(|definition| definition.here.as_ref()) {
            Some(here) => format!("{here} (for {name})"),
            None => name.to_owned(),
        }
    }
}

impl Findings {
    /// The statistic that a claim is about; `None` if the data leave it undefined.
    ///
    /// # Errors
    /// If it is not a statistic of this kind of study, or is about unknown systems.
    pub fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        let interval = match (claim.statistic, self) {
            (Statistic::PartialKendall, Self::Correlation(found)) => {
                let first = found.predictors.as_ref().and_then(|summary| summary.predictors.first());
                first
                    .with_context(|| format!("`{claim}` is no statistic of a study without predictors"))?
                    .partial
            }
            (statistic, Self::Correlation(found)) => match (statistic.coefficient(), &found.against) {
                (Some(coefficient), _) => found.summary.score.get(coefficient),
                (None, Some(against)) => match (statistic, &against.found) {
                    (Statistic::LevelDrop, found) => found.as_ref().and_then(|(contrast, _)| contrast.level_drop),
                    (Statistic::TauDrop, found) => found.as_ref().and_then(|(contrast, _)| contrast.tau_drop),
                    _ => bail!("`{claim}` is no statistic of this kind of study"),
                },
                (None, None) => bail!("`{claim}` is no statistic of this kind of study without `compared_with`"),
            },
            (Statistic::MemberAgreement, Self::Ensemble(summary)) => summary.agreement,
            (Statistic::CorrectIsBest, Self::Corruption(summary)) => summary.correct_is_best,
            (Statistic::CorruptionLoss, Self::Corruption(summary)) => summary.together.increase,
            (Statistic::GradientGain, Self::Proxy(summary)) => summary.gain,
            (Statistic::SearchGain, Self::Search(summary)) => summary.gain,
            (Statistic::SearchGain, Self::Comparison(found)) => found.searches.gain,
            (Statistic::ErrorDifference, Self::Comparison(found)) => {
                let [better, worse] = claim.between.as_ref().expect("a difference is between two systems");
                for name in [better, worse] {
                    ensure!(
                        found.summary.system(name).is_some(),
                        "`between` names `{name}`, which is no system"
                    );
                }
                found.summary.error_difference(better, worse)
            }
            _ => bail!("`{claim}` is no statistic of this kind of study"),
        };
        Ok(interval)
    }

    /// The most that the statistic of a claim can be expected to be, given the noise of the true errors. `None` if it
    /// is unknown, or of no use to the claim.
    pub fn ceiling(&self, claim: &Claim) -> Option<Interval> {
        match (self, claim.statistic) {
            (Self::Correlation(found), Statistic::Kendall) => found.summary.ceiling,
            _ => None,
        }
    }

    /// The main statistic in one line: that of the claim or, without a claim, that of the kind of study.
    ///
    /// # Errors
    /// As for [`Findings::interval`].
    pub fn headline(&self, claim: Option<&Claim>) -> Result<String> {
        if let Some(claim) = claim {
            return Ok(statistic_text(claim, self.interval(claim)?));
        }
        let own = match self {
            Self::Correlation(_) => Statistic::Kendall,
            Self::Ensemble(_) => Statistic::MemberAgreement,
            Self::Corruption(_) => Statistic::CorrectIsBest,
            Self::Proxy(_) => Statistic::GradientGain,
            Self::Search(summary) => {
                let text = |(search, best): (&SearchRun, &Best)| {
                    format!(
                        "lowest score: {}, {}",
                        search.label(summary.seeds()),
                        percent(best.error)
                    )
                };
                return Ok(summary.best().map_or_else(|| "no score".to_owned(), text));
            }
            Self::Comparison(found) => {
                let best = found.summary.best();
                let text = |(system, error): (&results::summaries::comparison::SystemSummary, _)| {
                    format!("lowest test error: {}, {error}", found.label(&system.name))
                };
                return Ok(best.map_or_else(|| "no test error".to_owned(), text));
            }
            Self::Throughput(_) | Self::Drawing { .. } | Self::Nothing => return Ok(String::new()),
        };
        let claim = Claim {
            statistic: own,
            greater_than: 0.0,
            between: None,
        };
        Ok(statistic_text(&claim, self.interval(&claim)?))
    }

    /// Size and unit of the sample behind the statistics; `None` if there is no sample.
    pub fn n(&self) -> Option<(usize, &'static str)> {
        match self {
            Self::Correlation(found) => Some((found.summary.n(), "architectures")),
            Self::Ensemble(summary) => Some((summary.n(), "architectures")),
            Self::Corruption(summary) => Some((summary.n(), "architectures")),
            Self::Proxy(summary) => Some((summary.n(), "starting points")),
            Self::Search(summary) => Some((summary.scored(), "architectures")),
            Self::Comparison(found) => Some((found.summary.trainings(), "trainings")),
            Self::Throughput(_) | Self::Drawing { .. } | Self::Nothing => None,
        }
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        match self {
            Self::Correlation(found) => found.summary.left_out(),
            Self::Ensemble(summary) => summary.left_out(),
            Self::Corruption(summary) => summary.left_out(),
            Self::Proxy(summary) => summary.left_out(),
            Self::Search(summary) => summary.left_out(),
            Self::Comparison(found) => found.summary.left_out(),
            Self::Throughput(_) | Self::Drawing { .. } | Self::Nothing => String::new(),
        }
    }

    /// The statistics as facts for the caption of a figure.
    pub fn caption(&self) -> Vec<String> {
        let bootstrap = "[ ]: 95 % bootstrap".to_owned();
        match self {
            Self::Correlation(found) => {
                let score = &found.summary.score;
                let of = |c: Coefficient| format!("{} {}", c.label(), interval_text(score.get(c)));
                let ceiling = found.summary.ceiling;
                let ceiling = ceiling.map(|ceiling| format!("noise ceiling of τ {}", interval_text(Some(ceiling))));
                let coefficients = Coefficient::ALL.into_iter().map(of);
                coefficients.chain(ceiling).chain([bootstrap]).collect()
            }
            Self::Ensemble(summary) => {
                let agreement = interval_text(summary.agreement);
                let shares = summary.shares.map(|shares| format!("variance: {shares}"));
                [format!("mean Kendall τ between HyperNets {agreement}"), bootstrap]
                    .into_iter()
                    .chain(shares)
                    .collect()
            }
            Self::Corruption(summary) => vec![
                format!("correct encoding best of all: {}", share_text(summary.correct_is_best)),
                format!("mean increase {}", points_text(summary.together.increase)),
                "[ ]: 95 %, Wilson and bootstrap".to_owned(),
            ],
            Self::Proxy(summary) => vec![
                format!("gain of the gradient {}", points_text(summary.gain)),
                summary.record(),
                bootstrap,
            ],
            Self::Search(summary) => vec![
                format!("gain over random sampling {}", points_text(summary.gain)),
                "[ ]: 95 %, Student's t over searches".to_owned(),
            ],
            Self::Comparison(_) => vec!["bars: mean over trainings ± 1 standard deviation".to_owned()],
            Self::Throughput(_) | Self::Drawing { .. } | Self::Nothing => Vec::new(),
        }
    }
}

/// The statistics for a terminal; empty if there are none.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Correlation(found) => {
                writeln!(f, "{}", found.summary)?;
                if let Some(predictors) = &found.predictors {
                    writeln!(f, "{predictors}")?;
                }
                match &found.against {
                    Some(Against {
                        found: Some((contrast, run)),
                        ..
                    }) => writeln!(f, "against {run}\n{contrast}"),
                    Some(Against { artefact, found: None }) => {
                        writeln!(
                            f,
                            "no run of `{artefact}` at this scale and on this data set to compare with"
                        )
                    }
                    None => Ok(()),
                }
            }
            Self::Throughput(steps) => steps.iter().try_for_each(|step| writeln!(f, "{step}")),
            Self::Ensemble(summary) => writeln!(f, "{summary}"),
            Self::Corruption(summary) => writeln!(f, "{summary}"),
            Self::Proxy(summary) => writeln!(f, "{summary}"),
            Self::Search(summary) => writeln!(f, "{summary}"),
            Self::Comparison(found) => {
                writeln!(f, "{}", found.summary)?;
                for SystemDefinition { name, here, .. } in &found.systems {
                    if let Some(here) = here {
                        writeln!(f, "  {here} stands for {name}")?;
                    }
                }
                match found.searches.searches.is_empty() {
                    true => Ok(()),
                    false => writeln!(f, "{}", found.searches),
                }
            }
            Self::Drawing { drawings, .. } => writeln!(f, "architectures drawn: {}", drawings.len()),
            Self::Nothing => Ok(()),
        }
    }
}

/// The claimed statistic and its value: `Kendall τ +0.21 [+0.06, +0.35]`.
fn statistic_text(claim: &Claim, interval: Option<Interval>) -> String {
    let value = match claim.statistic {
        Statistic::Kendall
        | Statistic::PartialKendall
        | Statistic::Spearman
        | Statistic::Pearson
        | Statistic::TauDrop
        | Statistic::MemberAgreement => interval_text(interval),
        Statistic::CorrectIsBest => share_text(interval),
        Statistic::LevelDrop
        | Statistic::CorruptionLoss
        | Statistic::GradientGain
        | Statistic::SearchGain
        | Statistic::ErrorDifference => points_text(interval),
    };
    format!("{} {value}", claim.subject())
}
