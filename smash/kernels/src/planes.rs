//! Channels that lie in one tensor, or side by side in several.
//!
//! Convolution and normalisation read them in place on the CPU. So memory banks and the features of a dense block need
//! not be copied together first.

use std::ops::Range;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use crate::primitive::{contiguous, shape_of, tensor};

/// Largest number of inputs of one operation that are read in place. More inputs are concatenated first.
pub const MOST_INPUTS: usize = 32;

/// Planes `[height, width]` of some images, by channel.
pub struct Planes<'a> {
    pub channels: Vec<Channel<'a>>,
}

/// The planes of one channel.
#[derive(Clone, Copy)]
pub struct Channel<'a> {
    /// Values from the plane of the first image on.
    values: &'a [f32],
    /// Distance between two images.
    image: usize,
}

impl<'a> Channel<'a> {
    pub fn plane(self, image: usize, pixels: usize) -> &'a [f32] {
        &self.values[image * self.image..][..pixels]
    }
}

impl<'a> Planes<'a> {
    /// The channels of [`planar`] tensors `[batch, channels, height, width]`, one tensor after the other.
    pub fn of(tensors: &'a [FlexTensor]) -> Self {
        let channels = tensors.iter().flat_map(|tensor| {
            let layout = tensor.layout();
            let values: &[f32] = &tensor.storage()[layout.start_offset()..];
            let [image, channel] = [0, 1].map(|dimension| layout.strides()[dimension] as usize);
            let channels = 0..layout.shape()[1];
            channels.map(move |index| Channel { values: &values[index * channel..], image })
        });
        Self { channels: channels.collect() }
    }

    /// The channels of values `[batch, channels, height, width]`.
    pub fn contiguous(values: &'a [f32], channels: usize, pixels: usize) -> Self {
        let channel = |index: usize| Channel { values: &values[index * pixels..], image: channels * pixels };
        Self { channels: (0..channels).map(channel).collect() }
    }

    /// The planes of some images in order.
    pub fn of_images(&self, images: Range<usize>, pixels: usize) -> impl Iterator<Item = &'a [f32]> {
        images.flat_map(move |image| self.channels.iter().map(move |channel| channel.plane(image, pixels)))
    }
}

/// The same tensors, with the values of each plane contiguous.
pub fn planar(tensors: Vec<FlexTensor>) -> Vec<FlexTensor> {
    let planar = |tensor: FlexTensor| {
        let (strides, width) = (tensor.layout().strides(), tensor.layout().shape()[3]);
        let is_planar = strides[2..] == [width as isize, 1] && strides.iter().all(|&stride| stride >= 0);
        if is_planar { tensor } else { contiguous(&tensor) }
    };
    tensors.into_iter().map(planar).collect()
}

/// Cuts values `[batch, channels, height, width]` into parts of these shapes, which differ in their channels. For a single
/// image the parts are views.
pub fn split(values: Vec<f32>, shapes: &[[usize; 4]]) -> Vec<FlexTensor> {
    if let [shape] = *shapes {
        return vec![tensor(values, shape)];
    }
    let [batch, _, height, width] = shapes[0];
    let (pixels, image) = (height * width, values.len() / batch);
    if batch == 1 {
        let whole = tensor(values, [1, image / pixels, height, width]);
        let mut first = 0;
        let parts = shapes.iter().map(|&[_, channels, ..]| {
            first += channels;
            whole.narrow(1, first - channels, channels)
        });
        return parts.collect();
    }
    let part = |index: usize| {
        let shape = shapes[index];
        let first = shapes[..index].iter().map(|[_, channels, ..]| channels).sum::<usize>() * pixels;
        let mut part = Vec::with_capacity(shape.iter().product());
        for image in values.chunks_exact(image) {
            part.extend_from_slice(&image[first..][..shape[1] * pixels]);
        }
        tensor(part, shape)
    };
    (0..shapes.len()).into_par_iter().map(part).collect()
}

/// The shape of each tensor.
pub fn shapes(tensors: &[FlexTensor]) -> Vec<[usize; 4]> {
    tensors.iter().map(shape_of).collect()
}

/// Calls a function with an array of the given tensors: up to [`MOST_INPUTS`] and two parameters.
macro_rules! by_count {
    ($function:ident, $tensors:expr, $state:expr) => {
        by_count!($function, $tensors, $state; 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34)
    };
    ($function:ident, $tensors:expr, $state:expr; $($count:literal)*) => {
        match $tensors.len() {
            $($count => {
                let Ok(tensors) = <[_; $count]>::try_from($tensors) else {
                    unreachable!("as many tensors as counted");
                };
                $function(tensors, $state)
            })*
            count => unreachable!("{count} tensors with at most {} inputs", $crate::planes::MOST_INPUTS),
        }
    };
}
pub(crate) use by_count;
