//! Normalisation of images and volumes.

use crate::ImageSet;

impl ImageSet {
    /// Width of the border from which augmentation crops: `height / 8` pixels (4 at 32).
    pub fn border(&self) -> usize {
        self.height / 8
    }

    /// All images normalised, each with a [border](Self::border) around it:
    /// `[images, channels * depth, height + 2 border, width + 2 border]`. Each slice of a volume is a plane of its own.
    /// Panics if the normalisation is for another number of channels.
    ///
    /// The border is black in the bytes, so its normalised value is `-mean / std` and not 0.
    pub fn normalised(&self, normalisation: &Normalisation) -> Vec<f32> {
        let tables = normalisation.tables();
        assert_eq!(tables.len(), self.channels, "{}: channels of the normalisation", self.name);
        let border = self.border();
        let width = self.width + 2 * border;
        let plane_size = (self.height + 2 * border) * width;
        let mut values = Vec::with_capacity(self.len() * self.channels * self.depth * plane_size);
        let planes = self.images.chunks_exact(self.height * self.width);
        for (i, plane) in planes.enumerate() {
            let table = &tables[i / self.depth % self.channels];
            let start = values.len();
            values.resize(start + plane_size, table[0]);
            let inner = values[start + border * width..].chunks_exact_mut(width);
            for (pixels, row) in plane.chunks_exact(self.width).zip(inner) {
                for (&pixel, value) in pixels.iter().zip(&mut row[border..]) {
                    *value = table[usize::from(pixel)];
                }
            }
        }
        values
    }
}

/// Mean and standard deviation of each channel of `pixel / 255`. A normalised pixel is `(pixel / 255 - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    /// Mean of each channel, `[channels]`.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, `[channels]`.
    pub std: Vec<f32>,
}

impl Normalisation {
    /// The constants published for the CIFAR-10 training set at its full size.
    pub fn cifar10() -> Normalisation {
        Normalisation {
            mean: vec![0.491_399_68, 0.482_158_27, 0.446_531_24],
            std: vec![0.247_032_33, 0.243_485_05, 0.261_587_68],
        }
    }

    /// The constants published for the CIFAR-100 training set at its full size.
    pub fn cifar100() -> Normalisation {
        Normalisation {
            mean: vec![0.507_075_2, 0.486_548_87, 0.440_917_85],
            std: vec![0.267_334_28, 0.256_438_46, 0.276_150_5],
        }
    }

    /// The constants published for the STL-10 training set at its full size, with the four digits of the publication.
    pub fn stl10() -> Normalisation {
        Normalisation { mean: vec![0.4467, 0.4398, 0.4066], std: vec![0.2603, 0.2566, 0.2713] }
    }

    /// The constants published for the ImageNet32x32 training set, with the four digits of the publication.
    pub fn imagenet32() -> Normalisation {
        Normalisation { mean: vec![0.4811, 0.4575, 0.4079], std: vec![0.2604, 0.2532, 0.2682] }
    }

    /// Constants for voxels of 0 (empty) and 255 (full). Empty becomes -1 and full becomes 5, as in the paper's
    /// networks on voxels. The few full voxels then weigh as much as the many empty ones.
    pub fn occupancy() -> Normalisation {
        Normalisation { mean: vec![1.0 / 6.0], std: vec![1.0 / 6.0] }
    }

    /// Measures a set, exactly in integers up to the last division. A channel with a single value gets the standard
    /// deviation 1, so that it becomes 0. Panics on an empty set.
    pub fn of(set: &ImageSet) -> Normalisation {
        assert!(!set.is_empty(), "{}: normalisation of an empty set", set.name);
        let mut sums = vec![[0_u64; 2]; set.channels];
        for (i, plane) in set.images.chunks_exact(set.height * set.width).enumerate() {
            let [sum, squares] = &mut sums[i / set.depth % set.channels];
            for &pixel in plane {
                *sum += u64::from(pixel);
                *squares += u64::from(pixel) * u64::from(pixel);
            }
        }
        let n = (set.len() * set.depth * set.height * set.width) as u128;
        let (mean, std) = sums
            .iter()
            .map(|&[sum, squares]| {
                let scaled = n * u128::from(squares) - u128::from(sum) * u128::from(sum);
                let std = (scaled as f64).sqrt() / n as f64 / 255.0;
                let mean = sum as f64 / n as f64 / 255.0;
                (mean as f32, if scaled == 0 { 1.0 } else { std as f32 })
            })
            .unzip();
        Normalisation { mean, std }
    }

    /// For each channel, the normalised value of each byte.
    fn tables(&self) -> Vec<[f32; 256]> {
        assert_eq!(self.mean.len(), self.std.len(), "channels of mean and std");
        self.mean
            .iter()
            .zip(&self.std)
            .map(|(mean, std)| std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image_set::tests::{counting_set, counting_volumes};

    #[test]
    fn pixels_are_normalised_in_order_inside_a_black_border() {
        let set = counting_set(3, 2, 8);
        let normalisation = Normalisation { mean: vec![0.5, 0.25], std: vec![0.5, 2.0] };
        let values = set.normalised(&normalisation);
        assert_eq!(values.len(), 3 * 2 * 10 * 10);
        for (index, &value) in values.iter().enumerate() {
            let (plane, row, column) = (index / 100, index / 10 % 10, index % 10);
            let inside = (1..9).contains(&row) && (1..9).contains(&column);
            let byte = if inside { set.images[plane * 64 + (row - 1) * 8 + column - 1] } else { 0 };
            let (mean, std) = [(0.5, 0.5), (0.25, 2.0)][plane % 2];
            assert_eq!(value, (f32::from(byte) / 255.0 - mean) / std, "{plane} {row} {column}");
        }
    }

    #[test]
    fn slices_of_a_volume_are_planes_with_the_constants_of_their_channel() {
        let volumes = counting_volumes(2, 8);
        let planes = ImageSet { channels: 16, depth: 1, ..volumes.clone() };
        let of = |mean: &[f32], std: &[f32]| Normalisation { mean: mean.to_vec(), std: std.to_vec() };
        let each = of(&[[0.5; 8], [0.25; 8]].concat(), &[[0.5; 8], [2.0; 8]].concat());
        assert_eq!(volumes.normalised(&of(&[0.5, 0.25], &[0.5, 2.0])), planes.normalised(&each));
        let measured = Normalisation::of(&volumes);
        assert_eq!(measured.mean.len(), 2);
        let halves = Normalisation::of(&planes);
        let mean = |range: std::ops::Range<usize>| halves.mean[range].iter().sum::<f32>() / 8.0;
        assert!((measured.mean[0] - mean(0..8)).abs() < 1e-6);
        assert!((measured.mean[1] - mean(8..16)).abs() < 1e-6);
    }

    #[test]
    fn empty_voxels_become_minus_1_and_full_ones_5() {
        let mut set = counting_volumes(1, 1);
        (set.channels, set.images) = (1, vec![0, 255]);
        set.labels = vec![0, 0];
        let values = set.normalised(&Normalisation::occupancy());
        assert!((values[0] + 1.0).abs() < 1e-6 && (values[1] - 5.0).abs() < 1e-6, "{values:?}");
    }

    #[test]
    fn normalisation_measures_each_channel() {
        let mut set = counting_set(2, 2, 1);
        set.images = vec![0, 7, 255, 7]; // channel 0: 0 and 255, channel 1: constant
        let normalisation = Normalisation::of(&set);
        assert_eq!(normalisation.mean, [0.5, 7.0 / 255.0]);
        assert_eq!(normalisation.std, [0.5, 1.0]);
        assert_eq!(set.normalised(&normalisation), [-1.0, 0.0, 1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn its_own_normalisation_gives_mean_0_and_variance_1(n in 1_usize..5, size in 4_usize..8) {
            let set = counting_set(n, 3, size);
            let normalised = set.normalised(&Normalisation::of(&set));
            for channel in 0..3 {
                let values: Vec<f64> = normalised
                    .chunks_exact(size * size)
                    .skip(channel)
                    .step_by(3)
                    .flatten()
                    .map(|&value| f64::from(value))
                    .collect();
                let count = values.len() as f64;
                let mean = values.iter().sum::<f64>() / count;
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
                prop_assert!(mean.abs() < 1e-5, "{mean}");
                prop_assert!((variance - 1.0).abs() < 1e-5, "{variance}");
            }
        }
    }
}
