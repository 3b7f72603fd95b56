//! Image and voxel data sets: readers of official formats, and `shapes` and `solids`, seeded built-in sets.
//!
//! [`load`] is the one entry: a name and [`LoadOptions`] give a [`DataSet`]. Pixels and voxels stay bytes;
//! [`ImageSet::normalised`] turns them into floats, and a [`View`] is what augmentation shows of one.
//! Nothing here draws a random number other than from a seed or a ChaCha stream that the caller gives.
//!
//! Files are not trusted: a size that a header claims is compared with what is expected and with what is there before
//! memory is taken for it, and nothing that a file holds is executed.

#![forbid(unsafe_code)]

mod cifar;
mod drawn;
mod error;
mod files;
mod image_set;
mod imagenet32;
mod load;
mod modelnet10;
mod normalisation;
mod numpy;
mod off;
mod pickle;
mod shapes;
mod solids;
mod split;
mod stl10;
mod view;
mod voxels;

pub use error::Error;
pub use image_set::ImageSet;
pub use load::{DataSet, KNOWN_DATA_SETS, LoadOptions, Source, load};
pub use normalisation::Normalisation;
pub use split::{Split, shuffled_indices};
pub use view::View;
