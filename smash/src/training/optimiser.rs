//! Adam and Nesterov momentum, with a state that can be stored and resumed bit for bit.

use std::collections::BTreeMap;

use burn::module::{AutodiffModule, Module, ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use smash_kernels::elementwise::fused;

use crate::error::CheckpointError;
use crate::training::checkpoint::{Checkpoint, HostTensor};

/// Running averages of one parameter's gradient, flattened.
type Slot<B> = Vec<Tensor<B, 1>>;

/// Adam (Kingma and Ba 2015) with L2 weight decay added to the gradient.
///
/// A parameter that a step does not use has no gradient. The parameter and its moments are left unchanged.
#[derive(Clone, Debug)]
pub struct Adam<B: Backend> {
    weight_decay: f64,
    /// First and second moment by parameter name.
    slots: BTreeMap<String, Slot<B>>,
    /// Number of updates by parameter name.
    updates: BTreeMap<String, u32>,
}

/// Decay of Adam's first moment (Radford et al. 2016, as in the released code).
const BETA_1: f64 = 0.5;
/// Decay of Adam's second moment.
const BETA_2: f64 = 0.999;
/// Added to the root of Adam's second moment (released code).
const ADAM_EPSILON: f64 = 1e-4;

/// Names of Adam's moments in a checkpoint.
const MOMENTS: [&str; 2] = ["first_moment", "second_moment"];

impl<B: Backend> Adam<B> {
    /// An optimiser that has made no step.
    pub fn new(weight_decay: f64) -> Self {
        Self { weight_decay, slots: BTreeMap::new(), updates: BTreeMap::new() }
    }

    /// Updates every parameter of `module` that has a gradient, by the mean over some losses. A loss that does not
    /// depend on the parameter counts as a gradient of 0.
    pub fn step<A, M>(&mut self, module: M, gradients: &[A::Gradients], learning_rate: f64) -> M
    where
        A: AutodiffBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        update_parameters(module, gradients, |name, value: Tensor<B, 1>, gradient| {
            let fresh = || vec![value.zeros_like(), value.zeros_like()];
            let [first, second]: [_; 2] =
                self.slots.remove(name).unwrap_or_else(fresh).try_into().expect("Adam keeps two moments");
            let updates = self.updates.entry(name.to_string()).or_default();
            *updates += 1;
            let update = AdamUpdate {
                weight_decay: self.weight_decay,
                correction: 1.0 - BETA_2.powf(f64::from(*updates)),
                rate: learning_rate / (1.0 - BETA_1.powf(f64::from(*updates))),
            };
            let [updated, first, second] = update.apply([value, gradient, first, second]);
            self.slots.insert(name.to_string(), vec![first, second]);
            updated
        })
    }

    /// Adds the state to a checkpoint, under `prefix`.
    pub fn save(&self, prefix: &str, checkpoint: &mut Checkpoint) {
        save_slots(&self.slots, prefix, &MOMENTS, checkpoint);
        for (name, &updates) in &self.updates {
            let updates = HostTensor { shape: vec![1], values: vec![updates as f32] };
            checkpoint.tensors.insert(format!("{prefix}.{name}.updates"), updates);
        }
    }

    /// Takes the state out of a checkpoint.
    ///
    /// # Errors
    /// A state with a tensor missing, or with another number of values than the parameter of `module`.
    pub fn load<A: Backend>(
        &mut self,
        prefix: &str,
        module: &impl Module<A>,
        checkpoint: &mut Checkpoint,
        device: &B::Device,
    ) -> Result<(), CheckpointError> {
        self.slots = load_slots(prefix, &MOMENTS, module, checkpoint, device)?;
        self.updates.clear();
        for name in self.slots.keys() {
            let updates = checkpoint.take_shaped(&format!("{prefix}.{name}.updates"), &[1])?;
            self.updates.insert(name.clone(), updates[0] as u32);
        }
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
        Self { weight_decay, slots: BTreeMap::new() }
    }

    /// Updates every parameter of `module` that has a gradient.
    pub fn step<A, M>(&mut self, module: M, gradients: &A::Gradients, learning_rate: f64) -> M
    where
        A: AutodiffBackend<InnerBackend = B>,
        M: AutodiffModule<A>,
    {
        update_parameters(module, std::slice::from_ref(gradients), |name, value: Tensor<B, 1>, gradient| {
            let velocity = match self.slots.remove(name) {
                Some(mut slot) => slot.remove(0),
                None => value.zeros_like(),
            };
            let update = NesterovUpdate { weight_decay: self.weight_decay, rate: learning_rate };
            let [updated, velocity] = update.apply([value, gradient, velocity]);
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
    /// A state with a tensor missing, or with another number of values than the parameter of `module`.
    pub fn load<A: Backend>(
        &mut self,
        prefix: &str,
        module: &impl Module<A>,
        checkpoint: &mut Checkpoint,
        device: &B::Device,
    ) -> Result<(), CheckpointError> {
        self.slots = load_slots(prefix, &["velocity"], module, checkpoint, device)?;
        Ok(())
    }
}

/// One update of a parameter by Adam.
struct AdamUpdate {
    weight_decay: f64,
    /// Correction for the second moment's start at 0.
    correction: f64,
    /// Learning rate, with the correction for the first moment's start at 0.
    rate: f64,
}

impl AdamUpdate {
    /// Maps value, gradient and both moments to the new value and moments.
    fn apply<B: Backend>(&self, tensors: [Tensor<B, 1>; 4]) -> [Tensor<B, 1>; 3] {
        let constants = [self.weight_decay, self.correction, self.rate].map(|constant| constant as f32);
        let [weight_decay, correction, rate] = constants;
        let [beta_1, rest_1] = [BETA_1, 1.0 - BETA_1].map(|constant| constant as f32);
        let [beta_2, rest_2] = [BETA_2, 1.0 - BETA_2].map(|constant| constant as f32);
        let fused = fused(tensors, |[value, gradient, first, second]: [f32; 4]| {
            let gradient = gradient + value * weight_decay;
            let first = first * beta_1 + gradient * rest_1;
            let second = second * beta_2 + gradient * gradient * rest_2;
            let root = (second / correction).sqrt() + ADAM_EPSILON as f32;
            [value - first / root * rate, first, second]
        });
        fused.unwrap_or_else(|[value, gradient, first, second]| {
            let gradient = gradient + value.clone() * self.weight_decay;
            let first = first * BETA_1 + gradient.clone() * (1.0 - BETA_1);
            let second = second * BETA_2 + gradient.clone() * gradient * (1.0 - BETA_2);
            let root = (second.clone() / self.correction).sqrt() + ADAM_EPSILON;
            [value - first.clone() / root * self.rate, first, second]
        })
    }
}

/// One update of a parameter with Nesterov momentum.
struct NesterovUpdate {
    weight_decay: f64,
    rate: f64,
}

impl NesterovUpdate {
    /// Maps value, gradient and velocity to the new value and velocity.
    fn apply<B: Backend>(&self, tensors: [Tensor<B, 1>; 3]) -> [Tensor<B, 1>; 2] {
        let [weight_decay, rate, momentum] = [self.weight_decay, self.rate, MOMENTUM].map(|constant| constant as f32);
        let fused = fused(tensors, |[value, gradient, velocity]: [f32; 3]| {
            let gradient = gradient + value * weight_decay;
            let velocity = velocity * momentum + gradient;
            [value - (gradient + velocity * momentum) * rate, velocity]
        });
        fused.unwrap_or_else(|[value, gradient, velocity]| {
            let gradient = gradient + value.clone() * self.weight_decay;
            let velocity = velocity * MOMENTUM + gradient.clone();
            let updated = value - (gradient + velocity.clone() * MOMENTUM) * self.rate;
            [updated, velocity]
        })
    }
}

/// Replaces each parameter that has a gradient by `update(name, value, gradient)`, all flattened. The gradient is the
/// mean over the given gradients.
fn update_parameters<A, M, F>(module: M, gradients: &[A::Gradients], update: F) -> M
where
    A: AutodiffBackend,
    M: AutodiffModule<A>,
    F: FnMut(&str, Tensor<A::InnerBackend, 1>, Tensor<A::InnerBackend, 1>) -> Tensor<A::InnerBackend, 1>,
{
    struct Mapper<'a, A: AutodiffBackend, F> {
        gradients: &'a [A::Gradients],
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
            let found = self.gradients.iter().filter_map(|gradients| value.grad(gradients));
            let Some(mut gradient) = found.reduce(|sum, gradient| sum + gradient) else {
                return Param::from_mapped_value(id, value, mapper);
            };
            if self.gradients.len() > 1 {
                gradient = gradient / self.gradients.len() as f64;
            }
            let shape = value.dims();
            let flat = [shape.iter().product::<usize>()];
            let updated = (self.update)(&self.path.join("."), value.inner().reshape(flat), gradient.reshape(flat));
            let updated = Tensor::from_inner(updated.reshape(shape)).require_grad();
            Param::from_mapped_value(id, updated, mapper)
        }
    }
    module.map(&mut Mapper::<A, F> { gradients, update, path: Vec::new() })
}

fn save_slots<B: Backend>(
    slots: &BTreeMap<String, Slot<B>>,
    prefix: &str,
    parts: &[&str],
    checkpoint: &mut Checkpoint,
) {
    for (name, slot) in slots {
        for (part, tensor) in parts.iter().zip(slot) {
            checkpoint.tensors.insert(format!("{prefix}.{name}.{part}"), HostTensor::of(tensor.clone()));
        }
    }
}

/// The state of each parameter that has one. A parameter that no step has used has none.
fn load_slots<A: Backend, B: Backend>(
    prefix: &str,
    parts: &[&str],
    module: &impl Module<A>,
    checkpoint: &mut Checkpoint,
    device: &B::Device,
) -> Result<BTreeMap<String, Slot<B>>, CheckpointError> {
    let mut slots = BTreeMap::new();
    for (name, length) in lengths(module) {
        let prefix = format!("{prefix}.{name}");
        let tensor = |part: &&str| format!("{prefix}.{part}");
        if !parts.iter().any(|part| checkpoint.tensors.contains_key(&tensor(part))) {
            continue;
        }
        let slot = parts.iter().map(|part| {
            let values = checkpoint.take_shaped(&tensor(part), &[length])?;
            Ok(Tensor::from_data(TensorData::new(values, [length]), device))
        });
        slots.insert(name, slot.collect::<Result<_, CheckpointError>>()?);
    }
    Ok(slots)
}

/// Number of values of each parameter of a module, by name.
fn lengths<B: Backend>(module: &impl Module<B>) -> Vec<(String, usize)> {
    struct Collector {
        lengths: Vec<(String, usize)>,
        path: Vec<String>,
    }
    impl<B: Backend> ModuleVisitor<B> for Collector {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_string());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            self.lengths.push((self.path.join("."), param.shape().num_elements()));
        }
    }
    let mut collector = Collector { lengths: Vec::new(), path: Vec::new() };
    module.visit(&mut collector);
    collector.lengths
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Autodiff;
    use burn_flex::{Flex, FlexDevice};

    /// A backend that is not recognised as burn-flex, because it is wrapped once more.
    type Wrapped = Autodiff<Flex>;

    /// More values than a task has.
    const LENGTH: usize = 16 * 1024 + 3;

    fn series<B: Backend<Device = FlexDevice>>(step: usize) -> Tensor<B, 1> {
        let values = (0..LENGTH).map(|index| ((index * step % 101) as f32 - 50.0) / 50.0).collect();
        Tensor::from_data(TensorData::new(values, [LENGTH]), &FlexDevice)
    }

    #[test]
    fn an_update_in_one_pass_equals_burns() {
        let adam = AdamUpdate { weight_decay: 1e-4, correction: 0.3, rate: 1e-2 };
        let ours = adam.apply([7, 13, 17, 19].map(series::<Flex>).map(Tensor::abs));
        let burns = adam.apply([7, 13, 17, 19].map(series::<Wrapped>).map(Tensor::abs));
        for (ours, burns) in ours.into_iter().zip(burns) {
            ours.into_data().assert_approx_eq::<f32>(&burns.into_data(), burn::tensor::Tolerance::absolute(1e-6));
        }
        let nesterov = NesterovUpdate { weight_decay: 1e-4, rate: 0.1 };
        let ours = nesterov.apply([7, 13, 17].map(series::<Flex>));
        let burns = nesterov.apply([7, 13, 17].map(series::<Wrapped>));
        for (ours, burns) in ours.into_iter().zip(burns) {
            ours.into_data().assert_approx_eq::<f32>(&burns.into_data(), burn::tensor::Tolerance::absolute(1e-6));
        }
    }
}
