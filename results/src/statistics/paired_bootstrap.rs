//! The bootstrap of a difference between two samples of the same units.
//!
//! Both sides of a resample have the same units, so the variation that they share cancels.

use crate::statistics::bootstrap::{
    BOOTSTRAP_SEED, Interval, RESAMPLES, Units, draw_groups, generator, mean_over_groups, percentiles, resample_groups,
    resample_shared,
};

/// What two samples share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The root seeds, each with the same units on both sides. It says whether the root seeds have the same units too.
    Seeds(Units),
    /// The units, which are the same for all root seeds of both sides. The root seeds differ.
    Units,
}

/// The difference of a statistic between two samples of the same units: that of `first` minus that of `second`.
///
/// Each side is a group for each root seed, in order. Entry number i of a group is the value of unit number i; `None` if
/// the side did not measure it. The statistic of a side uses the drawn units that the side measured. Every resample draws
/// the same units for both sides, and the same root seeds if they share them. Otherwise this is
/// [`bootstrap_difference`](super::bootstrap::bootstrap_difference).
///
/// # Panics
/// If the numbers of root seeds or of units contradict the pairing.
pub(crate) fn paired_difference<T: Copy>(
    [first, second]: [&[Vec<Option<T>>]; 2],
    pairing: Pairing,
    statistic: impl Fn(&[T]) -> Option<f64>,
) -> Option<Interval> {
    let value = |groups: &[Vec<Option<T>>]| {
        mean_over_groups(groups, |units| statistic(&units.iter().copied().flatten().collect::<Vec<T>>()))
    };
    let difference = |first: &[Vec<Option<T>>], second: &[Vec<Option<T>>]| Some(value(first)? - value(second)?);
    let estimate = difference(first, second)?;
    let mut rng = generator(BOOTSTRAP_SEED);
    match pairing {
        Pairing::Seeds(units) => {
            let pairs = pairs([first, second]);
            let resample = |_| {
                let [first, second] = sides(&resample_groups(&pairs, units, &mut rng));
                difference(&first, &second)
            };
            percentiles(estimate, (0..RESAMPLES).map(resample))
        }
        Pairing::Units => {
            let resample = |_| {
                let drawn = [draw_groups(first, &mut rng), draw_groups(second, &mut rng)].concat();
                let drawn = resample_shared(&drawn, &mut rng);
                let (of_first, of_second) = drawn.split_at(first.len());
                difference(of_first, of_second)
            };
            percentiles(estimate, (0..RESAMPLES).map(resample))
        }
    }
}

/// Joins both sides unit by unit.
fn pairs<T: Copy>([first, second]: [&[Vec<T>]; 2]) -> Vec<Vec<[T; 2]>> {
    assert_eq!(first.len(), second.len(), "both sides have the same root seeds");
    let group = |(first, second): (&Vec<T>, &Vec<T>)| {
        assert_eq!(first.len(), second.len(), "both sides have the same units");
        first.iter().zip(second).map(|(&first, &second)| [first, second]).collect()
    };
    first.iter().zip(second).map(group).collect()
}

/// Takes both sides apart again.
fn sides<T: Copy>(pairs: &[Vec<[T; 2]>]) -> [Vec<Vec<T>>; 2] {
    [0, 1].map(|side| pairs.iter().map(|group| group.iter().map(|pair| pair[side]).collect()).collect())
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::statistics::bootstrap::bootstrap_difference;
    use crate::statistics::sample::mean;

    /// Number of units.
    const N: usize = 40;

    /// Expected difference of the two sides.
    const TRUTH: f64 = 0.1;

    fn mean_of(values: &[f64]) -> Option<f64> {
        (!values.is_empty()).then(|| mean(values))
    }

    fn measured(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    fn width(interval: Interval) -> f64 {
        interval.high - interval.low
    }

    /// Two sides that share most of their variation.
    fn correlated(seed: u64) -> [Vec<f64>; 2] {
        let mut rng = generator(seed);
        let mut uniform = || rng.random::<f64>() - 0.5;
        let units: Vec<f64> = (0..N).map(|_| uniform()).collect();
        [TRUTH, 0.0].map(|shift| units.iter().map(|unit| shift + unit + 0.2 * uniform()).collect())
    }

    #[test]
    fn on_correlated_data_it_is_narrower_and_covers_the_truth() {
        let mut covering = 0;
        for seed in 1..=40 {
            let [first, second] = correlated(seed);
            let [of_first, of_second] = [&first, &second].map(|values| [measured(values)]);
            let paired = paired_difference([&of_first, &of_second], Pairing::Seeds(Units::Own), mean_of).unwrap();
            let apart = bootstrap_difference((&[first], Units::Own), (&[second], Units::Own), mean_of).unwrap();
            assert!((paired.estimate - apart.estimate).abs() < 1e-12);
            // The standard errors differ by the factor sqrt(1 + 1 / 0.04), which is 5.1.
            assert!(width(paired) < 0.5 * width(apart), "{paired:?}, {apart:?}");
            covering += usize::from(paired.low < TRUTH && TRUTH < paired.high);
        }
        // At a coverage of 93 %, fewer than 32 of 40 intervals cover it once in a thousand tests.
        assert!(covering >= 32, "{covering} of 40");
    }

    #[test]
    fn root_seeds_that_differ_are_drawn_apart_and_shared_units_together() {
        let units = correlated(1)[1].clone();
        let shifted = |shift: f64| units.iter().map(|unit| Some(unit + shift)).collect::<Vec<_>>();
        let (first, second) = ([shifted(0.0), shifted(1.0)], [shifted(0.0), shifted(1.0)]);
        // The units cancel. Root seeds drawn apart leave differences of -1 to 1.
        let apart = paired_difference([&first, &second], Pairing::Units, mean_of).unwrap();
        for (found, expected) in [(apart.low, -1.0), (apart.estimate, 0.0), (apart.high, 1.0)] {
            assert!((found - expected).abs() < 1e-9, "{apart:?}");
        }
        let together = paired_difference([&first, &second], Pairing::Seeds(Units::Shared), mean_of).unwrap();
        assert!(width(together) < 1e-9, "{together:?}");
        let fewer = paired_difference([&first[..1], &second], Pairing::Units, mean_of).unwrap();
        assert!((fewer.low + 1.0).abs() < 1e-9 && fewer.high.abs() < 1e-9, "{fewer:?}");
    }

    #[test]
    fn a_side_uses_the_units_that_it_measured() {
        let first = [vec![Some(1.0), Some(3.0), None, None]];
        let second = [vec![None, Some(1.0), Some(1.0), None]];
        let found = paired_difference([&first, &second], Pairing::Seeds(Units::Own), mean_of).unwrap();
        assert_eq!(found.estimate, 1.0);
        // A resample without a measured unit of one side is undefined.
        assert!(found.undefined > 0, "{found:?}");
        let nothing = [vec![None; 4]];
        assert_eq!(paired_difference([&first, &nothing], Pairing::Seeds(Units::Own), mean_of), None);
    }
}
