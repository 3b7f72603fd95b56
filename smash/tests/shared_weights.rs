//! Tests of weights shared without a HyperNet.
//!
//! Every architecture has its place in them, and they train and resume like a SMASH network.

use burn::backend::Autodiff;
use burn::module::{Param, ParamId};
use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use datasets::{LoadOptions, Normalisation};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use smash::networks::shared_weights::most_ops;
use smash::sampling::sample;
use smash::scoring::{score, score_noise};
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::{
    Architecture, DeviceImages, Examples, LearnedConvolutions, Limits, SearchSpace, Seed, SmashNet, SmashTrainer,
    SmashTraining, Task,
};

type B = Autodiff<Flex>;

const TASK: Task = Task::of_images(3, 8, 10);

fn space() -> SearchSpace {
    SearchSpace { base_channels: 2, max_channels: 4, max_groups: 2, ..SearchSpace::smash_v2(2, 2) }
}

fn architecture(space: &SearchSpace, seed: u64) -> Architecture {
    sample(space, Limits::of(space), &mut ChaCha8Rng::seed_from_u64(seed))
}

fn spaces() -> impl Strategy<Value = SearchSpace> {
    let kinds = prop_oneof![
        (1..=6usize, 2..=4usize).prop_map(|(depth, width)| SearchSpace::smash_v1(depth, width)),
        (1..=6usize, 1..=4usize).prop_map(|(depth, width)| SearchSpace::smash_v2(depth, width)),
    ];
    (kinds, 0.01..=1.0f64).prop_map(|(mut space, high)| {
        space.budget = [0.5 * high, high];
        space
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_block_has_more_ops_than_there_are_places(space in spaces(), seed: u64) {
        for (index, block) in architecture(&space, seed).blocks.iter().enumerate() {
            prop_assert!(block.ops.len() <= most_ops(&space, index));
        }
    }
}

/// Every weight is a number that encodes its place: place of the op in thousands, output in hundreds, channel.
fn numbered(space: &SearchSpace) -> SmashNet<Flex> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut net = SmashNet::new(space.clone(), None, LearnedConvolutions::default(), TASK, &mut rng, &FlexDevice);
    for (place, matrix) in net.main.pointwise.iter_mut().flatten().enumerate() {
        let [rows, columns] = matrix.dims();
        let value = |index| (1000 * place + 100 * (index / columns) + index % columns) as f32;
        let values = (0..rows * columns).map(value).collect();
        let tensor = Tensor::<Flex, 2>::from_data(TensorData::new(values, [rows, columns]), &FlexDevice);
        *matrix = Param::initialized(ParamId::new(), tensor);
    }
    net
}

#[test]
fn an_op_takes_the_columns_of_the_channels_that_it_reads() {
    let space = space();
    let net = numbered(&space);
    for seed in 0..20 {
        let architecture = architecture(&space, seed);
        let noise = score_noise(Seed(seed), 0);
        let matrix = HostTensor::of(net.generate(&architecture, &noise).matrix());
        let [rows, columns] = matrix.shape[..] else { unreachable!("a matrix") };
        let mut expected = Vec::new();
        let mut first_place = 0;
        for (index, block) in architecture.blocks.iter().enumerate() {
            for (place, op) in block.ops.iter().enumerate() {
                let width = block.bank_size * space.base_channels;
                let channels = op.reads.iter().flat_map(|bank| bank * width..(bank + 1) * width);
                expected.extend(channels.map(|channel| (1000 * (first_place + place) + channel) as f32));
            }
            first_place += most_ops(&space, index);
        }
        assert_eq!((rows, columns), (space.weight_rows(), expected.len()));
        for (row, values) in matrix.values.chunks(columns).enumerate() {
            let moved: Vec<f32> = values.iter().map(|value| value - 100.0 * row as f32).collect();
            assert_eq!(moved, expected);
        }
        assert_eq!(net.generated_weights(&architecture), 0);
    }
}

/// Training moves the matrices, checkpoints hold them, and scores do not depend on the noise.
#[test]
fn a_network_without_a_hypernet_trains_and_resumes_bit_for_bit() {
    let options = LoadOptions { image_size: Some(8), n_train: Some(100), n_test: Some(1), ..Default::default() };
    let set = datasets::load("shapes", &options).unwrap().train;
    let images = DeviceImages::<Flex>::new(&set, &Normalisation::of(&set), &FlexDevice);
    let indices: Vec<usize> = (0..set.len()).collect();
    let examples = Examples { images: &images, indices: &indices };
    let settings = SmashTraining { augment: true, ..SmashTraining::plain(6, 10, 5e-3) };
    let new = || SmashTrainer::<B>::new(space(), None, &settings, TASK, Seed(5), &FlexDevice);
    let epochs = |trainer: &mut SmashTrainer<B>, count| {
        for _ in 0..count {
            trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap();
        }
    };
    let mut whole = new();
    epochs(&mut whole, 6);
    let (first, last) = (whole.history[0].loss, whole.history[5].loss);
    assert!(last < first - 0.05, "{:?}", whole.history);

    let mut started = new();
    epochs(&mut started, 2);
    let bytes = started.checkpoint().to_bytes();
    let mut resumed = new();
    resumed.restore(Checkpoint::from_bytes(&bytes).unwrap()).unwrap();
    epochs(&mut resumed, 4);
    assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes());

    let name = "main.pointwise.0.0";
    let of = |trainer: &SmashTrainer<B>| trainer.checkpoint().tensors[name].values.clone();
    assert_ne!(of(&new()), of(&whole), "the first op of each architecture is trained");
    assert!(!whole.checkpoint().tensors.keys().any(|name| name.starts_with("hypernet")));

    let net = whole.net.valid();
    let architecture = architecture(&space(), 1);
    let scores = [0, 1].map(|draw| score(&net, &architecture, &score_noise(Seed(5), draw), examples));
    assert_eq!(scores[0], scores[1]);
}
