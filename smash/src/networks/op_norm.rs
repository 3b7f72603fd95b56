//! The 1x1 convolution of an op with its normalisation (paper, section 3.1).

use burn::module::{Module, Param};
use burn::prelude::*;
use burn::tensor::activation::relu;
use smash_kernels::convolution::conv_1x1;
use smash_kernels::weight_norm::simple_weight_norm;
use smash_space::Activation;
use smash_space::op_normalisation::OpNormalisation;

/// Constant that LayerNorm adds to the variance.
const LAYER_NORM_EPSILON: f64 = 1e-5;

/// A normalisation, and its learned gain and shift for each output channel.
#[derive(Module, Debug)]
pub struct OpNorm<B: Backend> {
    /// The normalisation.
    pub normalisation: OpNormalisation,
    /// Gain, `[channels]`, if the normalisation has one.
    pub gain: Option<Param<Tensor<B, 1>>>,
    /// Shift, `[channels]`, if the normalisation has one.
    pub shift: Option<Param<Tensor<B, 1>>>,
}

impl<B: Backend> OpNorm<B> {
    /// Gain 1 and shift 0, where the normalisation has them.
    pub fn new(normalisation: OpNormalisation, channels: usize, device: &B::Device) -> Self {
        let [has_gain, has_shift] = normalisation.learned();
        Self {
            normalisation,
            gain: has_gain.then(|| Param::from_tensor(Tensor::ones([channels], device))),
            shift: has_shift.then(|| Param::from_tensor(Tensor::zeros([channels], device))),
        }
    }

    /// The normalised 1x1 convolution. An op with fewer output channels uses the leading gains and shifts.
    ///
    /// # Shapes
    /// - `inputs`: `[batch, channels, height, width]` each, concatenated along their channels
    /// - `weight`: `[outputs, inputs]`, not normalised
    /// - output: `[batch, outputs, height, width]`
    pub fn forward(&self, inputs: Vec<Tensor<B, 4>>, activation: Activation, weight: Tensor<B, 2>) -> Tensor<B, 4> {
        let [outputs, _] = weight.dims();
        let leading = |param: &Option<Param<Tensor<B, 1>>>| {
            param.as_ref().expect("the normalisation has this parameter").val().slice(0..outputs)
        };
        let by_channel = |param| leading(param).reshape([1, outputs, 1, 1]);
        let by_row = || rows_to_norm_1(weight.clone()) * leading(&self.gain).reshape([outputs, 1]);
        match self.normalisation {
            OpNormalisation::None => conv_1x1(inputs, activation, weight),
            OpNormalisation::SimpleWeightNorm => conv_1x1(inputs, activation, simple_weight_norm(weight)),
            OpNormalisation::WeightNorm => conv_1x1(inputs, activation, by_row()),
            OpNormalisation::LayerNorm => {
                let output = layer_norm(conv_1x1(inputs, activation, weight));
                output * by_channel(&self.gain) + by_channel(&self.shift)
            }
            OpNormalisation::NormProp => {
                let output = conv_1x1(inputs, activation, by_row()) + by_channel(&self.shift);
                let [mean, deviation] = rectified_normal();
                (relu(output) - mean) / deviation
            }
        }
    }
}

/// Each row divided by its Euclidean norm.
fn rows_to_norm_1<B: Backend>(weight: Tensor<B, 2>) -> Tensor<B, 2> {
    let norms = (weight.clone() * weight.clone()).sum_dim(1).sqrt();
    weight / norms
}

/// Each example with mean 0 and variance 1 over channels, height and width. A slice of a volume counts as an example.
fn layer_norm<B: Backend>(input: Tensor<B, 4>) -> Tensor<B, 4> {
    let [batch, channels, height, width] = input.dims();
    let rows = input.reshape([batch, channels * height * width]);
    let centred = rows.clone() - rows.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    (centred / (variance + LAYER_NORM_EPSILON).sqrt()).reshape([batch, channels, height, width])
}

/// Mean and standard deviation of the ReLU of a standard normal variable (Arpit et al. 2016, section 3).
fn rectified_normal() -> [f64; 2] {
    let pi = std::f64::consts::PI;
    [(0.5 / pi).sqrt(), (0.5 * (1.0 - 1.0 / pi)).sqrt()]
}
