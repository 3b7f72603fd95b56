//! Predicts how much a run of some size can show, and finds the size that shows most in a given time.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use crate::statistics::bootstrap::{Interval, Units};

/// Variance of Fisher's transform of Kendall's tau, times n - 4 (Fieller, Hartley and Pearson 1957).
const FIELLER: f64 = 0.437;
/// z(0.975) of the standard normal distribution.
const Z: f64 = 1.959_963_985;
/// Fewest architectures for which the formula holds.
pub const FEWEST_ARCHITECTURES: usize = 10;
/// Most root seeds that [`Budget::best`] considers.
const MOST_SEEDS: usize = 64;

/// Variance of Kendall's tau over the given number of architectures of one root seed.
///
/// For two normal variables artanh(tau) has the variance 0.437 / (n - 4), whatever tau is. Tau itself therefore has
/// about (1 - tau²)² times that variance.
fn sampling_variance(tau: f64, architectures: usize) -> f64 {
    (1.0 - tau * tau).powi(2) * FIELLER / (architectures - 4) as f64
}

/// The expected 95 % confidence interval of Kendall's tau, the mean over `seeds` root seeds with `architectures` each.
///
/// `between` is the standard deviation of tau between root seeds beyond that of sampling architectures. Different SMASH
/// networks are one cause of it. With 0, sampling architectures is the only source of chance; a single root seed
/// permits nothing else. If the root seeds share their architectures, they share the chance of sampling these too. The
/// interval is symmetric on the scale of artanh. `None` for fewer than [`FEWEST_ARCHITECTURES`].
///
/// # Panics
/// If tau does not lie between -1 and 1, or there are no seeds.
pub fn expected_interval(tau: f64, between: f64, architectures: usize, seeds: usize, units: Units) -> Option<Interval> {
    assert!(tau.abs() < 1.0 && seeds > 0, "tau {tau}, {seeds} seeds");
    if architectures < FEWEST_ARCHITECTURES {
        return None;
    }
    let (of_networks, of_sampling) = (between * between / seeds as f64, sampling_variance(tau, architectures));
    let variance = match units {
        Units::Own => of_networks + of_sampling / seeds as f64,
        Units::Shared => of_networks + of_sampling,
    };
    let half = Z * variance.sqrt() / (1.0 - tau * tau);
    let at = |shift: f64| (tau.atanh() + shift).tanh();
    Some(Interval { estimate: tau, low: at(-half), high: at(half), undefined: 0 })
}

/// Standard deviation of tau between root seeds beyond that of sampling `architectures` of each. It is 0 if the taus
/// vary no more than that. Sampling causes no part of it if the root seeds share their architectures. `None` with a
/// single root seed or too few architectures.
pub fn between_seeds(taus: &[f64], architectures: usize, units: Units) -> Option<f64> {
    if taus.len() < 2 || architectures < FEWEST_ARCHITECTURES {
        return None;
    }
    let mean = taus.iter().sum::<f64>() / taus.len() as f64;
    let squares: f64 = taus.iter().map(|tau| (tau - mean).powi(2)).sum();
    let variance = squares / (taus.len() - 1) as f64;
    let of_sampling = match units {
        Units::Own => sampling_variance(mean, architectures),
        Units::Shared => 0.0,
    };
    Some((variance - of_sampling).max(0.0).sqrt())
}

/// Errors of a shorter training in place of those of a longer one.
///
/// The model takes all errors as normal. It also assumes that a score says nothing about the part of an error that only
/// the shorter training has. Pearson's coefficients then multiply, and a product r gives tau = 2 asin(r) / pi.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StandIn {
    /// Pearson's coefficient of the two trainings' errors.
    r: f64,
}

impl StandIn {
    /// Derives it from Kendall's tau between the two trainings. `None` unless that tau lies between 0 and 1: a shorter
    /// training with another tau cannot stand in.
    pub fn of(fidelity: f64) -> Option<Self> {
        (fidelity > 0.0 && fidelity < 1.0).then(|| Self { r: (FRAC_PI_2 * fidelity).sin() })
    }

    /// Kendall's tau of a score with the shorter training, if it is `tau` with the longer one.
    pub fn seen(self, tau: f64) -> f64 {
        FRAC_2_PI * (self.r * (FRAC_PI_2 * tau).sin()).asin()
    }

    /// The change of the seen tau per change of tau. An interval of the seen tau is this many times as wide as that of tau.
    pub fn slope(self, tau: f64) -> f64 {
        let (sin, cos) = (FRAC_PI_2 * tau).sin_cos();
        self.r * cos / (1.0 - (self.r * sin).powi(2)).sqrt()
    }
}

/// The cost of a run, and the time available for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Seconds for each root seed, such as for training its SMASH network.
    pub of_seed: f64,
    /// Seconds for each architecture whose true error is measured.
    pub of_architecture: f64,
    /// Available seconds.
    pub seconds: f64,
}

impl Budget {
    /// Seconds that a run takes.
    pub fn time(&self, architectures: usize, seeds: usize) -> f64 {
        seeds as f64 * (self.of_seed + architectures as f64 * self.of_architecture)
    }

    /// The number of architectures for each root seed, and of root seeds, with the narrowest interval within the time. Each
    /// root seed has architectures of its own.
    /// Ties go to fewer root seeds. `None` if the time is too short for [`FEWEST_ARCHITECTURES`] of one root seed.
    pub fn best(&self, tau: f64, between: f64) -> Option<(usize, usize)> {
        let mut best: Option<(f64, usize, usize)> = None;
        for seeds in 1..=MOST_SEEDS {
            let architectures = ((self.seconds / seeds as f64 - self.of_seed) / self.of_architecture).floor();
            if architectures < FEWEST_ARCHITECTURES as f64 {
                break;
            }
            let architectures = architectures as usize;
            let variance = (between * between + sampling_variance(tau, architectures)) / seeds as f64;
            if best.is_none_or(|(least, ..)| variance < least) {
                best = Some((variance, architectures, seeds));
            }
        }
        best.map(|(_, architectures, seeds)| (architectures, seeds))
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::statistics::bootstrap::{generator, mean_over_groups, percentiles, resample};
    use crate::statistics::coefficients::Coefficient;
    use crate::statistics::sample::Point;

    fn width(interval: Interval) -> f64 {
        interval.high - interval.low
    }

    /// A sum of uniform numbers, which is close enough to normal.
    fn normal(rng: &mut ChaCha8Rng) -> f64 {
        (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
    }

    /// The mean width of the bootstrap intervals over samples of two normal variables with this tau. Root seeds do not differ.
    fn simulated(tau: f64, architectures: usize, seeds: usize) -> f64 {
        let r = (FRAC_PI_2 * tau).sin();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut point = || -> Point {
            let truth = normal(&mut rng);
            (r * truth + (1.0 - r * r).sqrt() * normal(&mut rng), truth)
        };
        let mut sample = || -> Vec<Vec<Point>> {
            let mut group = || (0..architectures).map(|_| point()).collect();
            (0..seeds).map(|_| group()).collect()
        };
        let widths = (0..40).map(|seed| {
            let (groups, mut rng) = (sample(), generator(seed));
            let tau = |groups: &[Vec<Point>]| mean_over_groups(groups, |points| Coefficient::Kendall.of(points));
            let found = percentiles(tau(&groups).unwrap(), (0..400).map(|_| tau(&resample(&groups, &mut rng))));
            width(found.unwrap())
        });
        widths.sum::<f64>() / 40.0
    }

    #[test]
    fn the_expected_width_is_that_of_the_bootstrap() {
        for (tau, architectures, seeds) in [(0.0, 30, 1), (0.3, 30, 3), (0.6, 60, 1), (0.2, 100, 2)] {
            let expected = width(expected_interval(tau, 0.0, architectures, seeds, Units::Own).unwrap());
            let found = simulated(tau, architectures, seeds);
            assert!(
                (expected / found - 1.0).abs() < 0.1,
                "tau {tau}, {seeds} times {architectures}: {expected} expected, {found} found"
            );
        }
    }

    #[test]
    fn more_data_narrows_the_interval_down_to_the_variation_between_seeds() {
        let of = |between, architectures, seeds| {
            width(expected_interval(0.3, between, architectures, seeds, Units::Own).unwrap())
        };
        assert!(of(0.0, 40, 1) < of(0.0, 30, 1) && of(0.0, 30, 2) < of(0.0, 30, 1));
        // Both have 50 degrees of freedom.
        assert!((of(0.0, 54, 1) - of(0.0, 29, 2)).abs() < 1e-12);
        // The chance of one SMASH network remains, however many architectures there are.
        assert!(of(0.1, 1_000_000, 1) > 2.0 * 1.9 * 0.1);
        assert_eq!(expected_interval(0.3, 0.0, 9, 100, Units::Own), None);
    }

    #[test]
    fn a_stand_in_hides_a_part_of_tau() {
        let (tau, fidelity) = (0.4, 0.7);
        let stand_in = StandIn::of(fidelity).unwrap();
        let [r, shared] = [tau, fidelity].map(|tau: f64| (FRAC_PI_2 * tau).sin());
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let mut mixed = |of: f64, r: f64| r * of + (1.0 - r * r).sqrt() * normal(&mut rng);
        let points: Vec<Point> = (0..3000)
            .map(|_| {
                let long = mixed(0.0, 0.0);
                (mixed(long, r), mixed(long, shared))
            })
            .collect();
        let found = Coefficient::Kendall.of(&points).unwrap();
        assert!((found - stand_in.seen(tau)).abs() < 0.03, "{found}, {}", stand_in.seen(tau));
        for tau in [-0.8, 0.0, 0.3, 0.9] {
            let slope = (stand_in.seen(tau + 1e-6) - stand_in.seen(tau - 1e-6)) / 2e-6;
            assert!((slope - stand_in.slope(tau)).abs() < 1e-6, "{slope}");
        }
        assert!((StandIn::of(1.0 - 1e-12).unwrap().seen(tau) - tau).abs() < 1e-6);
        assert_eq!([0.0, 1.0, -0.3, f64::NAN].map(StandIn::of), [None; 4]);
    }

    #[test]
    fn variation_between_seeds_excludes_sampling() {
        assert_eq!(between_seeds(&[0.3], 30, Units::Own), None);
        assert_eq!(between_seeds(&[0.3, 0.3, 0.3], 30, Units::Own), Some(0.0));
        let found = between_seeds(&[0.1, 0.5], 1_000_000, Units::Own).unwrap();
        assert!((found - 0.08f64.sqrt()).abs() < 1e-3, "{found}");
    }

    #[test]
    fn shared_architectures_vary_the_taus_together() {
        // The variance of the taus is 0.08. Sampling 30 architectures at tau 0.3 has the variance 0.013918.
        for (units, expected) in [(Units::Own, 0.257_063), (Units::Shared, 0.282_843)] {
            let found = between_seeds(&[0.1, 0.5], 30, units).unwrap();
            assert!((found - expected).abs() < 1e-6, "{units:?}: {found}");
        }
        for (units, low, high) in [(Units::Own, 0.142_004, 0.443_090), (Units::Shared, 0.033_530, 0.526_649)] {
            let found = expected_interval(0.3, 0.1, 30, 4, units).unwrap();
            assert!((found.low - low).abs() < 1e-6 && (found.high - high).abs() < 1e-6, "{units:?}: {found:?}");
        }
        // Without other chance, further root seeds show nothing new.
        let [one, many] = [1, 100].map(|seeds| expected_interval(0.3, 0.0, 30, seeds, Units::Shared));
        assert_eq!(one, many);
    }

    #[test]
    fn a_budget_goes_to_architectures_until_seeds_differ() {
        let budget = Budget { of_seed: 240.0, of_architecture: 20.0, seconds: 3600.0 };
        assert_eq!(budget.best(0.2, 0.0), Some((168, 1)));
        let (architectures, seeds) = budget.best(0.2, 0.2).unwrap();
        assert!(seeds > 1 && budget.time(architectures, seeds) <= 3600.0, "{seeds} times {architectures}");
        // No neighbour within the time has a narrower interval.
        let of = |architectures, seeds| width(expected_interval(0.2, 0.2, architectures, seeds, Units::Own).unwrap());
        for (other, seeds_of_other) in [(architectures - 1, seeds), (architectures, seeds - 1), (10, seeds + 1)] {
            if budget.time(other, seeds_of_other) <= 3600.0 {
                assert!(of(other, seeds_of_other) >= of(architectures, seeds));
            }
        }
        assert_eq!(Budget { seconds: 400.0, ..budget }.best(0.2, 0.2), None);
    }
}
