//! Gabor filters as fixed weights of the stem (paper, appendix D).
//!
//! A filter is `exp(-(x^2 + y^2) / (2 s^2)) cos(2 pi (x cos t + y sin t) / l + p)` at distance `(x, y)` from the middle
//! of the kernel, with `s = l / 2`. Its mean over the kernel is subtracted. It is then divided by its Euclidean norm, so
//! that it is as large as a row of the learned stem's orthogonal initial weights.
//!
//! Channels `2 i` and `2 i + 1` form pair i of P. Both have the orientation `t = pi i / P`. Their phases p are 0 and
//! `pi / 2`. A pair reads one channel of the image, and the pairs take turns. Each time that all channels were read, the
//! next of the wavelengths l applies.

use std::f64::consts::PI;

/// Wavelengths in pixels. A kernel of seven pixels shows at least one whole wave of each.
const WAVELENGTHS: [f64; 3] = [3.0, 4.5, 6.0];

/// A bank of filters in row-major order, `[channels, image_channels, kernel, kernel]`.
pub fn filters([channels, image_channels, kernel, _]: [usize; 4]) -> Vec<f32> {
    let (pairs, pixels) = (channels.div_ceil(2), kernel * kernel);
    let mut weights = vec![0.0; channels * image_channels * pixels];
    for channel in 0..channels {
        let pair = channel / 2;
        let wavelength = WAVELENGTHS[pair / image_channels % WAVELENGTHS.len()];
        let orientation = PI * pair as f64 / pairs as f64;
        let phase = PI / 2.0 * (channel % 2) as f64;
        let first = (channel * image_channels + pair % image_channels) * pixels;
        let filter = filter(kernel, wavelength, orientation, phase);
        weights[first..first + pixels].iter_mut().zip(filter).for_each(|(weight, value)| *weight = value as f32);
    }
    weights
}

/// One filter, `[kernel, kernel]`, with mean 0 and Euclidean norm 1.
fn filter(kernel: usize, wavelength: f64, orientation: f64, phase: f64) -> Vec<f64> {
    let (middle, deviation) = ((kernel as f64 - 1.0) / 2.0, wavelength / 2.0);
    let at = |index: usize| {
        let [x, y] = [index % kernel, index / kernel].map(|place| place as f64 - middle);
        let envelope = (-(x * x + y * y) / (2.0 * deviation * deviation)).exp();
        let along = x * orientation.cos() + y * orientation.sin();
        envelope * (2.0 * PI * along / wavelength + phase).cos()
    };
    let mut values: Vec<f64> = (0..kernel * kernel).map(at).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter_mut().for_each(|value| *value /= norm);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_have_mean_0_and_norm_1_and_differ() {
        for shape in [[8, 3, 7, 7], [60, 3, 7, 7], [7, 1, 7, 7]] {
            let weights = filters(shape);
            let filters: Vec<&[f32]> = weights.chunks(shape[1] * 49).collect();
            assert_eq!(filters.len(), shape[0]);
            for (index, filter) in filters.iter().enumerate() {
                let [sum, square] =
                    [1, 2].map(|power| filter.iter().map(|&value| f64::from(value).powi(power)).sum::<f64>());
                assert!(sum.abs() < 1e-5 && (square - 1.0).abs() < 1e-5, "{sum}, {square}");
                for other in &filters[..index] {
                    let overlap: f32 = filter.iter().zip(*other).map(|(one, other)| one * other).sum();
                    assert!(overlap.abs() < 0.99, "{shape:?}: {overlap}");
                }
            }
        }
    }
}
