//! The elements of an architecture that can be replaced one at a time, and their possible replacements.

use crate::architecture::{Architecture, Conv, Op};
use crate::space::SearchSpace;

/// One element of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// The banks that are read. Their number stays, and so does the length of the encoding.
    Reads,
    /// The banks that are written.
    Writes,
    /// The number of output units.
    Units,
    /// The pattern of active convolutions.
    Pattern,
    /// Kernel size of the convolution in a slot.
    Kernel(usize),
    /// Dilation of the convolution in a slot.
    Dilation(usize),
    /// Groups of the convolution in a slot.
    Groups(usize),
}

/// An element and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the block.
    pub block: usize,
    /// Index of the op within the block.
    pub op: usize,
    /// The element of the op.
    pub element: Element,
}

impl Place {
    /// All elements of an architecture, in order. Inactive convolutions have none.
    pub fn all(architecture: &Architecture) -> Vec<Self> {
        let mut places = Vec::new();
        for (block, ops) in architecture.blocks.iter().map(|block| &block.ops).enumerate() {
            for (op, convs) in ops.iter().map(|op| op.convs).enumerate() {
                let active = (0..convs.len()).filter(|&slot| convs[slot].is_some());
                let of_convs =
                    active.flat_map(|slot| [Element::Kernel(slot), Element::Dilation(slot), Element::Groups(slot)]);
                let elements = [Element::Reads, Element::Writes, Element::Units, Element::Pattern];
                places.extend(elements.into_iter().chain(of_convs).map(|element| Self { block, op, element }));
            }
        }
        places
    }

    /// Whether replacing both could count as fewer than two changes. This holds for a convolution and the pattern of
    /// the same op, which decides whether the convolution is active.
    pub fn depends_on(self, other: Self) -> bool {
        let is_conv = |element| matches!(element, Element::Kernel(_) | Element::Dilation(_) | Element::Groups(_));
        let of_pattern = (self.element == Element::Pattern && is_conv(other.element))
            || (other.element == Element::Pattern && is_conv(self.element));
        (self.block, self.op) == (other.block, other.op) && of_pattern
    }

    /// The op with every other option of this element, all else unchanged. Some options may be illegal, for later ops
    /// too: [`Place::replaced`] checks this.
    ///
    /// For reads, one bank is replaced by another. For writes, one bank is added, removed or replaced. A convolution
    /// that a pattern switches on is a copy of the op's first one.
    pub fn options(self, space: &SearchSpace, architecture: &Architecture) -> Vec<Op> {
        let block = &architecture.blocks[self.block];
        let op = &block.ops[self.op];
        let written = || {
            let before = block.ops[..self.op].iter().flat_map(|op| &op.writes);
            let inputs = space.input_banks(self.block, block.bank_size);
            before.map(|bank| bank + 1).max().unwrap_or(0).max(inputs)
        };
        match self.element {
            Element::Reads => exchanges(&op.reads, written()).map(|reads| Op { reads, ..op.clone() }).collect(),
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
                patterns.map(|(pattern, _)| Op { convs: convs(*pattern), ..op.clone() }).collect()
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

    /// The architecture with another op at this place; `None` if that is not valid.
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
    pairs(&kernel.map(|size| (1..=space.max_dilation_of(size)).collect()), space.square)
}

/// The op with other convolutions in a slot; none if the slot is not active.
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

/// All pairs of options for two axes, or only pairs of equal options.
fn pairs([heights, widths]: &[Vec<usize>; 2], square: bool) -> Vec<[usize; 2]> {
    let of_height = |&height: &usize| {
        let widths = widths.iter().filter(move |&&width| !square || width == height);
        widths.map(move |&width| [height, width])
    };
    heights.iter().flat_map(of_height).collect()
}

/// Banks of `0..end` that are not in `banks`.
fn others(banks: &[usize], end: usize) -> impl Iterator<Item = usize> {
    (0..end).filter(move |bank| !banks.contains(bank))
}

/// Ascending banks with one of them replaced by another bank of `0..end`, in all ways.
fn exchanges(banks: &[usize], end: usize) -> impl Iterator<Item = Vec<usize>> {
    let exchange = move |&old: &usize| others(banks, end).map(move |new| with(banks, Some(old), Some(new)));
    banks.iter().flat_map(exchange)
}

/// Ascending banks, without one bank and with another.
fn with(banks: &[usize], without: Option<usize>, new: Option<usize>) -> Vec<usize> {
    let kept = banks.iter().copied().filter(|&bank| Some(bank) != without);
    let mut banks: Vec<usize> = kept.chain(new).collect();
    banks.sort_unstable();
    banks
}
