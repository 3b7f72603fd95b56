//! The noise ceiling: an upper bound on the expected correlation of any predictor with noisy true errors.
//!
//! Few trainings measure each true error. Even the true error itself cannot be expected to correlate better.

use crate::statistics::bootstrap::{Interval, Units, bootstrap};
use crate::statistics::tau::{ranks_by_column, tau_between_columns};

/// Kendall's tau that the expected error of each architecture would reach against the mean of its measured errors.
///
/// The mean of tau over all pairs of repetitions is the tau of one training against another. Under a normal model,
/// tau = 2/π asin(ρ), which gives the correlation ρ of two trainings. This ρ is the reliability of one training.
/// By Spearman and Brown, the mean of m trainings has the reliability m ρ / (1 + (m - 1) ρ). The square root of that
/// reliability is the correlation of the mean with the expected error.
///
/// `groups[s][a]` holds the errors of the trainings of architecture a of root seed s. Each architecture counts with as
/// many trainings as the one with the fewest has. The result is `None` if an architecture has a single training, or if
/// the data leave tau undefined. The interval is a bootstrap over root seeds and architectures.
pub(crate) fn noise_ceiling(groups: &[Vec<Vec<f64>>], units: Units) -> Option<Interval> {
    let trainings = groups.iter().flatten().map(Vec::len).min().filter(|&fewest| fewest > 1)?;
    let ranks: Vec<Vec<Vec<u32>>> = groups.iter().map(|group| ranks_by_column(group, trainings)).collect();
    let borrowed: Vec<Vec<&[u32]>> = ranks.iter().map(|group| group.iter().map(Vec::as_slice).collect()).collect();
    bootstrap(&borrowed, units, |ranks| Some(ceiling(tau_between_columns(ranks)?, trainings)))
}

/// Converts the tau of one training against another to that of the expected error against the mean of several trainings.
fn ceiling(repeatability: f64, trainings: usize) -> f64 {
    let m = trainings as f64;
    // Trainings that agree less than by chance say nothing about the expected error.
    let of_one = (std::f64::consts::FRAC_PI_2 * repeatability).sin().max(0.0);
    let of_mean = m * of_one / (1.0 + (m - 1.0) * of_one);
    of_mean.sqrt().asin() / std::f64::consts::FRAC_PI_2
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::statistics::tau::kendall_tau_b;

    /// A sum of uniform numbers, which is close enough to normal.
    fn normal(rng: &mut ChaCha8Rng) -> f64 {
        (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
    }

    /// Expected errors with a standard deviation of 1, and the errors measured with the given noise.
    fn measured(n: usize, trainings: usize, noise: f64, seed: u64) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let expected: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
        let measure = |&centre: &f64| (0..trainings).map(|_| centre + noise * normal(&mut rng)).collect();
        let errors = expected.iter().map(measure).collect();
        (expected, errors)
    }

    #[test]
    fn it_is_the_tau_that_the_expected_error_reaches() {
        for (trainings, noise) in [(2, 0.5), (2, 1.0), (3, 1.0), (5, 2.0)] {
            let (expected, errors) = measured(3000, trainings, noise, 1);
            let means = errors.iter().map(|errors| errors.iter().sum::<f64>());
            let points: Vec<_> = expected.iter().copied().zip(means).collect();
            let reached = kendall_tau_b(&points).unwrap();
            let ranks = ranks_by_column(&errors, trainings);
            let references: Vec<&[u32]> = ranks.iter().map(Vec::as_slice).collect();
            let found = ceiling(tau_between_columns(&references).unwrap(), trainings);
            assert!((found - reached).abs() < 0.02, "{trainings} trainings, noise {noise}: {found}, {reached}");
        }
    }

    #[test]
    fn most_intervals_hold_it() {
        // Spread and noise are 1. Two trainings correlate by 1/2, and their mean with the truth by sqrt(2/3).
        let true_ceiling = (2.0f64 / 3.0).sqrt().asin() / std::f64::consts::FRAC_PI_2;
        let holds = |seed: &u64| {
            let found = noise_ceiling(&[measured(40, 2, 1.0, *seed).1], Units::Own).unwrap();
            found.low < true_ceiling && true_ceiling < found.high
        };
        // At a coverage of 95 %, fewer than 26 of 30 intervals hold it with a probability of 2 %.
        let holding = (0..30).filter(holds).count();
        assert!(holding >= 26, "{holding} of 30");
    }

    #[test]
    fn it_needs_repeated_trainings() {
        let (_, errors) = measured(20, 2, 1.0, 2);
        let found = noise_ceiling(std::slice::from_ref(&errors), Units::Own).unwrap();
        assert!(found.low < found.estimate && found.estimate < found.high);
        let mut once = errors;
        once[7].truncate(1);
        assert_eq!(noise_ceiling(&[once], Units::Own), None);
        assert_eq!(noise_ceiling(&[], Units::Own), None);
    }

    #[test]
    fn without_noise_it_is_one_and_without_spread_none() {
        let (_, errors) = measured(20, 2, 0.0, 3);
        let found = noise_ceiling(&[errors], Units::Own).unwrap();
        assert!((found.estimate - 1.0).abs() < 1e-6, "{found:?}");
        assert_eq!(noise_ceiling(&[vec![vec![0.5; 2]; 8]], Units::Own), None);
    }
}
