//! The figure that a definition asks for. Programs check it before a run, and the reports draw it.

use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The validation error after each epoch, from standard and from generated initial weights.
    StartCurves,
    /// The share of trainings that diverge by learning rate, and the cost of each normalisation in fixed networks, in two panels.
    NormalisationPanels,
    /// The cost of each system's search and training.
    CostMarks,
    /// The distributions of sampled architectures, in panels.
    Histograms,
    /// Architectures as memory banks.
    MemoryBanks,
    /// An architecture as graph, as memory banks and as encoding.
    Encoding,
}

impl FigureKind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::ScatterFit,
        Self::ScatterErrorBars,
        Self::ScoreRank,
        Self::TauCost,
        Self::TauChanges,
        Self::ConditionPanels,
        Self::CorruptionBars,
        Self::Descent,
        Self::SearchProgress,
        Self::SearchCost,
        Self::SystemBars,
        Self::StartCurves,
        Self::NormalisationPanels,
        Self::CostMarks,
        Self::Histograms,
        Self::MemoryBanks,
        Self::Encoding,
    ];

    /// The kinds of study, by their names in definitions, whose results the figure can show.
    pub fn studies(self) -> &'static [&'static str] {
        match self {
            Self::ScatterFit | Self::ScatterErrorBars => &["correlation", "fidelity", "benchmark"],
            Self::TauCost | Self::TauChanges | Self::ConditionPanels | Self::SearchCost => &["correlation"],
            Self::ScoreRank => &["ensemble"],
            Self::CorruptionBars => &["corruption"],
            Self::Descent => &["proxy-gradient"],
            Self::SearchProgress => &["search", "comparison"],
            Self::SystemBars => &["comparison"],
            Self::StartCurves => &["initialisation"],
            Self::NormalisationPanels => &["normalisation"],
            Self::CostMarks => &["cost"],
            Self::Histograms => &["sampling"],
            Self::MemoryBanks | Self::Encoding => &["drawing"],
        }
    }

    /// Whether the figure has one plot with labelled axes.
    pub fn has_axes(self) -> bool {
        !matches!(
            self,
            Self::ConditionPanels | Self::NormalisationPanels | Self::Histograms | Self::MemoryBanks | Self::Encoding
        )
    }
}

impl FigureDefinition {
    /// Checks that the axes are labelled if the figure has any.
    ///
    /// # Errors
    /// What was expected.
    pub fn check(&self) -> Result<(), String> {
        let is_labelled = !self.x_label.is_empty() && !self.y_label.is_empty();
        match is_labelled || !self.kind.has_axes() {
            true => Ok(()),
            false => Err("expected `x_label` and `y_label`".to_owned()),
        }
    }
}
