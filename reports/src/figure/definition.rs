//! The figure of an artefact: its definition, its kind, and the data that it shows.

use results::{
    ComparisonSummary, CorrelationSummary, CorruptionSummary, DrawingRow, EncodingCellRow, EnsembleSummary,
    PredictorsSummary, ProxySummary, SearchSummary,
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
    /// Whether the figure has labelled axes.
    pub(crate) fn has_axes(self) -> bool {
        !matches!(self, Self::MemoryBanks | Self::Encoding)
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
    /// Scores by rank.
    Ensemble(&'a EnsembleSummary),
    /// Increases of the error.
    Corruption(&'a CorruptionSummary),
    /// Lowest errors by step.
    Proxy(&'a ProxySummary),
    /// Lowest scores by architectures scored.
    Search(&'a SearchSummary),
    /// Test errors of systems, and the label of each system.
    Systems(&'a ComparisonSummary, Vec<String>),
    /// Architectures.
    MemoryBanks(&'a [DrawingRow]),
    /// Architectures, and the cells of their encodings that hold +1.
    Encoding(&'a [DrawingRow], &'a [EncodingCellRow]),
}
