//! A correlation study's SMASH networks with all their settings, and the rules for its predictors.

use anyhow::{Context, Result, bail, ensure};
use smash::training::smash_training::SmashTraining;
use smash::{HyperNetConfig, SearchSpace};

use crate::settings::networks::PLAIN;
use crate::settings::overlay::merge;
use crate::settings::predictors::Method;
use crate::settings::studies::CorrelationStudy;

/// A SMASH network with all its settings.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Its name.
    pub name: String,
    /// See [`FurtherNetwork::member`](crate::settings::networks::FurtherNetwork::member).
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
            ensure!(all.iter().all(|other| other.name != network.name), "{}: the name is taken", place());
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

    /// Checks the predictors and the networks that they name.
    ///
    /// # Errors
    /// The first fault, naming the predictor.
    pub fn check_predictors(&self) -> Result<()> {
        let networks = self.network_settings()?;
        for (index, predictor) in self.predictors.iter().enumerate() {
            let place = || format!("predictor `{}`", predictor.name);
            let is_taken = self.predictors[..index].iter().any(|other| other.name == predictor.name);
            ensure!(!is_taken, "{}: the name is taken", place());
            for name in predictor.method.networks() {
                ensure!(
                    networks.iter().any(|network| network.name == *name),
                    "{}: there is no network `{name}`",
                    place()
                );
            }
            let fewest = match &predictor.method {
                Method::Score(score) => score.draws.min(score.networks.len()),
                Method::Naswot { images } => *images,
                _ => 1,
            };
            ensure!(fewest > 0, "{}: expected at least one network, draw and image", place());
        }
        let needed = |name: &str| {
            let mut named = self.predictors.iter().flat_map(|predictor| predictor.method.networks());
            named.any(|network| network == name)
        };
        match networks.iter().skip(1).find(|network| !needed(&network.name)) {
            Some(network) => bail!("network `{}`: no predictor needs it", network.name),
            None => Ok(()),
        }
    }
}
