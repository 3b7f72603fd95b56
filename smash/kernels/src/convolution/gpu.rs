//! Convolution on GPUs, for every runtime of CubeCL.
//!
//! burn's own convolutions on a GPU sum in the number format of their operands. They compute the gradient of a weight
//! as a convolution whose kernel is a whole map, and they may round operands to fewer bits if that is faster. The
//! kernels here sum in float32, and their cost grows with the number of multiply-adds alone.

use std::any::{Any, TypeId};

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{DType, Tensor, TensorPrimitive};
use burn_cubecl::CubeRuntime;
use burn_cubecl::cubecl::{CubeCount, CubeDim, calculate_cube_count_elemwise};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::geometry::Geometry;
use kernels::{LANES, SizesLaunch, UNITS};

mod kernels;

/// Terms of a weight's gradient that one unit adds before others take over. More units then share the work of a
/// convolution with few weights.
const TERMS: usize = 64;
/// Most slices of the batch for a weight's gradient. Each needs room for all weights.
const MOST_SLICES: usize = 32;

/// Whether tensors of backend `B` are on a GPU for which these kernels are built.
pub fn has<B: Backend>() -> bool {
    conv_on::<B>().is_some()
}

/// A convolution by our kernels, with factors of bfloat16 or of float32.
///
/// # Panics
/// If the tensors are not on a GPU for which the kernels are built.
pub fn conv<B: Backend>(
    input: Tensor<B, 4>,
    weight: Tensor<B, 4>,
    geometry: Geometry,
    in_bfloat16: bool,
) -> Tensor<B, 4> {
    let conv = Conv { geometry, in_bfloat16 };
    let on = conv_on::<B>().expect("a GPU that this build knows");
    let operands = [input, weight].map(|tensor| tensor.into_primitive().tensor());
    Tensor::from_primitive(TensorPrimitive::Float(on(conv, operands)))
}

/// Does a convolution of input and weight on one backend.
type ConvOn<B> = fn(Conv, [FloatTensor<B>; 2]) -> FloatTensor<B>;

/// The convolution on backend `B`, if that is a GPU's, with or without automatic differentiation. A trait bound would have
/// to stand in every signature from here to the command line.
fn conv_on<B: Backend>() -> Option<ConvOn<B>> {
    fn of<B: Backend, G: Backend<FloatTensorPrimitive = CubeTensor<R>>, R: CubeRuntime>() -> Option<ConvOn<B>> {
        let this = TypeId::of::<FloatTensor<B>>();
        if this == TypeId::of::<FloatTensor<G>>() {
            return Some(|conv, operands| exchange(conv.plain::<R>(exchange(operands))));
        }
        let is_tracked = this == TypeId::of::<FloatTensor<Autodiff<G>>>();
        is_tracked.then_some(|conv, operands| exchange(conv.tracked::<R, G>(exchange(operands))))
    }
    let on = None;
    #[cfg(feature = "cuda")]
    let on = on.or_else(of::<B, burn_cuda::Cuda, _>);
    #[cfg(feature = "wgpu")]
    let on = on.or_else(of::<B, burn_wgpu::Wgpu, _>);
    on
}

/// The same value under another name of its type.
fn exchange<From: 'static, To: 'static>(value: From) -> To {
    let value: Box<dyn Any> = Box::new(value);
    *value.downcast().expect("two names of one type")
}

/// The kernels read float32, which the type of a tensor on a GPU does not say.
fn assert_float32(operands: &[DType]) {
    assert!(operands.iter().all(|operand| *operand == DType::F32), "operands of {operands:?}, expected float32");
}

/// One convolution. On the gradient tape its parents are input and weight.
#[derive(Clone, Copy, Debug)]
struct Conv {
    geometry: Geometry,
    /// Factors of products are rounded to bfloat16. Sums are of float32 either way.
    in_bfloat16: bool,
}

impl Conv {
    fn plain<R: CubeRuntime>(self, operands: [CubeTensor<R>; 2]) -> CubeTensor<R> {
        assert_float32(&operands.each_ref().map(|tensor| tensor.dtype));
        let [input, weight] = operands.map(into_contiguous);
        self.correlate(&input, &weight, None)
    }

    fn tracked<R: CubeRuntime, G: Backend<FloatTensorPrimitive = CubeTensor<R>>>(
        self,
        operands: [FloatTensor<Autodiff<G>>; 2],
    ) -> FloatTensor<Autodiff<G>> {
        assert_float32(&operands.each_ref().map(|tensor| tensor.primitive.dtype));
        let state = operands.each_ref().map(|tensor| into_contiguous(tensor.primitive.clone()));
        let output = self.correlate(&state[0], &state[1], None);
        let nodes = operands.map(|tensor| tensor.node);
        match Backward::<G, 2>::prepare::<NoCheckpointing>(self, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    /// The convolution of an input, or the gradient of the input `before` by the gradient of its output.
    fn correlate<R: CubeRuntime>(
        self,
        input: &CubeTensor<R>,
        weight: &CubeTensor<R>,
        before: Option<&CubeTensor<R>>,
    ) -> CubeTensor<R> {
        let geometry = if before.is_some() { self.geometry.transposed() } else { self.geometry };
        let blocks = geometry.outputs.div_ceil(LANES);
        let packed = empty(input, [geometry.groups, geometry.taps(), blocks * LANES]);
        let count = packed.meta.num_elements();
        launch(input, count, |count_of_cubes, cube| {
            // SAFETY: a unit beyond `count` ends at once, and the other units index within the tensors.
            #[allow(unsafe_code)]
            unsafe {
                kernels::pack::launch_unchecked(
                    &input.client,
                    count_of_cubes,
                    cube,
                    weight.clone().into_array_arg(),
                    packed.clone().into_array_arg(),
                    sizes(geometry),
                    count,
                    before.is_some(),
                    self.in_bfloat16,
                    LANES,
                );
            }
        });
        let output = empty(input, geometry.output_shape());
        let count = geometry.batch * geometry.groups * blocks * geometry.pixels();
        launch(input, count, |count_of_cubes, cube| {
            // SAFETY: as above. `before` is as large as the output where it is read.
            #[allow(unsafe_code)]
            unsafe {
                kernels::correlate::launch_unchecked(
                    &input.client,
                    count_of_cubes,
                    cube,
                    LANES,
                    input.clone().into_array_arg(),
                    packed.clone().into_array_arg(),
                    before.unwrap_or(input).clone().into_array_arg(),
                    output.clone().into_array_arg(),
                    sizes(geometry),
                    geometry.slope,
                    self.geometry.slope,
                    count,
                    before.is_some(),
                    self.in_bfloat16,
                );
            }
        });
        output
    }

    fn weight_gradient<R: CubeRuntime>(self, input: &CubeTensor<R>, gradient: &CubeTensor<R>) -> CubeTensor<R> {
        let geometry = self.geometry;
        let terms = geometry.batch * geometry.pixels();
        let slice = terms.div_ceil((terms / (UNITS * TERMS)).clamp(1, MOST_SLICES));
        let slices = terms.div_ceil(slice);
        let tiles = geometry.outputs.div_ceil(LANES) * geometry.inputs.div_ceil(LANES);
        let cubes = slices * geometry.groups * tiles * geometry.window();
        let weights = geometry.weight_shape().iter().product::<usize>();
        let parts = empty(input, [slices, weights]);
        let cube = CubeDim::new_1d(UNITS as u32);
        let count_of_cubes = calculate_cube_count_elemwise(&input.client, cubes * UNITS, cube);
        // SAFETY: cubes beyond the last slice end at once, and the other units index within the tensors.
        #[allow(unsafe_code)]
        unsafe {
            kernels::weight_gradient::launch_unchecked(
                &input.client,
                count_of_cubes,
                cube,
                input.clone().into_array_arg(),
                gradient.clone().into_array_arg(),
                parts.clone().into_array_arg(),
                sizes(geometry),
                geometry.slope,
                slice,
                self.in_bfloat16,
                LANES,
                UNITS,
            );
        }
        let sums = empty(input, geometry.weight_shape());
        launch(input, weights, |count_of_cubes, cube| {
            // SAFETY: a unit beyond `weights` ends at once.
            #[allow(unsafe_code)]
            unsafe {
                kernels::add::launch_unchecked(
                    &input.client,
                    count_of_cubes,
                    cube,
                    parts.clone().into_array_arg(),
                    sums.clone().into_array_arg(),
                    slices,
                    weights,
                );
            }
        });
        sums
    }
}

impl<R: CubeRuntime, G: Backend<FloatTensorPrimitive = CubeTensor<R>>> Backward<G, 2> for Conv {
    /// Input and weight.
    type State = [CubeTensor<R>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [input, weight] = ops.state;
        let [input_node, weight_node] = ops.parents;
        let gradient = into_contiguous(gradients.consume::<G>(&ops.node));
        if let Some(node) = input_node {
            gradients.register::<G>(node.id, self.correlate(&gradient, &weight, Some(&input)));
        }
        if let Some(node) = weight_node {
            gradients.register::<G>(node.id, self.weight_gradient(&input, &gradient));
        }
    }
}

/// An uninitialised tensor on the device of another one.
fn empty<R: CubeRuntime, const D: usize>(like: &CubeTensor<R>, shape: [usize; D]) -> CubeTensor<R> {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape.into(), DType::F32)
}

/// Starts a kernel with at least `units` units.
fn launch<R: CubeRuntime>(tensor: &CubeTensor<R>, units: usize, start: impl FnOnce(CubeCount, CubeDim)) {
    let cube = CubeDim::new(&tensor.client, units);
    start(calculate_cube_count_elemwise(&tensor.client, units, cube), cube);
}

fn sizes<R: CubeRuntime>(geometry: Geometry) -> SizesLaunch<R> {
    let Geometry { batch, groups, inputs, outputs, height, width, kernel, dilation, .. } = geometry;
    SizesLaunch::new(batch, groups, inputs, outputs, height, width, kernel[0], kernel[1], dilation[0], dilation[1])
}
