//! Tests of the rival search methods.
//!
//! Proposals are valid and repeat. On a reward with a known best, the methods find more than chance does.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smash::sampling::sample;
use smash::search::rivals::{SearchMethod, Trial, propose};
use smash::{Architecture, Limits, SearchSpace, Seed};

const RANDOM: SearchMethod = SearchMethod::Random {};

fn methods() -> [SearchMethod; 4] {
    [
        SearchMethod::RegularisedEvolution { population: 20, tournament: 5, probability: 0.05 },
        SearchMethod::CartesianGenetic { offspring: 2, probability: 0.05 },
        SearchMethod::QLearning { trials: 100, learning_rate: 0.05, replays: 5 },
        SearchMethod::Reinforce { learning_rate: 1.0, decay: 0.9 },
    ]
}

/// Falls from 1 to 0 as the ops get as wide as they can.
fn narrowness(space: &SearchSpace, architecture: &Architecture) -> f64 {
    let ops = architecture.blocks.iter().flat_map(|block| &block.ops);
    let units: usize = ops.map(|op| op.units).sum();
    1.0 - units as f64 / (architecture.op_count() * space.max_units()) as f64
}

/// The lowest error among `trials` trials, averaged over some seeds.
fn best_error(method: &SearchMethod, space: &SearchSpace, trials: usize) -> f64 {
    const SEEDS: u64 = 6;
    let best = |seed| {
        let mut history: Vec<Trial> = Vec::new();
        for _ in 0..trials {
            let architecture = propose(method, space, Seed(seed), &history);
            history.push(Trial { reward_error: Some(narrowness(space, &architecture)), architecture });
        }
        let errors = history.iter().filter_map(|trial| trial.reward_error);
        errors.fold(1.0, f64::min)
    };
    (0..SEEDS).map(best).sum::<f64>() / SEEDS as f64
}

#[test]
fn every_method_that_learns_beats_random_search() {
    let space = SearchSpace::smash_v1(4, 2);
    let random = best_error(&RANDOM, &space, 100);
    for method in methods() {
        let error = best_error(&method, &space, 100);
        assert!(error < random - 0.05, "{method:?}: {error}, random search {random}");
    }
}

/// Trials of sampled architectures with random errors, some of them failed.
fn history(space: &SearchSpace, trials: usize, rng: &mut ChaCha8Rng) -> Vec<Trial> {
    let trial = |_| Trial {
        architecture: sample(space, Limits::of(space), rng),
        reward_error: rng.random_bool(0.8).then(|| rng.random()),
    };
    (0..trials).map(trial).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn proposals_are_valid_and_depend_on_the_history_alone(
        v2: bool,
        depth in 1..=6usize,
        high in 0.05..=1.0f64,
        trials in 0..50usize,
        seed: u64,
    ) {
        let mut space = if v2 { SearchSpace::smash_v2(depth, 2) } else { SearchSpace::smash_v1(depth, 2) };
        space.budget = [0.3 * high, high];
        let history = history(&space, trials, &mut ChaCha8Rng::seed_from_u64(seed));
        for method in methods().into_iter().chain([RANDOM]) {
            let proposal = propose(&method, &space, Seed(seed), &history);
            prop_assert_eq!(proposal.validate(&space), Ok(()), "{:?}", method);
            prop_assert_eq!(&propose(&method, &space, Seed(seed), &history), &proposal, "{:?}", method);
        }
    }
}

#[test]
fn nothing_is_learned_from_failures() {
    let space = SearchSpace::smash_v1(4, 2);
    let mut failed = history(&space, 40, &mut ChaCha8Rng::seed_from_u64(1));
    failed.iter_mut().for_each(|trial| trial.reward_error = None);
    // Forty failures leave a method in the same state as forty other failures.
    let mut others = history(&space, 40, &mut ChaCha8Rng::seed_from_u64(2));
    others.iter_mut().for_each(|trial| trial.reward_error = None);
    for method in methods() {
        let [a, b] = [&failed, &others].map(|history| propose(&method, &space, Seed(3), history));
        assert_eq!(a, b, "{method:?}");
    }
}

#[test]
fn neutral_drift_follows_equal_errors() {
    let space = SearchSpace::smash_v1(4, 2);
    let method = SearchMethod::CartesianGenetic { offspring: 2, probability: 1e-9 };
    let mut trials = history(&space, 3, &mut ChaCha8Rng::seed_from_u64(4));
    for (errors, parent) in [([0.5, 0.5, 0.6], 1), ([0.5, 0.6, 0.4], 2), ([0.5, 0.6, 0.6], 0)] {
        trials.iter_mut().zip(errors).for_each(|(trial, error)| trial.reward_error = Some(error));
        let proposal = propose(&method, &space, Seed(5), &trials);
        // At this probability nothing is redrawn, so the proposal is its parent.
        assert_eq!(proposal, trials[parent].architecture, "{errors:?}");
    }
}

#[test]
fn settings_read_from_toml_names_and_are_checked() {
    let read = |json: &str| serde_json::from_str::<SearchMethod>(json);
    let method = read(r#"{"method": "q-learning", "trials": 9, "learning-rate": 0.1, "replays": 0}"#).unwrap();
    assert_eq!(method.validate(), Ok(()));
    assert_eq!(read(r#"{"method": "random"}"#).unwrap(), RANDOM);
    for unknown in [r#"{"method": "random", "trials": 9}"#, r#"{"method": "hill-climbing"}"#] {
        assert!(read(unknown).is_err(), "{unknown}");
    }
    for (method, setting) in [
        (SearchMethod::CartesianGenetic { offspring: 0, probability: 0.1 }, "offspring"),
        (SearchMethod::CartesianGenetic { offspring: 1, probability: 0.0 }, "probability"),
        (SearchMethod::QLearning { trials: 9, learning_rate: 1.5, replays: 1 }, "learning-rate"),
        (SearchMethod::Reinforce { learning_rate: 1.0, decay: 1.0 }, "decay"),
    ] {
        let error = method.validate().unwrap_err();
        assert_eq!(error.setting, setting, "{error}");
    }
}
