//! Training of a SMASH network (Algorithm 1, first loop), and schedules of learning rates.

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use smash_space::architecture::Architecture;
use smash_space::forms::{Memory, Stem};
use smash_space::learned_convolutions::LearnedConvolutions;
use smash_space::op_forms::OpForms;
use smash_space::op_normalisation::OpNormalisation;
use smash_space::random::{Seed, Stream};
use smash_space::sampling::{Limits, Sampling};

use crate::error::{CheckpointError, DivergedError};
use crate::networks::hypernet::HyperNetConfig;
use crate::networks::layers::Mode;
use crate::networks::smash_net::{Noise, SmashNet};
use crate::training::checkpoint::{Checkpoint, HostTensor};
use crate::training::evaluation::{
    Evaluation, Examples, Tally, history_text, impossible_progress, negative_log_likelihood, parse_history,
};
use crate::training::guide::{Choice, Guide, Scale};
use crate::training::optimiser::Adam;
use crate::{SearchSpace, Task};

/// Weight decay of all freely learned weights; the HyperNet has none (released code).
const WEIGHT_DECAY: f64 = 1e-4;

/// Prefix of the averaged network's names in a checkpoint.
const AVERAGE: &str = "average.";

/// Part of a training in which the rate of [`Schedule::OneCycle`] rises.
const WARM_UP: f64 = 0.2;

/// How a SMASH network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmashTraining {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a batch.
    pub batch_size: usize,
    /// Initial learning rate of Adam.
    pub learning_rate: f64,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// Whether budget and kernel size grow over the first half of training (released code).
    pub anneal_limits: bool,
    /// Random crops and flips.
    pub augment: bool,
    /// Number of sampled architectures that each batch trains, each with its own noise. Their gradients are averaged
    /// (paper: 1).
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub architectures_per_step: usize,
    /// The distribution from which they are drawn, and the guide that chooses among draws, if there is one.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub sampling: Sampling,
    /// Number of last epochs, 1 to all, over whose ends the scored network is averaged. If not given, the scored
    /// network is the one after the last step, as in the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_last: Option<usize>,
    /// Whether the HyperNet reads noise z, in training and scoring. If not, it reads zeros.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub noise: bool,
    /// Which ops share the learned convolutions of the main network.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub learned_convolutions: LearnedConvolutions,
    /// The normalisation of the 1x1 convolutions of ops.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub normalisation: OpNormalisation,
    /// The weights of the stem.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub stem: Stem,
    /// The form of the memory banks.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub memory: Memory,
    /// The forms of ops on which the network is trained. Scored architectures have the paper's.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub op_forms: OpForms,
}

// A setting with the paper's value is not written, so that definitions keep the hashes that name results.

fn one() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == one()
}

fn is_paper<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

fn yes() -> bool {
    true
}

fn is_yes(is_on: &bool) -> bool {
    *is_on
}

/// How a learning rate falls over a training run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Half a cosine from the initial rate to 0, step by step.
    Cosine,
    /// Divided by 10 after half and after three quarters of training.
    Steps,
    /// From 0 to the initial rate over the first fifth, and back to 0.
    OneCycle,
}

impl Schedule {
    /// Factor on the initial learning rate after a fraction of training, 0 to 1.
    pub fn factor(self, progress: f64) -> f64 {
        match self {
            Self::Cosine => (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0,
            Self::Steps if progress < 0.5 => 1.0,
            Self::Steps if progress < 0.75 => 0.1,
            Self::Steps => 0.01,
            Self::OneCycle => (progress / WARM_UP).min((1.0 - progress) / (1.0 - WARM_UP)),
        }
    }
}

impl SmashTraining {
    /// The plain method: the rate falls along a cosine, and nothing is annealed, augmented or switched on.
    pub fn plain(epochs: usize, batch_size: usize, learning_rate: f64) -> Self {
        Self {
            epochs,
            batch_size,
            learning_rate,
            schedule: Schedule::Cosine,
            anneal_limits: false,
            augment: false,
            architectures_per_step: one(),
            sampling: Sampling::default(),
            average_last: None,
            noise: yes(),
            learned_convolutions: LearnedConvolutions::default(),
            normalisation: OpNormalisation::default(),
            stem: Stem::default(),
            memory: Memory::default(),
            op_forms: OpForms::default(),
        }
    }

    /// Limits of sampling after a fraction of training, 0 to 1.
    pub fn limits(&self, space: &SearchSpace, progress: f64) -> Limits {
        let full = Limits::of(space);
        if !self.anneal_limits {
            return full;
        }
        let grown = (2.0 * progress).min(1.0);
        // The size grows by 1 at a time, and an even size is raised to the next odd one.
        let kernel = 3 + ((space.max_kernel - 3) as f64 * grown) as usize;
        Limits { max_budget: full.max_budget * (0.5 + 0.5 * grown), max_kernel: kernel + (kernel + 1) % 2 }
    }
}

/// A SMASH network in training: everything on which the next step depends.
#[derive(Debug)]
pub struct SmashTrainer<B: AutodiffBackend> {
    /// The network.
    pub net: SmashNet<B>,
    hypernet_optimiser: Adam<B::InnerBackend>,
    main_optimiser: Adam<B::InnerBackend>,
    task: Task,
    /// Means over the training batches of each finished epoch, and over the architectures of each batch.
    pub history: Vec<Evaluation>,
    /// Counts of the finished batches of an unfinished epoch.
    tally: Tally<B::InnerBackend>,
    /// Mean of the network over the ends of the last epochs, by name in a checkpoint; empty before the first of them.
    average: BTreeMap<String, HostTensor>,
    /// The guide of the sampling, from the first step on, if the sampling has one.
    guide: Option<Guide>,
}

impl<B: AutodiffBackend> SmashTrainer<B> {
    /// A network before its first step, in the form that the settings ask for; see [`SmashNet::new`].
    pub fn new(
        space: SearchSpace,
        hypernet: Option<&HyperNetConfig>,
        settings: &SmashTraining,
        task: Task,
        seed: Seed,
        device: &B::Device,
    ) -> Self {
        let mut rng = seed.rng(Stream::SmashInitialisation, &[]);
        let net = SmashNet::new(space, hypernet, settings.learned_convolutions, task, &mut rng, device)
            .with_op_normalisation(settings.normalisation)
            .with_forms(settings.stem, settings.memory, task)
            .with_op_forms(settings.op_forms);
        Self {
            net,
            hypernet_optimiser: Adam::new(0.0),
            main_optimiser: Adam::new(WEIGHT_DECAY),
            task,
            history: Vec::new(),
            tally: Tally::default(),
            average: BTreeMap::new(),
            guide: None,
        }
    }

    /// Trains one epoch, by the settings that the trainer was made with. For each batch there is one new architecture, or
    /// several, each with new noise and new weights W = H(c, z).
    ///
    /// The result is the same to the bit only while no other training runs in the process: burn's autodiff has state that
    /// all threads share.
    ///
    /// `after_step` is called after each step and says whether to go on. If not, the epoch stays unfinished.
    /// Checkpoints hold its progress, and the next call goes on with it.
    ///
    /// # Errors
    /// A loss that is not finite, reported once the epoch is over. A guide reads every loss, so the step reports it.
    pub fn train_epoch(
        &mut self,
        settings: &SmashTraining,
        examples: Examples<'_, B::InnerBackend>,
        seed: Seed,
        after_step: &dyn Fn() -> bool,
    ) -> Result<(), DivergedError> {
        let epoch = self.history.len();
        let batches = examples.batches(settings.batch_size);
        let steps = (settings.epochs * batches) as f64;
        let progress = |step: usize| step as f64 / steps;
        let (space, task) = (self.net.space.clone(), self.task);
        let members = settings.architectures_per_step;
        let rng = |pass: usize| seed.rng(Stream::SmashArchitecture, &key_of(pass / members, pass % members));
        let draw = |pass: usize, rng: &mut ChaCha8Rng| -> Architecture {
            settings.sampling.draw(&space, settings.limits(&space, progress(pass / members)), task, rng)
        };
        self.guide = self.guide.take().or_else(|| Guide::new(settings.sampling));
        let scale = self.guide.is_some().then(|| Scale::of(&space, seed));
        self.net.noise = settings.noise;
        let streams = [Stream::SmashOrder, Stream::SmashAugmentation];
        let done = self.tally.len() / members;
        let epoch_batches =
            examples.training_batches(settings.batch_size, settings.augment, seed, streams, &[epoch as u64]);
        for (index, (images, labels)) in epoch_batches.enumerate().skip(done) {
            let step = epoch * batches + index;
            let images = Tensor::from_inner(images);
            let (mut gradients, mut statistics) = (Vec::new(), Vec::new());
            for member in 0..members {
                let pass = step * members + member;
                let (architecture, choice) = match self.guide.as_ref().zip(scale.as_ref()) {
                    Some((guide, scale)) => guide.choose(scale, seed, rng(pass), draw),
                    None => (draw(pass, &mut rng(pass)), Choice::default()),
                };
                let noise = Noise::new(seed.rng(Stream::SmashNoise, &key_of(step, member)));
                let mut rng = seed.rng(Stream::SmashOpForms, &key_of(step, member));
                let forms = settings.op_forms.draw(architecture.op_count(), &mut rng);
                let weights = self.net.generate_formed(&architecture, &forms, &noise);
                let (log_probabilities, batch) =
                    self.net.forward_formed(&architecture, &forms, &weights, images.clone(), Mode::Train);
                self.tally.add(log_probabilities.clone().inner(), labels.clone());
                if let Some(guide) = &mut self.guide {
                    let loss = self.tally.last_loss();
                    if !loss.is_finite() {
                        return Err(DivergedError { loss, step: Some(step), architecture: architecture.hash() });
                    }
                    guide.learn(&choice, loss);
                }
                gradients.push(
                    negative_log_likelihood(log_probabilities, Tensor::from_inner(labels.clone()), 0.0).backward(),
                );
                statistics.push(batch);
            }
            let rate = settings.learning_rate * settings.schedule.factor(progress(step));
            let net = &mut self.net;
            net.hypernet = self.hypernet_optimiser.step(net.hypernet.clone(), &gradients, rate);
            net.main = self.main_optimiser.step(net.main.clone(), &gradients, rate);
            statistics.iter().for_each(|batch| net.main.update_statistics(batch));
            if !after_step() && index + 1 < batches {
                return Ok(());
            }
        }
        let tally = std::mem::take(&mut self.tally);
        let of_pass = |pass: usize| draw(pass, &mut rng(pass)).hash();
        let evaluation = tally.of_epoch(epoch * batches * members, of_pass);
        self.history.push(
            evaluation
                .map_err(|diverged| DivergedError { step: diverged.step.map(|step| step / members), ..diverged })?,
        );
        if let Some(last) = settings.average_last {
            let ends = (self.history.len() + last).saturating_sub(settings.epochs);
            if ends > 0 {
                self.add_to_average(ends);
            }
        }
        Ok(())
    }

    /// Adds the current network to the average, as the last of `ends` ends of epochs.
    fn add_to_average(&mut self, ends: usize) {
        let mut now = Checkpoint::default();
        now.add(&format!("{AVERAGE}hypernet"), &self.net.hypernet);
        now.add(&format!("{AVERAGE}main"), &self.net.main);
        if ends == 1 {
            self.average = now.tensors;
            return;
        }
        assert!(!self.average.is_empty(), "end {ends} of an average without the earlier ends");
        for (name, mean) in &mut self.average {
            for (mean, &value) in mean.values.iter_mut().zip(&now.tensors[name].values) {
                *mean += (value - *mean) / ends as f32;
            }
        }
    }

    /// The network that is scored after the finished epochs. The settings may ask for the average over the ends of the
    /// last epochs. That average is the result once the first of these epochs is finished. Otherwise it is the network
    /// after the last step.
    pub fn network(&self, settings: &SmashTraining) -> SmashNet<B> {
        let net = if self.average.is_empty() {
            self.net.clone()
        } else {
            self.averaged().expect("the average fits this network")
        };
        SmashNet { noise: settings.noise, ..net }
    }

    fn averaged(&self) -> Result<SmashNet<B>, CheckpointError> {
        let mut average = Checkpoint { tensors: self.average.clone(), ..Default::default() };
        let mut net = self.net.clone();
        net.hypernet = average.restore(&format!("{AVERAGE}hypernet"), net.hypernet)?;
        net.main = average.restore(&format!("{AVERAGE}main"), net.main)?;
        average.finish()?;
        Ok(net)
    }

    /// Network, optimiser, epochs including an unfinished one, average, and guide.
    pub fn checkpoint(&self) -> Checkpoint {
        let guide = self.guide.iter().map(|guide| format!("\n{}", guide.text()));
        let metadata = std::iter::once(history_text(&self.history)).chain(guide).collect();
        let mut checkpoint = Checkpoint { metadata, ..Default::default() };
        checkpoint.add("hypernet", &self.net.hypernet);
        checkpoint.add("main", &self.net.main);
        self.hypernet_optimiser.save("optimiser.hypernet", &mut checkpoint);
        self.main_optimiser.save("optimiser.main", &mut checkpoint);
        checkpoint.tensors.extend(self.average.clone());
        self.tally.save(&mut checkpoint);
        checkpoint
    }

    /// Continues from a checkpoint of a network of the same settings.
    ///
    /// # Errors
    /// A checkpoint that does not fit.
    pub fn restore(&mut self, mut checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        let device = &self.net.device();
        let (history, guide) = checkpoint.metadata.split_once('\n').unzip();
        self.history = parse_history(history.unwrap_or(&checkpoint.metadata))?;
        self.guide = guide.map(Guide::parse).transpose()?;
        (self.average, checkpoint.tensors) =
            checkpoint.tensors.into_iter().partition(|(name, _)| name.starts_with(AVERAGE));
        if !self.average.is_empty() {
            self.averaged()?;
        }
        self.net.hypernet = checkpoint.restore("hypernet", self.net.hypernet.clone())?;
        self.net.main = checkpoint.restore("main", self.net.main.clone())?;
        self.hypernet_optimiser.load("optimiser.hypernet", &self.net.hypernet, &mut checkpoint, device)?;
        self.main_optimiser.load("optimiser.main", &self.net.main, &mut checkpoint, device)?;
        self.tally = Tally::load(&mut checkpoint, device)?;
        checkpoint.finish()
    }

    /// Checks that a training with these settings, with `batches` in an epoch, can have come this far.
    ///
    /// # Errors
    /// More epochs, or more batches of the next epoch, than it has, an average too many or too few, or another guide.
    pub fn check_progress(&self, settings: &SmashTraining, batches: usize) -> Result<(), CheckpointError> {
        let (epochs, tallied) = (self.history.len(), self.tally.len());
        let averages = settings.average_last.is_some_and(|last| epochs + last > settings.epochs);
        let is_within = tallied.is_multiple_of(settings.architectures_per_step)
            && tallied < batches * settings.architectures_per_step
            && epochs < settings.epochs;
        let passes = epochs * batches * settings.architectures_per_step + tallied;
        let is_guided = match &self.guide {
            Some(guide) => guide.fits(settings.sampling, passes),
            None => passes == 0 || !settings.sampling.is_guided(),
        };
        let is_possible = epochs <= settings.epochs
            && (tallied == 0 || is_within)
            && averages != self.average.is_empty()
            && is_guided;
        is_possible.then_some(()).ok_or_else(|| impossible_progress(epochs, tallied))
    }
}

/// Names the random numbers of one of a step's architectures. The first shares its numbers with a step that trains only
/// one.
fn key_of(step: usize, member: usize) -> Vec<u64> {
    match member {
        0 => vec![step as u64],
        _ => vec![step as u64, member as u64],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_and_kernels_grow_over_the_first_half() {
        let settings = SmashTraining { anneal_limits: true, ..SmashTraining::plain(1, 1, 1e-3) };
        let space = SearchSpace::smash_v2(12, 4);
        let at = |progress| settings.limits(&space, progress);
        assert_eq!(
            [0.0, 0.124, 0.125, 0.25, 0.375, 0.5, 1.0].map(|progress| at(progress).max_kernel),
            [3, 3, 5, 5, 7, 7, 7]
        );
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|progress| at(progress).max_budget), [0.5, 0.75, 1.0, 1.0]);
    }

    #[test]
    fn learning_rates_fall_as_scheduled() {
        let steps = [0.0, 0.49, 0.5, 0.74, 0.75, 0.99].map(|progress| Schedule::Steps.factor(progress));
        assert_eq!(steps, [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]);
        assert_eq!(Schedule::Cosine.factor(0.0), 1.0);
        assert!((Schedule::Cosine.factor(0.5) - 0.5).abs() < 1e-12);
        assert!(Schedule::Cosine.factor(1.0).abs() < 1e-12);
        let cycle = [0.0, 0.1, 0.2, 0.6, 1.0].map(|progress| Schedule::OneCycle.factor(progress));
        assert_eq!(cycle, [0.0, 0.5, 1.0, 0.5, 0.0]);
    }
}
