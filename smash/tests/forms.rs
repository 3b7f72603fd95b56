//! Tests of the forms of the main network that appendix D of the paper proposes: a law of each, and their training.

mod tiny;

use burn::module::{AutodiffModule, Param, ParamId};
use burn::prelude::*;
use burn_flex::{Flex, FlexDevice};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use smash::networks::gabor;
use smash::networks::memory::{BlockMemory, MemoryBanks};
use smash::op_forms::{FUNCTIONS, ORDERS, OpForm};
use smash::scoring::{score, score_noise};
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::{Block, Memory, Mode, Op, OpForms, Read, Seed, SmashNet, SmashTraining, Stem, Write};
use tiny::{B, TASK, architecture, smash_trainer, with_examples};

const ATTENTION: Memory = Memory { write: Write::Add, read: Read::Attention, persistence: 0.0 };
const PERSISTENT: Memory = Memory { write: Write::Add, read: Read::Even, persistence: 0.25 };

fn writing(write: Write) -> Memory {
    Memory { write, ..Memory::default() }
}

fn plain() -> SmashTraining {
    SmashTraining::plain(2, 10, 1e-3)
}

/// Each form alone, then several together.
fn all() -> Vec<SmashTraining> {
    let memories = [writing(Write::Overwrite), writing(Write::Multiply), PERSISTENT, ATTENTION];
    let several = SmashTraining {
        stem: Stem::Gabor,
        memory: Memory { read: Read::Attention, ..PERSISTENT },
        architectures_per_step: 2,
        average_last: Some(2),
        op_forms: OpForms::Varied,
        ..plain()
    };
    let alone = memories.map(|memory| SmashTraining { memory, ..plain() });
    let others =
        [SmashTraining { stem: Stem::Gabor, ..plain() }, SmashTraining { op_forms: OpForms::Varied, ..plain() }];
    others.into_iter().chain(alone).chain([several]).collect()
}

/// A bank size of one channel, two channels of input, and two ops. Without `again`, each bank is written once.
fn block(again: bool) -> Block {
    let op = |reads: &[usize], writes: &[usize]| Op {
        reads: reads.to_vec(),
        writes: writes.to_vec(),
        units: 1,
        convs: [None; 4],
    };
    let second: &[usize] = if again { &[2] } else { &[3] };
    Block { bank_size: 1, ops: vec![op(&[0, 1], &[2]), op(&[0, 2], second)] }
}

fn normal<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<Flex, D> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
}

fn values<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
    HostTensor::of(tensor).values
}

fn memory(form: Memory) -> BlockMemory<Flex> {
    BlockMemory::new(form, [4, 5, 5], 1, &FlexDevice)
}

fn input() -> Tensor<Flex, 4> {
    normal([3, 2, 5, 5], 0)
}

/// The output of op number `index`, which in these tests does not depend on what it reads.
fn output(index: u64) -> Tensor<Flex, 4> {
    normal([3, 1, 5, 5], 1 + index)
}

/// The banks that the last op reads, all banks at the end, and the mean of the tensors written to them.
fn run(memory: &BlockMemory<Flex>, block: &Block) -> (Vec<f32>, Vec<f32>, Option<Tensor<Flex, 3>>) {
    let mut banks = MemoryBanks::new(input(), block, 1, memory);
    let mut read = Vec::new();
    for (op, index) in block.ops.iter().zip(0..) {
        read = values(Tensor::cat(banks.read(op), 1));
        banks.write(op, output(index));
    }
    let (banks, written) = banks.into_output();
    (read, values(Tensor::cat(banks, 1)), written)
}

#[test]
fn writes_are_alike_where_each_bank_is_written_once() {
    let [added, overwritten, multiplied] =
        [Write::Add, Write::Overwrite, Write::Multiply].map(|write| run(&memory(writing(write)), &block(false)).1);
    assert_eq!(added, overwritten);
    assert_eq!(added, multiplied);
}

#[test]
fn a_second_write_adds_replaces_or_gates() {
    let [first, second] = [0, 1].map(|index| values(output(index)));
    for (write, expected) in [
        (Write::Add, (|held, slice| held + slice) as fn(f32, f32) -> f32),
        (Write::Overwrite, |_, slice| slice),
        (Write::Multiply, |held, slice| held / (1.0 + (-slice).exp())),
    ] {
        let (_, banks, _) = run(&memory(writing(write)), &block(true));
        for image in 0..3 {
            let written = &banks[(image * 3 + 2) * 25..][..25];
            for (place, &found) in written.iter().enumerate() {
                let expected = expected(first[image * 25 + place], second[image * 25 + place]);
                assert!((found - expected).abs() < 1e-6, "{write:?}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn attention_weighs_banks_by_a_softmax_of_their_means_for_each_image() {
    let (even, _, _) = run(&memory(Memory::default()), &block(false));
    let mut attention = memory(ATTENTION);
    let (read, _, _) = run(&attention, &block(false));
    for (read, even) in read.iter().zip(&even) {
        assert!((read - even).abs() < 1e-5, "a zero vector: {read}, {even}");
    }
    const QUERY: f32 = 3.0;
    attention.query = Some(Param::initialized(ParamId::new(), Tensor::from_floats([QUERY], &FlexDevice)));
    let (read, _, _) = run(&attention, &block(false));
    for (read, even) in read.chunks(2 * 25).zip(even.chunks(2 * 25)) {
        let logits = even.chunks(25).map(|bank| (bank.iter().sum::<f32>() / 25.0 * QUERY).exp());
        let logits: Vec<f32> = logits.collect();
        for (bank, logit) in logits.iter().enumerate() {
            let weight = 2.0 * logit / (logits[0] + logits[1]);
            assert!((weight - 1.0).abs() > 1e-3, "the weights are even");
            for place in bank * 25..(bank + 1) * 25 {
                assert!((read[place] - weight * even[place]).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn banks_start_with_the_mean_of_earlier_steps() {
    let mut persistent = memory(PERSISTENT);
    let without = run(&memory(Memory::default()), &block(false));
    let first = run(&persistent, &block(false));
    assert_eq!((first.0, &first.1), (without.0, &without.1), "nothing persists before the first step");
    assert!(without.2.is_none());
    let written = first.2.unwrap();
    let mean: f32 = (0..3).map(|image| without.1[image * 4 * 25]).sum::<f32>() / 3.0;
    assert!((values(written.clone())[0] - mean).abs() < 1e-6);

    // Only the banks that a step uses move.
    persistent.update(&written.clone().slice(0..2));
    let start = values(persistent.start.as_ref().unwrap().val());
    assert!(start[2 * 25..].iter().all(|&value| value == 0.0));
    for (start, written) in start[..2 * 25].iter().zip(values(written.clone())) {
        assert!((start - 0.25 * written).abs() < 1e-6);
    }
    // The start is added to the banks. It does not count as written, so the mean of equal steps does not grow.
    let (_, banks, again) = run(&persistent, &block(false));
    assert_eq!(values(again.unwrap()), values(written.clone()));
    for (index, (bank, plain)) in banks.iter().zip(&without.1).enumerate() {
        assert!((bank - plain - start[index % 100]).abs() < 1e-6);
    }
    for _ in 0..100 {
        persistent.update(&written);
    }
    let end = values(persistent.start.unwrap().val());
    assert!(end.iter().zip(values(written)).all(|(end, written)| (end - written).abs() < 1e-5));
}

/// A weighted sum of all banks that ops read, and of all banks at the end. The ops have the given outputs.
fn objective<A: Backend<Device = FlexDevice>>(memory: &BlockMemory<A>, tensors: &[Tensor<A, 4>; 3]) -> Tensor<A, 1> {
    let [input, outputs @ ..] = tensors.clone();
    let block = block(true);
    let mut banks = MemoryBanks::new(input, &block, 1, memory);
    let mut seen = Vec::new();
    for (op, output) in block.ops.iter().zip(outputs) {
        seen.extend(banks.read(op));
        banks.write(op, output);
    }
    seen.extend(banks.into_output().0);
    let seen = Tensor::cat(seen, 1);
    let weights = Tensor::from_data(normal(seen.dims(), 9).into_data(), &FlexDevice);
    (seen * weights).sum()
}

#[test]
fn gradients_equal_finite_differences() {
    const STEP: f64 = 1e-2;
    for form in [writing(Write::Overwrite), writing(Write::Multiply), PERSISTENT, ATTENTION] {
        let mut memory = BlockMemory::<B>::new(form, [4, 5, 5], 1, &FlexDevice);
        memory.query = memory.query.map(|_| Param::from_tensor(Tensor::from_floats([2.0], &FlexDevice)));
        let at = [input(), output(0), output(1)];
        let tracked = at.clone().map(|tensor| Tensor::<B, 4>::from_inner(tensor).require_grad());
        let gradients = objective(&memory, &tracked).backward();
        let plain = memory.clone().valid();
        for (index, tensor) in tracked.iter().enumerate() {
            let direction = normal(tensor.dims(), 20 + index as u64);
            let gradient = tensor.grad(&gradients).expect("each tensor takes part in the loss");
            let along = HostTensor::scalar((gradient.clone() * direction.clone()).sum());
            let moved = |sign: f64| {
                let mut at = at.clone();
                at[index] = at[index].clone() + direction.clone() * (sign * STEP);
                HostTensor::scalar(objective(&plain, &at))
            };
            let difference = (moved(1.0) - moved(-1.0)) / (2.0 * STEP);
            let size = HostTensor::scalar((gradient.clone() * gradient).sum()).sqrt();
            let scale = 1.0 + size * HostTensor::scalar((direction.clone() * direction).sum()).sqrt();
            assert!((along - difference).abs() < 3e-3 * scale, "{form:?}, tensor {index}: {along}, {difference}");
        }
    }
}

#[test]
fn every_form_trains_and_resumes_bit_for_bit_after_every_step() {
    with_examples(|examples| {
        let mut losses = Vec::new();
        for settings in [plain()].iter().chain(&all()) {
            let mut whole = smash_trainer(settings);
            (0..2).for_each(|_| whole.train_epoch(settings, examples, Seed(5), &|| true).unwrap());
            let mut resumed = smash_trainer(settings);
            while resumed.history.len() < settings.epochs {
                resumed.train_epoch(settings, examples, Seed(5), &|| false).unwrap();
                let bytes = resumed.checkpoint().to_bytes();
                resumed = smash_trainer(settings);
                resumed.restore(Checkpoint::from_bytes(&bytes).unwrap()).unwrap();
            }
            assert_eq!(resumed.checkpoint().to_bytes(), whole.checkpoint().to_bytes(), "{settings:?}");

            let net = whole.network(settings).valid();
            let loss = score(&net, &architecture(0), &score_noise(Seed(5), 0), examples).unwrap().loss;
            assert!(!losses.contains(&loss), "{settings:?} scores as another one");
            losses.push(loss);
        }
    });
}

#[test]
fn gabor_filters_stay_and_the_optimiser_does_not_know_them() {
    let settings = SmashTraining { stem: Stem::Gabor, ..plain() };
    with_examples(|examples| {
        let of_stem = |settings: &SmashTraining| {
            let mut trainer = smash_trainer(settings);
            trainer.train_epoch(settings, examples, Seed(5), &|| true).unwrap();
            let mut tensors = trainer.checkpoint().tensors;
            let stem = tensors.remove("main.stem").unwrap();
            (stem, tensors.into_keys().filter(|name| name.contains("stem")).count())
        };
        let (stem, in_optimiser) = of_stem(&settings);
        let shape = stem.shape.clone().try_into().unwrap();
        assert_eq!((stem.values, in_optimiser), (gabor::filters(shape), 0));
        let (_, of_learned_stem) = of_stem(&plain());
        assert_eq!(of_learned_stem, 3, "two moments and their number of updates");
    });
}

#[test]
fn training_changes_the_memory_of_a_form_alone() {
    with_examples(|examples| {
        let named = |memory: Memory| {
            let settings = SmashTraining { memory, ..plain() };
            let mut trainer = smash_trainer(&settings);
            trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap();
            let tensors = trainer.checkpoint().tensors;
            let of_memory = tensors.into_iter().filter(|(name, _)| name.starts_with("main.memories"));
            of_memory.map(|(name, tensor)| (name, tensor.values.iter().any(|&value| value != 0.0))).collect::<Vec<_>>()
        };
        let name = |part: &str, block: usize| format!("main.memories.{block}.{part}");
        let in_each_block = |part| (0..3).map(|block| (name(part, block), true)).collect::<Vec<_>>();
        assert_eq!(named(Memory::default()), Vec::new());
        assert_eq!(named(ATTENTION), in_each_block("query"));
        assert_eq!(named(PERSISTENT), in_each_block("start"));
    });
}

#[test]
fn scores_start_with_the_stored_memory() {
    let settings = SmashTraining { memory: PERSISTENT, ..plain() };
    with_examples(|examples| {
        let mut trainer = smash_trainer(&settings);
        trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap();
        let net = trainer.network(&settings).valid();
        let mut emptied = net.clone();
        for start in emptied.main.memories.iter_mut().filter_map(|memory| memory.start.as_mut()) {
            *start = Param::initialized(start.id, start.val().zeros_like());
        }
        let [stored, emptied] =
            [net, emptied].map(|net| score(&net, &architecture(0), &score_noise(Seed(5), 0), examples).unwrap().loss);
        assert_ne!(stored, emptied);
    });
}

#[test]
fn before_its_first_step_a_network_of_most_forms_computes_as_the_papers() {
    let memory = Memory { persistence: 1.0, ..ATTENTION };
    let [plain, formed] = [plain(), SmashTraining { memory, op_forms: OpForms::Varied, ..plain() }]
        .map(|settings| smash_trainer(&settings).net.valid());
    let images = normal([4, TASK.image_channels, TASK.image_size, TASK.image_size], 9);
    for index in 0..4 {
        let output = |net: &SmashNet<Flex>| {
            let weights = net.generate(&architecture(index), &score_noise(Seed(5), 0));
            values(net.forward(&architecture(index), &weights, images.clone(), Mode::Train).0)
        };
        let (plain, formed) = (output(&plain), output(&formed));
        assert!(plain.iter().zip(&formed).all(|(plain, formed)| (plain - formed).abs() < 1e-4));
    }
}

#[test]
fn the_form_of_an_op_decides_its_output_and_reaches_the_hypernet() {
    with_examples(|examples| {
        let settings = SmashTraining { op_forms: OpForms::Varied, ..plain() };
        let mut trainer = smash_trainer(&settings);
        trainer.train_epoch(&settings, examples, Seed(5), &|| true).unwrap();
        let (net, architecture, noise) = (trainer.net.valid(), architecture(0), score_noise(Seed(5), 0));
        let (images, _) = examples.images.batch(&[0, 1, 2, 3], None);
        let plain = net.generate(&architecture, &noise);
        let (mut outputs, mut matrices) = (Vec::new(), Vec::new());
        for function in FUNCTIONS {
            for order in ORDERS {
                let forms = vec![OpForm { function, order }; architecture.op_count()];
                let (output, _) = net.forward_formed(&architecture, &forms, &plain, images.clone(), Mode::Train);
                outputs.push(values(output));
                matrices.push(values(net.generate_formed(&architecture, &forms, &noise).matrix()));
            }
        }
        let (output, _) = net.forward(&architecture, &plain, images, Mode::Train);
        assert_eq!((&outputs[0], &matrices[0]), (&values(output), &values(plain.matrix())), "the paper's form");
        for found in [outputs, matrices] {
            assert!((1..8).all(|index| !found[..index].contains(&found[index])));
        }
    });
}

#[test]
fn the_papers_form_is_not_written() {
    let text = serde_json::to_string(&plain()).unwrap();
    assert!(!["stem", "memory", "op-forms"].iter().any(|key| text.contains(key)), "{text}");
    for settings in all() {
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<SmashTraining>(&text).unwrap(), settings, "{text}");
    }
}
