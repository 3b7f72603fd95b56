//! The settings of a study of initial weights.

use serde::{Deserialize, Serialize};
use smash::training::smash_training::SmashTraining;
use smash::{HyperNetConfig, ResultingTraining, SearchSpace};

use crate::settings::parts::Data;

/// Settings of an initialisation study: networks that start from generated weights or from standard ones (paper, appendix C).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InitialisationStudy {
    /// Number of sampled architectures that are trained. No score chooses them.
    pub architectures: usize,
    /// Number of further sampled architectures, from which the score chooses.
    pub candidates: usize,
    /// Number of them that are trained too: the best by SMASH score.
    pub best: usize,
    /// Number of trainings of each architecture from each start, with different seeds.
    pub training_seeds: usize,
    /// Number of noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// Number of architectures that one unit of work scores.
    pub shard: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
    /// Training of all other networks.
    pub resulting: ResultingTraining,
}

#[cfg(test)]
mod tests {
    use crate::settings::definition::{Scale, load};

    #[test]
    fn settings_without_a_meaning_are_refused_by_name() {
        for (set, expected) in [
            ("study.best=1000", "`study.best` must be at most `study.candidates`"),
            ("study.smash.memory.write='overwrite'", "`study.smash.memory` must be the paper's"),
            ("study.smash.normalisation='none'", "`study.smash.normalisation` must be `simple-weight-norm`"),
        ] {
            let error = load("warm-init", Scale::Laptop, &[set.to_owned()]).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{set}: {error:#}");
        }
    }
}
