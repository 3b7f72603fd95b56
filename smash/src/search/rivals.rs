//! Search methods of the systems that the paper's table 1 compares SMASH with, on this search space (section 4.4).
//!
//! They train each architecture that they propose, whereas SMASH trains none before its last. Regularised evolution
//! (Real et al. 2018) stands for Large-Scale Evolution. A (1 + lambda) evolution strategy with neutral drift stands for
//! CGP-CNN. Q-learning stands for MetaQNN, and REINFORCE for Neural Architecture Search. Random search stands for none
//! of them.
//!
//! The methods are their authors', the spaces are not. All methods search the memory-bank space of the paper, so that
//! only the search differs.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use smash_space::architecture::Architecture;
use smash_space::random::{Seed, Stream};
use smash_space::sampling::{Limits, sample};
use smash_space::space::SearchSpace;

mod choices;
mod evolution;
mod learners;

use crate::error::MethodError;

/// A search method with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "method")]
pub enum SearchMethod {
    /// Samples of the space, each independent of earlier trials.
    Random {},
    /// Regularised evolution: some of the last `population` trials, drawn at random, compete, and the best is
    /// perturbed.
    RegularisedEvolution {
        /// Number of trials that are alive. The oldest dies with each new one. The first `population` trials are
        /// random.
        population: usize,
        /// Number of trials that compete, drawn with replacement.
        tournament: usize,
        /// Probability that an element of the winner is redrawn.
        probability: f64,
    },
    /// A (1 + lambda) strategy: all trials of a generation are perturbations of one parent. The best of them replaces
    /// the parent unless it is worse.
    CartesianGenetic {
        /// Lambda: number of trials in a generation.
        offspring: usize,
        /// Probability that an element of the parent is redrawn.
        probability: f64,
    },
    /// Tabular Q-learning: a table of the values of all choices, explored less and less.
    QLearning {
        /// Planned number of trials, over which exploration falls from 1 to 0.1.
        trials: usize,
        /// Fraction of the way to a reward by which a value moves.
        learning_rate: f64,
        /// Number of earlier trials that are learned from again after each trial.
        replays: usize,
    },
    /// Policy gradient: each trial moves the probabilities of all choices by how much better than usual it was.
    Reinforce {
        /// Factor on the gradient.
        learning_rate: f64,
        /// Weight of the past in the moving average of rewards, 0 to 1. Each trial is compared with this average.
        decay: f64,
    },
}

/// A proposed architecture that was trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The architecture, one of the space.
    pub architecture: Architecture,
    /// Validation error, 0 to 1; `None` if training failed. No method learns anything from a failed trial.
    pub reward_error: Option<f64>,
}

/// The use of random numbers in a trial.
#[derive(Clone, Copy)]
enum Purpose {
    /// Everything that the method draws. For learners these are the banks, which they do not choose.
    Draws,
    /// Choices of learners.
    Choices,
    /// Earlier trials to learn from again.
    Replays,
}

impl SearchMethod {
    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// The first setting that makes no sense, with the expected value.
    pub fn validate(&self) -> Result<(), MethodError> {
        let positive = |setting, value: usize| match value {
            0 => Err(MethodError { setting, expected: "at least 1, got 0".into() }),
            _ => Ok(()),
        };
        let probability = |value: f64| match value {
            value if value > 0.0 && value <= 1.0 => Ok(()),
            value => {
                Err(MethodError { setting: "probability", expected: format!("above 0 and at most 1, got {value}") })
            }
        };
        let rate = |largest: f64, value: f64| match value {
            value if value > 0.0 && value <= largest => Ok(()),
            value => Err(MethodError {
                setting: "learning-rate",
                expected: format!("above 0 and at most {largest}, got {value}"),
            }),
        };
        match *self {
            Self::Random {} => Ok(()),
            Self::RegularisedEvolution { population, tournament, probability: redrawn } => {
                positive("population", population).and(positive("tournament", tournament)).and(probability(redrawn))
            }
            Self::CartesianGenetic { offspring, probability: redrawn } => {
                positive("offspring", offspring).and(probability(redrawn))
            }
            Self::QLearning { trials, learning_rate, .. } => positive("trials", trials).and(rate(1.0, learning_rate)),
            Self::Reinforce { learning_rate, decay } => rate(f64::MAX, learning_rate).and(match decay {
                decay if (0.0..1.0).contains(&decay) => Ok(()),
                decay => {
                    Err(MethodError { setting: "decay", expected: format!("at least 0 and below 1, got {decay}") })
                }
            }),
        }
    }

    /// The generator for one purpose of one trial of this method.
    fn rng(&self, seed: Seed, trial: usize, purpose: Purpose) -> ChaCha8Rng {
        let method = match self {
            Self::Random {} => 0,
            Self::RegularisedEvolution { .. } => 1,
            Self::CartesianGenetic { .. } => 2,
            Self::QLearning { .. } => 3,
            Self::Reinforce { .. } => 4,
        };
        seed.rng(Stream::Rival, &[method, trial as u64, purpose as u64])
    }
}

/// The architecture that a method trains after some trials.
///
/// A method recomputes everything it knows from its trials, so an interrupted search goes on as if nothing had
/// happened. Each proposal is valid in the space if all trials are.
pub fn propose(method: &SearchMethod, space: &SearchSpace, seed: Seed, trials: &[Trial]) -> Architecture {
    let mut rng = method.rng(seed, trials.len(), Purpose::Draws);
    match *method {
        SearchMethod::Random {} => sample(space, Limits::of(space), &mut rng),
        SearchMethod::RegularisedEvolution { population, tournament, probability } => {
            evolution::regularised(space, [population, tournament], probability, trials, &mut rng)
        }
        SearchMethod::CartesianGenetic { offspring, probability } => {
            evolution::cartesian(space, offspring, probability, trials, &mut rng)
        }
        SearchMethod::QLearning { trials: planned, learning_rate, replays } => {
            let replay_rng = |trial| method.rng(seed, trial, Purpose::Replays);
            let values = learners::values(space, trials, learning_rate, replays, replay_rng);
            let exploration = learners::exploration(trials.len(), planned);
            let mut choices = method.rng(seed, trials.len(), Purpose::Choices);
            choices::build(space, &mut rng, &mut |decision| {
                learners::explore_or_exploit(&values, exploration, decision, &mut choices)
            })
        }
        SearchMethod::Reinforce { learning_rate, decay } => {
            let policy = learners::policy(space, trials, learning_rate, decay);
            let mut choices = method.rng(seed, trials.len(), Purpose::Choices);
            choices::build(space, &mut rng, &mut |decision| policy.draw(decision, &mut choices))
        }
    }
}
