//! Checkpoints: training resumes bit for bit, and one that does not fit is refused by name.

use std::sync::{Mutex, PoisonError};

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};
use datasets::{LoadOptions, Normalisation};
use smash::checkpoint::{Checkpoint, HostTensor};
use smash::convolution::Precision;
use smash::error::CheckpointError;
use smash::{
    Architecture, Blueprint, DeviceImages, Examples, HyperNetConfig, Limits, ResultingTrainer, ResultingTraining,
    Schedule, SearchSpace, Seed, SmashTrainer, SmashTraining, Stream, Task,
};

type B = Autodiff<Flex>;

/// Held by each test that trains: burn's autodiff has state that all threads of a process share, and where two train at once
/// about one run in twenty differs in its last bits. Studies train in a process for each unit.
static TRAINING: Mutex<()> = Mutex::new(());

const TASK: Task = Task {
    image_channels: 3,
    image_size: 8,
    classes: 10,
    image_depth: 1,
    stem_stride: 1,
};

fn space() -> SearchSpace {
    SearchSpace {
        base_channels: 2,
        max_channels: 4,
        max_groups: 2,
        ..SearchSpace::smash_v2(2, 1)
    }
}

fn architecture() -> Architecture {
    let mut rng = Seed(5).rng(Stream::ScoredArchitecture, &[0]);
    smash::sampling::sample(&space(), Limits::of(&space()), &mut rng)
}

fn smash_trainer() -> SmashTrainer<B> {
    let hypernet = HyperNetConfig {
        growth: 2,
        layers: vec![1, 1],
    };
    SmashTrainer::new(space(), Some(&hypernet), TASK, Seed(5), &FlexDevice)
}

fn with_examples(mut use_them: impl FnMut(Examples<'_, Flex>)) {
    let _alone = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
    let options = LoadOptions {
        image_size: Some(8),
        n_train: Some(40),
        n_test: Some(1),
        ..Default::default()
    };
    let set = datasets::load("shapes", &options).unwrap().train;
    let indices: Vec<usize> = (0..set.len()).collect();
    let normalisation = Normalisation::of(&set);
    use_them(Examples {
        images: &DeviceImages::new(&set, &normalisation, &FlexDevice),
        indices: &indices,
    });
}

#[test]
fn a_smash_network_resumes_bit_for_bit() {
    let settings = SmashTraining {
        epochs: 3,
        batch_size: 10,
        learning_rate: 1e-3,
        schedule: Schedule::Cosine,
        anneal_limits: true,
        augment: true,
    };
    with_examples(|examples| {
        let epoch = |trainer: &mut SmashTrainer<B>| {
            trainer
                .train_epoch(&settings, examples, Seed(5), &FlexDevice, &|| {})
                .unwrap();
        };
        let mut whole = smash_trainer();
        (0..3).for_each(|_| epoch(&mut whole));

        let mut first = smash_trainer();
        epoch(&mut first);
        let bytes = first.checkpoint().to_bytes();
        let mut resumed = smash_trainer();
        resumed
            .restore(Checkpoint::from_bytes(&bytes).unwrap(), &FlexDevice)
            .unwrap();
        (0..2).for_each(|_| epoch(&mut resumed));
        assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes());
        assert_ne!(bytes, whole.checkpoint().to_bytes(), "training moves the weights");
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
    let architecture = architecture();
    let new = || {
        ResultingTrainer::<B>::new(
            Blueprint::of(&space(), TASK, &architecture),
            Seed(5),
            [0, 1],
            &FlexDevice,
        )
    };
    with_examples(|examples| {
        let epoch = |trainer: &mut ResultingTrainer<B>| {
            trainer
                .train_epoch(&settings, examples, Seed(5), &FlexDevice, &|| {})
                .unwrap();
        };
        let mut whole = new();
        (0..2).for_each(|_| epoch(&mut whole));
        let mut first = new();
        epoch(&mut first);
        let mut resumed = new();
        resumed.restore(first.checkpoint(), &FlexDevice).unwrap();
        epoch(&mut resumed);
        assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes());
    });
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_by_name() {
    let check = |change: fn(&mut Checkpoint), expected: CheckpointError| {
        let mut checkpoint = smash_trainer().checkpoint();
        change(&mut checkpoint);
        assert_eq!(smash_trainer().restore(checkpoint, &FlexDevice).unwrap_err(), expected);
    };
    check(
        |checkpoint| {
            checkpoint.tensors.insert(
                "main.output_bias".into(),
                HostTensor {
                    shape: vec![3],
                    values: vec![0.0; 3],
                },
            );
        },
        CheckpointError::Shape {
            name: "main.output_bias".into(),
            found: vec![3],
            expected: vec![10],
        },
    );
    check(
        |checkpoint| {
            checkpoint.tensors.remove("hypernet.convs.0");
        },
        CheckpointError::Missing {
            name: "hypernet.convs.0".into(),
        },
    );
    check(
        |checkpoint| {
            checkpoint.tensors.insert(
                "extra".into(),
                HostTensor {
                    shape: vec![1],
                    values: vec![0.0],
                },
            );
        },
        CheckpointError::Unknown { name: "extra".into() },
    );
    let bytes = smash_trainer().checkpoint().to_bytes();
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
    let architecture = architecture();
    let mut trainer = ResultingTrainer::<B>::new(
        Blueprint::of(&space(), TASK, &architecture),
        Seed(5),
        [0, 0],
        &FlexDevice,
    );
    with_examples(|examples| {
        let diverged = trainer
            .train_epoch(&settings, examples, Seed(5), &FlexDevice, &|| {})
            .unwrap_err();
        // The first step has the initial weights, the second those that an infinite rate has left.
        assert_eq!((diverged.step, diverged.architecture), (1, architecture.hash()));
        assert!(!diverged.loss.is_finite());
    });
}
