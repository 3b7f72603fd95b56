//! Tests of the costs in multiply-adds.

use smash::predictors::{CALIBRATION_IMAGES, Costs, LAST_LAYER_STEPS, steps_at_cost_of_score};
use smash::{Counts, Encoding};

use super::{TASK, architecture, hypernet, space};

#[test]
fn costs_are_sums_of_passes() {
    let space = space();
    let architecture = architecture(&space, 1);
    let costs = Costs::of(&space, TASK, Some(&hypernet()), &architecture);
    let forward = Counts::of(&space, TASK, &architecture).multiply_adds;
    assert_eq!(costs.resulting, forward);
    // The two networks have the same convolutions where no weights are cut.
    assert_eq!(costs.in_smash, forward);

    // Its convolutions one after the other: 7 new channels, a layer, half the width, a layer, and 2 D N^2 outputs.
    let [channels, units, slices] = Encoding::new(&space, &architecture).shape;
    let inputs = channels + 1;
    let halved = (inputs + 7 + 2) / 2;
    let weights =
        [9 * inputs * 7, 9 * (inputs + 7) * 2, 9 * (inputs + 9) * halved, 9 * halved * 2, (halved + 2) * 2 * 2 * 4];
    let generation = (weights.iter().sum::<usize>() * units * slices) as u64;
    assert_eq!(costs.generation, generation);

    assert_eq!(costs.score(60, 2), 2 * generation + 120 * forward);
    assert_eq!(costs.score_training_step(50), 3 * generation + 150 * forward);
    assert_eq!(costs.training(150), 450 * forward);
    assert_eq!(costs.synflow(), 2 * forward);
    assert_eq!(costs.naswot(32), 32 * forward);
    assert_eq!(costs.steps(4, 20, 60), (3 * 80 + CALIBRATION_IMAGES as u64 + 60) * forward);
    assert_eq!(costs.steps(0, 20, 60), 60 * forward);
    assert_eq!(costs.warm_score(4, 20, 60), generation + costs.steps(4, 20, 60));
    let last_layer = costs.channels * (2 * LAST_LAYER_STEPS as u64 * 10 + costs.channels);
    assert_eq!(costs.random_weights(150, 60), 310 * forward + 150 * last_layer);

    let shared = Costs::of(&space, TASK, None, &architecture);
    assert_eq!(shared.score(60, 1), 60 * forward);
}

#[test]
fn steps_take_as_many_passes_as_a_score() {
    assert_eq!(steps_at_cost_of_score(500, 2, 25), 13);
    assert_eq!(steps_at_cost_of_score(5000, 1, 50), 33);
    assert_eq!(steps_at_cost_of_score(10, 1, 50), 1);
}
