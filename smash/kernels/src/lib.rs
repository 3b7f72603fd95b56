//! The tensor operations that take most of the time of SMASH.
//!
//! On burn-flex each has a kernel of its own, for the forward pass and the gradient. Convolutions have one on GPUs too.
//! Elsewhere burn's operations compute the same; `stock` is that version, where a test compares the two.

pub mod activation;
pub mod convolution;
pub mod elementwise;
pub mod interleaved;
pub mod normalisation;
pub mod parts;
mod planes;
pub mod pooling;
mod primitive;
pub mod products;
pub mod recording;
pub mod weight_norm;
