//! Image data sets: readers of official binary formats, and `shapes`, a seeded built-in set.
//!
//! [`load`] is the one entry: a name and [`LoadOptions`] give a [`DataSet`]. Pixels stay bytes;
//! [`ImageSet::normalised`] turns them into floats, and a [`View`] is what augmentation shows of one.
//! Nothing here draws a random number other than from a seed or a ChaCha stream that the caller gives.

mod cifar;
mod error;
mod image_set;
mod load;
mod normalisation;
mod shapes;
mod split;
mod view;

pub use error::Error;
pub use image_set::ImageSet;
pub use load::{DataSet, KNOWN_DATA_SETS, LoadOptions, Source, load};
pub use normalisation::Normalisation;
pub use split::{Split, shuffled_indices};
pub use view::View;
