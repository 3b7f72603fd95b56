//! Functions of the elements of several tensors, such as the steps of an optimiser.

use burn::prelude::*;
use pulp::Arch;
use rayon::prelude::*;

use crate::primitive::{Primitive, contiguous, pieces_of_task, tensor, values};

/// Number of values in a task.
const CHUNK: usize = 16 * 1024;

/// Applies a function to the elements of tensors of one length, in one pass on all cores.
///
/// # Shapes
/// - `tensors`, outputs: `[values]`
///
/// # Errors
/// Tensors that are not of burn-flex come back unchanged.
pub fn fused<B: Backend, const IN: usize, const OUT: usize>(
    tensors: [Tensor<B, 1>; IN],
    function: impl Fn([f32; IN]) -> [f32; OUT] + Sync,
) -> Result<[Tensor<B, 1>; OUT], [Tensor<B, 1>; IN]> {
    let tensors = tensors.map(Primitive::of);
    if !tensors.iter().all(|tensor| matches!(tensor, Primitive::Plain(_))) {
        return Err(tensors.map(Primitive::into_tensor));
    }
    let inputs = tensors.map(|tensor: Primitive<B>| match tensor {
        Primitive::Plain(tensor) => contiguous(&tensor),
        _ => unreachable!("all are of burn-flex"),
    });
    let inputs: [&[f32]; IN] = std::array::from_fn(|index| values(&inputs[index]));
    let (count, arch) = (inputs[0].len(), Arch::new());
    let mut outputs: [Vec<f32>; OUT] = std::array::from_fn(|_| vec![0.0; count]);
    // Chunks of all outputs together, so that one pass over the inputs writes them all.
    let mut chunks: Vec<[&mut [f32]; OUT]> = Vec::with_capacity(count.div_ceil(CHUNK));
    let mut parts = outputs.each_mut().map(|output| output.chunks_mut(CHUNK));
    for _ in 0..count.div_ceil(CHUNK) {
        chunks.push(parts.each_mut().map(|chunks| chunks.next().expect("counted")));
    }
    chunks.into_par_iter().enumerate().with_min_len(pieces_of_task(CHUNK)).for_each(|(index, mut outputs)| {
        let inputs = inputs.map(|input| &input[index * CHUNK..][..outputs[0].len()]);
        arch.dispatch(|| {
            for place in 0..outputs[0].len() {
                let results = function(inputs.map(|input| input[place]));
                for (output, result) in outputs.iter_mut().zip(results) {
                    output[place] = result;
                }
            }
        });
    });
    Ok(outputs.map(|output| Primitive::Plain(tensor(output, [count])).into_tensor()))
}
