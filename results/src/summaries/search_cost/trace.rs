//! A simulated search: what it has found after spending how much.

use super::table::Training;

/// The course of one search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trace {
    /// Multiply-adds before the first training.
    pub start: f64,
    /// Multiply-adds so far.
    spent: f64,
    /// Every improvement, in order.
    steps: Vec<Step>,
    /// Whether the simulation stopped before the search did, so that nothing is known beyond `spent`.
    pub is_cut: bool,
}

/// An improvement: a training is kept because no earlier one has a validation error as low.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    /// Multiply-adds up to the end of the training.
    cost: f64,
    validation: f64,
    test: f64,
}

impl Trace {
    /// A search that has spent `start` multiply-adds before its first training.
    pub fn new(start: f64) -> Self {
        Self { start, spent: start, steps: Vec::new(), is_cut: false }
    }

    /// Trains an architecture to the end.
    pub fn train(&mut self, training: &Training) {
        self.train_epochs(training, 0, training.costs.len());
    }

    /// Continues a training that has done some epochs until it has done `until`. It can be kept once it is complete and did
    /// not fail. A failed training costs as much as another.
    pub fn train_epochs(&mut self, training: &Training, done: usize, until: usize) {
        let cost = |epochs: usize| epochs.checked_sub(1).map_or(0.0, |last| training.costs[last]);
        self.spent += cost(until) - cost(done);
        let result = training.result().filter(|_| until == training.costs.len());
        if let Some((validation, test)) = result
            && self.validation_error().is_none_or(|kept| validation < kept)
        {
            self.steps.push(Step { cost: self.spent, validation, test });
        }
    }

    /// Validation error of the training that is kept now.
    fn validation_error(&self) -> Option<f64> {
        self.steps.last().map(|step| step.validation)
    }

    /// Test error of the training that is kept once `cost` is spent. `None` if there is none yet, or if the simulation does
    /// not reach that far.
    pub fn test_error(&self, cost: f64) -> Option<f64> {
        if self.is_cut && cost > self.spent {
            return None;
        }
        let known = self.steps.partition_point(|step| step.cost <= cost);
        Some(self.steps[known.checked_sub(1)?].test)
    }

    /// Validation errors of the trainings that were kept in turn.
    #[cfg(test)]
    pub fn validation_errors(&self) -> Vec<f64> {
        self.steps.iter().map(|step| step.validation).collect()
    }

    /// Multiply-adds of the whole search.
    #[cfg(test)]
    pub fn spent(&self) -> f64 {
        self.spent
    }
}
