//! Searches that stop bad trainings early: successive halving and Hyperband (Li et al. 2017, the paper's reference 21).

use rand_chacha::ChaCha8Rng;

use super::ordered::{by_value, random_order};
use super::table::Training;
use super::trace::Trace;

/// One of three trainings of a rung goes on to the next. Hyperband's authors use this value.
const ETA: usize = 3;

/// Trainings that start together, and of which fewer and fewer go on.
#[derive(Clone, Debug, PartialEq)]
struct Bracket {
    /// Number of trainings that start.
    size: usize,
    /// Numbers of epochs after which the best are chosen, ascending; the last is the whole training.
    rungs: Vec<usize>,
}

/// The brackets of Hyperband for trainings of this many epochs, the one with the most trainings first.
fn brackets(epochs: usize) -> Vec<Bracket> {
    let power = |exponent: usize| ETA.pow(exponent as u32);
    let mut halvings = 0;
    while power(halvings + 1) <= epochs {
        halvings += 1;
    }
    let bracket = |own: usize| Bracket {
        size: ((halvings + 1) * power(own)).div_ceil(own + 1),
        rungs: (0..=own).rev().map(|left| epochs / power(left)).collect(),
    };
    (0..=halvings).rev().map(bracket).collect()
}

/// Successive halving: the bracket with the most trainings, again and again with further architectures.
pub(crate) fn successive_halving(trainings: &[&Training], epochs: usize, rng: &mut ChaCha8Rng) -> Trace {
    repeat(trainings, &brackets(epochs)[..1], rng)
}

/// Hyperband: all brackets in turn, again and again with further architectures.
pub(crate) fn hyperband(trainings: &[&Training], epochs: usize, rng: &mut ChaCha8Rng) -> Trace {
    repeat(trainings, &brackets(epochs), rng)
}

/// Runs brackets in turn until every architecture has started.
fn repeat(trainings: &[&Training], brackets: &[Bracket], rng: &mut ChaCha8Rng) -> Trace {
    let mut trace = Trace::new(0.0);
    let order = random_order(trainings.len(), rng);
    let mut left = &order[..];
    for bracket in brackets.iter().cycle() {
        if left.is_empty() {
            break;
        }
        let (entrants, rest) = left.split_at(bracket.size.min(left.len()));
        run(bracket, entrants.to_vec(), trainings, &mut trace);
        left = rest;
    }
    trace
}

fn run(bracket: &Bracket, mut alive: Vec<usize>, trainings: &[&Training], trace: &mut Trace) {
    let mut done = 0;
    for &until in &bracket.rungs {
        for &index in &alive {
            trace.train_epochs(trainings[index], done, until);
        }
        let error = |index: usize| trainings[index].validation[until - 1];
        alive.sort_by(|&a, &b| by_value(error(a), error(b)));
        alive.truncate((alive.len() / ETA).max(1));
        done = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_those_of_hyperband() {
        let all = |epochs| -> Vec<(usize, Vec<usize>)> {
            brackets(epochs).into_iter().map(|bracket| (bracket.size, bracket.rungs)).collect()
        };
        // The table of Hyperband's authors for at most 81 epochs.
        let expected: [(usize, &[usize]); 5] =
            [(81, &[1, 3, 9, 27, 81]), (34, &[3, 9, 27, 81]), (15, &[9, 27, 81]), (8, &[27, 81]), (5, &[81])];
        assert_eq!(all(81), expected.map(|(size, rungs)| (size, rungs.to_vec())));
        assert_eq!(all(3), [(3, vec![1, 3]), (2, vec![3])]);
        assert_eq!(all(2), [(1, vec![2])]);
    }
}
