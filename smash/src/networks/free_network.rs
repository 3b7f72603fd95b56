//! A network with free weights: runs the steps of a [`Blueprint`].

use std::sync::Arc;

use burn::module::{AutodiffModule, Module, Param};
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::module::max_pool2d;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use smash_kernels::activation::relu;
use smash_kernels::convolution::Precision;
use smash_kernels::interleaved::interleave;
use smash_kernels::normalisation::BatchStatistics;
use smash_kernels::parts::{Shared, add, parts};
use smash_kernels::pooling::{every_second, global_average, halve};
use smash_kernels::products::matmul;
use smash_kernels::recording::recorded;
use smash_kernels::weight_norm::simple_weight_norm;
use smash_space::blueprint::{Activation, Blueprint, Step, Value};

use crate::networks::layers::{BatchNorm, Mode, orthogonal, output_layer};
use crate::networks::op_norm::OpNorm;
use crate::networks::volume;

/// Probability that a join drops one of its inputs (Larsson et al. 2017: 15 %).
const DROP: f64 = 0.15;
/// Probability that a training step keeps one column of all joins, instead of drops at each join (Larsson et al. 2017:
/// half).
const ONE_COLUMN: f64 = 0.5;

/// The learned parameters of a network.
#[derive(Module, Debug)]
pub struct NetworkWeights<B: Backend> {
    /// The convolutions in order, `[channels_out, channels_in / groups, height, width]` each.
    pub convs: Vec<Param<Tensor<B, 4>>>,
    /// The BatchNorms in order.
    pub norms: Vec<BatchNorm<B>>,
    /// The normalisations of 1x1 convolutions in order, in a network that has them in place of BatchNorm.
    pub op_norms: Vec<OpNorm<B>>,
    /// Weight of the output layer, `[classes, channels]`.
    pub output_weight: Param<Tensor<B, 2>>,
    /// Bias of the output layer, `[classes]`.
    pub output_bias: Param<Tensor<B, 1>>,
}

/// A network with free weights.
#[derive(Clone, Debug)]
pub struct Network<B: Backend> {
    /// Its steps.
    pub blueprint: Arc<Blueprint>,
    /// The number format of convolutions that may round.
    pub precision: Precision,
    /// The learned parameters.
    pub weights: NetworkWeights<B>,
}

/// The purpose of a forward pass.
#[derive(Debug)]
pub enum Phase<'a> {
    /// A training step. The generator decides how drop-path, dropout and shake act in it.
    Train(&'a mut ChaCha8Rng),
    /// Scoring and testing.
    Evaluate,
    /// Nothing is random, but BatchNorm uses the statistics of the batch.
    Measure,
}

impl Phase<'_> {
    fn mode(&self) -> Mode {
        match self {
            Self::Train(_) | Self::Measure => Mode::Train,
            Self::Evaluate => Mode::Evaluate,
        }
    }
}

impl<B: AutodiffBackend> Network<B> {
    /// The same network off the gradient tape.
    pub fn valid(&self) -> Network<B::InnerBackend> {
        let Self { blueprint, precision, weights } = self;
        Network { blueprint: blueprint.clone(), precision: *precision, weights: weights.valid() }
    }
}

impl<B: Backend> Network<B> {
    /// A network with orthogonal weights drawn from `rng`.
    pub fn new(blueprint: Blueprint, rng: &mut ChaCha8Rng, device: &B::Device) -> Self {
        let convs = blueprint.convs.iter().map(|&shape| orthogonal(shape, rng, device));
        let convs = convs.collect();
        let norms = blueprint.norms.iter().map(|&channels| BatchNorm::new(channels, device));
        let norms = norms.collect();
        let op_norms = blueprint.op_norms.iter();
        let op_norms =
            op_norms.map(|&(normalisation, channels)| OpNorm::new(normalisation, channels, device)).collect();
        let channels = blueprint.size(blueprint.features).channels;
        let (output_weight, output_bias) = output_layer(blueprint.task.classes, channels, rng, device);
        Self {
            blueprint: Arc::new(blueprint),
            precision: Precision::Float32,
            weights: NetworkWeights { convs, norms, op_norms, output_weight, output_bias },
        }
    }

    /// Log-probabilities of the classes.
    ///
    /// # Shapes
    /// - `examples`: `[batch, channels, height, width]`; volumes `[batch, depth, height, width]`
    /// - output: `[batch, classes]`
    pub fn forward(&self, examples: Tensor<B, 4>, phase: Phase<'_>) -> (Tensor<B, 2>, Vec<BatchStatistics<B>>) {
        let is_training = phase.mode() == Mode::Train;
        let mut statistics = Vec::new();
        let pass = || {
            let (features, of_batch) = self.features(examples, phase, &mut |_, _| {});
            statistics = of_batch;
            features
        };
        let features = if is_training && self.can_be_recorded() { recorded(None, pass) } else { pass() };
        let weights = &self.weights;
        let logits = matmul(features, weights.output_weight.val().transpose()) + weights.output_bias.val().unsqueeze();
        (log_softmax(logits, 1), statistics)
    }

    /// Whether a training pass needs no operation of burn.
    fn can_be_recorded(&self) -> bool {
        let is_ours = |step: &Step| {
            let is_exact = |may_round: bool| !may_round || self.precision == Precision::Float32;
            match step {
                Step::Conv { may_round, .. } => is_exact(*may_round),
                Step::Norm { .. } | Step::Relu { .. } | Step::Add { .. } | Step::Cut { .. } | Step::Halve { .. } => {
                    true
                }
                _ => false,
            }
        };
        !self.blueprint.is_volume() && self.blueprint.steps.iter().all(is_ours)
    }

    /// The values that the output layer reads. `see` receives every value once it is made, with its index in the order
    /// of creation.
    ///
    /// # Shapes
    /// - `examples`: as in [`Self::forward`]
    /// - output: `[batch, channels]`
    pub fn features(
        &self,
        examples: Tensor<B, 4>,
        phase: Phase<'_>,
        see: &mut dyn FnMut(usize, &Tensor<B, 4>),
    ) -> (Tensor<B, 2>, Vec<BatchStatistics<B>>) {
        let weights = &self.weights;
        let [batch, ..] = examples.dims();
        let examples = match self.blueprint.is_volume() {
            true => volume::slices_as_images(examples, self.blueprint.task.image_depth),
            false => interleave(examples),
        };
        let mut run = Run {
            values: vec![Some(Shared::new(examples))],
            unread: reads(&self.blueprint),
            convs: weights.convs.iter(),
            norms: weights.norms.iter(),
            op_norms: weights.op_norms.iter(),
            statistics: Vec::new(),
            column: None,
            phase,
            batch,
            net: self,
            see,
        };
        run.choose_column();
        for step in &self.blueprint.steps {
            run.step(step);
        }
        let features = run.read(self.blueprint.features);
        let features = volume::mean_over_slices(global_average(features), batch);
        (features, run.statistics)
    }

    /// Moves BatchNorm's running statistics towards the statistics of a training batch.
    pub fn update_statistics(&mut self, statistics: &[BatchStatistics<B>]) {
        let norms = &mut self.weights.norms;
        assert_eq!(norms.len(), statistics.len(), "one batch statistic for each BatchNorm");
        norms.iter_mut().zip(statistics).for_each(|(norm, batch)| norm.update(batch));
    }
}

/// Number of reads of each value.
pub(crate) fn reads(blueprint: &Blueprint) -> Vec<usize> {
    let mut reads = vec![0; blueprint.sizes.len()];
    for value in blueprint.steps.iter().flat_map(Step::inputs).chain([&blueprint.features]) {
        reads[value.index()] += 1;
    }
    reads
}

/// A forward pass in progress.
struct Run<'a, B: Backend> {
    net: &'a Network<B>,
    /// Values that are still to be read.
    values: Vec<Option<Shared<B>>>,
    /// Number of reads of each value that are still to come. After the last read the value is dropped, so that an
    /// evaluation holds few values.
    unread: Vec<usize>,
    convs: std::slice::Iter<'a, Param<Tensor<B, 4>>>,
    norms: std::slice::Iter<'a, BatchNorm<B>>,
    op_norms: std::slice::Iter<'a, OpNorm<B>>,
    statistics: Vec<BatchStatistics<B>>,
    phase: Phase<'a>,
    see: &'a mut dyn FnMut(usize, &Tensor<B, 4>),
    batch: usize,
    /// The one column that joins keep in this step, if there is one.
    column: Option<usize>,
}

impl<B: Backend> Run<'_, B> {
    fn read(&mut self, value: Value) -> Tensor<B, 4> {
        let (held, unread) = (&mut self.values[value.index()], &mut self.unread[value.index()]);
        *unread -= 1;
        let output = match unread {
            0 => held.take().map(Shared::read_last),
            _ => held.as_ref().map(Shared::read),
        };
        output.expect("held until it is read last")
    }

    fn read_all(&mut self, values: &[Value]) -> Vec<Tensor<B, 4>> {
        values.iter().map(|&value| self.read(value)).collect()
    }

    fn push(&mut self, output: Tensor<B, 4>) {
        (self.see)(self.values.len(), &output);
        self.values.push(Some(Shared::new(output)));
    }

    fn step(&mut self, step: &Step) {
        let blueprint = &self.net.blueprint;
        let is_volume = blueprint.is_volume();
        match step {
            Step::Conv { inputs, activation, dilation, groups, may_round, simple_weight_norm: is_normed } => {
                let mut weight = self.convs.next().expect("a weight for each convolution").val();
                if *is_normed {
                    weight = simple_weight_norm(weight);
                }
                let precision = if *may_round { self.net.precision } else { Precision::Float32 };
                let mut inputs_read = self.read_all(inputs);
                let [_, _, height, _] = weight.dims();
                if blueprint.kernel_depth(height) > 1 {
                    let depth = blueprint.size(inputs[0]).depth;
                    inputs_read = volume::neighbours(inputs_read, depth, height, dilation[0], *groups);
                }
                self.push(precision.conv(inputs_read, *activation, weight, *dilation, *groups));
            }
            Step::Pointwise { inputs, .. } => {
                let weight = self.convs.next().expect("a weight for each convolution").val();
                let [outputs, channels, _, _] = weight.dims();
                let norm = self.op_norms.next().expect("a normalisation for each step");
                let inputs = self.read_all(inputs);
                self.push(norm.forward(inputs, Activation::Relu, weight.reshape([outputs, channels])));
            }
            Step::Norm { inputs } => {
                let norm = self.norms.next().expect("a BatchNorm for each step");
                let (output, batch) = norm.forward(self.read_all(inputs), self.phase.mode());
                self.statistics.extend(batch);
                self.push(output);
            }
            Step::Relu { input } => {
                let input = self.read(*input);
                self.push(relu(input));
            }
            Step::Add { inputs } => {
                let [left, right] = inputs.map(|input| self.read(input));
                self.push(add(left, right));
            }
            Step::Cut { input, channels, count } => {
                for part in parts(self.read(*input), *channels, *count) {
                    self.push(part);
                }
            }
            Step::Halve { input } => {
                let mut output = halve(self.read(*input));
                if is_volume {
                    output = volume::halve_depth(output, blueprint.size(*input).depth);
                }
                self.push(output);
            }
            Step::MaxHalve { input } => {
                let input = self.read(*input);
                self.push(max_pool2d(input, [2, 2], [2, 2], [0, 0], [1, 1], false));
            }
            Step::Subsample { input, offset } => {
                let mut output = every_second(self.read(*input), *offset);
                if is_volume {
                    output = volume::every_second_slice(output, blueprint.size(*input).depth, *offset);
                }
                self.push(output);
            }
            Step::Join { inputs, drop_path } => {
                let weights = self.join_weights(inputs.len(), *drop_path);
                let terms = self.read_all(inputs).into_iter().zip(weights);
                let weighted = terms.map(|(input, weight)| input * weight);
                self.push(weighted.reduce(|sum, term| sum + term).expect("a join has inputs"));
            }
            Step::Dropout { input, percent } => {
                let input = self.read(*input);
                let output = self.dropout(input, *percent);
                self.push(output);
            }
            Step::Shake { inputs } => {
                let [left, right] = inputs.map(|input| self.read(input));
                let output = self.shake(left, right);
                self.push(output);
            }
        }
    }

    fn choose_column(&mut self) {
        let columns = self.net.blueprint.steps.iter().filter_map(|step| match step {
            Step::Join { inputs, drop_path: true } => Some(inputs.len()),
            _ => None,
        });
        if let (Some(columns), Phase::Train(rng)) = (columns.max(), &mut self.phase)
            && rng.random_bool(ONE_COLUMN)
        {
            self.column = Some(rng.random_range(0..columns));
        }
    }

    /// The weight of each input of a join: a mean over the kept inputs. Dropped inputs are read too, with weight 0.
    fn join_weights(&mut self, inputs: usize, drop_path: bool) -> Vec<f64> {
        let mut kept = vec![true; inputs];
        if let (true, Phase::Train(rng)) = (drop_path, &mut self.phase) {
            match self.column {
                // A join without that column is not on the way from it to the output.
                Some(column) if column < inputs => kept = (0..inputs).map(|input| input == column).collect(),
                Some(_) => {}
                None => {
                    kept = (0..inputs).map(|_| !rng.random_bool(DROP)).collect();
                    if !kept.contains(&true) {
                        kept[rng.random_range(0..inputs)] = true;
                    }
                }
            }
        }
        let count = kept.iter().filter(|is_kept| **is_kept).count() as f64;
        kept.into_iter().map(|is_kept| if is_kept { 1.0 / count } else { 0.0 }).collect()
    }

    /// Zeroes values in training. The others grow, so that each value has the same mean as in evaluation.
    fn dropout(&mut self, input: Tensor<B, 4>, percent: usize) -> Tensor<B, 4> {
        let Phase::Train(rng) = &mut self.phase else { return input };
        let mut drawn = vec![0_u16; input.dims().iter().product()];
        rng.fill(&mut drawn[..]);
        // A value is kept if its number is below this share of all 65,536.
        let kept = (100 - percent) * (1 << 16) / 100;
        let scale = (1 << 16) as f32 / kept as f32;
        let factors: Vec<f32> =
            drawn.into_iter().map(|number| if usize::from(number) < kept { scale } else { 0.0 }).collect();
        let factors = Tensor::<B, 4>::from_data(TensorData::new(factors, input.dims()), &input.device());
        input * factors
    }

    fn shake(&mut self, left: Tensor<B, 4>, right: Tensor<B, 4>) -> Tensor<B, 4> {
        let device = left.device();
        let batch = self.batch;
        let coefficients = |rng: &mut ChaCha8Rng| {
            let values: Vec<f32> = (0..batch).map(|_| rng.random()).collect();
            Tensor::<B, 4>::from_data(TensorData::new(values, [batch, 1, 1, 1]), &device)
        };
        match &mut self.phase {
            Phase::Evaluate | Phase::Measure => (left + right) * 0.5,
            Phase::Train(rng) => {
                let (forward, backward) = (coefficients(rng), coefficients(rng));
                let difference = left - right.clone();
                // The value is `right + forward * difference`, the gradient that of `right + backward * difference`.
                let correction = (difference.clone() * (forward - backward.clone())).detach();
                right + difference * backward + correction
            }
        }
    }
}
