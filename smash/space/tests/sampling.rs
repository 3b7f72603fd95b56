//! Laws of sampling and perturbation: every draw is valid, repeats by seed, and survives its stored form.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use smash_space::error::ArchitectureError;
use smash_space::sampling::{Sampling, perturb, sample};
use smash_space::space::Bottleneck;
use smash_space::{Architecture, Counts, Limits, SearchSpace, Task};

/// Small spaces of both kinds, at budgets down to one that fits only the smallest ops.
fn spaces() -> impl Strategy<Value = SearchSpace> {
    let kinds = prop_oneof![
        (1..=6usize, 2..=4usize).prop_map(|(depth, width)| SearchSpace::smash_v1(depth, width)),
        (1..=6usize, 1..=4usize).prop_map(|(depth, width)| SearchSpace::smash_v2(depth, width)),
    ];
    (kinds, 0.01..=1.0f64, 0.1..=1.0f64).prop_map(|(mut space, high, share)| {
        space.budget = [high * share, high];
        space
    })
}

/// A space with limits within it. The largest budget may lie below the space's smallest one.
fn limited_spaces() -> impl Strategy<Value = (SearchSpace, Limits)> {
    (spaces(), 0.05..=1.0f64, any::<prop::sample::Index>()).prop_map(|(space, share, kernel)| {
        let limits = Limits {
            max_budget: share * space.budget[1],
            max_kernel: *kernel.get(&SearchSpace::kernels(space.max_kernel)),
        };
        (space, limits)
    })
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn kernel_sizes(architecture: &Architecture) -> impl Iterator<Item = usize> {
    let ops = architecture.blocks.iter().flat_map(|block| &block.ops);
    ops.flat_map(|op| op.convs.iter().flatten()).flat_map(|conv| conv.kernel)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn samples_are_valid_and_within_the_limits((space, limits) in limited_spaces(), seed: u64) {
        prop_assert_eq!(space.validate(), Ok(()));
        let architecture = sample(&space, limits, &mut rng(seed));
        prop_assert_eq!(architecture.validate(&space), Ok(()));
        prop_assert!(kernel_sizes(&architecture).all(|kernel| kernel <= limits.max_kernel));
        for (index, block) in architecture.blocks.iter().enumerate() {
            let budget = space.slice_budget(index, limits.max_budget, block.bank_size);
            prop_assert!(block.slices(&space) <= budget, "block {}: {:?}, budget {}", index, block, budget);
        }
    }

    #[test]
    fn size_balanced_samples_are_valid_within_the_limits_and_repeat((space, limits) in limited_spaces(), seed: u64) {
        let draw = || Sampling::SizeBalanced.draw(&space, limits, Task::of_images(3, 8, 10), &mut rng(seed));
        let architecture = draw();
        prop_assert_eq!(architecture.validate(&space), Ok(()));
        prop_assert!(kernel_sizes(&architecture).all(|kernel| kernel <= limits.max_kernel));
        for (index, block) in architecture.blocks.iter().enumerate() {
            let budget = space.slice_budget(index, limits.max_budget, block.bank_size);
            prop_assert!(block.slices(&space) <= budget, "block {}: {:?}, budget {}", index, block, budget);
        }
        prop_assert_eq!(draw(), architecture);
    }

    #[test]
    fn the_stored_form_gives_the_same_architecture((space, limits) in limited_spaces(), seed: u64) {
        let architecture = sample(&space, limits, &mut rng(seed));
        prop_assert_eq!(Architecture::from_json(&architecture.to_json()), Ok(architecture));
    }

    #[test]
    fn the_same_seed_gives_the_same_draws((space, limits) in limited_spaces(), seed: u64) {
        let draw = || {
            let mut rng = rng(seed);
            let architecture = sample(&space, limits, &mut rng);
            let changed = perturb(&space, &architecture, 0.5, &mut rng);
            (architecture, changed)
        };
        prop_assert_eq!(draw(), draw());
    }

    #[test]
    fn chained_perturbations_stay_valid(
        (space, limits) in limited_spaces(),
        probability in prop::sample::select(vec![0.05, 0.5]),
        seed: u64,
    ) {
        let mut rng = rng(seed);
        let mut architecture = sample(&space, limits, &mut rng);
        let ops = architecture.op_count();
        for step in 0..20 {
            architecture = perturb(&space, &architecture, probability, &mut rng);
            prop_assert_eq!(architecture.validate(&space), Ok(()), "after perturbation {}", step);
            prop_assert_eq!(architecture.op_count(), ops);
        }
    }

    #[test]
    fn a_perturbation_with_probability_0_changes_nothing((space, limits) in limited_spaces(), seed: u64) {
        let mut rng = rng(seed);
        let architecture = sample(&space, limits, &mut rng);
        prop_assert_eq!(perturb(&space, &architecture, 0.0, &mut rng), architecture);
    }

    #[test]
    fn v1_samples_read_in_threes_from_banks_of_n_channels(depth in 1..=6usize, width in 2..=4usize, seed: u64) {
        let space = SearchSpace::smash_v1(depth, width);
        let architecture = sample(&space, Limits::of(&space), &mut rng(seed));
        for block in &architecture.blocks {
            prop_assert_eq!(block.bank_size, 1);
            for op in &block.ops {
                prop_assert!(op.reads.len().is_multiple_of(3), "{:?}", op);
                prop_assert_eq!(op.pattern(), [true, false, false, false]);
            }
        }
    }
}

#[test]
fn the_width_rule_changes_no_draw() {
    let paper = SearchSpace::smash_v1(6, 4);
    let released = SearchSpace { bottleneck: Bottleneck::Released { ratio: 4, cap: 2 }, ..paper.clone() };
    assert_eq!(released.validate(), Ok(()));
    for seed in 0..20 {
        let draw = |space: &SearchSpace| sample(space, Limits::of(space), &mut rng(seed));
        assert_eq!(draw(&paper), draw(&released));
        assert_eq!(draw(&paper).validate(&released), Ok(()));
    }
}

#[test]
fn different_seeds_give_different_architectures() {
    let space = SearchSpace::smash_v2(6, 4);
    let draw = |seed| sample(&space, Limits::of(&space), &mut rng(seed));
    assert_ne!(draw(1), draw(2));
}

/// How often ops have 1, 2, ... output units, over 300 architectures.
fn unit_counts(space: &SearchSpace) -> Vec<usize> {
    let mut rng = rng(7);
    let mut counts = vec![0; space.max_units()];
    for _ in 0..300 {
        let architecture = sample(space, Limits::of(space), &mut rng);
        let ops = architecture.blocks.iter().flat_map(|block| &block.ops);
        ops.for_each(|op| counts[op.units - 1] += 1);
    }
    counts
}

/// Appendix A: "slight preference to having all four convolutions active".
#[test]
fn v2_samples_have_all_four_convolutions_more_often_than_any_other_pattern() {
    let space = SearchSpace::smash_v2(6, 2);
    let mut counts = std::collections::BTreeMap::<[bool; 4], usize>::new();
    for seed in 0..300 {
        let architecture = sample(&space, Limits::of(&space), &mut rng(seed));
        let ops = architecture.blocks.iter().flat_map(|block| &block.ops);
        ops.for_each(|op| *counts.entry(op.pattern()).or_default() += 1);
    }
    let all_four = counts.remove(&[true; 4]).unwrap();
    assert!(counts.len() > 1 && counts.values().all(|&count| count < all_four), "{all_four} with all four, {counts:?}");
}

#[test]
fn v1_samples_have_uniformly_distributed_units() {
    let counts = unit_counts(&SearchSpace::smash_v1(6, 4));
    let total: usize = counts.iter().sum();
    let share = 1.0 / counts.len() as f64;
    // Five standard deviations of a binomial count.
    let tolerance = 5.0 * (total as f64 * share * (1.0 - share)).sqrt();
    for &count in &counts {
        let deviation = (count as f64 - total as f64 * share).abs();
        assert!(deviation < tolerance, "{counts:?}, tolerance {tolerance}");
    }
}

#[test]
fn another_format_version_is_refused() {
    let text = r#"{"version":2,"blocks":[]}"#;
    assert_eq!(Architecture::from_json(text), Err(ArchitectureError::Version { found: 2, known: 1 }));
}

#[test]
fn unknown_and_missing_fields_are_refused_by_name() {
    for (text, field) in [
        (r#"{"version":1,"blocks":[],"name":"x"}"#, "name"),
        (r#"{"version":1,"blocks":[{"bank_size":1,"ops":[],"colour":1}]}"#, "colour"),
        (r#"{"version":1}"#, "blocks"),
        (r#"{"blocks":[]}"#, "version"),
    ] {
        match Architecture::from_json(text) {
            Err(ArchitectureError::Json(reason)) => {
                assert!(reason.contains(field), "{text}: {reason}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// How far 800 draws are from uniform in the logarithm of multiply-adds. The range between the 2nd and the 98th
/// percentile of the paper's draws is cut into eighths. The result is the share of draws that would have to move to
/// another eighth. Draws beyond the range count to the first or the last eighth.
fn unevenness(sampling: Sampling, space: &SearchSpace) -> f64 {
    let task = Task::of_images(3, 16, 10);
    let sizes = |sampling: Sampling, seed| -> Vec<f64> {
        let mut rng = rng(seed);
        let draw = |_| Counts::of(space, task, &sampling.draw(space, Limits::of(space), task, &mut rng));
        (0..800).map(draw).map(|counts| (counts.multiply_adds as f64).ln()).collect()
    };
    let mut reference = sizes(Sampling::Paper, 1);
    reference.sort_by(f64::total_cmp);
    let (low, high) = (reference[16], reference[783]);
    let mut shares = [0.0; 8];
    for size in sizes(sampling, 2) {
        shares[((size - low) / (high - low) * 8.0).clamp(0.0, 7.0) as usize] += 1.0 / 800.0;
    }
    shares.iter().map(|share| (share - 0.125f64).abs()).sum::<f64>() / 2.0
}

#[test]
fn size_balanced_samples_are_more_even_in_size_than_the_papers() {
    let laptop = SearchSpace {
        base_channels: 3,
        max_channels: 12,
        depth_compression: 2,
        budget: [0.02, 1.0],
        ..SearchSpace::smash_v1(2, 1)
    };
    for space in [laptop, SearchSpace::smash_v2(4, 2)] {
        let [paper, balanced] = [Sampling::Paper, Sampling::SizeBalanced].map(|sampling| unevenness(sampling, &space));
        assert!(balanced < 0.5 * paper, "{balanced} against {paper}");
    }
}
