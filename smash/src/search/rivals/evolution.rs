//! Methods that perturb the best trial: regularised evolution, and a (1 + lambda) strategy with neutral drift.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use smash_space::architecture::Architecture;
use smash_space::sampling::{Limits, perturb, sample};
use smash_space::space::SearchSpace;

use super::Trial;

/// Largest number of perturbations drawn to find one that changes anything. Training the parent again would reveal
/// nothing.
const ATTEMPTS: usize = 100;

/// Regularised evolution (Real et al. 2018): age decides which trial dies, and a tournament which one has a child.
///
/// A mutation is a perturbation as in SMASH's own search. The original has two kinds of mutation, which change one
/// element.
pub fn regularised(
    space: &SearchSpace,
    [population, tournament]: [usize; 2],
    probability: f64,
    trials: &[Trial],
    rng: &mut ChaCha8Rng,
) -> Architecture {
    let Some(first_alive) = trials.len().checked_sub(population) else {
        return sample(space, Limits::of(space), rng);
    };
    let alive = &trials[first_alive..];
    let contestants: Vec<&Trial> = (0..tournament).map(|_| &alive[rng.random_range(0..alive.len())]).collect();
    match fittest(contestants) {
        Some((parent, _)) => mutated(space, &parent.architecture, probability, rng),
        None => sample(space, Limits::of(space), rng),
    }
}

/// The (1 + lambda) strategy of Cartesian genetic programming (Suganuma et al. 2017).
///
/// In the original, nodes that no output depends on mutate freely between generations. Here every op takes part. So
/// drift is neutral only among equal errors.
pub fn cartesian(
    space: &SearchSpace,
    offspring: usize,
    probability: f64,
    trials: &[Trial],
    rng: &mut ChaCha8Rng,
) -> Architecture {
    // Random until the first training that succeeds.
    let first = trials.iter().position(|trial| trial.reward_error.is_some());
    let Some((first, later)) = first.and_then(|index| trials[index..].split_first()) else {
        return sample(space, Limits::of(space), rng);
    };
    let mut parent = (first, first.reward_error.expect("it did not fail"));
    for generation in later.chunks_exact(offspring) {
        match fittest(generation) {
            Some(best) if best.1 <= parent.1 => parent = best,
            _ => {}
        }
    }
    mutated(space, &parent.0.architecture, probability, rng)
}

/// The first of the trials with the lowest error, and that error; `None` if all failed.
fn fittest<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Option<(&'a Trial, f64)> {
    let trained = trials.into_iter().filter_map(|trial| Some((trial, trial.reward_error?)));
    trained.min_by(|a, b| a.1.total_cmp(&b.1))
}

fn mutated(space: &SearchSpace, parent: &Architecture, probability: f64, rng: &mut ChaCha8Rng) -> Architecture {
    let mut child = perturb(space, parent, probability, rng);
    for _ in 1..ATTEMPTS {
        if child != *parent {
            break;
        }
        child = perturb(space, parent, probability, rng);
    }
    child
}
