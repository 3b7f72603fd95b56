//! Tests of the switches that depart from the paper's way to train and score.
//!
//! Each switch has its stated effect, alone and with the others.

mod tiny;

use std::num::NonZero;

use burn_flex::{Flex, FlexDevice};
use smash::sampling::Sampling;
use smash::scoring::{ScoreNorm, ScoreStatistics, score, score_noise, score_normalised_by};
use smash::space::Compression;
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::training::evaluation::negative_log_likelihood;
use smash::training::optimiser::Adam;
use smash::{
    Examples, HyperNetConfig, LearnedConvolutions, Mode, Noise, SearchSpace, Seed, SmashNet, SmashTrainer,
    SmashTraining, Stream,
};
use tiny::{B, TASK, architecture, smash_trainer, space, with_examples};

const EPOCHS: usize = 3;

fn plain() -> SmashTraining {
    SmashTraining::plain(EPOCHS, 10, 1e-3)
}

fn all_switched() -> SmashTraining {
    SmashTraining {
        architectures_per_step: 2,
        sampling: Sampling::SizeBalanced,
        average_last: Some(2),
        noise: false,
        learned_convolutions: LearnedConvolutions::PerBlock(2),
        ..plain()
    }
}

fn recalibrated(batches: usize) -> ScoreStatistics {
    let batches = NonZero::new(batches).unwrap();
    ScoreStatistics::Recalibrated { batches }
}

fn train(trainer: &mut SmashTrainer<B>, settings: &SmashTraining, examples: Examples<'_, Flex>) {
    trainer.train_epoch(settings, examples, Seed(5), &|| true).unwrap();
}

fn trained(settings: &SmashTraining, epochs: usize, examples: Examples<'_, Flex>) -> SmashTrainer<B> {
    let mut trainer = smash_trainer(settings);
    (0..epochs).for_each(|_| train(&mut trainer, settings, examples));
    trainer
}

fn tensors(net: &SmashNet<B>) -> Checkpoint {
    let mut checkpoint = Checkpoint::default();
    checkpoint.add("hypernet", &net.hypernet);
    checkpoint.add("main", &net.main);
    checkpoint
}

#[test]
fn a_switch_that_is_off_is_not_written() {
    let text = serde_json::to_string(&plain()).unwrap();
    for key in ["architectures-per-step", "sampling", "average-last", "noise", "learned-convolutions"] {
        assert!(!text.contains(key), "{text}");
        assert!(serde_json::to_string(&all_switched()).unwrap().contains(key));
    }
    assert_eq!(serde_json::from_str::<SmashTraining>(&text).unwrap(), plain());
}

#[test]
fn a_training_with_switches_resumes_bit_for_bit() {
    let alone = [
        SmashTraining { architectures_per_step: 3, ..plain() },
        SmashTraining { average_last: Some(EPOCHS), ..plain() },
        SmashTraining { learned_convolutions: LearnedConvolutions::OneForAll, ..plain() },
    ];
    with_examples(|examples| {
        for settings in alone.iter().chain([&all_switched()]) {
            let whole = trained(settings, EPOCHS, examples);
            let new = || smash_trainer(settings);
            let mut resumed = new();
            for _ in 0..EPOCHS {
                train(&mut resumed, settings, examples);
                let bytes = resumed.checkpoint().to_bytes();
                resumed = new();
                let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
                resumed.restore(checkpoint).unwrap();
            }
            assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes(), "{settings:?}");
            let (resumed, whole) = (resumed.network(settings), whole.network(settings));
            assert_eq!(tensors(&resumed), tensors(&whole), "{settings:?}");
            assert_eq!(resumed.noise, settings.noise);
        }
    });
}

#[test]
fn a_network_trained_with_all_switches_is_scored_by_the_chosen_statistics() {
    with_examples(|examples| {
        let net = trained(&all_switched(), EPOCHS, examples).network(&all_switched()).valid();
        let losses = [ScoreStatistics::Running, ScoreStatistics::Batch, recalibrated(3)].map(|statistics| {
            let norm = statistics.prepare(examples, 10, Seed(5));
            let noise = score_noise(Seed(5), 0);
            let score = score_normalised_by(&norm, &net, &architecture(0), &noise, examples).unwrap();
            // A multiple of one in 40 images.
            let wrong = score.error * 40.0;
            assert!((0.0..=40.0).contains(&wrong) && (wrong - wrong.round()).abs() < 1e-9, "{score:?}");
            score.loss
        });
        let [running, batch, recalibrated] = losses;
        assert!(running != batch && batch != recalibrated && running != recalibrated, "{losses:?}");
    });
}

#[test]
fn every_architecture_of_a_step_is_counted_and_drawn_anew() {
    let several = SmashTraining { architectures_per_step: 3, ..plain() };
    with_examples(|examples| {
        let counted = |settings: &SmashTraining| trained(settings, 1, examples).history[0].error;
        let passes = counted(&several) * 3.0 * 40.0;
        assert!((passes - passes.round()).abs() < 1e-9, "{passes}");
        assert_ne!(counted(&several), counted(&plain()));
    });
}

#[test]
fn gradients_of_several_losses_equal_those_of_their_mean() {
    with_examples(|examples| {
        let trainer = smash_trainer(&plain());
        let net = &trainer.net;
        let (images, labels) = examples.images.batch(&[0, 1, 2, 3], None);
        let loss = |index| {
            let architecture = architecture(index);
            let weights = net.generate(&architecture, &score_noise(Seed(5), 0));
            let images = burn::Tensor::from_inner(images.clone());
            let (output, _) = net.forward(&architecture, &weights, images, Mode::Train);
            negative_log_likelihood(output, burn::Tensor::from_inner(labels.clone()), 0.0)
        };
        assert_ne!(architecture(0), architecture(1));
        let apart = [loss(0).backward(), loss(1).backward()];
        let together = [((loss(0) + loss(1)) / 2.0).backward()];
        let step = |gradients: &[_]| {
            let mut net = net.clone();
            net.hypernet = Adam::new(0.0).step(net.hypernet, gradients, 1e-2);
            net.main = Adam::new(1e-4).step(net.main, gradients, 1e-2);
            tensors(&net)
        };
        let (apart, together) = (step(&apart), step(&together));
        assert_ne!(apart, tensors(net));
        for (name, tensor) in &apart.tensors {
            for (one, other) in tensor.values.iter().zip(&together.tensors[name].values) {
                assert!((one - other).abs() < 1e-5, "{name}: {one}, {other}");
            }
        }
    });
}

#[test]
fn the_average_is_the_mean_of_the_last_ends_and_changes_no_training() {
    let averaged = |last| SmashTraining { average_last: Some(last), ..plain() };
    with_examples(|examples| {
        let ends: Vec<Checkpoint> =
            (1..=EPOCHS).map(|epochs| tensors(&trained(&plain(), epochs, examples).net)).collect();
        for last in 1..=EPOCHS {
            let trainer = trained(&averaged(last), EPOCHS, examples);
            assert_eq!(tensors(&trainer.net), ends[EPOCHS - 1]);
            for (name, tensor) in tensors(&trainer.network(&averaged(last))).tensors {
                for (place, &value) in tensor.values.iter().enumerate() {
                    let last_ends = ends[EPOCHS - last..].iter();
                    let mean = last_ends.map(|end| end.tensors[&name].values[place]).sum::<f32>() / last as f32;
                    assert!((value - mean).abs() < 1e-6, "{name}: {value}, {mean}");
                }
            }
        }
        let one = trained(&averaged(1), EPOCHS, examples).network(&averaged(1));
        assert_eq!(tensors(&one), ends[EPOCHS - 1]);
    });
}

#[test]
fn without_noise_all_draws_give_the_same_weights() {
    with_examples(|examples| {
        for noise in [true, false] {
            let settings = SmashTraining { noise, ..plain() };
            let net = trained(&settings, 1, examples).network(&settings).valid();
            let weights = |draw| {
                let noise = score_noise(Seed(5), draw);
                net.generate(&architecture(0), &noise).matrix().into_data()
            };
            assert_eq!(weights(0) != weights(1), noise);
        }
    });
}

#[test]
fn scores_differ_by_their_statistics_and_leave_the_network_alone() {
    with_examples(|examples| {
        let trainer = trained(&plain(), EPOCHS, examples);
        let (before, net) = (tensors(&trainer.net), trainer.network(&plain()).valid());
        let noise = score_noise(Seed(5), 0);
        let loss = |norm: &ScoreNorm<Flex>| {
            let score = score_normalised_by(norm, &net, &architecture(0), &noise, examples);
            score.unwrap().loss
        };
        let prepared = |statistics: ScoreStatistics, seed| statistics.prepare(examples, 16, Seed(seed));
        let plain = score(&net, &architecture(0), &noise, examples).unwrap();
        let running = loss(&prepared(ScoreStatistics::Running, 5));
        assert_eq!(running, plain.loss);
        let batch = loss(&prepared(ScoreStatistics::Batch, 5));
        // The third batch has the 8 images that are left after two of 16. The fourth starts anew.
        let ScoreNorm::Recalibrated(batches) = prepared(recalibrated(4), 5) else {
            panic!("recalibration has batches");
        };
        let sizes: Vec<usize> = batches.iter().map(|images| images.dims()[0]).collect();
        assert_eq!(sizes, [16, 16, 8, 16]);
        let by_two = |seed| loss(&prepared(recalibrated(2), seed));
        assert_eq!(by_two(5), by_two(5));
        assert_ne!(by_two(5), by_two(6));
        assert!(running != batch && running != by_two(5) && batch != by_two(5));
        assert_eq!(tensors(&trainer.net), before);
    });
}

/// A batch leaves its statistics as running statistics, and is then normalised with them. Its outputs equal the outputs
/// with its own statistics, except for the variance's correction by n / (n - 1).
#[test]
fn recalibrating_on_a_batch_gives_its_statistics() {
    with_examples(|examples| {
        let net = trained(&plain(), 1, examples).network(&plain()).valid();
        let (images, _) = examples.images.batch(examples.indices, None);
        let noise = Noise::new(Seed(5).rng(Stream::ScoreNoise, &[0]));
        let weights = net.generate(&architecture(0), &noise);
        let (by_batch, statistics) = net.forward(&architecture(0), &weights, images.clone(), Mode::Train);
        let mut recalibrated = net.clone();
        recalibrated.main.replace_statistics(&[statistics.clone(), statistics]);
        let (by_running, _) = recalibrated.forward(&architecture(0), &weights, images.clone(), Mode::Evaluate);
        let (before, _) = net.forward(&architecture(0), &weights, images, Mode::Evaluate);
        let [by_batch, by_running, before] = [by_batch, by_running, before].map(|output| HostTensor::of(output).values);
        let distance = |values: &[f32]| {
            let distances = values.iter().zip(&by_batch).map(|(one, other)| (one - other).abs());
            distances.fold(0.0, f32::max)
        };
        let (recalibrated, before) = (distance(&by_running), distance(&before));
        assert!(recalibrated < 2e-2 && before > 5.0 * recalibrated, "{recalibrated}, {before}");
    });
}

#[test]
fn each_layout_of_the_weights_is_trained_and_gives_as_many_weights() {
    let cell = space().cell();
    let layouts = [
        None,
        Some(Compression { rows: 1, columns: 1, upsampling: 1 }),
        Some(Compression { rows: cell.rows / 2, ..cell }),
        Some(Compression { upsampling: 2, ..cell }),
    ];
    let hypernet = HyperNetConfig { growth: 2, layers: vec![1, 1] };
    with_examples(|examples| {
        let outcomes = layouts.map(|compression| {
            let space = SearchSpace { compression, ..space() };
            let mut trainer = SmashTrainer::<B>::new(space, Some(&hypernet), &plain(), TASK, Seed(5), &FlexDevice);
            let before = tensors(&trainer.net).tensors;
            train(&mut trainer, &plain(), examples);
            let after = tensors(&trainer.net).tensors;
            let mut generating = after.iter().filter(|(name, _)| name.starts_with("hypernet"));
            assert!(generating.all(|(name, tensor)| before[name] != *tensor), "{compression:?}");
            let net = trainer.network(&plain()).valid();
            let noise = score_noise(Seed(5), 0);
            let loss = score(&net, &architecture(0), &noise, examples).unwrap().loss;
            (net.generate(&architecture(0), &noise).matrix().dims(), loss)
        });
        let [(size, plain), others @ ..] = outcomes;
        for (of_other, other) in others {
            assert_eq!(of_other, size);
            assert_ne!(other, plain);
        }
    });
}
