//! Methods that learn which choices are good: Q-learning and REINFORCE.
//!
//! A trial's reward is its accuracy, 1 - error. Failed trials have no reward and teach nothing.

use std::collections::HashMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use smash_space::sampling::weighted;
use smash_space::space::SearchSpace;

use super::Trial;
use super::choices::{Decision, State, decisions};

/// A choice: an option in a state.
type Choice = (State, usize);

/// Number of trials of MetaQNN. The first [`META_QNN_EXPLORING`] of them only explored (Baker et al. 2017, table 1).
const META_QNN_TRIALS: f64 = 2700.0;
const META_QNN_EXPLORING: f64 = 1500.0;

/// Probability of exploring at a trial: MetaQNN's steps from 1 down to 0.1, scaled to the planned number of trials.
pub fn exploration(trial: usize, planned: usize) -> f64 {
    let scaled = trial as f64 * META_QNN_TRIALS / planned as f64 - META_QNN_EXPLORING;
    match scaled {
        scaled if scaled < 0.0 => 1.0,
        // 0.9, 0.8 and 0.7 for 100 trials each, then each step for 150.
        scaled if scaled < 300.0 => 0.9 - 0.1 * (scaled / 100.0).floor(),
        scaled => (0.6 - 0.1 * ((scaled - 300.0) / 150.0).floor()).max(0.1),
    }
}

/// The value of each choice that a trial made, learned from the trials in order. Replays of the trials so far follow
/// each trial.
///
/// MetaQNN moves the value of a step towards the best value of the next step. The effect of a step is then lost if the
/// next state does not show it. A state here shows only the previous choice. So the values of all choices move towards
/// the reward of the trial itself. A value starts at its first such reward.
pub fn values(
    space: &SearchSpace,
    trials: &[Trial],
    learning_rate: f64,
    replays: usize,
    replay_rng: impl Fn(usize) -> ChaCha8Rng,
) -> HashMap<Choice, f64> {
    let mut values = HashMap::new();
    let mut memory: Vec<(Vec<Choice>, f64)> = Vec::new();
    for (index, trial) in trials.iter().enumerate() {
        let Some(error) = trial.reward_error else { continue };
        let made = decisions(space, &trial.architecture).into_iter();
        let choices = made.map(|(decision, answer)| (decision.state, answer)).collect();
        memory.push((choices, 1.0 - error));
        let mut rng = replay_rng(index);
        let replayed = (0..replays).map(|_| rng.random_range(0..memory.len()));
        for place in std::iter::once(memory.len() - 1).chain(replayed) {
            let (choices, reward) = &memory[place];
            for choice in choices {
                let value = values.entry(*choice).or_insert(*reward);
                *value += learning_rate * (reward - *value);
            }
        }
    }
    values
}

/// With the probability `exploration`, an option as sampling would draw it. Otherwise the option with the highest
/// value.
pub fn explore_or_exploit(
    values: &HashMap<Choice, f64>,
    exploration: f64,
    decision: &Decision,
    rng: &mut ChaCha8Rng,
) -> usize {
    let value = |&(option, _): &(usize, f64)| Some((option, *values.get(&(decision.state, option))?));
    let best = decision.options.iter().filter_map(value).max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((option, _)) if !rng.random_bool(exploration) => option,
        _ => {
            let weights = decision.options.iter().map(|(_, weight)| *weight);
            decision.options[weighted(weights.collect(), rng)].0
        }
    }
}

/// A probability for each option: proportional to the weight that sampling gives it, times the exponential of its logit.
///
/// Neural Architecture Search makes its choices with a recurrent network, and each choice knows all earlier ones. Here
/// each choice knows its [`State`] and has its own logits. A few hundred trials would not train such a network.
#[derive(Debug, Default)]
pub struct Policy {
    /// The logits of choices; 0 where there is none.
    logits: HashMap<Choice, f64>,
}

impl Policy {
    /// Weights of the options, in their order, that sum to 1.
    fn probabilities(&self, decision: &Decision) -> Vec<f64> {
        let logit = |option| self.logits.get(&(decision.state, option)).copied().unwrap_or(0.0);
        let largest = decision.options.iter().map(|&(option, _)| logit(option)).fold(f64::MIN, f64::max);
        let weight = |&(option, weight): &(usize, f64)| weight * (logit(option) - largest).exp();
        let weights: Vec<f64> = decision.options.iter().map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    /// Draws one of the options.
    pub fn draw(&self, decision: &Decision, rng: &mut ChaCha8Rng) -> usize {
        decision.options[weighted(self.probabilities(decision), rng)].0
    }
}

/// The policy after some trials (REINFORCE, Williams 1992, as in Zoph and Le 2017). Each trial makes a step along the
/// gradient of the log-probability of its choices. The step is multiplied by how far the trial's reward is above the
/// moving average of the rewards before.
pub fn policy(space: &SearchSpace, trials: &[Trial], learning_rate: f64, decay: f64) -> Policy {
    let mut policy = Policy::default();
    let mut usual = None;
    for trial in trials {
        let Some(error) = trial.reward_error else { continue };
        let reward = 1.0 - error;
        let step = learning_rate * (reward - usual.unwrap_or(reward));
        usual = Some(usual.map_or(reward, |usual| decay * usual + (1.0 - decay) * reward));
        let mut moves: HashMap<Choice, f64> = HashMap::new();
        for (decision, answer) in decisions(space, &trial.architecture) {
            let probabilities = policy.probabilities(&decision);
            for (&(option, _), probability) in decision.options.iter().zip(probabilities) {
                let chosen = if option == answer { 1.0 } else { 0.0 };
                *moves.entry((decision.state, option)).or_default() += step * (chosen - probability);
            }
        }
        for (choice, change) in moves {
            *policy.logits.entry(choice).or_default() += change;
        }
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exploration_falls_as_in_meta_qnn() {
        let at = |trial| (exploration(trial, 2700) * 10.0).round() as usize;
        assert_eq!([0, 1499, 1500, 1600, 1700, 1800, 1949, 1950].map(at), [10, 10, 9, 8, 7, 6, 6, 5]);
        assert_eq!([2550, 2699, 2700, 9999].map(at), [1, 1, 1, 1]);
        // Scaled to fewer trials.
        assert_eq!([0, 54, 56, 99].map(|trial| (exploration(trial, 100) * 10.0).round()), [10.0, 10.0, 9.0, 1.0]);
    }
}
