//! Findings of an artefact: what its kind of study says about itself, one file for each kind.

mod compared_with;
mod comparison;
mod conditions;
pub(crate) mod correlation;
mod corruption;
mod cost;
pub(crate) mod definition;
mod drawings;
mod ensemble;
mod equal_size;
mod fronts;
mod initialisation;
mod levels;
pub(crate) mod markdown;
mod normalisation;
mod proxy;
mod quoted;
pub(crate) mod ranking;
mod regime;
mod sampling;
mod search;
mod search_cost;
mod throughput;
pub(crate) mod used_data;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Error, Result, anyhow, bail};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::text::percent;
use results::{Claim, SearchSummary};

use crate::figure::definition::{FigureData, FigureKind};

/// Findings of any kind of study.
pub type Findings = Box<dyn KindOfStudy>;

/// Reads the tables of a group of runs. The path is the folder of all stored runs.
type Load = fn(&Group, &Path) -> Result<Findings>;

/// The kinds of study, by their names in definitions.
const KINDS: [(&str, Load); 14] = [
    ("correlation", correlation::load),
    ("fidelity", correlation::load_ranking),
    ("benchmark", correlation::load_ranking),
    ("throughput", throughput::load),
    ("ensemble", ensemble::load),
    ("corruption", corruption::load),
    ("proxy-gradient", proxy::load),
    ("search", search::load),
    ("comparison", comparison::load),
    ("initialisation", initialisation::load),
    ("normalisation", normalisation::load),
    ("drawing", drawings::load),
    ("sampling", sampling::load),
    ("cost", cost::load),
];

/// What a kind of study says about its stored results.
///
/// `Display` writes the statistics for a terminal, without a line break at the end.
pub trait KindOfStudy: fmt::Debug + fmt::Display + Send + Sync {
    /// The statistic that a claim is about; `None` if the data leave it undefined.
    ///
    /// # Errors
    /// If it is not a statistic of this kind of study, or is about unknown systems.
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        Err(no_statistic(claim))
    }

    /// The most that the statistic of a claim can be expected to be, given the noise of the true errors. `None` if it
    /// is unknown, or of no use to the claim.
    fn ceiling(&self, _claim: &Claim) -> Option<Interval> {
        None
    }

    /// The name that readers see for a system, which claims and tables name by its key.
    fn shown_name(&self, system: &str) -> String {
        system.to_owned()
    }

    /// The main statistic in one line, for an artefact without a claim; may be empty.
    fn headline(&self) -> String {
        String::new()
    }

    /// Size and unit of the sample behind the statistics; `None` if there is no sample.
    fn n(&self) -> Option<(usize, &'static str)> {
        None
    }

    /// Describes what was left out; empty if nothing was.
    fn left_out(&self) -> String {
        String::new()
    }

    /// The statistics as facts for the caption of a figure.
    fn caption(&self) -> Vec<String> {
        Vec::new()
    }

    /// The statistics as paragraphs and tables of the report, in Markdown; empty if there are none.
    fn paragraphs(&self) -> Vec<String> {
        Vec::new()
    }

    /// The data of a figure.
    ///
    /// # Errors
    /// If a figure of this kind does not fit the study.
    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        Err(does_not_fit(kind))
    }

    /// The values behind the points of a figure that stand for architectures; `None` if no figure has such points.
    fn values(&self) -> Option<Values> {
        None
    }

    /// Searches whose best architectures the report draws, if there are any.
    fn searches(&self) -> Option<&SearchSummary> {
        None
    }

    /// Whether the study trains networks, so that its numbers depend on the scale.
    fn needs_training(&self) -> bool {
        true
    }
}

/// Measurements of single architectures, as text.
pub struct Values {
    /// Name of each value.
    pub names: Vec<&'static str>,
    /// The values by root seed and architecture.
    pub of_architectures: BTreeMap<(u64, u32), Vec<String>>,
}

/// Findings of a definition that names no study.
#[derive(Debug)]
pub(crate) struct NoStudy;

impl KindOfStudy for NoStudy {}

impl fmt::Display for NoStudy {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Reads the tables of a group of runs and computes their statistics; `None` if its definition names no study. `root`
/// is the folder of all stored runs; it holds the artefact that this one may be compared with.
///
/// # Errors
/// If the definition's study or a table is faulty, or if seeds were measured on test sets of different sizes.
pub fn load(group: &Group, root: &Path) -> Result<Option<Findings>> {
    let Some(kind) = definition::kind_of_study(group)? else {
        return Ok(None);
    };
    let Some((_, load)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        let known = KINDS.map(|(name, _)| name).join(", ");
        let place = definition::place(group, "study");
        bail!("{place}: kind `{kind}`, expected one of {known}");
    };
    load(group, root).map(Some)
}

/// Explains the brackets of a caption.
const BOOTSTRAP: &str = "[ ]: 95 % bootstrap";

fn no_statistic(claim: &Claim) -> Error {
    anyhow!("`{claim}` is no statistic of this kind of study")
}

fn does_not_fit(kind: FigureKind) -> Error {
    let name = toml::Value::try_from(kind).expect("a kind of figure is written by its name");
    anyhow!("a figure of kind {name} does not fit its kind of study")
}

/// An error with its standard deviation, in percent.
fn with_deviation(value: f64, deviation: Option<f64>) -> String {
    match deviation {
        Some(deviation) => format!("{} ± {:.2}", percent(value), 100.0 * deviation),
        None => percent(value),
    }
}
