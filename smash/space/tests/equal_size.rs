//! Tests of hand-designed networks that are scaled to the size of another network.

use proptest::prelude::*;
use smash_space::baselines::Baseline;
use smash_space::equal_size::{SizeCount, nearest};
use smash_space::{Blueprint, Task};

/// A network of each kind, with a task that it fits.
fn networks() -> Vec<(Baseline, Task)> {
    let images = Task::of_images(3, 16, 10);
    let dropout = vec![0, 20, 40];
    vec![
        (Baseline::WideResnet { depth: 10, widen: 1 }, images),
        (Baseline::DensenetBc { depth: 16, growth: 12 }, images),
        (Baseline::Fractalnet { columns: 2, channels: vec![8, 16, 20], drop_path: true, dropout }, images),
        (Baseline::ShakeShake { depth: 8, width: 8 }, images),
        (Baseline::VoxelResnet { depth: 8, width: 8 }, Task { image_depth: 10, ..Task::of_images(1, 10, 10) }),
    ]
}

fn size(count: SizeCount, blueprint: &Blueprint) -> u64 {
    count.of(blueprint.counts())
}

/// Bisection needs this.
#[test]
fn counts_rise_with_the_width() {
    for (baseline, task) in networks() {
        for count in SizeCount::ALL {
            let sizes: Vec<u64> = (1..80).map(|width| size(count, &baseline.of_width(task, width).unwrap())).collect();
            assert!(sizes.is_sorted_by(|a, b| a < b), "{baseline:?}, {}: {sizes:?}", count.name());
        }
    }
}

#[test]
fn the_own_size_gives_the_network_itself() {
    for (baseline, task) in networks() {
        let own = baseline.blueprint(task).unwrap();
        for count in SizeCount::ALL {
            assert_eq!(nearest(&baseline, task, count, size(count, &own)).unwrap(), own);
        }
        assert_eq!(baseline.of_width(task, baseline.width()).unwrap(), own);
    }
    // The networks of table 1 at their own scale, and a factor between two whole ones.
    let cifar = Task::of_images(3, 32, 100);
    let wide = Baseline::WideResnet { depth: 28, widen: 10 };
    let name = |budget| nearest(&wide, cifar, SizeCount::Parameters, budget).unwrap().name;
    let own = wide.blueprint(cifar).unwrap().counts().parameters;
    assert_eq!([name(own), name(own + own / 100)], ["WRN-28-10", "WRN-28-10.0625"].map(String::from));
}

/// A width is the only thing that differs, and blocks keep their ratio.
#[test]
fn a_scaled_network_keeps_depth_and_steps() {
    for (baseline, task) in networks() {
        let own = baseline.blueprint(task).unwrap();
        let [small, large] = [24, 40].map(|width| baseline.of_width(task, width).unwrap());
        for scaled in [&small, &large] {
            assert_eq!(scaled.counts().depth, own.counts().depth, "{baseline:?}");
        }
        // A network as wide as its stem may lack the projection of its first block.
        assert_eq!(small.steps.len(), large.steps.len(), "{baseline:?}");
    }
    let (fractal, task) = networks().swap_remove(2);
    assert_eq!(fractal.of_width(task, 12).unwrap().name, "FractalNet of 2 columns, 12-24-30 channels");
}

#[test]
fn a_network_that_cannot_be_built_is_refused_at_any_size() {
    let error =
        nearest(&Baseline::WideResnet { depth: 11, widen: 1 }, Task::of_images(3, 16, 10), SizeCount::Parameters, 9);
    assert!(error.unwrap_err().to_string().contains("6 N + 4"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_width_is_nearer_to_the_budget(kind in 0..5_usize, count in 0..2_usize, exponent in 0.0..6.0f64) {
        let (baseline, task) = networks().swap_remove(kind);
        let (count, budget) = (SizeCount::ALL[count], 10_f64.powf(exponent) as u64);
        let found = size(count, &nearest(&baseline, task, count, budget).unwrap()).abs_diff(budget);
        let others = (1..200).map(|width| size(count, &baseline.of_width(task, width).unwrap()).abs_diff(budget));
        prop_assert_eq!(Some(found), others.min());
    }
}
