//! Image and voxel data sets: readers of official formats and of one's own images, and the seeded built-in sets `shapes` and
//! `solids`.
//!
//! [`load`] is the one entry point: it turns a name and [`LoadOptions`] into a [`DataSet`]. Pixels and voxels stay
//! bytes; [`ImageSet::normalised`] turns them into floats. A [`View`] is the part of an image that augmentation shows.
//! Every random number comes from a seed or from a ChaCha stream that the caller gives.
//!
//! Files are not trusted. The crate compares each size in a header with the expected size and with the bytes in the
//! file. Only then does it take memory for it. It executes nothing that a file holds.

#![forbid(unsafe_code)]

mod data_set;
mod error;
mod formats;
mod image_set;
mod load;
mod normalisation;
mod outline;
mod sets;
mod split;
mod subset;
mod view;

pub use data_set::{DataSet, LoadOptions, Source};
pub use error::Error;
pub use image_set::ImageSet;
pub use load::{KNOWN_DATA_SETS, kind_and_path, load};
pub use normalisation::Normalisation;
pub use outline::outline;
pub use sets::npz::to_npz;
pub use split::{Split, shuffled_indices};
pub use view::View;
