//! Sampling of architectures, block by block under a budget (paper, section 3.1 and appendix C), and perturbation.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::{Architecture, Block, Conv, Op};
use crate::counts::Counts;
use crate::space::{BLOCKS, SearchSpace, Units};
use crate::task::Task;

/// Number of draws from which [`sample_size_balanced`] picks one. 32 draws make the result nearly uniform over the
/// middle 96 % of the draws of [`sample`]. 8 draws make it hardly more even than [`sample`]; more than 32 only take
/// longer.
const SIZE_BALANCED_DRAWS: usize = 32;

/// Limits that a training schedule moves within the limits of the space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Largest fraction of the reference budget that a block may get.
    pub max_budget: f64,
    /// Largest kernel size.
    pub max_kernel: usize,
}

impl Limits {
    /// The full limits of a space, as used for scoring and search.
    pub fn of(space: &SearchSpace) -> Self {
        Self { max_budget: space.budget[1], max_kernel: space.max_kernel }
    }
}

/// Draws one architecture. Any space that [`SearchSpace::validate`] accepts gives a valid one.
pub fn sample(space: &SearchSpace, limits: Limits, rng: &mut ChaCha8Rng) -> Architecture {
    let blocks = (0..BLOCKS).map(|block| sample_block(space, limits, block, rng)).collect();
    Architecture { blocks }
}

/// The distribution of the architectures on which a SMASH network is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// The paper's distribution, which is also that of the scored architectures.
    #[default]
    Paper,
    /// About uniform in the logarithm of the resulting network's multiply-adds; see [`sample_size_balanced`].
    SizeBalanced,
    /// Draws of the paper's distribution, among which a linear bandit chooses (appendix D).
    Bandit,
    /// Draws of the paper's distribution, of which the better half is trained on more often (appendix D).
    SuccessiveHalving,
    /// Draws of the paper's distribution, among which a learned policy chooses (appendix D).
    PolicyGradient,
}

impl Sampling {
    /// Draws one architecture. It is valid in the same way as one of [`sample`]. For guided sampling, it is one of the
    /// draws from which the guide chooses.
    pub fn draw(self, space: &SearchSpace, limits: Limits, task: Task, rng: &mut ChaCha8Rng) -> Architecture {
        match self {
            Self::SizeBalanced => sample_size_balanced(space, limits, task, rng),
            Self::Paper | Self::Bandit | Self::SuccessiveHalving | Self::PolicyGradient => sample(space, limits, rng),
        }
    }

    /// Whether a guide chooses among the draws, by the losses of the training so far.
    pub fn is_guided(self) -> bool {
        matches!(self, Self::Bandit | Self::SuccessiveHalving | Self::PolicyGradient)
    }
}

/// Draws some architectures by [`sample`], and a target uniformly between the logarithms of their fewest and most
/// multiply-adds. It returns the architecture nearest to the target.
///
/// The range is the range of the draws themselves, so it follows `limits` that grow during training.
pub fn sample_size_balanced(space: &SearchSpace, limits: Limits, task: Task, rng: &mut ChaCha8Rng) -> Architecture {
    let draws = (0..SIZE_BALANCED_DRAWS).map(|_| {
        let architecture = sample(space, limits, rng);
        let size = (Counts::of(space, task, &architecture).multiply_adds as f64).ln();
        (size, architecture)
    });
    let mut draws: Vec<(f64, Architecture)> = draws.collect();
    let sizes = || draws.iter().map(|(size, _)| *size);
    let (smallest, largest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    let target = smallest + (largest - smallest) * rng.random::<f64>();
    let distances = sizes().map(|size| (size - target).abs()).enumerate();
    let nearest = distances.min_by(|a, b| a.1.total_cmp(&b.1)).expect("some were drawn").0;
    draws.swap_remove(nearest).1
}

fn sample_block(space: &SearchSpace, limits: Limits, block: usize, rng: &mut ChaCha8Rng) -> Block {
    let low = space.budget[0].min(limits.max_budget);
    let fraction = low + (limits.max_budget - low) * rng.random::<f64>();
    let bank_size = *choose(&space.bank_sizes(block), rng);
    let mut state = BlockState::new(space, limits, block, bank_size, fraction);
    let mut ops = Vec::new();
    while state.slices_left >= state.smallest_op() {
        let op = state.draw_op(rng);
        state.apply(&op);
        ops.push(op);
    }
    Block { bank_size, ops }
}

/// The banks and the budget of a block after the ops before this one.
pub struct BlockState<'a> {
    /// The space.
    pub space: &'a SearchSpace,
    limits: Limits,
    /// Size of a bank, in units of N.
    pub bank_size: usize,
    /// Banks that the block may use.
    banks: usize,
    /// Banks `0..written` hold something; empty ones are filled in order.
    pub written: usize,
    /// Slices of weights that the next ops may use.
    pub slices_left: usize,
}

impl<'a> BlockState<'a> {
    /// The state before the first op of a block that gets a fraction of the reference budget, and banks in proportion.
    pub fn new(space: &'a SearchSpace, limits: Limits, block: usize, bank_size: usize, fraction: f64) -> Self {
        let inputs = space.input_banks(block, bank_size);
        let growth = (fraction * (space.depth * space.max_units()) as f64).ceil() as usize / bank_size;
        Self {
            space,
            limits,
            bank_size,
            banks: (inputs + growth).min(space.banks(block, bank_size)),
            written: inputs,
            slices_left: space.slice_budget(block, fraction, bank_size),
        }
    }

    /// The state before the first op of a block that may use all that the space allows.
    pub fn whole(space: &'a SearchSpace, block: usize, bank_size: usize) -> Self {
        Self {
            space,
            limits: Limits::of(space),
            bank_size,
            banks: space.banks(block, bank_size),
            written: space.input_banks(block, bank_size),
            slices_left: space.slice_budget(block, space.budget[1], bank_size),
        }
    }

    /// Slices of an op that reads as few banks as allowed.
    pub fn smallest_op(&self) -> usize {
        self.space.slices(self.space.read_multiple(self.bank_size), self.bank_size)
    }

    /// Takes the op's slices from the budget and marks the banks that it writes.
    pub fn apply(&mut self, op: &Op) {
        self.slices_left -= self.space.slices(op.reads.len(), self.bank_size);
        self.written = self.written.max(op.writes.last().map_or(0, |bank| bank + 1));
    }

    fn draw_op(&self, rng: &mut ChaCha8Rng) -> Op {
        let reads = self.draw_reads(rng);
        let units = self.draw_units(reads.len(), rng);
        let writes = self.draw_writes(units, rng);
        let pattern = self.draw_pattern(rng);
        let convs = pattern.map(|active| active.then(|| self.draw_conv(rng)));
        Op { reads, writes, units, convs }
    }

    /// Draws uniformly from the allowed numbers of banks, then cuts the number to the remaining budget.
    fn draw_reads(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let multiple = self.space.read_multiple(self.bank_size);
        let drawn = multiple * rng.random_range(1..=self.written / multiple);
        subset(0..self.written, drawn.min(self.affordable_reads()), rng)
    }

    /// Largest number of banks that the budget still lets an op read, if they were written.
    pub fn affordable_reads(&self) -> usize {
        let multiple = self.space.read_multiple(self.bank_size);
        self.slices_left * self.space.depth_compression / self.bank_size / multiple * multiple
    }

    /// The possible numbers of output units of an op.
    pub fn unit_options(&self) -> Vec<usize> {
        let largest = self.space.max_units().min(self.banks * self.bank_size);
        (self.bank_size..=largest).step_by(self.bank_size).collect()
    }

    /// Weight of a number of output units under [`Units::NearReads`].
    pub fn nearness(&self, units: usize, reads: usize) -> f64 {
        let channels_read = (reads * self.bank_size) as f64;
        1.0 / (0.01 + 10.0 * (units as f64 - channels_read).abs())
    }

    fn draw_units(&self, reads: usize, rng: &mut ChaCha8Rng) -> usize {
        let options = self.unit_options();
        match self.space.units {
            Units::Uniform => *choose(&options, rng),
            Units::NearReads => {
                let weights = options.iter().map(|&units| self.nearness(units, reads));
                options[weighted(weights.collect(), rng)]
            }
        }
    }

    /// Number of banks that an op with `units` units may write. These are the written banks, and the empty ones that
    /// its output could fill.
    fn open_banks(&self, units: usize) -> usize {
        // More banks may be written than the block may use, if an architecture is replayed under a smaller budget.
        self.written + (units / self.bank_size).min(self.banks.saturating_sub(self.written))
    }

    /// Weights of writing 0, 1, ... banks more than the output has slices.
    pub fn write_weights(&self, units: usize) -> Vec<f64> {
        let slices = units / self.bank_size;
        let most = (self.written / 2).max(slices).min(self.open_banks(units));
        (slices..=most).map(|count| (-((count - slices) as f64)).exp()).collect()
    }

    /// Draws as many banks as the output has slices, or more with falling probability. Each bank gets at least one
    /// slice.
    pub fn draw_writes(&self, units: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let count = units / self.bank_size + weighted(self.write_weights(units), rng);
        self.place_writes(units, count, rng)
    }

    /// Draws `count` banks to write, uniformly.
    pub fn place_writes(&self, units: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        self.fill_in_order(subset(0..self.open_banks(units), count, rng))
    }

    /// Replaces the empty banks among sorted `writes` by the lowest empty ones, so that banks are filled without gaps.
    fn fill_in_order(&self, writes: Vec<usize>) -> Vec<usize> {
        let old = writes.iter().filter(|&&bank| bank < self.written).count();
        let new = self.written..self.written + writes.len() - old;
        writes[..old].iter().copied().chain(new).collect()
    }

    fn draw_pattern(&self, rng: &mut ChaCha8Rng) -> [bool; 4] {
        let options = self.space.pattern_options();
        options[weighted(options.iter().map(|(_, probability)| *probability).collect(), rng)].0
    }

    fn draw_conv(&self, rng: &mut ChaCha8Rng) -> Conv {
        let kernel = self.draw_kernel(rng);
        Conv { kernel, dilation: self.draw_dilation(kernel, rng), groups: *choose(&self.space.group_options(), rng) }
    }

    fn draw_kernel(&self, rng: &mut ChaCha8Rng) -> [usize; 2] {
        let kernels = SearchSpace::kernels(self.limits.max_kernel);
        let height = *choose(&kernels, rng);
        [height, if self.space.square { height } else { *choose(&kernels, rng) }]
    }

    fn draw_dilation(&self, kernel: [usize; 2], rng: &mut ChaCha8Rng) -> [usize; 2] {
        let height = rng.random_range(1..=self.space.max_dilation_of(kernel[0]));
        let square = self.space.square;
        [height, if square { height } else { rng.random_range(1..=self.space.max_dilation_of(kernel[1])) }]
    }
}

/// Redraws each element of each op with the given probability (paper, appendix C: 5 %).
///
/// Bank sizes and the number of ops stay. An element that an earlier change made invalid is redrawn too, and empty
/// banks are filled in order again. So the result is valid whenever `architecture` is.
pub fn perturb(
    space: &SearchSpace,
    architecture: &Architecture,
    probability: f64,
    rng: &mut ChaCha8Rng,
) -> Architecture {
    let blocks = architecture.blocks.iter().enumerate();
    Architecture { blocks: blocks.map(|(index, block)| perturb_block(space, index, block, probability, rng)).collect() }
}

fn perturb_block(space: &SearchSpace, index: usize, block: &Block, probability: f64, rng: &mut ChaCha8Rng) -> Block {
    let bank_size = block.bank_size;
    let mut state = BlockState::whole(space, index, bank_size);
    let mut ops = Vec::with_capacity(block.ops.len());
    for (done, op) in block.ops.iter().enumerate() {
        // Every remaining op keeps the slices that it needs at least.
        let reserved = (block.ops.len() - done - 1) * state.smallest_op();
        state.slices_left -= reserved;
        let op = state.perturb_op(op, probability, rng);
        state.slices_left += reserved;
        state.apply(&op);
        ops.push(op);
    }
    Block { bank_size, ops }
}

impl BlockState<'_> {
    fn perturb_op(&self, op: &Op, probability: f64, rng: &mut ChaCha8Rng) -> Op {
        let redraw = |rng: &mut ChaCha8Rng| rng.random_bool(probability);
        let unreadable = op.reads.iter().any(|&bank| bank >= self.written)
            || self.space.slices(op.reads.len(), self.bank_size) > self.slices_left;
        let reads = if redraw(rng) || unreadable { self.draw_reads(rng) } else { op.reads.clone() };
        let units = if redraw(rng) { self.draw_units(reads.len(), rng) } else { op.units };
        let writes = if redraw(rng) || units != op.units {
            self.draw_writes(units, rng)
        } else {
            self.fill_in_order(op.writes.clone())
        };
        let pattern = if redraw(rng) { self.draw_pattern(rng) } else { op.pattern() };
        let mut convs = [None; 4];
        for (slot, active) in pattern.into_iter().enumerate() {
            convs[slot] = active.then(|| match op.convs[slot] {
                Some(conv) => self.perturb_conv(conv, probability, rng),
                None => self.draw_conv(rng),
            });
        }
        Op { reads, writes, units, convs }
    }

    fn perturb_conv(&self, conv: Conv, probability: f64, rng: &mut ChaCha8Rng) -> Conv {
        let kernel = if rng.random_bool(probability) { self.draw_kernel(rng) } else { conv.kernel };
        let too_far = (0..2).any(|axis| conv.dilation[axis] > self.space.max_dilation_of(kernel[axis]));
        let redraw_dilation = rng.random_bool(probability) || too_far;
        let dilation = if redraw_dilation { self.draw_dilation(kernel, rng) } else { conv.dilation };
        let redraw_groups = rng.random_bool(probability);
        let groups = if redraw_groups { *choose(&self.space.group_options(), rng) } else { conv.groups };
        Conv { kernel, dilation, groups }
    }
}

fn choose<'a, T>(options: &'a [T], rng: &mut ChaCha8Rng) -> &'a T {
    &options[rng.random_range(0..options.len())]
}

/// Index drawn with probability proportional to its weight.
pub fn weighted(weights: Vec<f64>, rng: &mut ChaCha8Rng) -> usize {
    let mut point = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        point -= weight;
        if point < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

/// `count` distinct members of `range`, uniformly, ascending.
pub fn subset(range: std::ops::Range<usize>, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut members: Vec<usize> = range.collect();
    assert!(count <= members.len(), "{count} of {} banks requested", members.len());
    for place in 0..count {
        let drawn = rng.random_range(place..members.len());
        members.swap(place, drawn);
    }
    members.truncate(count);
    members.sort_unstable();
    members
}
