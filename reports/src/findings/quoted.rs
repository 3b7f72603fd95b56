//! The paper's numbers that a definition quotes beside the measured systems.

use std::fmt;

use serde::Deserialize;

/// Entry of a definition about a system, as far as reports need it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SystemDefinition {
    /// Its name.
    pub name: String,
    /// The smaller system that stands for it at this scale.
    pub here: Option<String>,
    /// Numbers that the paper quotes for it.
    pub paper: Option<Quoted>,
    /// How it is built, if it is a network designed by hand.
    pub baseline: Option<toml::Table>,
    /// The search by SMASH score that finds it.
    pub smash: Option<SmashDefinition>,
    /// The search with trainings that finds it.
    pub trained_search: Option<TrainedSearchDefinition>,
}

/// Entry of a definition about a system that a search by SMASH score finds.
#[derive(Clone, Debug, Deserialize)]
pub struct SmashDefinition {
    /// Name of the search.
    pub search: String,
}

/// Entry of a definition about a system that a search with trainings finds.
#[derive(Clone, Debug, Deserialize)]
pub struct TrainedSearchDefinition {
    /// Number of trainings.
    pub trials: u32,
    /// The kind of search.
    pub method: MethodDefinition,
}

/// A kind of search with trainings.
#[derive(Clone, Debug, Deserialize)]
pub struct MethodDefinition {
    /// Its name in definitions, such as `q-learning`.
    pub method: String,
}

impl MethodDefinition {
    /// Its name for readers.
    pub fn shown(&self) -> &str {
        match self.method.as_str() {
            "random" => "Random search",
            "q-learning" => "Q-learning",
            "reinforce" => "REINFORCE",
            "regularised-evolution" => "Regularised evolution",
            "cartesian-genetic" => "(1 + λ) evolution",
            other => other,
        }
    }
}

/// Numbers of the paper; they are never mixed with measured ones.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quoted {
    /// Test error in percent.
    pub error: Option<f64>,
    /// Top-5 test error in percent.
    pub top5: Option<f64>,
    /// Standard deviation of the error in percentage points.
    pub deviation: Option<f64>,
    /// Parameters in millions.
    pub parameters: Option<f64>,
    /// Layers.
    pub depth: Option<u32>,
}

/// Writes a quoted error: `17.54 ± 1.14 %`.
impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error.map(|error| match self.deviation {
            Some(deviation) => format!("{error} ± {deviation} %"),
            None => format!("{error} %"),
        });
        let top5 = self.top5.map(|top5| format!("top-5 {top5} %"));
        let parameters = self.parameters.map(|parameters| format!("{parameters} M parameters"));
        let depth = self.depth.map(|depth| format!("depth {depth}"));
        let words: Vec<String> = [error, top5, parameters, depth].into_iter().flatten().collect();
        f.write_str(&words.join(", "))
    }
}
