//! An architecture with its weights from a SMASH network, as networks that can be trained on their own.

use burn::module::{Param, ParamId};
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use smash_kernels::convolution::Precision;
use smash_kernels::weight_norm::simple_weight_norm;
use smash_space::architecture::Architecture;
use smash_space::blueprint::Blueprint;
use smash_space::task::Task;

use crate::networks::free_network::{Network, NetworkWeights};
use crate::networks::generated_weights::GeneratedWeights;
use crate::networks::layers::BatchNorm;
use crate::networks::smash_net::SmashNet;

/// The network that computes the same as [`SmashNet::forward`] for an architecture and its generated weights. All its
/// weights are free: a short training from it gives the warm score.
///
/// It is [`Blueprint::in_smash`], not the resulting network. The resulting network has BatchNorm and ReLU around each
/// 1x1 convolution, and the SMASH network has neither. With a ReLU there, no scale and shift makes the two compute the
/// same. So nothing is left out or made up. Generated weights are held divided by their norm, as they are used, and
/// training does not divide them again. Shared convolutions are cut to the part that the architecture uses.
/// Transitions, output layer and the three BatchNorms come from the SMASH network, with their running statistics.
///
/// `task` is the task of the SMASH network, whose ops have simple WeightNorm.
pub fn warm_network<B: AutodiffBackend>(
    net: &SmashNet<B::InnerBackend>,
    task: Task,
    architecture: &Architecture,
    weights: &GeneratedWeights<B::InnerBackend>,
) -> Network<B> {
    let blueprint = Blueprint::in_smash(&net.space, task, architecture);
    let main = &net.main;
    let transitions = main.transitions.iter().map(|transition| &transition.norm);
    let norms = transitions.chain([&main.norm]).zip(&blueprint.norms);
    let norms = norms.map(|(norm, &channels)| leading(norm, channels)).collect();
    let convs = convolutions(net, architecture, weights, &blueprint.convs);
    let channels = blueprint.size(blueprint.features).channels;
    let output_weight = main.output_weight.val().narrow(1, 0, channels);
    Network {
        blueprint: blueprint.into(),
        precision: Precision::Float32,
        weights: NetworkWeights {
            convs: convs.into_iter().map(learned).collect(),
            norms,
            op_norms: Vec::new(),
            output_weight: learned(output_weight),
            output_bias: learned(main.output_bias.val()),
        },
    }
}

/// The network that [`warm_network`] gives, but each op goes on to divide the weight of its 1x1 convolution by its norm.
pub fn warm_simple_weight_norm_network<B: AutodiffBackend>(
    net: &SmashNet<B::InnerBackend>,
    task: Task,
    architecture: &Architecture,
    weights: &GeneratedWeights<B::InnerBackend>,
) -> Network<B> {
    let blueprint = Blueprint::in_smash_with_simple_weight_norm(&net.space, task, architecture);
    Network { blueprint: blueprint.into(), ..warm_network(net, task, architecture, weights) }
}

/// The resulting network of an architecture with all weights that the SMASH network has for it (paper, appendix C).
///
/// It does not compute what the SMASH network computes: see [`warm_network`]. The SMASH network has no counterpart to the
/// BatchNorms around 1x1 convolutions, which therefore stay those of `initial`, the network with standard initial weights.
/// So does the part of a convolution that is wider here than inside the SMASH network. The other BatchNorms keep their
/// running statistics.
pub fn warm_resulting_network<B: AutodiffBackend>(
    net: &SmashNet<B::InnerBackend>,
    task: Task,
    architecture: &Architecture,
    weights: &GeneratedWeights<B::InnerBackend>,
    mut initial: Network<B>,
) -> Network<B> {
    let warm = warm_network::<B>(net, task, architecture, weights).weights;
    let own = &mut initial.weights;
    assert_eq!(own.convs.len(), warm.convs.len(), "convolutions of both networks of an architecture");
    for (own, warm) in own.convs.iter_mut().zip(&warm.convs) {
        let rows = warm.dims().map(|size| 0..size);
        *own = learned(own.val().inner().slice_assign(rows, warm.val().inner()));
    }
    let mut end_of_block = 0;
    for (block, norm) in architecture.blocks.iter().zip(warm.norms) {
        end_of_block += 2 * block.ops.len();
        own.norms[end_of_block] = norm;
        end_of_block += 1;
    }
    assert_eq!(own.norms.len(), end_of_block, "two BatchNorms for each op and one for each block");
    own.output_weight = warm.output_weight;
    own.output_bias = warm.output_bias;
    initial
}

/// The convolutions in the order of the blueprint, with the blueprint's shapes.
fn convolutions<B: Backend>(
    net: &SmashNet<B>,
    architecture: &Architecture,
    weights: &GeneratedWeights<B>,
    shapes: &[[usize; 4]],
) -> Vec<Tensor<B, 4>> {
    let (space, main) = (&net.space, &net.main);
    let mut convs = vec![main.stem.val()];
    let mut channels_read = 0;
    for (index, block) in architecture.blocks.iter().enumerate() {
        for (place, op) in block.ops.iter().enumerate() {
            let inputs = op.reads.len() * block.bank_size * space.base_channels;
            let outputs = op.units * space.base_channels;
            let bottleneck = space.generated_channels(inputs, outputs);
            let generated = simple_weight_norm(weights.of_op(channels_read, inputs, bottleneck));
            convs.push(generated.unsqueeze_dims(&[2, 3]));
            channels_read += inputs;
            for (slot, conv) in op.convs.iter().enumerate() {
                let inputs = if slot.is_multiple_of(2) { bottleneck } else { outputs };
                let place = [index, place, slot];
                convs.extend(conv.map(|conv| main.conv_weight(space, place, conv, [outputs, inputs])));
            }
        }
        if let Some(transition) = main.transitions.get(index) {
            let [_, channels, ..] = shapes[convs.len()];
            let conv = transition.conv.val().narrow(1, 0, channels);
            convs.push(conv.unsqueeze_dims(&[2, 3]));
        }
    }
    let found: Vec<[usize; 4]> = convs.iter().map(|conv| conv.dims()).collect();
    assert_eq!(found, shapes, "convolutions of the SMASH network and of the blueprint");
    convs
}

/// A tensor as a learned parameter.
fn learned<B: AutodiffBackend, const D: usize>(tensor: Tensor<B::InnerBackend, D>) -> Param<Tensor<B, D>> {
    Param::from_tensor(Tensor::from_inner(tensor))
}

/// A BatchNorm of the leading channels.
fn leading<B: AutodiffBackend>(norm: &BatchNorm<B::InnerBackend>, channels: usize) -> BatchNorm<B> {
    let cut = |param: &Param<Tensor<B::InnerBackend, 1>>| param.val().narrow(0, 0, channels);
    let running = |tensor| Param::initialized(ParamId::new(), Tensor::from_inner(tensor));
    BatchNorm {
        weight: learned(cut(&norm.weight)),
        bias: learned(cut(&norm.bias)),
        running_mean: running(cut(&norm.running_mean)),
        running_variance: running(cut(&norm.running_variance)),
    }
}
