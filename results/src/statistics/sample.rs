//! Samples: points, means, ranks and standard deviations.

/// One architecture: the predictor and the predicted value.
pub type Point = (f64, f64);

/// The sample standard deviation, with n - 1; `None` for fewer than two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    pooled_variance(std::iter::once(values)).map(f64::sqrt)
}

/// The sum of squared distances from the mean of each sample, divided by the sum of (size - 1). `None` if no sample has
/// two values.
pub fn pooled_variance<'a>(samples: impl Iterator<Item = &'a [f64]>) -> Option<f64> {
    let (mut squares, mut freedom) = (0.0, 0);
    for sample in samples.filter(|sample| !sample.is_empty()) {
        let middle = centre(sample);
        squares += sample.iter().map(|x| (x - middle).powi(2)).sum::<f64>();
        freedom += sample.len() - 1;
    }
    (freedom > 0).then(|| squares / freedom as f64)
}

/// The mean, or the value that all share: a rounded mean would give a constant some variance.
pub(crate) fn centre(values: &[f64]) -> f64 {
    match values.iter().all(|value| *value == values[0]) {
        true => values[0],
        false => mean(values),
    }
}

/// Ranks counted from 1; ties share the mean of their ranks.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut by_value: Vec<usize> = (0..values.len()).collect();
    by_value.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for ties in by_value.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f64 + (ties.len() + 1) as f64 / 2.0;
        ties.iter().for_each(|&i| ranks[i] = rank);
        below += ties.len();
    }
    ranks
}

/// The mean of some values.
///
/// # Panics
/// If there are no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "the mean of nothing");
    values.iter().sum::<f64>() / values.len() as f64
}
