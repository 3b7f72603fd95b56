//! Normalisation of images.

use crate::ImageSet;

impl ImageSet {
    /// Width of the border that augmentation crops from: `height / 8` pixels (4 at 32).
    pub fn border(&self) -> usize {
        self.height / 8
    }

    /// All images normalised, each with a [border](Self::border) around it:
    /// `[images, channels, height + 2 border, width + 2 border]`. Panics if the normalisation is for another number of
    /// channels.
    ///
    /// The border is black in the bytes, so after normalisation it is `-mean / std` and not 0.
    pub fn normalised(&self, normalisation: &Normalisation) -> Vec<f32> {
        let tables = normalisation.tables();
        assert_eq!(
            tables.len(),
            self.channels,
            "{}: channels of the normalisation",
            self.name
        );
        let border = self.border();
        let width = self.width + 2 * border;
        let plane_size = (self.height + 2 * border) * width;
        let mut values = Vec::with_capacity(self.len() * self.channels * plane_size);
        let planes = self.images.chunks_exact(self.height * self.width);
        for (plane, table) in planes.zip(tables.iter().cycle()) {
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

/// Mean and standard deviation of each channel of `pixel / 255`; a normalised pixel is
/// `(pixel / 255 - mean) / std`.
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

    /// Measures a set, exactly in integers up to the last division. A channel of one single value
    /// gets the standard deviation 1, so that it becomes 0. Panics on an empty set.
    pub fn of(set: &ImageSet) -> Normalisation {
        assert!(!set.is_empty(), "{}: normalisation of an empty set", set.name);
        let mut sums = vec![[0_u64; 2]; set.channels];
        for (i, plane) in set.images.chunks_exact(set.height * set.width).enumerate() {
            let [sum, squares] = &mut sums[i % set.channels];
            for &pixel in plane {
                *sum += u64::from(pixel);
                *squares += u64::from(pixel) * u64::from(pixel);
            }
        }
        let n = (set.len() * set.height * set.width) as u128;
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
    use crate::image_set::tests::counting_set;

    #[test]
    fn pixels_are_normalised_in_order_inside_a_black_border() {
        let set = counting_set(3, 2, 8);
        let normalisation = Normalisation {
            mean: vec![0.5, 0.25],
            std: vec![0.5, 2.0],
        };
        let values = set.normalised(&normalisation);
        assert_eq!(values.len(), 3 * 2 * 10 * 10);
        for (index, &value) in values.iter().enumerate() {
            let (plane, row, column) = (index / 100, index / 10 % 10, index % 10);
            let inside = (1..9).contains(&row) && (1..9).contains(&column);
            let byte = if inside {
                set.images[plane * 64 + (row - 1) * 8 + column - 1]
            } else {
                0
            };
            let (mean, std) = [(0.5, 0.5), (0.25, 2.0)][plane % 2];
            assert_eq!(value, (f32::from(byte) / 255.0 - mean) / std, "{plane} {row} {column}");
        }
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
