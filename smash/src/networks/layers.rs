//! Layers that both networks share: convolutions, BatchNorm whose statistics can be sliced, and initial weights.

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use smash_kernels::normalisation::{BatchStatistics, moved_towards, normalise, rescale};
use smash_kernels::parts::window;

/// Momentum of BatchNorm's running statistics.
const BATCH_NORM_MOMENTUM: f64 = 0.1;
/// Constant that BatchNorm adds to the variance.
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// Euclidean norm of a whole tensor, shape `[1]`.
pub fn norm<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Tensor<B, 1> {
    let elements = tensor.shape().num_elements();
    let flat = tensor.reshape([1, elements]);
    // Reduced along a dimension, because a full sum may use unordered atomic additions on a GPU.
    (flat.clone() * flat).sum_dim(1).sqrt().reshape([1])
}

/// Whether BatchNorm uses the statistics of the batch or the running ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, as in training.
    Train,
    /// Running statistics, as in scoring and testing.
    Evaluate,
}

/// Batch normalisation over the leading channels of its parameters.
///
/// Inside the SMASH network the number of incoming channels varies with the architecture. So scale, shift and running
/// statistics are sliced to that number.
#[derive(Module, Debug)]
pub struct BatchNorm<B: Backend> {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<B, 1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<B, 1>>,
    /// Running mean, `[channels]`.
    pub running_mean: Param<Tensor<B, 1>>,
    /// Running unbiased variance, `[channels]`.
    pub running_variance: Param<Tensor<B, 1>>,
}

impl<B: Backend> BatchNorm<B> {
    /// Scale 1, shift 0, running mean 0 and variance 1.
    pub fn new(channels: usize, device: &B::Device) -> Self {
        let untracked = |tensor| Param::initialized(ParamId::new(), tensor);
        Self {
            weight: Param::from_tensor(Tensor::ones([channels], device)),
            bias: Param::from_tensor(Tensor::zeros([channels], device)),
            running_mean: untracked(Tensor::zeros([channels], device)),
            running_variance: untracked(Tensor::ones([channels], device)),
        }
    }

    /// Normalises each channel. In training mode it also returns the batch's statistics, for [`BatchNorm::update`].
    ///
    /// # Shapes
    /// - `inputs`: `[batch, channels, height, width]` each, concatenated along their channels; together at most as many as
    ///   the parameters have
    /// - output: `[batch, channels, height, width]`
    pub fn forward(&self, inputs: Vec<Tensor<B, 4>>, mode: Mode) -> (Tensor<B, 4>, Option<BatchStatistics<B>>) {
        let channels = 0..inputs.iter().map(|input| input.dims()[1]).sum();
        let leading = |param: &Param<Tensor<B, 1>>| window(param.val(), [channels.clone()]);
        let (weight, bias) = (leading(&self.weight), leading(&self.bias));
        if mode == Mode::Train {
            let (output, statistics) = normalise(inputs, weight, bias, BATCH_NORM_EPSILON);
            return (output, Some(statistics));
        }
        let factor = weight / (leading(&self.running_variance) + BATCH_NORM_EPSILON).sqrt();
        (rescale(inputs, [leading(&self.running_mean), factor, bias]), None)
    }

    /// Moves the running statistics of the leading channels towards the statistics of a batch.
    pub fn update(&mut self, statistics: &BatchStatistics<B>) {
        let updated = |running: &Param<Tensor<B, 1>>, batch: &Tensor<B, 1>| {
            Param::initialized(running.id, moved_towards(running.val(), batch.clone(), BATCH_NORM_MOMENTUM))
        };
        self.running_mean = updated(&self.running_mean, &statistics.mean);
        self.running_variance = updated(&self.running_variance, &statistics.variance);
    }

    /// Replaces the running statistics of the leading channels.
    pub fn replace(&mut self, statistics: &BatchStatistics<B>) {
        let replaced = |running: &Param<Tensor<B, 1>>, leading: &Tensor<B, 1>| {
            let new = running.val().slice_assign(0..leading.dims()[0], leading.clone());
            Param::initialized(running.id, new.detach().set_require_grad(false))
        };
        self.running_mean = replaced(&self.running_mean, &statistics.mean);
        self.running_variance = replaced(&self.running_variance, &statistics.variance);
    }
}

/// A learned tensor from host values in row-major order.
pub fn parameter<B: Backend, const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &B::Device,
) -> Param<Tensor<B, D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// An orthogonal initial weight of a convolution, seen as a matrix `[channels_out, channels_in * kernel]`.
///
/// Rows are orthonormal, or columns if there are more rows than columns. All columns are filled, as PyTorch does today.
/// The PyTorch of the paper left the columns beyond the number of rows at zero.
pub fn orthogonal<B: Backend, const D: usize>(
    shape: [usize; D],
    rng: &mut ChaCha8Rng,
    device: &B::Device,
) -> Param<Tensor<B, D>> {
    let rows = shape[0];
    let columns: usize = shape[1..].iter().product();
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| rng.sample(StandardNormal)).collect();
        // Two passes are enough for orthogonality up to rounding.
        for _ in 0..2 {
            for other in &basis {
                let overlap: f64 = other.iter().zip(&vector).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(value, part)| *value -= overlap * part);
            }
        }
        let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
        basis.push(vector);
    }
    let at = |row: usize, column: usize| {
        if rows <= columns { basis[row][column] } else { basis[column][row] }
    };
    let values = (0..rows * columns).map(|index| at(index / columns, index % columns) as f32).collect();
    parameter(values, shape, device)
}

/// Initial weight and bias of the output layer: weight uniform within `1 / sqrt(channels)`, bias 0.
pub fn output_layer<B: Backend>(
    classes: usize,
    channels: usize,
    rng: &mut ChaCha8Rng,
    device: &B::Device,
) -> (Param<Tensor<B, 2>>, Param<Tensor<B, 1>>) {
    let bound = 1.0 / (channels as f32).sqrt();
    let values = (0..classes * channels).map(|_| rng.random_range(-bound..=bound)).collect();
    (parameter(values, [classes, channels], device), parameter(vec![0.0; classes], [classes], device))
}
