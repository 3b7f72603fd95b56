//! Tests of checkpoints: training resumes bit for bit, and a checkpoint that does not fit is refused by name.

mod tiny;

use std::collections::BTreeMap;

use burn_flex::FlexDevice;
use smash::Precision;
use smash::baselines::Baseline;
use smash::error::CheckpointError;
use smash::sampling::Sampling;
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::{Blueprint, ResultingTrainer, ResultingTraining, Schedule, Seed, SmashTrainer, SmashTraining};
use tiny::{B, TASK, architecture, smash_trainer, space, with_examples};

/// The paper's distribution and the guides.
const SAMPLINGS: [Sampling; 4] =
    [Sampling::Paper, Sampling::Bandit, Sampling::SuccessiveHalving, Sampling::PolicyGradient];

#[test]
fn a_smash_network_resumes_bit_for_bit() {
    let networks = SAMPLINGS.map(resumed_at_each_step);
    assert!(networks.iter().enumerate().all(|(place, network)| !networks[..place].contains(network)), "guides differ");
}

/// The tensors of a network that was trained without a stop, equal to those of one that was stopped after each step.
fn resumed_at_each_step(sampling: Sampling) -> BTreeMap<String, HostTensor> {
    let settings = SmashTraining {
        anneal_limits: true,
        augment: true,
        architectures_per_step: 2,
        average_last: Some(2),
        sampling,
        ..SmashTraining::plain(3, 10, 1e-3)
    };
    let mut tensors = BTreeMap::new();
    with_examples(|examples| {
        let train = |trainer: &mut SmashTrainer<B>, after_step: &dyn Fn() -> bool| {
            let epoch = trainer.train_epoch(&settings, examples, Seed(5), after_step);
            epoch.unwrap();
        };
        let mut whole = trainer();
        (0..3).for_each(|_| train(&mut whole, &|| true));

        let mut resumed = trainer();
        let (initial, mut stops) = (resumed.checkpoint().to_bytes(), 0);
        while resumed.history.len() < 3 {
            train(&mut resumed, &|| false);
            let checkpoint = Checkpoint::from_bytes(&resumed.checkpoint().to_bytes()).unwrap();
            resumed = trainer();
            resumed.restore(checkpoint).unwrap();
            resumed.check_progress(&settings, 4).unwrap();
            stops += 1;
        }
        assert_eq!(stops, 3 * 4, "one for each step");
        assert_eq!(resumed.history, whole.history);
        assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes());
        assert_ne!(initial, whole.checkpoint().to_bytes(), "training moves the weights");
        tensors = whole.checkpoint().tensors;
    });
    tensors
}

#[test]
fn a_guide_of_another_sampling_is_refused() {
    let settings = |sampling| SmashTraining { sampling, ..SmashTraining::plain(3, 10, 1e-3) };
    with_examples(|examples| {
        for trained in SAMPLINGS {
            let mut trainer = trainer();
            trainer.train_epoch(&settings(trained), examples, Seed(5), &|| true).unwrap();
            for continued in SAMPLINGS {
                assert_eq!(trainer.check_progress(&settings(continued), 4).is_ok(), continued == trained);
            }
        }
    });
}

#[test]
fn a_resulting_network_resumes_bit_for_bit() {
    let settings = ResultingTraining {
        epochs: 2,
        batch_size: 10,
        learning_rate: 0.1,
        schedule: Schedule::OneCycle,
        label_smoothing: 0.1,
        precision: Precision::Float32,
        augment: true,
    };
    // The second network draws random numbers in each step.
    let shake_shake = Baseline::ShakeShake { depth: 8, width: 4 };
    for blueprint in [Blueprint::of(&space(), TASK, &architecture(0)), shake_shake.blueprint(TASK).unwrap()] {
        let new = || ResultingTrainer::<B>::new(blueprint.clone(), Seed(5), [0, 1], &FlexDevice);
        with_examples(|examples| {
            let train = |trainer: &mut ResultingTrainer<B>, after_step: &dyn Fn() -> bool| {
                let epoch = trainer.train_epoch(&settings, examples, Seed(5), after_step);
                epoch.unwrap();
            };
            let mut whole = new();
            (0..2).for_each(|_| train(&mut whole, &|| true));
            let mut resumed = new();
            while resumed.history.len() < 2 {
                train(&mut resumed, &|| false);
                let checkpoint = resumed.checkpoint();
                resumed = new();
                resumed.restore(checkpoint).unwrap();
            }
            assert_eq!(resumed.history, whole.history);
            assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes());
        });
    }
}

#[test]
fn a_training_from_given_weights_sees_the_images_that_its_key_names() {
    let settings = ResultingTraining {
        epochs: 1,
        batch_size: 10,
        learning_rate: 0.1,
        schedule: Schedule::Cosine,
        label_smoothing: 0.0,
        precision: Precision::Float32,
        augment: true,
    };
    let blueprint = Blueprint::of(&space(), TASK, &architecture(0));
    let standard = || ResultingTrainer::<B>::new(blueprint.clone(), Seed(5), [0, 1], &FlexDevice);
    with_examples(|examples| {
        let trained = |mut trainer: ResultingTrainer<B>| {
            trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap();
            trainer.checkpoint().to_bytes()
        };
        let expected = trained(standard());
        assert_eq!(trained(ResultingTrainer::starting_from(standard().net, [0, 1])), expected);
        assert_ne!(trained(ResultingTrainer::starting_from(standard().net, [0, 2])), expected, "another order");
    });
}

fn trainer() -> SmashTrainer<B> {
    smash_trainer(&SmashTraining::plain(1, 10, 1e-3))
}

/// A checkpoint after one step, with the state of the optimisers.
fn trained_once() -> Checkpoint {
    let mut trainer = trainer();
    with_examples(|examples| {
        trainer.train_epoch(&SmashTraining::plain(1, 10, 1e-3), examples, Seed(5), &|| false).unwrap();
    });
    trainer.checkpoint()
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_by_name() {
    let check = |change: fn(&mut Checkpoint), expected: CheckpointError| {
        let mut checkpoint = trainer().checkpoint();
        change(&mut checkpoint);
        assert_eq!(trainer().restore(checkpoint).unwrap_err(), expected);
    };
    check(
        |checkpoint| {
            checkpoint.tensors.insert("main.output_bias".into(), HostTensor { shape: vec![3], values: vec![0.0; 3] });
        },
        CheckpointError::Shape { name: "main.output_bias".into(), found: vec![3], expected: vec![10] },
    );
    check(
        |checkpoint| {
            checkpoint.tensors.remove("hypernet.convs.0");
        },
        CheckpointError::Missing { name: "hypernet.convs.0".into() },
    );
    check(
        |checkpoint| {
            checkpoint.tensors.insert("extra".into(), HostTensor { shape: vec![1], values: vec![0.0] });
        },
        CheckpointError::Unknown { name: "extra".into() },
    );
    // Moments of another length, and a count that is no number, would end the next step.
    for (part, shape, expected) in [("first_moment", vec![3], vec![10]), ("updates", vec![0], vec![1])] {
        let name = format!("optimiser.main.output_bias.{part}");
        let mut checkpoint = trained_once();
        let values = vec![0.0; shape[0]];
        assert!(checkpoint.tensors.insert(name.clone(), HostTensor { shape: shape.clone(), values }).is_some());
        let refused = CheckpointError::Shape { name, found: shape, expected };
        assert_eq!(trainer().restore(checkpoint).unwrap_err(), refused);
    }
    let bytes = trainer().checkpoint().to_bytes();
    let cut = Checkpoint::from_bytes(&bytes[..bytes.len() - 1]);
    assert!(matches!(cut, Err(CheckpointError::Format { .. })), "{cut:?}");
}

#[test]
fn a_loss_that_is_not_finite_names_step_and_architecture() {
    let settings = ResultingTraining {
        epochs: 1,
        batch_size: 10,
        learning_rate: f64::INFINITY,
        schedule: Schedule::Cosine,
        label_smoothing: 0.0,
        precision: Precision::Float32,
        augment: false,
    };
    let architecture = architecture(0);
    let mut trainer =
        ResultingTrainer::<B>::new(Blueprint::of(&space(), TASK, &architecture), Seed(5), [0, 0], &FlexDevice);
    with_examples(|examples| {
        let diverged = trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap_err();
        // The first step has the initial weights. The second has the weights that an infinite rate has left.
        assert_eq!((diverged.step, diverged.architecture), (Some(1), architecture.hash()));
        assert!(!diverged.loss.is_finite());
    });
}
