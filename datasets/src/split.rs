//! Random orders, and the split of a training set into training and validation examples.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// A split of a set into training examples and held-out validation examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices to train on, in random order.
    pub train: Vec<usize>,
    /// Indices held out for validation, in random order.
    pub validation: Vec<usize>,
}

impl Split {
    /// Holds out `n_validation` random examples of `n`.
    ///
    /// # Errors
    /// [`Error::ValidationTooLarge`] if no example is left for training.
    pub fn random(n: usize, n_validation: usize, rng: &mut ChaCha8Rng) -> Result<Split, Error> {
        if n_validation >= n {
            return Err(Error::ValidationTooLarge { n, n_validation });
        }
        let mut validation = shuffled_indices(n, rng);
        let train = validation.split_off(n_validation);
        Ok(Split { train, validation })
    }
}

/// The indices `0..n` in random order.
pub fn shuffled_indices(n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..n).collect();
    indices.shuffle(rng);
    indices
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    proptest! {
        #[test]
        fn a_split_is_a_partition(n in 1_usize..300, share in 0.0..1.0, seed in any::<u64>()) {
            let n_validation = (n as f64 * share) as usize;
            let split = Split::random(n, n_validation, &mut ChaCha8Rng::seed_from_u64(seed))?;
            prop_assert_eq!(split.validation.len(), n_validation);
            let mut all = [split.train, split.validation].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_example_is_held_out_equally_often() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0_i32; 10];
        for _ in 0..10_000 {
            for index in Split::random(10, 3, &mut rng).unwrap().validation {
                counts[index] += 1;
            }
        }
        // Binomial with standard deviation 46. The tolerance is five standard deviations.
        assert!(counts.iter().all(|&count| (count - 3_000).abs() < 230), "{counts:?}");
    }

    #[test]
    fn the_order_of_a_seed_is_golden() {
        let order = shuffled_indices(10, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(order, [2, 8, 6, 1, 9, 5, 7, 4, 0, 3]);
    }

    #[test]
    fn a_split_without_training_examples_is_refused() {
        for n_validation in [5, 6] {
            let split = Split::random(5, n_validation, &mut ChaCha8Rng::seed_from_u64(0));
            let message = split.unwrap_err().to_string();
            assert!(message.contains(&format!("{n_validation} of 5 examples")), "{message}");
        }
    }
}
