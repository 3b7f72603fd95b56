//! Image data sets: readers of official binary formats, and `shapes`, a seeded built-in set.
//!
//! [`load`] is the one entry: a name and [`LoadOptions`] give a [`DataSet`]. Pixels stay bytes;
//! [`ImageSet::batch`] turns some of them into normalised, optionally augmented floats. Nothing
//! here draws a random number other than from a seed or a ChaCha stream that the caller gives.

mod batch;
mod cifar;
mod error;
mod image_set;
mod load;
mod shapes;
mod split;

pub use batch::{Batch, Normalisation};
pub use error::Error;
pub use image_set::ImageSet;
pub use load::{DataSet, KNOWN_DATA_SETS, LoadOptions, Source, load};
pub use split::{Split, shuffled_indices};
