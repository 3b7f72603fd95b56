//! An architecture as a sequence of decisions between few options, for methods that learn which options are good.
//!
//! For each block the decisions are the share of the budget and the bank size. For each op they are the numbers of
//! banks read, of output units, and of banks written beyond the needed ones. Further decisions are the pattern of
//! convolutions, and their kernels, dilations and groups. The banks that are read and written are drawn at random: they
//! are too many to learn about within some hundred trials.

use rand_chacha::ChaCha8Rng;
use smash_space::architecture::{Architecture, Block, Conv, Op};
use smash_space::sampling::{BlockState, Limits, subset};
use smash_space::space::{BLOCKS, SearchSpace, Units};

/// Number of fractions of the budget that a block may get, evenly spaced over the fractions of the space.
const BUDGETS: usize = 4;
/// Answers from this one on are the same state for the next decision.
const LARGEST_PREVIOUS: usize = 8;

/// The knowledge of a learner when it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Index of the block.
    pub block: usize,
    /// The question.
    pub question: Question,
    /// The previous answer, within the op or, before the first op, within the block.
    pub previous: usize,
}

/// The subject of a decision. Axis 0 is the height. Where kernels are square there is no other axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The fraction of the reference budget that the block gets, one of [`BUDGETS`] fractions.
    Budget,
    /// Bank size in units of N.
    BankSize,
    /// Number of banks read, in multiples that fill whole slices.
    Reads,
    /// Number of output units, in units of N.
    Units,
    /// Number of banks written beyond the slices of the output.
    ExtraWrites,
    /// The pattern, as an index in [`SearchSpace::pattern_options`].
    Pattern,
    /// Kernel size.
    Kernel { slot: usize, axis: usize },
    /// Dilation factor.
    Dilation { slot: usize, axis: usize },
    /// Number of groups.
    Groups { slot: usize },
}

/// One decision: the options, each with the weight that sampling gives it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The known state.
    pub state: State,
    /// The options with their weights. Never empty.
    pub options: Vec<(usize, f64)>,
}

/// Answers decisions in order.
type Answer<'a> = dyn FnMut(&Decision) -> usize + 'a;

/// Asks for the decisions of one block.
struct Asker<'a, 'b> {
    block: usize,
    previous: usize,
    answer: &'a mut Answer<'b>,
}

impl Asker<'_, '_> {
    fn ask(&mut self, question: Question, options: impl IntoIterator<Item = (usize, f64)>) -> usize {
        let decision = Decision {
            state: State { block: self.block, question, previous: self.previous.min(LARGEST_PREVIOUS) },
            options: options.into_iter().collect(),
        };
        self.previous = (self.answer)(&decision);
        self.previous
    }

    /// Asks for one of several options of equal weight.
    fn ask_evenly(&mut self, question: Question, options: impl IntoIterator<Item = usize>) -> usize {
        self.ask(question, options.into_iter().map(|option| (option, 1.0)))
    }

    /// Asks for an op without its banks, and for the number of banks that it writes.
    fn shape(&mut self, state: &BlockState<'_>) -> Shape {
        let space = state.space;
        let multiple = space.read_multiple(state.bank_size);
        self.previous = state.bank_size;
        let most = state.written.min(state.affordable_reads()) / multiple;
        let reads = multiple * self.ask_evenly(Question::Reads, 1..=most);
        let weight = |units| match space.units {
            Units::Uniform => 1.0,
            Units::NearReads => state.nearness(units, reads),
        };
        let unit_options = state.unit_options();
        let units = self.ask(Question::Units, unit_options.iter().map(|&units| (units, weight(units))));
        let extra_writes = self.ask(Question::ExtraWrites, state.write_weights(units).into_iter().enumerate());
        let patterns = space.pattern_options();
        let weights = patterns.iter().map(|(_, weight)| *weight).enumerate();
        let (pattern, _) = patterns[self.ask(Question::Pattern, weights)];
        let mut convs = [None; 4];
        for (slot, active) in pattern.into_iter().enumerate() {
            convs[slot] = active.then(|| self.conv(space, slot));
        }
        Shape { reads, writes: units / state.bank_size + extra_writes, units, convs }
    }

    fn conv(&mut self, space: &SearchSpace, slot: usize) -> Conv {
        let mut on_axes = |question: &dyn Fn(usize) -> Question, options: &dyn Fn(usize) -> Vec<usize>| {
            let height = self.ask_evenly(question(0), options(0));
            if space.square {
                return [height; 2];
            }
            [height, self.ask_evenly(question(1), options(1))]
        };
        let kernel = on_axes(&|axis| Question::Kernel { slot, axis }, &|_| SearchSpace::kernels(space.max_kernel));
        let dilation = on_axes(&|axis| Question::Dilation { slot, axis }, &|axis| {
            (1..=space.max_dilation_of(kernel[axis])).collect()
        });
        Conv { kernel, dilation, groups: self.ask_evenly(Question::Groups { slot }, space.group_options()) }
    }
}

/// An op without the choice of its banks.
struct Shape {
    reads: usize,
    writes: usize,
    units: usize,
    convs: [Option<Conv>; 4],
}

/// The fraction of the reference budget at one of [`BUDGETS`] levels.
fn fraction(space: &SearchSpace, level: usize) -> f64 {
    let [low, high] = space.budget;
    let share = level as f64 / (BUDGETS - 1) as f64;
    // Written so that the highest level is the largest budget, without rounding.
    low * (1.0 - share) + high * share
}

/// An architecture whose decisions `answer` makes and whose banks are drawn. It is valid if each answer is one of its
/// options.
pub fn build(space: &SearchSpace, rng: &mut ChaCha8Rng, answer: &mut Answer<'_>) -> Architecture {
    let mut build_block = |block| {
        let mut asker = Asker { block, previous: 0, answer: &mut *answer };
        let level = asker.ask_evenly(Question::Budget, 0..BUDGETS);
        let bank_size = asker.ask_evenly(Question::BankSize, space.bank_sizes(block));
        let mut state = BlockState::new(space, Limits::of(space), block, bank_size, fraction(space, level));
        let mut ops = Vec::new();
        while state.slices_left >= state.smallest_op() {
            let shape = asker.shape(&state);
            let op = Op {
                reads: subset(0..state.written, shape.reads, rng),
                writes: state.place_writes(shape.units, shape.writes, rng),
                units: shape.units,
                convs: shape.convs,
            };
            state.apply(&op);
            ops.push(op);
        }
        Block { bank_size, ops }
    };
    Architecture { blocks: (0..BLOCKS).map(&mut build_block).collect() }
}

/// The decisions that lead to an architecture of the space, each with its answer.
///
/// The budget is not part of an architecture. The least budget that was enough is assumed.
pub fn decisions(space: &SearchSpace, architecture: &Architecture) -> Vec<(Decision, usize)> {
    let mut made = Vec::new();
    for (index, block) in architecture.blocks.iter().enumerate() {
        let bank_size = block.bank_size;
        let used = block.slices(space);
        let is_enough = |level: &usize| space.slice_budget(index, fraction(space, *level), bank_size) >= used;
        let level = (0..BUDGETS).find(is_enough).unwrap_or(BUDGETS - 1);
        let answers =
            [level, bank_size].into_iter().chain(block.ops.iter().flat_map(|op| answers(space, bank_size, op)));
        let mut answers = answers.collect::<Vec<_>>().into_iter();
        let mut answer = |decision: &Decision| {
            let answer = answers.next().expect("one answer for each decision");
            let mut decision = decision.clone();
            // An architecture that was not built here may have used banks or slices beyond a budget.
            if decision.options.iter().all(|(option, _)| *option != answer) {
                decision.options.push((answer, 1.0));
            }
            made.push((decision, answer));
            answer
        };
        let mut asker = Asker { block: index, previous: 0, answer: &mut answer };
        asker.ask_evenly(Question::Budget, 0..BUDGETS);
        asker.ask_evenly(Question::BankSize, space.bank_sizes(index));
        let mut state = BlockState::new(space, Limits::of(space), index, bank_size, fraction(space, level));
        for op in &block.ops {
            asker.shape(&state);
            state.apply(op);
        }
    }
    made
}

/// The answers that an op gives, in the order of [`Asker::shape`].
fn answers(space: &SearchSpace, bank_size: usize, op: &Op) -> Vec<usize> {
    let is_pattern = |(pattern, _): &([bool; 4], f64)| *pattern == op.pattern();
    let pattern = space.pattern_options().iter().position(is_pattern);
    let mut answers = vec![
        op.reads.len() / space.read_multiple(bank_size),
        op.units,
        op.writes.len() - op.output_slices(bank_size),
        pattern.unwrap_or_else(|| panic!("pattern {:?} is not in the space", op.pattern())),
    ];
    let axes = if space.square { 1 } else { 2 };
    for conv in op.convs.iter().flatten() {
        answers.extend(&conv.kernel[..axes]);
        answers.extend(&conv.dilation[..axes]);
        answers.push(conv.groups);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use smash_space::sampling::{sample, weighted};

    #[test]
    fn a_built_architecture_gives_its_decisions_back() {
        for space in [SearchSpace::smash_v1(4, 2), SearchSpace::smash_v2(4, 2)] {
            for seed in 0..20 {
                let [mut banks, mut choices] = [0, 1].map(|part| ChaCha8Rng::seed_from_u64(2 * seed + part));
                let mut asked = Vec::new();
                let architecture = build(&space, &mut banks, &mut |decision| {
                    let weights = decision.options.iter().map(|(_, weight)| *weight).collect();
                    let answer = decision.options[weighted(weights, &mut choices)].0;
                    asked.push((decision.state.question, answer));
                    answer
                });
                assert_eq!(architecture.validate(&space), Ok(()));
                let found = decisions(&space, &architecture);
                assert_eq!(found.len(), asked.len());
                for ((decision, answer), asked) in found.iter().zip(asked) {
                    // Another budget that leads to the same architecture is equally true.
                    if decision.state.question != Question::Budget {
                        assert_eq!((decision.state.question, *answer), asked);
                    }
                }
            }
        }
    }

    #[test]
    fn every_sampled_architecture_has_decisions() {
        for space in [SearchSpace::smash_v1(4, 2), SearchSpace::smash_v2(4, 2)] {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            for _ in 0..20 {
                let architecture = sample(&space, Limits::of(&space), &mut rng);
                let found = decisions(&space, &architecture);
                let reads = found.iter().filter(|(decision, _)| decision.state.question == Question::Reads);
                assert_eq!(reads.count(), architecture.op_count());
            }
        }
    }
}
