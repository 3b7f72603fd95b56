//! The SMASH network: HyperNet and main network, trained and scored as one.

use burn::module::{AutodiffModule, Module};
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use smash_space::architecture::Architecture;
use smash_space::counts;
use smash_space::encoding::{Encoding, EncodingLayout};
use smash_space::forms::{Memory, Stem};
use smash_space::learned_convolutions::LearnedConvolutions;
use smash_space::op_forms::{OpForm, OpForms};
use smash_space::op_normalisation::OpNormalisation;
use smash_space::space::SearchSpace;
use smash_space::task::Task;

use crate::networks::generated_weights::GeneratedWeights;
use crate::networks::hypernet::{HyperNet, HyperNetConfig};
use crate::networks::layers::{BatchNorm, Mode};
use crate::networks::main_net::{MainNet, NetStatistics, Wiring, memories, op_norms};
use crate::networks::shared_weights;

/// "The HyperNet, the variable architecture main network, and any freely learned main network weights" (section 3).
///
/// Without a HyperNet it is plain one-shot: the same network, but all architectures share the 1x1 weights too.
#[derive(Clone, Debug)]
pub struct SmashNet<B: Backend> {
    /// The space whose architectures it runs.
    pub space: SearchSpace,
    /// Generates the 1x1 weights. Without one they are learned with the main network.
    pub hypernet: Option<HyperNet<B>>,
    /// Holds all other weights.
    pub main: MainNet<B>,
    /// Whether the HyperNet reads the noise z, or zeros in its place.
    pub noise: bool,
    /// The forms of ops that it is trained on.
    pub op_forms: OpForms,
}

impl<B: Backend> SmashNet<B> {
    /// A new network with initial weights drawn from `rng`. Without a HyperNet its 1x1 weights are shared by all architectures.
    pub fn new(
        space: SearchSpace,
        hypernet: Option<&HyperNetConfig>,
        learned: LearnedConvolutions,
        task: Task,
        rng: &mut ChaCha8Rng,
        device: &B::Device,
    ) -> Self {
        let hypernet = hypernet.map(|hypernet| hypernet.init(&space, rng, device));
        let mut main = MainNet::new(&space, learned, task, rng, device);
        if hypernet.is_none() {
            main.pointwise = shared_weights::initial(&space, rng, device);
        }
        Self { space, hypernet, main, noise: true, op_forms: OpForms::Paper }
    }

    /// The same network before its first step with another normalisation of its ops.
    pub fn with_op_normalisation(mut self, normalisation: OpNormalisation) -> Self {
        self.main.op_norms = op_norms(normalisation, &self.space, &self.device());
        self
    }

    /// The same network before its first step with another stem and another form of memory (paper, appendix D).
    pub fn with_forms(mut self, stem: Stem, memory: Memory, task: Task) -> Self {
        self.main.memories = memories(memory, &self.space, task, &self.device());
        match stem {
            Stem::Learned => self,
            Stem::Gabor => Self { main: self.main.with_gabor_stem(), ..self },
        }
    }

    /// The same network before its first step, to be trained on other forms of ops (paper, appendix D).
    pub fn with_op_forms(mut self, op_forms: OpForms) -> Self {
        let (inputs, further) = (EncodingLayout::new(&self.space).channels + 1, op_forms.channels());
        if further > 0 {
            self.hypernet = self.hypernet.map(|hypernet| hypernet.with_further_inputs(inputs, further));
        }
        Self { op_forms, ..self }
    }

    /// W = H(c, z): the generated weights of an architecture for one draw of noise. Without a HyperNet it gives the
    /// shared weights, which do not depend on the noise.
    pub fn generate(&self, architecture: &Architecture, noise: &Noise) -> GeneratedWeights<B> {
        if self.hypernet.is_none() {
            return shared_weights::of(&self.main.pointwise, &self.space, architecture);
        }
        self.generate_from(&Encoding::new(&self.space, architecture), noise)
    }

    /// [`Self::generate`] for an architecture whose ops have other forms than the paper's. The forms change the weights
    /// only if the network is trained on them.
    pub fn generate_formed(&self, architecture: &Architecture, forms: &[OpForm], noise: &Noise) -> GeneratedWeights<B> {
        if self.hypernet.is_none() || self.op_forms == OpForms::Paper {
            return self.generate(architecture, noise);
        }
        let encoding = Encoding::formed(&self.space, architecture, forms);
        GeneratedWeights::from_output(&self.space, self.hypernet().forward(self.input(&encoding, noise)))
    }

    /// W = H(c, z) of any encoding, such as a corrupted one: weights for every architecture with as many slices.
    ///
    /// # Panics
    /// Without a HyperNet.
    pub fn generate_from(&self, encoding: &Encoding, noise: &Noise) -> GeneratedWeights<B> {
        let input = self.hypernet_input(encoding, noise);
        GeneratedWeights::from_output(&self.space, self.hypernet().forward(input))
    }

    /// The input of the HyperNet: z, then c, `[1, 1 + encoding channels, units, slices]`. If the network is trained on
    /// other forms of ops, the channels for the paper's form follow.
    pub(crate) fn hypernet_input(&self, encoding: &Encoding, noise: &Noise) -> Tensor<B, 4> {
        match self.op_forms {
            OpForms::Paper => self.input(encoding, noise),
            OpForms::Varied => self.input(&encoding.with_papers_forms(&self.space), noise),
        }
    }

    fn input(&self, encoding: &Encoding, noise: &Noise) -> Tensor<B, 4> {
        let [channels, units, slices] = encoding.shape;
        let mut input = if self.noise { noise.values(units, slices) } else { vec![0.0; units * slices] };
        input.extend(&encoding.values);
        Tensor::from_data(TensorData::new(input, [1, channels + 1, units, slices]), &self.device())
    }

    /// The device of its weights.
    pub fn device(&self) -> B::Device {
        self.main.stem.device()
    }

    /// The HyperNet.
    ///
    /// # Panics
    /// If there is none.
    pub fn hypernet(&self) -> &HyperNet<B> {
        self.hypernet.as_ref().expect("a network with a HyperNet")
    }

    /// Number of weights of the 1x1 convolutions that are generated for an architecture; 0 without a HyperNet.
    pub fn generated_weights(&self, architecture: &Architecture) -> u64 {
        if self.hypernet.is_none() {
            return 0;
        }
        counts::generated_weights(&self.space, architecture)
    }

    /// Number of freely learned weights of the main network, which all architectures share. The HyperNet's weights do
    /// not count.
    pub fn learned_weights(&self) -> u64 {
        let of_norm = |norm: &BatchNorm<B>| 2 * norm.running_mean.dims()[0];
        let norms = self.main.transitions.iter().map(|transition| &transition.norm);
        let running: usize = norms.chain([&self.main.norm]).map(of_norm).sum();
        let starts = self.main.memories.iter().filter_map(|memory| memory.start.as_ref());
        let starts: usize = starts.map(|start| start.shape().num_elements()).sum();
        let stem = match self.main.stem_form {
            Stem::Learned => 0,
            Stem::Gabor => self.main.stem.shape().num_elements(),
        };
        (self.main.num_params() - running - starts - stem) as u64
    }

    /// Log-probabilities `[batch, classes]` of `images` `[batch, channels, height, width]`.
    pub fn forward(
        &self,
        architecture: &Architecture,
        weights: &GeneratedWeights<B>,
        images: Tensor<B, 4>,
        mode: Mode,
    ) -> (Tensor<B, 2>, NetStatistics<B>) {
        self.forward_formed(architecture, &[], weights, images, mode)
    }

    /// [`Self::forward`] for ops of these forms, all blocks in turn. Ops beyond the list have the paper's form.
    pub fn forward_formed(
        &self,
        architecture: &Architecture,
        forms: &[OpForm],
        weights: &GeneratedWeights<B>,
        images: Tensor<B, 4>,
        mode: Mode,
    ) -> (Tensor<B, 2>, NetStatistics<B>) {
        self.main.forward(&Wiring { space: &self.space, architecture, forms, weights }, images, mode)
    }
}

impl<B: AutodiffBackend> SmashNet<B> {
    /// The same network off the gradient tape.
    pub fn valid(&self) -> SmashNet<B::InnerBackend> {
        SmashNet {
            space: self.space.clone(),
            hypernet: self.hypernet.valid(),
            main: self.main.valid(),
            noise: self.noise,
            op_forms: self.op_forms,
        }
    }
}

/// One draw of the noise z, of any length. Cell `(unit, slice)` does not depend on the length of the encoding.
#[derive(Clone, Debug)]
pub struct Noise {
    rng: ChaCha8Rng,
}

impl Noise {
    /// The draw that starts at the state of `rng`.
    pub fn new(rng: ChaCha8Rng) -> Self {
        Self { rng }
    }

    /// Standard normal values `[units, slices]` in row-major order.
    fn values(&self, units: usize, slices: usize) -> Vec<f32> {
        let mut rng = self.rng.clone();
        // Drawn slice by slice, so that a longer encoding only adds draws at its end.
        let mut values = vec![0.0; units * slices];
        for slice in 0..slices {
            for unit in 0..units {
                values[unit * slices + slice] = StandardNormal.sample(&mut rng);
            }
        }
        values
    }
}
