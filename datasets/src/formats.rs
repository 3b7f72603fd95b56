//! Readers of file formats: NumPy arrays, pickles and meshes; and the writer of NumPy arrays.

pub(crate) mod npz_writer;
pub(crate) mod numpy;
pub(crate) mod off;
pub(crate) mod pickle;
