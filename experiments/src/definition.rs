//! Definitions of artefacts: TOML at the paper's settings, with an overlay for each other scale.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use smash::training::SmashTraining;
use smash::{HyperNetConfig, ResultingTraining, SearchSpace};

/// All artefacts: name and text of the definition.
const DEFINITIONS: [(&str, &str); 3] = [
    ("fig4", include_str!("../definitions/fig4.toml")),
    ("fidelity", include_str!("../definitions/fidelity.toml")),
    ("throughput", include_str!("../definitions/throughput.toml")),
];

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Every code path in seconds.
    Smoke,
    /// A result worth reading in at most 20 minutes on two cores.
    Laptop,
    /// About an hour on one data-centre GPU.
    Gpu,
    /// The paper's own numbers.
    Paper,
}

impl Scale {
    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Laptop => "laptop",
            Self::Gpu => "gpu",
            Self::Paper => "paper",
        }
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let scales = [Self::Smoke, Self::Laptop, Self::Gpu, Self::Paper];
        let found = scales.into_iter().find(|scale| scale.name() == text);
        found.ok_or_else(|| "expected smoke, laptop, gpu or paper".to_string())
    }
}

/// An artefact at one scale.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// One line.
    pub title: String,
    /// Place in the paper.
    pub paper: String,
    /// Prose for the report.
    pub analysis: String,
    /// What is claimed, if anything; checked by machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<results::Claim>,
    /// How it is drawn, if at all; read by the reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<toml::Table>,
    /// What is run.
    pub study: Study,
}

/// The study kinds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Study {
    /// SMASH score against true error.
    Correlation(CorrelationStudy),
    /// True error by the fast recipe against that by the paper's.
    Fidelity(FidelityStudy),
    /// Time of each kind of step.
    Throughput(ThroughputStudy),
}

/// Which recipe resulting networks are trained by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// The paper's: `study.resulting`.
    Paper,
    /// A shorter one: `study.fast`.
    Fast,
}

impl Recipe {
    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Fast => "fast",
        }
    }
}

/// Settings of a correlation study (paper, section 4.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CorrelationStudy {
    /// Architectures that are sampled and scored.
    pub scored: usize,
    /// Every how many-th of them, by score, is trained.
    pub every: usize,
    /// Noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// Trainings of each trained architecture, with different seeds.
    pub training_seeds: usize,
    /// Architectures scored in one unit of work.
    pub shard: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
    /// Which of the two trainings below gives the true error.
    pub recipe: Recipe,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
    /// A faster one.
    pub fast: ResultingTraining,
}

/// Settings of a fidelity study: the same architectures trained by both recipes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FidelityStudy {
    /// Architectures that are sampled and trained.
    pub architectures: usize,
    /// Trainings of each architecture by each recipe.
    pub training_seeds: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
    /// A faster one.
    pub fast: ResultingTraining,
}

/// Settings of a throughput study.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ThroughputStudy {
    /// Steps of each kind that are timed, each with another architecture.
    pub steps: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network; all steps have its batch size.
    pub smash: SmashTraining,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
}

/// Which images.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Data {
    /// Name of the data set.
    pub name: String,
    /// Height and width in pixels; the set's own if not given.
    pub image_size: Option<usize>,
    /// Training images, the validation images included; all if not given.
    pub train: Option<usize>,
    /// Images held out of the training set for scoring.
    pub validation: usize,
    /// Test images; all if not given.
    pub test: Option<usize>,
}

/// Names of all artefacts.
pub fn names() -> impl Iterator<Item = &'static str> {
    DEFINITIONS.into_iter().map(|(name, _)| name)
}

/// The definition of an artefact with the overlay of a scale.
///
/// # Errors
/// An unknown artefact, or a definition with an unknown or missing key, naming file and place.
pub fn load(name: &str, scale: Scale) -> Result<Definition> {
    let text = text_of(name)?;
    let path = PathBuf::from(format!("experiments/definitions/{name}.toml"));
    parse(text, scale).with_context(|| format!("{}", path.display()))
}

fn text_of(name: &str) -> Result<&'static str> {
    let Some((_, text)) = DEFINITIONS.into_iter().find(|(known, _)| *known == name) else {
        bail!(
            "unknown artefact `{name}`; known: {}",
            names().collect::<Vec<_>>().join(", ")
        );
    };
    Ok(text)
}

/// Parses the text of a definition and merges the overlay of a scale into it.
///
/// # Errors
/// Text that is no definition, naming the key.
pub fn parse(text: &str, scale: Scale) -> Result<Definition> {
    let mut table: toml::Table = toml::from_str(text)?;
    if let Some(takes) = table.remove("takes") {
        let takes: Takes = takes.try_into().context("`takes`")?;
        let mut inherited = takes.table()?;
        merge(&mut inherited, table);
        table = inherited;
    }
    let mut scales = match table.remove("scale") {
        Some(toml::Value::Table(scales)) => scales,
        Some(_) => bail!("`scale` must be a table"),
        None => toml::Table::new(),
    };
    if let Some(unknown) = scales.keys().find(|key| Scale::from_str(key).is_err()) {
        bail!("`scale.{unknown}`: expected smoke, laptop, gpu or paper");
    }
    match scales.remove(scale.name()) {
        Some(toml::Value::Table(overlay)) => merge(&mut table, overlay),
        Some(_) => bail!("`scale.{}` must be a table", scale.name()),
        None => {}
    }
    let definition: Definition = toml::Value::Table(table).try_into()?;
    definition.study.validate()?;
    Ok(definition)
}

/// Parts of the study that a definition has in common with another, at all scales; its own settings go before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Takes {
    from: String,
    parts: Vec<String>,
}

impl Takes {
    fn table(&self) -> Result<toml::Table> {
        let other: toml::Table = toml::from_str(text_of(&self.from)?)?;
        let parts_of = |table: &toml::Table| {
            let study = table.get("study").and_then(toml::Value::as_table);
            let parts = self.parts.iter().filter_map(|part| {
                let settings = study?.get(part)?.clone();
                Some((part.clone(), settings))
            });
            toml::Table::from_iter([("study".to_string(), toml::Value::Table(parts.collect()))])
        };
        let mut table = parts_of(&other);
        let scales = other.get("scale").and_then(toml::Value::as_table).into_iter().flatten();
        let scales = scales
            .filter_map(|(scale, overlay)| Some((scale.clone(), toml::Value::Table(parts_of(overlay.as_table()?)))));
        table.insert("scale".to_string(), toml::Value::Table(scales.collect()));
        Ok(table)
    }
}

fn merge(base: &mut toml::Table, overlay: toml::Table) {
    for (key, value) in overlay {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(part)) => merge(inner, part),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

impl CorrelationStudy {
    /// The recipe in use.
    pub fn truth_settings(&self) -> &ResultingTraining {
        match self.recipe {
            Recipe::Paper => &self.resulting,
            Recipe::Fast => &self.fast,
        }
    }
}

impl Study {
    /// The images.
    pub fn data(&self) -> &Data {
        match self {
            Self::Correlation(study) => &study.data,
            Self::Fidelity(study) => &study.data,
            Self::Throughput(study) => &study.data,
        }
    }

    /// The images, to be overridden.
    pub fn data_mut(&mut self) -> &mut Data {
        match self {
            Self::Correlation(study) => &mut study.data,
            Self::Fidelity(study) => &mut study.data,
            Self::Throughput(study) => &mut study.data,
        }
    }

    /// The recipes of resulting networks.
    pub fn trainings_mut(&mut self) -> Vec<&mut ResultingTraining> {
        match self {
            Self::Correlation(study) => vec![&mut study.resulting, &mut study.fast],
            Self::Fidelity(study) => vec![&mut study.resulting, &mut study.fast],
            Self::Throughput(study) => vec![&mut study.resulting],
        }
    }

    /// Noise draws z of each score; 0 where nothing is scored.
    pub fn noise_draws(&self) -> usize {
        match self {
            Self::Correlation(study) => study.noise_draws,
            Self::Fidelity(_) | Self::Throughput(_) => 0,
        }
    }

    fn validate(&self) -> Result<()> {
        let (space, counts) = match self {
            Self::Correlation(study) => (
                &study.space,
                vec![
                    ("scored", study.scored),
                    ("every", study.every),
                    ("noise-draws", study.noise_draws),
                    ("training-seeds", study.training_seeds),
                    ("shard", study.shard),
                    ("smash.epochs", study.smash.epochs),
                    ("smash.batch-size", study.smash.batch_size),
                    ("resulting.epochs", study.resulting.epochs),
                    ("resulting.batch-size", study.resulting.batch_size),
                    ("fast.epochs", study.fast.epochs),
                    ("fast.batch-size", study.fast.batch_size),
                ],
            ),
            Self::Fidelity(study) => (
                &study.space,
                vec![
                    ("architectures", study.architectures),
                    ("training-seeds", study.training_seeds),
                    ("resulting.epochs", study.resulting.epochs),
                    ("resulting.batch-size", study.resulting.batch_size),
                    ("fast.epochs", study.fast.epochs),
                    ("fast.batch-size", study.fast.batch_size),
                ],
            ),
            Self::Throughput(study) => (
                &study.space,
                vec![("steps", study.steps), ("smash.batch-size", study.smash.batch_size)],
            ),
        };
        space.validate()?;
        let validation = [("data.validation", self.data().validation)];
        for (key, value) in counts.into_iter().chain(validation) {
            if value == 0 {
                bail!("`study.{key}` must be at least 1");
            }
        }
        Ok(())
    }
}

impl Definition {
    /// The resolved definition as TOML.
    pub fn to_table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("a definition is plain data")
    }

    /// SHA-256 of the resolved definition, in hexadecimal.
    pub fn hash(&self) -> String {
        let text = toml::to_string(&self.to_table()).expect("a definition is plain data");
        crate::provenance::sha256(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_valid_at_every_scale() {
        for name in names() {
            for scale in [Scale::Smoke, Scale::Laptop, Scale::Gpu, Scale::Paper] {
                load(name, scale).unwrap();
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let text = DEFINITIONS[0].1.replace("noise-draws = 1", "noise-drawz = 1");
        let error = format!("{:#}", parse(&text, Scale::Paper).unwrap_err());
        assert!(error.contains("noise-drawz"), "{error}");
    }
}
