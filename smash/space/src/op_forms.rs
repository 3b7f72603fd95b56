//! Activation and order of operations of each op inside SMASH, as a part of what it is trained on (paper, appendix D).
//!
//! Architectures do not hold them. A training step draws them beside its architecture, and the encoding has further
//! channels for them. All resulting networks have the paper's form.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::encoding::{Encoding, EncodingLayout};
use crate::space::{BLOCKS, SearchSpace};

/// The forms of ops on which a SMASH network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpForms {
    /// Only the paper's.
    #[default]
    Paper,
    /// Each op has a form of its own. Function and order are drawn independently and uniformly.
    Varied,
}

/// The form of an op.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpForm {
    /// The activation of all its convolutions.
    pub function: Function,
    /// Where the activations stand.
    pub order: Order,
}

/// An activation function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Function {
    /// ReLU (paper).
    #[default]
    Relu,
    /// Negative values are multiplied by 0.2.
    LeakyRelu,
    /// Hyperbolic tangent.
    Tanh,
    /// `exp(x) - 1` for negative values.
    Elu,
}

/// Where the activations of an op stand. Its normalisation is that of weights, and goes with the convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Before each convolution after the 1x1 convolution (paper).
    #[default]
    ActivationFirst,
    /// After each convolution, the 1x1 convolution included.
    ConvolutionFirst,
}

/// All functions, in the order of their channels in the encoding.
pub const FUNCTIONS: [Function; 4] = [Function::Relu, Function::LeakyRelu, Function::Tanh, Function::Elu];

/// All orders, in the order of their channels in the encoding.
pub const ORDERS: [Order; 2] = [Order::ActivationFirst, Order::ConvolutionFirst];

impl OpForms {
    /// Channels of the encoding for them, after all others.
    pub const fn channels(self) -> usize {
        match self {
            Self::Paper => 0,
            Self::Varied => FUNCTIONS.len() + ORDERS.len(),
        }
    }

    /// Draws the forms of a number of ops.
    pub fn draw(self, ops: usize, rng: &mut ChaCha8Rng) -> Vec<OpForm> {
        let draw = |_| match self {
            Self::Paper => OpForm::default(),
            Self::Varied => OpForm {
                function: FUNCTIONS[rng.random_range(0..FUNCTIONS.len())],
                order: ORDERS[rng.random_range(0..ORDERS.len())],
            },
        };
        (0..ops).map(draw).collect()
    }
}

impl Encoding {
    /// The encoding of an architecture whose ops, all blocks in turn, have these forms: [`Encoding::new`] with the
    /// channels of [`OpForms::Varied`].
    pub fn formed(space: &SearchSpace, architecture: &Architecture, forms: &[OpForm]) -> Self {
        let mut encoding = Self::new(space, architecture).with_channels(OpForms::Varied.channels());
        let first = encoding.shape[0] - OpForms::Varied.channels();
        let ops = architecture.blocks.iter().flat_map(|block| block.ops.iter().map(|op| (block.bank_size, op)));
        let mut start = 0;
        for ((bank_size, op), form) in ops.zip(forms) {
            let end = start + space.slices(op.reads.len(), bank_size) * space.cells_per_slice();
            let function = FUNCTIONS.iter().position(|function| *function == form.function);
            let order = ORDERS.iter().position(|order| *order == form.order);
            let [function, order] = [function, order].map(|place| place.expect("lists of all values"));
            for channel in [first + function, first + FUNCTIONS.len() + order] {
                encoding.mark(channel, op.units * space.cells_per_unit(), start..end);
            }
            start = end;
        }
        encoding
    }

    /// An encoding without channels for forms as one whose ops all have the paper's form. The channels of the block show
    /// the cells of ops.
    pub fn with_papers_forms(&self, space: &SearchSpace) -> Self {
        let [channels, height, length] = self.shape;
        let (cells, block) = (height * length, EncodingLayout::new(space).block);
        let mut encoding = self.clone().with_channels(OpForms::Varied.channels());
        for cell in 0..cells {
            let of_blocks = (block..block + BLOCKS).map(|channel| self.values[channel * cells + cell]);
            let is_op = of_blocks.fold(-1.0, f32::max);
            for channel in [channels, channels + FUNCTIONS.len()] {
                encoding.values[channel * cells + cell] = is_op;
            }
        }
        encoding
    }

    fn with_channels(mut self, further: usize) -> Self {
        self.shape[0] += further;
        self.values.resize(self.shape.iter().product(), -1.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;
    use crate::sampling::{Limits, sample};

    #[test]
    fn further_channels_tell_the_form_of_each_op_and_nothing_else_changes() {
        for space in [SearchSpace::smash_v1(4, 2), SearchSpace::smash_v2(4, 1)] {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let architecture = sample(&space, Limits::of(&space), &mut rng);
            let forms = OpForms::Varied.draw(architecture.op_count(), &mut rng);
            let (plain, formed) =
                (Encoding::new(&space, &architecture), Encoding::formed(&space, &architecture, &forms));
            let (channels, values) = (plain.shape[0], plain.values.len());
            assert_eq!(formed.shape, [channels + 6, plain.shape[1], plain.shape[2]]);
            assert_eq!(formed.values[..values], plain.values);
            // The cells of an op have one function and one order.
            let mut cell = 0;
            let ops = architecture.blocks.iter().flat_map(|block| block.ops.iter().map(|op| (block.bank_size, op)));
            for ((bank_size, op), form) in ops.zip(&forms) {
                for _ in 0..space.slices(op.reads.len(), bank_size) {
                    for row in 0..space.max_units() {
                        let hot = (channels..channels + 6).filter(|&channel| formed.at(channel, row, cell) == 1.0);
                        let hot: Vec<usize> = hot.map(|channel| channel - channels).collect();
                        if row >= op.units {
                            assert!(hot.is_empty());
                            continue;
                        }
                        assert_eq!((FUNCTIONS[hot[0]], ORDERS[hot[1] - 4], hot.len()), (form.function, form.order, 2));
                    }
                    cell += 1;
                }
            }
            let paper = OpForms::Paper.draw(forms.len(), &mut rng);
            assert_eq!(plain.with_papers_forms(&space), Encoding::formed(&space, &architecture, &paper));
        }
    }

    #[test]
    fn all_forms_are_drawn() {
        let forms = OpForms::Varied.draw(200, &mut ChaCha8Rng::seed_from_u64(0));
        let different: BTreeSet<String> = forms.iter().map(|form| format!("{form:?}")).collect();
        assert_eq!(different.len(), 8);
    }
}
