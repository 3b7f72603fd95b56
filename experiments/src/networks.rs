//! The SMASH networks of a study that compares several: the plain one, and others that differ from it in some settings.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use smash::space::Bottleneck;
use smash::training::SmashTraining;
use smash::{HyperNetConfig, SearchSpace};

use crate::definition::merge;
use crate::studies::CorrelationStudy;

/// Name of the network of `study.smash`.
pub const PLAIN: &str = "plain";

/// A SMASH network beside the plain one, as definitions give it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FurtherNetwork {
    /// Its name, which predictors and its files use.
    pub name: String,
    /// Its number in an ensemble; number 0 shares its random numbers with the plain network.
    #[serde(default)]
    pub member: u64,
    /// Whether a HyperNet generates its 1x1 weights; if not, all architectures share them.
    #[serde(default = "yes")]
    pub hypernet: bool,
    /// The rule for the channels of its 1x1 convolutions, if it is not the rule of `study.space`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<Bottleneck>,
    /// Settings that override the settings of `study.smash`.
    #[serde(default)]
    pub smash: toml::Table,
}

fn yes() -> bool {
    true
}

/// A SMASH network with all its settings.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Its name.
    pub name: String,
    /// See [`FurtherNetwork::member`].
    pub member: u64,
    /// Size of its HyperNet, if it has one.
    pub hypernet: Option<HyperNetConfig>,
    /// Its training.
    pub smash: SmashTraining,
    /// The space whose architectures it runs.
    pub space: SearchSpace,
}

impl CorrelationStudy {
    /// The settings of all networks, the plain one first.
    ///
    /// # Errors
    /// Settings that `study.smash` does not have, or a name that is taken or cannot be a file name.
    pub fn network_settings(&self) -> Result<Vec<NetworkSettings>> {
        let mut all = vec![NetworkSettings {
            name: PLAIN.into(),
            member: 0,
            hypernet: Some(self.hypernet.clone()),
            smash: self.smash.clone(),
            space: self.space.clone(),
        }];
        for network in &self.networks {
            let place = || format!("network `{}`", network.name);
            let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            ensure!(
                !network.name.is_empty() && network.name.chars().all(is_letter),
                "{}: expected a name of small letters, digits and hyphens",
                place()
            );
            ensure!(
                all.iter().all(|other| other.name != network.name),
                "{}: the name is taken",
                place()
            );
            let mut smash = toml::Table::try_from(&self.smash).expect("settings are plain data");
            merge(&mut smash, network.smash.clone());
            all.push(NetworkSettings {
                name: network.name.clone(),
                member: network.member,
                hypernet: network.hypernet.then(|| self.hypernet.clone()),
                smash: smash.try_into().with_context(place)?,
                space: SearchSpace {
                    bottleneck: network.bottleneck.unwrap_or(self.space.bottleneck),
                    ..self.space.clone()
                },
            });
        }
        Ok(all)
    }
}
