//! Comparing the results of two commits.

pub mod comparable;
pub mod compare;
