//! Two objectives at once, error and multiply-adds (paper, appendix D): the fronts that predictors find, against the true one.

use std::fmt;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::error::Result;
use crate::statistics::bootstrap::{
    BOOTSTRAP_SEED, Interval, RESAMPLES, Units, generator, mean_over_groups, resample_groups,
};
use crate::statistics::front::{Candidate, Shares, front, shares};
use crate::statistics::sample::mean;
use crate::summaries::join::{by_seed, join, keep_common, units, values};
use crate::summaries::text::{in_order, share_text};
use crate::tables::rows::{ArchitectureRow, PredictionRow, TruthRow};

/// Name of the front by the number of parameters, of which more predict a lower error.
const PARAMETERS: &str = "parameters";

/// The fronts of several predictors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontsSummary {
    /// The predictors in the order of the table, then the number of parameters.
    pub fronts: Vec<FrontSummary>,
}

/// The front that one predictor finds.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontSummary {
    /// Name of the predictor.
    pub name: String,
    /// Architectures with a value of the predictor and a true error.
    pub n: usize,
    /// Architectures of the front by the predictor and multiply-adds, the mean over root seeds.
    pub size: f64,
    /// Architectures of the true front, the mean over root seeds.
    pub true_size: f64,
    /// True hypervolume of the found front, divided by that of the true front.
    pub share: Option<Interval>,
    /// The same of random subsets of equal size.
    pub random: Option<Interval>,
    /// The first of these minus the second.
    pub gain: Option<Interval>,
}

/// A candidate and its place by rising cost within its root seed.
#[derive(Clone, Copy)]
struct Placed {
    place: usize,
    candidate: Candidate,
}

/// Measures the front of each predictor, on the architectures that have a value of it and a true error. The true error is
/// the mean over the trainings that ended ok.
///
/// # Errors
/// If a row of `true_errors` names an architecture that `architectures` lacks.
pub fn summary(
    architectures: &[ArchitectureRow],
    predictions: &[PredictionRow],
    true_errors: &[TruthRow],
) -> Result<FrontsSummary> {
    let mut names = in_order(predictions.iter().map(|row| &row.predictor).filter(|name| *name != PARAMETERS));
    names.push(PARAMETERS);
    let front = |&name: &&str| {
        let predicted = predictions.iter().filter(|row| row.predictor == name);
        let predicted = predicted.map(|row| ((row.seed, row.architecture), row.value));
        let parameters = architectures.iter().map(|row| ((row.seed, row.architecture), Some(-(row.parameters as f64))));
        let values = if name == PARAMETERS { values(parameters) } else { values(predicted) };
        let known = join(architectures, &values, true_errors)?;
        let known = known.iter().filter_map(|joined| {
            let cost = joined.row.multiply_adds as f64;
            let candidate = Candidate { predicted: joined.value()?, error: joined.true_error()?, cost };
            Some((joined.row.seed, Some((joined.row.architecture, candidate))))
        });
        let mut groups = by_seed(known);
        let units = units(architectures);
        keep_common(&mut groups, units, |(architecture, _)| *architecture);
        Ok(measure(name, groups.into_values().map(placed).collect(), units))
    };
    Ok(FrontsSummary { fronts: names.par_iter().map(front).collect::<Result<_>>()? })
}

fn placed(mut group: Vec<(u32, Candidate)>) -> Vec<Placed> {
    // Root seeds that share their architectures have the same order.
    group.sort_by(|(one, a), (other, b)| a.cost.total_cmp(&b.cost).then(one.cmp(other)));
    group.into_iter().enumerate().map(|(place, (_, candidate))| Placed { place, candidate }).collect()
}

fn measure(name: &str, groups: Vec<Vec<Placed>>, units: Units) -> FrontSummary {
    let size = |estimate: fn(&Candidate) -> f64| {
        mean_over_groups(&groups, |group| Some(front(&distinct(group), estimate).len() as f64)).unwrap_or(0.0)
    };
    let estimates = mean_shares(&groups);
    let mut rng = generator(BOOTSTRAP_SEED);
    let resamples: Vec<[f64; 2]> = match estimates {
        Some(_) => (0..RESAMPLES).filter_map(|_| mean_shares(&resample_groups(&groups, units, &mut rng))).collect(),
        None => Vec::new(),
    };
    // Fronts are statistics of the best few candidates, for which `Interval::centred` is made.
    let interval = |statistic: fn([f64; 2]) -> f64| {
        Interval::centred(statistic(estimates?), RESAMPLES, resamples.iter().copied().map(statistic))
    };
    let within = |interval: Interval| Interval { low: interval.low.max(0.0), high: interval.high.min(1.0), ..interval };
    FrontSummary {
        name: name.to_owned(),
        n: units.count(groups.iter().map(Vec::len)),
        size: size(|candidate| candidate.predicted),
        true_size: size(|candidate| candidate.error),
        share: interval(|[found, _]| found).map(within),
        random: interval(|[_, random]| random).map(within),
        gain: interval(|[found, random]| found - random),
    }
}

/// The shares of the fronts and of random subsets, as means over root seeds. `None` if a share is undefined.
fn mean_shares(groups: &[Vec<Placed>]) -> Option<[f64; 2]> {
    let of_group = |group: &Vec<Placed>| {
        let Shares { front, random } = shares(&distinct(group))?;
        Some([front, random])
    };
    let shares: Vec<[f64; 2]> = groups.iter().map(of_group).collect::<Option<_>>()?;
    let mean = |place: usize| mean(&shares.iter().map(|shares| shares[place]).collect::<Vec<_>>());
    (!shares.is_empty()).then(|| [0, 1].map(mean))
}

/// The candidates of a resample by rising cost, each once: a second copy changes no front.
fn distinct(drawn: &[Placed]) -> Vec<Candidate> {
    let mut places = vec![None; drawn.len()];
    drawn.iter().for_each(|placed| places[placed.place] = Some(placed.candidate));
    places.into_iter().flatten().collect()
}

/// A line for each front, for a terminal.
impl fmt::Display for FrontsSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fronts of error and multiply-adds: share of the true hypervolume")?;
        for front in &self.fronts {
            write!(
                f,
                "\n{}: {:.1} of {} architectures, share {}, random {}, gain {}",
                front.name,
                front.size,
                front.n,
                share_text(front.share),
                share_text(front.random),
                share_text(front.gain)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summaries::made_up::{architecture, status, truth};

    /// Three root seeds that share 30 architectures. Those with more multiply-adds have lower errors, apart from some noise.
    /// The cheapest has the highest error.
    fn tables() -> (Vec<ArchitectureRow>, Vec<PredictionRow>, Vec<TruthRow>) {
        let keys = || (0..3_u64).flat_map(|seed| (0..30_u32).map(move |index| (seed, index)));
        let error = |index: u32| 0.5 - 0.01 * f64::from(index) + 0.02 * f64::from((7 * index + 9) % 10);
        let architectures = keys().map(|(seed, index)| ArchitectureRow {
            hash: index.to_string(),
            parameters: 100,
            multiply_adds: 10 + u64::from(index),
            ..architecture(seed, index)
        });
        let prediction = |(seed, index): (u64, u32), name: &str, value: Option<f64>| PredictionRow {
            seed,
            architecture: index,
            predictor: name.to_owned(),
            status: status(value),
            value,
            cost: 0.0,
            shared_cost: 0.0,
        };
        let predictions = keys().flat_map(|(seed, index)| {
            let key = (seed, index);
            [
                prediction(key, "right", Some(error(index))),
                prediction(key, "wrong", Some(-error(index))),
                prediction(key, "nothing", None),
            ]
        });
        let truths = keys().map(|(seed, index)| truth(seed, index, 0, Some(error(index))));
        (architectures.collect(), predictions.collect(), truths.collect())
    }

    #[test]
    fn a_right_predictor_finds_the_true_front_and_a_wrong_one_less_than_chance() {
        let (architectures, predictions, truths) = tables();
        let summary = summary(&architectures, &predictions, &truths).unwrap();
        let [right, wrong, nothing, parameters] = &summary.fronts[..] else { panic!("{summary}") };
        assert_eq!((right.n, right.size == right.true_size), (30, true));
        assert_eq!(right.share.map(|share| (share.estimate, share.high)), Some((1.0, 1.0)));
        assert!(right.gain.unwrap().low > 0.0, "{right:?}");
        assert!(wrong.gain.unwrap().estimate < 0.0, "{wrong:?}");
        assert_eq!((nothing.n, nothing.share), (0, None));
        // All have as many parameters, so the front is the cheapest architecture.
        assert_eq!((parameters.size, parameters.name.as_str()), (1.0, PARAMETERS));
        assert!(right.random.unwrap().estimate < 1.0);
    }
}
