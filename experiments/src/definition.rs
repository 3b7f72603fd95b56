//! Definitions of artefacts: TOML at the paper's settings, with an overlay for each other scale.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use smash::training::SmashTraining;
use smash::{HyperNetConfig, ResultingTraining, SearchSpace};

/// All artefacts: name and text of the definition.
const DEFINITIONS: [(&str, &str); 1] = [("fig4", include_str!("../definitions/fig4.toml"))];

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
    /// What is claimed; checked by machine.
    pub claim: results::Claim,
    /// How it is drawn; read by the reports.
    pub figure: toml::Table,
    /// What is run.
    pub study: Study,
}

/// The study kinds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Study {
    /// SMASH score against true error.
    Correlation(CorrelationStudy),
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
    let Some((_, text)) = DEFINITIONS.into_iter().find(|(known, _)| *known == name) else {
        bail!(
            "unknown artefact `{name}`; known: {}",
            names().collect::<Vec<_>>().join(", ")
        );
    };
    let path = PathBuf::from(format!("experiments/definitions/{name}.toml"));
    parse(text, scale).with_context(|| format!("{}", path.display()))
}

/// Parses the text of a definition and merges the overlay of a scale into it.
///
/// # Errors
/// Text that is no definition, naming the key.
pub fn parse(text: &str, scale: Scale) -> Result<Definition> {
    let mut table: toml::Table = toml::from_str(text)?;
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
    let Study::Correlation(study) = &definition.study;
    study.validate()?;
    Ok(definition)
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
    fn validate(&self) -> Result<()> {
        self.space.validate()?;
        for (key, value) in [
            ("scored", self.scored),
            ("every", self.every),
            ("noise-draws", self.noise_draws),
            ("training-seeds", self.training_seeds),
            ("shard", self.shard),
            ("data.validation", self.data.validation),
            ("smash.epochs", self.smash.epochs),
            ("smash.batch-size", self.smash.batch_size),
            ("resulting.epochs", self.resulting.epochs),
            ("resulting.batch-size", self.resulting.batch_size),
        ] {
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
