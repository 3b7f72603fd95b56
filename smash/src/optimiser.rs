//! Adam and Nesterov momentum, with a state that can be stored and resumed bit for bit.

use std::collections::BTreeMap;

use burn::module::{AutodiffModule, ModuleMapper, Param};
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;

use crate::checkpoint::{Checkpoint, HostTensor};
use crate::error::CheckpointError;

/// Running averages of one parameter's gradient, flattened.
type Slot<B> = Vec<Tensor<B, 1>>;

/// Adam (Kingma and Ba 2015) with L2 weight decay added to the gradient.
///
/// A parameter that a step does not use has no gradient and is left as it is, its moments too.
#[derive(Clone, Debug)]
pub struct Adam<B: Backend> {
    weight_decay: f64,
    /// First moment, second moment, and number of updates (shape `[1]`) by parameter name.
    slots: BTreeMap<String, Slot<B>>,
}

/// Decay of Adam's first moment (Radford et al. 2016, as in the released code).
const BETA_1: f64 = 0.5;
/// Decay of Adam's second moment.
const BETA_2: f64 = 0.999;
/// Added to the root of Adam's second moment (released code).
const ADAM_EPSILON: f64 = 1e-4;

impl<B: Backend> Adam<B> {
    /// An optimiser that has made no step.
    pub fn new(weight_decay: f64) -> Self {
        Self {
            weight_decay,
            slots: BTreeMap::new(),
        }
    }

    /// Updates every parameter of `module` that has a gradient.
    pub fn step<A, M>(&mut self, module: M, gradients: &A::Gradients, learning_rate: f64) -> M
    where
        A: AutodiffBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        update_parameters(module, gradients, |name, value: Tensor<B, 1>, gradient| {
            let gradient = if self.weight_decay > 0.0 {
                gradient + value.clone() * self.weight_decay
            } else {
                gradient
            };
            let fresh = || {
                vec![
                    value.zeros_like(),
                    value.zeros_like(),
                    Tensor::zeros([1], &value.device()),
                ]
            };
            let [first, second, updates]: [_; 3] = self
                .slots
                .remove(name)
                .unwrap_or_else(fresh)
                .try_into()
                .expect("Adam keeps three tensors");
            let updates: Tensor<B, 1> = updates + 1.0;
            let count: f32 = updates.clone().into_scalar().elem();
            let first = first * BETA_1 + gradient.clone() * (1.0 - BETA_1);
            let second = second * BETA_2 + gradient.clone() * gradient * (1.0 - BETA_2);
            let correction_1 = 1.0 - BETA_1.powf(f64::from(count));
            let correction_2 = 1.0 - BETA_2.powf(f64::from(count));
            let root = (second.clone() / correction_2).sqrt() + ADAM_EPSILON;
            let updated = value - first.clone() / root * (learning_rate / correction_1);
            self.slots.insert(name.to_string(), vec![first, second, updates]);
            updated
        })
    }

    /// Adds the state to a checkpoint, under `prefix`.
    pub fn save(&self, prefix: &str, checkpoint: &mut Checkpoint) {
        save_slots(
            &self.slots,
            prefix,
            &["first_moment", "second_moment", "updates"],
            checkpoint,
        );
    }

    /// Takes the state out of a checkpoint.
    ///
    /// # Errors
    /// A state with a tensor missing.
    pub fn load(
        &mut self,
        prefix: &str,
        checkpoint: &mut Checkpoint,
        device: &B::Device,
    ) -> Result<(), CheckpointError> {
        self.slots = load_slots(
            prefix,
            &["first_moment", "second_moment", "updates"],
            checkpoint,
            device,
        )?;
        Ok(())
    }
}

/// Stochastic gradient descent with Nesterov momentum, L2 weight decay added to the gradient.
#[derive(Clone, Debug)]
pub struct Nesterov<B: Backend> {
    weight_decay: f64,
    /// Velocity by parameter name.
    slots: BTreeMap<String, Slot<B>>,
}

/// Momentum of resulting networks (paper, appendix C).
const MOMENTUM: f64 = 0.9;

impl<B: Backend> Nesterov<B> {
    /// An optimiser that has made no step.
    pub fn new(weight_decay: f64) -> Self {
        Self {
            weight_decay,
            slots: BTreeMap::new(),
        }
    }

    /// Updates every parameter of `module` that has a gradient.
    pub fn step<A, M>(&mut self, module: M, gradients: &A::Gradients, learning_rate: f64) -> M
    where
        A: AutodiffBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        update_parameters(module, gradients, |name, value: Tensor<B, 1>, gradient| {
            let gradient = gradient + value.clone() * self.weight_decay;
            let velocity = match self.slots.remove(name) {
                Some(mut slot) => slot.remove(0) * MOMENTUM + gradient.clone(),
                None => gradient.clone(),
            };
            let updated = value - (gradient + velocity.clone() * MOMENTUM) * learning_rate;
            self.slots.insert(name.to_string(), vec![velocity]);
            updated
        })
    }

    /// Adds the state to a checkpoint, under `prefix`.
    pub fn save(&self, prefix: &str, checkpoint: &mut Checkpoint) {
        save_slots(&self.slots, prefix, &["velocity"], checkpoint);
    }

    /// Takes the state out of a checkpoint.
    ///
    /// # Errors
    /// A state with a tensor missing.
    pub fn load(
        &mut self,
        prefix: &str,
        checkpoint: &mut Checkpoint,
        device: &B::Device,
    ) -> Result<(), CheckpointError> {
        self.slots = load_slots(prefix, &["velocity"], checkpoint, device)?;
        Ok(())
    }
}

/// Replaces each parameter that has a gradient by `update(name, value, gradient)`, all flattened.
fn update_parameters<A, M, F>(module: M, gradients: &A::Gradients, update: F) -> M
where
    A: AutodiffBackend,
    M: AutodiffModule<A>,
    F: FnMut(&str, Tensor<A::InnerBackend, 1>, Tensor<A::InnerBackend, 1>) -> Tensor<A::InnerBackend, 1>,
{
    struct Mapper<'a, A: AutodiffBackend, F> {
        gradients: &'a A::Gradients,
        update: F,
        path: Vec<String>,
    }
    impl<A, F> ModuleMapper<A> for Mapper<'_, A, F>
    where
        A: AutodiffBackend,
        F: FnMut(&str, Tensor<A::InnerBackend, 1>, Tensor<A::InnerBackend, 1>) -> Tensor<A::InnerBackend, 1>,
    {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<A, D>>) -> Param<Tensor<A, D>> {
            let (id, value, mapper) = param.consume();
            let Some(gradient) = value.grad(self.gradients) else {
                return Param::from_mapped_value(id, value, mapper);
            };
            let shape = value.dims();
            let flat = [shape.iter().product::<usize>()];
            let updated = (self.update)(
                &self.path.join("."),
                value.inner().reshape(flat),
                gradient.reshape(flat),
            );
            let updated = Tensor::from_inner(updated.reshape(shape)).require_grad();
            Param::from_mapped_value(id, updated, mapper)
        }
    }
    module.map(&mut Mapper::<A, F> {
        gradients,
        update,
        path: Vec::new(),
    })
}

fn save_slots<B: Backend>(
    slots: &BTreeMap<String, Slot<B>>,
    prefix: &str,
    parts: &[&str],
    checkpoint: &mut Checkpoint,
) {
    for (name, slot) in slots {
        for (part, tensor) in parts.iter().zip(slot) {
            checkpoint
                .tensors
                .insert(format!("{prefix}.{name}.{part}"), HostTensor::of(tensor.clone()));
        }
    }
}

fn load_slots<B: Backend>(
    prefix: &str,
    parts: &[&str],
    checkpoint: &mut Checkpoint,
    device: &B::Device,
) -> Result<BTreeMap<String, Slot<B>>, CheckpointError> {
    let start = format!("{prefix}.");
    let end = format!(".{}", parts[0]);
    let names: Vec<String> = checkpoint
        .tensors
        .keys()
        .filter_map(|key| Some(key.strip_prefix(&start)?.strip_suffix(&end)?.to_string()))
        .collect();
    let mut slots = BTreeMap::new();
    for name in names {
        let slot = parts.iter().map(|part| {
            let tensor = checkpoint.take(&format!("{prefix}.{name}.{part}"))?;
            let length = tensor.values.len();
            Ok(Tensor::from_data(TensorData::new(tensor.values, [length]), device))
        });
        let slot = slot.collect::<Result<_, CheckpointError>>()?;
        slots.insert(name, slot);
    }
    Ok(slots)
}
