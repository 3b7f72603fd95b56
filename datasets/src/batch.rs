//! Batches of normalised and augmented images.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::ImageSet;

/// Some examples, ready to become tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Normalised pixels, `[batch, channels, height, width]`.
    pub images: Vec<f32>,
    /// Classes, `[batch]`.
    pub labels: Vec<i32>,
    /// `[batch, channels, height, width]`.
    pub shape: [usize; 4],
}

impl ImageSet {
    /// The examples named by `indices`, in that order, normalised. Panics if one does not exist or
    /// the normalisation is for another number of channels.
    ///
    /// Given a generator, each image is augmented with draws from it, in the order of `indices`:
    /// padded with a black border of `height / 8` pixels (4 at 32), cropped at a random place back
    /// to its size, and flipped left to right with probability 1/2. The border is black in the
    /// bytes, so after normalisation it is `-mean / std` and not 0.
    pub fn batch(
        &self,
        indices: &[usize],
        normalisation: &Normalisation,
        mut augment: Option<&mut ChaCha8Rng>,
    ) -> Batch {
        let tables = normalisation.tables();
        assert_eq!(
            tables.len(),
            self.channels,
            "{}: channels of the normalisation",
            self.name
        );
        let shape = [indices.len(), self.channels, self.height, self.width];
        let mut images = Vec::with_capacity(shape.iter().product());
        for &index in indices {
            let view = match augment.as_deref_mut() {
                Some(rng) => View::random(self.height / 8, rng),
                None => View::IDENTITY,
            };
            let planes = self.image(index).chunks_exact(self.height * self.width);
            for (plane, table) in planes.zip(&tables) {
                view.append(plane, self.width, table, &mut images);
            }
        }
        let labels = indices.iter().map(|&index| i32::from(self.labels[index])).collect();
        Batch { images, labels, shape }
    }
}

/// Which part of the padded image is seen, and whether in a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct View {
    /// Row and column of the image at the view's top left corner; negative in the border.
    top: isize,
    left: isize,
    mirrored: bool,
}

impl View {
    const IDENTITY: View = View {
        top: 0,
        left: 0,
        mirrored: false,
    };

    fn random(padding: usize, rng: &mut ChaCha8Rng) -> View {
        let padding = padding as i32;
        View {
            top: rng.random_range(-padding..=padding) as isize,
            left: rng.random_range(-padding..=padding) as isize,
            mirrored: rng.random_bool(0.5),
        }
    }

    /// Appends what this view shows of a plane `[height, width]`, looked up in `table`.
    fn append(self, plane: &[u8], width: usize, table: &[f32; 256], out: &mut Vec<f32>) {
        let height = plane.len() / width;
        for row in 0..height {
            let row = (row as isize + self.top) as usize; // a negative one wraps beyond the height
            let start = out.len();
            if row < height {
                let pixels = &plane[row * width..(row + 1) * width];
                out.extend((0..width).map(|column| {
                    let column = (column as isize + self.left) as usize;
                    table[usize::from(pixels.get(column).copied().unwrap_or(0))]
                }));
            } else {
                out.resize(start + width, table[0]);
            }
            if self.mirrored {
                out[start..].reverse();
            }
        }
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
    use rand::SeedableRng;

    use super::*;
    use crate::image_set::tests::counting_set;

    /// The normalisation under which a value is the byte itself.
    fn bytes(channels: usize) -> Normalisation {
        Normalisation {
            mean: vec![0.0; channels],
            std: vec![1.0 / 255.0; channels],
        }
    }

    #[test]
    fn a_plain_batch_is_the_normalised_bytes_in_order() {
        let set = counting_set(3, 2, 8);
        let normalisation = Normalisation {
            mean: vec![0.5, 0.25],
            std: vec![0.5, 2.0],
        };
        let batch = set.batch(&[2, 0], &normalisation, None);
        assert_eq!(batch.shape, [2, 2, 8, 8]);
        assert_eq!(batch.labels, [2, 0]);
        let expected: Vec<f32> = [2, 0]
            .iter()
            .flat_map(|&i| set.image(i).iter().enumerate())
            .map(|(i, &byte)| {
                let (mean, std) = if i < 64 { (0.5, 0.5) } else { (0.25, 2.0) };
                (f32::from(byte) / 255.0 - mean) / std
            })
            .collect();
        assert_eq!(batch.images, expected);
    }

    #[test]
    fn a_view_shifts_pads_with_black_and_mirrors() {
        let plane = [
            1, 2, 3, //
            4, 5, 6, //
            7, 8, 9, //
        ];
        let table = std::array::from_fn(|byte| byte as f32 - 100.0);
        let check = |top, left, mirrored, expected: [i32; 9]| {
            let mut out = Vec::new();
            View { top, left, mirrored }.append(&plane, 3, &table, &mut out);
            assert_eq!(out, expected.map(|byte| byte as f32 - 100.0));
        };
        check(0, 0, false, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check(0, 0, true, [3, 2, 1, 6, 5, 4, 9, 8, 7]);
        check(1, 0, false, [4, 5, 6, 7, 8, 9, 0, 0, 0]);
        check(-1, 2, false, [0, 0, 0, 3, 0, 0, 6, 0, 0]);
        check(-2, -1, true, [0, 0, 0, 0, 0, 0, 2, 1, 0]);
    }

    #[test]
    fn all_shifts_and_both_mirrors_occur_equally_often() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut counts = [[0_i32; 9]; 2];
        let mut mirrored = 0;
        for _ in 0..9_000 {
            let view = View::random(4, &mut rng);
            counts[0][(view.top + 4) as usize] += 1;
            counts[1][(view.left + 4) as usize] += 1;
            mirrored += i32::from(view.mirrored);
        }
        // Standard deviations are 30 and 47 counts: five of them.
        assert!(
            counts.as_flattened().iter().all(|&c| (c - 1_000).abs() < 150),
            "{counts:?}"
        );
        assert!((mirrored - 4_500).abs() < 240, "{mirrored}");
    }

    #[test]
    fn every_image_of_a_batch_gets_its_own_view() {
        let set = counting_set(1, 1, 32);
        let batch = set.batch(&[0; 16], &bytes(1), Some(&mut ChaCha8Rng::seed_from_u64(0)));
        let distinct: std::collections::BTreeSet<Vec<u32>> = batch
            .images
            .chunks(32 * 32)
            .map(|image| image.iter().map(|value| value.to_bits()).collect())
            .collect();
        assert!(distinct.len() > 10, "{} of 16 views", distinct.len());
    }

    #[test]
    fn normalisation_measures_each_channel() {
        let mut set = counting_set(2, 2, 1);
        set.images = vec![0, 7, 255, 7]; // channel 0: 0 and 255, channel 1: constant
        let normalisation = Normalisation::of(&set);
        assert_eq!(normalisation.mean, [0.5, 7.0 / 255.0]);
        assert_eq!(normalisation.std, [0.5, 1.0]);
        assert_eq!(set.batch(&[0, 1], &normalisation, None).images, [-1.0, 0.0, 1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn its_own_normalisation_gives_mean_0_and_variance_1(n in 1_usize..5, size in 4_usize..9) {
            let set = counting_set(n, 3, size);
            let indices: Vec<usize> = (0..n).collect();
            let batch = set.batch(&indices, &Normalisation::of(&set), None);
            for channel in 0..3 {
                let values: Vec<f64> = batch
                    .images
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

        #[test]
        fn augmentation_is_decided_by_the_stream_alone(seed in any::<u64>()) {
            let set = counting_set(4, 3, 16);
            let batch = |indices: &[usize], rng: &mut ChaCha8Rng| {
                set.batch(indices, &bytes(3), Some(rng)).images
            };
            let whole = batch(&[0, 1, 2, 3], &mut ChaCha8Rng::seed_from_u64(seed));
            // Batches are cut where one likes: the draws follow the examples.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut parts = batch(&[0], &mut rng);
            parts.extend(batch(&[1, 2, 3], &mut rng));
            prop_assert_eq!(whole, parts);
        }
    }
}
