//! Parts of a tensor's channels as separate tensors, and sums of such parts. Memory banks are made of them.
//!
//! In burn each slice gets a gradient as large as the whole, with zeros outside its part. These gradients are added one
//! after the other. Here a part is a view, and the gradients of all parts are concatenated once.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn_flex::{Flex, FlexTensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::interleaved::{as_batch, as_one_image, images_in_one, joined, settled};
use crate::planes::{MOST_INPUTS, Planes, by_count, shapes, split};
use crate::primitive::{
    Primitive, Primitives, Tracked, contiguous, filled, pieces_of_task, primitive_of, shape_of, tensor, tensor_of,
    values as values_of,
};
use crate::recording::on_tape;

/// The first `count` parts of `channels` channels each. Channels after them are dropped.
///
/// Every part must take part in the loss, or none. The gradient of the whole is assembled once the gradient of the last
/// part is there. If a gradient never comes, the backward pass panics.
///
/// # Shapes
/// - `input`: `[batch, channels_in, height, width]`
/// - output: `[batch, channels, height, width]` each
pub fn parts<B: Backend>(input: Tensor<B, 4>, channels: usize, count: usize) -> Vec<Tensor<B, 4>> {
    if input.dims()[1] == channels && count == 1 {
        return vec![input];
    }
    let view = |input: &FlexTensor, index: usize| input.narrow(1, index * channels, channels);
    match Primitive::of(input) {
        Primitive::Plain(input) => {
            (0..count).map(|index| Primitive::Plain(view(&input, index)).into_tensor()).collect()
        }
        Primitive::Tracked(input) => {
            let gathered =
                Arc::new(Gathered { shape: shape_of(&input.primitive), parts: Mutex::new(vec![None; count]) });
            let part = |index: usize| {
                let output = view(&input.primitive, index);
                let state = (gathered.clone(), index);
                Primitive::Tracked(on_tape(Part, [input.clone()], state, output)).into_tensor()
            };
            (0..count).map(part).collect()
        }
        other @ Primitive::Other(_) => {
            let input: Tensor<B, 4> = other.into_tensor();
            let part = |index: usize| input.clone().narrow(1, index * channels, channels);
            (0..count).map(part).collect()
        }
    }
}

/// Concatenates tensors along their channels.
///
/// # Shapes
/// - `tensors`: `[batch, channels, height, width]` each
pub fn concatenate<B: Backend>(mut tensors: Vec<Tensor<B, 4>>) -> Tensor<B, 4> {
    while tensors.len() > MOST_INPUTS {
        let mut groups = Vec::with_capacity(tensors.len().div_ceil(MOST_INPUTS));
        while !tensors.is_empty() {
            groups.push(concatenate(tensors.drain(..tensors.len().min(MOST_INPUTS)).collect()));
        }
        tensors = groups;
    }
    if tensors.len() == 1 {
        return tensors.remove(0);
    }
    let [batch, _, height, width] = tensors[0].dims();
    let shape = [batch, tensors.iter().map(|tensor| tensor.dims()[1]).sum(), height, width];
    match Primitives::<B>::of(tensors.into_iter().map(primitive_of).collect()) {
        Primitives::Plain(tensors) => Primitive::Plain(side_by_side(tensors, shape)).into_tensor(),
        Primitives::Tracked(tensors) => {
            Primitive::Tracked(by_count!(tracked_side_by_side, tensors, shape)).into_tensor()
        }
        Primitives::Other(tensors) => Tensor::cat(tensors.into_iter().map(tensor_of).collect(), 1),
    }
}

fn tracked_side_by_side<const N: usize>(tensors: [Tracked; N], shape: [usize; 4]) -> Tracked {
    let inputs: Vec<FlexTensor> = tensors.iter().map(|tensor| tensor.primitive.clone()).collect();
    let state = (shapes(&inputs), images_in_one(&inputs));
    on_tape(Concatenate, tensors, state, side_by_side(inputs, shape))
}

#[derive(Debug)]
struct Concatenate;

impl<const N: usize> Backward<Flex, N> for Concatenate {
    /// Shape of each tensor, and number of images in one.
    type State = (Vec<[usize; 4]>, usize);

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (shapes, images) = ops.state;
        let gradient = contiguous(&as_one_image(&gradients.consume::<Flex>(&ops.node), images));
        let shapes =
            shapes.iter().map(|&[batch, channels, height, width]| [batch / images, channels, height, width * images]);
        let parts = split(values_of(&gradient).to_vec(), &shapes.collect::<Vec<_>>());
        for (node, part) in ops.parents.iter().zip(parts) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, as_batch(part, images));
            }
        }
    }
}

/// The gradients of the parts of a tensor, collected until all are there.
#[derive(Debug)]
struct Gathered {
    /// Shape of the whole.
    shape: [usize; 4],
    parts: Mutex<Vec<Option<FlexTensor>>>,
}

#[derive(Debug)]
struct Part;

impl Backward<Flex, 1> for Part {
    type State = (Arc<Gathered>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (gathered, index) = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node);
        let mut parts = gathered.parts.lock().expect("no backward pass panicked");
        parts[index] = Some(gradient);
        if parts.iter().any(Option::is_none) {
            return;
        }
        let parts: Vec<FlexTensor> = parts.iter_mut().filter_map(Option::take).collect();
        let [node] = ops.parents;
        if let Some(node) = node {
            gradients.register::<Flex>(node.id, side_by_side(parts, gathered.shape));
        }
    }
}

/// Largest number of gradients of a shared tensor that are held before they are summed.
const MOST_TERMS: usize = 4;

/// A tensor that several operations read.
///
/// burn adds the gradients of its readers one by one, on one thread. Here they are summed a few at a time, in one pass.
/// Every reader must take part in the loss, as for [`parts`].
#[derive(Debug)]
pub struct Shared<B: Backend> {
    tensor: Tensor<B, 4>,
    readers: Arc<Mutex<Readers>>,
}

/// The gradients of a shared tensor's readers, collected until all are there.
#[derive(Debug, Default)]
struct Readers {
    /// Number of readers without a gradient yet.
    missing: usize,
    gradients: Vec<FlexTensor>,
}

impl<B: Backend> Shared<B> {
    /// A shared tensor `[batch, channels, height, width]` without a reader.
    pub fn new(tensor: Tensor<B, 4>) -> Self {
        Self { tensor, readers: Arc::default() }
    }

    /// The tensor, for one reader.
    pub fn read(&self) -> Tensor<B, 4> {
        match Primitive::of(self.tensor.clone()) {
            Primitive::Tracked(tensor) => {
                self.readers.lock().expect("no pass panicked").missing += 1;
                let output = tensor.primitive.clone();
                Primitive::Tracked(on_tape(Reader, [tensor], self.readers.clone(), output)).into_tensor()
            }
            other => other.into_tensor(),
        }
    }

    /// The tensor, for its last reader. If there is only one reader, no sum is needed.
    pub fn read_last(self) -> Tensor<B, 4> {
        let missing = self.readers.lock().expect("no pass panicked").missing;
        if missing == 0 { self.tensor } else { self.read() }
    }
}

#[derive(Debug)]
struct Reader;

impl Backward<Flex, 1> for Reader {
    type State = Arc<Mutex<Readers>>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let mut readers = ops.state.lock().expect("no pass panicked");
        readers.gradients.push(gradient);
        readers.missing -= 1;
        if readers.missing > 0 && readers.gradients.len() < MOST_TERMS {
            return;
        }
        let sum = sum(std::mem::take(&mut readers.gradients));
        if readers.missing > 0 {
            readers.gradients.push(sum);
            return;
        }
        let [node] = ops.parents;
        if let Some(node) = node {
            gradients.register::<Flex>(node.id, sum);
        }
    }
}

/// Parts as one tensor of the given shape. Channels after them are 0.
fn side_by_side(parts: Vec<FlexTensor>, [batch, channels, height, width]: [usize; 4]) -> FlexTensor {
    let (parts, images) = joined(&parts);
    let shape = [batch / images, channels, height, width * images];
    let (pixels, planes) = (height * width * images, Planes::of(&parts));
    let values = filled(shape.iter().product(), |values| {
        let images = values.par_chunks_exact_mut(channels * pixels).enumerate();
        images.with_min_len(pieces_of_task(channels * pixels)).for_each(|(image, values)| {
            let (held, rest) = values.split_at_mut(planes.channels.len() * pixels);
            let planes = planes.of_images(image..image + 1, pixels);
            for (target, plane) in held.chunks_exact_mut(pixels).zip(planes) {
                target.copy_from_slice(plane);
            }
            rest.fill(0.0);
        });
    });
    as_batch(tensor(values, shape), images)
}

/// A part of a weight of at most four dimensions: `weight[ranges[0], ranges[1], ...]`.
///
/// burn's gradient of a slice takes four passes over the whole weight; this one takes one.
pub fn window<B: Backend, const D: usize>(weight: Tensor<B, D>, ranges: [Range<usize>; D]) -> Tensor<B, D> {
    let shape = weight.dims();
    if ranges.iter().zip(shape).all(|(range, size)| *range == (0..size)) {
        return weight;
    }
    let view = |weight: &FlexTensor| {
        let narrow = |view: FlexTensor, (dimension, range): (usize, &Range<usize>)| {
            view.narrow(dimension, range.start, range.len())
        };
        contiguous(&ranges.iter().enumerate().fold(weight.clone(), narrow))
    };
    match Primitive::of(weight) {
        Primitive::Plain(weight) => Primitive::Plain(view(&weight)).into_tensor(),
        Primitive::Tracked(weight) => {
            let output = view(&weight.primitive);
            Primitive::Tracked(on_tape(Window, [weight], (shape.to_vec(), ranges.to_vec()), output)).into_tensor()
        }
        other @ Primitive::Other(_) => other.into_tensor::<D>().slice(ranges),
    }
}

#[derive(Debug)]
struct Window;

impl Backward<Flex, 1> for Window {
    /// Shape of the whole, and the part that was taken.
    type State = (Vec<usize>, Vec<Range<usize>>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (shape, mut ranges) = ops.state;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        let [node] = ops.parents;
        let Some(node) = node else { return };
        // As a weight of four dimensions, with leading ones of size 1.
        let mut sizes = shape.clone();
        while sizes.len() < 4 {
            sizes.insert(0, 1);
            ranges.insert(0, 0..1);
        }
        let [firsts, seconds, rows, columns] = <[_; 4]>::try_from(ranges).expect("at most four dimensions");
        let mut values = vec![0.0; shape.iter().product()];
        let mut source = values_of(&gradient).chunks_exact(columns.len());
        for first in firsts {
            for second in seconds.clone() {
                for row in rows.clone() {
                    let start = ((first * sizes[1] + second) * sizes[2] + row) * sizes[3] + columns.start;
                    let source = source.next().expect("as many rows as were taken");
                    values[start..start + columns.len()].copy_from_slice(source);
                }
            }
        }
        gradients.register::<Flex>(node.id, FlexTensor::from_data(TensorData::new(values, shape)));
    }
}

/// A matrix as the weight of a 1x1 convolution: `[outputs, inputs]` to `[outputs, inputs, 1, 1]`.
pub(crate) fn as_kernel<B: Backend>(matrix: Tensor<B, 2>) -> Tensor<B, 4> {
    let [outputs, inputs] = matrix.dims();
    let shaped = |matrix: &FlexTensor| contiguous(matrix).reshape([outputs, inputs, 1, 1].into());
    match Primitive::of(matrix) {
        Primitive::Plain(matrix) => Primitive::Plain(shaped(&matrix)).into_tensor(),
        Primitive::Tracked(matrix) => {
            let output = shaped(&matrix.primitive);
            Primitive::Tracked(on_tape(AsKernel, [matrix], [outputs, inputs], output)).into_tensor()
        }
        other @ Primitive::Other(_) => other.into_tensor::<2>().unsqueeze_dims(&[2, 3]),
    }
}

#[derive(Debug)]
struct AsKernel;

impl Backward<Flex, 1> for AsKernel {
    /// Shape of the matrix.
    type State = [usize; 2];

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let gradient = contiguous(&gradients.consume::<Flex>(&ops.node));
        if let Some(node) = node {
            gradients.register::<Flex>(node.id, gradient.reshape(ops.state.into()));
        }
    }
}

/// Sum of two tensors of one shape `[batch, channels, height, width]`, views or not.
pub fn add<B: Backend>(left: Tensor<B, 4>, right: Tensor<B, 4>) -> Tensor<B, 4> {
    let output = match (Primitive::of(left), Primitive::of(right)) {
        (Primitive::Plain(left), Primitive::Plain(right)) => Primitive::Plain(sum(vec![left, right])),
        (Primitive::Tracked(left), Primitive::Tracked(right)) => {
            let output = sum(vec![left.primitive.clone(), right.primitive.clone()]);
            Primitive::Tracked(on_tape(Sum, [left, right], (), output))
        }
        (left, right) => return left.into_tensor::<4>() + right.into_tensor(),
    };
    output.into_tensor()
}

/// Sum of tensors of one shape, in their order.
fn sum(mut tensors: Vec<FlexTensor>) -> FlexTensor {
    if tensors.len() == 1 {
        return tensors.remove(0);
    }
    let (tensors, images) = joined(&tensors);
    let shape = shape_of(&tensors[0]);
    let [_, channels, height, width] = shape;
    let (pixels, arch) = (height * width, Arch::new());
    let terms: Vec<Planes<'_>> = tensors.iter().map(|tensor| Planes::of(std::slice::from_ref(tensor))).collect();
    let values = filled(shape.iter().product(), |values| {
        let planes = values.par_chunks_exact_mut(pixels).enumerate();
        planes.with_min_len(pieces_of_task(pixels)).for_each(|(index, target)| {
            let (image, channel) = (index / channels, index % channels);
            let mut terms = terms.iter().map(|term| term.channels[channel].plane(image, pixels));
            let [first, second] = [(); 2].map(|()| terms.next().expect("more than one tensor"));
            arch.dispatch(|| {
                for ((target, &first), &second) in target.iter_mut().zip(first).zip(second) {
                    *target = first + second;
                }
                for term in terms {
                    for (target, &term) in target.iter_mut().zip(term) {
                        *target += term;
                    }
                }
            });
        });
    });
    as_batch(tensor(values, shape), images)
}

#[derive(Debug)]
struct Sum;

impl Backward<Flex, 2> for Sum {
    type State = ();

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        // burn adds views value by value where a tensor has several gradients.
        let gradient = settled(&gradients.consume::<Flex>(&ops.node));
        for node in ops.parents.into_iter().flatten() {
            gradients.register::<Flex>(node.id, gradient.clone());
        }
    }
}
