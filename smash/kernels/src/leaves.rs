//! The leaves of the gradient tape.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::ops::FloatTensor;
use burn_flex::Flex;

use crate::burn_flex::{Primitive, on_tape, tensor};
use crate::planes::by_count;

/// Number of leaves that are joined at a time.
const AT_ONCE: usize = 32;

/// Joins the parameters of a module on the gradient tape. It changes no value and no gradient.
///
/// burn starts a graph for each parameter, and joins two graphs where an operation reads both. It moves the nodes of one
/// of the two, which may be the larger one. In a deep network of small tensors this took a sixth of a training step. If
/// the parameters are joined before the first operation, they are moved while their graphs are small.
pub fn join<B: Backend>(module: &impl Module<B>) {
    let mut leaves = Leaves(Vec::new());
    module.visit(&mut leaves);
    let Leaves(mut joined) = leaves;
    while joined.len() > 1 {
        let groups = joined.chunks(AT_ONCE).map(|group| match group {
            [single] => single.clone(),
            group => {
                let group = group.to_vec();
                by_count!(of_count, group, ())
            }
        });
        joined = groups.collect();
    }
}

/// The parameters that have gradients.
struct Leaves(Vec<FloatTensor<Autodiff<Flex>>>);

impl<B: Backend> ModuleVisitor<B> for Leaves {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let value = param.val();
        if value.is_require_grad()
            && let Primitive::Tracked(leaf) = Primitive::of(value)
        {
            self.0.push(leaf);
        }
    }
}

fn of_count<const N: usize>(leaves: Vec<FloatTensor<Autodiff<Flex>>>, (): ()) -> FloatTensor<Autodiff<Flex>> {
    let Ok(leaves) = <[_; N]>::try_from(leaves) else {
        unreachable!("as many leaves as counted");
    };
    on_tape::<_, N>(Joined, leaves, (), tensor(vec![0.0], [1]))
}

#[derive(Debug)]
struct Joined;

impl<const N: usize> Backward<Flex, N> for Joined {
    type State = ();

    fn backward(self, _: Ops<Self::State, N>, _: &mut Gradients, _: &mut Checkpointer) {
        unreachable!("no loss reads joined leaves");
    }
}
