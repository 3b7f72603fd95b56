//! Means of a few values, with intervals by Student's t.
//!
//! The percentile bootstrap of three trainings has an interval that is far too narrow: it knows no values but those three.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::statistics::{FEWEST, Interval, mean, standard_deviation};

/// The mean over the values of a root seed, and over the root seeds. `None` if a root seed has less than [`FEWEST`] values.
pub fn mean_t_interval(groups: &[Vec<f64>]) -> Option<Interval> {
    weighted(&[(1.0, groups)])
}

/// The difference of two such means of independent samples, `first` minus `second`, by Welch's interval.
pub fn mean_t_difference(first: &[Vec<f64>], second: &[Vec<f64>]) -> Option<Interval> {
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
    let half = if variance > 0.0 {
        let freedom = variance * variance / squares;
        let t = StudentsT::new(0.0, 1.0, freedom).expect("a positive number of degrees of freedom");
        t.inverse_cdf(0.975) * variance.sqrt()
    } else {
        0.0
    };
    Some(Interval {
        estimate,
        low: estimate - half,
        high: estimate + half,
        undefined: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check(
            mean_t_interval(&[paired]),
            [0.025, -0.017099807422985162, 0.06709980742298516],
        );
        let (first, second) = (vec![0.31, 0.28, 0.35], vec![0.22, 0.30, 0.21, 0.25]);
        check(
            mean_t_difference(&[first], &[second]),
            [0.06833333333333336, -0.006216019210128446, 0.14288268587679515],
        );
    }

    #[test]
    fn two_root_seeds_are_averaged() {
        let groups = [vec![1.0, 2.0, 3.0], vec![5.0, 6.0, 7.0]];
        // Each mean has the variance 1/3, their mean 1/6, with 4 degrees of freedom.
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
