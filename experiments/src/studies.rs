//! The study kinds, one file each.

pub mod benchmark;
pub mod comparison;
pub mod correlation;
pub mod corruption;
pub mod cost;
pub mod drawings;
pub mod ensemble;
pub mod fidelity;
pub mod initialisation;
pub mod normalisation;
pub mod proxy;
pub mod sampling;
pub mod search;
pub mod throughput;
