//! One root seed and independent, named ChaCha streams.
//!
//! Every number that decides a result is drawn on the host from one of these streams, keyed by its purpose. So no
//! result depends on thread order, on the order of units, or on how often a run was interrupted.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The use of a stream of random numbers. The list is closed on purpose: a new use gets a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The choice of the validation examples from the training set.
    Split,
    /// Initial weights of a SMASH network.
    SmashInitialisation,
    /// Order of the training images in one epoch of a SMASH network.
    SmashOrder,
    /// Crops and flips in one epoch of a SMASH network.
    SmashAugmentation,
    /// The architecture sampled at one training step.
    SmashArchitecture,
    /// A new architecture of a pool from which a guide chooses (successive halving).
    GuidePool,
    /// The architectures that give the mean and the spread of the features that a guide reads.
    GuideFeatures,
    /// The noise z of one training step.
    SmashNoise,
    /// The forms of the ops of one training step.
    SmashOpForms,
    /// The architectures that are scored.
    ScoredArchitecture,
    /// The recorded list of noise draws z of the scores.
    ScoreNoise,
    /// Order of the training images from which BatchNorm's statistics are recomputed for scores.
    Recalibration,
    /// Root seeds of the SMASH networks of an ensemble.
    Member,
    /// The architectures that a figure shows.
    Drawing,
    /// Parts of a training set where the set has no official ones.
    Fold,
    /// Perturbations during the search.
    Perturbation,
    /// Initial weights of a resulting network.
    ResultingInitialisation,
    /// Order of the training images in one epoch of a resulting network.
    ResultingOrder,
    /// Crops and flips in one epoch of a resulting network.
    ResultingAugmentation,
    /// Decisions of drop-path, dropout and shake in one epoch.
    Regularisation,
    /// Proposals of a rival search method.
    Rival,
    /// Replacements in a corrupted encoding.
    Corruption,
    /// Random steps with which architectural gradient descent is compared.
    ProxyStep,
    /// Initial weights of a network that a predictor looks at or trains for a short while.
    PredictorInitialisation,
    /// Order of the training images in one epoch of a predictor's short training.
    PredictorOrder,
    /// Crops and flips in one epoch of a predictor's short training.
    PredictorAugmentation,
    /// The training images that a predictor looks at.
    PredictorImages,
    /// The architectures by which a run verifies a benchmark.
    Verification,
    /// Operands on which kernels are compared with other code, or a network with a nudged one.
    Check,
}

/// The root seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The generator of `stream` for the purpose named by `key` (a step, an epoch, an architecture and a seed, ...).
    ///
    /// Streams with different names or keys are independent; the same three always give the same numbers.
    pub fn rng(self, stream: Stream, key: &[u64]) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(b"smash-stream-v1");
        hash.update(self.0.to_le_bytes());
        // The name, not a number, so that reordering the enum changes nothing.
        hash.update(format!("{stream:?}").as_bytes());
        for part in key {
            hash.update(part.to_le_bytes());
        }
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// The root seed of a member of an ensemble. The first member has the seed itself.
    pub fn of_member(self, member: u64) -> Self {
        match member {
            0 => self,
            _ => Self(self.rng(Stream::Member, &[member]).random()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_seed_name_and_key() {
        let draw = |seed, stream, key: &[u64]| Seed(seed).rng(stream, key).random::<u64>();
        let first = draw(1, Stream::Split, &[0, 1]);
        assert_eq!(first, draw(1, Stream::Split, &[0, 1]));
        assert_ne!(first, draw(2, Stream::Split, &[0, 1]));
        assert_ne!(first, draw(1, Stream::SmashOrder, &[0, 1]));
        assert_ne!(first, draw(1, Stream::Split, &[1, 0]));
        assert_ne!(first, draw(1, Stream::Split, &[0]));
    }
}
