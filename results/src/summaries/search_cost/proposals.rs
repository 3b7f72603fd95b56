//! The table as a search sees it that proposes points: each proposal becomes the nearest architecture not yet trained.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::table::{Candidate, Training};
use super::trace::Trace;

/// Number of trainings after which the simulation stops. Proposals take time, and the question is about small budgets.
const MOST_TRAININGS: usize = 120;

/// A search with what it has learned so far.
pub(crate) struct Proposals<'a> {
    candidates: &'a [Candidate],
    trainings: &'a [&'a Training],
    /// Indices of the architectures that are not yet trained.
    left: Vec<usize>,
    /// The trained architectures in order: index and validation error; `None` if the training failed.
    pub trained: Vec<(usize, Option<f64>)>,
    trace: Trace,
}

impl<'a> Proposals<'a> {
    /// A search that has trained nothing yet. `trainings` has one training of each candidate.
    pub fn new(candidates: &'a [Candidate], trainings: &'a [&'a Training]) -> Self {
        let left = (0..candidates.len()).collect();
        Self { candidates, trainings, left, trained: Vec::new(), trace: Trace::new(0.0) }
    }

    /// The features of an architecture.
    pub fn features(&self, index: usize) -> &'a [f64] {
        &self.candidates[index].features
    }

    /// Number of features.
    pub fn dimensions(&self) -> usize {
        self.candidates[0].features.len()
    }

    /// Number of all architectures.
    pub fn size(&self) -> usize {
        self.candidates.len()
    }

    /// Whether an architecture is left to train within the limit of the simulation.
    pub fn goes_on(&self) -> bool {
        !self.left.is_empty() && self.trained.len() < MOST_TRAININGS
    }

    /// Trains an architecture that is left, drawn at random.
    pub fn train_any(&mut self, rng: &mut ChaCha8Rng) {
        self.train(rng.random_range(0..self.left.len()));
    }

    /// Trains the architecture that is left and nearest to a point, by the Euclidean distance of features. The first of
    /// several counts.
    pub fn train_nearest(&mut self, point: &[f64]) {
        let distance = |index: usize| -> f64 {
            let squares = self.candidates[index].features.iter().zip(point).map(|(own, other)| (own - other).powi(2));
            squares.sum()
        };
        let distances = self.left.iter().map(|&index| distance(index)).enumerate();
        let nearest = distances.min_by(|(_, a), (_, b)| a.total_cmp(b));
        let (place, _) = nearest.expect("an architecture is left");
        self.train(place);
    }

    fn train(&mut self, place: usize) {
        // Removing keeps the order, so that the first of several nearest ones stays the same.
        let index = self.left.remove(place);
        let training = self.trainings[index];
        self.trace.train(training);
        self.trained.push((index, training.result().map(|(validation, _)| validation)));
    }

    /// The course of the search.
    pub fn into_trace(mut self) -> Trace {
        self.trace.is_cut = !self.left.is_empty();
        self.trace
    }
}
