//! The search of the paper's appendix C: random architectures, perturbations of the best, then a simple Markov chain.

pub mod rivals;

use serde::{Deserialize, Serialize};
use smash_space::architecture::Architecture;
use smash_space::random::{Seed, Stream};
use smash_space::sampling::{Limits, perturb, sample};
use smash_space::space::SearchSpace;

/// Sizes of the stages, and the probability of a perturbation. The default is the paper's 500, 100 and 100 at 5 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SearchPlan {
    /// Random architectures.
    pub random: usize,
    /// Perturbations of the best random one.
    pub perturbations: usize,
    /// Steps of the chain, which starts at the best so far and moves only to strictly better scores.
    pub chain: usize,
    /// Probability that an element of an architecture is redrawn by a perturbation.
    pub probability: f64,
}

impl Default for SearchPlan {
    fn default() -> Self {
        Self { random: 500, perturbations: 100, chain: 100, probability: 0.05 }
    }
}

/// The stage in which the search met an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Sampled from the whole space.
    Random,
    /// Perturbed from the best random one.
    Perturbation,
    /// Perturbed from the chain's state.
    Chain,
}

impl Stage {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Perturbation => "perturbation",
            Self::Chain => "chain",
        }
    }
}

/// An architecture that the search scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The stage in which it was met.
    pub stage: Stage,
    /// The architecture.
    pub architecture: Architecture,
    /// Its score; lower is better.
    pub score: f64,
}

/// Runs the search with any scorer, which also receives the stage. It returns all candidates in the order in which they
/// were met.
///
/// # Errors
/// The first error of the scorer.
pub fn search<E>(
    space: &SearchSpace,
    plan: &SearchPlan,
    seed: Seed,
    mut score: impl FnMut(Stage, &Architecture) -> Result<f64, E>,
) -> Result<Vec<Candidate>, E> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut add = |candidates: &mut Vec<Candidate>, stage, architecture: Architecture| -> Result<(), E> {
        let score = score(stage, &architecture)?;
        candidates.push(Candidate { stage, architecture, score });
        Ok(())
    };
    for index in 0..plan.random {
        let mut rng = seed.rng(Stream::ScoredArchitecture, &[index as u64]);
        add(&mut candidates, Stage::Random, sample(space, Limits::of(space), &mut rng))?;
    }
    let perturbed = |base: &Candidate, index: usize| {
        perturb(space, &base.architecture, plan.probability, &mut seed.rng(Stream::Perturbation, &[index as u64]))
    };
    let Some(base) = best(&candidates).cloned() else {
        return Ok(candidates);
    };
    for index in 0..plan.perturbations {
        add(&mut candidates, Stage::Perturbation, perturbed(&base, index))?;
    }
    for index in plan.perturbations..plan.perturbations + plan.chain {
        // The chain's state is the best candidate so far. The chain starts there, and only strictly better scores
        // replace the state.
        let state = best(&candidates).expect("at least one candidate").clone();
        add(&mut candidates, Stage::Chain, perturbed(&state, index))?;
    }
    Ok(candidates)
}

/// The first candidate with the lowest score.
pub fn best(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates.iter().min_by(|a, b| a.score.total_cmp(&b.score))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_only_moves_to_better_scores_and_starts_at_the_best() {
        let space = SearchSpace::smash_v1(4, 2);
        let plan = SearchPlan { random: 20, perturbations: 10, chain: 30, probability: 0.05 };
        let count = |_: Stage, architecture: &Architecture| Ok::<_, ()>(architecture.op_count() as f64);
        let candidates = search(&space, &plan, Seed(3), count).unwrap();
        assert_eq!(candidates.len(), 60);
        // A perturbation keeps the number of ops, so all stages after the first stay at the best random score.
        let lowest = best(&candidates[..20]).unwrap().score;
        assert!(candidates[20..].iter().all(|candidate| candidate.score == lowest));
        assert_eq!(search(&space, &plan, Seed(3), count).unwrap(), candidates);
    }
}
