//! Kendall's tau of a predictor, without intervals: for plans, which need no more and must be quick.

use crate::error::Result;
use crate::statistics::bootstrap::{Units, mean_over_groups};
use crate::statistics::coefficients::Coefficient;
use crate::statistics::sample::Point;
use crate::summaries::correlation::{Predictor, points};
use crate::tables::rows::{ArchitectureRow, TruthRow};

/// Kendall's tau between a predictor and true errors, without an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Taus {
    /// The mean over the root seeds; `None` if tau is undefined for one of them.
    pub mean: Option<f64>,
    /// Tau of each root seed that has one, in the order of the root seeds.
    pub of_seeds: Vec<f64>,
    /// Mean number of architectures of a root seed.
    pub architectures: usize,
    /// Whether the root seeds have the same architectures.
    pub units: Units,
}

/// Joins tables as [`summary`](crate::summaries::correlation::summary) does. It computes Kendall's tau alone, and draws no
/// resamples.
///
/// # Errors
/// If a row of `true_errors` names an architecture that `architectures` lacks.
pub fn taus(architectures: &[ArchitectureRow], predictor: &Predictor, true_errors: &[TruthRow]) -> Result<Taus> {
    let points = points(architectures, predictor, true_errors)?;
    let groups = points.groups();
    let tau = |points: &[Point]| Coefficient::Kendall.of(points);
    Ok(Taus {
        mean: mean_over_groups(&groups, tau),
        of_seeds: groups.iter().filter_map(|points| tau(points)).collect(),
        architectures: groups.iter().map(Vec::len).sum::<usize>() / groups.len().max(1),
        units: points.units,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summaries::correlation::{Measure, summary};
    use crate::summaries::made_up::{self, score, truth};

    #[test]
    fn taus_alone_are_those_of_the_summary() {
        let mut tables = (Vec::new(), Vec::new(), Vec::new());
        for (seed, n) in (0..3).flat_map(|seed| (0..12).map(move |n| (seed, n))) {
            tables.0.push(ArchitectureRow { hash: n.to_string(), ..made_up::architecture(seed, n) });
            tables.1.push(score(seed, n, 0, Some(0.5 + f64::from(n * (7 + seed as u32) % 12) / 50.0)));
            // A training of one root seed failed.
            tables.2.push(truth(seed, n, 0, Some(0.25 + f64::from(n) / 80.0).filter(|_| (seed, n) != (1, 4))));
        }
        let predictor = Predictor::score(&tables.1, Measure::Error);
        let whole = summary(&tables.0, &predictor, &tables.2, 1000).unwrap();
        let found = taus(&tables.0, &predictor, &tables.2).unwrap();
        let of_seeds: Vec<f64> = whole.score_of_seeds.iter().map(|score| score.kendall.unwrap().estimate).collect();
        let expected = [whole.score.kendall.unwrap().estimate].into_iter().chain(of_seeds);
        let found_taus: Vec<f64> = found.mean.into_iter().chain(found.of_seeds).collect();
        assert_eq!(found_taus.len(), 4);
        assert!(found_taus.iter().zip(expected).all(|(found, tau)| (found - tau).abs() < 1e-12), "{found_taus:?}");
        assert_ne!(found_taus[1], found_taus[3]);
        // Architectures that the root seeds share count once in the whole, and for each root seed here.
        assert_eq!((found.units, whole.n(), found.architectures), (Units::Shared, 11, 11));
        assert_eq!(taus(&[], &predictor, &[]).unwrap().mean, None);
    }
}
