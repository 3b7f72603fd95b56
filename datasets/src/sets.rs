//! The data sets, one file each, with the code that several of them share.

pub(crate) mod cifar;
pub(crate) mod drawn;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod imagenet32;
pub(crate) mod modelnet10;
pub(crate) mod npz;
mod own;
pub(crate) mod shapes;
pub(crate) mod solids;
pub(crate) mod stl10;
mod voxels;
