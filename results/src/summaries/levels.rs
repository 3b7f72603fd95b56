//! The levels of SMASH networks: their mean scores, beside the spread of scores between architectures.
//!
//! Networks that differ in their seed alone score the same architectures, whose true errors are the same for all of them.

use std::collections::BTreeMap;

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::statistics::bootstrap::Interval;
use crate::statistics::sample::{mean, pooled_variance};
use crate::tables::rows::PredictionRow;

/// How far the levels of networks lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Number of networks of all root seeds.
    pub networks: usize,
    /// Number of root seeds.
    pub seeds: usize,
    /// Standard deviation of the mean score between the networks of a root seed, in the unit of the score.
    pub between_networks: f64,
    /// Standard deviation of the score of one network between architectures, in the unit of the score.
    pub between_architectures: f64,
    /// Ratio of the two, with its interval over networks; `None` if the scores of no network differ.
    pub ratio: Option<Interval>,
}

/// Compares the scores by these predictors, each of which is one network. It uses the architectures of a root seed that all of
/// them have scored. `None` without a root seed that has two networks and two such architectures.
pub fn levels(predictions: &[PredictionRow], networks: &[String]) -> Option<Levels> {
    // The values of each network, by root seed and architecture.
    let mut scored: BTreeMap<u64, BTreeMap<u32, Vec<f64>>> = BTreeMap::new();
    for network in networks {
        for row in predictions.iter().filter(|row| row.predictor == *network) {
            let values = scored.entry(row.seed).or_default().entry(row.architecture).or_default();
            values.extend(row.value);
        }
    }
    // The mean scores of the networks of each root seed, and the scores of each network.
    let (mut means, mut scores): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    for architectures in scored.values() {
        let complete = || architectures.values().filter(|values| values.len() == networks.len());
        if complete().next().is_none() {
            continue;
        }
        let of_network = |network: usize| complete().map(|values| values[network]).collect::<Vec<f64>>();
        let of_networks: Vec<Vec<f64>> = (0..networks.len()).map(of_network).collect();
        means.push(of_networks.iter().map(|scores| mean(scores)).collect());
        scores.extend(of_networks);
    }
    let between_networks = pooled_variance(means.iter().map(Vec::as_slice))?.sqrt();
    let between_architectures = pooled_variance(scores.iter().map(Vec::as_slice))?.sqrt();
    let freedom = scores.len() - means.len();
    let ratio = between_networks / between_architectures;
    let [low, high] = ends(freedom).map(|factor| factor * ratio);
    Some(Levels {
        networks: scores.len(),
        seeds: means.len(),
        between_networks,
        between_architectures,
        ratio: ratio.is_finite().then_some(Interval { estimate: ratio, low, high, undefined: 0 }),
    })
}

/// The ends of the 95 % interval of a normal variable's standard deviation, as multiples of the estimate.
fn ends(freedom: usize) -> [f64; 2] {
    let freedom = freedom as f64;
    let distribution = ChiSquared::new(freedom).expect("at least 1 degree of freedom");
    [0.975, 0.025].map(|share| (freedom / distribution.inverse_cdf(share)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Status;

    fn rows(seed: u64, predictor: &str, values: &[Option<f64>]) -> Vec<PredictionRow> {
        let row = |(architecture, &value): (u32, &Option<f64>)| PredictionRow {
            seed,
            architecture,
            predictor: predictor.to_owned(),
            status: if value.is_some() { Status::Ok } else { Status::Failed },
            value,
            cost: 1.0,
            shared_cost: 1.0,
        };
        (0..).zip(values).map(row).collect()
    }

    fn names() -> [String; 2] {
        ["first", "second"].map(str::to_owned)
    }

    #[test]
    fn the_ends_agree_with_tables_of_the_chi_square_distribution() {
        // The 97.5th and the 2.5th percentile with 1 and 3 degrees of freedom: 5.0239, 0.00098207, 9.3484, 0.21580.
        for (freedom, low, high) in [(1, 0.446_15, 31.910), (3, 0.566_49, 3.728_5)] {
            let found = ends(freedom);
            assert!(
                (found[0] / low - 1.0).abs() < 1e-3 && (found[1] / high - 1.0).abs() < 1e-3,
                "{freedom}: {found:?}"
            );
        }
    }

    #[test]
    fn levels_are_compared_within_a_root_seed_on_common_architectures() {
        let some = |values: [f64; 3]| values.map(Some);
        // Two root seeds whose networks lie 0.2 apart: the standard deviation of two such means is 0.2 / sqrt(2). The level of a
        // root seed does not count. The fourth architecture has no score by one network.
        let all = [
            rows(0, "first", &[&some([0.3, 0.4, 0.5])[..], &[Some(0.9)]].concat()),
            rows(0, "second", &[&some([0.7, 0.6, 0.5])[..], &[None]].concat()),
            rows(1, "first", &some([0.2, 0.1, 0.0])),
            rows(1, "second", &some([0.2, 0.3, 0.4])),
            rows(1, "another", &some([0.0, 5.0, 9.0])),
        ]
        .concat();
        let found = levels(&all, &names()).unwrap();
        assert_eq!((found.networks, found.seeds), (4, 2));
        assert!((found.between_networks - 0.2 / 2_f64.sqrt()).abs() < 1e-12, "{found:?}");
        assert!((found.between_architectures - 0.1).abs() < 1e-12, "{found:?}");
        let ratio = found.ratio.unwrap();
        assert!((ratio.estimate - 2_f64.sqrt()).abs() < 1e-9 && ratio.low < ratio.estimate, "{ratio:?}");
        assert!(ratio.high > ratio.estimate, "{ratio:?}");
    }

    #[test]
    fn one_network_or_one_architecture_has_no_spread_of_levels() {
        let one = rows(0, "first", &[Some(0.3), Some(0.4)]);
        assert_eq!(levels(&one, &names()[..1]), None);
        assert_eq!(levels(&one, &names()), None);
        let both = [rows(0, "first", &[Some(0.3)]), rows(0, "second", &[Some(0.4)])].concat();
        assert_eq!(levels(&both, &names()), None);
    }
}
