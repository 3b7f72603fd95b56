//! Folding of several images into one wider image.
//!
//! A vector of 16 values reads two rows of an image of width 8, and with them the zeros between. Some of its lanes then
//! compute nothing useful. If the pixels of two images alternate, each row fills a vector. This is a convolution of a
//! wider image. Its columns are further apart by the number of images.

use pulp::Arch;
use rayon::prelude::*;

use super::geometry::{Geometry, Positions};
use super::plan::Vectors;
use crate::planes::Planes;
use crate::primitive::{filled, pieces_of_task};

/// Largest number of images folded into one.
const MOST: usize = 8;

/// The images of a batch, folded into wider ones by `count`. Images missing from the last one are zeros.
#[derive(Clone, Copy)]
pub struct Folding {
    count: usize,
    geometry: Geometry,
}

impl Folding {
    /// The folding for a convolution, if it saves at least an eighth of the vectors.
    pub fn of(geometry: Geometry) -> Option<Self> {
        let lanes = Vectors::of(Arch::new()).lanes;
        let count = (1..=MOST).find(|count| (count * geometry.width).is_multiple_of(lanes))?;
        if count == 1 || count > geometry.batch {
            return None;
        }
        let folding = Self { count, geometry };
        let vectors = |geometry: Geometry| geometry.batch * Positions::new(geometry, lanes).padded.len();
        (vectors(folding.folded()) * 8 <= vectors(geometry) * 7).then_some(folding)
    }

    /// The convolution of the folded images.
    pub fn folded(self) -> Geometry {
        self.geometry.joined(self.count)
    }

    /// Folds images to `[folded images, channels, height, width * count]`.
    pub fn fold(self, planes: &Planes<'_>) -> Vec<f32> {
        let (pixels, count, batch) = (self.geometry.pixels(), self.count, self.geometry.batch);
        let (channels, arch, zeros) = (planes.channels.len(), Arch::new(), vec![0.0; pixels]);
        let size = pixels * count;
        filled(self.folded().batch * channels * size, |folded| {
            let folded = folded.par_chunks_exact_mut(size).enumerate();
            folded.with_min_len(pieces_of_task(size)).for_each(|(index, folded)| {
                let (first, channel) = (index / channels * count, planes.channels[index % channels]);
                let plane = |image: usize| {
                    if image < batch { channel.plane(image, pixels) } else { &zeros }
                };
                arch.dispatch(|| {
                    for image in 0..count {
                        let targets = folded[image..].iter_mut().step_by(count);
                        for (target, &value) in targets.zip(plane(first + image)) {
                            *target = value;
                        }
                    }
                });
            });
        })
    }

    /// The images before [`Folding::fold`]: `[batch, channels, height, width]`.
    pub fn unfold(self, folded: &[f32]) -> Vec<f32> {
        let (pixels, count, arch) = (self.geometry.pixels(), self.count, Arch::new());
        let channels = folded.len() / (self.folded().batch * count * pixels);
        filled(self.geometry.batch * channels * pixels, |images| {
            let images = images.par_chunks_mut(count * channels * pixels);
            let work = images.zip(folded.par_chunks_exact(count * channels * pixels));
            let least = pieces_of_task(count * channels * pixels);
            work.with_min_len(least).for_each(|(images, folded)| {
                for (index, target) in images.chunks_exact_mut(pixels).enumerate() {
                    let (image, channel) = (index / channels, index % channels);
                    let source = &folded[channel * count * pixels..][..count * pixels];
                    arch.dispatch(|| {
                        for (target, &value) in target.iter_mut().zip(source[image..].iter().step_by(count)) {
                            *target = value;
                        }
                    });
                }
            });
        })
    }
}
