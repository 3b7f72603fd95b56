//! Images on the device.
//!
//! A set is normalised and copied to the device once, and batches are cut from it there. Only places of images, crops
//! and flips come from the host.

use burn::prelude::*;
use datasets::{ImageSet, Normalisation, View};
use rand_chacha::ChaCha8Rng;

/// A set of images on the device, with a black border to crop from.
#[derive(Debug)]
pub struct DeviceImages<B: Backend> {
    /// Normalised images, `[images, channels, height + 2 border, width + 2 border]`. Each slice of a volume is a
    /// channel.
    pixels: Tensor<B, 4>,
    /// Classes, `[images]`.
    labels: Tensor<B, 1, Int>,
    border: usize,
}

impl<B: Backend> DeviceImages<B> {
    /// Copies a set to the device.
    pub fn new(set: &ImageSet, normalisation: &Normalisation, device: &B::Device) -> Self {
        let border = set.border();
        let channels = set.channels * set.depth;
        let shape = [set.len(), channels, set.height + 2 * border, set.width + 2 * border];
        let pixels = TensorData::new(set.normalised(normalisation), shape);
        let labels: Vec<i32> = set.labels.iter().map(|&label| i32::from(label)).collect();
        Self { pixels: Tensor::from_data(pixels, device), labels: Tensor::from_data(labels.as_slice(), device), border }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.dims()[0]
    }

    /// Whether the set has no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A random view for each of some images.
    pub fn random_views(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<View> {
        (0..count).map(|_| View::random(self.border, rng)).collect()
    }

    /// The images at some places, `[batch, channels, height, width]`, and their classes `[batch, 1]`. Each image appears
    /// as its view shows it, or unchanged if there are no views.
    ///
    /// # Panics
    /// If there are views, but not one for each image.
    pub fn batch(&self, indices: &[usize], views: Option<&[View]>) -> (Tensor<B, 4>, Tensor<B, 2, Int>) {
        let [_, channels, height, width] = self.pixels.dims();
        let (batch, border, device) = (indices.len(), self.border, self.pixels.device());
        let [height, width] = [height, width].map(|size| size - 2 * border);
        let places = |places: Vec<i32>, shape| Tensor::<B, 4, Int>::from_data(TensorData::new(places, shape), &device);
        let indices = TensorData::new(indices.iter().map(|&index| index as i32).collect(), [batch]);
        let chosen = Tensor::<B, 1, Int>::from_data(indices, &device);
        let labels = self.labels.clone().select(0, chosen.clone()).reshape([batch, 1]);
        let padded = self.pixels.clone().select(0, chosen);
        let images = match views {
            None => padded.narrow(2, border, height).narrow(3, border, width),
            Some(views) => {
                assert_eq!(views.len(), batch, "views of a batch");
                let rows = views.iter().flat_map(|view| view.rows(height)).map(|row| row as i32).collect();
                let columns = views.iter().flat_map(|view| view.columns(width)).map(|column| column as i32).collect();
                let rows = places(rows, [batch, 1, height, 1]).expand([batch, channels, height, width + 2 * border]);
                let columns = places(columns, [batch, 1, 1, width]).expand([batch, channels, height, width]);
                padded.gather(2, rows).gather(3, columns)
            }
        };
        (images, labels)
    }
}
