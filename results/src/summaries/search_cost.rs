//! Is one SMASH training worth it? Searches for a good architecture, simulated on a table of trained ones. Not in the
//! paper.
//!
//! A search trains architectures in an order of its own and keeps the one with the lowest validation error. Its result is
//! the test error of that training. Files below `search_cost/` hold the searches, one family each.

mod bandits;
mod evolution;
mod ordered;
mod proposals;
mod table;
#[cfg(test)]
mod tests;
mod tpe;
mod trace;

use std::fmt;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::error::Result;
use crate::statistics::bootstrap::{Interval, percentiles, quantiles};
use crate::statistics::sample::mean;
use crate::summaries::text::{percent, points_text};
use bandits::{hyperband, successive_halving};
use evolution::regularised_evolution;
use ordered::{in_order, predicted_order, random_order, with_parameters};
use table::Table;
pub use table::Tables;
use tpe::tpe;
use trace::Trace;

/// Budgets of the report's table, in trainings.
pub const BUDGETS: [f64; 5] = [5.0, 10.0, 20.0, 50.0, 100.0];

/// Number of budgets at which the figure shows errors.
const GRID: usize = 60;

/// The claim compares searches at the cost of the first predictor and this many trainings.
const CLAIMED: f64 = 10.0;

/// Simulated searches by several methods. Costs are in trainings: multiply-adds over the mean multiply-adds of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchCostSummary {
    /// Number of simulated searches by each method. Draw number i uses the root seed i modulo their number.
    pub draws: usize,
    /// Number of trained architectures of a root seed, the least of all.
    pub architectures: usize,
    /// Mean multiply-adds of a training, over all architectures.
    pub training: f64,
    /// Budgets of the figure in trainings, at equal ratios from one training to the training of all architectures.
    pub budgets: Vec<f64>,
    /// The methods: random search, each predictor, the first predictor with the number of parameters, then the methods that
    /// learn from trainings.
    pub methods: Vec<MethodSummary>,
    /// Test error of random search minus that of the first predictor, in the same draw and at the same cost. The estimate is
    /// the mean over draws, and the ends are percentiles of single draws. `None` without predictors, or if no draw has both.
    pub gain: Option<Interval>,
    /// The cost of `gain`: the first predictor's cost and ten trainings. It is the mean over draws.
    pub gain_at: f64,
}

/// The searches by one method.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodSummary {
    /// Its name.
    pub name: String,
    /// Cost before its first training, such as for training a SMASH network and scoring. It is the mean over draws.
    pub start: f64,
    /// Its results at each of [`SearchCostSummary::budgets`]; `None` where a draw has none.
    pub bands: Vec<Option<Band>>,
    /// Its results at each of [`BUDGETS`]; `None` where a draw has none.
    pub at_budgets: [Option<Band>; BUDGETS.len()],
    /// The intervals of budgets, first and last, at which its median is below that of random search.
    pub below_random: Vec<[f64; 2]>,
}

/// Test errors of the architecture that is kept, in [0, 1], over the draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Their median.
    pub median: f64,
    /// Their 5th percentile.
    pub low: f64,
    /// Their 95th percentile.
    pub high: f64,
}

/// Simulates `draws` searches by each method.
///
/// # Errors
/// If the tables do not fit together.
pub fn summary(tables: &Tables, draws: usize) -> Result<SearchCostSummary> {
    let seeds = table::join(tables)?;
    let Some(architectures) = seeds.iter().map(|seed| seed.candidates.len()).min() else {
        return Ok(SearchCostSummary::default());
    };
    let training = mean(&seeds.iter().map(Table::mean_cost).collect::<Vec<_>>());
    let simulated = |draw: usize| searches(&seeds[draw % seeds.len()], draw as u64);
    let searches: Vec<Vec<(String, Trace)>> = (0..draws).into_par_iter().map(simulated).collect();
    let budgets: Vec<f64> =
        (0..GRID).map(|index| (architectures as f64).powf(index as f64 / (GRID - 1) as f64)).collect();
    let methods = searches.first().map_or(0, Vec::len);
    let mut methods: Vec<MethodSummary> = (0..methods)
        .map(|method| {
            let traces: Vec<&Trace> = searches.iter().map(|search| &search[method].1).collect();
            method_summary(&searches[0][method].0, &traces, training, &budgets)
        })
        .collect();
    let random = methods.first().map_or_else(Vec::new, |random| random.bands.clone());
    for method in &mut methods {
        method.below_random = below(&budgets, &method.bands, &random);
    }
    let starts: Vec<f64> = (0..draws).map(|draw| claimed_cost(&searches[draw], training) / training).collect();
    Ok(SearchCostSummary {
        draws,
        architectures,
        training,
        budgets,
        methods,
        gain: gain(&searches, training).filter(|_| !tables.predictions.is_empty()),
        gain_at: if starts.is_empty() { 0.0 } else { mean(&starts) },
    })
}

/// One search by each method, on one training of each architecture. All methods see the same trainings.
fn searches(table: &Table, draw: u64) -> Vec<(String, Trace)> {
    let Table { candidates, predictors } = table;
    let trainings = table.seen(&mut generator(*b"training", draw));
    let trainings = &trainings[..];
    let order = random_order(trainings.len(), &mut generator(*b"ordering", draw));
    let mut all = vec![("random search".to_owned(), in_order(trainings, &order, 0.0))];
    let predicted = |predictions: &[Option<f64>], cost| {
        let order = predicted_order(predictions, &mut generator(*b"breaking", draw));
        in_order(trainings, &order, cost)
    };
    let predictions = |predictor: usize| -> Vec<Option<f64>> {
        candidates.iter().map(|candidate| candidate.predictions[predictor]).collect()
    };
    for (index, predictor) in predictors.iter().enumerate() {
        all.push((predictor.name.clone(), predicted(&predictions(index), predictor.cost)));
    }
    if let Some(first) = predictors.first() {
        let parameters: Vec<f64> = candidates.iter().map(|candidate| candidate.parameters).collect();
        let together = with_parameters(&predictions(0), &parameters);
        all.push((format!("{} with parameters", first.name), predicted(&together, first.cost)));
    }
    let epochs = table.epochs();
    let mut learned = |name: &str, trace: Trace| all.push((name.to_owned(), trace));
    learned("successive halving", successive_halving(trainings, epochs, &mut generator(*b"halvings", draw)));
    learned("Hyperband", hyperband(trainings, epochs, &mut generator(*b"hyperban", draw)));
    learned("TPE", tpe(candidates, trainings, &mut generator(*b"parzenes", draw)));
    learned("regularised evolution", regularised_evolution(candidates, trainings, &mut generator(*b"evolving", draw)));
    all
}

/// The generator of one purpose in one draw. The purpose names its stream.
fn generator(purpose: [u8; 8], draw: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(draw);
    rng.set_stream(u64::from_be_bytes(purpose));
    rng
}

fn method_summary(name: &str, traces: &[&Trace], training: f64, budgets: &[f64]) -> MethodSummary {
    let band = |budget: f64| {
        let errors: Option<Vec<f64>> = traces.iter().map(|trace| trace.test_error(budget * training)).collect();
        let [low, median, high] = quantiles(&mut errors?, [0.05, 0.5, 0.95])?;
        Some(Band { median, low, high })
    };
    MethodSummary {
        name: name.to_owned(),
        start: mean(&traces.iter().map(|trace| trace.start / training).collect::<Vec<_>>()),
        bands: budgets.iter().map(|&budget| band(budget)).collect(),
        at_budgets: BUDGETS.map(band),
        below_random: Vec::new(),
    }
}

/// The longest intervals of budgets at which one median is below another.
fn below(budgets: &[f64], own: &[Option<Band>], other: &[Option<Band>]) -> Vec<[f64; 2]> {
    let mut intervals: Vec<[f64; 2]> = Vec::new();
    let mut is_open = false;
    for (&budget, bands) in budgets.iter().zip(own.iter().zip(other)) {
        let is_below = matches!(bands, (Some(own), Some(other)) if own.median < other.median);
        match intervals.last_mut() {
            Some(last) if is_below && is_open => last[1] = budget,
            _ if is_below => intervals.push([budget, budget]),
            _ => {}
        }
        is_open = is_below;
    }
    intervals
}

/// Multiply-adds at which the claim compares random search and the first predictor, the methods 0 and 1.
fn claimed_cost(searches: &[(String, Trace)], training: f64) -> f64 {
    searches[1].1.start + CLAIMED * training
}

fn gain(searches: &[Vec<(String, Trace)>], training: f64) -> Option<Interval> {
    let difference = |search: &Vec<(String, Trace)>| {
        let cost = claimed_cost(search, training);
        Some(search[0].1.test_error(cost)? - search[1].1.test_error(cost)?)
    };
    let differences: Vec<Option<f64>> = searches.iter().map(difference).collect();
    let known: Vec<f64> = differences.iter().flatten().copied().collect();
    let estimate = (!known.is_empty()).then(|| mean(&known))?;
    percentiles(estimate, differences)
}

impl MethodSummary {
    /// The budgets at which its median is below that of random search: `from 12.0 to 40.5 trainings`, or `never`.
    pub fn below_text(&self) -> String {
        if self.below_random.is_empty() {
            return "never".to_owned();
        }
        let words = self.below_random.iter().map(|[first, last]| format!("from {first:.1} to {last:.1}"));
        format!("{} trainings", words.collect::<Vec<_>>().join(" and "))
    }
}

/// Writes `21.50 % [20.10, 22.90]`.
impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{:.2}, {:.2}]", percent(self.median), 100.0 * self.low, 100.0 * self.high)
    }
}

/// A line for each method, for a terminal.
impl fmt::Display for SearchCostSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} simulated searches by each method, median test error by cost in trainings", self.draws)?;
        for method in &self.methods {
            write!(f, "{}: {:.2} before the first", method.name, method.start)?;
            for (budget, band) in BUDGETS.iter().zip(&method.at_budgets) {
                write!(f, ", at {budget:.0} {}", band.map_or_else(|| "none".to_owned(), |band| percent(band.median)))?;
            }
            writeln!(f, "; below random search {}", method.below_text())?;
        }
        write!(f, "gain over random search at the cost of {:.1} trainings {}", self.gain_at, points_text(self.gain))
    }
}
