//! Tests of levels, differences and pairing.

use super::*;
use crate::summaries::correlation::{Predictor, points};
use crate::summaries::made_up::{self, score};

/// Number of architectures of each root seed.
const N: u32 = 20;

/// A study whose scores and true errors are functions of root seed and architecture. `list` gives the list of architectures
/// of a root seed.
fn side(seeds: &[u64], list: impl Fn(u64) -> u64, point: impl Fn(u64, u32) -> Point) -> Side {
    let by_seed = |seed: &u64| (*seed, (0..N).map(|index| (index, point(*seed, index))).collect());
    let points: BySeed<Point> = seeds.iter().map(by_seed).collect();
    let scores = |points: &BTreeMap<u32, Point>| points.iter().map(|(&index, point)| (index, point.0)).collect();
    let hashes = |seed: u64| (0..N).map(|index| (index, format!("{}-{index}", list(seed)))).collect();
    Side {
        architectures: seeds.iter().map(|&seed| (seed, hashes(seed))).collect(),
        scores: points.iter().map(|(&seed, points)| (seed, scores(points))).collect(),
        ranks: ranked(&points),
        points,
        tau: None,
        units: Units::Own,
        weights_ratio: None,
    }
}

/// A study of root seed 0 with scores from `level` up. True errors rise with the scores or fall.
fn simple(level: f64, is_rising: bool) -> Side {
    let point = |_: u64, index: u32| {
        let n = f64::from(index);
        (level + n / 1000.0, if is_rising { n } else { -n })
    };
    side(&[0], |_| 0, point)
}

#[test]
fn level_and_tau_fall_from_the_reference_to_the_study() {
    let contrast = contrast(&simple(0.3, false), &simple(0.5, true));
    let level = contrast.level_drop.unwrap();
    assert!((level.estimate - 0.2).abs() < 1e-12 && level.low > 0.19 && level.high < 0.21, "{level:?}");
    assert_eq!(contrast.tau_drop.unwrap().estimate, 2.0);
    assert!(contrast.to_string().contains("learned / generated weights not counted"));
}

/// Two of 20 architectures are the best tenth: by the reference's score those with the true errors 0 and 1, by the study's
/// those with 18 and 19.
#[test]
fn the_best_tenth_by_another_score_has_another_true_error() {
    let backwards = side(&[0], |_| 0, |_, index| (f64::from(N - index), f64::from(index)));
    let contrast = contrast(&backwards, &simple(0.5, true));
    assert_eq!([contrast.own.top, contrast.reference.top].map(|top| top.unwrap().estimate), [18.5, 0.5]);
    let rise = contrast.top_rise.unwrap();
    assert_eq!(rise.estimate, 18.0);
    assert!(rise.low > 10.0, "{rise:?}");
}

/// Scores differ by 0.2 in every architecture, and by much more between architectures.
#[test]
fn the_same_architectures_are_paired_and_others_are_independent_samples() {
    let at = |level: f64| move |_: u64, index: u32| (level + f64::from(index), f64::from(index));
    let (own, reference) = (side(&[0], |_| 0, at(0.3)), side(&[0], |_| 0, at(0.5)));
    let paired = contrast(&own, &reference);
    assert_eq!(paired.pairing, Some(Pairing::Seeds(Units::Shared)));
    let drop = paired.level_drop.unwrap();
    assert!(drop.low > 0.199 && drop.high < 0.201, "{drop:?}");
    assert!(paired.to_string().contains("Both have the same root seeds and architectures."), "{paired}");

    let other = contrast(&own, &side(&[0], |_| 1, at(0.5)));
    assert_eq!(other.pairing, None);
    let scores = |side: &Side| groups(&side.scores);
    let independent = bootstrap_difference((&scores(&reference), Units::Own), (&scores(&own), Units::Own), |values| {
        Some(mean(values))
    });
    assert_eq!(other.level_drop, independent);
    let wide = other.level_drop.unwrap();
    assert!((wide.estimate - drop.estimate).abs() < 1e-12 && wide.low < -1.0 && wide.high > 1.0, "{wide:?}");
    assert!(other.to_string().contains("independent samples"), "{other}");
}

#[test]
fn root_seeds_and_architectures_decide_what_is_paired() {
    let point = |_: u64, index: u32| (f64::from(index), f64::from(index));
    let of_own = |seeds: &[u64]| side(seeds, |seed| seed, point);
    let of_one = |seeds: &[u64]| side(seeds, |_| 7, point);
    assert_eq!(pairing(&of_own(&[0, 1]), &of_own(&[0, 1])), Some(Pairing::Seeds(Units::Own)));
    assert_eq!(pairing(&of_own(&[0, 1]), &of_own(&[0])), None);
    assert_eq!(pairing(&of_one(&[0, 1]), &of_one(&[0, 1])), Some(Pairing::Seeds(Units::Shared)));
    assert_eq!(pairing(&of_one(&[0, 1]), &of_one(&[2])), Some(Pairing::Units));
    assert_eq!(pairing(&of_own(&[0, 1]), &of_one(&[0, 1])), None);
}

#[test]
fn an_architecture_without_a_score_is_left_out_of_one_side_only() {
    let reference = simple(0.5, true);
    let mut own = simple(0.3, true);
    own.scores.get_mut(&0).unwrap().remove(&19);
    let paired = contrast(&own, &reference);
    // The architecture with the highest score is missing, so the mean of the others is lower by half a step.
    assert!((paired.level_drop.unwrap().estimate - 0.2005).abs() < 1e-12, "{paired:?}");
    assert_eq!((paired.own.scored, paired.reference.scored), (19, 20));
}

#[test]
fn scores_are_averaged_over_draws_and_ratios_over_architectures_and_seeds() {
    let architectures = [0, 1, 2].map(|index| made_up::architecture(0, index));
    let scores =
        [score(0, 0, 0, Some(0.25)), score(0, 0, 1, Some(0.75)), score(0, 1, 0, None), score(0, 2, 0, Some(0.5))];
    let weights = |seed, architecture, learned| WeightsRow { seed, architecture, generated: 100, learned };
    let weights = [weights(0, 0, 100), weights(0, 1, 300), weights(1, 0, 400)];
    let points = points(&[], &Predictor::score(&scores, Measure::Error), &[]).unwrap();
    let side = Side::new(&points, None, &architectures, &scores, Some(&weights));
    assert_eq!(side.in_order(&side.scores), [[Some(0.5), None, Some(0.5)]]);
    assert_eq!(side.weights_ratio, Some(3.0));
    assert_eq!(side.measures().scored, 2);
}
