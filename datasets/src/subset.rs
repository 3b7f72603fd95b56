//! Random subsets of a set on disk, and the streams that they are drawn from.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{Error, shuffled_indices};

/// The subset that an example belongs to. It decides the random stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subset {
    Train = 0,
    Test = 1,
}

/// `wanted` of the indices `0..n`, in random order. Each subset has its own ChaCha stream, so that one subset does not
/// depend on the size of the other.
pub(crate) fn random_indices(
    set: &str,
    n: usize,
    wanted: usize,
    seed: u64,
    subset: Subset,
) -> Result<Vec<usize>, Error> {
    if wanted == 0 || wanted > n {
        return Err(Error::Count { set: set.into(), wanted, available: n });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(subset as u64);
    let mut indices = shuffled_indices(n, &mut rng);
    indices.truncate(wanted);
    Ok(indices)
}
