//! The spread of true errors, and their noise.

use super::sample::{mean, pooled_variance};

/// The spread of true errors, against the noise of one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpreadAndNoise {
    /// S: standard deviation of the architectures' true errors, within a root seed.
    pub spread: f64,
    /// B: standard deviation of a test error caused by the finite test set.
    pub sampling: f64,
    /// W: standard deviation of the error of one training caused by its seed, if trainings were repeated.
    pub training: Option<f64>,
    /// Standard deviation of a true error, the mean of its trainings. It is sqrt(B² + W²/r), or B if trainings were not repeated.
    pub noise: f64,
}

impl SpreadAndNoise {
    /// Spread divided by noise; `None` if the noise is 0. If the ratio is not above 1, the ranking is lost in the noise.
    pub fn ratio(&self) -> Option<f64> {
        (self.noise > 0.0).then(|| self.spread / self.noise)
    }
}

/// Compares the spread of true errors with their noise.
///
/// `e(s, a, r)` is the test error of training r of architecture a of root seed s. Its mean over the R(s, a) trainings
/// is `m(s, a)`, the true error. The mean of `m(s, a)` over the architectures is `m(s)`. Then:
/// - `S² = Σ (m(s, a) - m(s))² / Σ (architectures of s - 1)`; the upper sum is over architectures and seeds, the lower
///   over seeds;
/// - `B²` is the mean of `e (1 - e) / test_examples` over all trainings: binomial. The trainings share one test set, so
///   their mean does not lessen it;
/// - `W² = Σ (e(s, a, r) - m(s, a))² / Σ (R(s, a) - 1)`. It also holds the part of B that differs between trainings, so
///   the noise is an upper bound;
/// - noise² = `B² + W² mean(1 / R(s, a))`.
///
/// `groups[s][a][r]` holds the errors. `None` if no root seed has two architectures.
///
/// # Panics
/// If an architecture has no measurement, or the test set is empty.
pub(crate) fn spread_and_noise(groups: &[Vec<Vec<f64>>], test_examples: u64) -> Option<SpreadAndNoise> {
    assert!(test_examples > 0, "the test set is empty");
    let means: Vec<Vec<f64>> =
        groups.iter().map(|architectures| architectures.iter().map(|errors| mean(errors)).collect()).collect();
    let spread = pooled_variance(means.iter().map(Vec::as_slice))?.sqrt();
    let binomial: Vec<f64> = groups.iter().flatten().flatten().map(|e| e * (1.0 - e)).collect();
    let sampling_variance = mean(&binomial) / test_examples as f64;
    let training_variance = pooled_variance(groups.iter().flatten().map(Vec::as_slice));
    let shares: Vec<f64> = groups.iter().flatten().map(|errors| 1.0 / errors.len() as f64).collect();
    let noise = (sampling_variance + training_variance.unwrap_or(0.0) * mean(&shares)).sqrt();
    Some(SpreadAndNoise {
        spread,
        sampling: sampling_variance.sqrt(),
        training: training_variance.map(f64::sqrt),
        noise,
    })
}
