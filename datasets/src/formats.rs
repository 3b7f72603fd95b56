//! Readers of file formats: NumPy arrays, pickles and meshes.

pub(crate) mod numpy;
pub(crate) mod off;
pub(crate) mod pickle;
