//! The tensors behind burn's, by backend, and code that our operations on burn-flex share.

use std::any::Any;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use burn::backend::Autodiff;
use burn::prelude::*;
use burn::tensor::TensorPrimitive;
use burn::tensor::ops::FloatTensor;
use burn_flex::{Flex, FlexTensor};

/// Smallest number of values in a task: another thread takes about as long to wake up.
const VALUES_OF_TASK: usize = 128 * 1024;

/// A tensor of burn-flex on the gradient tape.
pub(crate) type Tracked = FloatTensor<Autodiff<Flex>>;

/// A float tensor whose backend is determined at run time. A trait bound would have to stand in every signature from
/// here to the command line.
pub enum Primitive<B: Backend> {
    /// A tensor of burn-flex.
    Plain(FlexTensor),
    /// A tensor of burn-flex on the gradient tape.
    Tracked(Tracked),
    /// A tensor of any other backend.
    Other(FloatTensor<B>),
}

impl<B: Backend> Primitive<B> {
    /// Finds out the backend of a tensor.
    pub fn of<const D: usize>(tensor: Tensor<B, D>) -> Self {
        let primitive: Box<dyn Any> = Box::new(primitive_of(tensor));
        let primitive = match primitive.downcast() {
            Ok(plain) => return Self::Plain(*plain),
            Err(other) => other,
        };
        match primitive.downcast() {
            Ok(tracked) => Self::Tracked(*tracked),
            Err(other) => Self::Other(*other.downcast().expect("a tensor of its backend")),
        }
    }

    /// The tensor itself.
    ///
    /// # Panics
    /// If it is not of backend `B`.
    pub fn into_tensor<const D: usize>(self) -> Tensor<B, D> {
        let primitive: Box<dyn Any> = match self {
            Self::Plain(plain) => Box::new(plain),
            Self::Tracked(tracked) => Box::new(tracked),
            Self::Other(other) => Box::new(other),
        };
        tensor_of(*primitive.downcast().expect("a tensor of its backend"))
    }
}

/// The tensors of one operation, by their backend.
pub(crate) enum Primitives<B: Backend> {
    /// Tensors of burn-flex.
    Plain(Vec<FlexTensor>),
    /// Tensors of burn-flex on the gradient tape.
    Tracked(Vec<Tracked>),
    /// Tensors of any other backend.
    Other(Vec<FloatTensor<B>>),
}

impl<B: Backend> Primitives<B> {
    /// Finds out the backend of some tensors.
    pub fn of(tensors: Vec<FloatTensor<B>>) -> Self {
        let tensors: Box<dyn Any> = Box::new(tensors);
        let tensors = match tensors.downcast() {
            Ok(plain) => return Self::Plain(*plain),
            Err(other) => other,
        };
        match tensors.downcast() {
            Ok(tracked) => Self::Tracked(*tracked),
            Err(other) => Self::Other(*other.downcast().expect("tensors of their backend")),
        }
    }
}

/// The float tensor behind one of burn's.
pub(crate) fn primitive_of<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

/// The tensor of burn's with a float tensor behind it.
pub(crate) fn tensor_of<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

/// `[batch, channels, height, width]`
pub fn shape_of(tensor: &FlexTensor) -> [usize; 4] {
    let shape = tensor.layout().shape();
    [0, 1, 2, 3].map(|dimension| shape[dimension])
}

/// The values of a contiguous tensor in row-major order.
pub fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("made contiguous")
}

/// A tensor of burn-flex from values in row-major order.
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Fills room that is not written yet, where debug assertions are on. No operation makes a NaN of these bits.
const UNWRITTEN: u32 = 0xffa5_a5a5;

/// A vector of `count` values. `write` must write all of them, and must read none before it is written. Clearing them
/// first would take as long as many an operation itself.
///
/// # Panics
/// With debug assertions, if a value was not written.
pub fn filled(count: usize, write: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut values = Vec::new();
    refill(&mut values, count, write);
    values
}

/// As [`filled`], in the room of a vector whose values are no longer needed.
#[allow(unsafe_code)]
pub fn refill(values: &mut Vec<f32>, count: usize, write: impl FnOnce(&mut [f32])) {
    values.clear();
    if values.capacity() < count {
        *values = Vec::with_capacity(count);
    }
    if cfg!(debug_assertions) {
        values.resize(count, f32::from_bits(UNWRITTEN));
    }
    // SAFETY: the room is as large as the slice. `write` reads no value before it is written, and writes all of them before
    // the length is set; tests run it with the check below. The contract of `from_raw_parts_mut` asks for initialised values
    // all the same. A slice of `MaybeUninit` would keep to it, but the kernels share code with slices that are written twice.
    unsafe {
        write(std::slice::from_raw_parts_mut(values.as_mut_ptr(), count));
        values.set_len(count);
    }
    debug_assert!(values.iter().all(|value| value.to_bits() != UNWRITTEN), "some of {count} values were not written");
}

/// Most rooms that a thread keeps.
const MOST_ROOMS: usize = 4;

thread_local! {
    static ROOMS: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Room for values that an operation needs until its end. It starts empty. The next operation of the thread gets the same
/// memory while it is still in a near cache.
#[derive(Debug)]
pub struct Scratch(Vec<f32>);

impl Scratch {
    pub fn new() -> Self {
        Self(ROOMS.with_borrow_mut(Vec::pop).unwrap_or_default())
    }
}

impl Deref for Scratch {
    type Target = Vec<f32>;

    fn deref(&self) -> &Vec<f32> {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Vec<f32> {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut room = std::mem::take(&mut self.0);
        room.clear();
        // A thread that ends keeps nothing.
        let _ = ROOMS.try_with(|rooms| {
            let mut rooms = rooms.borrow_mut();
            if rooms.len() < MOST_ROOMS {
                rooms.push(room);
            }
        });
    }
}

/// Number of pieces of work, each of `values` values, that make a task worth another thread.
pub fn pieces_of_task(values: usize) -> usize {
    VALUES_OF_TASK.div_ceil(values)
}

/// The same tensor, with its values contiguous in row-major order.
///
/// A slice or a transposed tensor is a view in burn-flex. If a view has more than two strides, burn copies it value by
/// value. This function copies runs of equally spaced values at once.
pub fn contiguous(view: &FlexTensor) -> FlexTensor {
    let (shape, strides) = (view.layout().shape(), view.layout().strides());
    if view.is_contiguous() || strides.iter().any(|&stride| stride < 0) {
        return view.to_contiguous();
    }
    // The innermost dimensions that together have one stride.
    let mut outer = shape.num_dims() - 1;
    let (stride, mut run) = (strides[outer] as usize, shape[outer]);
    while outer > 0 && strides[outer - 1] as usize == run * stride {
        outer -= 1;
        run *= shape[outer];
    }
    let source: &[f32] = view.storage();
    let mut copy = Vec::with_capacity(shape.num_elements());
    let mut index = vec![0; outer];
    for _ in 0..shape.num_elements() / run {
        let steps = index.iter().zip(strides).map(|(&index, &stride)| index * stride as usize);
        let start = view.layout().start_offset() + steps.sum::<usize>();
        match stride {
            1 => copy.extend_from_slice(&source[start..start + run]),
            _ => copy.extend((0..run).map(|position| source[start + position * stride])),
        }
        for dimension in (0..outer).rev() {
            index[dimension] += 1;
            if index[dimension] < shape[dimension] {
                break;
            }
            index[dimension] = 0;
        }
    }
    FlexTensor::from_data(TensorData::new(copy, shape.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::FlexDevice;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_contiguous_copy_has_the_values_of_the_view(
            sizes in prop::array::uniform4(1_usize..5),
            before in prop::array::uniform4(0_usize..2),
            after in prop::array::uniform4(0_usize..2),
            transposed in any::<bool>(),
        ) {
            let shape: [_; 4] = std::array::from_fn(|i| before[i] + sizes[i] + after[i]);
            let ranges: [_; 4] = std::array::from_fn(|i| before[i]..before[i] + sizes[i]);
            let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|value| value as f32).collect();
            let whole: Tensor<Flex, 4> = Tensor::from_data(TensorData::new(values, shape), &FlexDevice);
            let view = whole.slice(ranges);
            let view = if transposed { view.swap_dims(1, 3) } else { view };
            let Primitive::<Flex>::Plain(primitive) = Primitive::of(view.clone()) else { unreachable!() };
            let copy = contiguous(&primitive);
            prop_assert!(copy.is_contiguous());
            prop_assert_eq!(copy.into_data(), view.into_data());
        }
    }
}
