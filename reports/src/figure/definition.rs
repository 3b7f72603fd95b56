//! The data that a figure of each kind shows.

use anyhow::{Context, Result, ensure};
pub use results::summaries::figure::{FigureDefinition, FigureKind, PanelDefinition, PointDefinition};
use results::summaries::predictors::PredictorSummary;
use results::{
    ComparisonSummary, CorruptionSummary, CostSummary, DrawingRow, EncodingCellRow, EnsembleSummary,
    InitialisationSummary, NormalisationSummary, Points, PredictorsSummary, ProxySummary, SamplingSummary,
    SearchCostSummary, SearchSummary,
};

/// The data that a figure shows.
pub enum FigureData<'a> {
    /// A predictor against true error.
    Scatter(Scatter<'a>),
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
    /// Validation errors after each epoch, from two starts.
    Starts(&'a InitialisationSummary),
    /// Divergences by learning rate, and paired differences of true errors.
    Normalisation(&'a NormalisationSummary),
    /// Costs of searches and trainings.
    Costs(&'a CostSummary),
    /// Distributions of sampled architectures.
    Histograms(&'a SamplingSummary),
    /// Architectures.
    MemoryBanks(&'a [DrawingRow]),
    /// Architectures, and the cells of their encodings that hold +1.
    Encoding(&'a [DrawingRow], &'a [EncodingCellRow]),
}

/// A predictor against true error.
pub struct Scatter<'a> {
    /// The points of each root seed.
    pub points: &'a Points,
    /// Whether the definition asks for error bars of one standard deviation.
    pub bars: bool,
    /// Name and points of the artefact that this one is compared with.
    pub reference: Option<(&'a str, &'a Points)>,
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

/// An axis with its measured points.
///
/// # Errors
/// An axis without points, or a point whose predictor the study lacks.
pub fn measured<'a>(panel: &'a PanelDefinition, summary: &'a PredictorsSummary) -> Result<Panel<'a>> {
    let name = &panel.name;
    ensure!(!panel.points.is_empty(), "panel `{name}`: expected at least one point");
    let point = |point: &'a PointDefinition| {
        let mut predictors = summary.predictors.iter().enumerate();
        let found = predictors.find(|(_, predictor)| predictor.name == point.predictor);
        let (index, predictor) =
            found.with_context(|| format!("panel `{name}`: the study has no predictor `{}`", point.predictor))?;
        Ok(PanelPoint { label: &point.label, predictor, is_standard: index == 0 })
    };
    let points = panel.points.iter().map(point).collect::<Result<_>>()?;
    Ok(Panel { name, points })
}
