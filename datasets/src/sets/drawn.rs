//! Code that the built-in sets share: each example is drawn from a random stream of its own.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::subset::Subset;
use crate::{Error, ImageSet};

/// Smallest edge in pixels or voxels. Below it the classes cannot be told apart.
const MIN_SIZE: usize = 8;

/// Largest edge in pixels or voxels, a guard against a mistyped number.
const MAX_SIZE: usize = 1024;

/// Largest number of examples of one subset, a guard against a mistyped number.
const MAX_COUNT: usize = 1_000_000;

/// A request for drawn examples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) subset: Subset,
    /// Number of examples.
    pub(crate) n: usize,
    /// Edge in pixels or voxels.
    pub(crate) size: usize,
    pub(crate) seed: u64,
}

/// Draws the first examples of a subset. `draw` appends the bytes of one example of the given class.
///
/// `empty` is the set without examples, under its name.
pub(crate) fn draw_all(
    empty: ImageSet,
    order: Order,
    mut draw: impl FnMut(usize, &mut ChaCha8Rng, &mut Vec<u8>),
) -> Result<ImageSet, Error> {
    let subset = match order.subset {
        Subset::Train => "train",
        Subset::Test => "test",
    };
    let mut set = ImageSet { name: format!("{} {subset}", empty.name), ..empty };
    if order.n == 0 || order.n > MAX_COUNT {
        return Err(Error::Count { set: set.name, wanted: order.n, available: MAX_COUNT });
    }
    if !(MIN_SIZE..=MAX_SIZE).contains(&order.size) {
        return Err(Error::ImageSize {
            rule: format!("{} are drawn at any size from {MIN_SIZE} to {MAX_SIZE}", empty.name),
            set: set.name,
            wanted: order.size,
        });
    }
    set.reserve(order.n)?;
    let root = ChaCha8Rng::seed_from_u64(order.seed);
    for index in 0..order.n {
        let mut rng = root.clone();
        rng.set_stream((order.subset as u64) << 32 | index as u64);
        let label = rng.random_range(0..set.classes as u16);
        set.labels.push(label);
        draw(usize::from(label), &mut rng, &mut set.images);
    }
    Ok(set)
}
