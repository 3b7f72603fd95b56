//! Tests of pairing, verdicts and planted changes.
//!
//! Planted changes of known size are found as often as stated. Planted noise is not.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::summaries::made_up::{self, score, truth};
use crate::tables::Status;

const KENDALL: Statistic = Statistic::ALL[0].1;

fn change(paired: &Paired, statistic: Statistic, resamples: usize) -> Change {
    changes(paired, &[statistic], resamples).remove(0)
}

/// Adds an architecture with its draws and trainings; `None` is a failure. Without trainings it was not trained.
fn add(tables: &mut Tables, seed: u64, architecture: u32, draws: &[Option<f64>], trainings: &[Option<f64>]) {
    let draws = (0..).zip(draws).map(|(draw, &error)| score(seed, architecture, draw, error));
    let trainings = (0..).zip(trainings).map(|(index, &error)| truth(seed, architecture, index, error));
    tables.architectures.push(made_up::architecture(seed, architecture));
    tables.scores.extend(draws);
    tables.true_errors.extend(trainings);
}

/// One root seed with a score and a true error for each architecture.
fn tables(points: &[Point]) -> Tables {
    let mut tables = Tables::default();
    for (architecture, &(score, error)) in (0..).zip(points) {
        add(&mut tables, 0, architecture, &[Some(score)], &[Some(error)]);
    }
    tables
}

#[test]
fn both_sides_are_joined_by_seed_and_architecture() {
    let (mut base, mut head) = (Tables::default(), Tables::default());
    add(&mut base, 0, 0, &[Some(0.25), Some(0.75)], &[Some(0.5), None]);
    add(&mut base, 0, 1, &[Some(0.5), None], &[]);
    add(&mut base, 4, 0, &[Some(0.5)], &[Some(0.5)]);
    add(&mut head, 0, 1, &[Some(0.25)], &[None]);
    add(&mut head, 0, 0, &[Some(0.5)], &[Some(0.25), Some(0.75)]);
    add(&mut head, 7, 0, &[Some(0.5)], &[Some(0.5)]);
    let paired = pair(&base, &head).unwrap();
    let expected = [
        Pair { scores: [Some(0.5), Some(0.5)], score_errors: [Some(0.5), Some(0.5)], errors: [Some(0.5), Some(0.5)] },
        Pair { scores: [None, Some(0.25)], score_errors: [None, Some(0.25)], errors: [None, None] },
    ];
    assert_eq!(paired.seeds, BTreeMap::from([(0, expected.to_vec())]));
    assert_eq!((paired.counts(), paired.shared_errors), ([1, 1, 1], false));
}

#[test]
fn architectures_are_ranked_by_loss_where_the_study_says_so() {
    let sides = [Measure::Error, Measure::Loss].map(|by| {
        let mut tables = tables(&[(0.1, 0.2), (0.2, 0.3), (0.3, 0.4)]);
        for (row, loss) in tables.scores.iter_mut().zip([3.0, 2.0, 1.0]) {
            row.loss = Some(loss);
        }
        Tables { by, ..tables }
    });
    let paired = pair(&sides[0], &sides[1]).unwrap();
    let values = |statistic| change(&paired, statistic, 10).values;
    let kendall = Statistic::Ranking(Ranking::Coefficient(Coefficient::Kendall));
    assert_eq!(values(kendall), [Some(1.0), Some(-1.0)]);
    // People read this statistic in percent, so it is a mean of errors.
    let [base, head] = values(Statistic::MeanScore).map(Option::unwrap);
    assert!((base - 0.2).abs() < 1e-12 && base == head, "{base} {head}");
}

#[test]
fn other_architectures_are_another_sampling() {
    let points = [(0.1, 0.2), (0.3, 0.4)];
    let base = tables(&points);
    let check = |head: Tables, expected: &str| {
        let reason = pair(&base, &head).unwrap_err();
        assert_eq!(reason.to_string(), format!("sampling: {expected}"));
    };
    let mut other = tables(&points);
    other.architectures[1].hash = "other".to_owned();
    check(other, "architecture 1 of seed 0 is 0000000000000001 in base, other in head");
    check(tables(&points[..1]), "seed 0 has 2 architectures in base, 1 in head");
    let mut moved = Tables::default();
    add(&mut moved, 1, 0, &[Some(0.1)], &[]);
    check(moved, "no root seed in common, 0 in base, 1 in head");
}

/// Twelve architectures; base trained the first eight and head the last eight. `changed` of head's errors differ.
fn partly_trained(changed: u32) -> Paired {
    let (mut base, mut head) = (Tables::default(), Tables::default());
    for architecture in 0..12 {
        let score = Some(f64::from(architecture) / 12.0);
        let error = |wrong: bool| Some(f64::from(architecture * 5 % 12) / 24.0 + if wrong { 0.01 } else { 0.0 });
        let trained =
            |is_trained: bool, wrong: bool| is_trained.then_some(error(wrong)).into_iter().collect::<Vec<_>>();
        add(&mut base, 0, architecture, &[score], &trained(architecture < 8, false));
        let wrong = (4..4 + changed).contains(&architecture);
        add(&mut head, 0, architecture, &[score], &trained(architecture >= 4, wrong));
    }
    pair(&base, &head).unwrap()
}

#[test]
fn trainings_that_have_not_changed_count_on_both_sides() {
    let shared = partly_trained(0);
    assert_eq!((shared.counts(), shared.shared_errors), ([12, 12, 12], true));
    let own = partly_trained(1);
    assert_eq!((own.counts(), own.shared_errors), ([8, 8, 4], false));
    // All statistics of a ranking share one sort, which changes none of them.
    let all = Statistic::ALL.map(|(_, statistic)| statistic);
    assert_eq!(changes(&own, &all, 100), all.map(|statistic| change(&own, statistic, 100)));
    // The mean error is over the architectures that both sides trained.
    let found = change(&own, Statistic::MeanError, 100);
    let expected = (4..8).map(|i| f64::from(i * 5 % 12) / 24.0).sum::<f64>() / 4.0;
    assert!((found.values[0].unwrap() - expected).abs() < 1e-12);
    assert!((found.interval.unwrap().estimate - 0.01 / 4.0).abs() < 1e-12);
}

#[test]
fn equal_tables_have_not_changed() {
    let points: Vec<Point> = (0..20).map(|i| (f64::from(i * 7 % 20), f64::from(i * 3 % 20))).collect();
    let paired = pair(&tables(&points), &tables(&points)).unwrap();
    for (_, statistic) in Statistic::ALL {
        let change = change(&paired, statistic, 200);
        let interval = change.interval.unwrap();
        assert_eq!([interval.estimate, interval.low, interval.high], [0.0; 3], "{statistic:?}");
        assert_eq!((change.detectable, change.judge()), (Some(0.0), Verdict::NoDifference));
        assert_eq!(change.values, [change.values[0]; 2]);
    }
}

#[test]
fn better_means_higher_or_lower_depending_on_the_statistic() {
    // The head ranks the other way round, and all its scores and errors are higher.
    let points: Vec<Point> = (0..20).map(|i| (f64::from(i), f64::from(i))).collect();
    let worse: Vec<Point> = points.iter().map(|&(x, y)| (60.0 - x, y + 1.0)).collect();
    let verdicts = |base: &[Point], head: &[Point]| {
        let paired = pair(&tables(base), &tables(head)).unwrap();
        Statistic::ALL.map(|(_, statistic)| change(&paired, statistic, 200).judge())
    };
    for (index, verdict) in verdicts(&points, &worse).into_iter().enumerate() {
        assert_eq!(verdict, Verdict::Regressed, "{}", Statistic::ALL[index].0);
    }
    for (index, verdict) in verdicts(&worse, &points).into_iter().enumerate() {
        assert_eq!(verdict, Verdict::Improved, "{}", Statistic::ALL[index].0);
    }
}

#[test]
fn undefined_statistics_give_no_verdict() {
    let three = tables(&[(0.1, 0.3), (0.2, 0.2), (0.3, 0.1)]);
    let turned = tables(&[(0.3, 0.3), (0.2, 0.2), (0.1, 0.1)]);
    let small = change(&pair(&three, &turned).unwrap(), KENDALL, 200);
    assert!(small.interval.unwrap().undefined > 0);
    assert_eq!(small.judge(), Verdict::NoDifference);

    let mut failed = three.clone();
    failed.true_errors.iter_mut().for_each(|row| (row.status, row.error) = (Status::Failed, None));
    let Verdict::NotComparable(reasons) = change(&pair(&three, &failed).unwrap(), KENDALL, 200).judge() else {
        panic!("a side without true errors cannot be judged");
    };
    assert_eq!(reasons[0].to_string(), "statistic: Kendall τ is undefined in head");
}

#[test]
fn names_of_statistics_are_read_back() {
    for (name, statistic) in Statistic::ALL {
        assert_eq!((name.parse(), statistic.name()), (Ok(statistic), name));
    }
    assert!("tau".parse::<Statistic>().unwrap_err().starts_with("expected one of kendall"));
}

/// A value of the standard normal distribution, by the Box-Muller transform.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// Two sides whose scores have these correlations with the same true errors, and nothing else in common.
fn planted(correlations: [f64; 2], n: u32, seeds: u64, rng: &mut ChaCha8Rng) -> Paired {
    let (mut base, mut head) = (Tables::default(), Tables::default());
    for (seed, architecture) in (0..seeds).flat_map(|seed| (0..n).map(move |architecture| (seed, architecture))) {
        let truth = normal(rng);
        for (side, r) in [&mut base, &mut head].into_iter().zip(correlations) {
            let score = r * truth + (1.0 - r * r).sqrt() * normal(rng);
            add(side, seed, architecture, &[Some(score)], &[Some(truth)]);
        }
    }
    pair(&base, &head).unwrap()
}

/// Makes 100 comparisons. Returns the number of regressions, the number of improvements, and the mean detectable change.
fn hundred(correlations: [f64; 2], n: u32, seeds: u64) -> (usize, usize, f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut regressed, mut improved, mut detectable) = (0, 0, 0.0);
    for _ in 0..100 {
        let found = change(&planted(correlations, n, seeds, &mut rng), KENDALL, 400);
        regressed += usize::from(found.judge() == Verdict::Regressed);
        improved += usize::from(found.judge() == Verdict::Improved);
        detectable += found.detectable.unwrap() / 100.0;
    }
    (regressed, improved, detectable)
}

/// Kendall's tau of two normal variables with this correlation.
fn tau(correlation: f64) -> f64 {
    std::f64::consts::FRAC_2_PI * correlation.asin()
}

/// Three standard deviations of how many of 100 comparisons have a verdict of probability `share`.
fn slack(share: f64) -> f64 {
    3.0 * (100.0 * share * (1.0 - share)).sqrt()
}

#[test]
fn a_planted_regression_of_detectable_size_is_found_in_four_of_five() {
    let correlations = [0.7, 0.31];
    let planted = tau(correlations[0]) - tau(correlations[1]);
    let (regressed, improved, detectable) = hundred(correlations, 60, 1);
    assert!((detectable / planted - 1.0).abs() < 0.1, "detectable {detectable}, planted {planted}");
    assert!((regressed as f64 - 80.0).abs() < slack(0.8), "{regressed} of 100 found");
    assert_eq!(improved, 0);
}

#[test]
fn with_more_root_seeds_a_planted_regression_is_found_more_often_than_stated() {
    let correlations = [0.7, 0.27];
    let planted = tau(correlations[0]) - tau(correlations[1]);
    let (regressed, improved, detectable) = hundred(correlations, 30, 3);
    assert!((detectable / planted - 1.0).abs() < 0.1, "detectable {detectable}, planted {planted}");
    assert!(regressed as f64 > 80.0 - slack(0.8), "{regressed} of 100 found");
    assert_eq!(improved, 0);
}

#[test]
fn planted_noise_is_found_no_more_often_than_stated() {
    for (n, seeds) in [(60, 1), (30, 3)] {
        let (regressed, improved, _) = hundred([0.7, 0.7], n, seeds);
        assert!(regressed as f64 <= 2.5 + slack(0.025), "{regressed} of 100 regressed");
        assert!(improved as f64 <= 2.5 + slack(0.025), "{improved} of 100 improved");
    }
}

#[test]
fn the_same_resample_on_both_sides_sees_smaller_changes() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let independent = change(&planted([0.7, 0.7], 60, 1, &mut rng), KENDALL, 400);
    let points: Vec<Point> = (0..60)
        .map(|_| {
            let truth = normal(&mut rng);
            (0.7 * truth + 0.7 * normal(&mut rng), truth)
        })
        .collect();
    let nearly: Vec<Point> = points.iter().map(|&(x, y)| (x + 0.1 * normal(&mut rng), y)).collect();
    let paired = change(&pair(&tables(&points), &tables(&nearly)).unwrap(), KENDALL, 400);
    assert!(paired.detectable.unwrap() < independent.detectable.unwrap() / 2.0);
}
