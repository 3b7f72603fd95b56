//! The resulting network: a fixed architecture whose weights are all learned, with BatchNorm (paper, section 3, appendix C).

use burn::module::{Module, Param};
use burn::prelude::*;
use burn::tensor::activation::{log_softmax, relu};
use rand_chacha::ChaCha8Rng;

use crate::architecture::{Architecture, Op};
use crate::convolution::{Activation, Precision, conv_same};
use crate::counts::{STEM_KERNEL, Task};
use crate::flex::concatenate;
use crate::layers::{BatchNorm, Mode, global_average, orthogonal, output_layer};
use crate::main_net::{NetStatistics, Transition, run_paths};
use crate::memory::MemoryBanks;
use crate::space::SearchSpace;

/// The learned parts of a resulting network.
#[derive(Module, Debug)]
pub struct ResultingWeights<B: Backend> {
    /// Stem convolution, `[channels, image_channels, 7, 7]`.
    pub stem: Param<Tensor<B, 4>>,
    /// For each block its ops in order.
    pub blocks: Vec<Vec<ResultingOp<B>>>,
    /// The downsampling between blocks.
    pub transitions: Vec<Transition<B>>,
    /// BatchNorm before the output layer.
    pub norm: BatchNorm<B>,
    /// Weight of the output layer, `[classes, channels]`.
    pub output_weight: Param<Tensor<B, 2>>,
    /// Bias of the output layer, `[classes]`.
    pub output_bias: Param<Tensor<B, 1>>,
}

/// One op: BatchNorm, ReLU, 1x1 convolution, BatchNorm, then the active convolutions, each after a ReLU.
#[derive(Module, Debug)]
pub struct ResultingOp<B: Backend> {
    /// BatchNorm over the banks that are read.
    pub norm_in: BatchNorm<B>,
    /// 1x1 convolution, `[bottleneck, channels_in]`.
    pub conv_1x1: Param<Tensor<B, 2>>,
    /// BatchNorm after it.
    pub norm_bottleneck: BatchNorm<B>,
    /// The four convolutions, `[channels_out, channels_in / groups, height, width]`; `None` where inactive.
    pub convs: Vec<Option<Param<Tensor<B, 4>>>>,
}

/// A resulting network.
#[derive(Clone, Debug)]
pub struct ResultingNet<B: Backend> {
    /// The fixed architecture.
    pub architecture: Architecture,
    /// Channels of the smallest memory bank, N.
    pub base_channels: usize,
    /// What the convolutions of the ops multiply with; stem and transitions are float32.
    pub precision: Precision,
    /// What is learned.
    pub weights: ResultingWeights<B>,
}

impl<B: Backend> ResultingOp<B> {
    fn new(space: &SearchSpace, op: &Op, bank_size: usize, rng: &mut ChaCha8Rng, device: &B::Device) -> Self {
        let inputs = op.reads.len() * bank_size * space.base_channels;
        let outputs = op.units * space.base_channels;
        let bottleneck = space.bottleneck_channels(inputs, outputs);
        let conv_1x1 = orthogonal([bottleneck, inputs], rng, device);
        let mut convs = Vec::with_capacity(op.convs.len());
        for (slot, conv) in op.convs.iter().enumerate() {
            let conv_inputs = if slot % 2 == 0 { bottleneck } else { outputs };
            convs.push(conv.map(|conv| {
                let [height, width] = conv.kernel;
                orthogonal([outputs, conv_inputs / conv.groups, height, width], rng, device)
            }));
        }
        Self {
            norm_in: BatchNorm::new(inputs, device),
            conv_1x1,
            norm_bottleneck: BatchNorm::new(bottleneck, device),
            convs,
        }
    }

    fn forward(
        &self,
        op: &Op,
        banks: Vec<Tensor<B, 4>>,
        precision: Precision,
        mode: Mode,
        statistics: &mut NetStatistics<B>,
    ) -> Tensor<B, 4> {
        let (normalised, batch) = self.norm_in.forward(banks, mode);
        statistics.extend(batch);
        let weight = self.conv_1x1.val().unsqueeze_dims(&[2, 3]);
        let bottleneck = precision.conv(vec![normalised], Activation::Relu, weight, [1, 1], 1);
        let (bottleneck, batch) = self.norm_bottleneck.forward(vec![bottleneck], mode);
        statistics.extend(batch);
        run_paths(op, bottleneck, |slot, input| {
            let conv = op.convs[slot].expect("only active convolutions run");
            let weight = self.convs[slot].as_ref().expect("active convolutions have weights");
            precision.conv(vec![input], Activation::Relu, weight.val(), conv.dilation, conv.groups)
        })
    }
}

impl<B: Backend> ResultingNet<B> {
    /// Builds the network of an architecture, with orthogonal weights drawn from `rng`.
    pub fn new(
        space: &SearchSpace,
        task: Task,
        architecture: &Architecture,
        rng: &mut ChaCha8Rng,
        device: &B::Device,
    ) -> Self {
        let stem = orthogonal(
            [space.block_input(0), task.image_channels, STEM_KERNEL, STEM_KERNEL],
            rng,
            device,
        );
        let mut blocks = Vec::new();
        let mut transitions = Vec::new();
        let mut width = 0;
        for (index, block) in architecture.blocks.iter().enumerate() {
            let ops = block
                .ops
                .iter()
                .map(|op| ResultingOp::new(space, op, block.bank_size, rng, device));
            blocks.push(ops.collect());
            let banks = block.banks_used(space.input_banks(index, block.bank_size));
            width = banks * block.bank_size * space.base_channels;
            if index + 1 < architecture.blocks.len() {
                transitions.push(Transition::new(width, space.block_input(index + 1), rng, device));
            }
        }
        let (output_weight, output_bias) = output_layer(task.classes, width, rng, device);
        let norm = BatchNorm::new(width, device);
        let weights = ResultingWeights {
            stem,
            blocks,
            transitions,
            norm,
            output_weight,
            output_bias,
        };
        Self {
            architecture: architecture.clone(),
            base_channels: space.base_channels,
            precision: Precision::Float32,
            weights,
        }
    }

    /// Log-probabilities of the classes.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - output: `[batch, classes]`
    pub fn forward(&self, images: Tensor<B, 4>, mode: Mode) -> (Tensor<B, 2>, NetStatistics<B>) {
        let weights = &self.weights;
        let mut statistics = Vec::new();
        let mut banks = vec![conv_same(images, Activation::Identity, weights.stem.val(), [1, 1], 1)];
        for (index, block) in self.architecture.blocks.iter().enumerate() {
            let mut memory = MemoryBanks::new(concatenate(banks), block, self.base_channels);
            for (op, layers) in block.ops.iter().zip(&weights.blocks[index]) {
                let output = layers.forward(op, memory.read(op), self.precision, mode, &mut statistics);
                memory.write(op, output);
            }
            banks = memory.into_output();
            if let Some(transition) = weights.transitions.get(index) {
                let (output, batch) = transition.forward(banks, mode);
                banks = vec![output];
                statistics.extend(batch);
            }
        }
        let (normalised, batch) = weights.norm.forward(banks, mode);
        statistics.extend(batch);
        let logits = global_average(relu(normalised)).matmul(weights.output_weight.val().transpose())
            + weights.output_bias.val().unsqueeze();
        (log_softmax(logits, 1), statistics)
    }

    /// Moves BatchNorm's running statistics towards those of a training batch.
    pub fn update_statistics(&mut self, statistics: &NetStatistics<B>) {
        let weights = &mut self.weights;
        let mut norms = Vec::with_capacity(statistics.len());
        let mut transitions = weights.transitions.iter_mut();
        // In the order in which the forward pass meets them.
        for block in &mut weights.blocks {
            for op in block {
                norms.push(&mut op.norm_in);
                norms.push(&mut op.norm_bottleneck);
            }
            norms.extend(transitions.next().map(|transition| &mut transition.norm));
        }
        norms.push(&mut weights.norm);
        assert_eq!(norms.len(), statistics.len(), "one batch statistic for each BatchNorm");
        norms
            .into_iter()
            .zip(statistics)
            .for_each(|(norm, batch)| norm.update(batch));
    }
}
