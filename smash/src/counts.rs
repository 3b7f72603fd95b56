//! What a resulting network of an architecture has and costs, counted without building it.

use crate::architecture::Architecture;
use crate::blueprint::Blueprint;
use crate::space::SearchSpace;

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
    /// 2 if the stem keeps every second pixel only, for large images; else 1.
    #[serde(default = "one")]
    pub stem_stride: usize,
}

fn one() -> usize {
    1
}

impl Task {
    /// Images of the size that the networks were made for.
    pub const fn of_images(image_channels: usize, image_size: usize, classes: usize) -> Self {
        Self {
            image_channels,
            image_size,
            classes,
            image_depth: 1,
            stem_stride: 1,
        }
    }
}

/// Size and cost of the resulting network of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Learned parameters: convolutions, BatchNorm scales and shifts, output layer.
    pub parameters: u64,
    /// Multiply-adds of all convolutions and the output layer, for one image.
    pub multiply_adds: u64,
    /// Convolutions on the longest path from image to output, the output layer included.
    pub depth: u32,
}

/// Kernel size of the stem convolution.
pub const STEM_KERNEL: usize = 7;

impl Counts {
    /// Counts the resulting network of `architecture`, all of whose weights are free.
    pub fn of(space: &SearchSpace, task: Task, architecture: &Architecture) -> Self {
        Blueprint::of(space, task, architecture).counts()
    }
}
