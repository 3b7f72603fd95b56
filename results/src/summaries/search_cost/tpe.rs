//! The Tree-structured Parzen Estimator (Bergstra et al. 2011) on a table of trained architectures. It stands for the
//! Bayesian optimisation that the paper names (references 33 and 34).

use std::f64::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::proposals::Proposals;
use super::table::{Candidate, Training};
use super::trace::Trace;

/// Number of random trainings before the first proposal.
const RANDOM: usize = 10;

/// Share of the trainings that counts as good.
const GOOD: f64 = 0.25;

/// Number of values drawn for a feature, the most promising of which is proposed.
const DRAWN: usize = 24;

/// Searches by the ratio of two densities: that of good trainings and that of the others. Features are independent.
pub(crate) fn tpe(candidates: &[Candidate], trainings: &[&Training], rng: &mut ChaCha8Rng) -> Trace {
    let mut search = Proposals::new(candidates, trainings);
    let ranges: Vec<[f64; 2]> = (0..search.dimensions()).map(|feature| range(candidates, feature)).collect();
    while search.goes_on() {
        match good_and_others(&search) {
            Some(groups) if search.trained.len() >= RANDOM => {
                let features = ranges.iter().enumerate();
                let point: Vec<f64> = features
                    .map(|(feature, &range)| {
                        let density = |group: &Vec<usize>| {
                            let values = group.iter().map(|&index| search.features(index)[feature]);
                            Density::of(values.collect(), range)
                        };
                        proposed(&groups.each_ref().map(density), range, rng)
                    })
                    .collect();
                search.train_nearest(&point);
            }
            _ => search.train_any(rng),
        }
    }
    search.into_trace()
}

/// The least and the largest value of a feature.
fn range(candidates: &[Candidate], feature: usize) -> [f64; 2] {
    let values = candidates.iter().map(|candidate| candidate.features[feature]);
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)])
}

/// The indices of the good trainings and of the others; `None` with fewer than two trainings. Failed trainings teach
/// nothing.
fn good_and_others(search: &Proposals) -> Option<[Vec<usize>; 2]> {
    let ended = search.trained.iter().filter_map(|&(index, error)| Some((error?, index)));
    let mut ended: Vec<(f64, usize)> = ended.collect();
    ended.sort_by(|a, b| a.0.total_cmp(&b.0));
    if ended.len() < 2 {
        return None;
    }
    let good = (GOOD * ended.len() as f64).ceil() as usize;
    let (good, others) = ended.split_at(good);
    Some([good, others].map(|group| group.iter().map(|&(_, index)| index).collect()))
}

/// The one of some values, drawn from the density of good trainings, at which it exceeds that of the others most.
fn proposed([good, others]: &[Density; 2], range: [f64; 2], rng: &mut ChaCha8Rng) -> f64 {
    let drawn: Vec<f64> = (0..DRAWN).map(|_| good.draw(range, rng)).collect();
    let ratios = drawn.into_iter().map(|value| (good.at(value) / others.at(value), value));
    let best = ratios.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.expect("some values are drawn").1
}

/// A mixture of normal densities with equal weights.
struct Density {
    /// Mean and standard deviation of each.
    kernels: Vec<[f64; 2]>,
}

impl Density {
    /// One kernel for each value, as wide as the larger of its distances from the values beside it or from the ends of the
    /// range. One more kernel covers the range.
    fn of(mut values: Vec<f64>, [low, high]: [f64; 2]) -> Self {
        values.sort_by(f64::total_cmp);
        let width = high - low;
        let least = width / (values.len() + 1).min(100) as f64;
        let kernel = |(place, &value): (usize, &f64)| {
            let below = place.checked_sub(1).map_or(low, |place| values[place]);
            let above = values.get(place + 1).copied().unwrap_or(high);
            [value, (value - below).max(above - value).clamp(least, width)]
        };
        let mut kernels: Vec<[f64; 2]> = values.iter().enumerate().map(kernel).collect();
        kernels.push([(low + high) / 2.0, width]);
        Self { kernels }
    }

    /// Its value at a point.
    fn at(&self, x: f64) -> f64 {
        let normal = |&[mean, deviation]: &[f64; 2]| {
            let distance = (x - mean) / deviation;
            (-distance * distance / 2.0).exp() / deviation
        };
        self.kernels.iter().map(normal).sum::<f64>() / (self.kernels.len() as f64 * TAU.sqrt())
    }

    /// A value drawn from it. Values beyond the range become its ends.
    fn draw(&self, [low, high]: [f64; 2], rng: &mut ChaCha8Rng) -> f64 {
        let [mean, deviation] = self.kernels[rng.random_range(0..self.kernels.len())];
        let normal: f64 = StandardNormal.sample(rng);
        (mean + deviation * normal).clamp(low, high)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_density_integrates_to_one_and_is_high_where_its_values_are() {
        let density = Density::of(vec![-0.5, -0.4, 1.0], [-1.0, 2.0]);
        let step = 0.01;
        let integral: f64 = (-3000..3000).map(|index| step * density.at(step * f64::from(index))).sum();
        assert!((integral - 1.0).abs() < 1e-6, "{integral}");
        assert!(density.at(-0.45) > density.at(0.3));
    }

    #[test]
    fn proposals_lie_where_good_trainings_are_and_others_are_not() {
        let range = [-2.0, 2.0];
        let spread = |middle: f64| -> Vec<f64> { (0..20).map(|index| middle + 0.01 * f64::from(index)).collect() };
        let densities = [spread(-1.0), spread(1.0)].map(|values| Density::of(values, range));
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for _ in 0..50 {
            let value = proposed(&densities, range, &mut rng);
            assert!((-2.0..0.0).contains(&value), "{value}");
        }
    }
}
