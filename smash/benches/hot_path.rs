//! Benchmarks of the hot path at the `small` size of the golden files.
//!
//! This is depth 4, width 1, N = 8, N_max = 32, and batches of 50.

use std::hint::black_box;

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};
use criterion::{Criterion, criterion_group, criterion_main};
use datasets::LoadOptions;
use mimalloc::MiMalloc;
use smash::Precision;
use smash::scoring::{score, score_noise};
use smash::{
    Architecture, Blueprint, DeviceImages, Encoding, Examples, HyperNetConfig, LearnedConvolutions, Limits,
    ResultingTrainer, ResultingTraining, Schedule, SearchSpace, Seed, SmashNet, SmashTrainer, SmashTraining, Stream,
    Task, sampling,
};

/// The allocator of the experiments' binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type B = Autodiff<Flex>;

const BATCH: usize = 50;
const TASK: Task = Task { image_channels: 3, image_size: 32, classes: 10, image_depth: 1, stem_stride: 1 };

fn space() -> SearchSpace {
    SearchSpace { max_channels: 32, ..SearchSpace::smash_v2(4, 1) }
}

fn architecture() -> Architecture {
    sampling::sample(&space(), Limits::of(&space()), &mut Seed(0).rng(Stream::ScoredArchitecture, &[0]))
}

fn data() -> DeviceImages<Flex> {
    let options = LoadOptions { n_train: Some(BATCH), n_test: Some(1), ..Default::default() };
    let data = datasets::load("shapes", &options).expect("the built-in set always loads");
    DeviceImages::new(&data.train, &data.normalisation, &FlexDevice)
}

fn hot_path(criterion: &mut Criterion) {
    let device = FlexDevice;
    let space = space();
    let architecture = architecture();
    let images = data();
    let indices: Vec<usize> = (0..BATCH).collect();
    let examples = Examples { images: &images, indices: &indices };
    let mut group = criterion.benchmark_group("small");
    group.sample_size(20);

    group.bench_function("sampling", |bencher| {
        let mut rng = Seed(1).rng(Stream::SmashArchitecture, &[]);
        bencher.iter(|| sampling::sample(&space, Limits::of(&space), &mut rng));
    });
    group.bench_function("encoding", |bencher| bencher.iter(|| Encoding::new(&space, black_box(&architecture))));

    let mut rng = Seed(0).rng(Stream::SmashInitialisation, &[]);
    let (hypernet, learned) = (HyperNetConfig::default(), LearnedConvolutions::default());
    let net = SmashNet::<Flex>::new(space.clone(), Some(&hypernet), learned, TASK, &mut rng, &device);
    let noise = score_noise(Seed(0), 0);
    group.bench_function("generated weights", |bencher| {
        bencher.iter(|| net.generate(&architecture, &noise).matrix());
    });
    group.bench_function("scoring, 50 images", |bencher| {
        bencher.iter(|| score(&net, &architecture, &noise, examples).expect("finite"));
    });

    // One epoch of one batch is one step.
    let settings = SmashTraining { augment: true, ..SmashTraining::plain(1_000_000, BATCH, 1e-3) };
    let mut trainer = SmashTrainer::<B>::new(space.clone(), Some(&hypernet), &settings, TASK, Seed(0), &device);
    group.bench_function("SMASH training step", |bencher| {
        bencher.iter(|| trainer.train_epoch(&settings, examples, Seed(0), &|| true).expect("finite"));
    });
    let settings = ResultingTraining {
        epochs: 1_000_000,
        batch_size: BATCH,
        learning_rate: 1e-3,
        schedule: Schedule::Cosine,
        label_smoothing: 0.0,
        precision: Precision::Float32,
        augment: true,
    };
    let mut trainer = ResultingTrainer::<B>::new(Blueprint::of(&space, TASK, &architecture), Seed(0), [0, 0], &device);
    group.bench_function("resulting-net training step", |bencher| {
        bencher.iter(|| trainer.train_epoch(&settings, examples, Seed(0), &|| true).expect("finite"));
    });
    group.finish();
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
