//! The elements of an architecture that can be replaced one at a time, and what each can be replaced by.

use crate::architecture::{Architecture, Conv, Op};
use crate::space::SearchSpace;

/// One element of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Which banks are read; their number stays, and with it the length of the encoding.
    Reads,
    /// Which banks are written.
    Writes,
    /// The number of output units.
    Units,
    /// Which convolutions are active.
    Pattern,
    /// Kernel size of the convolution in a slot.
    Kernel(usize),
    /// Dilation of the convolution in a slot.
    Dilation(usize),
    /// Groups of the convolution in a slot.
    Groups(usize),
}

/// An element and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the block.
    pub block: usize,
    /// Index of the op within the block.
    pub op: usize,
    /// Which element of it.
    pub element: Element,
}

impl Place {
    /// All elements of an architecture, in order. Of convolutions that are not active there are none.
    pub fn all(architecture: &Architecture) -> Vec<Self> {
        let mut places = Vec::new();
        for (block, ops) in architecture.blocks.iter().map(|block| &block.ops).enumerate() {
            for (op, convs) in ops.iter().map(|op| op.convs).enumerate() {
                let active = (0..convs.len()).filter(|&slot| convs[slot].is_some());
                let of_convs =
                    active.flat_map(|slot| [Element::Kernel(slot), Element::Dilation(slot), Element::Groups(slot)]);
                let elements = [Element::Reads, Element::Writes, Element::Units, Element::Pattern];
                places.extend(
                    elements
                        .into_iter()
                        .chain(of_convs)
                        .map(|element| Self { block, op, element }),
                );
            }
        }
        places
    }

    /// Whether replacing both could mean less than two changes: a convolution of the same op, and whether it is active.
    pub fn depends_on(self, other: Self) -> bool {
        let is_conv = |element| matches!(element, Element::Kernel(_) | Element::Dilation(_) | Element::Groups(_));
        let of_pattern = (self.element == Element::Pattern && is_conv(other.element))
            || (other.element == Element::Pattern && is_conv(self.element));
        (self.block, self.op) == (other.block, other.op) && of_pattern
    }

    /// The op with every other option of this element, all else unchanged. Some may be illegal, for later ops too:
    /// [`Place::replaced`] tells.
    ///
    /// Of reads one bank is replaced by another; of writes one is added, removed or replaced. A convolution that a pattern
    /// switches on is a copy of the op's first.
    pub fn options(self, space: &SearchSpace, architecture: &Architecture) -> Vec<Op> {
        let block = &architecture.blocks[self.block];
        let op = &block.ops[self.op];
        let written = || {
            let before = block.ops[..self.op].iter().flat_map(|op| &op.writes);
            let inputs = space.input_banks(self.block, block.bank_size);
            before.map(|bank| bank + 1).max().unwrap_or(0).max(inputs)
        };
        match self.element {
            Element::Reads => exchanges(&op.reads, written())
                .map(|reads| Op { reads, ..op.clone() })
                .collect(),
            Element::Writes => {
                let banks = space.banks(self.block, block.bank_size);
                let open = (written() + op.writes.len() + 1).min(banks);
                let added = others(&op.writes, open).map(|bank| with(&op.writes, None, Some(bank)));
                let removed = op.writes.iter().map(|&bank| with(&op.writes, Some(bank), None));
                let all = added.chain(removed).chain(exchanges(&op.writes, open));
                all.map(|writes| Op { writes, ..op.clone() }).collect()
            }
            Element::Units => (block.bank_size..=space.max_units())
                .step_by(block.bank_size)
                .filter(|&units| units != op.units)
                .map(|units| Op { units, ..op.clone() })
                .collect(),
            Element::Pattern => {
                let other = |pattern: &&([bool; 4], f64)| pattern.0 != op.pattern();
                let convs = |pattern: [bool; 4]| {
                    std::array::from_fn(|slot| pattern[slot].then(|| op.convs[slot].or(op.convs[0])).flatten())
                };
                let patterns = space.pattern_options().iter().filter(other);
                patterns
                    .map(|(pattern, _)| Op {
                        convs: convs(*pattern),
                        ..op.clone()
                    })
                    .collect()
            }
            Element::Kernel(slot) => conv_options(op, slot, |conv| {
                let kernels = SearchSpace::kernels(space.max_kernel);
                pairs(&[kernels.clone(), kernels], space.square)
                    .into_iter()
                    .map(|kernel| Conv { kernel, ..conv })
                    .collect()
            }),
            Element::Dilation(slot) => conv_options(op, slot, |conv| {
                let dilations = dilations(space, conv.kernel).into_iter();
                dilations.map(|dilation| Conv { dilation, ..conv }).collect()
            }),
            Element::Groups(slot) => conv_options(op, slot, |conv| {
                let groups = space.group_options().into_iter();
                groups.map(|groups| Conv { groups, ..conv }).collect()
            }),
        }
    }

    /// The architecture with another op at this place; `None` where that would not be valid.
    pub fn replaced(self, space: &SearchSpace, architecture: &Architecture, op: Op) -> Option<Architecture> {
        let mut block = architecture.blocks[self.block].clone();
        block.ops[self.op] = op;
        block.validate(space, self.block).ok()?;
        let mut replaced = architecture.clone();
        replaced.blocks[self.block] = block;
        Some(replaced)
    }
}

/// All dilations of a kernel.
pub fn dilations(space: &SearchSpace, kernel: [usize; 2]) -> Vec<[usize; 2]> {
    pairs(
        &kernel.map(|size| (1..=space.max_dilation_of(size)).collect()),
        space.square,
    )
}

/// The op with other convolutions in a slot, none where that is not active.
fn conv_options(op: &Op, slot: usize, options: impl Fn(Conv) -> Vec<Conv>) -> Vec<Op> {
    let Some(present) = op.convs[slot] else {
        return Vec::new();
    };
    let others = options(present).into_iter().filter(|conv| *conv != present);
    let with_conv = |conv| {
        let mut op = op.clone();
        op.convs[slot] = Some(conv);
        op
    };
    others.map(with_conv).collect()
}

/// All pairs of options for two axes, or equal ones only.
fn pairs([heights, widths]: &[Vec<usize>; 2], square: bool) -> Vec<[usize; 2]> {
    let of_height = |&height: &usize| {
        let widths = widths.iter().filter(move |&&width| !square || width == height);
        widths.map(move |&width| [height, width])
    };
    heights.iter().flat_map(of_height).collect()
}

/// Banks `0..end` that are not among some.
fn others(banks: &[usize], end: usize) -> impl Iterator<Item = usize> {
    (0..end).filter(move |bank| !banks.contains(bank))
}

/// Ascending banks with one of them replaced by another one of `0..end`, in all ways.
fn exchanges(banks: &[usize], end: usize) -> impl Iterator<Item = Vec<usize>> {
    let exchange = move |&old: &usize| others(banks, end).map(move |new| with(banks, Some(old), Some(new)));
    banks.iter().flat_map(exchange)
}

/// Ascending banks without one of them and with another.
fn with(banks: &[usize], without: Option<usize>, new: Option<usize>) -> Vec<usize> {
    let kept = banks.iter().copied().filter(|&bank| Some(bank) != without);
    let mut banks: Vec<usize> = kept.chain(new).collect();
    banks.sort_unstable();
    banks
}
