//! The figure of an artefact: its definition, its kind, and the data that it shows.

use anyhow::{Context, Result, ensure};
use results::summaries::predictors::PredictorSummary;
use results::{
    ComparisonSummary, CorrelationSummary, CorruptionSummary, DrawingRow, EncodingCellRow, EnsembleSummary,
    PredictorsSummary, ProxySummary, SearchCostSummary, SearchSummary,
};
use serde::Deserialize;

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
    /// The axes of conditions, for a figure of panels.
    #[serde(default, rename = "panel")]
    pub panels: Vec<PanelDefinition>,
}

/// One axis of conditions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelDefinition {
    /// Name of the axis.
    pub name: String,
    /// Its points, from left to right. The first predictor of the study is the standard, and may stand in several panels.
    pub points: Vec<PointDefinition>,
}

/// One point of an axis of conditions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointDefinition {
    /// Its place on the axis, in words.
    pub label: String,
    /// Name of the predictor that the study measures there.
    pub predictor: String,
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
    /// Kendall's tau and partial tau along several axes of conditions.
    ConditionPanels,
    /// How much each corruption of the encoding raises the error.
    CorruptionBars,
    /// The lowest error so far by step, along the gradient and by random steps.
    Descent,
    /// The lowest score so far by architectures scored.
    SearchProgress,
    /// The test error of the best architecture found by cost of the search, for several methods.
    SearchCost,
    /// The test error of each system.
    SystemBars,
    /// Architectures as memory banks.
    MemoryBanks,
    /// An architecture as graph, as memory banks and as encoding.
    Encoding,
}

impl FigureKind {
    /// Whether the figure has one plot with labelled axes.
    pub(crate) fn has_axes(self) -> bool {
        !matches!(self, Self::ConditionPanels | Self::MemoryBanks | Self::Encoding)
    }
}

/// The data that a figure shows.
pub enum FigureData<'a> {
    /// A predictor against true error.
    Scatter(&'a CorrelationSummary),
    /// The same, with error bars.
    ScatterErrorBars(&'a CorrelationSummary),
    /// Kendall's tau of several predictors.
    Predictors(&'a PredictorsSummary),
    /// Statistics of predictors along axes of conditions.
    Conditions(Vec<Panel<'a>>),
    /// Scores by rank.
    Ensemble(&'a EnsembleSummary),
    /// Increases of the error.
    Corruption(&'a CorruptionSummary),
    /// Lowest errors by step.
    Proxy(&'a ProxySummary),
    /// Lowest scores by architectures scored.
    Search(&'a SearchSummary),
    /// Test errors by cost of a search.
    SearchCost(&'a SearchCostSummary),
    /// Test errors of systems, and the label of each system.
    Systems(&'a ComparisonSummary, Vec<String>),
    /// Architectures.
    MemoryBanks(&'a [DrawingRow]),
    /// Architectures, and the cells of their encodings that hold +1.
    Encoding(&'a [DrawingRow], &'a [EncodingCellRow]),
}

/// An axis of conditions with its measured points.
pub struct Panel<'a> {
    /// Name of the axis.
    pub name: &'a str,
    /// Its points, from left to right.
    pub points: Vec<PanelPoint<'a>>,
}

/// A measured point of an axis of conditions.
pub struct PanelPoint<'a> {
    /// Its place on the axis, in words.
    pub label: &'a str,
    /// The statistics there.
    pub predictor: &'a PredictorSummary,
    /// Whether it is the first predictor of the study, with which the others are compared.
    pub is_standard: bool,
}

impl PanelDefinition {
    /// The axis with its measured points.
    ///
    /// # Errors
    /// An axis without points, or a point whose predictor the study lacks.
    pub fn measured<'a>(&'a self, summary: &'a PredictorsSummary) -> Result<Panel<'a>> {
        ensure!(!self.points.is_empty(), "panel `{}`: expected at least one point", self.name);
        let point = |point: &'a PointDefinition| {
            let mut predictors = summary.predictors.iter().enumerate();
            let found = predictors.find(|(_, predictor)| predictor.name == point.predictor);
            let (index, predictor) = found
                .with_context(|| format!("panel `{}`: the study has no predictor `{}`", self.name, point.predictor))?;
            Ok(PanelPoint { label: &point.label, predictor, is_standard: index == 0 })
        };
        let points = self.points.iter().map(point).collect::<Result<_>>()?;
        Ok(Panel { name: &self.name, points })
    }
}
