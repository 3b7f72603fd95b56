//! Batches of small images, with the values of all images at a pixel side by side.
//!
//! A row of a small image is shorter than a vector, or not much longer. So kernels that go through one image after the
//! other spend their time between images. An interleaved batch lies as `[channels, height, width, batch]`. All images
//! together then are one image of `width * batch` columns, and a kernel's columns are `batch` columns apart. Operations
//! of this package keep the order. burn's operations read such a tensor like any other view, and copy it.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::prelude::*;
use burn_flex::{Flex, FlexTensor, Layout};

use crate::planes::planar;
use crate::primitive::{Primitive, contiguous, filled, shape_of, tensor, values};
use crate::recording::on_tape;

/// Largest number of columns of an image that is worth interleaving: wider ones fill vectors by themselves.
const MOST_COLUMNS: usize = 16;

/// The same images, interleaved if they are small and on burn-flex.
///
/// # Shapes
/// - `images`: `[batch, channels, height, width]`
/// - output: the same
pub fn interleave<B: Backend>(images: Tensor<B, 4>) -> Tensor<B, 4> {
    let [batch, _, _, width] = images.dims();
    if batch == 1 || width > MOST_COLUMNS {
        return images;
    }
    let interleaved = |images: &FlexTensor| as_batch(as_one_image(images, batch), batch);
    let output = match Primitive::of(images) {
        Primitive::Plain(images) => Primitive::Plain(interleaved(&images)),
        Primitive::Tracked(images) => {
            let output = interleaved(&images.primitive);
            Primitive::Tracked(on_tape(Interleave, [images], (), output))
        }
        other @ Primitive::Other(_) => other,
    };
    output.into_tensor()
}

#[derive(Debug)]
struct Interleave;

impl Backward<Flex, 1> for Interleave {
    type State = ();

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let Some(node) = node {
            gradients.register::<Flex>(node.id, contiguous(&gradient));
        }
    }
}

/// Whether a tensor is an interleaved batch, or some of its channels.
fn is_interleaved(tensor: &FlexTensor) -> bool {
    let [batch, _, height, width] = shape_of(tensor);
    batch > 1 && *tensor.layout().strides() == strides([batch, height, width])
}

/// Strides of an interleaved batch, for batch, channels, height and width.
fn strides([batch, height, width]: [usize; 3]) -> [isize; 4] {
    [1, height * width * batch, width * batch, batch].map(|stride| stride as isize)
}

/// Number of images that the kernels see as one: the batch if a tensor of an operation is interleaved, else 1.
pub(crate) fn images_in_one(tensors: &[FlexTensor]) -> usize {
    if tensors.iter().any(is_interleaved) { shape_of(&tensors[0])[0] } else { 1 }
}

/// An interleaved batch as one image `[1, channels, height, width * batch]`. Other batches are copied into that order. A
/// tensor stays as it is if `images` is 1.
pub(crate) fn as_one_image(tensor: &FlexTensor, images: usize) -> FlexTensor {
    if images == 1 {
        return tensor.clone();
    }
    let [batch, channels, height, width] = shape_of(tensor);
    assert_eq!(batch, images, "a batch of {batch} images beside one of {images}");
    let interleaved = if is_interleaved(tensor) { tensor.clone() } else { copied(tensor) };
    let [_, plane, row, _] = strides([batch, height, width]);
    let start = interleaved.layout().start_offset();
    let layout =
        Layout::new([1, channels, height, width * batch].into(), vec![plane * channels as isize, plane, row, 1], start);
    interleaved.with_layout(layout)
}

/// The inputs of an operation as its kernels read them: planar, and as one image if one of them is interleaved. Also the number of
/// images in one.
pub(crate) fn joined(inputs: &[FlexTensor]) -> (Vec<FlexTensor>, usize) {
    let images = images_in_one(inputs);
    (planar(inputs.iter().map(|input| as_one_image(input, images)).collect()), images)
}

/// The batch whose images [`as_one_image`] has joined.
pub(crate) fn as_batch(image: FlexTensor, images: usize) -> FlexTensor {
    if images == 1 {
        return image;
    }
    let [_, channels, height, columns] = shape_of(&image);
    let width = columns / images;
    let strides = strides([images, height, width]);
    let layout = Layout::new([images, channels, height, width].into(), strides.to_vec(), image.layout().start_offset());
    image.with_layout(layout)
}

/// The same tensor, with values that burn adds in one pass: an interleaved batch as it is, anything else contiguous.
pub(crate) fn settled(tensor: &FlexTensor) -> FlexTensor {
    if is_interleaved(tensor) { tensor.clone() } else { contiguous(tensor) }
}

/// A copy in the order of an interleaved batch.
fn copied(batch: &FlexTensor) -> FlexTensor {
    let shape @ [images, channels, height, width] = shape_of(batch);
    let batch = contiguous(batch);
    let (source, pixels) = (values(&batch), height * width);
    let copy = filled(source.len(), |copy| {
        for (channel, copy) in copy.chunks_exact_mut(pixels * images).enumerate() {
            for image in 0..images {
                let plane = &source[(image * channels + channel) * pixels..][..pixels];
                for (value, target) in plane.iter().zip(copy[image..].iter_mut().step_by(images)) {
                    *target = *value;
                }
            }
        }
    });
    let copy = tensor(copy, [channels, height, width, images]);
    let plane = strides([images, height, width]);
    copy.with_layout(Layout::new(shape.into(), plane.to_vec(), 0))
}
