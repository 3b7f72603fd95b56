//! Our side of `cargo xtask bench --peer`: one fixed network of a golden size, timed row by row on request.
//!
//! `experiments peer ARCHS.json FOLDER` writes the network and its inputs to FOLDER for the other side. It prints one line of
//! losses as JSON. Then it reads the name of a row from each line of standard input and prints its milliseconds. `memory` prints
//! the peak memory of the process, in MiB.

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::module::AutodiffModule;
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use results::outln;
use results::store::files::write_atomically;
use serde::Deserialize;
use serde_json::json;
use smash::training::checkpoint::{Checkpoint, HostTensor};
use smash::training::evaluation::negative_log_likelihood;
use smash::training::optimiser::{Adam, Nesterov};
use smash::{
    Architecture, Blueprint, Encoding, GeneratedWeights, HyperNetConfig, LearnedConvolutions, Mode, Network, Phase,
    Seed, SmashNet, Stream, Task, Wiring,
};

use crate::provenance;
use smash::golden::format::{Config, GoldenArchitecture};

/// Number of images in a training step, and in a scoring.
const BATCH: usize = 50;

#[derive(Deserialize)]
struct File {
    meta: Meta,
    archs: Vec<GoldenArchitecture>,
}

#[derive(Deserialize)]
struct Meta {
    config: Config,
}

struct Bench<B: AutodiffBackend> {
    architecture: Architecture,
    net: SmashNet<B>,
    /// Encoding and noise, `[1, 1 + encoding channels, units, slices]`.
    input: Tensor<B::InnerBackend, 4>,
    resulting: Network<B>,
    images: Tensor<B::InnerBackend, 4>,
    /// `[batch, 1]`
    labels: Tensor<B, 2, Int>,
    hypernet_optimiser: Adam<B::InnerBackend>,
    main_optimiser: Adam<B::InnerBackend>,
    nesterov: Nesterov<B::InnerBackend>,
}

/// A resulting network draws nothing in a step.
fn unused_randomness() -> ChaCha8Rng {
    Seed(0).rng(Stream::Regularisation, &[])
}

/// Answers the requests of standard input until it ends.
///
/// # Errors
/// A file that cannot be read or written, or an unknown request.
pub fn run<B: AutodiffBackend>(file: &Path, folder: &Path, device: &B::Device) -> Result<()> {
    let mut bench = Bench::<B>::new(file, device)?;
    bench.export(folder)?;
    let [smash, resulting] = bench.losses();
    outln!("{}", json!({ "smash": smash, "resulting": resulting, "cpu": provenance::cpu() }));
    for line in std::io::stdin().lock().lines() {
        let row = line?;
        if row == "memory" {
            let bytes = provenance::peak_memory().context("this system does not report peak memory")?;
            outln!("{}", bytes as f64 / f64::from(1 << 20));
            continue;
        }
        let start = Instant::now();
        bench.run(&row)?;
        B::sync(device)?;
        outln!("{}", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

impl<B: AutodiffBackend> Bench<B> {
    /// Builds the networks of the file's first architecture, with random weights and images.
    fn new(path: &Path, device: &B::Device) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let file: File = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let config = file.meta.config;
        let architecture = file
            .archs
            .first()
            .with_context(|| format!("{}: expected an architecture", path.display()))?
            .to_architecture();
        let task = Task::of_images(3, 32, config.nClasses);
        let space = config.space();
        let mut rng = Seed(0).rng(Stream::SmashInitialisation, &[]);
        let learned = LearnedConvolutions::default();
        let net = SmashNet::new(space.clone(), Some(&HyperNetConfig::default()), learned, task, &mut rng, device);
        let resulting = Network::new(Blueprint::of(&space, task, &architecture), &mut rng, device);
        let Encoding { shape: [channels, units, slices], values } = Encoding::new(&space, &architecture);
        let mut normal = |count: usize| -> Vec<f32> { StandardNormal.sample_iter(&mut rng).take(count).collect() };
        let mut input = normal(units * slices);
        input.extend(values);
        let images = normal(BATCH * 3 * 32 * 32);
        let labels: Vec<i32> = (0..BATCH).map(|_| rng.random_range(0..config.nClasses as i32)).collect();
        Ok(Self {
            architecture,
            net,
            input: Tensor::from_data(TensorData::new(input, [1, channels + 1, units, slices]), device),
            resulting,
            images: Tensor::from_data(TensorData::new(images, [BATCH, 3, 32, 32]), device),
            labels: Tensor::from_data(TensorData::new(labels, [BATCH, 1]), device),
            hypernet_optimiser: Adam::new(0.0),
            main_optimiser: Adam::new(1e-4),
            nesterov: Nesterov::new(1e-4),
        })
    }

    /// Writes `peer.safetensors` and `peer.json`.
    fn export(&self, folder: &Path) -> Result<()> {
        let mut checkpoint = Checkpoint::default();
        checkpoint.add("hypernet", &self.net.hypernet);
        checkpoint.add("main", &self.net.main);
        checkpoint.add("resulting", &self.resulting.weights);
        let mut add = |name: &str, tensor: &Tensor<B::InnerBackend, 4>| {
            checkpoint.tensors.insert(name.into(), HostTensor::of(tensor.clone()))
        };
        add("input", &self.input);
        add("images", &self.images);
        write_atomically(&folder.join("peer.safetensors"), &checkpoint.to_bytes())?;
        let space = &self.net.space;
        let (mut bottlenecks, mut banks) = (Vec::new(), Vec::new());
        for (index, block) in self.architecture.blocks.iter().enumerate() {
            banks.push(block.banks_used(space.input_banks(index, block.bank_size)));
            bottlenecks.push(
                block
                    .ops
                    .iter()
                    .map(|op| {
                        let inputs = op.reads.len() * block.bank_size * space.base_channels;
                        space.generated_channels(inputs, op.units * space.base_channels)
                    })
                    .collect::<Vec<_>>(),
            );
        }
        let description = json!({
            "architecture": serde_json::from_str::<serde_json::Value>(&self.architecture.to_json())?,
            "base_channels": space.base_channels,
            "max_kernel": space.max_kernel,
            "depth_compression": space.depth_compression,
            "banks": banks,
            "bottlenecks": bottlenecks,
            "labels": self.labels.to_data().convert::<i32>().to_vec::<i32>().expect("converted to i32"),
        });
        write_atomically(&folder.join("peer.json"), description.to_string().as_bytes())?;
        Ok(())
    }

    fn tracked(&self, tensor: &Tensor<B::InnerBackend, 4>) -> Tensor<B, 4> {
        Tensor::from_inner(tensor.clone())
    }

    fn weights(&self) -> GeneratedWeights<B> {
        let output = self.net.hypernet().forward(self.tracked(&self.input));
        GeneratedWeights::from_output(&self.net.space, output)
    }

    /// Losses of the SMASH network and of the resulting network, in training mode.
    fn losses(&self) -> [f32; 2] {
        let images = self.tracked(&self.images);
        let (smash, _) = self.net.forward(&self.architecture, &self.weights(), images.clone(), Mode::Train);
        let (resulting, _) = self.resulting.forward(images, Phase::Train(&mut unused_randomness()));
        [smash, resulting].map(|output| negative_log_likelihood(output, self.labels.clone(), 0.0).into_scalar().elem())
    }

    fn run(&mut self, row: &str) -> Result<()> {
        match row {
            "SMASH training step" => {
                let images = self.tracked(&self.images);
                let (output, statistics) = self.net.forward(&self.architecture, &self.weights(), images, Mode::Train);
                let gradients = [negative_log_likelihood(output, self.labels.clone(), 0.0).backward()];
                let net = &mut self.net;
                net.hypernet = self.hypernet_optimiser.step(net.hypernet.clone(), &gradients, 1e-6);
                net.main = self.main_optimiser.step(net.main.clone(), &gradients, 1e-6);
                net.main.update_statistics(&statistics);
            }
            "resulting-net training step" => {
                let (output, statistics) =
                    self.resulting.forward(self.tracked(&self.images), Phase::Train(&mut unused_randomness()));
                let gradients = negative_log_likelihood(output, self.labels.clone(), 0.0).backward();
                let weights = self.resulting.weights.clone();
                self.resulting.weights = self.nesterov.step(weights, &gradients, 1e-6);
                self.resulting.update_statistics(&statistics);
            }
            "scoring" => {
                let hypernet = self.net.hypernet().valid();
                let main = self.net.main.valid();
                let space = &self.net.space;
                let weights = GeneratedWeights::from_output(space, hypernet.forward(self.input.clone()));
                let wiring = Wiring { space, architecture: &self.architecture, forms: &[], weights: &weights };
                let (output, _) = main.forward(&wiring, self.images.clone(), Mode::Evaluate);
                let _ = output.into_data();
            }
            "HyperNet, forward and backward" => {
                let output = self.net.hypernet().forward(self.tracked(&self.input));
                (output.clone() * output).mean().backward();
            }
            _ => bail!("no row `{row}`"),
        }
        Ok(())
    }
}
