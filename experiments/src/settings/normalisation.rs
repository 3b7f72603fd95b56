//! Settings of a study of normalisations.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use smash::{HyperNetConfig, OpNormalisation, ResultingTraining, SearchSpace, SmashTraining};

use crate::settings::parts::Data;

/// Settings of a normalisation study (paper, section 3.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NormalisationStudy {
    /// The normalisations of ops that are compared. Fixed networks have BatchNorm too.
    pub normalisations: Vec<OpNormalisation>,
    /// Initial learning rates of the SMASH networks; each replaces the one of `smash`.
    pub learning_rates: Vec<f64>,
    /// Number of trainings of a SMASH network with each normalisation at each learning rate, with different seeds.
    pub smash_seeds: usize,
    /// Number of architectures that are sampled and trained as fixed networks.
    pub architectures: usize,
    /// Number of trainings of each architecture with each normalisation.
    pub training_seeds: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH networks.
    pub smash: SmashTraining,
    /// Training of the fixed networks.
    pub resulting: ResultingTraining,
}

impl NormalisationStudy {
    /// The trainings of SMASH networks: each normalisation at each learning rate.
    pub fn smash_trainings(&self) -> Vec<SmashTraining> {
        let rates = |&normalisation: &OpNormalisation| {
            let training = move |&learning_rate| SmashTraining { normalisation, learning_rate, ..self.smash.clone() };
            self.learning_rates.iter().map(training)
        };
        self.normalisations.iter().flat_map(rates).collect()
    }

    /// Checks the two lists, and that the settings of `smash` leave the normalisation to them.
    ///
    /// # Errors
    /// The first list that is empty or names something twice.
    pub fn check_lists(&self) -> Result<()> {
        let names: Vec<&str> = self.normalisations.iter().map(|normalisation| normalisation.name()).collect();
        ensure!(!names.is_empty(), "`study.normalisations`: expected at least one");
        for (index, name) in names.iter().enumerate() {
            ensure!(!names[..index].contains(name), "`study.normalisations` has `{name}` twice");
        }
        for (index, rate) in self.learning_rates.iter().enumerate() {
            ensure!(!self.learning_rates[..index].contains(rate), "`study.learning-rates` has {rate} twice");
        }
        ensure!(
            self.smash.normalisation == OpNormalisation::default(),
            "`smash.normalisation` has no effect in this study: use `study.normalisations`"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::definition::{Definition, Scale, load};
    use crate::settings::studies::Study;

    fn smoke(set: &str) -> Result<Definition> {
        load("normalisation", Scale::Smoke, &[set.to_owned()])
    }

    #[test]
    fn every_normalisation_is_trained_at_every_rate() {
        let definition = smoke("study.normalisations=['none', 'norm-prop']").unwrap();
        let Study::Normalisation(study) = definition.study else { panic!("another kind of study") };
        let trainings = study.smash_trainings();
        let found: Vec<_> = trainings.iter().map(|training| (training.normalisation, training.learning_rate)).collect();
        let [none, prop] = [OpNormalisation::None, OpNormalisation::NormProp];
        assert_eq!(found, [(none, 0.001), (none, 0.1), (prop, 0.001), (prop, 0.1)]);
        assert!(trainings.iter().all(|training| training.epochs == study.smash.epochs));
    }

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        for (set, expected) in [
            ("study.normalisations=[]", "`study.normalisations`: expected at least one"),
            ("study.normalisations=['none', 'none']", "`study.normalisations` has `none` twice"),
            ("study.normalisations=['batch-norm']", "batch-norm"),
            ("study.learning-rates=[]", "`study.learning-rates` has 0 entries, expected 1 to 32"),
            ("study.learning-rates=[0.1, 0.1]", "`study.learning-rates` has 0.1 twice"),
            ("study.learning-rates=[0.0]", "`study.learning-rates` must be above 0 and at most 10, got 0"),
            ("study.smash.normalisation='none'", "`smash.normalisation` has no effect in this study"),
        ] {
            let error = format!("{:#}", smoke(set).unwrap_err());
            assert!(error.contains(expected) && error.lines().count() == 1, "{set}: {error}");
        }
    }
}
