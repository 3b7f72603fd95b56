//! The tensor operations that take most of the time of SMASH.
//!
//! On burn-flex each has a kernel of its own, for the forward pass and the gradient. On other backends burn's operations
//! compute the same; `stock` in each file is that version.

pub mod activation;
mod burn_flex;
pub mod convolution;
pub mod interleaved;
pub mod normalisation;
pub mod parts;
mod planes;
pub mod pooling;
pub mod products;
pub mod recording;
pub mod weight_norm;

pub use burn_flex::{Primitive, contiguous, pieces_of_task, tensor, values};
