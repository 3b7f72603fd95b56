//! Regularised evolution (Real et al. 2018) on a table of trained architectures.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::proposals::Proposals;
use super::table::{Candidate, Training};
use super::trace::Trace;

/// Number of trainings that are alive; the oldest dies with each new one. The first ones are random. Population and
/// tournament are those of the search in table 1.
const POPULATION: usize = 8;

/// Number of living trainings that compete for a child, drawn with replacement.
const TOURNAMENT: usize = 3;

/// Searches by mutations of the best of a few. A mutation gives one feature of the parent the value of an architecture
/// drawn from the table.
pub(crate) fn regularised_evolution(candidates: &[Candidate], trainings: &[&Training], rng: &mut ChaCha8Rng) -> Trace {
    let mut search = Proposals::new(candidates, trainings);
    while search.goes_on() {
        match parent(&search, rng) {
            Some(parent) if search.dimensions() > 0 => {
                let mut child = search.features(parent).to_vec();
                let feature = rng.random_range(0..child.len());
                child[feature] = search.features(rng.random_range(0..search.size()))[feature];
                search.train_nearest(&child);
            }
            _ => search.train_any(rng),
        }
    }
    search.into_trace()
}

/// The winner of a tournament; `None` before the population is complete, or if all contestants failed.
fn parent(search: &Proposals, rng: &mut ChaCha8Rng) -> Option<usize> {
    let first = search.trained.len().checked_sub(POPULATION)?;
    let alive = &search.trained[first..];
    let contestants: Vec<(usize, Option<f64>)> =
        (0..TOURNAMENT).map(|_| alive[rng.random_range(0..alive.len())]).collect();
    let ended = contestants.into_iter().filter_map(|(index, error)| Some((index, error?)));
    ended.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
}
