//! The main network inside SMASH: variable wiring, generated 1x1 weights, shared and sliced convolutions.

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use rand_chacha::ChaCha8Rng;
use smash_kernels::activation::relu;
use smash_kernels::convolution::{conv_1x1, conv_same};
use smash_kernels::interleaved::interleave;
use smash_kernels::normalisation::BatchStatistics;
use smash_kernels::parts::{Shared, add, concatenate, window};
use smash_kernels::pooling::{every_second, global_average, halve};
use smash_kernels::products::matmul;
use smash_kernels::recording::recorded;
use smash_space::Activation;
use smash_space::architecture::{Architecture, Conv, Op};
use smash_space::counts::STEM_KERNEL;
use smash_space::forms::{Memory, Stem};
use smash_space::learned_convolutions::LearnedConvolutions;
use smash_space::op_forms::{OpForm, Order};
use smash_space::op_normalisation::OpNormalisation;
use smash_space::space::{BLOCKS, SearchSpace};
use smash_space::task::Task;

use crate::networks::gabor;
use crate::networks::generated_weights::GeneratedWeights;
use crate::networks::layers::{BatchNorm, Mode, orthogonal, output_layer};
use crate::networks::memory::{BlockMemory, MemoryBanks};
use crate::networks::op_form::{activated, before_convolution};
use crate::networks::op_norm::OpNorm;

/// The freely learned parts of the main network (paper, section 3.1).
#[derive(Module, Debug)]
pub struct MainNet<B: Backend> {
    /// Stem convolution, `[channels, image_channels, 7, 7]`.
    pub stem: Param<Tensor<B, 4>>,
    /// For each block its sets of shared convolutions, one set after the other. Each convolution is
    /// `[N_max, inputs, max_kernel, max_kernel]`. If all ops share one set, there is only one list. See
    /// [`LearnedConvolutions`].
    pub shared: Vec<Vec<Param<Tensor<B, 4>>>>,
    /// The downsampling between blocks.
    pub transitions: Vec<Transition<B>>,
    /// For each block and each place of an op in it, the weights of the op's 1x1 convolution. Empty if a HyperNet
    /// generates them. See [`crate::networks::shared_weights`].
    pub pointwise: Vec<Vec<Param<Tensor<B, 2>>>>,
    /// The normalisation of the 1x1 convolutions of each block. All ops of a block share its gains and shifts, as they share
    /// its convolutions.
    pub op_norms: Vec<OpNorm<B>>,
    /// The memory of each block.
    pub memories: Vec<BlockMemory<B>>,
    /// BatchNorm before the output layer.
    pub norm: BatchNorm<B>,
    /// Weight of the output layer, `[classes, channels]`.
    pub output_weight: Param<Tensor<B, 2>>,
    /// Bias of the output layer, `[classes]`.
    pub output_bias: Param<Tensor<B, 1>>,
    /// See [`Task::stem_stride`].
    pub stem_stride: usize,
    /// Whether the stem is learned.
    pub stem_form: Stem,
}

/// BatchNorm, ReLU, 1x1 convolution and 2x2 average pooling between two blocks.
#[derive(Module, Debug)]
pub struct Transition<B: Backend> {
    /// BatchNorm over the banks of the block before.
    pub norm: BatchNorm<B>,
    /// 1x1 convolution, `[channels_out, channels_in]`. Its columns are sliced to the incoming channels.
    pub conv: Param<Tensor<B, 2>>,
}

/// Means and variances of a forward pass in training mode, by which the network's running values move.
#[derive(Clone, Debug)]
pub struct NetStatistics<B: Backend> {
    /// Batch statistics of the two transitions and the output layer.
    pub norms: Vec<BatchStatistics<B>>,
    /// For each block whose memory persists, the mean over images of the tensors written to its banks, `[channels,
    /// height, width]`.
    pub written: Vec<Tensor<B, 3>>,
}

impl<B: Backend> Transition<B> {
    /// A transition with an orthogonal convolution.
    pub fn new(channels_in: usize, channels_out: usize, rng: &mut ChaCha8Rng, device: &B::Device) -> Self {
        Self { norm: BatchNorm::new(channels_in, device), conv: orthogonal([channels_out, channels_in], rng, device) }
    }

    /// Maps banks, together `[batch, channels_in, height, width]`, to `[batch, channels_out, height / 2, width / 2]`.
    pub fn forward(&self, banks: Vec<Tensor<B, 4>>, mode: Mode) -> (Tensor<B, 4>, Option<BatchStatistics<B>>) {
        let (normalised, statistics) = self.norm.forward(banks, mode);
        let channels = normalised.dims()[1];
        let conv = self.conv.val();
        let rows = conv.dims()[0];
        // Pooling and a 1x1 convolution commute. Pooling first costs a quarter of the multiply-adds, but changes
        // rounding. So the order of the paper stays.
        let output = conv_1x1(vec![normalised], Activation::Relu, window(conv, [0..rows, 0..channels]));
        (halve(output), statistics)
    }
}

/// The network that a pass runs: an architecture and its weights.
pub struct Wiring<'a, B: Backend> {
    /// The space of the architecture.
    pub space: &'a SearchSpace,
    /// The ops, and the banks that they read and write.
    pub architecture: &'a Architecture,
    /// The forms of the ops, all blocks in turn. Ops beyond the list have the paper's form.
    pub forms: &'a [OpForm],
    /// The weights of the 1x1 convolutions.
    pub weights: &'a GeneratedWeights<B>,
}

impl<B: Backend> MainNet<B> {
    /// A main network for a search space, with initial weights drawn from `rng`.
    ///
    /// # Panics
    /// If the task has volumes: the paper applies architectures to them, but does not search there.
    pub fn new(
        space: &SearchSpace,
        learned: LearnedConvolutions,
        task: Task,
        rng: &mut ChaCha8Rng,
        device: &B::Device,
    ) -> Self {
        assert_eq!(task.image_depth, 1, "the SMASH network is for images");
        let stem = orthogonal([space.block_input(0), task.image_channels, STEM_KERNEL, STEM_KERNEL], rng, device);
        let convs = space.patterns.convolutions();
        let n_max = space.max_channels;
        let kernel = space.max_kernel;
        let inputs = |slot: usize| {
            if slot.is_multiple_of(2) { space.shared_inputs() } else { n_max }
        };
        let [blocks, sets] = learned.sets();
        let mut shared = Vec::with_capacity(blocks);
        for _ in 0..blocks {
            let slots = (0..sets).flat_map(|_| 0..convs);
            let block = slots.map(|slot| orthogonal([n_max, inputs(slot), kernel, kernel], rng, device));
            shared.push(block.collect());
        }
        let transitions = (0..BLOCKS - 1)
            .map(|block| Transition::new(space.block_width(block), space.block_input(block + 1), rng, device))
            .collect();
        let width = space.block_width(BLOCKS - 1);
        let (output_weight, output_bias) = output_layer(task.classes, width, rng, device);
        Self {
            stem,
            shared,
            transitions,
            pointwise: Vec::new(),
            op_norms: op_norms(OpNormalisation::default(), space, device),
            memories: memories(Memory::default(), space, task, device),
            norm: BatchNorm::new(width, device),
            output_weight,
            output_bias,
            stem_stride: task.stem_stride,
            stem_form: Stem::Learned,
        }
    }

    /// The same network with a fixed stem of Gabor filters, which no optimiser changes.
    pub fn with_gabor_stem(self) -> Self {
        let (shape, device) = (self.stem.dims(), self.stem.device());
        let filters = Tensor::from_data(TensorData::new(gabor::filters(shape), shape), &device);
        Self { stem: Param::initialized(ParamId::new(), filters), stem_form: Stem::Gabor, ..self }
    }

    /// Log-probabilities of the classes under one architecture and its generated weights.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - output: `[batch, classes]`
    pub fn forward(
        &self,
        wiring: &Wiring<'_, B>,
        images: Tensor<B, 4>,
        mode: Mode,
    ) -> (Tensor<B, 2>, NetStatistics<B>) {
        let mut statistics = NetStatistics { norms: Vec::new(), written: Vec::new() };
        let pass = || self.features(wiring, images, mode, &mut statistics);
        let features = match mode == Mode::Train && self.can_be_recorded(wiring.forms) {
            true => recorded(Some(wiring.weights.matrix()), pass),
            false => pass(),
        };
        let ([classes, _], [_, channels]) = (self.output_weight.dims(), features.dims());
        let weight = self.output_weight.val().slice([0..classes, 0..channels]);
        let logits = matmul(features, weight.transpose()) + self.output_bias.val().unsqueeze();
        (log_softmax(logits, 1), statistics)
    }

    /// Whether a training pass needs no operation of burn.
    fn can_be_recorded(&self, forms: &[OpForm]) -> bool {
        let is_ours =
            |norm: &OpNorm<B>| matches!(norm.normalisation, OpNormalisation::None | OpNormalisation::SimpleWeightNorm);
        self.stem_stride == 1
            && forms.iter().all(|form| *form == OpForm::default())
            && self.memories.iter().all(|memory| memory.form == Memory::default())
            && self.op_norms.iter().all(is_ours)
    }

    /// The values that the output layer reads, `[batch, channels]`. It adds to the statistics.
    fn features(
        &self,
        wiring: &Wiring<'_, B>,
        images: Tensor<B, 4>,
        mode: Mode,
        statistics: &mut NetStatistics<B>,
    ) -> Tensor<B, 2> {
        let &Wiring { space, architecture, forms, weights } = wiring;
        let mut stem = conv_same(interleave(images), Activation::Identity, self.stem.val(), [1, 1], 1);
        if self.stem_stride == 2 {
            stem = every_second(stem, 0);
        }
        let mut banks = vec![relu(stem)];
        let (mut channels_read, mut forms) = (0, forms.iter());
        for (index, block) in architecture.blocks.iter().enumerate() {
            let mut memory = MemoryBanks::new(concatenate(banks), block, space.base_channels, &self.memories[index]);
            for (place, op) in block.ops.iter().enumerate() {
                let input = memory.read(op);
                let inputs = input.iter().map(|bank| bank.dims()[1]).sum();
                let outputs = space.generated_channels(inputs, op.units * space.base_channels);
                let weight = weights.of_op(channels_read, inputs, outputs);
                channels_read += inputs;
                let bottleneck = self.op_norms[index].forward(input, Activation::Identity, weight);
                let form = forms.next().copied().unwrap_or_default();
                memory.write(op, self.op(space, [index, place], op, form, bottleneck));
            }
            let written;
            (banks, written) = memory.into_output();
            statistics.written.extend(written);
            if let Some(transition) = self.transitions.get(index) {
                let (output, batch) = transition.forward(banks, mode);
                banks = vec![output];
                statistics.norms.extend(batch);
            }
        }
        let (normalised, batch) = self.norm.forward(banks, mode);
        statistics.norms.extend(batch);
        global_average(relu(normalised))
    }

    /// The convolutions of an op after its 1x1 convolution, with shared weights sliced to its sizes. The op has a place
    /// in a block.
    fn op(
        &self,
        space: &SearchSpace,
        [block, place]: [usize; 2],
        op: &Op,
        form: OpForm,
        bottleneck: Tensor<B, 4>,
    ) -> Tensor<B, 4> {
        let outputs = op.units * space.base_channels;
        let has_relu = self.op_norms[block].normalisation.has_relu();
        let end = |output| match form.order {
            Order::ActivationFirst => output,
            Order::ConvolutionFirst => activated(form.function, output),
        };
        run_paths(op, bottleneck, end, |slot, input| {
            let is_first = slot.is_multiple_of(2);
            let (input, activation) = match is_first && has_relu {
                true => (input, Activation::Identity),
                false => before_convolution(form.function, input),
            };
            let conv = op.convs[slot].expect("only active convolutions run");
            let weight = self.conv_weight(space, [block, place, slot], conv, [outputs, input.dims()[1]]);
            conv_same(input, activation, weight, conv.dilation, conv.groups)
        })
    }

    /// The part of a shared convolution that the convolution in a slot of an op uses. The op has a place in a block. The
    /// weight is `[channels_out, channels_in / groups, height, width]`, for the given output and input channels.
    pub(crate) fn conv_weight(
        &self,
        space: &SearchSpace,
        [block, place, slot]: [usize; 3],
        conv: Conv,
        [outputs, inputs]: [usize; 2],
    ) -> Tensor<B, 4> {
        let [rows, columns] = conv.kernel.map(|size| {
            let start = (space.max_kernel - size) / 2;
            start..start + size
        });
        let inputs = inputs / conv.groups;
        let of_block = &self.shared[block % self.shared.len()];
        let slots = space.patterns.convolutions();
        let set = place % (of_block.len() / slots);
        window(of_block[set * slots + slot].val(), [0..outputs, 0..inputs, rows, columns])
    }

    /// Moves BatchNorm's running statistics, and the start of memory that persists, towards those of a training batch.
    pub fn update_statistics(&mut self, statistics: &NetStatistics<B>) {
        self.norms().zip(&statistics.norms).for_each(|(norm, batch)| norm.update(batch));
        self.memories.iter_mut().zip(&statistics.written).for_each(|(memory, written)| memory.update(written));
    }

    /// Replaces BatchNorm's running statistics by the mean of the statistics of some batches. These batches ran one
    /// architecture. The start of memory stays.
    ///
    /// # Panics
    /// If there is no batch.
    pub fn replace_statistics(&mut self, batches: &[NetStatistics<B>]) {
        assert!(!batches.is_empty(), "statistics are a mean over batches");
        for (index, norm) in self.norms().enumerate() {
            let mean = |part: fn(&BatchStatistics<B>) -> &Tensor<B, 1>| {
                let parts = batches.iter().map(|batch| part(&batch.norms[index]).clone());
                let sum = parts.reduce(|sum, part| sum + part).expect("at least one batch");
                sum / batches.len() as f64
            };
            norm.replace(&BatchStatistics { mean: mean(|batch| &batch.mean), variance: mean(|batch| &batch.variance) });
        }
    }

    /// The BatchNorms in the order of [`NetStatistics::norms`].
    fn norms(&mut self) -> impl Iterator<Item = &mut BatchNorm<B>> {
        let of_transitions = self.transitions.iter_mut().map(|transition| &mut transition.norm);
        of_transitions.chain([&mut self.norm])
    }
}

/// The normalisation of each block, for 1x1 convolutions of any width.
pub(crate) fn op_norms<B: Backend>(
    normalisation: OpNormalisation,
    space: &SearchSpace,
    device: &B::Device,
) -> Vec<OpNorm<B>> {
    (0..BLOCKS).map(|_| OpNorm::new(normalisation, space.weight_rows(), device)).collect()
}

/// The memory of each block in a form, before the first training step.
pub(crate) fn memories<B: Backend>(
    form: Memory,
    space: &SearchSpace,
    task: Task,
    device: &B::Device,
) -> Vec<BlockMemory<B>> {
    let of_block = |block: usize| {
        let pixels = (task.image_size / task.stem_stride) >> block;
        BlockMemory::new(form, [space.block_width(block), pixels, pixels], space.max_channels, device)
    };
    (0..BLOCKS).map(of_block).collect()
}

/// Runs the active convolutions of an op, `conv(slot, input)` with its activation, and adds the `end` of the two paths.
fn run_paths<B: Backend>(
    op: &Op,
    bottleneck: Tensor<B, 4>,
    end: impl Fn(Tensor<B, 4>) -> Tensor<B, 4>,
    conv: impl Fn(usize, Tensor<B, 4>) -> Tensor<B, 4>,
) -> Tensor<B, 4> {
    let path = |first: usize, input: Tensor<B, 4>| {
        let output = conv(first, input);
        end(if op.convs[first + 1].is_some() { conv(first + 1, output) } else { output })
    };
    if op.convs[2].is_none() {
        return path(0, bottleneck);
    }
    let bottleneck = Shared::new(bottleneck);
    add(path(0, bottleneck.read()), path(2, bottleneck.read()))
}
