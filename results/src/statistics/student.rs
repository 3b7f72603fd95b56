//! Means of a few values, with confidence intervals by Student's t.
//!
//! A percentile bootstrap of three trainings gives far too narrow an interval: it knows no values but those three.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::statistics::bootstrap::{FEWEST, Interval};
use crate::statistics::sample::{mean, standard_deviation};

/// The mean over the root seeds of each root seed's mean. `None` if a root seed has fewer than [`FEWEST`] values.
pub(crate) fn mean_t_interval(groups: &[Vec<f64>]) -> Option<Interval> {
    weighted(&[(1.0, groups)])
}

/// The difference of two such means of independent samples, `first` minus `second`, by Welch's interval.
pub(crate) fn mean_t_difference(first: &[Vec<f64>], second: &[Vec<f64>]) -> Option<Interval> {
    weighted(&[(1.0, first), (-1.0, second)])
}

/// A weighted sum of means, with the degrees of freedom of Welch and Satterthwaite.
fn weighted(samples: &[(f64, &[Vec<f64>])]) -> Option<Interval> {
    let (mut estimate, mut variance, mut squares) = (0.0, 0.0, 0.0);
    for (weight, groups) in samples {
        if groups.is_empty() {
            return None;
        }
        for values in *groups {
            if values.len() < FEWEST {
                return None;
            }
            let (weight, n) = (weight / groups.len() as f64, values.len() as f64);
            estimate += weight * mean(values);
            let share = (weight * standard_deviation(values)?).powi(2) / n;
            variance += share;
            squares += share * share / (n - 1.0);
        }
    }
    let half = if variance > 0.0 { quantile(variance * variance / squares) * variance.sqrt() } else { 0.0 };
    Some(Interval { estimate, low: estimate - half, high: estimate + half, undefined: 0 })
}

/// The 97.5th percentile of Student's t with `freedom` degrees of freedom, at least 1.
fn quantile(freedom: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom).expect("at least 1 degree of freedom");
    student.inverse_cdf(0.975)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_scipy() {
        // SciPy 1.17, `stats.t.ppf(0.975, freedom)`.
        for (freedom, expected) in [
            (1.0, 12.706204736174694),
            (2.0, 4.302652729749462),
            (2.5, 3.5746548420036817),
            (3.0, 3.1824463052837078),
            (7.3, 2.345066736547703),
            (100.0, 1.9839715185235518),
            (5000.0, 1.9604385517065073),
        ] {
            let found = quantile(freedom);
            assert!((found - expected).abs() < 1e-9, "{freedom}: found {found}, expected {expected}");
        }
    }

    fn check(found: Option<Interval>, expected: [f64; 3]) {
        let found = found.unwrap();
        for (found, expected) in [found.estimate, found.low, found.high].into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "found {found}, expected {expected}");
        }
    }

    #[test]
    fn both_agree_with_scipy() {
        // SciPy 1.17, `confidence_interval` of `ttest_1samp` and of `ttest_ind` with `equal_var=False`.
        let paired = vec![0.02, 0.05, -0.01, 0.04];
        check(mean_t_interval(&[paired]), [0.025, -0.017099807422985162, 0.06709980742298516]);
        let (first, second) = (vec![0.31, 0.28, 0.35], vec![0.22, 0.30, 0.21, 0.25]);
        check(
            mean_t_difference(&[first], &[second]),
            [0.06833333333333336, -0.006216019210128446, 0.14288268587679515],
        );
    }

    #[test]
    fn two_root_seeds_are_averaged() {
        let groups = [vec![1.0, 2.0, 3.0], vec![5.0, 6.0, 7.0]];
        // Each mean has the variance 1/3. Their mean has 1/6, with 4 degrees of freedom.
        let half = 2.7764451051977934 / 6_f64.sqrt();
        check(mean_t_interval(&groups), [4.0, 4.0 - half, 4.0 + half]);
    }

    #[test]
    fn equal_values_have_no_width_and_too_few_no_interval() {
        check(mean_t_interval(&[vec![0.5; 3]]), [0.5; 3]);
        assert_eq!(mean_t_interval(&[vec![0.5; 3], vec![0.5; 2]]), None);
        assert_eq!(mean_t_interval(&[]), None);
        assert_eq!(mean_t_difference(&[vec![0.5; 3]], &[]), None);
    }
}
