//! Searches that fix the order of their trainings in advance: at random, or by a predictor.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::table::Training;
use super::trace::Trace;
use crate::statistics::sample::ranks;

/// The numbers below `n` in random order.
pub(crate) fn random_order(n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(rng);
    order
}

/// The indices of some predictions, the lowest first. Ties are broken at random, and failed predictions come last.
pub(crate) fn predicted_order(predictions: &[Option<f64>], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order = random_order(predictions.len(), rng);
    order.sort_by(|&a, &b| by_value(predictions[a], predictions[b]));
    order
}

/// Compares two values, a missing one last.
pub(crate) fn by_value(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// A predictor together with the number of parameters: the mean of an architecture's ranks by the predictor and by the
/// number of parameters, the most first. A failed prediction stays one.
pub(crate) fn with_parameters(predictions: &[Option<f64>], parameters: &[f64]) -> Vec<Option<f64>> {
    let known: Vec<usize> = (0..predictions.len()).filter(|&index| predictions[index].is_some()).collect();
    let by_predictor = ranks(&known.iter().filter_map(|&index| predictions[index]).collect::<Vec<_>>());
    let by_parameters = ranks(&known.iter().map(|&index| -parameters[index]).collect::<Vec<_>>());
    let mut together = vec![None; predictions.len()];
    for (place, &index) in known.iter().enumerate() {
        together[index] = Some((by_predictor[place] + by_parameters[place]) / 2.0);
    }
    together
}

/// Trains all architectures in an order, after spending `start` multiply-adds.
pub(crate) fn in_order(trainings: &[&Training], order: &[usize], start: f64) -> Trace {
    let mut trace = Trace::new(start);
    for &index in order {
        trace.train(trainings[index]);
    }
    trace
}
