//! Architectural gradient descent by proxy (paper, section 4.2): from dE/dc to another architecture.
//!
//! The paper leaves the update rule open. Here it replaces whole elements. An element is the banks that an op reads or
//! writes, its units, or its pattern of convolutions. It can also be a kernel, a dilation, or a number of groups.
//!
//! An element is replaced only by an option that leaves the architecture valid with nothing else changed. So a step of
//! `count` changes makes exactly that many. Steps along the gradient and random steps of equal size differ only in the
//! options that they take. The number of ops, the bank sizes and the number of banks that an op reads stay. The
//! gradient at one length of c says nothing about another length.

use burn::module::Module;
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use datasets::shuffled_indices;
use rand_chacha::ChaCha8Rng;
use smash_space::architecture::{Architecture, Op};
use smash_space::elements::Place;
use smash_space::encoding::{Encoding, EncodingLayout};
use smash_space::space::SearchSpace;

use crate::error::DivergedError;
use crate::networks::generated_weights::GeneratedWeights;
use crate::networks::layers::Mode;
use crate::networks::main_net::Wiring;
use crate::networks::smash_net::{Noise, SmashNet};
use crate::training::checkpoint::HostTensor;
use crate::training::evaluation::{Examples, negative_log_likelihood};

/// Images in a batch. The number affects only speed and memory.
const BATCH: usize = 100;

/// dE/dc: the change of the loss with each value of the encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodingGradient {
    /// `[channels, units, slices]`, as in the encoding.
    pub shape: [usize; 3],
    /// Values in row-major order.
    pub values: Vec<f32>,
}

/// A step from one architecture to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The architecture to which it leads.
    pub architecture: Architecture,
    /// Number of elements that it replaced.
    pub changed: usize,
}

/// The gradient of the mean loss E over some examples with respect to the encoding c of an architecture. It is taken at
/// one draw of the noise z. It goes backwards through the main network, which normalises with running statistics, and
/// through the HyperNet.
///
/// # Errors
/// A loss that is not finite.
///
/// # Panics
/// If the network has no HyperNet.
pub fn encoding_gradient<B: AutodiffBackend>(
    net: &SmashNet<B>,
    architecture: &Architecture,
    noise: &Noise,
    examples: Examples<'_, B::InnerBackend>,
) -> Result<EncodingGradient, DivergedError> {
    // Only the gradient of the encoding is needed. The gradients of the weights would cost as much again.
    let (hypernet, main) = (net.hypernet().clone().no_grad(), net.main.clone().no_grad());
    let encoding = Encoding::new(&net.space, architecture);
    let input = net.hypernet_input(&encoding, noise).require_grad();
    let generated = GeneratedWeights::from_output(&net.space, hypernet.forward(input.clone())).matrix();

    // First dE/dW, summed over batches, so that one pass through the HyperNet is enough.
    let matrix = Tensor::<B, 2>::from_inner(generated.clone().inner()).require_grad();
    let weights = GeneratedWeights::from_matrix(matrix.clone());
    let mut matrix_gradient = Tensor::<B::InnerBackend, 2>::zeros(matrix.dims(), &net.device());
    for chunk in examples.indices.chunks(BATCH) {
        let (images, labels) = examples.images.batch(chunk, None);
        let images = Tensor::from_inner(images);
        let wiring = Wiring { space: &net.space, architecture, forms: &[], weights: &weights };
        let (log_probabilities, _) = main.forward(&wiring, images, Mode::Evaluate);
        let loss = negative_log_likelihood(log_probabilities, Tensor::from_inner(labels), 0.0);
        let value = HostTensor::scalar(loss.clone().inner());
        if !value.is_finite() {
            return Err(DivergedError { loss: value, step: None, architecture: architecture.hash() });
        }
        let gradient = matrix.grad(&loss.backward()).expect("every op uses generated weights");
        matrix_gradient = matrix_gradient + gradient * (chunk.len() as f64 / examples.indices.len() as f64);
    }

    let along = (generated * Tensor::from_inner(matrix_gradient)).sum();
    let gradient = input.grad(&along.backward()).expect("the HyperNet reads its input");
    let [_, units, slices] = encoding.shape;
    // The noise comes first. Channels for the forms of ops may come last.
    let mut values = HostTensor::of(gradient).values.split_off(units * slices);
    values.truncate(encoding.values.len());
    Ok(EncodingGradient { shape: encoding.shape, values })
}

/// Replaces up to `count` elements along the gradient.
///
/// To first order, replacing an element changes E by a sum over the cells that change: dE/dc times the change of c. A
/// cell changes from -1 to +1 or from +1 to -1. The sum is divided by the number of cells of the op (its units times
/// its slices). Otherwise wide ops and ops that read much would go first because of their size.
///
/// The option with the largest decrease among all options of all elements is taken, then the next, each element once.
/// Options that an earlier change made illegal are passed over. The first `skipped` elements in this order are left
/// alone, because they were tried before. Fewer elements are replaced if no more decreases are predicted.
pub fn gradient_step(
    space: &SearchSpace,
    architecture: &Architecture,
    gradient: &EncodingGradient,
    skipped: usize,
    count: usize,
) -> Step {
    let slopes = Slopes::new(space, architecture, gradient);
    let mut step = Step { architecture: architecture.clone(), changed: 0 };
    let mut open = Place::all(architecture);
    let mut left_alone = 0;
    while step.changed < count {
        let now = &step.architecture;
        let mut moves: Vec<(f64, Place, Op)> = Vec::new();
        for &place in &open {
            let present = &now.blocks[place.block].ops[place.op];
            let from = slopes.of(space, now, place, present);
            let slices = space.slices(present.reads.len(), now.blocks[place.block].bank_size);
            let cells = present.units * space.cells_per_unit() * slices * space.cells_per_slice();
            let options = place.options(space, now).into_iter();
            let changes = options.map(|op| ((slopes.of(space, now, place, &op) - from) / cells as f64, place, op));
            moves.extend(changes.filter(|(change, ..)| *change < 0.0));
        }
        moves.sort_by(|a, b| a.0.total_cmp(&b.0));
        let legal = moves.into_iter().find_map(|(_, place, op)| Some((place, place.replaced(space, now, op)?)));
        let Some((place, next)) = legal else { break };
        if left_alone < skipped {
            left_alone += 1;
        } else {
            step.architecture = next;
            step.changed += 1;
        }
        open.retain(|other| *other != place && !place.depends_on(*other));
    }
    step
}

/// Replaces `count` elements, drawn uniformly among all, each by one of its legal options, drawn uniformly.
/// [`gradient_step`] is compared with this step. Fewer elements are replaced if no more have options.
pub fn random_step(space: &SearchSpace, architecture: &Architecture, count: usize, rng: &mut ChaCha8Rng) -> Step {
    let mut step = Step { architecture: architecture.clone(), changed: 0 };
    let places = Place::all(architecture);
    let mut replaced: Vec<Place> = Vec::new();
    for index in shuffled_indices(places.len(), rng) {
        let place = places[index];
        if step.changed == count {
            break;
        }
        if replaced.iter().any(|other| place.depends_on(*other)) {
            continue;
        }
        let options = place.options(space, &step.architecture);
        let order = shuffled_indices(options.len(), rng);
        let mut legal =
            order.into_iter().filter_map(|option| place.replaced(space, &step.architecture, options[option].clone()));
        if let Some(next) = legal.next() {
            step.architecture = next;
            step.changed += 1;
            replaced.push(place);
        }
    }
    step
}

/// Sums of a gradient over the cells that an op would mark.
struct Slopes {
    layout: EncodingLayout,
    /// Gradient summed over the rows before each row, `[channels, units + 1, slices]`.
    below: Vec<f64>,
    /// `[channels, units + 1, slices]`
    shape: [usize; 3],
    /// First slice of each op of each block.
    starts: Vec<Vec<usize>>,
}

impl Slopes {
    fn new(space: &SearchSpace, architecture: &Architecture, gradient: &EncodingGradient) -> Self {
        let [channels, units, slices] = gradient.shape;
        let mut below = Vec::with_capacity(channels * (units + 1) * slices);
        for rows in gradient.values.chunks_exact(units * slices) {
            let mut sum = vec![0.0; slices];
            below.extend_from_slice(&sum);
            for row in rows.chunks_exact(slices) {
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
                below.extend_from_slice(&sum);
            }
        }
        let mut start = 0;
        let mut start_of = |op: &Op, bank_size| {
            let first = start;
            start += space.slices(op.reads.len(), bank_size) * space.cells_per_slice();
            first
        };
        let blocks = architecture.blocks.iter();
        let starts = blocks.map(|block| block.ops.iter().map(|op| start_of(op, block.bank_size)).collect()).collect();
        assert_eq!(start, slices, "slices of the architecture, and of the gradient");
        Self { layout: EncodingLayout::new(space), below, shape: [channels, units + 1, slices], starts }
    }

    /// Twice the gradient's sum over the cells that an op would mark at a place, because marking changes -1 to +1.
    fn of(&self, space: &SearchSpace, architecture: &Architecture, place: Place, op: &Op) -> f64 {
        let [_, rows, slices] = self.shape;
        let bank_size = architecture.blocks[place.block].bank_size;
        let start = self.starts[place.block][place.op];
        let marks = self.layout.marks(space, place.block, bank_size, op, start);
        let sum_of = |(channel, marked): (usize, std::ops::Range<usize>)| {
            let row = (channel * rows + op.units * space.cells_per_unit()) * slices;
            self.below[row + marked.start..row + marked.end].iter().sum::<f64>()
        };
        2.0 * marks.into_iter().map(sum_of).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use smash_space::sampling::{Limits, sample};

    /// Number of elements in which two architectures of one form differ. A convolution counts only if both have it.
    fn differing(a: &Architecture, b: &Architecture) -> usize {
        let ops =
            |architecture: &Architecture| architecture.blocks.iter().flat_map(|block| block.ops.clone()).collect();
        let (a, b): (Vec<Op>, Vec<Op>) = (ops(a), ops(b));
        assert_eq!(a.len(), b.len());
        let of_op = |(a, b): (&Op, &Op)| {
            let convs = a.convs.iter().zip(&b.convs).filter_map(|(a, b)| Some(((*a)?, (*b)?)));
            let of_convs = convs.map(|(a, b)| {
                usize::from(a.kernel != b.kernel)
                    + usize::from(a.dilation != b.dilation)
                    + usize::from(a.groups != b.groups)
            });
            usize::from(a.reads != b.reads)
                + usize::from(a.writes != b.writes)
                + usize::from(a.units != b.units)
                + usize::from(a.pattern() != b.pattern())
                + of_convs.sum::<usize>()
        };
        a.iter().zip(&b).map(of_op).sum()
    }

    fn case(v2: bool, seed: u64) -> (SearchSpace, Architecture, ChaCha8Rng) {
        let space = match v2 {
            true => SearchSpace::smash_v2(4, 2),
            false => SearchSpace::smash_v1(4, 2),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let architecture = sample(&space, Limits::of(&space), &mut rng);
        (space, architecture, rng)
    }

    fn gradient_of(
        space: &SearchSpace,
        architecture: &Architecture,
        value: impl FnMut(usize) -> f32,
    ) -> EncodingGradient {
        let Encoding { shape, values } = Encoding::new(space, architecture);
        EncodingGradient { shape, values: (0..values.len()).map(value).collect() }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

        #[test]
        fn steps_are_valid_and_have_the_stated_size(v2: bool, seed: u64, count in 0..12usize) {
            let (space, architecture, mut rng) = case(v2, seed);
            let gradient = gradient_of(&space, &architecture, |_| rng.random_range(-1.0..1.0));
            let along = gradient_step(&space, &architecture, &gradient, 0, count);
            prop_assert_eq!(along.architecture.validate(&space), Ok(()));
            prop_assert_eq!(differing(&architecture, &along.architecture), along.changed);
            prop_assert!(along.changed <= count);
            let random = random_step(&space, &architecture, count, &mut rng);
            prop_assert_eq!(random.architecture.validate(&space), Ok(()));
            prop_assert_eq!(differing(&architecture, &random.architecture), random.changed);
            // Every op has an element that can change whatever the others do.
            prop_assert!(random.changed == count || random.changed >= architecture.op_count());
        }

        #[test]
        fn one_change_along_a_gradient_is_the_best_predicted(v2: bool, seed: u64) {
            let (space, architecture, mut rng) = case(v2, seed);
            let gradient = gradient_of(&space, &architecture, |_| rng.random_range(-1.0..1.0));
            let truth = Encoding::new(&space, &architecture);
            // The definition, cell by cell.
            let predicted = |other: &Architecture, place: Place| {
                let block = &architecture.blocks[place.block];
                let op = &block.ops[place.op];
                let encoding = Encoding::new(&space, other);
                let moved = encoding.values.iter().zip(&truth.values).map(|(to, from)| f64::from(to - from));
                let change: f64 = moved.zip(&gradient.values).map(|(moved, &slope)| moved * f64::from(slope)).sum();
                change / (op.units * space.slices(op.reads.len(), block.bank_size)) as f64
            };
            let mut best = f64::MAX;
            for place in Place::all(&architecture) {
                for op in place.options(&space, &architecture) {
                    if let Some(other) = place.replaced(&space, &architecture, op) {
                        best = best.min(predicted(&other, place));
                    }
                }
            }
            let step = gradient_step(&space, &architecture, &gradient, 0, 1);
            let changed = |place: &Place| {
                step.architecture.blocks[place.block].ops[place.op] != architecture.blocks[place.block].ops[place.op]
            };
            let place = Place::all(&architecture).into_iter().find(changed).expect("one op changed");
            prop_assert!((predicted(&step.architecture, place) - best).abs() < 1e-9);
            // With that element skipped, another one is replaced.
            let next = gradient_step(&space, &architecture, &gradient, 1, 1);
            prop_assert_eq!(differing(&step.architecture, &next.architecture), 1 + next.changed);
        }
    }

    #[test]
    fn a_planted_change_is_found() {
        let (space, architecture, mut rng) = case(true, 3);
        let truth = Encoding::new(&space, &architecture).values;
        let gradient = |planted: &Architecture| {
            let target = Encoding::new(&space, planted).values;
            // E falls where a cell moves towards the planted architecture, and rises a little where a cell moves away.
            gradient_of(&space, &architecture, |cell| match truth[cell] == target[cell] {
                true => -0.01 * truth[cell],
                false => truth[cell] - target[cell],
            })
        };
        let mut planted_changes = 0;
        for place in Place::all(&architecture).into_iter().step_by(3) {
            let options = place.options(&space, &architecture);
            let order = shuffled_indices(options.len(), &mut rng).into_iter();
            let mut legal = order.filter_map(|option| place.replaced(&space, &architecture, options[option].clone()));
            if let Some(planted) = legal.next() {
                let step = gradient_step(&space, &architecture, &gradient(&planted), 0, 1);
                assert_eq!((step.architecture, step.changed), (planted, 1), "{place:?}");
                planted_changes += 1;
            }
        }
        assert!(planted_changes > 20, "{planted_changes}");
    }

    #[test]
    fn without_a_predicted_decrease_nothing_changes() {
        let (space, architecture, _) = case(false, 4);
        let gradient = gradient_of(&space, &architecture, |_| 0.0);
        let step = gradient_step(&space, &architecture, &gradient, 0, 5);
        assert_eq!((step.architecture, step.changed), (architecture, 0));
    }
}
