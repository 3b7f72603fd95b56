//! Reads golden files (numbers that the released 2017 code computed) and compares them with the results of this crate.
//!
//! `smash/tests/golden/README.md` describes the format and the tolerances.

pub mod format;

use std::collections::BTreeMap;

use crate::networks::hypernet::HyperNet;
use crate::networks::layers::{BatchNorm, Mode, norm};
use crate::networks::main_net::{MainNet, Transition, memories, op_norms};
use crate::{GeneratedWeights, HyperNetConfig, Memory, OpForms, OpNormalisation, SmashNet, Stem, Task};
use burn::module::Param;
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use rand::RngExt;
use safetensors::SafeTensors;

use crate::training::checkpoint::HostTensor;
use crate::training::evaluation::negative_log_likelihood;
use format::{Case, Config, Golden};

/// Required agreement in float32: absolute for values, relative for gradient norms.
const TOLERANCES: [(Kind, f64); 5] = [
    (Kind::GeneratedWeights, 1e-5),
    (Kind::LogProbabilitiesTrain, 1e-4),
    (Kind::LogProbabilitiesEvaluate, 1e-4),
    (Kind::Loss, 1e-5),
    (Kind::GradientNorm, 1e-3),
];

/// Distance by which images are moved to reach the other side of a ReLU's tie. It is the float32 rounding of sums of
/// thousands of values, and doubles after every fourth direction.
const RELU_TIE: f64 = 1e-6;
/// Largest number of directions in which they are moved.
const NUDGES: u64 = 12;

/// The quantity compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Weights that the HyperNet generates.
    GeneratedWeights,
    /// Log-probabilities with batch statistics.
    LogProbabilitiesTrain,
    /// Log-probabilities with running statistics, after one update.
    LogProbabilitiesEvaluate,
    /// Mean negative log-likelihood of a batch, in nats.
    Loss,
    /// Euclidean norm of a parameter's gradient.
    GradientNorm,
}

/// Largest deviation of one kind over all cases, and its place.
#[derive(Debug)]
pub struct Deviation {
    /// The quantity.
    pub kind: Kind,
    /// The deviation; NaN if nothing was compared.
    pub largest: f64,
    /// Name of the tensor and case.
    pub place: String,
    /// Number of comparisons.
    pub compared: usize,
    /// Largest allowed deviation.
    pub tolerance: f64,
}

impl std::fmt::Display for Deviation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:<26} largest {:.2e}  tolerance {:.0e}  compared {:>3}  {:<6}  {}",
            format!("{:?}", self.kind),
            self.largest,
            self.tolerance,
            self.compared,
            if self.is_within_tolerance() { "ok" } else { "FAILED" },
            self.place
        )
    }
}

impl Deviation {
    /// Whether something was compared and lies within the tolerance.
    pub fn is_within_tolerance(&self) -> bool {
        self.compared > 0 && self.largest <= self.tolerance
    }
}

/// Compares all cases of a pair of files, on a device. It takes the contents of both files.
///
/// # Errors
/// The fault in the contents.
pub fn compare<B: AutodiffBackend>(
    safetensors: &[u8],
    json: &str,
    device: &B::Device,
) -> Result<Vec<Deviation>, String> {
    let tensors = SafeTensors::deserialize(safetensors).map_err(|error| error.to_string())?;
    let file = Tensors::<B> { tensors, device: device.clone() };
    let golden: Golden = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if golden.cases.is_empty() {
        return Err("the file holds no case".into());
    }

    let mut found: Vec<(Kind, f64, String)> = Vec::new();
    for case in &golden.cases {
        compare_case(&file, &golden.config, case, &mut found)?;
    }
    Ok(TOLERANCES
        .into_iter()
        .map(|(kind, tolerance)| {
            let of_kind = || found.iter().filter(|(found_kind, ..)| *found_kind == kind);
            // total_cmp puts NaN above everything, so that it is reported and never passes.
            let (largest, place) = of_kind()
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .map_or((f64::NAN, "nowhere".to_string()), |(_, value, place)| (*value, place.clone()));
            Deviation { kind, largest, place, compared: of_kind().count(), tolerance }
        })
        .collect())
}

fn compare_case<B: AutodiffBackend>(
    file: &Tensors<'_, B>,
    config: &Config,
    case: &Case,
    found: &mut Vec<(Kind, f64, String)>,
) -> Result<(), String> {
    let mut net = file.smash_net(config)?;
    let architecture = case.architecture.to_architecture();
    let name = |tensor: &str| format!("case{}.{tensor}", case.case);
    let mut note = |kind, value: f64, place: String| found.push((kind, value.abs(), place));

    // The files hold the released encoding, which is fed in unchanged.
    let input = Tensor::cat(vec![file.get::<4>(&name("z"))?, file.get::<4>(&name("c"))?], 1);
    let weights = GeneratedWeights::from_output(&net.space, net.hypernet().forward(input.clone()));
    let expected: Tensor<B, 2> = file.get(&name("w1x1"))?;
    note(Kind::GeneratedWeights, largest_difference(weights.matrix().transpose(), expected), name("w1x1"));

    let x: Tensor<B, 4> = file.get("x")?;
    let labels = TensorData::new(case.labels.clone(), [case.labels.len(), 1]);
    let labels = Tensor::<B, 2, Int>::from_data(labels, &x.device());
    let (log_probabilities, statistics) = net.forward(&architecture, &weights, x.clone(), Mode::Train);
    let expected = file.get(&name("logp_train"))?;
    let difference = largest_difference(log_probabilities.clone(), expected);
    note(Kind::LogProbabilitiesTrain, difference, name("logp_train"));

    let loss = negative_log_likelihood(log_probabilities, labels.clone(), 0.0);
    let value = HostTensor::scalar(loss.clone().inner());
    note(Kind::Loss, value - case.loss, name("loss"));

    // The gradient at a ReLU whose input is zero up to rounding is not unique: two correct programs may take different
    // sides. One such element among the hundred thousands of a pass can move a norm by more than the tolerance. So
    // where norms disagree, the images are moved by the distance by which float32 rounding moves activations. This
    // shows whether the other side of a tie agrees. A wrong gradient stays wrong.
    let mut best: Option<(f64, String)> = None;
    for nudge in 0..=NUDGES {
        // A backward pass frees its graph, so the weights are generated anew for each.
        let weights = GeneratedWeights::from_output(&net.space, net.hypernet().forward(input.clone()));
        let (log_probabilities, _) = net.forward(&architecture, &weights, nudged(&x, nudge), Mode::Train);
        let loss = negative_log_likelihood(log_probabilities, labels.clone(), 0.0);
        let (worst, place) = worst_gradient(&gradient_norms(&net, &loss.backward()), &case.gradient_norms);
        let place = match &best {
            None => place,
            Some(_) => format!("{place} at nudge {nudge}"),
        };
        if best.as_ref().is_none_or(|(value, _)| worst < *value) {
            best = Some((worst, place));
        }
        if worst <= TOLERANCES[4].1 {
            break;
        }
    }
    let (value, place) = best.expect("at least one pass ran");
    note(Kind::GradientNorm, value, name(&place));

    net.main.update_statistics(&statistics);
    let (log_probabilities, _) = net.forward(&architecture, &weights, x, Mode::Evaluate);
    let expected = file.get(&name("logp_eval_after_one_bn_update"))?;
    note(Kind::LogProbabilitiesEvaluate, largest_difference(log_probabilities, expected), name("logp_eval"));
    Ok(())
}

struct Tensors<'a, B: Backend> {
    tensors: SafeTensors<'a>,
    device: B::Device,
}

impl<B: AutodiffBackend> Tensors<'_, B> {
    fn get<const D: usize>(&self, name: &str) -> Result<Tensor<B, D>, String> {
        let view = self.tensors.tensor(name).map_err(|error| format!("tensor `{name}`: {error}"))?;
        if view.shape().len() != D || view.dtype() != safetensors::Dtype::F32 {
            return Err(format!("tensor `{name}`: expected {D} dimensions of F32, found {:?}", view.shape()));
        }
        let values: Vec<f32> =
            view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes"))).collect();
        Ok(Tensor::from_data(TensorData::new(values, view.shape().to_vec()), &self.device))
    }

    fn parameter<const D: usize>(&self, name: &str) -> Result<Param<Tensor<B, D>>, String> {
        Ok(Param::from_tensor(self.get(&format!("param.{name}"))?))
    }

    /// A 1x1 convolution `[out, in, 1, 1]` as a matrix.
    fn matrix(&self, name: &str) -> Result<Param<Tensor<B, 2>>, String> {
        let weight: Tensor<B, 4> = self.get(&format!("param.{name}"))?;
        let [rows, columns, _, _] = weight.dims();
        Ok(Param::from_tensor(weight.reshape([rows, columns])))
    }

    fn norm(&self, name: &str) -> Result<BatchNorm<B>, String> {
        let weight = self.parameter::<1>(&format!("{name}.weight"))?;
        let fresh = BatchNorm::new(weight.val().dims()[0], &self.device);
        Ok(BatchNorm { weight, bias: self.parameter(&format!("{name}.bias"))?, ..fresh })
    }

    fn smash_net(&self, config: &Config) -> Result<SmashNet<B>, String> {
        let space = config.space();
        let hyper_config = HyperNetConfig::default();
        let convs = (0..26).map(|index| self.parameter(&hyper_name(index))).collect::<Result<_, _>>()?;
        let slots = if config.var_op { 4 } else { 1 };
        let shared = (0..3).map(|block| (0..slots).map(|slot| self.parameter(&shared_name(block, slot))).collect());
        let transition = |number: usize| -> Result<_, String> {
            let norm = self.norm(&format!("trans{number}.bn1"))?;
            Ok(Transition { norm, conv: self.matrix(&format!("trans{number}.conv1.weight"))? })
        };
        let main = MainNet {
            stem: self.parameter("conv1.weight")?,
            shared: shared.collect::<Result<_, _>>()?,
            transitions: vec![transition(1)?, transition(2)?],
            pointwise: Vec::new(),
            op_norms: op_norms(OpNormalisation::default(), &space, &self.device),
            memories: memories(Memory::default(), &space, Task::CIFAR_100, &self.device),
            norm: self.norm("bn1")?,
            output_weight: self.parameter("fc.weight")?,
            output_bias: self.parameter("fc.bias")?,
            stem_stride: 1,
            stem_form: Stem::Learned,
        };
        Ok(SmashNet {
            space,
            hypernet: Some(HyperNet::from_convs(&hyper_config, convs)),
            main,
            noise: true,
            op_forms: OpForms::Paper,
        })
    }
}

fn shared_name(block: usize, slot: usize) -> String {
    format!("W.{block}.op.{slot}.conv.weight")
}

/// Name of a HyperNet convolution in the released code, where compressions and the output lack one level.
fn hyper_name(index: usize) -> String {
    match index {
        0 => "hyperconv.0.module.weight".into(),
        9 | 20 | 25 => format!("hyperconv.{index}.1.weight"),
        _ => format!("hyperconv.{index}.module.1.weight"),
    }
}

/// Euclidean norm of the gradient of every parameter that has one, under the released names.
fn gradient_norms<B: AutodiffBackend>(net: &SmashNet<B>, gradients: &B::Gradients) -> BTreeMap<String, f64> {
    fn of<B: AutodiffBackend, const D: usize>(
        parameter: &Param<Tensor<B, D>>,
        gradients: &B::Gradients,
    ) -> Option<f64> {
        Some(HostTensor::scalar(norm(parameter.val().grad(gradients)?)))
    }
    let mut norms = BTreeMap::new();
    let mut add = |name: String, norm: Option<f64>| norm.map(|norm| norms.insert(name, norm));
    for (index, conv) in net.hypernet().convs.iter().enumerate() {
        add(hyper_name(index), of(conv, gradients));
    }
    for (block, convs) in net.main.shared.iter().enumerate() {
        for (slot, conv) in convs.iter().enumerate() {
            add(shared_name(block, slot), of(conv, gradients));
        }
    }
    for (index, transition) in net.main.transitions.iter().enumerate() {
        let number = index + 1;
        add(format!("trans{number}.bn1.weight"), of(&transition.norm.weight, gradients));
        add(format!("trans{number}.bn1.bias"), of(&transition.norm.bias, gradients));
        add(format!("trans{number}.conv1.weight"), of(&transition.conv, gradients));
    }
    add("conv1.weight".into(), of(&net.main.stem, gradients));
    add("bn1.weight".into(), of(&net.main.norm.weight, gradients));
    add("bn1.bias".into(), of(&net.main.norm.bias, gradients));
    add("fc.weight".into(), of(&net.main.output_weight, gradients));
    add("fc.bias".into(), of(&net.main.output_bias, gradients));
    norms
}

fn largest_difference<B: Backend, const D: usize>(ours: Tensor<B, D>, golden: Tensor<B, D>) -> f64 {
    assert_eq!(ours.dims(), golden.dims(), "shapes of ours and of the golden file");
    HostTensor::scalar((ours - golden).abs().max())
}

/// The images, moved at random within rounding. Nudge 0 leaves them unchanged.
fn nudged<B: Backend>(images: &Tensor<B, 4>, nudge: u64) -> Tensor<B, 4> {
    if nudge == 0 {
        return images.clone();
    }
    let mut rng = crate::Seed(nudge).rng(crate::Stream::Check, &[]);
    let values: Vec<f32> = (0..images.shape().num_elements()).map(|_| rng.random_range(-1.0..1.0)).collect();
    let largest = RELU_TIE * f64::from(1 << ((nudge - 1) / 4));
    images.clone() + Tensor::from_data(TensorData::new(values, images.dims()), &images.device()) * largest
}

/// Largest relative deviation of a gradient norm, and its parameter. A missing or an extra gradient has an infinite
/// deviation.
fn worst_gradient(ours: &BTreeMap<String, f64>, golden: &BTreeMap<String, f64>) -> (f64, String) {
    let mut worst = (0.0, "no gradient".to_string());
    let mut note = |deviation: f64, text: String| {
        if deviation.is_nan() || deviation > worst.0 {
            worst = (if deviation.is_nan() { f64::INFINITY } else { deviation }, text);
        }
    };
    for (parameter, expected) in golden {
        let norm = ours.get(parameter).copied().unwrap_or(f64::NAN);
        let deviation = if *expected == 0.0 { norm } else { (norm / expected - 1.0).abs() };
        note(deviation, format!("gradient of {parameter} ({norm:.3e}, expected {expected:.3e})"));
    }
    for (parameter, norm) in ours {
        if *norm > 0.0 && !golden.contains_key(parameter) {
            note(f64::INFINITY, format!("gradient of {parameter} ({norm:.3e}, expected none)"));
        }
    }
    worst
}
