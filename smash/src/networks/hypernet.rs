//! The HyperNet H: a 26-layer fully convolutional DenseNet from encoding to weights (paper, section 3.2, appendix A).

use burn::module::{Module, Param};
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use smash_kernels::convolution::conv_concatenated;
use smash_kernels::parts::Shared;
use smash_kernels::recording::recorded;
use smash_kernels::weight_norm::simple_weight_norm;
use smash_space::Activation;
use smash_space::encoding::EncodingLayout;
use smash_space::space::SearchSpace;

use crate::networks::layers::orthogonal;

/// Negative slope of the leaky ReLU.
const SLOPE: f32 = 0.02;
/// Channels of the first convolution. Together with the input they make a round number.
const FIRST_CHANNELS: usize = 7;

/// Size of a HyperNet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HyperNetConfig {
    /// Channels that each layer of a dense block adds.
    pub growth: usize,
    /// Layers of each dense block; between two blocks a convolution halves the channels.
    pub layers: Vec<usize>,
}

impl Default for HyperNetConfig {
    /// The paper's HyperNet: dense blocks of 8, 10 and 4 layers at growth rate 10.
    fn default() -> Self {
        Self { growth: 10, layers: vec![8, 10, 4] }
    }
}

/// The HyperNet. It has no biases and no BatchNorm. Every weight is divided by its Euclidean norm (simple WeightNorm).
#[derive(Module, Debug)]
pub struct HyperNet<B: Backend> {
    /// All convolutions in order, `[channels_out, channels_in, height, width]` each.
    pub convs: Vec<Param<Tensor<B, 4>>>,
    /// Layers of each dense block.
    layers: Vec<usize>,
}

impl HyperNetConfig {
    /// A HyperNet for a search space, with orthogonal weights drawn from `rng`.
    pub fn init<B: Backend>(&self, space: &SearchSpace, rng: &mut ChaCha8Rng, device: &B::Device) -> HyperNet<B> {
        let shapes = self.shapes_for(space);
        HyperNet {
            convs: shapes.into_iter().map(|shape| orthogonal(shape, rng, device)).collect(),
            layers: self.layers.clone(),
        }
    }

    /// Shape of each convolution of a HyperNet for a search space, in order.
    fn shapes_for(&self, space: &SearchSpace) -> Vec<[usize; 4]> {
        // One more channel for the noise z.
        let inputs = EncodingLayout::new(space).channels + 1;
        self.shapes(inputs, space.hypernet_outputs())
    }

    /// Number of weights of a HyperNet for a search space.
    pub fn weights(&self, space: &SearchSpace) -> u64 {
        let shapes = self.shapes_for(space).into_iter();
        shapes.map(|shape| shape.iter().product::<usize>() as u64).sum()
    }

    /// Shape of each convolution in order.
    pub fn shapes(&self, inputs: usize, outputs: usize) -> Vec<[usize; 4]> {
        let mut shapes = vec![[FIRST_CHANNELS, inputs, 3, 3]];
        let mut channels = inputs + FIRST_CHANNELS;
        for (block, &layers) in self.layers.iter().enumerate() {
            if block > 0 {
                // The paper has a 1x1 convolution here. This code follows the released code, which has 3x3.
                shapes.push([channels / 2, channels, 3, 3]);
                channels /= 2;
            }
            for _ in 0..layers {
                shapes.push([self.growth, channels, 3, 3]);
                channels += self.growth;
            }
        }
        shapes.push([outputs, channels, 1, 1]);
        shapes
    }
}

impl<B: Backend> HyperNet<B> {
    /// A HyperNet from given convolutions.
    pub fn from_convs(config: &HyperNetConfig, convs: Vec<Param<Tensor<B, 4>>>) -> Self {
        let expected = 2 + config.layers.iter().sum::<usize>() + config.layers.len() - 1;
        assert_eq!(convs.len(), expected, "a HyperNet of {:?} layers has {expected} convolutions", config.layers);
        Self { convs, layers: config.layers.clone() }
    }

    /// The same HyperNet with further channels after its first `inputs` channels of input. Their weights are zero, so
    /// that it computes the same until it is trained.
    pub fn with_further_inputs(mut self, inputs: usize, further: usize) -> Self {
        // All convolutions up to the end of the first dense block read the input, before all else.
        let readers = self.layers[0] + 2;
        for conv in &mut self.convs[..readers] {
            let weight = conv.val();
            let [outputs, channels, height, width] = weight.dims();
            let zeros = Tensor::zeros([outputs, further, height, width], &weight.device());
            let mut parts = vec![weight.clone().narrow(1, 0, inputs), zeros];
            if channels > inputs {
                parts.push(weight.narrow(1, inputs, channels - inputs));
            }
            *conv = Param::from_tensor(Tensor::cat(parts, 1).detach());
        }
        self
    }

    /// # Shapes
    /// - `input`: `[1, 1 + encoding channels, units, slices]`, the noise z first
    /// - output: `[1, outputs of a cell, units, slices]`, where a cell has `r * D * N^2` outputs in the paper
    pub fn forward(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        recorded(None, || self.outputs(input))
    }

    fn outputs(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        let mut convs = self.convs.iter().map(|conv| conv.val());
        let mut next = |inputs: Vec<Tensor<B, 4>>, activation: Activation| {
            let weight = convs.next().expect("as many convolutions as layers");
            conv_concatenated(inputs, activation, simple_weight_norm(weight), [1, 1], 1)
        };
        let leaky = Activation::LeakyRelu(SLOPE);
        let read = |features: &[Shared<B>]| features.iter().map(Shared::read).collect();
        let first = next(vec![input.clone()], Activation::Identity);
        let mut features = vec![Shared::new(input), Shared::new(first)];
        for (block, &layers) in self.layers.iter().enumerate() {
            if block > 0 {
                features = vec![Shared::new(next(read(&features), leaky))];
            }
            for _ in 0..layers {
                let grown = next(read(&features), leaky);
                features.push(Shared::new(grown));
            }
        }
        next(features.into_iter().map(Shared::read_last).collect(), leaky)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(space: &SearchSpace, inputs: usize) -> usize {
        let n = space.base_channels;
        let outputs = space.depth_compression * n * n;
        HyperNetConfig::default().shapes(inputs, outputs).iter().map(|shape| shape.iter().product::<usize>()).sum()
    }

    #[test]
    fn the_paper_size_has_26_layers_and_the_released_parameter_counts() {
        assert_eq!(HyperNetConfig::default().shapes(144, 128).len(), 26);
        assert_eq!(parameters(&SearchSpace::smash_v2(12, 4), 144), 795_858);
        assert_eq!(parameters(&SearchSpace::smash_v2(4, 1), 92), 582_541);
    }
}
