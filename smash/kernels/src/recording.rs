//! A forward pass as one operation of the gradient tape.
//!
//! burn registers each operation in hash tables that all threads share, and joins graphs where they meet. For a deep
//! network of small tensors this takes a quarter of a training step. Inside [`recorded`], operations of this package go
//! to a list instead. The whole list is one operation of burn's tape, and runs backwards when its gradient is there.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::prelude::*;
use burn::tensor::backend::AutodiffBackend;
use burn_flex::{Flex, FlexTensor};

use crate::primitive::{Primitive, Tracked, tensor};

/// Moves the gradient of an operation's output on to its inputs.
type Run = Box<dyn FnOnce(&mut Gradients, &mut Checkpointer) + Send>;

/// The backward pass of an operation.
struct Step {
    node: NodeId,
    parents: Vec<NodeId>,
    run: Run,
}

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

/// Puts one of our operations on the gradient tape, or adds it to the recording of this thread. It takes the operation's
/// output for some tensors, and the state that the backward pass needs.
///
/// # Panics
/// In a recording, if a tensor comes from an operation of burn inside it: its gradient would be lost.
pub(crate) fn on_tape<O: Backward<Flex, N>, const N: usize>(
    operation: O,
    inputs: [Tracked; N],
    state: O::State,
    output: FlexTensor,
) -> Tracked {
    RECORDING.with_borrow_mut(|recording| match recording {
        Some(recording) => recording.add(operation, inputs, state, output),
        None => registered(operation, inputs, state, output),
    })
}

/// Runs a pass over a network. On burn-flex with gradients, all its operations are one operation of burn's tape.
///
/// The pass may use operations of this package, parameters, and `input`. If it computes something else from them, such as
/// statistics, it must not use gradients there.
///
/// # Panics
/// If an operation of burn is between them, or a recording is in progress.
pub fn recorded<B: Backend, const D: usize>(
    input: Option<Tensor<B, 2>>,
    pass: impl FnOnce() -> Tensor<B, D>,
) -> Tensor<B, D> {
    let input = input.and_then(|input| match Primitive::of(input) {
        Primitive::Tracked(input) if input.is_tracked() => Some(input),
        _ => None,
    });
    let start = Recording { known: input.iter().map(|input| input.node.id).collect(), ..Recording::default() };
    RECORDING.with_borrow_mut(|recording| {
        assert!(recording.is_none(), "a recording inside another");
        *recording = Some(start);
    });
    // Even if the pass panics, the next one on this thread starts without a recording.
    let end = End;
    let output = pass();
    let recording = RECORDING.take().expect("the recording of this pass");
    drop(end);
    let output = match (Primitive::of(output), recording.anchor) {
        (Primitive::Tracked(output), Some(anchor)) if output.is_tracked() => {
            assert!(recording.known.contains(&output.node.id), "the output of a recording is one of its operations'");
            let input = input.unwrap_or_else(|| anchor.clone());
            let state = State { steps: Arc::new(Mutex::new(recording.steps)), output: output.node.id };
            Primitive::Tracked(registered(Pass, [anchor, input], state, output.primitive))
        }
        (output, _) => output,
    };
    output.into_tensor()
}

/// Ends the recording of this thread.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        RECORDING.take();
    }
}

fn registered<O: Backward<Flex, N>, const N: usize>(
    operation: O,
    inputs: [Tracked; N],
    state: O::State,
    output: FlexTensor,
) -> Tracked {
    let nodes = inputs.map(|input| input.node);
    match operation.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state, output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

/// The operations of a pass so far.
#[derive(Default)]
struct Recording {
    /// The backward passes, in the order of the operations.
    steps: Vec<Step>,
    /// The nodes whose gradients the backward passes handle, without parameters.
    known: HashSet<NodeId>,
    /// A node of burn's tape above all parameters.
    anchor: Option<Tracked>,
}

impl Recording {
    fn add<O: Backward<Flex, N>, const N: usize>(
        &mut self,
        operation: O,
        inputs: [Tracked; N],
        state: O::State,
        output: FlexTensor,
    ) -> Tracked {
        let Some(first) = inputs.iter().find(|input| input.is_tracked()) else {
            return Autodiff::<Flex>::from_inner(output);
        };
        let anchor = self.anchor.get_or_insert_with(|| registered(Anchor, [first.clone()], (), tensor(vec![], [0])));
        // A parameter has no parents, so its order is 0.
        let is_known = |input: &Tracked| input.node.order == 0 || self.known.contains(&input.node.id);
        assert!(
            inputs.iter().all(|input| !input.is_tracked() || is_known(input)),
            "an operation of burn inside a recording"
        );
        let nodes = inputs.map(|input| input.node);
        let output = <Tracked>::from_parents(output, &nodes, anchor.node.requirement, anchor.node.properties.clone());
        self.known.insert(output.node.id);
        let parents = nodes.map(|node| node.clone_if_require_grad());
        self.steps.push(Step {
            node: output.node.id,
            parents: parents.iter().flatten().map(|parent| parent.id).collect(),
            run: {
                let ops = Ops { parents, node: output.node.clone(), state };
                Box::new(move |gradients, checkpointer| operation.backward(ops, gradients, checkpointer))
            },
        });
        output
    }
}

/// The operation that a recording needs on burn's tape to have gradients at all.
#[derive(Debug)]
struct Anchor;

impl Backward<Flex, 1> for Anchor {
    type State = ();

    fn backward(self, _: Ops<Self::State, 1>, _: &mut Gradients, _: &mut Checkpointer) {}
}

/// All operations of a pass.
#[derive(Debug)]
struct Pass;

#[derive(Clone)]
struct State {
    steps: Arc<Mutex<Vec<Step>>>,
    /// The node of the pass's output.
    output: NodeId,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").field("output", &self.output).finish_non_exhaustive()
    }
}

impl Backward<Flex, 2> for Pass {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let State { steps, output } = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node);
        gradients.register::<Flex>(output, gradient);
        let mut steps = std::mem::take(&mut *steps.lock().expect("no backward pass panicked"));
        // The nodes on which the output depends. The others have no gradient.
        let mut reached = HashSet::from([output]);
        while let Some(Step { node, parents, run }) = steps.pop() {
            if reached.contains(&node) {
                run(gradients, checkpointer);
                reached.extend(parents);
            }
        }
    }
}
