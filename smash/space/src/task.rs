//! The data that a network is built for: sizes of images, and classes.

use crate::space::BLOCKS;

/// Data that a network is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Task {
    /// Channels of an image.
    pub image_channels: usize,
    /// Height and width of an image in pixels.
    pub image_size: usize,
    /// Number of classes.
    pub classes: usize,
    /// Slices of a volume; 1 for images.
    #[serde(default = "one")]
    pub image_depth: usize,
    /// 2 if the stem keeps only every second pixel, for large images; else 1.
    #[serde(default = "one")]
    pub stem_stride: usize,
}

fn one() -> usize {
    1
}

impl Task {
    /// Height and width of the smallest images that a network can read: it halves them between its blocks.
    pub const fn smallest_image(self) -> usize {
        self.stem_stride << (BLOCKS - 1)
    }

    /// CIFAR-100, which the paper's networks are made for.
    pub const CIFAR_100: Self = Self::of_images(3, 32, 100);

    /// Images of the size that the networks were made for.
    pub const fn of_images(image_channels: usize, image_size: usize, classes: usize) -> Self {
        Self { image_channels, image_size, classes, image_depth: 1, stem_stride: 1 }
    }
}
