//! Blueprints of the networks of an architecture.
//!
//! They are the resulting network (paper, section 3 and appendix C), the same with another normalisation, and the network
//! inside the SMASH network.

use super::{Blueprint, ConvShape, Value};
use crate::architecture::{Architecture, Block, Op};
use crate::blueprint::Activation;
use crate::counts::STEM_KERNEL;
use crate::op_normalisation::OpNormalisation;
use crate::space::SearchSpace;
use crate::task::Task;

/// Kernel size of the stem on volumes, and of all convolutions of ops on volumes (paper, appendix C).
const VOLUME_KERNEL: usize = 3;

/// One of the networks of an architecture.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Resulting,
    InSmash {
        /// Whether the 1x1 convolutions of ops divide their weights by their norms.
        simple_weight_norm: bool,
    },
    Normalised(OpNormalisation),
}

impl Blueprint {
    /// The resulting network. BatchNorm stands only around the 1x1 convolution of each op, and every convolution
    /// follows a ReLU.
    ///
    /// On volumes the stem and every convolution of an op have a 3x3x3 kernel. In the paper's words: "we employ 3x3x3
    /// filters (rather than fully variable filter size)".
    pub fn of(space: &SearchSpace, task: Task, architecture: &Architecture) -> Self {
        Self::build(space, task, architecture, Kind::Resulting)
    }

    /// The resulting network with a normalisation of the 1x1 convolutions in place of the two BatchNorms around them. The
    /// order is ReLU, convolution (paper, appendix C). BatchNorm stays before transitions and the output layer.
    pub fn normalised(
        space: &SearchSpace,
        task: Task,
        architecture: &Architecture,
        normalisation: OpNormalisation,
    ) -> Self {
        Self::build(space, task, architecture, Kind::Normalised(normalisation))
    }

    /// The network that a SMASH network runs for an architecture, with free weights. It has no BatchNorm and no ReLU
    /// around the 1x1 convolutions, but a ReLU after the stem. Its 1x1 convolutions are no wider than the generated
    /// weights.
    pub fn in_smash(space: &SearchSpace, task: Task, architecture: &Architecture) -> Self {
        Self::build(space, task, architecture, Kind::InSmash { simple_weight_norm: false })
    }

    /// As [`Self::in_smash`], but each op divides the weight of its 1x1 convolution by its norm, as the SMASH network
    /// does with generated weights. Training then moves the direction of the weight alone.
    pub fn in_smash_with_simple_weight_norm(space: &SearchSpace, task: Task, architecture: &Architecture) -> Self {
        Self::build(space, task, architecture, Kind::InSmash { simple_weight_norm: true })
    }

    fn build(space: &SearchSpace, task: Task, architecture: &Architecture, kind: Kind) -> Self {
        let (mut blueprint, images) = Self::new(architecture.hash(), task);
        let stem_kernel = if blueprint.is_volume() { VOLUME_KERNEL } else { STEM_KERNEL };
        let stem = ConvShape::exact(stem_kernel);
        let mut value = blueprint.conv(&[images], Activation::Identity, space.block_input(0), stem);
        if task.stem_stride == 2 {
            value = blueprint.subsample(value, 0);
        }
        if matches!(kind, Kind::InSmash { .. }) {
            value = blueprint.relu(value);
        }
        for (index, block) in architecture.blocks.iter().enumerate() {
            let banks = blueprint.block(space, kind, (index, block), value);
            let normalised = blueprint.norm(&banks);
            if index + 1 == architecture.blocks.len() {
                let features = blueprint.relu(normalised);
                return blueprint.classify(features);
            }
            let outputs = space.block_input(index + 1);
            let narrowed = blueprint.conv(&[normalised], Activation::Relu, outputs, ConvShape::exact(1));
            value = blueprint.halve(narrowed);
        }
        unreachable!("an architecture has blocks")
    }

    /// Adds the ops of a block and returns its banks after them.
    fn block(&mut self, space: &SearchSpace, kind: Kind, (index, block): (usize, &Block), input: Value) -> Vec<Value> {
        let input_banks = space.input_banks(index, block.bank_size);
        let channels = block.bank_size * space.base_channels;
        let mut banks: Vec<Option<Value>> = self.cut(input, channels, input_banks).into_iter().map(Some).collect();
        banks.resize(block.banks_used(input_banks), None);
        for op in &block.ops {
            let reads: Option<Vec<Value>> = op.reads.iter().map(|&bank| banks[bank]).collect();
            let reads = reads.unwrap_or_else(|| panic!("an op reads an empty bank of {:?}", op.reads));
            let output = self.op(space, kind, op, &reads);
            let slices = op.output_slices(block.bank_size).min(op.writes.len());
            let slices = self.cut(output, channels, slices);
            for (&bank, &slice) in op.writes.iter().zip(slices.iter().cycle()) {
                banks[bank] = Some(match banks[bank] {
                    Some(held) => self.add([held, slice]),
                    // Two banks that hold the same slice are two values, because gradients are summed by bank.
                    None => self.cut(slice, channels, 1)[0],
                });
            }
        }
        let written: Option<Vec<Value>> = banks.into_iter().collect();
        written.expect("banks are written without gaps")
    }

    fn op(&mut self, space: &SearchSpace, kind: Kind, op: &Op, reads: &[Value]) -> Value {
        let outputs = op.units * space.base_channels;
        let (inputs, pointwise) = (self.channels(reads), ConvShape::square(1));
        let bottleneck = match kind {
            Kind::Resulting => {
                let normalised = self.norm(reads);
                let channels = space.bottleneck_channels(inputs, outputs);
                let narrowed = self.conv(&[normalised], Activation::Relu, channels, pointwise);
                self.norm(&[narrowed])
            }
            Kind::Normalised(normalisation) => {
                self.pointwise(reads, space.bottleneck_channels(inputs, outputs), normalisation)
            }
            Kind::InSmash { simple_weight_norm } => {
                let channels = space.generated_channels(inputs, outputs);
                self.conv(reads, Activation::Identity, channels, ConvShape { simple_weight_norm, ..pointwise })
            }
        };
        let first_activation = match kind {
            Kind::Normalised(normalisation) if normalisation.has_relu() => Activation::Identity,
            _ => Activation::Relu,
        };
        let mut path = |first: usize| {
            let convs = op.convs[first..first + 2].iter().flatten();
            let mut value = None;
            for conv in convs {
                let shape = ConvShape {
                    kernel: if self.is_volume() { [VOLUME_KERNEL; 2] } else { conv.kernel },
                    dilation: conv.dilation,
                    groups: conv.groups,
                    may_round: true,
                    simple_weight_norm: false,
                };
                let (input, activation) = match value {
                    Some(value) => (value, Activation::Relu),
                    None => (bottleneck, first_activation),
                };
                value = Some(self.conv(&[input], activation, outputs, shape));
            }
            value
        };
        let (left, right) = (path(0), path(2));
        let left = left.expect("the first convolution is active");
        right.map_or(left, |right| self.add([left, right]))
    }
}
