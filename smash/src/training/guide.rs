//! Guides of the sampling: while a SMASH network trains, they favour architectures with high rewards (paper, appendix D).
//!
//! The paper proposes Bayesian optimisation or HyperBand to trade architectures that perform well against those that are
//! rarely sampled, and a policy gradient. It gives no formula, so the formulas here are our choice, and simple ones. Every
//! guide chooses among draws of the paper's distribution.
//!
//! - The **reward** of an architecture with loss l is r = (m - l) / s, cut to [-3, 3]. The loss is that of its training
//!   batch, with the weights just generated, before the step. m and s² are the running mean and variance of the losses
//!   before, over about 100 of them. A reward needs no further pass, and no validation or test image.
//! - The **vector** x of an architecture has a 1 and its [`features`], each less its mean and divided by its standard
//!   deviation over 256 draws of the paper's distribution.
//! - **Bandit** (LinUCB, ridge regression). Of 8 draws it takes the one with the largest upper bound
//!   θ·x + sqrt(x·A⁻¹x). A = I + Σ x xᵀ and b = Σ r x are sums over the trained architectures, and θ = A⁻¹b. The root is
//!   large for architectures unlike the trained ones.
//! - **Successive halving** (the core of HyperBand). A pool has 16 draws, trained in turn. The worse half by sum of
//!   rewards leaves after each 16 turns. After the turns of the last two, the pool is drawn anew. Its draws have
//!   1, 3, 7 or 15 turns.
//! - **Policy gradient** (REINFORCE with a baseline). Of 8 draws it takes number i with the probability
//!   π(i) ∝ exp(θ·x(i)), which tends to the distribution p(architecture) exp(θ·x) as draws grow in number. θ starts at 0,
//!   where the policy is the paper's distribution. Then θ moves by 0.001 r (x(i) - Σ π(j) x(j)). The mean m in the reward
//!   is the baseline.

use rand_chacha::ChaCha8Rng;
use smash_space::architecture::Architecture;
use smash_space::features::{FEATURES, features};
use smash_space::random::{Seed, Stream};
use smash_space::sampling::{Limits, Sampling, sample, weighted};
use smash_space::space::SearchSpace;

use crate::error::CheckpointError;
use crate::training::evaluation::{bits_of, float_of};

/// Draws from which bandit and policy choose.
const CANDIDATES: usize = 8;
/// Draws of a new pool, and turns before its worse half leaves.
const POOL: usize = 16;
/// Turns of a pool: 16 each for 16, 8, 4 and 2 architectures.
const POOL_TURNS: usize = 4 * POOL;
/// Step size of the policy gradient.
const POLICY_RATE: f64 = 1e-3;
/// Number of last losses over which mean and variance run.
const WINDOW: usize = 100;
/// Largest size of a reward.
const MOST_REWARD: f64 = 3.0;
/// Draws that give mean and standard deviation of each feature.
const SCALE_DRAWS: u64 = 256;
/// Length of the vector of an architecture.
const LENGTH: usize = FEATURES + 1;

/// Everything on which the next choice depends.
#[derive(Clone, Debug, PartialEq)]
pub struct Guide {
    losses: Losses,
    learned: Learned,
}

/// The losses so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Losses {
    count: usize,
    mean: f64,
    variance: f64,
}

/// What a guide has learned from the rewards so far.
#[derive(Clone, Debug, PartialEq)]
enum Learned {
    /// A⁻¹ `[vector, vector]`, row by row, and b `[vector]`.
    Bandit { inverse: Vec<f64>, rewarded: Vec<f64> },
    /// The number of each remaining draw of the pool, and the sum of its rewards.
    Pool(Vec<(usize, f64)>),
    /// θ `[vector]`.
    Policy(Vec<f64>),
}

/// How an architecture was chosen.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The vectors of all candidates, if the guide reads them.
    candidates: Vec<Vec<f64>>,
    /// Its place among the candidates, or in the pool.
    place: usize,
}

/// Mean and standard deviation of each feature.
#[derive(Clone, Debug)]
pub struct Scale {
    features: Vec<[f64; 2]>,
}

impl Scale {
    /// The scale of a space, from draws within its full limits.
    pub fn of(space: &SearchSpace, seed: Seed) -> Self {
        let draw = |index| {
            let architecture = sample(space, Limits::of(space), &mut seed.rng(Stream::GuideFeatures, &[index]));
            features(&architecture).into_iter().map(|(_, value)| value).collect::<Vec<f64>>()
        };
        let draws: Vec<Vec<f64>> = (0..SCALE_DRAWS).map(draw).collect();
        let of_feature = |index: usize| {
            let mean_of = |value: &dyn Fn(f64) -> f64| {
                draws.iter().map(|draw| value(draw[index])).sum::<f64>() / draws.len() as f64
            };
            let mean = mean_of(&|value| value);
            [mean, mean_of(&|value| (value - mean).powi(2)).sqrt()]
        };
        Self { features: (0..FEATURES).map(of_feature).collect() }
    }

    /// The vector of an architecture. A feature that never varies gives 0.
    fn vector(&self, architecture: &Architecture) -> Vec<f64> {
        let scaled = features(architecture)
            .into_iter()
            .zip(&self.features)
            .map(|((_, value), &[mean, deviation])| if deviation > 0.0 { (value - mean) / deviation } else { 0.0 });
        std::iter::once(1.0).chain(scaled).collect()
    }
}

impl Losses {
    /// The reward of a loss, which then counts among the losses so far. The first two losses have the reward 0.
    fn reward(&mut self, loss: f64) -> f64 {
        let distance = self.mean - loss;
        let reward = match self.variance.sqrt() {
            deviation if deviation > 0.0 => (distance / deviation).clamp(-MOST_REWARD, MOST_REWARD),
            _ => 0.0,
        };
        self.count += 1;
        if self.count == 1 {
            self.mean = loss;
        } else {
            let share = 1.0 / self.count.min(WINDOW) as f64;
            self.mean -= share * distance;
            self.variance += share * (distance * distance - self.variance);
        }
        reward
    }
}

impl Guide {
    /// The guide of a sampling before the first reward, if the sampling has one.
    pub fn new(sampling: Sampling) -> Option<Self> {
        let learned = match sampling {
            Sampling::Paper | Sampling::SizeBalanced => return None,
            Sampling::Bandit => {
                let identity = |cell| if cell % (LENGTH + 1) == 0 { 1.0 } else { 0.0 };
                let inverse = (0..LENGTH * LENGTH).map(identity).collect();
                Learned::Bandit { inverse, rewarded: vec![0.0; LENGTH] }
            }
            Sampling::SuccessiveHalving => Learned::Pool(new_pool()),
            Sampling::PolicyGradient => Learned::Policy(vec![0.0; LENGTH]),
        };
        Some(Self { losses: Losses::default(), learned })
    }

    /// Chooses the next architecture, from which [`Self::learn`] learns next. A turn trains one architecture, and turns
    /// count from 0. `draw` takes the number of a turn, and draws by the paper's distribution within the limits of that
    /// turn. `rng` is the stream of this turn.
    pub fn choose(
        &self,
        scale: &Scale,
        seed: Seed,
        mut rng: ChaCha8Rng,
        draw: impl Fn(usize, &mut ChaCha8Rng) -> Architecture,
    ) -> (Architecture, Choice) {
        let turn = self.losses.count;
        if let Learned::Pool(pool) = &self.learned {
            let (number, place) = (turn / POOL_TURNS, turn % POOL % pool.len());
            let mut rng = seed.rng(Stream::GuidePool, &[number as u64, pool[place].0 as u64]);
            return (draw(number * POOL_TURNS, &mut rng), Choice { candidates: Vec::new(), place });
        }
        let mut architectures: Vec<Architecture> = (0..CANDIDATES).map(|_| draw(turn, &mut rng)).collect();
        let candidates: Vec<Vec<f64>> = architectures.iter().map(|architecture| scale.vector(architecture)).collect();
        let place = match &self.learned {
            Learned::Bandit { inverse, rewarded } => best(inverse, rewarded, &candidates),
            Learned::Policy(weights) => weighted(policy(weights, &candidates), &mut rng),
            Learned::Pool(_) => unreachable!("chosen above"),
        };
        (architectures.swap_remove(place), Choice { candidates, place })
    }

    /// Learns from the finite loss of the architecture that was chosen last.
    pub fn learn(&mut self, choice: &Choice, loss: f64) {
        let reward = self.losses.reward(loss);
        match &mut self.learned {
            Learned::Bandit { inverse, rewarded } => {
                add_to_bandit(inverse, rewarded, &choice.candidates[choice.place], reward);
            }
            Learned::Pool(pool) => {
                pool[choice.place].1 += reward;
                if self.losses.count.is_multiple_of(POOL_TURNS) {
                    *pool = new_pool();
                } else if self.losses.count.is_multiple_of(POOL) {
                    halve(pool);
                }
            }
            Learned::Policy(weights) => move_policy(weights, &choice.candidates, choice.place, reward),
        }
    }

    /// Whether it guides this sampling and has learned from this number of architectures.
    pub fn fits(&self, sampling: Sampling, count: usize) -> bool {
        let is_of_sampling = match &self.learned {
            Learned::Bandit { .. } => sampling == Sampling::Bandit,
            Learned::Pool(pool) => {
                sampling == Sampling::SuccessiveHalving && pool.len() == POOL >> (count % POOL_TURNS / POOL)
            }
            Learned::Policy(_) => sampling == Sampling::PolicyGradient,
        };
        is_of_sampling && self.losses.count == count
    }

    /// Text of a checkpoint: the kind, then all numbers as the bits of their floating-point values.
    pub fn text(&self) -> String {
        let Losses { count, mean, variance } = self.losses;
        let (kind, learned) = match &self.learned {
            Learned::Bandit { inverse, rewarded } => ("bandit", [inverse.as_slice(), rewarded].concat()),
            Learned::Pool(pool) => ("pool", pool.iter().flat_map(|&(number, sum)| [number as f64, sum]).collect()),
            Learned::Policy(weights) => ("policy", weights.clone()),
        };
        let numbers = [count as f64, mean, variance].into_iter().chain(learned);
        std::iter::once(kind.to_owned()).chain(numbers.map(bits_of)).collect::<Vec<_>>().join(" ")
    }

    /// Reads the text that [`Self::text`] wrote.
    ///
    /// # Errors
    /// Another text.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let guide = || {
            let (kind, numbers) = text.split_once(' ')?;
            let numbers: Vec<f64> = numbers.split(' ').map(float_of).collect::<Option<_>>()?;
            let (&[count, mean, variance], learned) = numbers.split_first_chunk()?;
            let learned = match kind {
                "bandit" if learned.len() == LENGTH * (LENGTH + 1) => {
                    let (inverse, rewarded) = learned.split_at(LENGTH * LENGTH);
                    Learned::Bandit { inverse: inverse.to_vec(), rewarded: rewarded.to_vec() }
                }
                "pool" if !learned.is_empty() => {
                    let (pairs, []) = learned.as_chunks() else { return None };
                    Learned::Pool(pairs.iter().map(|&[number, sum]| (number as usize, sum)).collect())
                }
                "policy" if learned.len() == LENGTH => Learned::Policy(learned.to_vec()),
                _ => return None,
            };
            Some(Self { losses: Losses { count: count as usize, mean, variance }, learned })
        };
        guide().ok_or_else(|| CheckpointError::Format { reason: format!("`{text}` is not the state of a guide") })
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The product of a square matrix, row by row, and a vector.
fn product(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks(vector.len()).map(|row| dot(row, vector)).collect()
}

/// The place of the candidate with the largest upper bound θ·x + sqrt(x·A⁻¹x).
fn best(inverse: &[f64], rewarded: &[f64], candidates: &[Vec<f64>]) -> usize {
    let theta = product(inverse, rewarded);
    let bound = |x: &Vec<f64>| dot(&theta, x) + dot(x, &product(inverse, x)).max(0.0).sqrt();
    let bounds = candidates.iter().map(bound).enumerate();
    bounds.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are candidates").0
}

/// Adds x xᵀ to A and r x to b. A⁻¹ changes by A⁻¹x (A⁻¹x)ᵀ / (1 + x·A⁻¹x) (Sherman and Morrison).
fn add_to_bandit(inverse: &mut [f64], rewarded: &mut [f64], x: &[f64], reward: f64) {
    let moved = product(inverse, x);
    let divisor = 1.0 + dot(x, &moved);
    for (row, row_moved) in inverse.chunks_mut(x.len()).zip(&moved) {
        row.iter_mut().zip(&moved).for_each(|(cell, column_moved)| *cell -= row_moved * column_moved / divisor);
    }
    rewarded.iter_mut().zip(x).for_each(|(sum, x)| *sum += reward * x);
}

fn new_pool() -> Vec<(usize, f64)> {
    (0..POOL).map(|number| (number, 0.0)).collect()
}

/// Keeps the half with the larger sums of rewards, in the order of their numbers.
fn halve(pool: &mut Vec<(usize, f64)>) {
    pool.sort_by(|a, b| b.1.total_cmp(&a.1));
    pool.truncate(pool.len() / 2);
    pool.sort_by_key(|&(number, _)| number);
}

/// The probability of each candidate.
fn policy(weights: &[f64], candidates: &[Vec<f64>]) -> Vec<f64> {
    let logits: Vec<f64> = candidates.iter().map(|x| dot(weights, x)).collect();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let tilts: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = tilts.iter().sum();
    tilts.iter().map(|tilt| tilt / sum).collect()
}

/// Moves θ along the gradient of the log-probability of the chosen candidate, times the reward.
fn move_policy(weights: &mut [f64], candidates: &[Vec<f64>], place: usize, reward: f64) {
    let probabilities = policy(weights, candidates);
    for (index, weight) in weights.iter_mut().enumerate() {
        let mean: f64 = candidates.iter().zip(&probabilities).map(|(x, probability)| probability * x[index]).sum();
        *weight += POLICY_RATE * reward * (candidates[place][index] - mean);
    }
}

#[cfg(test)]
mod tests;
