//! Fronts of two objectives, error and cost: the candidates that no other one equals or beats in both (Pareto).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::sample::mean;

/// Random subsets behind the mean of [`Shares::random`].
const SUBSETS: usize = 20;

/// Seed of these subsets, so that equal candidates give equal means.
const SUBSET_SEED: u64 = 0x6672_6f6e; // "fron"

/// A candidate of a search for both objectives. Lower is better in all three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The predictor of its error.
    pub predicted: f64,
    /// Its true error.
    pub error: f64,
    /// Its cost, which is known.
    pub cost: f64,
}

/// The front by an estimate of the error, from candidates by rising cost.
pub fn front(candidates: &[Candidate], estimate: impl Fn(&Candidate) -> f64) -> Vec<Candidate> {
    let mut front: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if front.last().is_none_or(|last| estimate(candidate) < estimate(last)) {
            if front.last().is_some_and(|last| last.cost == candidate.cost) {
                front.pop();
            }
            front.push(*candidate);
        }
    }
    front
}

/// The hypervolume of some candidates: the area of all errors and costs that one of them beats, up to the worst error and
/// cost of all candidates. Both lists are by rising cost.
fn hypervolume(some: &[Candidate], all: &[Candidate]) -> f64 {
    let worst = |value: fn(&Candidate) -> f64| all.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
    let (mut error, cost) = (worst(|candidate| candidate.error), worst(|candidate| candidate.cost));
    let mut area = 0.0;
    for candidate in some {
        if candidate.error < error {
            area += (cost - candidate.cost) * (error - candidate.error);
            error = candidate.error;
        }
    }
    area
}

/// Shares of the true hypervolume of all candidates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares {
    /// That of the front by predicted error.
    pub front: f64,
    /// The mean of random subsets that are as large as this front.
    pub random: f64,
}

/// The shares of some candidates; `None` if the hypervolume of all is 0.
pub(crate) fn shares(all: &[Candidate]) -> Option<Shares> {
    let of_all = hypervolume(all, all);
    if of_all <= 0.0 {
        return None;
    }
    let front = front(all, |candidate| candidate.predicted);
    let size = front.len();
    let mut rng = ChaCha8Rng::seed_from_u64(SUBSET_SEED);
    let mut order: Vec<usize> = (0..all.len()).collect();
    let mut of_subset = || {
        for place in 0..size {
            let drawn = rng.random_range(place..order.len());
            order.swap(place, drawn);
        }
        let mut drawn = order[..size].to_vec();
        drawn.sort_unstable();
        hypervolume(&drawn.into_iter().map(|index| all[index]).collect::<Vec<_>>(), all) / of_all
    };
    let random: Vec<f64> = (0..SUBSETS).map(|_| of_subset()).collect();
    Some(Shares { front: hypervolume(&front, all) / of_all, random: mean(&random) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(rows: &[[f64; 3]]) -> Vec<Candidate> {
        rows.iter().map(|&[cost, error, predicted]| Candidate { predicted, error, cost }).collect()
    }

    #[test]
    fn a_front_has_the_candidates_that_none_equals_or_beats() {
        let all = candidates(&[[1.0, 0.9, 0.5], [1.0, 0.8, 0.4], [2.0, 0.8, 0.6], [3.0, 0.2, 0.1], [4.0, 0.1, 0.1]]);
        let costs = |front: Vec<Candidate>| front.iter().map(|candidate| candidate.cost).collect::<Vec<_>>();
        assert_eq!(front(&all, |candidate| candidate.error)[0].error, 0.8);
        assert_eq!(costs(front(&all, |candidate| candidate.error)), [1.0, 3.0, 4.0]);
        assert_eq!(costs(front(&all, |candidate| candidate.predicted)), [1.0, 3.0]);
    }

    #[test]
    fn a_hypervolume_is_the_area_below_the_worst() {
        let all = candidates(&[[1.0, 0.5, 0.0], [2.0, 0.25, 0.0], [3.0, 1.0, 0.0]]);
        // The first beats an area of 2 by 0.5, the second a further one of 1 by 0.25.
        assert_eq!(hypervolume(&all, &all), 1.25);
        assert_eq!(hypervolume(&all[..1], &all), 1.0);
        assert_eq!(hypervolume(&all[2..], &all), 0.0);
        assert_eq!(hypervolume(&all[1..2], &all), 0.75);
        assert_eq!(shares(&all[..1]), None);
    }

    #[test]
    fn a_perfect_predictor_finds_all_and_more_than_chance() {
        let rows: Vec<[f64; 3]> = (0..40)
            .map(|index| {
                let error = ((7 * index + 20) % 40) as f64;
                [index as f64, error, error]
            })
            .collect();
        let all = candidates(&rows);
        let found = shares(&all).unwrap();
        assert!(found.front == 1.0 && found.random > 0.0 && found.random < 0.9, "{found:?}");
        assert_eq!(shares(&all), Some(found));
        // Here the front has all candidates, and so has every subset of equal size.
        let falling: Vec<[f64; 3]> =
            (0..9).map(|index| [f64::from(index), -f64::from(index), -f64::from(index)]).collect();
        assert_eq!(shares(&candidates(&falling)), Some(Shares { front: 1.0, random: 1.0 }));
    }
}
